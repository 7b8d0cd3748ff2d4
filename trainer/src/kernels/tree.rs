//! Trees, a block of examples at a time, forwards and backwards: scores
//! `Σ over nodes P(node) · (W·z) · tanh(V·z)` (Kumar et al. 2017, equation 1), where P is 1
//! on an example's path; in training it is the product of `(1 ± tanh(s·θ·z))/2` of the
//! branches before, with sharper and sharper s (section 4 there).

use num_traits::Float;

use super::lanes::{Lanes, Matrix, half_up, map, zeros};

/// What a tree computes, and where its parameters are.
#[derive(Clone, Debug)]
pub(crate) struct TreePlace {
    /// W and V: a row a node and class.
    pub(crate) score: Matrix,
    pub(crate) gate: Matrix,
    /// θ: a row an inner node.
    pub(crate) branch: Matrix,
    pub(crate) classes: usize,
    /// Whether the gate is a clamped line.
    pub(crate) is_hard: bool,
}

/// How a tree of integers rounds: the steps of its grids.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TreeRounding {
    /// Of `W·z`, and of the gate's argument.
    pub(crate) score: f32,
    pub(crate) gate: f32,
}

/// What a tree computed.
struct Run<T> {
    /// `W·z` and its gate, a node and class.
    scores: Vec<Lanes<T>>,
    gates: Vec<Lanes<T>>,
    /// How the gate changes with its argument.
    slopes: Vec<Lanes<T>>,
    /// How much of an example comes to a node.
    shares: Vec<Lanes<T>>,
    /// How much of that goes to the first child.
    firsts: Vec<Lanes<T>>,
}

/// The largest gate: 127 of 128, as a table of 8 bits has it; its arguments go in 32nds.
const TABLE: f64 = 127.0;

impl TreePlace {
    /// Of each inner node, the mean of |θ·z| over examples.
    #[inline(always)]
    pub(crate) fn add_distances<T: Float>(
        &self,
        parameters: &[T],
        z: &[Lanes<T>],
        total: &mut [T],
    ) {
        let mut distances = zeros(self.branch.outputs);
        self.branch.multiply(parameters, z, &mut distances);
        for (total, distances) in total.iter_mut().zip(&distances) {
            for distance in distances {
                *total = *total + distance.abs();
            }
        }
    }

    #[inline(always)]
    fn run<T: Float>(
        &self,
        rounding: Option<TreeRounding>,
        sharpness: Option<&[T]>,
        parameters: &[T],
        z: &[Lanes<T>],
    ) -> Run<T> {
        let rows = self.score.outputs;
        let inner = self.branch.outputs;
        let (zero, one) = (T::zero(), T::one());
        let half = one / (one + one);
        let mut scores = zeros(rows);
        let mut gates = zeros(rows);
        let mut slopes = zeros(rows);
        let mut branches = zeros(inner);
        self.score.multiply(parameters, z, &mut scores);
        self.gate.multiply(parameters, z, &mut gates);
        self.branch.multiply(parameters, z, &mut branches);
        for score in scores.iter_mut().flatten() {
            *score = half_up(*score, rounding.map(|it| it.score));
        }
        let slopes_of = slopes.iter_mut().flatten();
        for (gate, slope) in gates.iter_mut().flatten().zip(slopes_of) {
            (*gate, *slope) = self.gate(*gate, rounding);
        }
        let nodes = rows / self.classes;
        let mut shares = zeros(nodes);
        let mut firsts = zeros(inner);
        shares[0] = map(|_| one);
        for node in 0..inner {
            let branch = &branches[node];
            firsts[node] = match sharpness {
                Some(sharpness) => {
                    map(|lane| (one + (branch[lane] * sharpness[node]).tanh()) * half)
                }
                None => map(|lane| if branch[lane] > zero { one } else { zero }),
            };
            let (share, first) = (shares[node], firsts[node]);
            shares[2 * node + 1] = map(|lane| share[lane] * first[lane]);
            shares[2 * node + 2] = map(|lane| share[lane] * (one - first[lane]));
        }
        Run {
            scores,
            gates,
            slopes,
            shares,
            firsts,
        }
    }

