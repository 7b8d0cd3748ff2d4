//! Recurrent cells, a block of examples at a time, forwards and backwards through all
//! steps.
//!
//! A step is `p = W·x + b + U·h`, `z = clamp((p + b_z + 1)/2, 0, 1)`,
//! `c = clamp(p + b_h, −1, 1)`, `h' = z·h + (ζ·(1 − z) + ν)·c` (Kusupati et al. 2018,
//! equations 2 to 4, with functions of straight lines), or z and c are what
//! `compiler/src/program/tangent.rs` says.

use num_traits::Float;

use super::EXAMPLES;
use super::gates::Functions;
use super::lanes::{Lanes, Matrix, half_up, map, zeros};

/// What cells compute, and where in a layer's parameters theirs are.
#[derive(Clone, Debug)]
pub(crate) struct Recurrence {
    pub(crate) cells: Vec<Cell>,
    pub(crate) steps: usize,
    /// Values that a cell reads in a step.
    pub(crate) values: usize,
    pub(crate) hidden: usize,
    pub(crate) functions: Functions,
    /// Whether the states of all steps are made, or the last ones alone.
    pub(crate) makes_all: bool,
}

/// Where a cell's numbers are.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) input: Product,
    pub(crate) state: Product,
    pub(crate) input_bias: usize,
    pub(crate) gate_bias: usize,
    pub(crate) update_bias: usize,
    /// Of ζ; ν follows.
    pub(crate) mix: usize,
    /// The place in a map of every value that is read, step by step.
    pub(crate) reads: Vec<usize>,
}

/// One matrix, or two factors.
#[derive(Clone, Debug)]
pub(crate) struct Product {
    pub(crate) first: Option<Matrix>,
    pub(crate) last: Matrix,
}

/// How a cell of integers rounds: the steps of its grids.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CellRounding {
    /// Of states, gates and updates.
    pub(crate) state: f32,
    /// Of what the first factors make, of the input and of the state.
    pub(crate) firsts: [f32; 2],
}

/// What a cell computed.
struct Run<T> {
    x: Vec<Lanes<T>>,
    /// What first factors made.
    firsts: [Vec<Lanes<T>>; 2],
    /// `p`, step by step.
    sums: Vec<Lanes<T>>,
    /// The first is 0.
    states: Vec<Lanes<T>>,
}

/// A step's numbers of one unit.
struct Unit<T> {
    z: Lanes<T>,
    c: Lanes<T>,
    k: Lanes<T>,
}

impl Recurrence {
    /// Numbers that are made of an example.
    pub(crate) fn outputs(&self) -> usize {
        self.cells.len() * self.hidden * if self.makes_all { self.steps } else { 1 }
    }

    /// What each cell makes at a step is at that place, if it is kept.
    fn kept(&self, cell: usize, step: usize) -> Option<usize> {
        let row = self.cells.len() * self.hidden;
        match self.makes_all {
            true => Some(step * row + cell * self.hidden),
            false => (step + 1 == self.steps).then_some(cell * self.hidden),
        }
    }

    #[inline(always)]
    pub(crate) fn forward<T: Float>(
        &self,
        rounding: Option<CellRounding>,
        parameters: &[T],
        map: &[Lanes<T>],
        output: &mut [Lanes<T>],
    ) {
        for (index, cell) in self.cells.iter().enumerate() {
            let run = self.run(cell, rounding, parameters, map);
            for step in 0..self.steps {
                if let Some(at) = self.kept(index, step) {
                    let states = &run.states[(step + 1) * self.hidden..][..self.hidden];
                    output[at..][..self.hidden].copy_from_slice(states);
                }
            }
        }
    }

