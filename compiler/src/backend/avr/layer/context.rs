//! A layer on its way to a function: what its kernels read and add, and where its
//! outputs go.

use crate::backend::avr::arithmetic::index::is_wide;
use crate::backend::avr::form::CodeForm;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::layer::part::LayerPart;
use crate::backend::avr::memory::added::Added;
use crate::backend::avr::memory::field::MapSource;
use crate::backend::avr::memory::guard::{Counter, Guards};
use crate::backend::avr::memory::state::Variable;
use crate::backend::avr::memory::store::OutputSink;
use crate::backend::avr::round::sum::Sum;
use crate::backend::avr::segments::stage;
use crate::network;
use crate::network::ReceptiveField;
use crate::network::Shape;
use crate::plan::Order;
use crate::program::Expectation;
use crate::program::Map;
use crate::program::Program;
use crate::program::Stage;
use crate::program::Step;
use crate::program::WeightedSum;

/// A layer on its way to a function.
pub(crate) struct Layer<'a> {
    pub(crate) program: &'a Program,
    pub(crate) part: LayerPart<'a>,
    pub(crate) input: &'a Map,
    pub(crate) field: ReceptiveField,
    pub(crate) output: Shape,
    /// Fields that the kernel reads for each of its outputs: those of a window that it pools.
    pub(crate) window: network::Kernel,
    pub(crate) sink: OutputSink<'a>,
    /// The maps that it adds or concatenates.
    pub(crate) joined: Vec<Joined<'a>>,
    pub(crate) form: CodeForm,
}

/// A map that is added or concatenated.
pub(crate) struct Joined<'a> {
    pub(crate) added: Added,
    /// How a step goes through it.
    pub(crate) source: Option<MapSource<'a>>,
}

impl<'a> Layer<'a> {
    /// A step's, without what it joins.
    pub(crate) fn of_step(
        program: &'a Program,
        (part, step): (LayerPart<'a>, &'a Step),
        form: CodeForm,
    ) -> Self {
        Self {
            program,
            part,
            input: program.map(step.input),
            field: step.field,
            output: step.output,
            window: network::Kernel::square(1),
            sink: OutputSink::of(program, step),
            joined: Vec::new(),
            form,
        }
    }

    /// A stage's, without what it joins; `input`: what has arrived of the map that it reads.
    pub(crate) fn of_stage(
        program: &'a Program,
        (part, stage): (LayerPart<'a>, &'a Stage),
        input: &'a Map,
        form: CodeForm,
    ) -> Self {
        Self {
            program,
            part,
            input,
            field: stage.field,
            output: stage.plan.output,
            window: network::Kernel::square(1),
            sink: OutputSink::of_stage(program, stage),
            joined: Vec::new(),
            form,
        }
    }

    pub(crate) fn source(&self, asm: &mut Assembly) -> MapSource<'a> {
        let mut source = match self.part {
            LayerPart::Step(_) => MapSource::new(asm, self.program, self.input),
            LayerPart::Stage(_, stage) => stage::source(asm, self.program, stage, self.input),
        };
        source.guards = self.guards();
        source.is_single = match self.part {
            LayerPart::Stage(_, stage) => stage.plan.ring().is_some_and(|ring| ring.pixels == 1),
            LayerPart::Step(_) => false,
        };
        source
    }

    /// The tests of a field that reaches beyond the map.
    pub(crate) fn guards(&self) -> Option<Guards> {
        let height = self.output.height * self.window.height;
        let width = self.output.width * self.window.width;
        let counter = |side: u32| match self.part {
            _ if is_wide(side) => Counter::Index,
            LayerPart::Stage(..) => Counter::Index,
            LayerPart::Step(step) if step.order == Order::RowMajorBackward => Counter::After,
            LayerPart::Step(_) => Counter::Left,
        };
        let outputs = network::Kernel { height, width };
        Guards::of(&self.field, outputs, (counter(height), counter(width)))
    }

    pub(crate) fn find_joined(&self, asm: &mut Assembly) -> Vec<Joined<'a>> {
        match self.part {
            LayerPart::Step(step) => (0..)
                .zip(&step.joined)
                .map(|(index, &value)| {
                    let source = MapSource::new(asm, self.program, self.program.map(value));
                    Joined {
                        added: Added::of_map(index, &source),
                        source: Some(source),
                    }
                })
                .collect(),
            LayerPart::Stage(_, stage) => (0..stage.plan.joined.len())
                .map(|index| Joined {
                    added: Added::of_stage(self.program, stage, index),
                    source: None,
                })
                .collect(),
        }
    }

    /// Whether the network's address has to stay where it is.
    pub(crate) fn keeps_base(&self) -> bool {
        self.sink.wraps() || self.joined.iter().any(|it| it.added.table.is_some())
    }

    pub(crate) fn joined_variables(&self) -> impl Iterator<Item = Variable> {
        self.joined
            .iter()
            .map(|it| Variable::Joined(it.added.index))
    }

    /// What the layer reads and makes.
    pub(crate) fn expectation(&self) -> &'a Expectation {
        &self.program.expectations[self.part.node()]
    }

    /// The layer's only sum.
    pub(crate) fn sum(&self, sum: &'a WeightedSum, signed_input: bool) -> Sum<'a> {
        self.expected_sum((sum, self.expectation().clone()), signed_input)
    }

    /// One of its sums.
    pub(crate) fn expected_sum(
        &self,
        (sum, expectation): (&'a WeightedSum, Expectation),
        signed_input: bool,
    ) -> Sum<'a> {
        let added = self.joined.first().filter(|_| sum.adds);
        let added = added.map(|joined| joined.added);
        let sum = Sum::new(self.program, (sum, expectation), signed_input, added);
        match self.part {
            LayerPart::Step(_) => sum,
            LayerPart::Stage(_, stage) => sum.based_at(stage::base_byte(self.program, stage)),
        }
    }

    /// The sum of a dense layer to which the pixels of its input add one by one.
    pub(crate) fn kept_sum(&self, sum: &'a WeightedSum, signed_input: bool) -> Sum<'a> {
        let added = self.joined.first().filter(|_| sum.adds);
        let added = added.map(|joined| joined.added);
        let expectation = self.expectation().clone();
        Sum::kept(self.program, (sum, expectation), signed_input, added)
    }

    pub(crate) fn kernel_size(&self) -> (u32, u32) {
        let kernel = self.field.kernel;
        (kernel.height, kernel.width)
    }
}
