//! Recurrent cells, trees and prototypes as operations: on this machine's CPU alone.

use std::sync::Arc;

use burn::backend::TensorMetadata;
use burn::backend::flex::FlexTensor;
use burn::tensor::{DType, Element, TensorData};
use num_traits::Float;
use rayon::prelude::*;

use super::flex::Operation;
use crate::kernels::{EXAMPLES, Lanes, PrototypesPlace};
use crate::own::{Computes, OwnPlace, Rounding};

/// Of maps and parameters, as [`own`](super::own) has them.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) place: Arc<OwnPlace>,
    pub(super) rounding: Rounding,
    pub(super) sharpness: Option<f32>,
}

/// What the examples of a batch have in common.
struct Common<T> {
    /// Of each branch of a tree.
    sharpness: Option<Vec<T>>,
    /// Of prototypes' integers.
    table: Option<Vec<T>>,
}

fn lanes<T>(numbers: &[T]) -> &[Lanes<T>] {
    numbers.as_chunks().0
}

impl Node {
    fn run<T: Float + Element + Sync + Send>(
        &self,
        input: &FlexTensor,
        numbers: Option<&[T]>,
        parameters: Option<&[T]>,
    ) -> FlexTensor {
        let numbers = numbers.expect("operations are given contiguous");
        let parameters = parameters.expect("numbers are of one type");
        let [blocks, height, width, channels, _] = input.shape().dims();
        let values = height * width * channels;
        let outputs = self.outputs();
        let common = self.common(numbers, parameters, values);
        let mut output = vec![T::zero(); blocks * outputs * EXAMPLES];
        output
            .par_chunks_mut(outputs * EXAMPLES)
            .zip(numbers.par_chunks(values * EXAMPLES))
            .for_each(|(output, map)| {
                let (output, _) = output.as_chunks_mut();
                pulp::Arch::new().dispatch(|| {
                    self.forward_block(&common, parameters, lanes(map), output);
                });
            });
        let dims = match &self.place.computes {
            Computes::Recurrence(recurrence) if recurrence.makes_all => {
                let steps = recurrence.steps;
                [blocks, steps, 1, outputs / steps, EXAMPLES]
            }
            Computes::Recurrence(_) | Computes::Tree(_) | Computes::Prototypes(_) => {
                [blocks, 1, 1, outputs, EXAMPLES]
            }
        };
        FlexTensor::from_data(TensorData::new(output, dims))
    }

    fn outputs(&self) -> usize {
        match &self.place.computes {
            Computes::Recurrence(recurrence) => recurrence.outputs(),
            Computes::Tree(tree) => tree.classes,
            Computes::Prototypes(prototypes) => prototypes.label.inputs,
        }
    }

    fn common<T: Float + Sync + Send>(
        &self,
        numbers: &[T],
        parameters: &[T],
        values: usize,
    ) -> Common<T> {
        let table = match self.rounding {
            Rounding::Prototypes => Some(PrototypesPlace::table()),
            Rounding::None | Rounding::Cells(_) | Rounding::Tree(_) => None,
        };
        let sharpness = match (&self.place.computes, self.sharpness) {
            (Computes::Tree(tree), Some(sharpness)) => {
                let mut distances = vec![T::zero(); tree.branch.outputs];
                for map in numbers.chunks_exact(values * EXAMPLES) {
                    tree.add_distances(parameters, lanes(map), &mut distances);
                }
                let examples = T::from(numbers.len() / values.max(1)).expect("a float");
                let sharpness = T::from(sharpness).expect("a float");
                let least = T::from(1e-6).expect("a float");
                let of = |total: T| sharpness / (total / examples).max(least);
                Some(distances.into_iter().map(of).collect())
            }
            (Computes::Recurrence(_) | Computes::Tree(_) | Computes::Prototypes(_), _) => None,
        };
        Common { sharpness, table }
    }

