//! What happens when a row of the first map is complete: each stage that can computes a row.
//!
//! A new row of a map is stored over the oldest one, which later stages still read. So these take
//! their oldest row apart before, to places in the frame that the stages up to them leave free, and
//! the others after that.

use super::assembly::{Assembly, Label};
use super::convolution::{Emitter, with_emitter};
use super::dense_rows;
use super::design::Design;
use super::frame;
use super::grid_rows::{row_index, unless_due, zero_if_multiple};
use super::isa::{Condition, Operation, Register, Roles};
use super::joined;
use super::layer::Convolution;
use super::pass::Pass;
use super::ring::{
    GoingAround, address_of_slot, around, back_from_end, load_position, point_into_cursor,
    ring_end, slot_before,
};
use super::stage::{Stage, StageInput, StageLayer, StageOutput, StoredRing};
use super::stage_frame::strips;
use super::strip::{Registers, Strip, Taking, add_constant, share_of_loops};

/// What all stages do at one of the grid's rows.
pub(crate) fn emit(asm: &mut Assembly<'_>, design: &Design) {
    let roles = asm.isa().roles();
    let rows = design.grid_rows;
    let strips = strips(&design.stages);
    let done = asm.label();
    for (index, stage) in design.stages.iter().enumerate() {
        let share = f64::from(stage.timing.count) / f64::from(rows);
        asm.part(stage.node().index());
        // Where it computes nothing, those after it mostly do not either.
        let mut after = design.stages[index..].iter();
        let is_end = after.all(|later| stage.timing.has_all_of(later.timing));
        let not_due = if is_end { done } else { asm.label() };
        asm.times(share, |asm| {
            unless_due(asm, &roles, (stage.timing, rows), not_due);
            match (&stage.layer, strips[index]) {
                (StageLayer::Convolution(layer), Some(strip)) => {
                    let later = (&design.stages[..], &strips[..]);
                    convolution(asm, (layer, strip), (index, later));
                }
                (StageLayer::Dense(dense), strip) => {
                    dense_rows::emit(asm, (dense, strip), stage.timing);
                }
                (StageLayer::Convolution(_), None) => {}
            }
        });
        if !is_end {
            asm.bind(not_due);
        }
    }
    asm.bind(done);
}

/// A row of the convolution, or pooling, with that index. What other stages still read of the row
/// that the new one goes over is taken apart before.
fn convolution(
    asm: &mut Assembly<'_>,
    (layer, strip): (&Convolution, Strip),
    (index, (stages, strips)): (usize, (&[Stage], &[Option<Strip>])),
) {
    let Some(rows) = layer.stage else { return };
    with_emitter(asm, layer, strip, |asm, emitter, passes| {
        emitter.taking.take_rest(asm);
        for row in &emitter.joined {
            row.taking.take_rest(asm);
        }
        if let Some(windows) = &rows.waiting {
            emitter.begin_waiting(asm, windows);
        }
        let later = stages.iter().zip(strips).skip(index + 1);
        let later = later.filter_map(|(stage, strip)| match &stage.layer {
            StageLayer::Convolution(layer) => Some((&**layer, (*strip)?)),
            StageLayer::Dense(_) => None,
        });
        let mut next_strip = None;
        let mut oldest = Vec::new();
        for (layer, strip) in later {
            let roles = emitter.roles;
            let own = Taking {
                layer,
                strip,
                roles,
            };
            let joined = joined::rows(layer, &strip, roles).into_iter();
            let takings = [own].into_iter().chain(joined.map(|row| row.taking));
            for taking in takings.filter(|taking| taking.is_before(index)) {
                match taking.input() {
                    Some(StageInput::Strip) => next_strip = Some(taking.strip),
                    Some(
                        StageInput::Ring(_)
                        | StageInput::Indexed(_)
                        | StageInput::Stacked(_)
                        | StageInput::Pairs(_),
                    ) => oldest.push(taking),
                    None => {}
                }
            }
        }
        if !oldest.is_empty() {
            emitter.with_last_row(asm, |asm| {
                for taking in &oldest {
                    taking.take_oldest(asm);
                }
            });
        }
        emitter.begin_rows_of_joined(asm);
        emitter.row_of_stage(asm, passes, (rows.output, next_strip));
    });
}

