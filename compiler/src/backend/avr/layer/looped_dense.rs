//! The function of a dense layer in the fewest bytes: a loop over its outputs, whose sums stay where
//! they are added up, in the arena or among the results.
//!
//! Sums begin with what is added to them in the end. So those that are results are complete with
//! the last value, and others need only be rounded.

use crate::backend::avr::form::CodeForm;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::core::Core;
use crate::backend::avr::isa::function::Function;
use crate::backend::avr::isa::function_id::FunctionId;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition, Mode};
use crate::backend::avr::isa::item::Purpose;
use crate::backend::avr::isa::registers::{
    BASE, POSITION, Pointer, R18, R19, R20, R21, R28, Register, SUM, VALUE, X, Z,
};
use crate::backend::avr::kernels::kept::KeptSums;
use crate::backend::avr::kernels::looped_products::LoopedProducts;
use crate::backend::avr::kernels::rows::Rows;
use crate::backend::avr::layer::context::Layer;
use crate::backend::avr::layer::part::LayerPart;
use crate::backend::avr::memory::field::MapSource;
use crate::backend::avr::memory::slots::Slots;
use crate::backend::avr::round::requantise::Requantise;
use crate::backend::avr::round::sum::{Sum, SumEnding};
use crate::backend::avr::segments::stage;
use crate::plan::Sink;
use crate::program::{Finish, Operation, Program, Stage, Step, WeightedSum};

/// Bytes of a sum.
const SUM_BYTES: u32 = 2;
/// The byte that two values came in.
const BYTE: Register = R18;
/// The output, or what is left of them.
const COUNT: Register = R19;
/// What is left of a pixel's values.
const VALUES_LEFT: Register = R28;
/// An activation, and the one before it, with which it shares a byte.
const ROUNDED: Register = R21;
const ROUNDED_BEFORE: Register = R20;

/// What becomes of the sums when the last pixel was added.
enum Ending {
    /// They are results where they are.
    Results,
    /// They are rounded.
    Activations(Requantise),
}

/// What a call reads, and where it finds the sums.
enum Reading<'a> {
    /// A pixel, where the pixels of the layer's input add one by one to sums in the arena.
    Pixel {
        stage: &'a Stage,
        source: MapSource<'a>,
        kept: KeptSums,
        /// How far the rows of weights are used.
        slots: Slots,
    },
    /// A map that is stored whole, from that byte of the network on; sums are the caller's results.
    Map { first_byte: u32 },
}

/// The layer on its way to a function.
struct LoopedDense<'a> {
    program: &'a Program,
    reading: Reading<'a>,
    /// Values that a call reads, and how often it is called.
    values: u32,
    calls: u32,
    rows: Rows,
    products: LoopedProducts,
    /// What each sum begins with, two bytes each.
    first_values: CodeLabel,
    ending: Ending,
    outputs: u32,
    /// The share of values that are 0.
    zeros: f64,
}

/// The function, where the layer is one that a loop can compute: with constant weights and sums of
/// 16 bits that begin with what is added to them, of values that begin at bytes.
pub(crate) fn emit(program: &Program, core: Core, part: LayerPart<'_>) -> Option<Function> {
    let Operation::Dense(sum) = part.operation() else {
        return None;
    };
    if part.operation().is_wide() || core.extended_flash {
        return None;
    }
    let mut asm = match part {
        LayerPart::Stage(segment, _) if segment.arriving => Assembly::streamed(core),
        LayerPart::Stage(..) | LayerPart::Step(_) => Assembly::new(core),
    };
    let input;
    let dense = match part {
        LayerPart::Stage(_, stage) => {
            input = stage::arrived(program, stage);
            let layer = Layer::of_stage(program, (part, stage), &input, CodeForm::Table);
            LoopedDense::of_pixels(&mut asm, &layer, sum, stage)?
        }
        LayerPart::Step(step) => LoopedDense::of_map(&mut asm, program, sum, step)?,
    };
    dense.emit(&mut asm);
    Some(asm.finish(FunctionId::Layer(part.node())))
}

