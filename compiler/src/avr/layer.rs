//! The function of a layer: its kernel in the loop over its outputs.

use super::assembly::Assembly;
use super::depthwise::Depthwise;
use super::field::Source;
use super::finish::Destination;
use super::input::Input;
use super::instruction::Register;
use super::pool::{Pool, Pooling};
use super::state::{BASE, POSITION, Registers, State, Variable};
use super::store::{Sink, drop_pushed};
use super::sum::{Ending, Sum};
use super::table::Table;
use super::unrolled::Unrolled;
use super::walk::Walk;
use super::{Core, Form, Function, FunctionId};
use crate::program::{Operation, Program, Step, WeightedSum};

/// A weighted sum in its form.
enum Kernel<'a> {
    Unrolled(Unrolled<'a>),
    Table(Table<'a>),
}

impl<'a> Kernel<'a> {
    fn new(
        asm: &mut Assembly,
        sum: &'a Sum<'a>,
        input: Input<'a>,
        keeps_base: bool,
        form: Form,
    ) -> Self {
        match sum.constants() {
            Some(constants) if is_unrolled(sum, form) => {
                let options = (keeps_base, asm.core().multiplies);
                Kernel::Unrolled(Unrolled::new(sum, constants, input, false, options))
            }
            _ => Kernel::Table(Table::new(asm, sum, input, keeps_base)),
        }
    }

    fn registers(&self) -> Registers {
        match self {
            Kernel::Unrolled(kernel) => kernel.registers(),
            Kernel::Table(kernel) => kernel.registers(),
        }
    }

    fn results(&self) -> Option<Vec<Register>> {
        match self {
            Kernel::Unrolled(kernel) => kernel.results(),
            Kernel::Table(kernel) => kernel.results(),
        }
    }

    fn emit(&mut self, asm: &mut Assembly, destination: Destination, target: (&State, &Sink<'_>)) {
        match self {
            Kernel::Unrolled(kernel) => kernel.emit(asm, destination, target),
            Kernel::Table(kernel) => kernel.emit(asm, destination, target),
        }
    }

    fn subroutines(&self, asm: &mut Assembly) {
        if let Kernel::Table(kernel) = self {
            kernel.subroutines(asm);
        }
    }
}

/// Whether a sum is straight-line code: shifts that no constant rounding can
/// express come from tables in either form.
fn is_unrolled(sum: &Sum<'_>, form: Form) -> bool {
    form == Form::Unrolled && !matches!(sum.ending, Ending::Shifted)
}

/// The depthwise half in its form.
enum DepthwiseKernel<'a> {
    Unrolled(Unrolled<'a>),
    Table(Depthwise<'a>),
}

/// The function of step `index`.
pub(super) fn emit(program: &Program, core: Core, index: usize, form: Form) -> Function {
    let step = &program.steps[index];
    let layer = Layer {
        program,
        index,
        step,
        sink: Sink::of(program, index),
        form,
    };
    let mut asm = Assembly::new(core);
    match &step.operation {
        Operation::Convolution(sum) => layer.convolution(&mut asm, sum),
        Operation::Dense(sum) => layer.dense(&mut asm, sum),
        Operation::Separable {
            depthwise,
            pointwise,
        } => layer.separable(&mut asm, depthwise, pointwise),
        Operation::AveragePool { shift } => {
            layer.pool(&mut asm, Pooling::Average { shift: *shift });
        }
        Operation::MaxPool => layer.pool(&mut asm, Pooling::Maximum),
    }
    asm.finish(FunctionId::Layer(step.layer))
}

/// A layer on its way to a function.
struct Layer<'a> {
    program: &'a Program,
    index: usize,
    step: &'a Step,
    sink: Sink<'a>,
    form: Form,
}

impl<'a> Layer<'a> {
    fn source(&self, asm: &mut Assembly) -> Source<'a> {
        Source::new(asm, self.program, &self.program.maps[self.index])
    }

    fn sum(&self, sum: &'a WeightedSum, signed_input: bool) -> Sum<'a> {
        Sum::new(self.program, sum, signed_input)
    }

    fn kernel_size(&self) -> (u32, u32) {
        let kernel = self.step.field.kernel;
        (kernel.height, kernel.width)
    }

    fn convolution(&self, asm: &mut Assembly, sum: &'a WeightedSum) {
        let source = self.source(asm);
        let sum = self.sum(sum, source.signed);
        let input = Input::Field {
            source: source.clone(),
            kernel: self.kernel_size(),
        };
        let mut kernel = Kernel::new(asm, &sum, input, self.sink.wraps(), self.form);
        let results = kernel.results();
        let registers = kernel.registers();
        self.walk(
            asm,
            &source,
            registers,
            results,
            0,
            &mut |asm, destination, state| kernel.emit(asm, destination, (state, &self.sink)),
        );
        asm.ret();
        kernel.subroutines(asm);
    }

    fn separable(
        &self,
        asm: &mut Assembly,
        depthwise: &'a WeightedSum,
        pointwise: &'a WeightedSum,
    ) {
        let source = self.source(asm);
        let depthwise = self.sum(depthwise, source.signed);
        let pointwise = self.sum(pointwise, true);
        let keeps_base = self.sink.wraps() || source.has_table();
        let mut first = match depthwise.constants() {
            Some(constants) if is_unrolled(&depthwise, self.form) => {
                let input = Input::Field {
                    source: source.clone(),
                    kernel: self.kernel_size(),
                };
                let options = (keeps_base, asm.core().multiplies);
                let kernel = Unrolled::new(&depthwise, constants, input, true, options);
                DepthwiseKernel::Unrolled(kernel)
            }
            _ => {
                let size = self.kernel_size();
                DepthwiseKernel::Table(Depthwise::new(asm, &depthwise, source.clone(), size))
            }
        };
        let values = depthwise.program.outputs;
        let input = Input::Pushed { count: values };
        let mut second = Kernel::new(asm, &pointwise, input, keeps_base, self.form);
        let results = second.results();
        let registers = second.registers().union(match &first {
            DepthwiseKernel::Unrolled(kernel) => kernel.registers(),
            DepthwiseKernel::Table(kernel) => kernel.registers(),
        });
        self.walk(
            asm,
            &source,
            registers,
            results,
            values,
            &mut |asm, destination, state| {
                match &mut first {
                    DepthwiseKernel::Unrolled(kernel) => {
                        kernel.emit(asm, Destination::PushedWide, (state, &self.sink));
                    }
                    DepthwiseKernel::Table(kernel) => kernel.emit(asm),
                }
                second.emit(asm, destination, (state, &self.sink));
            },
        );
        asm.ret();
        if let DepthwiseKernel::Table(kernel) = &first {
            kernel.subroutines(asm);
        }
        second.subroutines(asm);
    }

    fn dense(&self, asm: &mut Assembly, sum: &'a WeightedSum) {
        let map = &self.program.maps[self.index];
        let sum = self.sum(sum, map.signed);
        let input = Input::Stored {
            map,
            cursor_bytes: self.program.cursor_bytes,
            bits: self.program.activation_bits,
        };
        let mut kernel = Kernel::new(asm, &sum, input, false, self.form);
        let none_kept = Registers::default();
        let mut state = State::new(&[Variable::Output], kernel.registers(), none_kept);
        self.sink.begin(asm, &state);
        if kernel.registers().contains(BASE) {
            asm.movw(BASE, POSITION);
        }
        state.save(asm);
        kernel.emit(asm, Destination::Stored, (&state, &self.sink));
        state.restore(asm);
        asm.ret();
        kernel.subroutines(asm);
    }

    fn pool(&self, asm: &mut Assembly, pooling: Pooling) {
        let source = self.source(asm);
        let mut kernel = Pool::new(pooling, source.clone(), self.kernel_size());
        let results = kernel.results();
        let registers = kernel.registers();
        self.walk(
            asm,
            &source,
            registers,
            results,
            0,
            &mut |asm, destination, _| kernel.emit(asm, destination),
        );
        asm.ret();
        kernel.subroutines(asm);
    }

    /// The loop over the outputs, and what comes before it. `results`: where the
    /// kernel leaves them, unless it pushes them; `beneath`: bytes that it pushes
    /// before them.
    fn walk(
        &self,
        asm: &mut Assembly,
        source: &Source<'_>,
        mut kernel: Registers,
        results: Option<Vec<Register>>,
        beneath: u32,
        emit: &mut dyn FnMut(&mut Assembly, Destination, &State),
    ) {
        let walk = Walk::new(self.step, source, &self.sink);
        let keeps_base = self.sink.wraps() || source.has_table() || kernel.contains(BASE);
        let destination = match &results {
            Some(_) => Destination::Registers,
            None => Destination::Pushed,
        };
        let mut kept = Registers::of(results.iter().flatten().copied());
        if keeps_base {
            for register in [BASE, BASE.next()] {
                kernel.insert(register);
                kept.insert(register);
            }
        }
        let mut state = State::new(&walk.variables(), kernel, kept);
        self.sink.begin(asm, &state);
        if keeps_base {
            asm.movw(BASE, POSITION);
        }
        source.begin(asm, walk.first_pixel(self.step, source));
        walk.emit(asm, &mut state, &self.sink, &mut |asm, state| {
            state.save(asm);
            emit(asm, destination, state);
            self.keep(asm, state, results.as_deref(), beneath);
        });
    }

    /// Behind a kernel: stores its outputs, unless they are results and were put
    /// already; `beneath`: bytes pushed before the outputs.
    fn keep(
        &self,
        asm: &mut Assembly,
        state: &mut State,
        results: Option<&[Register]>,
        beneath: u32,
    ) {
        let in_map = matches!(self.sink, Sink::Map { .. });
        if in_map && results.is_none() {
            self.sink
                .store_pushed(asm, state, self.step.output.channels);
        }
        drop_pushed(asm, beneath);
        state.restore(asm);
        if let (true, Some(values)) = (in_map, results) {
            self.sink.store(asm, state, values);
        }
    }
}
