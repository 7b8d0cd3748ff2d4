//! Whether a layer's weights are constants in straight-line code or a table.

use super::{Accumulator, Accumulators, Map, parameter_table_bytes};
use crate::declaration::{CodeChoice, Declaration};
use crate::network::{Bits, Layer, LayerId, LayerKind};
use crate::weights::{LayerParameters, Parameters, Weights};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Where the weights of a sum are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Constants of straight-line code.
    Unrolled,
    /// Packed in flash, read in a loop over the outputs.
    Table,
}

/// Flash on AVR of all that is not unrolled weights: loops and stores of the
/// layers, taking the input in, start-up code, a small firmware.
const OTHER_CODE_BYTES: u64 = 5 * 1024;

/// Chooses the form of every layer with weights.
///
/// Where the declaration does not say, a table is the form of a dense layer,
/// whose weights are used once, and of everything on a host; a convolution is
/// unrolled while the flash is expected to hold it, those first whose weights
/// are used most often.
pub(super) fn choose(
    declaration: &Declaration,
    weights: &Weights,
    accumulators: &Accumulators,
    maps: &[Map],
) -> BTreeMap<LayerId, Form> {
    let layers = declaration.network.layers();
    let all = |form| layers.iter().map(|layer| (layer.id, form)).collect();
    let flash_bytes = match (declaration.code, declaration.budget.flash_bytes) {
        (CodeChoice::Unrolled, _) => return all(Form::Unrolled),
        (CodeChoice::Table, _) | (CodeChoice::Fastest, None) => return all(Form::Table),
        (CodeChoice::Fastest, Some(flash_bytes)) => u64::from(flash_bytes),
    };
    let mut forms: BTreeMap<_, _> = all(Form::Table);
    let bits = declaration.network.bits();
    let table_bytes = |layer: &Layer| parameter_table_bytes(layer, bits);
    let tables: u64 = layers.iter().map(table_bytes).sum();
    let addresses: u64 = maps.iter().map(Map::address_table_bytes).sum();
    let mut room = flash_bytes.saturating_sub(OTHER_CODE_BYTES + tables + addresses);
    let mut convolutions: Vec<&Layer> = layers
        .iter()
        .filter(|layer| is_convolution(layer))
        .collect();
    convolutions.sort_by_key(|layer| Reverse(layer.output.pixels()));
    for layer in convolutions {
        let cost = UnrolledCost {
            bits,
            signed_input: layer.signed_input,
        };
        let (first, second) = accumulators.of(layer.id);
        let bytes = match weights.layer(layer.id) {
            LayerParameters::None => continue,
            LayerParameters::Single(sum) => cost.of(sum, sum.bias.len(), first),
            LayerParameters::Separable {
                depthwise,
                pointwise,
            } => {
                let signed = UnrolledCost {
                    signed_input: true,
                    ..cost
                };
                cost.of(depthwise, 1, first) + signed.of(pointwise, pointwise.bias.len(), second)
            }
        };
        // Its table is not needed then.
        if bytes <= room + table_bytes(layer) {
            room = room + table_bytes(layer) - bytes;
            forms.insert(layer.id, Form::Unrolled);
        }
    }
    forms
}

fn is_convolution(layer: &Layer) -> bool {
    matches!(
        layer.kind,
        LayerKind::Convolution { .. } | LayerKind::Separable { .. }
    )
}

/// Of an unrolled layer: its walk over the outputs.
const LAYER_BYTES: u64 = 800;

/// Of an output of an unrolled layer: its first value, requantising, storing.
const OUTPUT_BYTES: u64 = 140;

/// What straight-line sums take in flash on AVR: an upper bound, but for a few
/// percent, of what rustc 1.96 made at `opt-level = 2` of two dozen networks,
/// of 1 to 20 outputs, all widths, both orders.
#[derive(Clone, Copy)]
struct UnrolledCost {
    bits: Bits,
    signed_input: bool,
}

impl UnrolledCost {
    /// `sharing`: how many outputs use one value: all of them, or its own one
    /// in a depthwise kernel.
    fn of(self, sum: &Parameters, sharing: usize, accumulator: Accumulator) -> u64 {
        let rows = sum.weight.len() / sharing;
        let (mut values, mut products, mut additions) = (0, 0, 0);
        for row in 0..rows {
            let weights = sum.weight[row..]
                .iter()
                .step_by(rows)
                .filter(|&&weight| weight != 0);
            let factors: BTreeSet<u8> = weights
                .clone()
                .map(|weight| weight.unsigned_abs())
                .collect();
            values += u64::from(!factors.is_empty());
            products += factors.len() as u64;
            additions += weights.count() as u64;
        }
        let wide = accumulator == Accumulator::I32;
        let narrow_product = self.bits.activations == 4 && self.bits.weights <= 4;
        let value_bytes = if self.signed_input { 45 } else { 35 };
        let product_bytes = match (narrow_product, self.signed_input) {
            (true, false) => 9,
            (true, true) => 16,
            (false, _) => 52,
        } + if wide && narrow_product { 15 } else { 0 };
        // Eight sums of 16 bits live in registers; one in memory takes 6 more.
        let outputs = sum.bias.len() as u64;
        let addition_bytes = |additions: u64| {
            let in_memory = additions * outputs.saturating_sub(8) / outputs;
            (7 * additions + 6 * in_memory) * if wide { 2 } else { 1 }
        };
        LAYER_BYTES
            + OUTPUT_BYTES * outputs
            + value_bytes * values
            + product_bytes * products
            + addition_bytes(additions)
    }
}
