//! The function of a layer: its kernel in the loop over its outputs.

use super::assembly::Assembly;
use super::depthwise::Depthwise;
use super::field::Source;
use super::finish::Destination;
use super::input::Input;
use super::instruction::{Condition, Register};
use super::kept::KeptSums;
use super::pool::Pool;
use super::slot::{Slots, position_byte};
use super::stage;
use super::state::{BASE, POSITION, Registers, State, Variable};
use super::store::{Sink, drop_pushed};
use super::sum::{Ending, Sum};
use super::table::Table;
use super::unrolled::Unrolled;
use super::walk::Walk;
use super::{Core, Form, Function, FunctionId};
use crate::network::{NodeId, ReceptiveField, Shape};
use crate::program::{
    Job, Map, Operation, Pooling, Program, Segment, Stage, Step, WeightedSum, packed_row_bytes,
};

const X: Register = Register(26);
const Z: Register = Register(30);

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

    /// Where it wants the address behind the ring that it reads.
    fn ring_end(&self) -> Option<Register> {
        match self {
            Kernel::Unrolled(kernel) => kernel.ring_end(),
            Kernel::Table(_) => Some(BASE),
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

/// A layer that has a function of its own with a form to choose, or a pooling of
/// a map that is stored whole.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part<'a> {
    /// A stage that has weights.
    Stage(&'a Segment, &'a Stage),
    /// A step.
    Step(&'a Step),
}

/// Those of a program, in the order of running.
pub(super) fn parts(program: &Program) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    for job in &program.jobs {
        match job {
            Job::Segment(segment) => parts.extend(
                segment
                    .stages
                    .iter()
                    .filter(|stage| stage.plan.windows().is_none())
                    .map(|stage| Part::Stage(segment, stage)),
            ),
            Job::Layer(step) => parts.push(Part::Step(step)),
        }
    }
    parts
}

impl<'a> Part<'a> {
    /// The node.
    pub(super) fn node(self) -> NodeId {
        match self {
            Part::Stage(_, stage) => stage.plan.node,
            Part::Step(step) => step.node,
        }
    }

    /// What it does.
    pub(super) fn operation(self) -> &'a Operation {
        match self {
            Part::Stage(_, stage) => &stage.operation,
            Part::Step(step) => &step.operation,
        }
    }

    /// Whether its weights can be instructions. Those of a dense layer to which
    /// the pixels of its input add one by one are found by the pixel's number, a
    /// byte.
    pub(super) fn can_be_unrolled(self) -> bool {
        match self {
            Part::Step(_) => true,
            Part::Stage(_, stage) => {
                !matches!(stage.operation, Operation::Dense(_)) || stage.plan.input.pixels() < 0x100
            }
        }
    }
}

/// The function of a layer.
pub(super) fn emit(program: &Program, core: Core, part: Part<'_>, form: Form) -> Function {
    let arrived;
    let layer = match part {
        Part::Step(step) => Layer {
            program,
            part,
            input: program.map(step.input),
            field: step.field,
            output: step.output,
            sink: Sink::of(program, step),
            form,
        },
        Part::Stage(_, stage) => {
            arrived = stage::arrived(program, stage);
            Layer {
                program,
                part,
                input: &arrived,
                field: stage.field,
                output: stage.plan.output,
                sink: Sink::of_stage(program, stage),
                form,
            }
        }
    };
    let mut asm = match part {
        Part::Stage(segment, _) if segment.arriving => Assembly::streamed(core),
        Part::Stage(..) | Part::Step(_) => Assembly::new(core),
    };
    match part.operation() {
        Operation::Convolution(sum) => layer.convolution(&mut asm, sum),
        Operation::Dense(sum) => match part {
            Part::Step(_) => layer.dense(&mut asm, sum),
            Part::Stage(_, stage) => layer.streamed_dense(&mut asm, sum, stage),
        },
        Operation::Separable {
            depthwise,
            pointwise,
        } => layer.separable(&mut asm, depthwise, pointwise),
        Operation::Pool(pooling) => layer.pool(&mut asm, *pooling),
        Operation::Depthwise(_) | Operation::Concat => todo!(),
    }
    asm.finish(FunctionId::Layer(part.node()))
}

