//! Weights that a training makes 0 and keeps there: dense at first; then the least are made 0
//! again and again; then what is 0 stays. Where a declaration says `sparsity`, all of that share at
//! once (Kumar et al. 2017, section 4; Kusupati et al. 2018, section 3.3); where the recipe does,
//! step by step (Zhu & Gupta 2017, "To prune, or not to prune"), of each layer as many as it can do
//! without (Lee et al. 2021, "Layer-adaptive sparsity for the magnitude-based pruning").

use burn::module::Param;
use burn::tensor::{Tensor, TensorData};
use herringbone_compiler::network::Network;

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

/// How many weights of each tensor are the least ones of all: those of the lowest scores, where a
/// weight's score is its square over the sum of the squares of its tensor that are not smaller
/// (Lee et al. 2021, equation 1). So sizes of different tensors need not be alike, and none loses its
/// largest weight before all others have lost theirs.
fn least_of_all(tensors: &[Vec<f32>], count: usize) -> Vec<usize> {
    let mut scores: Vec<(f64, usize)> = Vec::new();
    for (tensor, weights) in tensors.iter().enumerate() {
        let mut squares: Vec<f64> = weights.iter().map(|&it| f64::from(it).powi(2)).collect();
        squares.sort_by(|a, b| b.total_cmp(a));
        let mut sum = 0.0;
        for square in squares {
            sum += square;
            // What is 0 is less than all others.
            let score = if square > 0.0 { square / sum } else { 0.0 };
            scores.push((score, tensor));
        }
    }
    scores.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut counts = vec![0; tensors.len()];
    for &(_, tensor) in scores.iter().take(count) {
        counts[tensor] += 1;
    }
    counts
}

/// What share of each weighted sum's weights its declaration makes 0.
fn declared(network: &Network) -> Vec<f64> {
    let nodes = network.computing_nodes();
    nodes
        .flat_map(|node| node.sums().map(|_| node.kind.sparsity()))
        .collect()
}

/// Whether a training of the network makes weights 0, of each layer that share or more.
pub(crate) fn is_sparse(network: &Network, model: &Model, gradual: f64) -> bool {
    let of_own = model.own.iter().flat_map(|own| &own.place.segments);
    gradual > 0.0
        || declared(network).iter().any(|&it| it > 0.0)
        || of_own.into_iter().any(|it| it.sparsity > 0.0)
}

impl Model {
    /// Prunes what a step has led to from `before`, in the end that share of all weights. Tensors
    /// that need not have zeros are left as they are.
    pub(crate) fn prune(&mut self, network: &Network, before: &Self, pruning: Pruning, share: f64) {
        let zeros = match pruning {
            Pruning::None => return,
            Pruning::Threshold { gradual } => Some(self.zeros(network, share * gradual)),
            Pruning::Keep => None,
        };
        let mut zeros = zeros.map(Vec::into_iter);
        let mut next_count = || zeros.as_mut().and_then(Iterator::next);
        let is_pruned = |declared: f64| share > 0.0 || declared > 0.0;
        let sums = self.sums.iter_mut().zip(&before.sums);
        for ((now, before), declared) in sums.zip(declared(network)) {
            let (Some(now), Some(before)) = (&mut now.parameters, &before.parameters) else {
                continue;
            };
            let count = next_count();
            if is_pruned(declared) {
                change(&mut now.weights, &before.weights, |now, before| {
                    make_0(now, before, count);
                });
            }
        }
        for (now, before) in self.own.iter_mut().zip(&before.own) {
            let place = now.place.clone();
            let counts = place.weights().map(|segment| (segment, next_count()));
            let pruned: Vec<_> = counts
                .filter(|(segment, _)| is_pruned(segment.sparsity))
                .collect();
            if pruned.is_empty() {
                continue;
            }
            change(&mut now.numbers, &before.numbers, |now, before| {
                for (segment, count) in pruned {
                    let range = segment.range.clone();
                    make_0(&mut now[range.clone()], &before[range], count);
                }
            });
        }
    }

    /// How many of each tensor's weights become 0 where that share of all does.
    fn zeros(&self, network: &Network, share: f64) -> Vec<usize> {
        let of_sums = self.sums.iter().zip(declared(network));
        let of_sums = of_sums.filter_map(|(sum, declared)| {
            let parameters = sum.parameters.as_ref()?;
            Some((floats(parameters.weights.val().inner()), declared))
        });
        let of_own = self.own.iter().flat_map(|own| {
            let numbers = floats(own.numbers.val().inner());
            let weights = own.place.weights();
            weights.map(move |it| (numbers[it.range.clone()].to_vec(), it.sparsity))
        });
        let (tensors, declared): (Vec<_>, Vec<_>) = of_sums.chain(of_own).unzip();
        let all: usize = tensors.iter().map(Vec::len).sum();
        let least = least_of_all(&tensors, (share * all as f64).round() as usize);
        let declared = tensors.iter().zip(declared);
        let declared = declared.map(|(it, share)| (share * it.len() as f64).round() as usize);
        declared.zip(least).map(|(a, b)| a.max(b)).collect()
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

/// Makes that many weights 0, the least ones, or, without a number, those that were 0 before.
fn make_0(now: &mut [f32], before: &[f32], count: Option<usize>) {
    match count {
        Some(count) => make_least_0(now, count),
        None => keep_zeros(now, before),
    }
}

fn make_least_0(weights: &mut [f32], count: usize) {
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by(|&a, &b| weights[a].abs().total_cmp(&weights[b].abs()));
    for &index in order.iter().take(count) {
        weights[index] = 0.0;
    }
}

fn keep_zeros(now: &mut [f32], before: &[f32]) {
    for (now, &before) in now.iter_mut().zip(before) {
        if before == 0.0 {
            *now = 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Pruning, least_of_all};

    /// By the paper's equation, weight by weight.
    #[test]
    fn the_least_weights_are_those_of_the_lowest_layer_adaptive_magnitude() {
        let tensors = vec![
            vec![0.1, -0.2, 0.3, 0.0],
            vec![50.0, -10.0],
            vec![0.002, 0.004, -0.002, 0.001, 0.002],
        ];
        let mut scores = Vec::new();
        for (tensor, weights) in tensors.iter().enumerate() {
            for (index, &weight) in weights.iter().enumerate() {
                let weight = f64::from(weight);
                let is_counted = |(other, &it): (usize, &f32)| {
                    let it = f64::from(it).abs();
                    it > weight.abs() || it == weight.abs() && other <= index
                };
                let all = weights.iter().enumerate().filter(|&it| is_counted(it));
                let sum: f64 = all.map(|(_, &it)| f64::from(it).powi(2)).sum();
                scores.push((weight.powi(2) / sum, tensor));
            }
        }
        scores.sort_by(|a, b| a.0.total_cmp(&b.0));
        for count in 0..=scores.len() {
            let of = |tensor| scores[..count].iter().filter(|it| it.1 == tensor).count();
            assert_eq!(least_of_all(&tensors, count), [of(0), of(1), of(2)]);
        }
        // All of them have a largest weight left, whatever its size.
        assert_eq!(least_of_all(&tensors, scores.len() - 3), [3, 1, 4]);
    }

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
