//! The function of a layer: its kernel in the loop over its outputs.

use super::{Core, Form, Function, FunctionId};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::Condition;
use crate::backend::avr::isa::registers::{
    BASE, COLUMN_AT, COMPLETES, POSITION, ROW_AT, Register, Registers, X, Z,
};
use crate::backend::avr::kernels::channels::ChannelSums;
use crate::backend::avr::kernels::concat::Concat;
use crate::backend::avr::kernels::depthwise::Depthwise;
use crate::backend::avr::kernels::kept::KeptSums;
use crate::backend::avr::kernels::pool::Pool;
use crate::backend::avr::kernels::table::Table;
use crate::backend::avr::kernels::unrolled::{Channels, Unrolled};
use crate::backend::avr::memory::added::Added;
use crate::backend::avr::memory::field::Source;
use crate::backend::avr::memory::guard::{self, Counter, Guards};
use crate::backend::avr::memory::input::Input;
use crate::backend::avr::memory::slots::{Slots, position_byte};
use crate::backend::avr::memory::state::{State, Variable};
use crate::backend::avr::memory::store::{Sink, drop_pushed};
use crate::backend::avr::round::finish::Destination;
use crate::backend::avr::round::sum::{Ending, Sum};
use crate::backend::avr::segments::point::is_wide;
use crate::backend::avr::segments::stage;
use crate::backend::avr::walk::Walk;
use crate::network::{self, NodeId, ReceptiveField, Shape};
use crate::plan::Order;
use crate::program::{
    self, Job, Map, Operation, Program, Segment, Stage, Step, WeightedSum, packed_row_bytes,
};

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
                Kernel::Unrolled(Unrolled::new(sum, constants, input, Channels::All, options))
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
    form == Form::Unrolled && !matches!(sum.ending, Ending::Shifted) && !sum.joins_by_loops()
}

/// A depthwise sum in its form.
enum DepthwiseKernel<'a> {
    Unrolled(Unrolled<'a>),
    Table(Depthwise<'a>),
    /// A table, on parts that multiply.
    Channels(ChannelSums<'a>),
}

impl DepthwiseKernel<'_> {
    fn registers(&self) -> Registers {
        match self {
            DepthwiseKernel::Unrolled(kernel) => kernel.registers(),
            DepthwiseKernel::Table(kernel) => kernel.registers(),
            DepthwiseKernel::Channels(kernel) => kernel.registers(),
        }
    }

    /// Where its outputs are after it, if they are in registers.
    fn results(&self) -> Option<Vec<Register>> {
        match self {
            DepthwiseKernel::Unrolled(kernel) => kernel.results(),
            DepthwiseKernel::Table(_) | DepthwiseKernel::Channels(_) => None,
        }
    }

    fn emit(&mut self, asm: &mut Assembly, destination: Destination, target: (&State, &Sink<'_>)) {
        match self {
            DepthwiseKernel::Unrolled(kernel) => kernel.emit(asm, destination, target),
            DepthwiseKernel::Table(kernel) => kernel.emit(asm, destination, target),
            DepthwiseKernel::Channels(kernel) => kernel.emit(asm, destination, target),
        }
    }

    fn subroutines(&self, asm: &mut Assembly) {
        match self {
            DepthwiseKernel::Unrolled(_) => {}
            DepthwiseKernel::Table(kernel) => kernel.subroutines(asm),
            DepthwiseKernel::Channels(kernel) => kernel.subroutines(asm),
        }
    }
}

/// A layer that has a function of its own with a form to choose, or a pooling of
/// a map that is stored whole.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part<'a> {
    /// A stage that has weights.
    Stage(&'a Segment, &'a Stage),
    /// A step.
    Step(&'a Step),
}

/// Those of a program, in the order of running.
pub(crate) fn parts(program: &Program) -> Vec<Part<'_>> {
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
    pub(crate) fn node(self) -> NodeId {
        match self {
            Part::Stage(_, stage) => stage.plan.node,
            Part::Step(step) => step.node,
        }
    }

    /// What it does.
    pub(crate) fn operation(self) -> &'a Operation {
        match self {
            Part::Stage(_, stage) => &stage.operation,
            Part::Step(step) => &step.operation,
        }
    }

    /// Whether its weights can be instructions. Those of a dense layer to which
    /// the pixels of its input add one by one are found by the pixel's number, a
    /// byte.
    pub(crate) fn can_be_unrolled(self) -> bool {
        match self {
            Part::Step(_) => true,
            Part::Stage(_, stage) => {
                !matches!(stage.operation, Operation::Dense(_)) || stage.plan.input.pixels() < 0x100
            }
        }
    }
}

