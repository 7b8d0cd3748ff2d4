//! The kernels of weighted sums, in whichever form.

use crate::backend::avr::form::CodeForm;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::registers::{BASE, Register, Registers};
use crate::backend::avr::kernels::channels::ChannelSums;
use crate::backend::avr::kernels::depthwise::DepthwiseTable;
use crate::backend::avr::kernels::input::SumInput;
use crate::backend::avr::kernels::table::Table;
use crate::backend::avr::kernels::unrolled::{SummedChannels, Unrolled};
use crate::backend::avr::memory::state::LoopState;
use crate::backend::avr::memory::store::OutputSink;
use crate::backend::avr::round::finish::{self, Destination};
use crate::backend::avr::round::sum::Sum;

/// A weighted sum in its form.
pub(crate) enum SumKernel<'a> {
    Unrolled(Unrolled<'a>),
    Table(Table<'a>),
}

impl<'a> SumKernel<'a> {
    pub(crate) fn new(
        asm: &mut Assembly,
        sum: &'a Sum<'a>,
        input: SumInput<'a>,
        keeps_base: bool,
        form: CodeForm,
    ) -> Self {
        match sum.constants() {
            Some(constants) if is_unrolled(sum, form) => {
                let options = (keeps_base, asm.core().multiplies);
                SumKernel::Unrolled(Unrolled::new(
                    sum,
                    constants,
                    input,
                    SummedChannels::All,
                    options,
                ))
            }
            _ => SumKernel::Table(Table::new(asm, sum, input, keeps_base)),
        }
    }

    pub(crate) fn registers(&self) -> Registers {
        match self {
            SumKernel::Unrolled(kernel) => kernel.registers(),
            SumKernel::Table(kernel) => kernel.registers(),
        }
    }

    /// Where it wants the address after the ring that it reads.
    pub(crate) fn ring_end(&self) -> Option<Register> {
        match self {
            SumKernel::Unrolled(kernel) => kernel.ring_end(),
            SumKernel::Table(_) => Some(BASE),
        }
    }

    pub(crate) fn results(&self) -> Option<Vec<Register>> {
        match self {
            SumKernel::Unrolled(kernel) => kernel.results(),
            SumKernel::Table(kernel) => kernel.results(),
        }
    }

    /// Whether it can leave outputs as [`Destination::Placed`].
    pub(crate) fn places_nibbles(&self, sum: &Sum<'_>) -> bool {
        match self {
            SumKernel::Unrolled(_) => finish::places_nibbles(sum),
            SumKernel::Table(_) => false,
        }
    }

    pub(crate) fn emit(
        &mut self,
        asm: &mut Assembly,
        destination: Destination,
        target: (&LoopState, &OutputSink<'_>),
    ) {
        match self {
            SumKernel::Unrolled(kernel) => kernel.emit(asm, destination, target),
            SumKernel::Table(kernel) => kernel.emit(asm, destination, target),
        }
    }

    pub(crate) fn subroutines(&self, asm: &mut Assembly) {
        match self {
            SumKernel::Unrolled(kernel) => kernel.subroutines(asm),
            SumKernel::Table(kernel) => kernel.subroutines(asm),
        }
    }
}

/// Whether a sum is straight-line code: shifts that no constant rounding can
/// express come from tables in either form, and so do values of 16 bits and taps outside that are
/// not 0.
pub(crate) fn is_unrolled(sum: &Sum<'_>, form: CodeForm) -> bool {
    form == CodeForm::Unrolled
        && !sum.is_shifted()
        && !sum.is_wide()
        && !sum.joins_by_loops()
        && sum.outside == 0
}

/// A depthwise sum in its form.
pub(crate) enum DepthwiseKernel<'a> {
    Unrolled(Unrolled<'a>),
    Table(DepthwiseTable<'a>),
    /// A table, on parts that multiply.
    Channels(ChannelSums<'a>),
}

impl DepthwiseKernel<'_> {
    pub(crate) fn registers(&self) -> Registers {
        match self {
            DepthwiseKernel::Unrolled(kernel) => kernel.registers(),
            DepthwiseKernel::Table(kernel) => kernel.registers(),
            DepthwiseKernel::Channels(kernel) => kernel.registers(),
        }
    }

    /// Where its outputs are after it, if they are in registers.
    pub(crate) fn results(&self) -> Option<Vec<Register>> {
        match self {
            DepthwiseKernel::Unrolled(kernel) => kernel.results(),
            DepthwiseKernel::Table(_) | DepthwiseKernel::Channels(_) => None,
        }
    }

    pub(crate) fn emit(
        &mut self,
        asm: &mut Assembly,
        destination: Destination,
        target: (&LoopState, &OutputSink<'_>),
    ) {
        match self {
            DepthwiseKernel::Unrolled(kernel) => kernel.emit(asm, destination, target),
            DepthwiseKernel::Table(kernel) => kernel.emit(asm, destination, target),
            DepthwiseKernel::Channels(kernel) => kernel.emit(asm, destination, target),
        }
    }

    pub(crate) fn subroutines(&self, asm: &mut Assembly) {
        match self {
            DepthwiseKernel::Unrolled(kernel) => kernel.subroutines(asm),
            DepthwiseKernel::Table(kernel) => kernel.subroutines(asm),
            DepthwiseKernel::Channels(kernel) => kernel.subroutines(asm),
        }
    }
}
