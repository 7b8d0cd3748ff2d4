//! The function of a convolution of few outputs in the fewest bytes: a loop over its outputs for
//! each value of the field, whose sums are on the stack, the first output's at the highest address.

use crate::backend::avr::form::CodeForm;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::core::Core;
use crate::backend::avr::isa::function::Function;
use crate::backend::avr::isa::function_id::FunctionId;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition, Mode};
use crate::backend::avr::isa::item::Purpose;
use crate::backend::avr::isa::loops::counted;
use crate::backend::avr::isa::ports::stack_pointer;
use crate::backend::avr::isa::registers::{
    BASE, KERNEL_SCRATCH, Pointer, R18, R19, R21, Register, Registers, SUM, VALUE, Y, Z,
};
use crate::backend::avr::kernels::looped_products::LoopedProducts;
use crate::backend::avr::kernels::rows::Rows;
use crate::backend::avr::layer::context::Layer;
use crate::backend::avr::layer::outputs::Pushes;
use crate::backend::avr::layer::part::LayerPart;
use crate::backend::avr::memory::field::MapSource;
use crate::backend::avr::round::requantise::Requantise;
use crate::backend::avr::round::sum::{Sum, SumEnding};
use crate::backend::avr::segments::stage;
use crate::program::{Finish, Operation, Program};

/// Sums of more outputs take more of the stack than the registers that other kernels save.
const MOST_OUTPUTS: u32 = 8;
/// Bytes of a sum.
const SUM_BYTES: u32 = 2;

/// The byte that two values came in.
const BYTE: Register = R18;
/// What is left of a run, see [`rounds`], and of the outputs otherwise.
const COUNT: Register = R19;
/// The output within a run; then an activation.
const OUTPUT: Register = R21;
const ROUNDED: Register = R21;

/// Its kernel.
struct LoopedConvolution<'a> {
    source: MapSource<'a>,
    kernel: (u32, u32),
    bits: u32,
    rows: Rows,
    products: LoopedProducts,
    /// What the sums begin with, as it is pushed.
    first_values: CodeLabel,
    requantise: Requantise,
    outputs: u32,
    /// The share of values that are 0.
    zeros: f64,
    /// The run from a low nibble or a byte on, and that from a high nibble on.
    entries: [CodeLabel; 2],
    /// How often runs are gone through, and how many values they have in all.
    runs: f64,
    values: f64,
}

/// The function, where the layer is one that a loop can compute: with constant weights and sums of
/// 16 bits that begin with what is added to them.
pub(crate) fn emit(program: &Program, core: Core, part: LayerPart<'_>) -> Option<Function> {
    let Operation::Convolution(sum) = part.operation() else {
        return None;
    };
    if core.extended_flash || sum.outputs > MOST_OUTPUTS {
        return None;
    }
    let arrived;
    let (mut asm, layer, joins) = match part {
        LayerPart::Step(step) => {
            let layer = Layer::of_step(program, (part, step), CodeForm::Table);
            (Assembly::new(core), layer, !step.joined.is_empty())
        }
        LayerPart::Stage(segment, stage) => {
            arrived = stage::arrived(program, stage);
            let layer = Layer::of_stage(program, (part, stage), &arrived, CodeForm::Table);
            let asm = match segment.arriving {
                true => Assembly::streamed(core),
                false => Assembly::new(core),
            };
            (asm, layer, !stage.plan.joined.is_empty())
        }
    };
    if joins || sum.finish != Finish::Relu || !layer.sink.stores_activations() {
        return None;
    }
    let sum = layer.sum(sum, layer.input.signed);
    let mut kernel = LoopedConvolution::of(&mut asm, &layer, &sum)?;
    let source = kernel.source.clone();
    let pushes = Pushes {
        are_in_sums: true,
        ..Pushes::default()
    };
    let registers = kernel.registers();
    layer.walk(
        &mut asm,
        &source,
        registers,
        None,
        pushes,
        &mut |asm, _, _| kernel.emit(asm),
    );
    asm.ret();
    asm.changing(registers.and(KERNEL_SCRATCH), |asm| kernel.subroutine(asm));
    Some(asm.finish(FunctionId::Layer(part.node())))
}

impl<'a> LoopedConvolution<'a> {
    fn of(asm: &mut Assembly, layer: &Layer<'a>, sum: &Sum<'_>) -> Option<Self> {
        let rounding = match &sum.ending {
            SumEnding::Rounded(rounding) => rounding,
            SumEnding::Exact | SumEnding::Shifted | SumEnding::Scaled(_) | SumEnding::Wide => {
                return None;
            }
        };
        let mut source = layer.source(asm);
        source.keeps_z = true;
        source.keep_ring_end_in(BASE);
        let kernel = layer.kernel_size();
        let has_words = sum.width == SUM_BYTES as usize;
        let is_counted = rounds(sum.activation_bits, source.longest_run(kernel), false) <= 0xFF;
        if !(has_words && is_counted)
            || rounding.left > 0
            || sum.signed_input
            || source.guards.is_some()
        {
            return None;
        }
        let products = LoopedProducts::of(sum, asm.core(), Pointer::Y)?;
        let pushed = rounding.addends.iter().flat_map(|&value| {
            let [low, high] = (value as i16).to_le_bytes();
            [high, low]
        });
        Some(Self {
            source,
            kernel,
            bits: sum.activation_bits,
            rows: Rows::backward(asm, sum, &sum.constants()?.weights),
            products,
            first_values: asm.table(pushed.collect()),
            requantise: Requantise::of_every_output(sum, rounding)?,
            outputs: sum.program.outputs,
            zeros: sum.expectation.mean_zero(),
            entries: [asm.label(), asm.label()],
            runs: 0.0,
            values: 0.0,
        })
    }

