//! Sums that all take every value, their weights as instructions.

use super::pixel::PixelSums;
use super::{frame, rescale};
use crate::backend::PixelValues;
use crate::backend::lanes::assembly::Assembly;
use crate::backend::lanes::isa::{Condition, InstructionSet, Operation, Register, Roles};
use crate::backend::lanes::layer::Weights;
use crate::backend::lanes::multiples::Multiples;
use crate::backend::lanes::strip::add_constant;
use crate::backend::lanes::sums::{Spares, Sums, arranged};

/// The farthest value that is loaded without moving the pointer.
const MOST_OFFSET: u32 = 255;

/// A layer's sums in registers, pass by pass: in each as many as there are registers for.
pub(super) struct Unrolled<'a> {
    weights: Weights,
    multiples: Multiples<'a>,
    passes: Vec<Sums>,
}

impl<'a> Unrolled<'a> {
    pub(super) fn of(isa: &'a dyn InstructionSet, sums: &PixelSums) -> Self {
        let weights = Weights::of_products(sums.weights.clone(), sums.outputs);
        let mut multiples = Multiples::new(isa);
        let passes = arranged(&isa.roles(), &mut multiples, &weights, Spares::default());
        Self {
            weights,
            multiples,
            passes,
        }
    }

    /// Emits all outputs; a value is 0 with that probability.
    pub(super) fn emit(mut self, asm: &mut Assembly<'_>, sums: &PixelSums, zero: f64) {
        for pass in std::mem::take(&mut self.passes) {
            let Roles { base, value, .. } = pass.roles;
            let places = pass.outputs.clone().map(|output| pass.place(output).0);
            let places: Vec<Register> = places.collect();
            asm.emit(Operation::Immediate(value, 0));
            for &sum in &places {
                asm.emit(Operation::Move(sum, value));
            }
            asm.emit(Operation::LoadSlot(base, frame::PIECES));
            match &sums.values {
                PixelValues::Together | PixelValues::OfOneTap(_) => {
                    self.add_values(asm, &pass, (0, sums.values_of_piece), zero);
                }
                PixelValues::ByAddress(pieces) => {
                    for piece in 0..pieces.len() as u32 {
                        if piece > 0 {
                            asm.emit(Operation::LoadSlot(base, frame::PIECES));
                        }
                        asm.emit(Operation::Load(value, base, 4 * piece));
                        asm.emit(Operation::Move(base, value));
                        let first = piece * sums.values_of_piece;
                        self.add_values(asm, &pass, (first, sums.values_of_piece), zero);
                    }
                }
            }
            for (place, &sum) in (0..).zip(&places) {
                asm.emit(Operation::Move(value, sum));
                asm.emit(Operation::StoreSlot(value, frame::SUMS + 4 * place));
            }
            rescale::emit(asm, &sums.scales, places.len() as u32);
        }
    }

    /// Adds the values that `base` points at, whose weights are those of rows from the first one on.
    fn add_values(
        &mut self,
        asm: &mut Assembly<'_>,
        pass: &Sums,
        (first_row, count): (u32, u32),
        zero: f64,
    ) {
        let Roles {
            base, value, word, ..
        } = pass.roles;
        let mut at = 0;
        for place in 0..count {
            let row = (first_row + place) as usize;
            if !pass.uses(&self.weights, row) {
                continue;
            }
            if place - at > MOST_OFFSET {
                add_constant(asm, base, (place - at).into(), word);
                at = place;
            }
            let is_zero = asm.label();
            asm.emit(Operation::LoadSignedByte(value, base, place - at));
            asm.emit(Operation::AddImmediate(value, 128));
            asm.branch(Condition::Zero(value), zero, is_zero);
            asm.times(1.0 - zero, |asm| {
                pass.add(asm, &mut self.multiples, &self.weights, row);
            });
            asm.bind(is_zero);
        }
    }
}
