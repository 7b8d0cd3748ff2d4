//! A projection to which the pixels of its map add one by one: all that is kept of them are sums.

use super::kept_products::{FIRST, KeptProducts};
use super::projected::ProjectedSums;
use super::saturate::{ROUNDED, to_wide};
use crate::backend::avr::form::CodeForm;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition, Mode};
use crate::backend::avr::isa::item::Purpose;
use crate::backend::avr::isa::loops::counted;
use crate::backend::avr::isa::registers::{
    NETWORK, Pointer, R14, R18, R19, R20, R23, Register, Y, Z, ZERO,
};
use crate::backend::avr::memory::slots::{FARTHEST, position_byte};
use crate::backend::avr::segments::reading::Reading;
use crate::backend::avr::segments::stage::point_at_sink;
use crate::plan::{Arrival, Sink, SumArray};
use crate::program::{Program, Stage, WeightedSum};
use std::ops::Range;

/// The network's address while products are added: a pair.
const HOME: Register = R14;
const CHANNELS: Register = R20;
const COUNT: Register = R23;
const SPARE: [Register; 2] = [R18, R19];

pub(super) struct ProjectionCode<'a> {
    program: &'a Program,
    stage: &'a Stage,
    sums: ProjectedSums<'a>,
    products: KeptProducts<'a>,
    kept: SumArray,
}

impl<'a> ProjectionCode<'a> {
    pub(super) fn of(program: &'a Program, stage: &'a Stage, sum: &'a WeightedSum) -> Option<Self> {
        let sums = ProjectedSums::of(sum, stage.signed_input)?;
        let kept = stage.plan.sums()?;
        let is_found = match stage.plan.arrival {
            Arrival::Ring(_) | Arrival::Window(_) | Arrival::Map(_) => true,
            Arrival::Bytes | Arrival::Values => false,
        };
        let is_stored = match stage.plan.sink {
            Sink::Ring(_) | Sink::Map { .. } => true,
            Sink::Windows { .. } | Sink::Stays | Sink::Results(_) => false,
        };
        let is_plain = stage.plan.takes
            && stage.plan.joined.is_empty()
            && kept.count == sums.outputs
            && is_found
            && is_stored;
        is_plain.then_some(())?;
        let products = KeptProducts {
            weights: sums.weights,
            weight_bits: program.weight_bits,
            outputs: sums.outputs,
            bytes_each: kept.bytes_each,
            bytes: sums.bytes().min(kept.bytes_each),
            signed: sums.signed,
            expectation: &program.expectations[stage.plan.node],
        };
        (products.table().len() <= usize::from(u16::MAX)).then_some(Self {
            program,
            stage,
            sums,
            products,
            kept,
        })
    }

    /// Whether it has code in that form.
    pub(super) fn has(&self, form: CodeForm) -> bool {
        match form {
            CodeForm::Table => self.products.reads_table(),
            CodeForm::Unrolled => true,
        }
    }

    fn pixels(&self) -> u32 {
        self.stage.plan.input.pixels()
    }

    pub(super) fn emit(&self, asm: &mut Assembly, form: CodeForm) {
        let pixels = f64::from(self.pixels());
        let last = asm.label();
        asm.times(pixels, |asm| {
            asm.of(Purpose::Load, |asm| {
                Reading::running(asm, self.program, self.stage, None).point_at(asm);
                asm.movw(HOME, NETWORK);
                self.begin(asm);
                asm.movw(FIRST, HOME);
                asm.add_to_pair(FIRST, self.first_byte() as i32);
            });
            let channels = self.stage.plan.input.channels;
            let end = match form {
                CodeForm::Table => {
                    let table = self.products.table();
                    let end = table.len() as u32;
                    let table = asm.near_table(table);
                    let [low, high] = SPARE;
                    asm.ldi_address(low, (table, 0), 0);
                    asm.ldi_address(high, (table, 0), 1);
                    asm.add(Z, low);
                    asm.adc(Z.next(), high);
                    self.products.add_by_table(asm, channels, CHANNELS);
                    asm.ldi_address(low, (table, 0), 0);
                    asm.ldi_address(high, (table, 0), 1);
                    asm.sub(Z, low);
                    asm.sbc(Z.next(), high);
                    end
                }
                CodeForm::Unrolled => {
                    let done = asm.label();
                    self.by_pixel(asm, 0..self.pixels(), done);
                    asm.bind(done);
                    asm.add_to_pair(Z, 1);
                    self.pixels()
                }
            };
            asm.clr(ZERO);
            self.advance(asm, end, last);
        });
        asm.bind(last);
        self.finish(asm);
        asm.ret();
    }

    /// From the network's address on.
    fn first_byte(&self) -> u32 {
        self.program.cursor_bytes + self.kept.first_byte
    }

