//! How a row of a map is taken apart into words of the strip.

use super::assembly::Assembly;
use super::isa::{Condition, Operation, Register};
use super::stage::{IndexedRing, StageInput};
use super::strip::{Registers, Taking, add_constant, share_of_loops};

impl Taking<'_> {
    /// Takes a row apart that begins at that cell of the byte at `source`.
    pub(crate) fn take_apart(&self, asm: &mut Assembly<'_>, phase: u32) {
        let Self { layer, strip, .. } = self;
        let registers = Registers::of(self.roles);
        let lanes = layer.lanes;
        let width = i64::from(layer.input.width);
        let pixel_cells = i64::from(layer.input.pixel_cells);
        let column =
            |group: u32, lane: u32| i64::from(group * lanes + lane) - i64::from(layer.padding.1);
        let present = |group: u32| -> Vec<bool> {
            let lanes = (0..lanes).map(|lane| (0..width).contains(&column(group, lane)));
            lanes.collect()
        };
        let cell = |group: u32| i64::from(phase) + column(group, 0) * pixel_cells;
        let group_bytes = 4 * strip.words;
        let indexed = self.indexed();
        if let Some(indexed) = &indexed
            && indexed.ring.breaks_rows()
            && lanes == 2
            && layer.padding.1 % 2 == 1
        {
            self.take_between_pairs(asm, indexed);
            return;
        }
        // Groups before and after the map stay zeros, unless the frame was another's since.
        let first = (0..strip.groups).find(|&group| present(group).contains(&true));
        let Some(first) = first else { return };
        let last = (first..strip.groups).rfind(|&group| present(group).contains(&true));
        let last = last.unwrap_or(first);
        let mut group = first;
        if indexed.is_some() {
            self.nothing_beside(asm, first);
        } else if first > 0 {
            let bytes = i64::from(first * group_bytes);
            add_constant(asm, registers.target, bytes, registers.piece);
        }
        // Where source points, in cells from the beginning of the row's byte.
        let per_byte = i64::from(8 / layer.bits);
        let mut at = 0;
        while group <= last {
            let is_whole = |group: u32| !present(group).contains(&false);
            let whole = (group..=last).take_while(|&group| is_whole(group)).count() as u32;
            // Groups after which the same cell of a byte comes next.
            let body = match (i64::from(lanes) * pixel_cells) % per_byte {
                0 => 1,
                _ => 2,
            };
            let times = whole / body;
            let (groups, times) = match times {
                0 => (1, 1),
                _ => (body, times),
            };
            let begins = cell(group).max(0) / per_byte * per_byte;
            if begins != at {
                let bytes = (begins - at) / per_byte;
                add_constant(asm, registers.source, bytes, registers.piece);
                at = begins;
            }
            if times > 1 {
                asm.emit(Operation::Immediate(registers.count, times as i32));
            }
            let next = asm.here();
            let mut going_around = None;
            asm.times(times.into(), |asm| {
                for index in 0..groups {
                    let from = cell(group + index) - at;
                    let from = [from, from + pixel_cells].map(|cell| (registers.source, cell));
                    self.take_group(asm, &registers, from, &present(group + index));
                }
                if times > 1 {
                    let cells = i64::from(groups * lanes) * pixel_cells;
                    add_constant(asm, registers.source, cells / per_byte, registers.piece);
                    going_around = self.go_around(asm, &registers);
                    asm.emit(Operation::AddImmediate(registers.count, -1));
                    let share = share_of_loops(times);
                    asm.branch(Condition::NotZero(registers.count), share, next);
                }
            });
            if let Some(going_around) = going_around {
                going_around.end(asm);
            }
            if times > 1 {
                at += i64::from(groups * lanes * times) * pixel_cells;
            }
            group += groups * times;
        }
        if indexed.is_some() {
            self.nothing_beside(asm, strip.groups - 1 - last);
        }
    }

    /// The ring, where fields may reach beyond the map.
    fn indexed(&self) -> Option<IndexedRing> {
        match self.layer.stage?.input {
            StageInput::Indexed(indexed) => Some(indexed),
            StageInput::Ring(_)
            | StageInput::Stacked(_)
            | StageInput::Pairs(_)
            | StageInput::Strip => None,
        }
    }

    /// Takes a group in of which each pixel begins that many cells after a register, and moves
    /// `target` on.
    pub(super) fn take_group(
        &self,
        asm: &mut Assembly<'_>,
        registers: &Registers,
        from: [(Register, i64); 2],
        present: &[bool],
    ) {
        let Self { layer, strip, .. } = self;
        let (bits, channels) = (layer.bits, layer.input.channels);
        let per_byte = 8 / bits;
        let lane_bits = 32 / layer.lanes;
        // The word that `target` points at: stores reach 32 from there.
        let mut at = 0;
        for word in 0..strip.words {
            if word - at == 32 {
                asm.emit(Operation::AddImmediate(registers.target, 4 * 32));
                at = word;
            }
            // Cells of the map with the bit of the word that each goes to.
            let mut pieces: Vec<(Register, u32, u32)> = Vec::new();
            let pixels = (0..).zip(from).zip(present);
            for ((lane, (pointer, first)), _) in pixels.filter(|(_, present)| **present) {
                let end = channels.min((word + 1) * strip.per_word);
                for channel in word * strip.per_word..end {
                    let cell = first + i64::from(channel);
                    let bit = lane * lane_bits + (channel % strip.per_word) * bits;
                    pieces.push((pointer, cell as u32, bit));
                }
            }
            let mut is_begun = false;
            let mut pieces = pieces.into_iter().peekable();
            while let Some((pointer, cell, bit)) = pieces.next() {
                let register = match is_begun {
                    false => registers.word,
                    true => registers.piece,
                };
                let byte = cell / per_byte;
                asm.emit(Operation::LoadByte(register, pointer, byte));
                let other = (pointer, cell + 1, bit + 4);
                let has_both = bits == 4 && cell % 2 == 0 && pieces.next_if_eq(&other).is_some();
                let shifts: &[(bool, u32)] = match (bits, cell % 2, has_both) {
                    (8, _, _) | (_, _, true) => &[(true, bit)],
                    (_, 0, _) => &[(true, 28), (false, 28 - bit)],
                    (_, _, _) => &[(false, 4), (true, bit)],
                };
                for &(left, by) in shifts.iter().filter(|(_, by)| *by > 0) {
                    asm.emit(match left {
                        true => Operation::ShiftLeft(register, register, by as u8),
                        false => Operation::ShiftRight(register, register, by as u8),
                    });
                }
                if is_begun {
                    asm.emit(Operation::Or(registers.word, registers.piece));
                }
                is_begun = true;
            }
            if !is_begun {
                asm.emit(Operation::Immediate(registers.word, 0));
            }
            if layer.signed_inputs {
                asm.emit(Operation::Xor(registers.word, self.roles.low[0]));
            }
            let offset = 4 * (word - at);
            asm.emit(Operation::Store(registers.word, registers.target, offset));
        }
        asm.emit(Operation::AddImmediate(
            registers.target,
            4 * (strip.words - at) as i32,
        ));
    }
}