impl<'a> LoopedDense<'a> {
    fn of_pixels(
        asm: &mut Assembly,
        layer: &Layer<'a>,
        sum: &'a WeightedSum,
        stage: &'a Stage,
    ) -> Option<Self> {
        let program = layer.program;
        let input = stage.plan.input;
        let finish = sum.finish;
        let sum = layer.sum(sum, layer.input.signed);
        let kept = KeptSums::of(program, stage, &sum);
        if kept.bytes != SUM_BYTES * sum.program.outputs || !stage.plan.joined.is_empty() {
            return None;
        }
        let are_results = match stage.plan.sink {
            Sink::Results(results) => Some(results) == stage.plan.sums(),
            Sink::Ring(_) | Sink::Map { .. } | Sink::Windows { .. } | Sink::Stays => false,
        };
        let are_stored_at_bytes = finish == Finish::Relu && layer.sink.begins_and_ends_at_bytes();
        let ending = match &sum.ending {
            SumEnding::Exact if are_results => Ending::Results,
            SumEnding::Rounded(rounding) if are_stored_at_bytes => {
                Ending::Activations(Requantise::of_every_output(&sum, rounding)?)
            }
            SumEnding::Exact
            | SumEnding::Rounded(_)
            | SumEnding::Shifted
            | SumEnding::Scaled(_)
            | SumEnding::Wide => return None,
        };
        let source = layer.source(asm);
        if source.by_nibble || kept.counts_pixels() {
            return None;
        }
        let rows_bytes = kept.weights_per_pixel_bytes;
        let slots = Slots::of_rows(program, rows_bytes, kept.pixels, stage.plan.sums_position);
        let reading = Reading::Pixel {
            stage,
            source,
            kept,
            slots,
        };
        let reads = (input.channels, input.pixels());
        Self::new(asm, program, &sum, reading, reads, ending)
    }

    fn of_map(
        asm: &mut Assembly,
        program: &'a Program,
        sum: &'a WeightedSum,
        step: &'a Step,
    ) -> Option<Self> {
        let map = program.map(step.input);
        let sum = Sum::new(
            program,
            (sum, program.expectations[step.node].clone()),
            map.signed,
            None,
        );
        let wraps = map.pixels_before_wrap < map.shape.pixels();
        let cells_per_byte = 8 / program.activation_bits;
        let begins_at_byte = map.first_cell.is_multiple_of(cells_per_byte);
        let result_bytes = program.results.count * program.results.integer.bytes();
        let are_results = !step.stores && result_bytes == SUM_BYTES * sum.program.outputs;
        let adds_nothing = step.joined.is_empty();
        if !(sum.is_exact() && are_results && begins_at_byte && adds_nothing) || wraps {
            return None;
        }
        let first_byte = program.cursor_bytes + map.first_cell / cells_per_byte;
        let reading = Reading::Map { first_byte };
        let reads = (map.shape.values(), 1);
        Self::new(asm, program, &sum, reading, reads, Ending::Results)
    }

    fn new(
        asm: &mut Assembly,
        program: &'a Program,
        sum: &Sum<'_>,
        reading: Reading<'a>,
        (values, calls): (u32, u32),
        ending: Ending,
    ) -> Option<Self> {
        let constants = sum.constants()?;
        let outputs = sum.program.outputs;
        let is_counted = outputs <= 0xFF && values <= 0xFF;
        let has_words = sum.width == SUM_BYTES as usize;
        let (left, first_values) = match &sum.ending {
            SumEnding::Rounded(rounding) => (rounding.left, &rounding.addends),
            SumEnding::Exact => (sum.left, &constants.biases),
            SumEnding::Shifted | SumEnding::Scaled(_) | SumEnding::Wide => return None,
        };
        if !(is_counted && has_words) || sum.signed_input || left > 0 {
            return None;
        }
        let products = LoopedProducts::of(sum, asm.core(), Pointer::X)?;
        let words = first_values
            .iter()
            .flat_map(|&value| (value as i16).to_le_bytes());
        let first_values = asm.table(words.collect());
        Some(Self {
            program,
            reading,
            values,
            calls,
            rows: Rows::new(asm, sum),
            products,
            first_values,
            ending,
            outputs,
            zeros: sum.expectation.mean_zero(),
        })
    }