/// A layer on its way to a function.
struct Layer<'a> {
    program: &'a Program,
    part: Part<'a>,
    input: &'a Map,
    field: ReceptiveField,
    output: Shape,
    sink: Sink<'a>,
    form: Form,
}

impl<'a> Layer<'a> {
    fn source(&self, asm: &mut Assembly) -> Source<'a> {
        match self.part {
            Part::Step(_) => Source::new(asm, self.program, self.input),
            Part::Stage(_, stage) => stage::source(asm, self.program, stage, self.input),
        }
    }

    fn sum(&self, sum: &'a WeightedSum, signed_input: bool) -> Sum<'a> {
        let sum = Sum::new(self.program, sum, signed_input);
        match self.part {
            Part::Step(_) => sum,
            Part::Stage(_, stage) => sum.based_at(stage::base_byte(self.program, stage)),
        }
    }

    fn kernel_size(&self) -> (u32, u32) {
        let kernel = self.field.kernel;
        (kernel.height, kernel.width)
    }

    fn convolution(&self, asm: &mut Assembly, sum: &'a WeightedSum) {
        let mut source = self.source(asm);
        let sum = self.sum(sum, source.signed);
        let input = Input::Field {
            source: source.clone(),
            kernel: self.kernel_size(),
        };
        let mut kernel = Kernel::new(asm, &sum, input, self.sink.wraps(), self.form);
        source.keep_ring_end_in(kernel.ring_end().unwrap_or(BASE));
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
        let mut source = self.source(asm);
        let depthwise = self.sum(depthwise, source.signed);
        let pointwise = self.sum(pointwise, true);
        let mut first = match depthwise.constants() {
            Some(constants) if is_unrolled(&depthwise, self.form) => {
                let input = Input::Field {
                    source: source.clone(),
                    kernel: self.kernel_size(),
                };
                let options = (self.sink.wraps(), asm.core().multiplies);
                let kernel = Unrolled::new(&depthwise, constants, input, true, options);
                source.keep_ring_end_in(kernel.ring_end().unwrap_or(BASE));
                DepthwiseKernel::Unrolled(kernel)
            }
            _ => {
                let size = self.kernel_size();
                DepthwiseKernel::Table(Depthwise::new(asm, &depthwise, source.clone(), size))
            }
        };
        let values = depthwise.program.outputs;
        let input = Input::Pushed { count: values };
        let keeps_base = self.sink.wraps() || source.registers().contains(BASE);
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
        let sum = self.sum(sum, self.input.signed);
        let input = Input::Stored {
            map: self.input,
            cursor_bytes: self.program.cursor_bytes,
            bits: self.program.activation_bits,
        };
        let mut kernel = Kernel::new(asm, &sum, input, false, self.form);
        let mut state = State::of(&[Variable::Output], kernel.registers(), false);
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

    /// A dense layer to which the pixels of its input add one by one.
    fn streamed_dense(&self, asm: &mut Assembly, sum: &'a WeightedSum, stage: &Stage) {
        let source = self.source(asm);
        let sum = Sum::kept(self.program, sum, source.signed);
        let sums = stage.plan.sums().expect("a dense layer keeps sums");
        let kept = KeptSums {
            first_byte: self.program.cursor_bytes + sums.first_byte,
            bytes: sums.bytes(),
            position_byte: stage
                .plan
                .sums_position
                .map(|position| position_byte(self.program, position)),
            weights_per_pixel_bytes: stage.plan.input.channels
                * packed_row_bytes(sum.program.outputs, sum.weight_bits),
            pixels: stage.plan.input.pixels(),
        };
        let field = source.clone();
        let input = Input::Field {
            source,
            kernel: (1, 1),
        };
        let mut kernel = match sum.constants() {
            Some(constants) if is_unrolled(&sum, self.form) => {
                let options = (true, asm.core().multiplies);
                Kernel::Unrolled(Unrolled::new(&sum, constants, input, false, options))
            }
            _ => Kernel::Table(Table::kept(asm, &sum, input, kept)),
        };
        let bases = [BASE, BASE.next()];
        let registers = kernel.registers().union(Registers::of(bases));
        let pixels = stage.plan.input.pixels();
        // How far the rows of weights are used, or how many pixels were added.
        let step = match &kernel {
            Kernel::Table(_) if !kept.counts_pixels() => kept.weights_per_pixel_bytes,
            _ => 1,
        };
        let rows = Slots::of_rows(self.program, step, pixels, stage.plan.sums_position);
        let mut state = State::of(&[Variable::Output], registers, true);
        asm.times(f64::from(pixels), |asm| {
            stage::point_at_field(asm, self.program, stage, &field);
            asm.movw(BASE, POSITION);
            asm.movw(POSITION, X);
            kept.begin(asm);
            match &mut kernel {
                Kernel::Unrolled(kernel) => kernel.emit_kept(asm, kept, pixels),
                Kernel::Table(kernel) => {
                    kernel.emit(asm, Destination::Stored, (&state, &self.sink));
                }
            }
            asm.movw(POSITION, BASE);
            asm.movw(Z, POSITION);
            if rows.has_several() {
                rows.load_distance(asm);
                rows.advance(asm);
                let last = asm.label();
                asm.branch(Condition::Equal, last, 1.0 / f64::from(pixels));
                asm.ret();
                asm.bind(last);
            }
        });
        if stage::point_at_sink(asm, self.program, stage).is_some() {
            asm.movw(state.register(Variable::Output), X);
        }
        asm.movw(BASE, POSITION);
        state.save(asm);
        let target = (&state, &self.sink);
        match &mut kernel {
            Kernel::Unrolled(kernel) => kernel.finish_kept(asm, kept, target),
            Kernel::Table(kernel) => kernel.finish_kept(asm, kept, target),
        }
        state.restore(asm);
        asm.ret();
        kernel.subroutines(asm);
    }

    fn pool(&self, asm: &mut Assembly, pooling: Pooling) {
        let source = self.source(asm);
        let mut kernel = Pool::new(pooling, source.clone(), self.field.kernel);
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

    /// The loop over the outputs, or for a stage the next one, and what comes
    /// before it. `results`: where the kernel can leave them, which it does where
    /// the loop's variables have registers beside them, and else pushes them;
    /// `beneath`: bytes that it pushes before them.
    fn walk(
        &self,
        asm: &mut Assembly,
        source: &Source<'_>,
        mut kernel: Registers,
        results: Option<Vec<Register>>,
        beneath: u32,
        emit: &mut dyn FnMut(&mut Assembly, Destination, &State),
    ) {
        let keeps_base =
            self.sink.wraps() || source.registers().contains(BASE) || kernel.contains(BASE);
        let bases = [BASE, BASE.next()].into_iter().filter(|_| keeps_base);
        let bases = Registers::of(bases);
        kernel = kernel.union(bases);
        let begin = |variables: &[Variable]| {
            let beside = results.as_ref().and_then(|results| {
                let kept = Registers::of(results.iter().copied()).union(bases);
                State::beside(variables, kernel, kept)
            });
            match beside {
                Some(state) => (Destination::Registers, results.as_deref(), state),
                None => {
                    let state = State::of(variables, kernel, keeps_base);
                    (Destination::Pushed, None, state)
                }
            }
        };
        let step = match self.part {
            Part::Step(step) => step,
            Part::Stage(_, stage) => {
                let (destination, results, mut state) = begin(&[Variable::Output]);
                asm.times(f64::from(self.output.pixels()), |asm| {
                    let ends = [keeps_base.then_some(BASE), source.ring_end()];
                    stage::begin(asm, self.program, stage, source, &mut state, ends);
                    emit(asm, destination, &state);
                    self.keep(asm, &mut state, results, beneath);
                });
                return;
            }
        };
        let walk = Walk::new(step, source, &self.sink);
        let (destination, results, mut state) = begin(&walk.variables());
        self.sink.begin(asm, &state);
        if keeps_base {
            asm.movw(BASE, POSITION);
        }
        source.begin(asm, walk.first_pixel(step, source));
        walk.emit(asm, &mut state, &self.sink, &mut |asm, state| {
            state.save(asm);
            emit(asm, destination, state);
            self.keep(asm, state, results, beneath);
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
        let in_map = !matches!(self.sink, Sink::Results { .. });
        if in_map && results.is_none() {
            self.sink.store_pushed(asm, state, self.output.channels);
        }
        drop_pushed(asm, beneath);
        state.restore(asm);
        if let (true, Some(values)) = (in_map, results) {
            self.sink.store(asm, state, values);
        }
    }
}
