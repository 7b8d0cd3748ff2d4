//! A convolution of instructions with the maximum of its windows: of sums that are not rounded
//! yet, for the largest sum rounds to the largest activation.

use crate::backend::avr::arithmetic::index::is_wide;
use crate::backend::avr::form::CodeForm;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::core::Core;
use crate::backend::avr::isa::function::Function;
use crate::backend::avr::isa::function_id::FunctionId;
use crate::backend::avr::isa::registers::{BASE, COLUMN_AT, KERNEL_SCRATCH, ROW_AT};
use crate::backend::avr::kernels::input::SumInput;
use crate::backend::avr::kernels::unrolled::{MOST_HELD, PlaceCounter, PooledTaps, Unrolled};
use crate::backend::avr::layer::context::Layer;
use crate::backend::avr::layer::kernel::is_unrolled;
use crate::backend::avr::layer::outputs::Pushes;
use crate::backend::avr::layer::part::LayerPart;
use crate::backend::avr::memory::store::OutputSink;
use crate::backend::avr::round::finish;
use crate::backend::avr::round::sum::{Sum, SumEnding};
use crate::network::{Kernel, Shape};
use crate::plan::Order;
use crate::program::{PooledConvolution, Program, Step, SumParameters};

/// Both steps as one, if their code can be: sums have to begin with all that is added to them, and
/// many outputs have to begin at a byte.
pub(crate) fn convolution_with<'a>(
    program: &Program,
    convolution: &'a Step,
    pooling: &'a Step,
) -> Option<PooledConvolution<'a>> {
    let pooled = PooledConvolution::of(program, convolution, pooling)?;
    let sum = convolution.operation.convolution()?;
    let SumParameters::Constant(_) = &sum.parameters else {
        return None;
    };
    let expectation = program.expectations[convolution.node].clone();
    let signed_input = program.map(convolution.input).signed;
    let sum = Sum::new(program, (sum, expectation), signed_input, None);
    let begins_with_all = match &sum.ending {
        SumEnding::Rounded(rounding) => sum.begins_with_addends(rounding.left),
        SumEnding::Exact | SumEnding::Shifted | SumEnding::Scaled(_) | SumEnding::Wide => false,
    };
    let output = program.map(pooling.writes);
    let is_stored_in_parts = output.is_byte_aligned(program.activation_bits);
    let fits = output.shape.channels as usize <= MOST_HELD || is_stored_in_parts;
    // Kernels find what is outside of the map by a byte of each axis.
    let (Kernel { height, width }, windows) = (pooled.window(), pooling.output);
    let are_counted = !convolution.field.is_padded()
        || !is_wide(height * windows.height) && !is_wide(width * windows.width);
    let is_unrolled = is_unrolled(&sum, CodeForm::Unrolled);
    (begins_with_all && is_unrolled && fits && are_counted).then_some(pooled)
}

/// The function of both.
///
/// # Panics
/// Where [`convolution_with`] says that there is none.
pub(crate) fn emit(program: &Program, core: Core, pooled: PooledConvolution<'_>) -> Function {
    let step = pooled.step();
    let layer = Layer {
        program,
        part: LayerPart::Step(&step),
        input: program.map(step.input),
        field: pooled.convolution.field,
        output: step.output,
        window: pooled.window(),
        sink: OutputSink::of(program, &step),
        joined: Vec::new(),
        form: CodeForm::Unrolled,
    };
    let sum = step
        .operation
        .convolution()
        .expect("a convolution has a sum");
    let sum = layer.sum(sum, layer.input.signed);
    let mut asm = Assembly::new(core);
    layer.pooled_convolution(&mut asm, &sum, pooled);
    asm.finish(FunctionId::Layer(step.node))
}

impl<'a> Layer<'a> {
    fn pooled_convolution(&self, asm: &mut Assembly, sum: &Sum<'a>, pooled: PooledConvolution<'_>) {
        let mut source = self.source(asm);
        let input = SumInput::Field {
            source: source.clone(),
            kernel: self.kernel_size(),
        };
        let constants = sum.constants().expect("weights are instructions");
        let stride = pooled.convolution.field.stride;
        let (pixel, width) = (source.pixel_step(), source.map.shape.width);
        let taps = PooledTaps {
            label: asm.label(),
            window: pooled.window(),
            right: (stride.columns * pixel) as i32,
            down: (stride.rows * width * pixel) as i32,
            between: self.program.expectations[pooled.pooling.node].between(),
            counters: self.guards().map(|_| {
                let Shape { height, width, .. } = self.output;
                let windows = [(ROW_AT, height), (COLUMN_AT, width)];
                windows.map(|(register, windows)| PlaceCounter {
                    register,
                    is_kept: windows > 1,
                    goes_up: match pooled.order {
                        Order::RowMajor | Order::Herringbone => false,
                        Order::RowMajorBackward => true,
                    },
                })
            }),
        };
        let options = (self.keeps_base(), asm.core().multiplies);
        let mut kernel = Unrolled::pooling(sum, constants, input, options, taps);
        source.keep_ring_end_in(kernel.ring_end().unwrap_or(BASE));
        let results = kernel.results();
        let registers = kernel.registers();
        let pushes = Pushes {
            are_placed: self.sink.is_packed() && finish::places_nibbles(sum),
            are_stored: true,
            ..Pushes::default()
        };
        self.walk(
            asm,
            &source,
            registers,
            results,
            pushes,
            &mut |asm, destination, state| {
                kernel.emit_window(asm, destination, (state, &self.sink));
            },
        );
        asm.ret();
        asm.changing(registers.and(KERNEL_SCRATCH), |asm| kernel.tap(asm));
    }
}
