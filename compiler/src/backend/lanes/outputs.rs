//! Where the outputs of a convolution go, and how its sums become them.

use super::assembly::{Assembly, Label};
use super::convolution::Emitter;
use super::frame;
use super::isa::{Condition, Operation, Roles};
use super::pass::Pass;
use super::ring::GoingAround;
use super::stream::Stream;
use super::strip::add_constant;

impl Emitter<'_> {
    /// Columns of outputs that a group stores.
    fn columns_of_group(&self) -> u32 {
        match self.layer.pooled {
            Some(_) => 1,
            None => self.layer.lanes,
        }
    }

    pub(crate) fn group_cells(&self) -> u32 {
        self.columns_of_group() * self.layer.output.pixel_cells
    }

    /// Whether the last group of a row has a single pixel.
    pub(crate) fn has_half_group(&self) -> bool {
        let columns = self.strip.output_groups * self.columns_of_group();
        columns > self.layer.output.width
    }

    /// Whether outputs may begin at the upper half of a byte.
    pub(crate) fn has_phases(&self) -> bool {
        let Self { layer, .. } = self;
        layer.exact_bytes.is_none()
            && layer.bits == 4
            && (self.group_cells() % 2 == 1 || layer.output.row_cells() % 2 == 1)
    }

    /// Bytes of that many cells of outputs that begin at a byte.
    fn bytes_of(&self, cells: i64) -> i64 {
        match self.layer.exact_bytes {
            Some(bytes_each) => cells * i64::from(bytes_each),
            None => cells / i64::from(8 / self.layer.bits),
        }
    }

    pub(crate) fn begin_outputs(&self, asm: &mut Assembly<'_>) {
        let Self { layer, strip, .. } = self;
        let (value, word) = (self.roles.value, self.roles.word);
        let row = match layer.backward {
            false => 0,
            true if layer.is_by_parts => layer.computed.0 - 1,
            true => strip.steps_with_outputs - 1,
        };
        let group = match layer.backward {
            false => 0,
            true => strip.output_groups - 1,
        };
        let cell =
            layer.output.first_cell + row * layer.output.row_cells() + group * self.group_cells();
        if self.has_phases() {
            asm.emit(Operation::Immediate(value, cell as i32));
            asm.emit(Operation::StoreSlot(value, frame::OUTPUT_CELL));
        } else {
            asm.emit(Operation::LoadSlot(
                value,
                match layer.exact_bytes {
                    Some(_) => frame::RESULTS,
                    None => frame::ARENA,
                },
            ));
            add_constant(asm, value, self.bytes_of(cell.into()), word);
            asm.emit(Operation::StoreSlot(value, frame::OUTPUT));
        }
    }

    /// Moves the place of the outputs on; gives what goes around their ring.
    pub(crate) fn advance_outputs(
        &self,
        asm: &mut Assembly<'_>,
        cells: i64,
    ) -> Option<GoingAround> {
        if cells == 0 {
            return None;
        }
        let (value, word) = (self.roles.value, self.roles.word);
        let cells = if self.layer.backward { -cells } else { cells };
        let (slot, step) = match self.has_phases() {
            true => (frame::OUTPUT_CELL, cells),
            false => (frame::OUTPUT, self.bytes_of(cells)),
        };
        asm.emit(Operation::LoadSlot(value, slot));
        add_constant(asm, value, step, word);
        let going_around = self.go_around(asm, value);
        asm.emit(Operation::StoreSlot(value, slot));
        going_around
    }

    /// Rounds and stores the sums of a group.
    pub(crate) fn store(&self, asm: &mut Assembly<'_>, pass: &Pass) {
        if let Some(bytes_each) = self.layer.exact_bytes {
            self.store_exactly(asm, pass, bytes_each);
            return;
        }
        if !self.has_phases() {
            self.store_from(asm, pass, 0);
            return;
        }
        let Roles {
            value,
            word,
            multiple,
            ..
        } = *self.roles;
        let (upper, done) = (asm.label(), asm.label());
        asm.emit(Operation::LoadSlot(value, frame::OUTPUT_CELL));
        asm.emit(Operation::ShiftRight(word, value, 1));
        asm.emit(Operation::LoadSlot(multiple, frame::ARENA));
        asm.emit(Operation::Add(word, word, multiple));
        asm.emit(Operation::StoreSlot(word, frame::OUTPUT));
        asm.emit(Operation::ShiftLeft(value, value, 31));
        asm.branch(Condition::NotZero(value), 0.5, upper);
        asm.times(0.5, |asm| {
            self.store_from(asm, pass, 0);
            asm.jump(done);
            asm.bind(upper);
            self.store_from(asm, pass, 1);
        });
        asm.bind(done);
    }

    /// The same, from that cell of the first byte on.
    fn store_from(&self, asm: &mut Assembly<'_>, pass: &Pass, phase: u32) {
        let Self { layer, .. } = self;
        let outputs = pass.outputs();
        let pixel_cells = layer.output.pixel_cells;
        let is_whole = outputs.len() == pixel_cells as usize;
        let first_output = outputs.start as u32;
        let first = |pixel: u32| (frame::OUTPUT, phase + pixel * pixel_cells + first_output);
        let rounding = layer.last().rounding();
        if layer.pooled.is_some() || layer.lanes == 1 {
            let mut stream = Stream::begin(asm, self.roles, rounding, first(0));
            for output in outputs {
                self.put(asm, &mut stream, pass, output, None);
            }
            stream.end(asm);
            return;
        }
        let mut stream = Stream::begin(asm, self.roles, rounding, first(0));
        for output in outputs.clone() {
            self.put(asm, &mut stream, pass, output, Some(0));
        }
        if is_whole && !self.has_half_group() {
            for output in outputs {
                self.put(asm, &mut stream, pass, output, Some(1));
            }
            stream.end(asm);
            return;
        }
        stream.end(asm);
        let half = asm.label();
        if self.has_half_group() {
            self.unless_half(asm, half);
        }
        let mut stream = Stream::begin(asm, self.roles, rounding, first(1));
        for output in outputs {
            self.put(asm, &mut stream, pass, output, Some(1));
        }
        stream.end(asm);
        asm.bind(half);
    }

    /// Goes on at `half` in the group at the end of the row, which is the first one backward.
    pub(super) fn unless_half(&self, asm: &mut Assembly<'_>, half: Label) {
        let Self { layer, strip, .. } = self;
        let value = self.roles.value;
        let last = match layer.backward {
            false => 1,
            true => strip.output_groups as i32,
        };
        asm.emit(Operation::LoadSlot(value, frame::GROUPS));
        add_constant(asm, value, -i64::from(last), self.roles.word);
        let share = 1.0 / f64::from(strip.output_groups);
        asm.branch(Condition::Zero(value), share, half);
    }

    /// Rounds the sum of a pixel of the group.
    fn put(
        &self,
        asm: &mut Assembly<'_>,
        stream: &mut Stream<'_>,
        pass: &Pass,
        output: usize,
        pixel: Option<u32>,
    ) {
        use Operation::LoadSlot;
        let layer = self.layer.last();
        let Roles {
            value, multiple, ..
        } = *self.roles;
        let ties = layer.weights.ties[output];
        if layer.pooled.is_some() {
            let place = self.maximum(output);
            let down = match (self.layer.lanes, layer.signed_outputs) {
                (1, _) => Vec::new(),
                (_, true) => vec![Operation::ShiftRightSigned(value, value, 16)],
                (_, false) => vec![Operation::ShiftRight(value, value, 16)],
            };
            stream.put(
                asm,
                (&[LoadSlot(value, place)], &down),
                ties,
                !layer.pools_two_pairs(),
            );
            return;
        }
        let place = pass.place(output, pixel);
        if let Some(loaded) = layer.weights.loaded {
            let signed = layer.signed_outputs;
            let joined = self.joined_value(output, loaded);
            loaded.put(asm, stream, self.roles, (place, output, signed), joined);
            return;
        }
        let (load, down) = place.load(asm.isa(), value, multiple, layer.signed_outputs);
        stream.put(asm, (&load, &down), ties, false);
    }

    /// Rounds the sums of a depthwise kernel, and keeps them for a pointwise one.
    pub(crate) fn store_pixel(&self, asm: &mut Assembly<'_>, pass: &Pass) {
        let Self { layer, .. } = self;
        let (value, multiple) = (self.roles.value, self.roles.multiple);
        let outputs = pass.outputs();
        let first = (frame::PIXEL, outputs.start as u32);
        let mut stream = Stream::begin(asm, self.roles, layer.rounding(), first);
        for output in outputs {
            let place = pass.place(output, None);
            if let Some(loaded) = layer.weights.loaded {
                let to = (place, output, layer.signed_outputs);
                loaded.put(asm, &mut stream, self.roles, to, Vec::new());
                continue;
            }
            let (load, down) = place.load(asm.isa(), value, multiple, layer.signed_outputs);
            stream.put(asm, (&load, &down), layer.weights.ties[output], false);
        }
        stream.end(asm);
    }
}