    /// The gate of an argument, and its slope.
    #[inline(always)]
    fn gate<T: Float>(&self, argument: T, rounding: Option<TreeRounding>) -> (T, T) {
        let one = T::one();
        let rounded = half_up(argument, rounding.map(|it| it.gate));
        if self.is_hard {
            let clamped = rounded.max(-one).min(one);
            let inside = argument.abs() < one;
            return (clamped, if inside { one } else { T::zero() });
        }
        if rounding.is_none() {
            let value = rounded.tanh();
            return (value, one - value * value);
        }
        // Beyond 4 the table ends.
        let four = T::from(4.0).expect("a float");
        let largest = T::from(TABLE).expect("a float");
        let one_less = largest + one;
        let value = (largest * rounded.abs().min(four).tanh()).round() / one_less;
        let value = if rounded < T::zero() { -value } else { value };
        let slope = if rounded.abs() < four {
            one - value * value
        } else {
            T::zero()
        };
        (value, slope)
    }

    #[inline(always)]
    pub(crate) fn forward<T: Float>(
        &self,
        rounding: Option<TreeRounding>,
        sharpness: Option<&[T]>,
        parameters: &[T],
        z: &[Lanes<T>],
        output: &mut [Lanes<T>],
    ) {
        let run = self.run(rounding, sharpness, parameters, z);
        for (node, share) in run.shares.iter().enumerate() {
            for (class, output) in output.iter_mut().enumerate() {
                let row = node * self.classes + class;
                let (score, gate) = (&run.scores[row], &run.gates[row]);
                for (lane, output) in output.iter_mut().enumerate() {
                    *output = *output + share[lane] * score[lane] * gate[lane];
                }
            }
        }
    }

    /// Adds to how the loss changes with each parameter and with z, of how it does with the
    /// scores.
    #[inline(always)]
    pub(crate) fn backward<T: Float>(
        &self,
        (rounding, sharpness): (Option<TreeRounding>, Option<&[T]>),
        parameters: &[T],
        z: &[Lanes<T>],
        gradient: &[Lanes<T>],
        of_parameters: &mut [Lanes<T>],
        of_z: &mut [Lanes<T>],
    ) {
        let run = self.run(rounding, sharpness, parameters, z);
        let rows = self.score.outputs;
        let (one, two) = (T::one(), T::one() + T::one());
        let mut of_scores = zeros(rows);
        let mut of_gates = zeros(rows);
        let mut of_shares: Vec<Lanes<T>> = zeros(rows / self.classes);
        for (node, share) in run.shares.iter().enumerate() {
            for (class, gradient) in gradient.iter().enumerate() {
                let row = node * self.classes + class;
                let (score, gate, slope) = (&run.scores[row], &run.gates[row], &run.slopes[row]);
                of_scores[row] = map(|lane| gradient[lane] * share[lane] * gate[lane]);
                of_gates[row] =
                    map(|lane| gradient[lane] * share[lane] * score[lane] * slope[lane]);
                for lane in 0..gradient.len() {
                    let of_share = &mut of_shares[node][lane];
                    *of_share = *of_share + gradient[lane] * score[lane] * gate[lane];
                }
            }
        }
        for (matrix, of_y) in [(self.score, &of_scores), (self.gate, &of_gates)] {
            matrix.add_weight_gradient(of_y, z, of_parameters);
            matrix.add_input_gradient(parameters, of_y, of_z);
        }
        let Some(sharpness) = sharpness else { return };
        let mut of_branches = zeros(self.branch.outputs);
        for node in (0..self.branch.outputs).rev() {
            let (share, first) = (&run.shares[node], &run.firsts[node]);
            let (of_first, of_second) = (of_shares[2 * node + 1], of_shares[2 * node + 2]);
            for lane in 0..share.len() {
                let of_share = &mut of_shares[node][lane];
                *of_share = *of_share
                    + first[lane] * of_first[lane]
                    + (one - first[lane]) * of_second[lane];
            }
            of_branches[node] = map(|lane| {
                let slope = two * first[lane] * (one - first[lane]) * sharpness[node];
                share[lane] * (of_first[lane] - of_second[lane]) * slope
            });
        }
        self.branch
            .add_weight_gradient(&of_branches, z, of_parameters);
        self.branch
            .add_input_gradient(parameters, &of_branches, of_z);
    }
}