    #[inline(always)]
    fn run<T: Float>(
        &self,
        cell: &Cell,
        rounding: Option<CellRounding>,
        parameters: &[T],
        map: &[Lanes<T>],
    ) -> Run<T> {
        let (steps, hidden) = (self.steps, self.hidden);
        let x: Vec<Lanes<T>> = cell.reads.iter().map(|&at| map[at]).collect();
        let firsts = [&cell.input, &cell.state].map(|product| {
            let rank = product.first.as_ref().map_or(0, |first| first.outputs);
            zeros(steps * rank)
        });
        let mut run = Run {
            x,
            firsts,
            sums: zeros(steps * hidden),
            states: zeros((steps + 1) * hidden),
        };
        let mut of_state = zeros(hidden);
        let bias = &parameters[cell.input_bias..][..hidden];
        let step_of = rounding.map(|it| it.state);
        for step in 0..steps {
            let (before, after) = run.states.split_at_mut((step + 1) * hidden);
            let state = &before[step * hidden..];
            let sums = &mut run.sums[step * hidden..][..hidden];
            let x = &run.x[step * self.values..][..self.values];
            let [of_input, of_states] = &mut run.firsts;
            let firsts = rounding.map(|it| it.firsts);
            let steps_of_firsts = [0, 1].map(|which| firsts.map(|it| it[which]));
            cell.input
                .multiply(parameters, steps_of_firsts[0], step, x, of_input, sums);
            cell.state.multiply(
                parameters,
                steps_of_firsts[1],
                step,
                state,
                of_states,
                &mut of_state,
            );
            for unit in 0..hidden {
                for (sum, &of_state) in sums[unit].iter_mut().zip(&of_state[unit]) {
                    *sum = half_up(*sum + bias[unit], step_of) + half_up(of_state, step_of);
                }
                let Unit { z, c, k } =
                    cell.unit(&self.functions, parameters, unit, &sums[unit], step_of);
                let after = &mut after[unit];
                for lane in 0..after.len() {
                    let state = z[lane] * state[unit][lane] + k[lane] * c[lane];
                    after[lane] = self.functions.kept(half_up(state, step_of), step_of);
                }
            }
        }
        run
    }

    /// Adds to how the loss changes with each parameter, and with each number of the map, of
    /// how it does with the output.
    #[inline(always)]
    pub(crate) fn backward<T: Float>(
        &self,
        rounding: Option<CellRounding>,
        parameters: &[T],
        map: &[Lanes<T>],
        gradient: &[Lanes<T>],
        of_parameters: &mut [Lanes<T>],
        mut of_map: Option<&mut [Lanes<T>]>,
    ) {
        let (steps, hidden) = (self.steps, self.hidden);
        for (index, cell) in self.cells.iter().enumerate() {
            let run = self.run(cell, rounding, parameters, map);
            let mut of_sums: Vec<Lanes<T>> = zeros(steps * hidden);
            let mut of_state: Vec<Lanes<T>> = zeros(hidden);
            for step in (0..steps).rev() {
                if let Some(at) = self.kept(index, step) {
                    for (of_state, gradient) in of_state.iter_mut().zip(&gradient[at..]) {
                        *of_state = map2(of_state, gradient, |a, b| a + b);
                    }
                }
                let of_sums = &mut of_sums[step * hidden..][..hidden];
                for unit in 0..hidden {
                    let sum = &run.sums[step * hidden + unit];
                    let before = &run.states[step * hidden + unit];
                    cell.unit_gradient(
                        &self.functions,
                        (parameters, rounding.map(|it| it.state)),
                        unit,
                        (sum, before),
                        (&mut of_state[unit], &mut of_sums[unit]),
                        of_parameters,
                    );
                }
                cell.state
                    .add_input_gradient(parameters, of_sums, &mut of_state);
            }
            let bias = &mut of_parameters[cell.input_bias..][..hidden];
            for of_sums in of_sums.chunks_exact(hidden) {
                for (bias, of_sum) in bias.iter_mut().zip(of_sums) {
                    *bias = map2(bias, of_sum, |a, b| a + b);
                }
            }
            let [of_input, of_states] = &run.firsts;
            let factors =
                |product: &Product, x: &[Lanes<T>], first: &[Lanes<T>], of: &mut [Lanes<T>]| {
                    product.add_weight_gradient(parameters, &of_sums, x, first, of);
                };
            factors(&cell.input, &run.x, of_input, of_parameters);
            let states = &run.states[..steps * hidden];
            factors(&cell.state, states, of_states, of_parameters);
            if let Some(of_map) = of_map.as_deref_mut() {
                let mut of_x = zeros(self.values);
                for (of_sums, reads) in of_sums
                    .chunks_exact(hidden)
                    .zip(cell.reads.chunks_exact(self.values))
                {
                    of_x.fill([T::zero(); EXAMPLES]);
                    cell.input
                        .add_input_gradient(parameters, of_sums, &mut of_x);
                    for (&at, of_x) in reads.iter().zip(&of_x) {
                        of_map[at] = map2(&of_map[at], of_x, |a, b| a + b);
                    }
                }
            }
        }
    }
}

impl Cell {
    /// ζ and ν.
    fn mix<T: Float>(&self, parameters: &[T]) -> [T; 2] {
        [parameters[self.mix], parameters[self.mix + 1]]
    }

