//! The functions of a recurrent cell's gates and updates, of numbers and of integers.

use herringbone_compiler::network::Gate;
use num_traits::Float;

use super::lanes::half_up;

/// The functions of gates and updates.
#[derive(Clone, Debug)]
pub(crate) struct Functions {
    pub(crate) gate: Gate,
    /// The hyperbolic tangent of 16ths up to 4, in 4096ths.
    pub(crate) tangents: Vec<f32>,
}

impl Functions {
    #[inline(always)]
    pub(super) fn gate<T: Float>(&self, sum: T, bias: T, step: Option<f32>) -> T {
        let (zero, one) = (T::zero(), T::one());
        let half = one / (one + one);
        match self.gate {
            Gate::Hard => half_up((sum + bias + one) * half, step).max(zero).min(one),
            Gate::Sigmoid => {
                let halved = half_up(biased(sum, bias, step) * half, step);
                half_up((self.tangent(halved, step) + one) * half, step)
            }
            Gate::Tanh => self.tangent(biased(sum, bias, step), step),
        }
    }

    #[inline(always)]
    pub(super) fn update<T: Float>(&self, sum: T, bias: T, step: Option<f32>) -> T {
        match self.gate {
            Gate::Hard => (sum + bias).max(-T::one()).min(T::one()),
            Gate::Sigmoid | Gate::Tanh => self.tangent(biased(sum, bias, step), step),
        }
    }

    /// How a gate of that value changes with its sum.
    #[inline(always)]
    pub(super) fn slope_of_gate<T: Float>(&self, z: T) -> T {
        let (zero, one) = (T::zero(), T::one());
        match self.gate {
            Gate::Hard if z > zero && z < one => one / (one + one),
            Gate::Hard => zero,
            Gate::Sigmoid => z * (one - z),
            Gate::Tanh => one - z * z,
        }
    }

    /// How an update of that value changes with its sum.
    #[inline(always)]
    pub(super) fn slope_of_update<T: Float>(&self, c: T) -> T {
        let one = T::one();
        match self.gate {
            Gate::Hard if c > -one && c < one => one,
            Gate::Hard => T::zero(),
            Gate::Sigmoid | Gate::Tanh => one - c * c,
        }
    }

    /// A state, which integers keep within 16 bits.
    #[inline(always)]
    pub(super) fn kept<T: Float>(&self, state: T, step: Option<f32>) -> T {
        match (self.gate, step) {
            (Gate::Tanh, Some(step)) => {
                let most = T::from(step * 32767.0).expect("a float");
                state.max(-most).min(most)
            }
            (Gate::Hard | Gate::Sigmoid | Gate::Tanh, _) => state,
        }
    }

    #[inline(always)]
    fn tangent<T: Float>(&self, value: T, step: Option<f32>) -> T {
        let Some(step_of_value) = step else {
            return value.tanh();
        };
        let float = |number: f32| T::from(number).expect("a float");
        let entry = |index: usize| float(self.tangents[index]);
        let most = float((4.0 - step_of_value) * 4096.0);
        let size = (value.abs() * float(4096.0)).min(most);
        let index = (size / float(256.0)).floor();
        let rest = size - index * float(256.0);
        let index = index.to_usize().unwrap_or(0).min(63);
        let line = entry(index) * float(256.0) + (entry(index + 1) - entry(index)) * rest;
        let made = half_up(line * float(1.0 / 1_048_576.0), step);
        if value < T::zero() { -made } else { made }
    }
}

/// A sum and its bias; of integers, the nearest of 16 bits.
#[inline(always)]
fn biased<T: Float>(sum: T, bias: T, step: Option<f32>) -> T {
    let wide = |number: T| match step {
        None => number,
        Some(step) => {
            let [least, most] = [-32768.0, 32767.0].map(|it| T::from(step * it).expect("a float"));
            number.max(least).min(most)
        }
    };
    wide(wide(sum) + bias)
}
