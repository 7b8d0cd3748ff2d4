//! The loop over a layer's outputs, or for a stage the next one, around its kernel.

use crate::backend::avr::arithmetic::index::is_wide;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::registers::{
    BASE, COLUMN_AT, KERNEL_SCRATCH, POSITION, ROW_AT, Register, Registers, X, Z,
};
use crate::backend::avr::layer::context::Layer;
use crate::backend::avr::layer::part::LayerPart;
use crate::backend::avr::layer::walk::Walk;
use crate::backend::avr::memory::field::MapSource;
use crate::backend::avr::memory::guard;
use crate::backend::avr::memory::pack::{Pushed, drop_pushed};
use crate::backend::avr::memory::state::{LoopState, Variable};
use crate::backend::avr::round::finish::Destination;
use crate::backend::avr::segments::stage;
use crate::plan::Order;

/// What a kernel leaves on the stack.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pushes {
    /// Bytes that it pushes before its outputs.
    pub(crate) beneath: u32,
    /// Whether an output is in the upper byte of the two of its sum.
    pub(crate) are_in_sums: bool,
    /// Whether its outputs are pushed as the bytes that are stored.
    pub(crate) are_packed: bool,
    /// Whether it can leave outputs in registers as [`Destination::Placed`].
    pub(crate) are_placed: bool,
    /// Whether it stores outputs, where it can't leave them, and pushes none.
    pub(crate) are_stored: bool,
}

impl<'a> Layer<'a> {
    /// The loop over the outputs, or for a stage the next one, and what comes
    /// before it. `results`: where the kernel can leave them, which it does where
    /// the loop's variables have registers beside them, and else pushes them, as
    /// `pushes` says.
    pub(crate) fn walk(
        &self,
        asm: &mut Assembly,
        source: &MapSource<'_>,
        mut kernel: Registers,
        results: Option<Vec<Register>>,
        pushes: Pushes,
        emit: &mut dyn FnMut(&mut Assembly, Destination, &LoopState),
    ) {
        let keeps_base =
            self.keeps_base() || source.registers().contains(BASE) || kernel.contains(BASE);
        let bases = [BASE, BASE.next()].into_iter().filter(|_| keeps_base);
        let bases = Registers::of(bases);
        kernel = kernel.union(bases).and(KERNEL_SCRATCH);
        let begin = |variables: &[Variable]| {
            let mut variables = variables.to_vec();
            variables.extend(self.joined_variables());
            let fixed = self.fixed(&variables);
            let beside = results.as_ref().and_then(|results| {
                let kept = Registers::of(results.iter().copied()).union(bases);
                let kept = kept.union(source.guard_registers());
                LoopState::beside(&variables, &fixed, (kernel, kept))
            });
            match beside {
                Some(state) => {
                    let destination = match pushes.are_placed {
                        true => Destination::Placed,
                        false => Destination::InRegisters,
                    };
                    (destination, results.as_deref(), state)
                }
                None => {
                    let state = LoopState::of(&variables, &fixed, kernel, keeps_base);
                    (Destination::Pushed, None, state)
                }
            }
        };
        let step = match self.part {
            LayerPart::Step(step) => step,
            LayerPart::Stage(_, stage) => {
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
                    asm.changing(kernel, |asm| emit(asm, destination, &state));
                    self.keep(asm, &mut state, results, pushes);
                    state.drop_stacked(asm);
                });
                return;
            }
        };
        let joined = self.joined.iter().filter_map(|it| it.source.as_ref());
        let walk = Walk::new(step, source, &self.sink, joined.collect());
        let (destination, results, mut state) = begin(&walk.variables());
        self.sink.begin(asm, &state);
        self.begin_joined(asm, &mut state, walk.first_output());
        if keeps_base {
            asm.movw(BASE, POSITION);
        }
        source.begin(asm, walk.first_pixel(step, source));
        walk.emit(asm, &mut state, &self.sink, &mut |asm, state| {
            state.save(asm);
            self.compress(asm, state, source);
            asm.changing(kernel, |asm| emit(asm, destination, state));
            self.keep(asm, state, results, pushes);
        });
        state.drop_stacked(asm);
    }

    /// Where the joined maps' pixels of the first output are, the network's address
    /// being in [`POSITION`].
    pub(crate) fn begin_joined(&self, asm: &mut Assembly, state: &mut LoopState, pixel: u32) {
        for joined in &self.joined {
            let source = joined.source.as_ref();
            let source = source.expect("a stage knows where its pixels are");
            source.begin_in(asm, Z, pixel as i32);
            state.begin(asm, Variable::Joined(joined.added.index), Z);
        }
    }

    /// The variables that kernels of fields beyond the map read where they are.
    pub(crate) fn fixed(&self, variables: &[Variable]) -> Vec<(Variable, Register)> {
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
    /// beyond the map.
    pub(crate) fn compress(&self, asm: &mut Assembly, state: &LoopState, source: &MapSource<'_>) {
        let changed = Registers::of_pairs([X, Z]).and([ROW_AT, COLUMN_AT]);
        asm.changing(changed, |asm| {
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
                    LayerPart::Step(step) => step.order == Order::RowMajorBackward,
                    LayerPart::Stage(..) => false,
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
        })
    }

    /// After a kernel: stores its outputs, unless they are results and were put
    /// already.
    pub(crate) fn keep(
        &self,
        asm: &mut Assembly,
        state: &mut LoopState,
        results: Option<&[Register]>,
        pushes: Pushes,
    ) {
        let in_map = self.sink.stores_activations();
        if in_map && results.is_none() && !pushes.are_stored {
            let pushed = Pushed {
                values: self.output.channels / if pushes.are_packed { 2 } else { 1 },
                bytes_each: if pushes.are_in_sums { 2 } else { 1 },
            };
            self.sink
                .store_pushed(asm, state, pushed, pushes.are_packed);
        }
        drop_pushed(asm, pushes.beneath);
        state.restore(asm);
        if let (true, Some(values)) = (in_map, results) {
            match pushes.are_placed {
                true => self.sink.store_placed(asm, state, values),
                false => self.sink.store(asm, state, values),
            }
        }
    }
}