    /// The function: the network's address is in r25:r24, and in Z or that of the results in r23:r22.
    fn emit(&self, asm: &mut Assembly) {
        match &self.reading {
            Reading::Pixel {
                stage,
                source,
                slots,
                kept: _,
            } => {
                asm.times(f64::from(self.calls), |asm| {
                    stage::point_at_field(asm, self.program, stage, source);
                    asm.movw(BASE, POSITION);
                    asm.movw(POSITION, X);
                    self.begin_sums(asm);
                    self.add_values(asm);
                    asm.movw(POSITION, BASE);
                    asm.movw(Z, POSITION);
                    if slots.has_several() {
                        slots.load_distance(asm);
                        slots.advance(asm);
                    }
                });
                self.end(asm, stage, slots.has_several());
            }
            Reading::Map { first_byte } => {
                asm.add_to_pair(POSITION, *first_byte as i32);
                self.begin_sums(asm);
                self.add_values(asm);
                asm.ret();
            }
        }
    }

    /// After a pixel; the zero flag says whether it was the last of several. The network's address is
    /// in [`BASE`], r25:r24 and Z.
    fn end(&self, asm: &mut Assembly, stage: &Stage, has_several: bool) {
        let Ending::Activations(requantise) = self.ending else {
            return asm.times(f64::from(self.calls), Assembly::ret);
        };
        if has_several {
            let complete = asm.label();
            asm.times(f64::from(self.calls), |asm| {
                asm.branch(Condition::Equal, complete, 1.0 / f64::from(self.calls));
                asm.ret();
            });
            asm.bind(complete);
        }
        let round = asm.label();
        self.round_all(asm, stage, round);
        asm.ret();
        asm.bind(round);
        asm.times(f64::from(self.outputs), |asm| round_next(asm, requantise));
    }

    /// X ← the first sum.
    fn point_at_sums(&self, asm: &mut Assembly) {
        match self.reading {
            Reading::Pixel { kept, .. } => kept.point_at(asm, 0),
            Reading::Map { .. } => asm.movw(X, BASE),
        }
    }

    /// Loads how far the rows of weights are used into a pair, where a call uses a part of them;
    /// whether it does.
    fn load_position(&self, asm: &mut Assembly, low: Register) -> bool {
        match self.reading {
            Reading::Pixel { kept, .. } => kept.load_position(asm, low),
            Reading::Map { .. } => false,
        }
    }

    /// Lets the sums begin, if nothing was added yet.
    fn begin_sums(&self, asm: &mut Assembly) {
        let begun = asm.label();
        let mut share = 1.0;
        if self.load_position(asm, BYTE) {
            share = 1.0 / f64::from(self.calls);
            asm.or(BYTE, BYTE.next());
            asm.branch(Condition::NotEqual, begun, 1.0 - share);
        }
        asm.times(share, |asm| {
            self.point_at_sums(asm);
            asm.ldi_address(Z, (self.first_values, 0), 0);
            asm.ldi_address(Z.next(), (self.first_values, 0), 1);
            asm.ldi(COUNT, self.outputs as u8);
            let next = asm.here();
            asm.times(f64::from(self.outputs), |asm| {
                for _ in 0..2 {
                    asm.lpm(BYTE);
                    asm.store(Pointer::X, Mode::PostIncrement, BYTE);
                }
                asm.dec(COUNT);
                asm.loop_back(Condition::NotEqual, next, f64::from(self.outputs));
            });
        });
        asm.bind(begun);
    }

