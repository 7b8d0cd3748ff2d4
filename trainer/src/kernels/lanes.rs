//! Numbers of the examples of a block, and matrices times them.

use num_traits::Float;

use super::EXAMPLES;

/// One number of each example of a block.
pub(crate) type Lanes<T> = [T; EXAMPLES];

#[inline(always)]
pub(crate) fn map<T>(f: impl Fn(usize) -> T) -> Lanes<T> {
    std::array::from_fn(f)
}

pub(crate) fn zeros<T: Float>(count: usize) -> Vec<Lanes<T>> {
    vec![[T::zero(); EXAMPLES]; count]
}

/// The nearest multiple of a step, if there is one, halves going up:
/// `(v + 2^(n−1)) >> n` of integers.
#[inline(always)]
pub(crate) fn half_up<T: Float>(number: T, step: Option<f32>) -> T {
    let Some(step) = step else { return number };
    let step = T::from(step).expect("a float");
    let half = T::one() / (T::one() + T::one());
    (number / step + half).floor() * step
}

/// A matrix among the parameters of a layer, row by row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix {
    pub(crate) at: usize,
    pub(crate) outputs: usize,
    pub(crate) inputs: usize,
}

/// Rows whose products are made together.
const ROWS: usize = 4;

impl Matrix {
    pub(crate) fn len(self) -> usize {
        self.outputs * self.inputs
    }

    /// Its numbers among the parameters.
    #[inline(always)]
    pub(crate) fn of<T>(self, parameters: &[T]) -> &[T] {
        &parameters[self.at..][..self.len()]
    }

    /// y = W·x.
    #[inline(always)]
    pub(crate) fn multiply<T: Float>(self, parameters: &[T], x: &[Lanes<T>], y: &mut [Lanes<T>]) {
        let rows = self.of(parameters).chunks(ROWS * self.inputs);
        for (rows, y) in rows.zip(y.chunks_mut(ROWS)) {
            if y.len() == ROWS {
                let mut sums = [[T::zero(); EXAMPLES]; ROWS];
                for (column, x) in x[..self.inputs].iter().enumerate() {
                    for (row, sums) in sums.iter_mut().enumerate() {
                        let weight = rows[row * self.inputs + column];
                        for (sum, &x) in sums.iter_mut().zip(x) {
                            *sum = *sum + weight * x;
                        }
                    }
                }
                y.copy_from_slice(&sums);
                continue;
            }
            for (row, y) in rows.chunks_exact(self.inputs).zip(y) {
                let mut sums = [T::zero(); EXAMPLES];
                for (&weight, x) in row.iter().zip(x) {
                    for (sum, &x) in sums.iter_mut().zip(x) {
                        *sum = *sum + weight * x;
                    }
                }
                *y = sums;
            }
        }
    }

    /// Adds the transposed matrix times how the loss changes with y.
    #[inline(always)]
    pub(crate) fn add_input_gradient<T: Float>(
        self,
        parameters: &[T],
        of_y: &[Lanes<T>],
        of_x: &mut [Lanes<T>],
    ) {
        let rows = self.of(parameters).chunks_exact(self.inputs);
        for (row, of_y) in rows.zip(of_y) {
            for (&weight, of_x) in row.iter().zip(of_x.iter_mut()) {
                for (of_x, &of_y) in of_x.iter_mut().zip(of_y) {
                    *of_x = *of_x + weight * of_y;
                }
            }
        }
    }

    /// Adds the products of how the loss changes with y and of x, over as many steps as there
    /// are.
    #[inline(always)]
    pub(crate) fn add_weight_gradient<T: Float>(
        self,
        of_y: &[Lanes<T>],
        x: &[Lanes<T>],
        of_parameters: &mut [Lanes<T>],
    ) {
        let Self {
            at,
            outputs,
            inputs,
        } = self;
        for output in 0..outputs {
            let of_row = &mut of_parameters[at + output * inputs..][..inputs];
            for (input, of_weight) in of_row.iter_mut().enumerate() {
                let mut sums = *of_weight;
                let of_y = of_y[output..].iter().step_by(outputs);
                let x = x[input..].iter().step_by(inputs);
                for (of_y, x) in of_y.zip(x) {
                    for ((sum, &of_y), &x) in sums.iter_mut().zip(of_y).zip(x) {
                        *sum = *sum + of_y * x;
                    }
                }
                *of_weight = sums;
            }
        }
    }
}