/// The function of a layer.
pub(crate) fn emit(program: &Program, core: Core, part: Part<'_>, form: Form) -> Function {
    let arrived;
    let mut layer = match part {
        Part::Step(step) => Layer {
            program,
            part,
            input: program.map(step.input),
            field: step.field,
            output: step.output,
            sink: Sink::of(program, step),
            joined: Vec::new(),
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
                joined: Vec::new(),
                form,
            }
        }
    };
    let mut asm = match part {
        Part::Stage(segment, _) if segment.arriving => Assembly::streamed(core),
        Part::Stage(..) | Part::Step(_) => Assembly::new(core),
    };
    layer.joined = layer.find_joined(&mut asm);
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
        Operation::Depthwise(sum) => layer.depthwise(&mut asm, sum),
        Operation::Pool(pooling) => layer.pool(&mut asm, *pooling),
        Operation::Concat => layer.concat(&mut asm),
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
    /// The maps that it adds or concatenates.
    joined: Vec<Joined<'a>>,
    form: Form,
}

/// What a kernel leaves on the stack.
#[derive(Clone, Copy, Debug, Default)]
struct Pushes {
    /// Bytes that it pushes before its outputs.
    beneath: u32,
    /// Whether its outputs are pushed as the bytes that are stored.
    are_packed: bool,
}

/// A map that is added or concatenated.
struct Joined<'a> {
    added: Added,
    /// How a step goes through it.
    source: Option<Source<'a>>,
}

