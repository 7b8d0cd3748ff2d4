//! Convolutions, depthwise ones among them.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::registers::{BASE, KERNEL_SCRATCH};
use crate::backend::avr::kernels::channels::ChannelSums;
use crate::backend::avr::kernels::depthwise::DepthwiseTable;
use crate::backend::avr::kernels::input::SumInput;
use crate::backend::avr::kernels::unrolled::{SummedChannels, Unrolled};
use crate::backend::avr::layer::context::Layer;
use crate::backend::avr::layer::kernel::{DepthwiseKernel, SumKernel, is_unrolled};
use crate::backend::avr::layer::outputs::Pushes;
use crate::backend::avr::memory::field::MapSource;
use crate::backend::avr::round::finish::Destination;
use crate::backend::avr::round::sum::Sum;
use crate::program::WeightedSum;

impl<'a> Layer<'a> {
    pub(crate) fn convolution(&self, asm: &mut Assembly, sum: &Sum<'a>) {
        let mut source = self.source(asm);
        let input = SumInput::Field {
            source: source.clone(),
            kernel: self.kernel_size(),
        };
        let mut kernel = SumKernel::new(asm, sum, input, self.keeps_base(), self.form);
        source.keep_ring_end_in(kernel.ring_end().unwrap_or(BASE));
        let results = kernel.results();
        let registers = kernel.registers();
        let pushes = Pushes {
            are_placed: self.sink.is_packed() && kernel.places_nibbles(sum),
            ..Pushes::default()
        };
        self.walk(
            asm,
            &source,
            registers,
            results,
            pushes,
            &mut |asm, destination, state| kernel.emit(asm, destination, (state, &self.sink)),
        );
        asm.ret();
        asm.changing(registers.and(KERNEL_SCRATCH), |asm| kernel.subroutines(asm));
    }

    pub(crate) fn depthwise(&self, asm: &mut Assembly, sum: &Sum<'a>) {
        let mut source = self.source(asm);
        let mut kernel = self.depthwise_kernel(asm, sum, &mut source, SummedChannels::Own);
        let results = kernel.results();
        let registers = kernel.registers();
        self.walk(
            asm,
            &source,
            registers,
            results,
            Pushes::default(),
            &mut |asm, destination, state| kernel.emit(asm, destination, (state, &self.sink)),
        );
        asm.ret();
        asm.changing(registers.and(KERNEL_SCRATCH), |asm| kernel.subroutines(asm));
    }

    pub(crate) fn depthwise_kernel<'s>(
        &self,
        asm: &mut Assembly,
        sum: &'s Sum<'s>,
        source: &mut MapSource<'a>,
        channels: SummedChannels,
    ) -> DepthwiseKernel<'s>
    where
        'a: 's,
    {
        match sum.constants() {
            Some(constants) if is_unrolled(sum, self.form) => {
                let input = SumInput::Field {
                    source: source.clone(),
                    kernel: self.kernel_size(),
                };
                let options = (self.keeps_base(), asm.core().multiplies);
                let kernel = Unrolled::new(sum, constants, input, channels, options);
                source.keep_ring_end_in(kernel.ring_end().unwrap_or(BASE));
                DepthwiseKernel::Unrolled(kernel)
            }
            _ if channels == SummedChannels::Own && asm.core().multiplies => {
                let size = (self.kernel_size(), self.keeps_base());
                DepthwiseKernel::Channels(ChannelSums::new(asm, sum, source.clone(), size))
            }
            _ => {
                let size = self.kernel_size();
                DepthwiseKernel::Table(DepthwiseTable::new(asm, sum, source.clone(), size))
            }
        }
    }

    pub(crate) fn separable(
        &self,
        asm: &mut Assembly,
        depthwise: &'a WeightedSum,
        pointwise: &'a WeightedSum,
    ) {
        let mut source = self.source(asm);
        let [of_taps, of_channels] = self.expectation().halves();
        let depthwise = self.expected_sum((depthwise, of_taps), source.signed);
        let pointwise = self.expected_sum((pointwise, of_channels), true);
        let channels = SummedChannels::OwnThenPointwise;
        let mut first = self.depthwise_kernel(asm, &depthwise, &mut source, channels);
        let values = depthwise.program.outputs;
        let input = SumInput::Pushed {
            count: values,
            keeps: source.guard_registers(),
        };
        let keeps_base = self.keeps_base() || source.registers().contains(BASE);
        let mut second = SumKernel::new(asm, &pointwise, input, keeps_base, self.form);
        let results = second.results();
        let registers = second.registers().union(first.registers());
        self.walk(
            asm,
            &source,
            registers,
            results,
            Pushes {
                beneath: values,
                ..Pushes::default()
            },
            &mut |asm, destination, state| {
                first.emit(asm, Destination::PushedWide, (state, &self.sink));
                second.emit(asm, destination, (state, &self.sink));
            },
        );
        asm.ret();
        asm.changing(registers.and(KERNEL_SCRATCH), |asm| {
            first.subroutines(asm);
            second.subroutines(asm);
        });
    }
}