    /// Adds the products of the values from [`POSITION`] on.
    fn add_values(&self, asm: &mut Assembly) {
        if self.values == 1 {
            let done = asm.label();
            asm.of(Purpose::Load, |asm| {
                asm.movw(X, POSITION);
                asm.load(VALUE, Pointer::X, Mode::Plain);
                self.mask(asm, VALUE);
                asm.branch(Condition::Equal, done, self.zeros);
            });
            asm.times(1.0 - self.zeros, |asm| {
                self.point_at_rows(asm);
                self.add_row(asm);
            });
            asm.bind(done);
            return;
        }
        let (next, value, done) = (asm.label(), asm.label(), asm.label());
        self.point_at_rows(asm);
        asm.ldi(VALUES_LEFT, self.values as u8);
        asm.bind(next);
        let is_byte = self.program.activation_bits == 8;
        let bytes = f64::from(self.values) / if is_byte { 1.0 } else { 2.0 };
        asm.times(bytes, |asm| {
            asm.of(Purpose::Load, |asm| {
                asm.movw(X, POSITION);
                asm.load(BYTE, Pointer::X, Mode::PostIncrement);
                asm.movw(POSITION, X);
                asm.mov(VALUE, BYTE);
                self.mask(asm, VALUE);
                asm.call(value);
                if !is_byte {
                    asm.dec(VALUES_LEFT);
                    if !self.values.is_multiple_of(2) {
                        asm.branch(Condition::Equal, done, 1.0 / bytes);
                    }
                    asm.mov(VALUE, BYTE);
                    asm.swap(VALUE);
                    self.mask(asm, VALUE);
                    asm.call(value);
                }
                asm.dec(VALUES_LEFT);
            });
            asm.loop_back(Condition::NotEqual, next, bytes);
        });
        asm.jump(done);
        asm.bind(value);
        let return_bytes = i64::from(asm.core().program_counter.bytes);
        asm.stack_changes(return_bytes);
        asm.times(f64::from(self.values), |asm| {
            self.rows.skip_or(asm, self.zeros, |asm| self.add_row(asm));
        });
        asm.stack_changes(-return_bytes);
        asm.bind(done);
    }

    /// Leaves a value of its byte; the flags say whether it is 0.
    fn mask(&self, asm: &mut Assembly, value: Register) {
        match self.program.activation_bits {
            8 => asm.tst(value),
            bits => asm.andi(value, 0xFF >> (8 - bits)),
        }
    }

    /// Z ← the row of the first value's weights.
    fn point_at_rows(&self, asm: &mut Assembly) {
        self.rows.begin(asm, 0);
        if self.load_position(asm, BYTE) {
            self.rows.skip_by_pair(asm, BYTE);
        }
    }

    /// Adds the value's products with the row at Z to all sums.
    fn add_row(&self, asm: &mut Assembly) {
        asm.of(Purpose::MultiplyAccumulate, |asm| {
            self.point_at_sums(asm);
            self.products.add_row(asm, self.rows, COUNT, self.outputs);
        });
    }

    /// Rounds all sums, and stores them.
    fn round_all(&self, asm: &mut Assembly, stage: &Stage, round: CodeLabel) {
        stage::point_at_sink(asm, self.program, stage);
        asm.movw(POSITION, X);
        self.point_at_sums(asm);
        asm.movw(BASE, X);
        let per_byte = 8 / self.program.activation_bits;
        let bytes = self.outputs / per_byte;
        asm.ldi(COUNT, bytes as u8);
        let next = asm.here();
        asm.times(f64::from(bytes), |asm| {
            asm.call(round);
            if per_byte == 2 {
                asm.mov(ROUNDED_BEFORE, ROUNDED);
                asm.call(round);
                asm.swap(ROUNDED);
                asm.or(ROUNDED, ROUNDED_BEFORE);
            }
            asm.of(Purpose::Store, |asm| {
                asm.movw(X, POSITION);
                asm.store(Pointer::X, Mode::PostIncrement, ROUNDED);
                asm.movw(POSITION, X);
            });
            asm.dec(COUNT);
            asm.loop_back(Condition::NotEqual, next, f64::from(bytes));
        });
    }
}

/// A subroutine: [`ROUNDED`] ← the sum at [`BASE`] rounded, and goes to the next one.
fn round_next(asm: &mut Assembly, requantise: Requantise) {
    asm.of(Purpose::Requantise, |asm| {
        asm.movw(X, BASE);
        asm.load(SUM[0], Pointer::X, Mode::PostIncrement);
        asm.load(SUM[1], Pointer::X, Mode::PostIncrement);
        asm.movw(BASE, X);
        requantise.emit_into(asm, ROUNDED);
        asm.ret();
    });
}