impl<'a> Layer<'a> {
    fn source(&self, asm: &mut Assembly) -> Source<'a> {
        let mut source = match self.part {
            Part::Step(_) => Source::new(asm, self.program, self.input),
            Part::Stage(_, stage) => stage::source(asm, self.program, stage, self.input),
        };
        source.guards = self.guards();
        source.is_single = match self.part {
            Part::Stage(_, stage) => stage.plan.ring().is_some_and(|ring| ring.pixels == 1),
            Part::Step(_) => false,
        };
        source
    }

    /// The tests of a field that reaches beyond the map.
    fn guards(&self) -> Option<Guards> {
        let Shape { height, width, .. } = self.output;
        let counter = |side: u32| match self.part {
            _ if is_wide(side) => Counter::Index,
            Part::Stage(..) => Counter::Index,
            Part::Step(step) if step.order == Order::RowMajorBackward => Counter::After,
            Part::Step(_) => Counter::Left,
        };
        let outputs = network::Kernel { height, width };
        Guards::of(&self.field, outputs, (counter(height), counter(width)))
    }

    fn find_joined(&self, asm: &mut Assembly) -> Vec<Joined<'a>> {
        match self.part {
            Part::Step(step) => (0..)
                .zip(&step.joined)
                .map(|(index, &value)| {
                    let source = Source::new(asm, self.program, self.program.map(value));
                    Joined {
                        added: Added::of_map(index, &source),
                        source: Some(source),
                    }
                })
                .collect(),
            Part::Stage(_, stage) => (0..stage.plan.joined.len())
                .map(|index| Joined {
                    added: Added::of_stage(self.program, stage, index),
                    source: None,
                })
                .collect(),
        }
    }

    /// Whether the network's address has to stay where it is.
    fn keeps_base(&self) -> bool {
        self.sink.wraps() || self.joined.iter().any(|it| it.added.table.is_some())
    }

    fn joined_variables(&self) -> impl Iterator<Item = Variable> {
        self.joined
            .iter()
            .map(|it| Variable::Joined(it.added.index))
    }

    fn sum(&self, sum: &'a WeightedSum, signed_input: bool) -> Sum<'a> {
        let added = self.joined.first().filter(|_| sum.adds);
        let added = added.map(|joined| joined.added);
        let sum = Sum::new(self.program, sum, signed_input, added);
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
        let mut kernel = Kernel::new(asm, &sum, input, self.keeps_base(), self.form);
        source.keep_ring_end_in(kernel.ring_end().unwrap_or(BASE));
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
        kernel.subroutines(asm);
    }

    fn depthwise(&self, asm: &mut Assembly, sum: &'a WeightedSum) {
        let mut source = self.source(asm);
        let sum = self.sum(sum, source.signed);
        let mut kernel = self.depthwise_kernel(asm, &sum, &mut source, Channels::Own);
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
        kernel.subroutines(asm);
    }

    fn depthwise_kernel<'s>(
        &self,
        asm: &mut Assembly,
        sum: &'s Sum<'s>,
        source: &mut Source<'a>,
        channels: Channels,
    ) -> DepthwiseKernel<'s>
    where
        'a: 's,
    {
        match sum.constants() {
            Some(constants) if is_unrolled(sum, self.form) => {
                let input = Input::Field {
                    source: source.clone(),
                    kernel: self.kernel_size(),
                };
                let options = (self.keeps_base(), asm.core().multiplies);
                let kernel = Unrolled::new(sum, constants, input, channels, options);
                source.keep_ring_end_in(kernel.ring_end().unwrap_or(BASE));
                DepthwiseKernel::Unrolled(kernel)
            }
            _ if channels == Channels::Own && asm.core().multiplies => {
                let size = (self.kernel_size(), self.keeps_base());
                DepthwiseKernel::Channels(ChannelSums::new(asm, sum, source.clone(), size))
            }
            _ => {
                let size = self.kernel_size();
                DepthwiseKernel::Table(Depthwise::new(asm, sum, source.clone(), size))
            }
        }
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
        let channels = Channels::OwnThenPointwise;
        let mut first = self.depthwise_kernel(asm, &depthwise, &mut source, channels);
        let values = depthwise.program.outputs;
        let input = Input::Pushed {
            count: values,
            keeps: source.guard_registers(),
        };
        let keeps_base = self.keeps_base() || source.registers().contains(BASE);
        let mut second = Kernel::new(asm, &pointwise, input, keeps_base, self.form);
        let results = second.results();
        let registers = second.registers().union(first.registers());
        self.walk(
            asm,
            &source,
            registers,
            results,
            Pushes {
                beneath: values,
                are_packed: false,
            },
            &mut |asm, destination, state| {
                first.emit(asm, Destination::PushedWide, (state, &self.sink));
                second.emit(asm, destination, (state, &self.sink));
            },
        );
        asm.ret();
        first.subroutines(asm);
        second.subroutines(asm);
    }

    fn dense(&self, asm: &mut Assembly, sum: &'a WeightedSum) {
        let sum = self.sum(sum, self.input.signed);
        let input = Input::Stored {
            map: self.input,
            cursor_bytes: self.program.cursor_bytes,
            bits: self.program.activation_bits,
        };
        let keeps_base = self.joined.iter().any(|it| it.added.table.is_some());
        let mut kernel = Kernel::new(asm, &sum, input, keeps_base, self.form);
        let mut variables = vec![Variable::Output];
        variables.extend(self.joined_variables());
        let keeps_base = keeps_base || kernel.registers().contains(BASE);
        let mut state = State::of(&variables, &[], kernel.registers(), keeps_base);
        self.sink.begin(asm, &state);
        self.begin_joined(asm, &state, 0);
        if keeps_base {
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
        let added = self.joined.first().filter(|_| sum.adds);
        let added = added.map(|joined| joined.added);
        let sum = Sum::kept(self.program, sum, source.signed, added);
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
            Some(constants) if is_unrolled(&sum, self.form) && self.part.can_be_unrolled() => {
                let options = (true, asm.core().multiplies);
                Kernel::Unrolled(Unrolled::new(
                    &sum,
                    constants,
                    input,
                    Channels::All,
                    options,
                ))
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
        let variables: Vec<Variable> = [Variable::Output]
            .into_iter()
            .chain(self.joined_variables())
            .collect();
        let mut state = State::of(&variables, &[], registers, true);
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
            Kernel::Unrolled(kernel) => kernel.finish_kept(asm, kept, target),
            Kernel::Table(kernel) => kernel.finish_kept(asm, kept, target),
        }
        state.restore(asm);
        asm.ret();
        kernel.subroutines(asm);
    }

    fn concat(&self, asm: &mut Assembly) {
        let source = self.source(asm);
        let joined = self.joined.iter().map(|it| it.added);
        let kernel = Concat::new(&source, joined.collect(), self.sink.is_packed());
        self.walk(
            asm,
            &source,
            kernel.registers(),
            None,
            Pushes {
                beneath: 0,
                are_packed: kernel.is_packed(),
            },
            &mut |asm, _, state| kernel.emit(asm, state),
        );
        asm.ret();
    }

    /// Where the joined maps' pixels of the first output are, the network's address
    /// being in [`POSITION`].
    fn begin_joined(&self, asm: &mut Assembly, state: &State, pixel: u32) {
        for joined in &self.joined {
            let source = joined.source.as_ref();
            let source = source.expect("a stage is told where its pixels are");
            source.begin_in(asm, Z, pixel as i32);
            asm.movw(state.register(Variable::Joined(joined.added.index)), Z);
        }
    }

    fn pool(&self, asm: &mut Assembly, pooling: program::Pooling) {
        let source = self.source(asm);
        let mut kernel = Pool::new(asm, pooling, source.clone(), self.kernel_size());
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
        kernel.subroutines(asm);
    }

    /// The loop over the outputs, or for a stage the next one, and what comes
    /// before it. `results`: where the kernel can leave them, which it does where
    /// the loop's variables have registers beside them, and else pushes them, as
    /// `pushes` says.
    fn walk(
        &self,
        asm: &mut Assembly,
        source: &Source<'_>,
        mut kernel: Registers,
        results: Option<Vec<Register>>,
        pushes: Pushes,
        emit: &mut dyn FnMut(&mut Assembly, Destination, &State),
    ) {
        let keeps_base =
            self.keeps_base() || source.registers().contains(BASE) || kernel.contains(BASE);
        let bases = [BASE, BASE.next()].into_iter().filter(|_| keeps_base);
        let bases = Registers::of(bases);
        kernel = kernel.union(bases);
        let begin = |variables: &[Variable]| {
            let mut variables = variables.to_vec();
            variables.extend(self.joined_variables());
            let fixed = self.fixed(&variables);
            let beside = results.as_ref().and_then(|results| {
                let kept = Registers::of(results.iter().copied()).union(bases);
                let kept = kept.union(source.guard_registers());
                State::beside(&variables, &fixed, (kernel, kept))
            });
            match beside {
                Some(state) => (Destination::Registers, results.as_deref(), state),
                None => {
                    let state = State::of(&variables, &fixed, kernel, keeps_base);
                    (Destination::Pushed, None, state)
                }
            }
        };
        let step = match self.part {
            Part::Step(step) => step,
            Part::Stage(_, stage) => {
                let mut variables = vec![Variable::Output];
                if source.guards.is_some() {
                    let [height, width] = [self.output.height, self.output.width].map(is_wide);
                    variables.push(Variable::Row { wide: height });
                    variables.push(Variable::Column { wide: width });
                }
                let (destination, results, mut state) = begin(&variables);
                asm.times(f64::from(self.output.pixels()), |asm| {
                    let ends = [keeps_base.then_some(BASE), source.ring_end()];
                    stage::begin(asm, self.program, stage, source, &mut state, ends);
                    self.compress(asm, &state, source);
                    emit(asm, destination, &state);
                    self.keep(asm, &mut state, results, pushes);
                });
                return;
            }
        };
        let joined = self.joined.iter().filter_map(|it| it.source.as_ref());
        let walk = Walk::new(step, source, &self.sink, joined.collect());
        let (destination, results, mut state) = begin(&walk.variables());
        self.sink.begin(asm, &state);
        self.begin_joined(asm, &state, walk.first_output());
        if keeps_base {
            asm.movw(BASE, POSITION);
        }
        source.begin(asm, walk.first_pixel(step, source));
        walk.emit(asm, &mut state, &self.sink, &mut |asm, state| {
            state.save(asm);
            self.compress(asm, state, source);
            emit(asm, destination, state);
            self.keep(asm, state, results, pushes);
        });
    }

    /// The variables that kernels of fields beyond the map read where they are.
    fn fixed(&self, variables: &[Variable]) -> Vec<(Variable, Register)> {
        if self.guards().is_none() {
            return Vec::new();
        }
        let place = |variable: &Variable| match *variable {
            Variable::Row { wide: false } | Variable::Rows { wide: false } => Some(ROW_AT),
            Variable::Column { wide: false } | Variable::Count { wide: false } => Some(COLUMN_AT),
            Variable::Row { wide: true }
            | Variable::Rows { wide: true }
            | Variable::Column { wide: true }
            | Variable::Count { wide: true }
            | Variable::Output
            | Variable::Columns { .. }
            | Variable::Corner
            | Variable::UntilWrap
            | Variable::Joined(_) => None,
        };
        variables
            .iter()
            .filter_map(|variable| Some((*variable, place(variable)?)))
            .collect()
    }

    /// Makes a byte of a row or column among more than 255, for kernels of fields
    /// beyond the map. Changes X and Z.
    fn compress(&self, asm: &mut Assembly, state: &State, source: &Source<'_>) {
        if source.guards.is_none() {
            return;
        }
        for &(variable, _) in state.places() {
            let (to, count, is_left) = match variable {
                Variable::Row { wide: true } => (ROW_AT, self.output.height, false),
                Variable::Rows { wide: true } => (ROW_AT, self.output.height, true),
                Variable::Column { wide: true } => (COLUMN_AT, self.output.width, false),
                Variable::Count { wide: true } => (COLUMN_AT, self.output.width, true),
                Variable::Row { wide: false }
                | Variable::Rows { wide: false }
                | Variable::Column { wide: false }
                | Variable::Count { wide: false }
                | Variable::Output
                | Variable::Columns { .. }
                | Variable::Corner
                | Variable::UntilWrap
                | Variable::Joined(_) => continue,
            };
            let is_backward = match self.part {
                Part::Step(step) => step.order == Order::RowMajorBackward,
                Part::Stage(..) => false,
            };
            state.fetch(asm, variable);
            match (is_left, is_backward) {
                (true, false) => {
                    asm.ldi_pair(Z, count as u16);
                    asm.sub(Z, X);
                    asm.sbc(Z.next(), X.next());
                }
                (true, true) => {
                    asm.movw(Z, X);
                    asm.subi(Z, 1);
                    asm.sbci(Z.next(), 0);
                }
                (false, _) => asm.movw(Z, X),
            }
            guard::compress(asm, Z, count, to);
        }
    }

    /// After a kernel: stores its outputs, unless they are results and were put
    /// already.
    fn keep(
        &self,
        asm: &mut Assembly,
        state: &mut State,
        results: Option<&[Register]>,
        pushes: Pushes,
    ) {
        let in_map = !matches!(self.sink, Sink::Results { .. });
        if in_map && results.is_none() {
            let values = self.output.channels;
            match pushes.are_packed {
                true => self.sink.store_packed(asm, state, values / 2, true),
                false => self.sink.store_pushed(asm, state, values),
            }
        }
        drop_pushed(asm, pushes.beneath);
        state.restore(asm);
        if let (true, Some(values)) = (in_map, results) {
            self.sink.store(asm, state, values);
        }
    }
}