impl Taking<'_> {
    fn input(&self) -> Option<StageInput> {
        Some(self.layer.stage?.input)
    }

    /// Whether its oldest row is there before that stage's row of outputs.
    fn is_before(&self, index: usize) -> bool {
        let rows = self.layer.stage;
        rows.is_some_and(|rows| rows.oldest_before == Some(index))
    }

    /// Takes the rows of the field apart that were not before.
    pub(super) fn take_rest(&self, asm: &mut Assembly<'_>) {
        let Some(stage) = self.layer.stage else {
            return;
        };
        let took_oldest = stage.oldest_before.is_some();
        let first = u32::from(took_oldest);
        match stage.input {
            StageInput::Ring(ring) => self.take_rows(asm, ring, first..self.strip.rows, 0),
            StageInput::Indexed(indexed) => self.take_indexed(asm, &indexed, took_oldest),
            StageInput::Stacked(stacked) => self.take_stacked(asm, &stacked),
            StageInput::Pairs(pairs) => self.take_pairs(asm, &pairs, false),
            StageInput::Strip => {}
        }
    }

    /// Takes the oldest row of the field apart, before its newest one is there.
    fn take_oldest(&self, asm: &mut Assembly<'_>) {
        let Some(stage) = self.layer.stage else {
            return;
        };
        match stage.input {
            StageInput::Ring(ring) => self.take_rows(asm, ring, 0..1, 1),
            StageInput::Indexed(indexed) => self.take_oldest_indexed(asm, &indexed),
            StageInput::Pairs(pairs) => self.take_pairs(asm, &pairs, true),
            // Of these, all rows are there.
            StageInput::Stacked(_) | StageInput::Strip => {}
        }
    }

    /// Takes rows of the field apart that is in a ring, of whose last row `missing` are not yet
    /// there, to their places in the strip.
    fn take_rows(
        &self,
        asm: &mut Assembly<'_>,
        ring: StoredRing,
        rows: std::ops::Range<u32>,
        missing: u32,
    ) {
        if rows.is_empty() {
            return;
        }
        let Self { layer, strip, .. } = self;
        let Registers {
            source,
            target,
            word,
            piece,
            count,
        } = Registers::of(self.roles);
        load_position(asm, &ring, [word, piece]);
        let back = (strip.rows - missing - rows.start) * ring.width;
        slot_before(asm, &ring, back, [word, piece]);
        let by_cell = strip.has_phases(layer);
        address_of_slot(asm, &ring, (layer.bits, by_cell), [source, word]);
        asm.emit(Operation::StoreSlot(source, frame::INPUT));
        let first = strip.first_byte + rows.start * strip.row_bytes();
        asm.emit(Operation::SlotAddress(target, first));
        let times = rows.end - rows.start;
        if times == 1 {
            self.take_row(asm);
            return;
        }
        asm.emit(Operation::StoreSlot(target, frame::TARGET));
        asm.emit(Operation::Immediate(count, times as i32));
        asm.emit(Operation::StoreSlot(count, frame::INPUT_ROWS));
        let next = asm.here();
        asm.times(times.into(), |asm| {
            asm.emit(Operation::LoadSlot(target, frame::TARGET));
            self.take_row(asm);
            asm.emit(Operation::LoadSlot(source, frame::INPUT));
            let cells = i64::from(ring.width * ring.pixel_cells);
            let step = match by_cell {
                true => cells,
                false => cells / i64::from(8 / layer.bits),
            };
            add_constant(asm, source, step, piece);
            let form = (layer.bits, by_cell);
            let distance = ring_end(asm, &ring, form, ([piece, word], 0));
            back_from_end(asm, [source, piece], distance, word);
            self.next_row(asm, times, next);
        });
    }

    /// The source is the next row to take: keeps it, and goes on with the next row of the strip, of
    /// that many.
    pub(super) fn next_row(&self, asm: &mut Assembly<'_>, rows: u32, next: Label) {
        let Registers {
            source,
            target,
            piece,
            count,
            ..
        } = Registers::of(self.roles);
        asm.emit(Operation::StoreSlot(source, frame::INPUT));
        asm.emit(Operation::LoadSlot(target, frame::TARGET));
        add_constant(asm, target, self.strip.row_bytes().into(), piece);
        asm.emit(Operation::StoreSlot(target, frame::TARGET));
        asm.emit(Operation::LoadSlot(count, frame::INPUT_ROWS));
        asm.emit(Operation::AddImmediate(count, -1));
        asm.emit(Operation::StoreSlot(count, frame::INPUT_ROWS));
        asm.branch(Condition::NotZero(count), share_of_loops(rows), next);
    }

    /// Goes on at the ring's first pixel, if it was its last one: rarely, at the place that it
    /// gives.
    pub(crate) fn go_around(
        &self,
        asm: &mut Assembly<'_>,
        registers: &Registers,
    ) -> Option<GoingAround> {
        let ring = self.layer.stage?.input.ring()?;
        let &Registers {
            source,
            word,
            piece,
            ..
        } = registers;
        let form = (self.layer.bits, false);
        ring.breaks_rows()
            .then(|| GoingAround::begin(asm, &ring, form, [source, piece, word]))
    }
}