    #[inline(always)]
    fn unit<T: Float>(
        &self,
        functions: &Functions,
        parameters: &[T],
        unit: usize,
        sum: &Lanes<T>,
        step: Option<f32>,
    ) -> Unit<T> {
        let one = T::one();
        let [zeta, nu] = self.mix(parameters);
        let gate_bias = parameters[self.gate_bias + unit];
        let update_bias = parameters[self.update_bias + unit];
        let z = map(|lane| functions.gate(sum[lane], gate_bias, step));
        let c = map(|lane| functions.update(sum[lane], update_bias, step));
        let k = map(|lane| half_up(zeta * (one - z[lane]), step) + nu);
        Unit { z, c, k }
    }

    /// From how the loss changes with the state after a step to how it does with the one
    /// before, but for what goes by the sums, with the sums, and with the parameters.
    #[inline(always)]
    fn unit_gradient<T: Float>(
        &self,
        functions: &Functions,
        (parameters, step): (&[T], Option<f32>),
        unit: usize,
        (sum, before): (&Lanes<T>, &Lanes<T>),
        (of_state, of_sum): (&mut Lanes<T>, &mut Lanes<T>),
        of_parameters: &mut [Lanes<T>],
    ) {
        let one = T::one();
        let [zeta, _] = self.mix(parameters);
        let Unit { z, c, k } = self.unit(functions, parameters, unit, sum, step);
        let gradient = *of_state;
        let of_gate = map(|lane| {
            let of_z = gradient[lane] * (before[lane] - c[lane] * zeta);
            of_z * functions.slope_of_gate(z[lane])
        });
        let of_update = map(|lane| {
            let of_c = gradient[lane] * k[lane];
            of_c * functions.slope_of_update(c[lane])
        });
        *of_sum = map2(&of_gate, &of_update, |a, b| a + b);
        *of_state = map2(&gradient, &z, |a, b| a * b);
        let of_k = map2(&gradient, &c, |a, b| a * b);
        let mut add = |at: usize, numbers: &Lanes<T>| {
            of_parameters[at] = map2(&of_parameters[at], numbers, |a, b| a + b);
        };
        add(self.gate_bias + unit, &of_gate);
        add(self.update_bias + unit, &of_update);
        add(self.mix, &map2(&of_k, &z, |k, z| k * (one - z)));
        add(self.mix + 1, &of_k);
    }
}

impl Product {
    #[inline(always)]
    fn multiply<T: Float>(
        &self,
        parameters: &[T],
        step_of_first: Option<f32>,
        step: usize,
        x: &[Lanes<T>],
        firsts: &mut [Lanes<T>],
        y: &mut [Lanes<T>],
    ) {
        let Some(first) = &self.first else {
            return self.last.multiply(parameters, x, y);
        };
        let made = &mut firsts[step * first.outputs..][..first.outputs];
        first.multiply(parameters, x, made);
        if let Some(step) = step_of_first {
            let most = T::from(step * 32767.0).expect("a float");
            let least = T::from(step * -32768.0).expect("a float");
            for number in made.iter_mut().flatten() {
                *number = half_up(*number, Some(step)).max(least).min(most);
            }
        }
        self.last.multiply(parameters, made, y);
    }

    #[inline(always)]
    fn add_input_gradient<T: Float>(
        &self,
        parameters: &[T],
        of_y: &[Lanes<T>],
        of_x: &mut [Lanes<T>],
    ) {
        let Some(first) = &self.first else {
            return self.last.add_input_gradient(parameters, of_y, of_x);
        };
        let mut of_made = zeros(first.outputs);
        self.last.add_input_gradient(parameters, of_y, &mut of_made);
        first.add_input_gradient(parameters, &of_made, of_x);
    }

    /// Of all steps.
    #[inline(always)]
    fn add_weight_gradient<T: Float>(
        &self,
        parameters: &[T],
        of_y: &[Lanes<T>],
        x: &[Lanes<T>],
        made: &[Lanes<T>],
        of_parameters: &mut [Lanes<T>],
    ) {
        let Some(first) = &self.first else {
            return self.last.add_weight_gradient(of_y, x, of_parameters);
        };
        self.last.add_weight_gradient(of_y, made, of_parameters);
        let mut of_made = zeros(made.len());
        for (of_y, of_made) in of_y
            .chunks_exact(self.last.outputs)
            .zip(of_made.chunks_exact_mut(first.outputs))
        {
            self.last.add_input_gradient(parameters, of_y, of_made);
        }
        first.add_weight_gradient(&of_made, x, of_parameters);
    }
}

#[inline(always)]
fn map2<T: Float>(a: &Lanes<T>, b: &Lanes<T>, f: impl Fn(T, T) -> T) -> Lanes<T> {
    map(|lane| f(a[lane], b[lane]))
}
