//! Where prototypes are at first: at the means of some examples of their classes each, k-means
//! in what the first weights project them onto (Gupta et al. 2017, section 4).

use burn::tensor::Device;
use herringbone_compiler::network::{Network, TensorRole};
use herringbone_dataset::{Examples, Rng};

use crate::EXAMPLES;
use crate::arithmetic::Arithmetic;
use crate::intake::Intake;
use crate::kernels::Matrix;
use crate::model::{Model, Watch, floats};
use crate::ops::Maps;
use crate::own::Computes;
use crate::recipe::Recipe;
use crate::standard::Standards;

/// Examples that are looked at, at most.
const SAMPLE: usize = 4096;

/// Rounds of k-means.
const ROUNDS: usize = 10;

/// The model, with its prototypes where examples are.
pub(crate) fn placed(
    network: &Network,
    model: &Model,
    recipe: &Recipe,
    examples: &Examples,
    random: &mut Rng,
    device: &Device,
) -> Model {
    let inner = device.clone().inner();
    let standards = Standards::of(network, examples);
    let arithmetic = match recipe.normalises {
        true => Arithmetic::Normalised(&standards),
        false => Arithmetic::Float,
    };
    let mut order: Vec<usize> = (0..examples.len()).collect();
    random.shuffle(&mut order);
    // Whole blocks.
    order.truncate((examples.len().min(SAMPLE) / EXAMPLES).max(1) * EXAMPLES);
    let intake = Intake::of(network);
    let fill = |(): &mut (), example: usize, activations: &mut [u8]| {
        intake.take(examples.input(order[example]), activations);
    };
    let maps = intake.maps(order.len(), &inner, || (), fill);
    let mut numbers = model.numbers();
    let on_inner = Model::of_numbers(network, numbers.iter().cloned(), &inner);
    let mut last = Last(Vec::new());
    on_inner.run(network, arithmetic, maps, None, &mut last);
    let (of_sums, of_own) = numbers.split_at_mut(model.sums.len());
    debug_assert!(!of_sums.is_empty(), "a projection is a weighted sum");
    for (own, (numbers, _)) in model.own.iter().zip(of_own) {
        let place = match &own.place.computes {
            Computes::Prototypes(place) => place,
            Computes::Recurrence(_) | Computes::Tree(_) => continue,
        };
        let classes = place.label.inputs;
        let Matrix {
            outputs, inputs, ..
        } = place.prototype;
        let Some((_, segment)) = own.place.segment(TensorRole::Prototype, 0) else {
            continue;
        };
        let prototypes = &mut numbers[segment.range.clone()];
        for class in 0..classes {
            let of_class = order.iter().zip(last.0.chunks_exact(inputs));
            let points = of_class
                .filter(|&(&example, _)| usize::from(examples.labels[example]) == class)
                .map(|(_, point)| point);
            let points: Vec<&[f32]> = points.collect();
            let count = (class..outputs).step_by(classes).len();
            let means = means(&points, count);
            for (mean, index) in means.iter().zip((class..outputs).step_by(classes)) {
                prototypes[index * inputs..][..inputs].copy_from_slice(mean);
            }
        }
    }
    Model::of_numbers(network, numbers, device)
}

/// That many means of points, fewer where there are fewer points.
fn means(points: &[&[f32]], count: usize) -> Vec<Vec<f32>> {
    let mut means: Vec<Vec<f32>> = points.iter().take(count).map(|it| it.to_vec()).collect();
    for _ in 0..ROUNDS {
        let mut sums: Vec<(f32, Vec<f32>)> = means
            .iter()
            .map(|mean| (0.0, vec![0.0; mean.len()]))
            .collect();
        for point in points {
            let distance = |mean: &Vec<f32>| -> f32 {
                let differences = mean.iter().zip(*point).map(|(a, b)| a - b);
                differences.map(|it| it * it).sum()
            };
            let distances = means.iter().map(distance).enumerate();
            let nearest = distances.min_by(|(_, a), (_, b)| a.total_cmp(b));
            if let Some((nearest, _)) = nearest {
                let (members, sum) = &mut sums[nearest];
                *members += 1.0;
                for (sum, number) in sum.iter_mut().zip(*point) {
                    *sum += number;
                }
            }
        }
        for (mean, (members, sum)) in means.iter_mut().zip(sums) {
            if members > 0.0 {
                *mean = sum.into_iter().map(|sum| sum / members).collect();
            }
        }
    }
    means
}

/// The activations of the last weighted sum, example by example.
struct Last(Vec<f32>);

impl Watch for Last {
    fn sum(&mut self, _: usize, maps: &Maps) {
        let by_example = maps.clone().permute([0, 4, 1, 2, 3]);
        self.0 = floats(by_example);
    }
}