    /// What it changes, or wants unchanged.
    fn registers(&self) -> Registers {
        let own = Registers::of_pairs([Y]).and([BYTE, COUNT, OUTPUT]);
        own.union(self.products.registers())
            .union(self.source.registers())
    }

    /// Computes an output, and leaves it in its sums.
    fn emit(&mut self, asm: &mut Assembly) {
        asm.of(Purpose::MultiplyAccumulate, |asm| self.push_sums(asm));
        asm.of(Purpose::Load, |asm| {
            self.rows.begin(asm, 0);
            let runs = self
                .source
                .runs(self.kernel, 0..self.source.map.shape.channels);
            let entries = self.entries;
            let (mut calls, mut values) = (0.0, 0.0);
            // Of a value within the run.
            let deeper = i64::from(asm.core().program_counter.bytes);
            self.source.for_each_run(asm, &runs, &mut |asm, run, odd| {
                let rounds = rounds(self.bits, run.values, odd);
                asm.ldi(COUNT, rounds as u8);
                asm.stack_changes(deeper);
                asm.call(entries[usize::from(odd)]);
                asm.stack_changes(-deeper);
                calls += asm.executions();
                values += asm.executions() * f64::from(run.values);
            });
            self.runs += calls;
            self.values += values;
        });
        asm.of(Purpose::Requantise, |asm| self.round_sums(asm));
    }

    /// Pushes what the sums begin with; Y ← the last one.
    fn push_sums(&self, asm: &mut Assembly) {
        asm.ldi_address(Z, (self.first_values, 0), 0);
        asm.ldi_address(Z.next(), (self.first_values, 0), 1);
        let written = counted(asm, self.outputs, COUNT, |asm| {
            for _ in 0..SUM_BYTES {
                asm.lpm(BYTE);
                asm.push(BYTE);
            }
        });
        asm.stack_changes(i64::from(SUM_BYTES * (self.outputs - written)));
        stack_pointer(asm, Pointer::Y);
        asm.add_to_pair(Y, 1);
    }

    /// Rounds the sums from Y on, each into its upper byte.
    fn round_sums(&self, asm: &mut Assembly) {
        counted(asm, self.outputs, COUNT, |asm| {
            asm.load(SUM[0], Pointer::Y, Mode::PostIncrement);
            asm.load(SUM[1], Pointer::Y, Mode::Plain);
            self.requantise.emit_into(asm, ROUNDED);
            asm.store(Pointer::Y, Mode::PostIncrement, ROUNDED);
        });
    }

    /// A subroutine, where nothing runs into it: a loop over the values of a run.
    fn subroutine(&self, asm: &mut Assembly) {
        asm.of(Purpose::Load, |asm| {
            match self.bits {
                8 => self.for_each_byte(asm),
                _ => self.for_each_nibble(asm),
            }
            asm.times(self.runs, Assembly::ret);
        });
    }

    fn for_each_byte(&self, asm: &mut Assembly) {
        self.entries.into_iter().for_each(|entry| asm.bind(entry));
        let next = asm.here();
        asm.times(self.values, |asm| {
            asm.load(VALUE, Pointer::X, Mode::PostIncrement);
            asm.tst(VALUE);
            self.add_value(asm);
            asm.dec(COUNT);
            asm.loop_back(Condition::NotEqual, next, self.values / self.runs);
        });
    }

    fn for_each_nibble(&self, asm: &mut Assembly) {
        let [low_entry, high_entry] = self.entries;
        let [high, value] = [(); 2].map(|()| asm.label());
        asm.bind(high_entry);
        asm.times(self.runs / 2.0, |asm| {
            asm.load(BYTE, Pointer::X, Mode::PostIncrement);
        });
        asm.bind(low_entry);
        let next = asm.here();
        asm.times(self.values, |asm| asm.skip_if_set(COUNT, 0));
        asm.times(self.values / 2.0, |asm| {
            asm.jump(high);
            asm.load(BYTE, Pointer::X, Mode::PostIncrement);
            asm.subi(COUNT, 2);
            asm.jump(value);
        });
        asm.bind(high);
        asm.times(self.values / 2.0, |asm| asm.swap(BYTE));
        asm.bind(value);
        asm.times(self.values, |asm| {
            asm.mov(VALUE, BYTE);
            asm.andi(VALUE, 0x0F);
            self.add_value(asm);
            asm.dec(COUNT);
            asm.cpi(COUNT, 2);
            asm.loop_back(Condition::SameOrHigher, next, self.values / self.runs);
        });
    }

    /// Adds a value's products with its row to the sums at Y; the flags say whether it is 0.
    fn add_value(&self, asm: &mut Assembly) {
        asm.of(Purpose::MultiplyAccumulate, |asm| {
            self.rows.unless_zero(asm, self.zeros, |asm| {
                self.products.add_row(asm, self.rows, OUTPUT, self.outputs);
                asm.add_to_pair(Y, -((SUM_BYTES * self.outputs) as i32));
            });
        });
    }
}

/// What [`COUNT`] begins with, of a run of values that begins with a high nibble if it is `odd`. Of
/// nibbles it is twice the values that are left, and 1 more if the next one is in the next byte.
fn rounds(bits: u32, values: u32, odd: bool) -> u32 {
    match bits {
        8 => values,
        _ => 2 * values + u32::from(!odd),
    }
}
