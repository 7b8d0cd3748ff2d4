//! Layers without weights.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::registers::KERNEL_SCRATCH;
use crate::backend::avr::kernels::concat::ConcatKernel;
use crate::backend::avr::kernels::pool::PoolKernel;
use crate::backend::avr::layer::context::Layer;
use crate::backend::avr::layer::outputs::Pushes;
use crate::program::{self, ByteScales};
use std::rc::Rc;

impl<'a> Layer<'a> {
    pub(crate) fn concat(&self, asm: &mut Assembly) {
        let source = self.source(asm);
        let joined = self.joined.iter().map(|it| it.added);
        let kernel = ConcatKernel::new(&source, joined.collect(), self.sink.is_packed());
        self.walk(
            asm,
            &source,
            kernel.registers(),
            None,
            Pushes {
                are_packed: kernel.is_packed(),
                ..Pushes::default()
            },
            &mut |asm, _, state| kernel.emit(asm, state),
        );
        asm.ret();
    }

    /// `scales`: of a model's averages.
    pub(crate) fn pool(
        &self,
        asm: &mut Assembly,
        (pooling, scales): (program::Pooling, Option<Rc<ByteScales>>),
    ) {
        let source = self.source(asm);
        let window = (source.clone(), self.kernel_size());
        let mut kernel = PoolKernel::new(asm, (pooling, scales), window, self.expectation());
        let results = kernel.results();
        let registers = kernel.registers();
        self.walk(
            asm,
            &source,
            registers,
            results,
            Pushes::default(),
            &mut |asm, destination, _| kernel.emit(asm, destination),
        );
        asm.ret();
        asm.changing(registers.and(KERNEL_SCRATCH), |asm| kernel.subroutines(asm));
    }
}
