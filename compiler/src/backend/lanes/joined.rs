//! Maps of which an output takes the pixel at its own place: it is added to the sums, or its
//! channels come after those of another map.
//!
//! Of each a row is taken apart in the frame before any output of that row is stored, so that
//! outputs may lie over it, as over the rows of the strip.

use super::assembly::Assembly;
use super::convolution::Emitter;
use super::frame;
use super::isa::{Operation, Roles};
use super::layer::{Convolution, Reduction, Weights};
use super::loaded::Loaded;
use super::pass::Pass;
use super::strip::{Strip, Taking, add_constant};

/// Bytes of the slots of such a row, which are before all of them: loads reach no others.
const SLOTS_BYTES: u32 = 8;

/// A row of such a map.
pub(crate) struct JoinedRow<'a> {
    pub(crate) taking: Taking<'a>,
    /// Of the frame: where the pixels of the next group are.
    pub(crate) field_slot: u32,
}

/// Bytes of all slots.
pub(crate) fn slots_bytes(layer: &Convolution) -> u32 {
    SLOTS_BYTES * layer.joined.len() as u32
}

/// Bytes of the frame that the rows of all such maps take.
pub(crate) fn rows_bytes(layer: &Convolution) -> u32 {
    let maps = layer.joined.iter();
    maps.map(|map| Strip::of(map).bytes()).sum()
}

/// The rows of all such maps, in the frame of the strip.
pub(crate) fn rows<'a>(
    layer: &'a Convolution,
    strip: &Strip,
    roles: &'a Roles,
) -> Vec<JoinedRow<'a>> {
    let mut slot = strip.joined_slots;
    let mut first_byte = strip.joined_byte;
    let maps = layer.joined.iter();
    maps.map(|map| {
        let (input_slot, field_slot) = (slot, slot + 4);
        let strip = Strip::of(map).at(first_byte);
        let strip = match map.stage {
            None => strip.reading_from(input_slot),
            Some(_) => strip,
        };
        slot += SLOTS_BYTES;
        first_byte += strip.bytes();
        JoinedRow {
            taking: Taking {
                layer: map,
                strip,
                roles,
            },
            field_slot,
        }
    })
    .collect()
}

impl Emitter<'_> {
    /// Before the first row.
    pub(super) fn begin_joined(&self, asm: &mut Assembly<'_>) {
        for row in &self.joined {
            row.taking.begin(asm);
        }
    }

    /// Takes the next row of each in.
    pub(super) fn take_joined(&self, asm: &mut Assembly<'_>) {
        for row in &self.joined {
            row.taking.advance(asm);
        }
        self.begin_rows_of_joined(asm);
    }

    /// The rows are there: begins with the first group of each.
    pub(super) fn begin_rows_of_joined(&self, asm: &mut Assembly<'_>) {
        let value = self.roles.value;
        for row in &self.joined {
            let strip = row.taking.strip;
            let last = (self.strip.output_groups - 1) * group_bytes(&strip);
            let first = if self.layer.backward { last } else { 0 };
            asm.emit(Operation::SlotAddress(value, strip.first_byte + first));
            asm.emit(Operation::StoreSlot(value, row.field_slot));
        }
    }

    /// Moves on to the next group of each.
    pub(super) fn advance_joined(&self, asm: &mut Assembly<'_>) {
        let (value, word) = (self.roles.value, self.roles.word);
        for row in &self.joined {
            let step = i64::from(group_bytes(&row.taking.strip));
            let step = if self.layer.backward { -step } else { step };
            asm.emit(Operation::LoadSlot(value, row.field_slot));
            add_constant(asm, value, step, word);
            asm.emit(Operation::StoreSlot(value, row.field_slot));
        }
    }

    /// What brings the value that is added to an output into `multiple`, where it is added after
    /// the sums: by shifts that are known only then. Changes `base`.
    pub(super) fn joined_value(&self, output: usize, loaded: Loaded) -> Vec<Operation> {
        let [row] = &self.joined[..] else {
            return Vec::new();
        };
        let Roles {
            base,
            multiple: value,
            ..
        } = *self.roles;
        let (bits, per_word) = (self.layer.bits, row.taking.strip.per_word);
        let (word, place) = (output as u32 / per_word, output as u32 % per_word);
        let down = (32 - bits) as u8;
        vec![
            Operation::LoadSlot(base, row.field_slot),
            Operation::Load(value, base, 4 * word),
            Operation::ShiftLeft(value, value, down - (place * bits) as u8),
            match loaded.signed_joined {
                true => Operation::ShiftRightSigned(value, value, down),
                false => Operation::ShiftRight(value, value, down),
            },
        ]
    }

    /// Adds what is joined to the sums of a pass, which are those of these weights.
    pub(super) fn add_joined(&self, asm: &mut Assembly<'_>, pass: &Pass, weights: &Weights) {
        let (Reduction::Weighted, [row], None) =
            (self.layer.reduction, &self.joined[..], weights.loaded)
        else {
            return;
        };
        let Roles {
            word,
            value,
            multiple: mask,
            ..
        } = *self.roles;
        let strip = row.taking.strip;
        let (bits, lanes) = (self.layer.bits, row.taking.layer.lanes);
        if lanes == 2 {
            asm.emit(Operation::LoadSlot(mask, frame::MASK));
        }
        let mut loaded = None;
        for output in pass.outputs() {
            let (of_pixel, place) = (
                output as u32 / strip.per_word,
                output as u32 % strip.per_word,
            );
            if loaded != Some(of_pixel) {
                asm.emit(Operation::LoadSlot(value, row.field_slot));
                asm.emit(Operation::Load(word, value, 4 * of_pixel));
                loaded = Some(of_pixel);
            }
            let by = place * bits;
            let sum = pass.place(output, None);
            let up = weights.skip + 16 * sum.lane.unwrap_or(0) as u8;
            if lanes == 2 {
                match by {
                    0 => asm.emit_all([Operation::Move(value, mask), Operation::And(value, word)]),
                    _ => asm.emit_all([
                        Operation::ShiftRight(value, word, by as u8),
                        Operation::And(value, mask),
                    ]),
                }
            } else {
                let around = (32 - bits) as u8;
                asm.emit(Operation::ShiftLeft(value, word, around - by as u8));
                asm.emit(Operation::ShiftRight(value, value, around));
            }
            if up > 0 {
                asm.emit(Operation::ShiftLeft(value, value, up));
            }
            let register = sum.register;
            asm.emit(Operation::Add(register, register, value));
        }
    }
}

/// Bytes of a group of such a row.
fn group_bytes(strip: &Strip) -> u32 {
    4 * strip.words
}