impl Emitter<'_> {
    /// A row of outputs, to where it goes: that may be the next strip.
    fn row_of_stage(
        &self,
        asm: &mut Assembly<'_>,
        passes: &[Pass],
        (output, next_strip): (StageOutput, Option<Strip>),
    ) {
        let Roles {
            value,
            word,
            multiple,
            ..
        } = *self.roles;
        if let StageOutput::Pairs(rows) = output {
            self.begin_pairs(asm, &rows);
            self.row(asm, passes);
            self.end_pairs(asm, &rows);
            return;
        }
        let bits = self.layer.bits;
        let slot = match self.has_phases() {
            true => frame::OUTPUT_CELL,
            false => frame::OUTPUT,
        };
        match output {
            StageOutput::Windows(windows) => {
                asm.emit(Operation::LoadSlot(value, frame::ARENA));
                let byte = windows.first_cell / (8 / bits);
                add_constant(asm, value, byte.into(), word);
            }
            StageOutput::Ring(ring) => {
                load_position(asm, &ring, [word, multiple]);
                address_of_slot(asm, &ring, (bits, self.has_phases()), [value, word]);
            }
            StageOutput::Strip => {
                let byte = next_strip.map_or(0, |strip| strip.first_byte);
                asm.emit(Operation::SlotAddress(value, byte));
            }
            StageOutput::Pairs(_) => {}
        }
        asm.emit(Operation::StoreSlot(value, slot));
        if let Some(windows) = &self.layer.paired_windows() {
            self.begin_paired_windows(asm, windows);
        }
        self.row(asm, passes);
        let StageOutput::Ring(ring) = output else {
            return;
        };
        let Some(byte) = ring.position_byte() else {
            return;
        };
        self.with_last_row(asm, |asm| {
            load_position(asm, &ring, [value, word]);
            add_constant(asm, value, ring.width.into(), word);
            around(asm, &ring, [value, word]);
            asm.emit(Operation::LoadSlot(word, frame::NETWORK));
            let first = point_into_cursor(asm, word, byte);
            asm.emit(Operation::StoreByte(value, word, first));
            if ring.pixels > 256 {
                asm.emit(Operation::ShiftRight(value, value, 8));
                asm.emit(Operation::StoreByte(value, word, first + 1));
            }
        });
    }

    /// Goes on at the first pixel of the ring that outputs go to, if they are at its end: rarely,
    /// at the place that it gives.
    pub(crate) fn go_around(&self, asm: &mut Assembly<'_>, place: Register) -> Option<GoingAround> {
        let ring = self.layer.output_ring()?;
        let (word, multiple) = (self.roles.word, self.roles.multiple);
        let form = (self.layer.bits, self.has_phases());
        ring.breaks_rows()
            .then(|| GoingAround::begin(asm, &ring, form, [place, multiple, word]))
    }

    /// The largest sums of a window begin with those that its activations may have been; gives
    /// how often they do not, the code for which comes next, as `begun` comes after that.
    pub(crate) fn begin_from_window(
        &self,
        asm: &mut Assembly<'_>,
        pass: &Pass,
        begun: Label,
    ) -> f64 {
        let Self { layer, .. } = self;
        let windows = match layer.windows() {
            Some(windows) if windows.rows > 1 => windows,
            Some(_) | None => return 1.0,
        };
        let Roles { value, word, .. } = *self.roles;
        let share = 1.0 / f64::from(windows.rows);
        let is_first = asm.label();
        row_index(asm, self.roles, windows.timing);
        zero_if_multiple(asm, self.roles, windows.rows);
        asm.branch(Condition::Zero(value), share, is_first);
        asm.times(1.0 - share, |asm| {
            asm.emit(Operation::LoadSlot(word, frame::OUTPUT));
            let (per_byte, mut at) = (8 / layer.bits, 0);
            let lane_bits = if layer.lanes == 2 { 16 } else { 0 };
            let sum_bits = layer.bits + u32::from(layer.weights.right) + lane_bits;
            for output in pass.outputs() {
                let (byte, place) = (output as u32 / per_byte, output as u32 % per_byte);
                if byte - at > 31 {
                    add_constant(asm, word, (byte - at).into(), value);
                    at = byte;
                }
                asm.emit(Operation::LoadByte(value, word, byte - at));
                if place > 0 {
                    asm.emit(Operation::ShiftRight(value, value, layer.bits as u8));
                }
                let up = (32 - layer.bits) as u8;
                asm.emit(Operation::ShiftLeft(value, value, up));
                let down = (32 - sum_bits) as u8;
                match layer.signed_outputs {
                    _ if down == 0 => {}
                    true => asm.emit(Operation::ShiftRightSigned(value, value, down)),
                    false => asm.emit(Operation::ShiftRight(value, value, down)),
                }
                asm.emit(Operation::StoreSlot(value, self.maximum(output)));
            }
            asm.jump(begun);
        });
        asm.bind(is_first);
        share
    }
}
