//! Dense layers: from a whole map, or pixel by pixel.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::Condition;
use crate::backend::avr::isa::registers::{
    BASE, COMPLETES, KERNEL_SCRATCH, POSITION, Registers, X, Z,
};
use crate::backend::avr::kernels::input::SumInput;
use crate::backend::avr::kernels::kept::KeptSums;
use crate::backend::avr::kernels::table::Table;
use crate::backend::avr::kernels::unrolled::{SummedChannels, Unrolled};
use crate::backend::avr::layer::context::Layer;
use crate::backend::avr::layer::kernel::{SumKernel, is_unrolled};
use crate::backend::avr::memory::slots::Slots;
use crate::backend::avr::memory::state::{LoopState, Variable};
use crate::backend::avr::round::finish::Destination;
use crate::backend::avr::round::sum::Sum;
use crate::backend::avr::segments::stage;
use crate::program::Stage;

impl<'a> Layer<'a> {
    pub(crate) fn dense(&self, asm: &mut Assembly, sum: &Sum<'a>) {
        let input = SumInput::Stored {
            map: self.input,
            cursor_bytes: self.program.cursor_bytes,
            bits: self.program.activation_bits,
        };
        let keeps_base = self.joined.iter().any(|it| it.added.table.is_some());
        let mut kernel = SumKernel::new(asm, sum, input, keeps_base, self.form);
        let mut variables = vec![Variable::Output];
        variables.extend(self.joined_variables());
        let keeps_base = keeps_base || kernel.registers().contains(BASE);
        let mut state = LoopState::of(&variables, &[], kernel.registers(), keeps_base);
        self.sink.begin(asm, &state);
        self.begin_joined(asm, &mut state, 0);
        if keeps_base {
            asm.movw(BASE, POSITION);
        }
        state.save(asm);
        let changed = kernel.registers().and(KERNEL_SCRATCH);
        asm.changing(changed, |asm| {
            kernel.emit(asm, Destination::Stored, (&state, &self.sink));
        });
        state.restore(asm);
        asm.ret();
        asm.changing(changed, |asm| kernel.subroutines(asm));
    }

    /// A dense layer to which the pixels of its input add one by one.
    pub(crate) fn streamed_dense(&self, asm: &mut Assembly, sum: &Sum<'a>, stage: &Stage) {
        let source = self.source(asm);
        let kept = KeptSums::of(self.program, stage, sum);
        let field = source.clone();
        let input = SumInput::Field {
            source,
            kernel: (1, 1),
        };
        let mut kernel = match sum.constants() {
            Some(constants)
                if is_unrolled(sum, self.form) && self.part.can_be_unrolled(self.program) =>
            {
                let options = (true, asm.core().multiplies);
                SumKernel::Unrolled(Unrolled::new(
                    sum,
                    constants,
                    input,
                    SummedChannels::All,
                    options,
                ))
            }
            _ => SumKernel::Table(Table::kept(asm, sum, input, kept)),
        };
        let bases = [BASE, BASE.next()];
        let registers = kernel.registers().union(Registers::of(bases));
        let pixels = stage.plan.input.pixels();
        // How far the rows of weights are used, or how many pixels were added.
        let step = match &kernel {
            SumKernel::Table(_) if !kept.counts_pixels() => kept.weights_per_pixel_bytes,
            _ => 1,
        };
        let rows = Slots::of_rows(self.program, step, pixels, stage.plan.sums_position);
        let variables: Vec<Variable> = [Variable::Output]
            .into_iter()
            .chain(self.joined_variables())
            .collect();
        let mut state = LoopState::of(&variables, &[], registers, true);
        // What it adds may come after its last pixel: then it is called once more.
        let last = asm.label();
        if sum.added.is_some() {
            asm.tst(COMPLETES);
            asm.branch(Condition::NotEqual, last, 1.0 / (1.0 + f64::from(pixels)));
        }
        asm.times(f64::from(pixels), |asm| {
            stage::point_at_field(asm, self.program, stage, &field);
            asm.movw(BASE, POSITION);
            asm.movw(POSITION, X);
            kept.begin(asm);
            match &mut kernel {
                SumKernel::Unrolled(kernel) => kernel.emit_kept(asm, kept, pixels),
                SumKernel::Table(kernel) => {
                    kernel.emit(asm, Destination::Stored, (&state, &self.sink));
                }
            }
            asm.movw(POSITION, BASE);
            asm.movw(Z, POSITION);
            if rows.has_several() {
                rows.load_distance(asm);
                rows.advance(asm);
            }
            if sum.added.is_some() {
                asm.ret();
            } else if rows.has_several() {
                asm.branch(Condition::Equal, last, 1.0 / f64::from(pixels));
                asm.ret();
            }
        });
        asm.bind(last);
        stage::point_at_output_and_joined(asm, self.program, stage, &state);
        asm.movw(BASE, POSITION);
        state.save(asm);
        let target = (&state, &self.sink);
        match &mut kernel {
            SumKernel::Unrolled(kernel) => kernel.finish_kept(asm, kept, target),
            SumKernel::Table(kernel) => kernel.finish_kept(asm, kept, target),
        }
        state.restore(asm);
        asm.ret();
        asm.changing(registers.and(KERNEL_SCRATCH), |asm| kernel.subroutines(asm));
    }
}
