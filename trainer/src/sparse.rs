//! Weights that a training makes 0 and keeps there, where a declaration says `sparsity`: dense
//! at first; then the least are made 0 again and again; then what is 0 stays (Kumar et al.
//! 2017, section 4; Kusupati et al. 2018, section 3.3).

use burn::module::Param;
use burn::tensor::{Tensor, TensorData};
use herringbone_compiler::network::{Kind, Network};

use crate::model::{Model, floats};

/// Steps from one time that the least weights are made 0 to the next.
const STEPS: usize = 15;

/// What is done with small weights after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pruning {
    /// Nothing.
    None,
    /// The least are made 0.
    Threshold,
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
            Self::Threshold
        } else {
            Self::Keep
        }
    }
}

/// How many of each weighted sum's weights training makes 0.
pub(crate) fn of_sums(network: &Network) -> Vec<f64> {
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

/// Whether a training of the network makes weights 0.
pub(crate) fn is_sparse(network: &Network, model: &Model) -> bool {
    let of_own = model.own.iter().flat_map(|own| &own.place.segments);
    of_sums(network).iter().any(|&it| it > 0.0) || of_own.into_iter().any(|it| it.sparsity > 0.0)
}

impl Model {
    /// Prunes what a step has led to from `before`.
    pub(crate) fn prune(&mut self, network: &Network, before: &Self, pruning: Pruning) {
        if pruning == Pruning::None {
            return;
        }
        let sums = self.sums.iter_mut().zip(&before.sums);
        for ((now, before), sparsity) in sums.zip(of_sums(network)) {
            if let (Some(now), Some(before), true) =
                (&mut now.parameters, &before.parameters, sparsity > 0.0)
            {
                change(&mut now.weights, &before.weights, |now, before| {
                    prune(now, before, sparsity, pruning);
                });
            }
        }
        for (now, before) in self.own.iter_mut().zip(&before.own) {
            let segments = now.place.segments.clone();
            if segments.iter().all(|segment| segment.sparsity == 0.0) {
                continue;
            }
            change(&mut now.numbers, &before.numbers, |now, before| {
                for segment in segments.iter().filter(|segment| segment.sparsity > 0.0) {
                    let range = segment.range.clone();
                    let now = &mut now[range.clone()];
                    prune(now, &before[range], segment.sparsity, pruning);
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

fn prune(now: &mut [f32], before: &[f32], sparsity: f64, pruning: Pruning) {
    match pruning {
        Pruning::None => {}
        Pruning::Threshold => {
            let zeros = (sparsity * now.len() as f64).round() as usize;
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
