//! Where trees and prototypes find the values that they read, and where their scores go.

use super::{first_byte, taken_byte};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::Mode;
use crate::backend::avr::isa::loops::counted;
use crate::backend::avr::isa::registers::{
    NETWORK, Pointer, R14, R18, R24, RESULTS, Register, X, Y, Z, ZERO,
};
use crate::backend::avr::layer::part::LayerPart;
use crate::backend::avr::memory::position::position_in_network;
use crate::backend::avr::segments::reading::Reading;
use crate::backend::avr::segments::stage::point_at_sink;
use crate::plan::{Arrival, Sink};
use crate::program::{Addressing, Program, ResultInteger};

/// The address of the values, a pair; or that of the network.
pub(super) const VALUES: Register = R24;
/// That of the scores.
pub(super) const SCORES: Register = R14;

/// Bytes of a score.
pub(super) const SCORE_BYTES: u32 = 4;

/// A single pixel of wide values, and scores of 32 bits.
#[derive(Clone, Copy)]
pub(super) struct ScoresPlace<'a> {
    program: &'a Program,
    part: LayerPart<'a>,
    classes: u32,
    /// Where the values are from the network's address on, which is then in [`VALUES`].
    values_byte: Option<u32>,
}

impl<'a> ScoresPlace<'a> {
    /// `network_stays`: whether [`VALUES`] is to be the network's address.
    pub(super) fn of(
        program: &'a Program,
        part: LayerPart<'a>,
        classes: u32,
        network_stays: bool,
    ) -> Option<Self> {
        let begins_byte = match part {
            LayerPart::Stage(_, stage) => taken_byte(program, stage, 1),
            LayerPart::Step(step) => first_byte(program, program.map(step.input).first_cell),
        };
        if network_stays || program.activation_bits < 8 {
            begins_byte?;
        }
        let is_found = match part {
            LayerPart::Stage(_, stage) => {
                let is_found = match stage.plan.arrival {
                    Arrival::Ring(_) | Arrival::Window(_) | Arrival::Map(_) => true,
                    Arrival::Bytes | Arrival::Values => false,
                };
                let is_put = match stage.plan.sink {
                    Sink::Results(sums) => sums.bytes_each == SCORE_BYTES,
                    Sink::Ring(_) | Sink::Map { .. } | Sink::Windows { .. } | Sink::Stays => false,
                };
                is_found && is_put && stage.plan.joined.is_empty()
            }
            LayerPart::Step(step) => {
                let is_put = match program.results.integer {
                    ResultInteger::Sum(accumulator) => accumulator.bytes() == SCORE_BYTES,
                    ResultInteger::Byte => false,
                };
                let map = program.map(step.input);
                !step.stores && is_put && map.addressing == Addressing::Affine
            }
        };
        is_found.then_some(Self {
            program,
            part,
            classes,
            values_byte: begins_byte.filter(|_| network_stays),
        })
    }

    /// X ← the address of the values.
    pub(super) fn point_at_values(&self, asm: &mut Assembly) {
        asm.movw(X, VALUES);
        asm.add_to_pair(X, self.values_byte.unwrap_or(0) as i32);
    }

    /// [`VALUES`] and [`SCORES`] ← their addresses; all scores are 0. Changes all but r2 to r13.
    pub(super) fn begin(&self, asm: &mut Assembly) {
        match self.part {
            LayerPart::Stage(_, stage) if self.values_byte.is_some() => {
                asm.movw(Z, NETWORK);
                point_at_sink(asm, self.program, stage);
                asm.movw(SCORES, X);
            }
            LayerPart::Stage(_, stage) => {
                Reading::running(asm, self.program, stage, None).point_at(asm);
                asm.push(X);
                asm.push(X.next());
                asm.movw(Z, NETWORK);
                point_at_sink(asm, self.program, stage);
                asm.movw(SCORES, X);
                asm.pop(VALUES.next());
                asm.pop(VALUES);
            }
            LayerPart::Step(step) => {
                let map = self.program.map(step.input);
                let bits = self.program.activation_bits;
                let cursor_bytes = self.program.cursor_bytes;
                let first = position_in_network(map.first_cell, bits, false, cursor_bytes);
                asm.movw(SCORES, RESULTS);
                if self.values_byte.is_none() {
                    asm.add_to_pair(VALUES, first as i32);
                }
            }
        }
        asm.movw(Y, SCORES);
        counted(asm, SCORE_BYTES * self.classes, R18, |asm| {
            asm.store(Pointer::Y, Mode::PostIncrement, ZERO);
        });
    }
}
