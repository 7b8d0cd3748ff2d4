//! What happens when a row of the first map is complete: each stage that can computes a row.
//!
//! A new row of a map is stored over the oldest one, which the next stage still reads. So that
//! stage takes its oldest row apart before, to a place in the frame that its neighbour leaves
//! free, and the others after that.

use super::assembly::{Assembly, Label};
use super::convolution::{Emitter, with_emitter};
use super::dense_rows;
use super::design::Design;
use super::frame;
use super::grid_rows::{goes_on, row_index, unless_due, zero_if_multiple};
use super::isa::{Condition, Operation, Register, Roles};
use super::layer::{Convolution, Reduction};
use super::pass::Pass;
use super::reduction::MOST_TAPS;
use super::ring::{
    GoingAround, address_of_slot, around, back_from_end, load_position, point_into_cursor,
    ring_end, slot_before,
};
use super::stage::{Stage, StageInput, StageLayer, StageOutput, StoredRing};
use super::strip::{Registers, Strip, Taking, add_constant, share_of_loops};
use crate::backend::avr::CodeForm;

/// The strip of each stage that has one: that of a stage lies after the oldest row of the one
/// after it.
fn strips(stages: &[Stage]) -> Vec<Option<Strip>> {
    let mut first_byte = first_byte(stages);
    let base = first_byte;
    let strips = stages.iter().rev().map(|stage| match &stage.layer {
        StageLayer::Convolution(layer) => {
            let strip = Strip::of(layer).at(first_byte);
            first_byte = match is_there_before(layer, &strip) {
                true => first_byte + strip.row_bytes(),
                false => base,
            };
            Some(strip)
        }
        StageLayer::Dense(_) => None,
    });
    let mut strips: Vec<Option<Strip>> = strips.collect();
    strips.reverse();
    strips
}

/// Whether the first row of its strip is there before a stage computes.
fn is_there_before(layer: &Convolution, strip: &Strip) -> bool {
    match layer.stage.map(|rows| rows.input) {
        Some(StageInput::Strip) => true,
        Some(StageInput::Ring(_) | StageInput::Padded(_) | StageInput::Pairs(_)) => strip.rows > 1,
        // Of these, all rows are there.
        Some(StageInput::Stacked(_)) | None => false,
    }
}

/// The first byte of the frame that no stage has a slot at.
fn first_byte(stages: &[Stage]) -> u32 {
    let has_few = stages.iter().all(|stage| match &stage.layer {
        StageLayer::Convolution(layer) => {
            let is_unrolled = layer.form.code_form() == CodeForm::Unrolled;
            let is_wide = layer.pooled.is_some_and(|it| it.columns > layer.lanes);
            let counts_taps = layer.reduction != Reduction::Weighted && layer.kernel.1 > MOST_TAPS;
            is_unrolled && !is_wide && !counts_taps && layer.pointwise.is_none()
        }
        // Of that, no strip is there any more.
        StageLayer::Dense(_) => true,
    });
    match has_few {
        true => frame::OF_FEW,
        false => frame::STRIP,
    }
}

/// Bytes of the frame.
pub(crate) fn frame_bytes(stages: &[Stage]) -> u32 {
    let ends = strips(stages).into_iter().flatten();
    let ends = ends.map(|strip| strip.end_byte());
    ends.max().unwrap_or(0).max(frame::STRIP)
}

/// What all stages do at one of the grid's rows.
pub(crate) fn emit(asm: &mut Assembly<'_>, design: &Design) {
    let roles = asm.isa().roles();
    let rows = design.grid_rows;
    let strips = strips(&design.stages);
    let done = asm.label();
    // One that has computed all that it does may have stages after it that have not.
    let all_go_on = design
        .stages
        .iter()
        .all(|stage| goes_on(stage.timing, rows));
    for (index, stage) in design.stages.iter().enumerate() {
        let share = f64::from(stage.timing.count) / f64::from(rows);
        let next = design.stages.get(index + 1);
        let next_strip = strips.get(index + 1).copied().flatten();
        let next = next.and_then(|next| match &next.layer {
            StageLayer::Convolution(layer) => Some((layer, next_strip?)),
            StageLayer::Dense(_) => None,
        });
        asm.part(stage.node().index());
        let not_due = if all_go_on { done } else { asm.label() };
        asm.times(share, |asm| {
            unless_due(asm, &roles, (stage.timing, rows), not_due);
            match (&stage.layer, strips[index]) {
                (StageLayer::Convolution(layer), Some(strip)) => {
                    let is_first = index == 0;
                    convolution(asm, (layer, strip), is_first, next);
                }
                (StageLayer::Dense(dense), _) => dense_rows::emit(asm, dense, stage.timing),
                (StageLayer::Convolution(_), None) => {}
            }
        });
        if !all_go_on {
            asm.bind(not_due);
        }
    }
    asm.bind(done);
}

/// A row of a convolution, or of a pooling. Of the next one, the oldest row is taken apart before a
/// new one is stored.
fn convolution(
    asm: &mut Assembly<'_>,
    (layer, strip): (&Convolution, Strip),
    is_first: bool,
    next: Option<(&Convolution, Strip)>,
) {
    let Some(rows) = layer.stage else { return };
    with_emitter(asm, layer, strip, |asm, emitter, passes| {
        // Of a kernel of one row, that is the newest one.
        let from = match is_first || strip.rows == 1 {
            true => 0,
            false => 1,
        };
        match rows.input {
            StageInput::Ring(ring) => emitter.taking.take_rows(asm, ring, from..strip.rows, 0),
            StageInput::Padded(padded) => emitter.taking.take_padded(asm, &padded, from > 0),
            StageInput::Stacked(stacked) => emitter.taking.take_stacked(asm, &stacked),
            StageInput::Pairs(pairs) => emitter.taking.take_pairs(asm, &pairs, false),
            StageInput::Strip => {}
        }
        if let Some(windows) = &rows.waiting {
            emitter.begin_waiting(asm, windows);
        }
        if let Some((next, next_strip)) = next
            && let Some(next_rows) = next.stage
            && next_strip.rows > 1
        {
            let taking = Taking {
                layer: next,
                strip: next_strip,
                roles: emitter.roles,
            };
            emitter.with_last_row(asm, |asm| match next_rows.input {
                StageInput::Ring(ring) => taking.take_rows(asm, ring, 0..1, 1),
                StageInput::Padded(padded) => taking.take_oldest_padded(asm, &padded),
                StageInput::Pairs(pairs) => taking.take_pairs(asm, &pairs, true),
                // Of these, all rows are there.
                StageInput::Stacked(_) | StageInput::Strip => {}
            });
        }
        let next_strip = next.map(|(_, strip)| strip);
        emitter.row_of_stage(asm, passes, (rows.output, next_strip));
    });
}

impl Taking<'_> {
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
        let Some(byte) = ring.position_byte else {
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
