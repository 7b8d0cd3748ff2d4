//! Weights that a training makes 0 and keeps there: dense at first; then the least are made 0
//! again and again; then what is 0 stays. Where a declaration says `sparsity`, all of that share at
//! once (Kumar et al. 2017, section 4; Kusupati et al. 2018, section 3.3); where the recipe does,
//! step by step (Zhu & Gupta 2017, "To prune, or not to prune").

use burn::module::Param;
use burn::tensor::{Tensor, TensorData};
use herringbone_compiler::network::{Kind, Network};

use crate::model::{Model, floats};

/// Steps from one time that the least weights are made 0 to the next.
const STEPS: usize = 15;

/// What is done with small weights after a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pruning {
    /// Nothing.
    None,
    /// The least are made 0.
    Threshold {
        /// How many of those that gradual pruning makes 0 in the end.
        gradual: f64,
    },
    /// What was 0 before the step is 0 after it.
    Keep,
}

impl Pruning {
    /// After that step of a training that prunes from `first` on, and no longer chooses from
    /// `last` on.
    pub(crate) fn of_step(step: usize, first: usize, last: usize) -> Self {
        if step < first {
            Self::None
        } else if step + 1 == last || (step < last && (step - first).is_multiple_of(STEPS)) {
            let left = (last - 1 - step) as f64 / (last - 1 - first).max(1) as f64;
            Self::Threshold {
                // Zhu & Gupta 2017, equation 1.
                gradual: 1.0 - left.powi(3),
            }
        } else {
            Self::Keep
        }
    }
}

/// What share of a tensor's weights becomes 0.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Share {
    /// By the declaration.
    declared: f64,
    /// By the recipe.
    gradual: f64,
}

impl Share {
    fn is_some(self) -> bool {
        self.declared > 0.0 || self.gradual > 0.0
    }

    /// Weights of `count` that are 0 by then.
    fn zeros(self, count: usize, gradual: f64) -> usize {
        let share = self.declared.max(self.gradual * gradual);
        (share * count as f64).round() as usize
    }
}

/// How many of each weighted sum's weights its declaration makes 0.
fn declared(network: &Network) -> Vec<f64> {
    let of_nodes = network.computing_nodes().flat_map(|node| {
        let sparsity = match &node.kind {
            Kind::Projection(projection) => projection.sparsity,
            Kind::Pool(_)
            | Kind::Convolution(_)
            | Kind::Depthwise(_)
            | Kind::Separable(_)
            | Kind::Dense(_)
            | Kind::Recurrent(_)
            | Kind::Tree(_)
            | Kind::Prototypes(_)
            | Kind::Add(_)
            | Kind::Concat(_)
            | Kind::Dropout(_)
            | Kind::Noise(_) => 0.0,
        };
        node.sums().map(move |_| sparsity)
    });
    of_nodes.collect()
}

/// Whether a training of the network makes weights 0, of each layer that share or more.
pub(crate) fn is_sparse(network: &Network, model: &Model, gradual: f64) -> bool {
    let of_own = model.own.iter().flat_map(|own| &own.place.segments);
    gradual > 0.0
        || declared(network).iter().any(|&it| it > 0.0)
        || of_own.into_iter().any(|it| it.sparsity > 0.0)
}

impl Model {
    /// Prunes what a step has led to from `before`, in the end that share of all weights.
    pub(crate) fn prune(
        &mut self,
        network: &Network,
        before: &Self,
        pruning: Pruning,
        gradual: f64,
    ) {
        if pruning == Pruning::None {
            return;
        }
        let sums = self.sums.iter_mut().zip(&before.sums);
        for ((now, before), declared) in sums.zip(declared(network)) {
            let share = Share { declared, gradual };
            if let (Some(now), Some(before), true) =
                (&mut now.parameters, &before.parameters, share.is_some())
            {
                change(&mut now.weights, &before.weights, |now, before| {
                    prune(now, before, share, pruning);
                });
            }
        }
        for (now, before) in self.own.iter_mut().zip(&before.own) {
            let shares = now.place.segments.iter().map(|segment| {
                let share = Share {
                    declared: segment.sparsity,
                    gradual: if segment.role.is_weight() {
                        gradual
                    } else {
                        0.0
                    },
                };
                (segment.range.clone(), share)
            });
            let shares: Vec<_> = shares.filter(|(_, share)| share.is_some()).collect();
            if shares.is_empty() {
                continue;
            }
            change(&mut now.numbers, &before.numbers, |now, before| {
                for (range, share) in shares {
                    prune(&mut now[range.clone()], &before[range], share, pruning);
                }
            });
        }
    }
}

/// Makes another tensor of the numbers of one.
pub(crate) fn change<const D: usize>(
    now: &mut Param<Tensor<D>>,
    before: &Param<Tensor<D>>,
    change: impl FnOnce(&mut [f32], &[f32]),
) {
    let before = floats(before.val().inner());
    *now = now.clone().map(|tensor| {
        let (shape, device) = (tensor.shape(), tensor.device().inner());
        let mut numbers = floats(tensor.inner());
        change(&mut numbers, &before);
        let changed = Tensor::from_data(TensorData::new(numbers, shape), &device);
        Tensor::from_inner(changed).require_grad()
    });
}

fn prune(now: &mut [f32], before: &[f32], share: Share, pruning: Pruning) {
    match pruning {
        Pruning::None => {}
        Pruning::Threshold { gradual } => {
            let zeros = share.zeros(now.len(), gradual);
            let mut order: Vec<usize> = (0..now.len()).collect();
            order.sort_by(|&a, &b| now[a].abs().total_cmp(&now[b].abs()));
            for &index in order.iter().take(zeros) {
                now[index] = 0.0;
            }
        }
        Pruning::Keep => {
            for (now, &before) in now.iter_mut().zip(before) {
                if before == 0.0 {
                    *now = 0.0;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pruning;

    #[test]
    fn gradual_pruning_grows_to_all_of_it_and_then_keeps_what_is_0() {
        let gradual = |step| match Pruning::of_step(step, 100, 400) {
            Pruning::Threshold { gradual } => Some(gradual),
            Pruning::None | Pruning::Keep => None,
        };
        assert_eq!(Pruning::of_step(99, 100, 400), Pruning::None);
        let shares: Vec<f64> = (0..400).filter_map(gradual).collect();
        assert!(shares.is_sorted());
        assert_eq!((shares[0], shares.last()), (0.0, Some(&1.0)));
        // Zhu & Gupta 2017: 7/8 of it after half of the time.
        let half = gradual(250).unwrap();
        assert!((half - 0.875).abs() < 0.01, "{half}");
        assert_eq!(Pruning::of_step(400, 100, 400), Pruning::Keep);
    }
}