    #[inline(always)]
    fn forward_block<T: Float>(
        &self,
        common: &Common<T>,
        parameters: &[T],
        map: &[Lanes<T>],
        output: &mut [Lanes<T>],
    ) {
        match &self.place.computes {
            Computes::Recurrence(recurrence) => {
                recurrence.forward(self.rounding.cells(), parameters, map, output);
            }
            Computes::Tree(tree) => {
                let sharpness = common.sharpness.as_deref();
                tree.forward(self.rounding.tree(), sharpness, parameters, map, output);
            }
            Computes::Prototypes(prototypes) => {
                prototypes.forward(common.table.as_deref(), parameters, map, output);
            }
        }
    }

    #[inline(always)]
    fn backward_block(
        &self,
        common: &Common<f32>,
        (parameters, map): (&[f32], &[Lanes<f32>]),
        gradient: &[Lanes<f32>],
        of_parameters: &mut [Lanes<f32>],
        of_map: &mut [Lanes<f32>],
        wants_map: bool,
    ) {
        match &self.place.computes {
            Computes::Recurrence(recurrence) => recurrence.backward(
                self.rounding.cells(),
                parameters,
                map,
                gradient,
                of_parameters,
                wants_map.then_some(of_map),
            ),
            Computes::Tree(tree) => tree.backward(
                (self.rounding.tree(), common.sharpness.as_deref()),
                parameters,
                map,
                gradient,
                of_parameters,
                of_map,
            ),
            Computes::Prototypes(prototypes) => prototypes.backward(
                common.table.as_deref(),
                parameters,
                map,
                gradient,
                of_parameters,
                of_map,
            ),
        }
    }
}

/// Blocks whose gradients are added up together: the same on every machine.
const BLOCKS_PER_SUM: usize = 4;

impl Operation<2> for Node {
    fn forward(&self, [input, parameters]: [&FlexTensor; 2]) -> FlexTensor {
        match input.dtype() {
            DType::F64 => self.run::<f64>(input, input.as_slice(), parameters.as_slice()),
            _ => self.run::<f32>(input, input.as_slice(), parameters.as_slice()),
        }
    }

    fn gradients(
        &self,
        [input, parameters]: [&FlexTensor; 2],
        _: &FlexTensor,
        gradient: &FlexTensor,
        [wants_map, _]: [bool; 2],
    ) -> [Option<Vec<f32>>; 2] {
        let numbers = |tensor| FlexTensor::as_slice::<f32>(tensor).expect("training is in f32");
        let [maps, parameters, gradient] = [input, parameters, gradient].map(numbers);
        let [_, height, width, channels, _] = input.shape().dims();
        let values = height * width * channels;
        let outputs = self.outputs();
        let common = self.common(maps, parameters, values);
        let groups = maps
            .par_chunks(values * EXAMPLES * BLOCKS_PER_SUM)
            .zip(gradient.par_chunks(outputs * EXAMPLES * BLOCKS_PER_SUM));
        let parts: Vec<(Vec<f32>, Vec<f32>)> = groups
            .map(|(maps, gradient)| {
                let mut of_parameters = vec![[0.0; EXAMPLES]; parameters.len()];
                let mut of_maps = vec![0.0; maps.len()];
                for ((map, gradient), of_map) in maps
                    .chunks_exact(values * EXAMPLES)
                    .zip(gradient.chunks_exact(outputs * EXAMPLES))
                    .zip(of_maps.chunks_exact_mut(values * EXAMPLES))
                {
                    pulp::Arch::new().dispatch(|| {
                        self.backward_block(
                            &common,
                            (parameters, lanes(map)),
                            lanes(gradient),
                            &mut of_parameters,
                            of_map.as_chunks_mut().0,
                            wants_map,
                        );
                    });
                }
                let sums = of_parameters.iter().map(|lanes| lanes.iter().sum());
                (sums.collect(), of_maps)
            })
            .collect();
        let mut of_parameters = vec![0.0; parameters.len()];
        let mut of_maps = Vec::new();
        for (part, of_map) in parts {
            for (total, part) in of_parameters.iter_mut().zip(part) {
                *total += part;
            }
            of_maps.extend(of_map);
        }
        [wants_map.then_some(of_maps), Some(of_parameters)]
    }
}