    /// How far the rows are used, which Z says in between, if there are several pixels: Y and the
    /// displacement of its two bytes.
    fn point_at_position(&self, asm: &mut Assembly) -> Option<[Mode; 2]> {
        let position = self.stage.plan.sums_position?;
        let byte = position_byte(self.program, position);
        asm.movw(Y, HOME);
        let displacement = match byte < FARTHEST {
            true => byte as u8,
            false => {
                asm.add_to_pair(Y, byte as i32);
                0
            }
        };
        Some([displacement, displacement + 1].map(Mode::Displacement))
    }

    /// Z ← how far the rows are used; at the first pixel the sums begin.
    fn begin(&self, asm: &mut Assembly) {
        let begun = asm.label();
        let [byte, count] = SPARE;
        let mut times = 1.0;
        if let Some([low, high]) = self.point_at_position(asm) {
            times = 1.0 / f64::from(self.pixels());
            asm.load(Z, Pointer::Y, low);
            asm.load(Z.next(), Pointer::Y, high);
            asm.mov(byte, Z);
            asm.or(byte, Z.next());
            asm.branch(Condition::NotEqual, begun, 1.0 - times);
        }
        asm.times(times, |asm| {
            let each = self.kept.bytes_each as usize;
            let biases = self.sums.biases.iter();
            let biases = biases.flat_map(|bias| bias.to_le_bytes().into_iter().take(each));
            let table = asm.near_table(biases.collect());
            asm.movw(Y, HOME);
            asm.add_to_pair(Y, self.first_byte() as i32);
            asm.ldi_address(Z, (table, 0), 0);
            asm.ldi_address(Z.next(), (table, 0), 1);
            counted(asm, self.kept.bytes(), count, |asm| {
                asm.lpm_near(byte);
                asm.store(Pointer::Y, Mode::PostIncrement, byte);
            });
            asm.ldi_pair(Z, 0);
        });
        asm.bind(begun);
    }

    /// Finds the instructions of a pixel by its number in Z, the half of them at a time.
    fn by_pixel(&self, asm: &mut Assembly, pixels: Range<u32>, done: CodeLabel) {
        let count = pixels.end - pixels.start;
        if count == 1 {
            let channels = self.stage.plan.input.channels;
            let first = pixels.start * channels;
            self.products.add_by_instructions(asm, first, channels);
            asm.jump(done);
            return;
        }
        let middle = pixels.start + count / 2;
        let upper = asm.label();
        let share = f64::from(pixels.end - middle) / f64::from(count);
        asm.cpi(Z, middle as u8);
        asm.branch(Condition::SameOrHigher, upper, share);
        asm.times(1.0 - share, |asm| {
            self.by_pixel(asm, pixels.start..middle, done);
        });
        asm.bind(upper);
        asm.times(share, |asm| self.by_pixel(asm, middle..pixels.end, done));
    }

    /// Keeps how far the rows are used, which Z says, and returns; but goes on at `last` where that
    /// is their end.
    fn advance(&self, asm: &mut Assembly, end: u32, last: CodeLabel) {
        let [low, high, ..] = end.to_le_bytes();
        let [scratch, _] = SPARE;
        let Some(bytes) = self.point_at_position(asm) else {
            return;
        };
        let share = 1.0 / f64::from(self.pixels());
        let more = asm.label();
        asm.cpi(Z, low);
        asm.ldi(scratch, high);
        asm.cpc(Z.next(), scratch);
        asm.branch(Condition::NotEqual, more, 1.0 - share);
        asm.times(share, |asm| {
            for byte in bytes {
                asm.store(Pointer::Y, byte, ZERO);
            }
            asm.jump(last);
        });
        asm.bind(more);
        asm.times(1.0 - share, |asm| {
            for (byte, register) in bytes.into_iter().zip([Z, Z.next()]) {
                asm.store(Pointer::Y, byte, register);
            }
            asm.ret();
        });
    }

    /// Values of 16 bits, of the sums, when all has arrived.
    fn finish(&self, asm: &mut Assembly) {
        asm.movw(NETWORK, HOME);
        asm.movw(Z, HOME);
        point_at_sink(asm, self.program, self.stage);
        asm.movw(Y, HOME);
        asm.add_to_pair(Y, self.first_byte() as i32);
        let KeptProducts {
            outputs,
            bytes,
            bytes_each,
            ..
        } = self.products;
        counted(asm, outputs, COUNT, |asm| {
            asm.of(Purpose::Load, |asm| {
                for register in ROUNDED.run(bytes as u8) {
                    asm.load(register, Pointer::Y, Mode::PostIncrement);
                }
                asm.add_to_pair(Y, (bytes_each - bytes) as i32);
            });
            let value = asm.of(Purpose::Requantise, |asm| {
                to_wide(asm, bytes, self.sums.right)
            });
            asm.of(Purpose::Store, |asm| {
                for register in value {
                    asm.store(Pointer::X, Mode::PostIncrement, register);
                }
            });
        });
    }
}
