//! Prototypes, a block of examples at a time, forwards and backwards: scores
//! `Σ_j label_j · exp(−|w − B_j|²)` (Gupta et al. 2017, equation 1, with γ in w and B).

use num_traits::Float;

use super::lanes::{Lanes, Matrix, map, zeros};

/// What prototypes compute, and where their parameters are.
#[derive(Clone, Debug)]
pub(crate) struct PrototypesPlace {
    /// B: a row a prototype.
    pub(crate) prototype: Matrix,
    /// A row a prototype too, a column a class.
    pub(crate) label: Matrix,
}

/// `exp(−t/32)` of 0 ≤ t < 512 in 65,536ths, of two tables.
fn exponential(t: usize) -> f64 {
    let high = (65535.0 * (-((t >> 5) as f64)).exp()).round() as u64;
    let low = (255.0 * (-((t & 31) as f64) / 32.0).exp()).round() as u64;
    ((high * low) >> 8) as f64 / 65536.0
}

impl PrototypesPlace {
    /// How near each prototype is: `exp(−d)`.
    #[inline(always)]
    fn nearness<T: Float>(
        &self,
        table: Option<&[T]>,
        parameters: &[T],
        z: &[Lanes<T>],
    ) -> Vec<Lanes<T>> {
        // Beyond that the table has ended.
        let most = T::from(4.0).expect("a float");
        let half = T::from(0.5).expect("a float");
        let per_entry = T::from(32.0).expect("a float");
        let rows = self
            .prototype
            .of(parameters)
            .chunks_exact(self.prototype.inputs);
        rows.map(|prototype| {
            let mut distances = [T::zero(); super::EXAMPLES];
            for (&of_prototype, z) in prototype.iter().zip(z) {
                for (distance, &z) in distances.iter_mut().zip(z) {
                    let difference = z - of_prototype;
                    let difference = match table {
                        Some(_) => difference.max(-most).min(most),
                        None => difference,
                    };
                    *distance = *distance + difference * difference;
                }
            }
            match table {
                None => map(|lane| (-distances[lane]).exp()),
                Some(table) => map(|lane| {
                    let t = (distances[lane] * per_entry + half).floor();
                    table[t.to_usize().unwrap_or(usize::MAX).min(table.len() - 1)]
                }),
            }
        })
        .collect()
    }

    /// What integers have for `exp(−t/32)`.
    pub(crate) fn table<T: Float>() -> Vec<T> {
        let entries = (0..512).map(|t| T::from(exponential(t)).expect("a float"));
        entries.collect()
    }

    #[inline(always)]
    pub(crate) fn forward<T: Float>(
        &self,
        table: Option<&[T]>,
        parameters: &[T],
        z: &[Lanes<T>],
        output: &mut [Lanes<T>],
    ) {
        let nearness = self.nearness(table, parameters, z);
        // y_c = Σ_j label_jc · E_j: the transposed matrix.
        self.label.add_input_gradient(parameters, &nearness, output);
    }

    /// Adds to how the loss changes with each parameter and with z, of how it does with the
    /// scores.
    #[inline(always)]
    pub(crate) fn backward<T: Float>(
        &self,
        table: Option<&[T]>,
        parameters: &[T],
        z: &[Lanes<T>],
        gradient: &[Lanes<T>],
        of_parameters: &mut [Lanes<T>],
        of_z: &mut [Lanes<T>],
    ) {
        let nearness = self.nearness(table, parameters, z);
        self.label
            .add_weight_gradient(&nearness, gradient, of_parameters);
        let mut of_nearness = zeros(nearness.len());
        self.label.multiply(parameters, gradient, &mut of_nearness);
        let two = T::one() + T::one();
        let Matrix { at, inputs, .. } = self.prototype;
        for (index, (nearness, of_nearness)) in nearness.iter().zip(&of_nearness).enumerate() {
            for (axis, of_z) in of_z.iter_mut().enumerate() {
                let place = at + index * inputs + axis;
                let of_prototype = &mut of_parameters[place];
                for lane in 0..of_z.len() {
                    let difference = z[axis][lane] - parameters[place];
                    let change = two * difference * nearness[lane] * of_nearness[lane];
                    of_z[lane] = of_z[lane] - change;
                    of_prototype[lane] = of_prototype[lane] + change;
                }
            }
        }
    }
}
