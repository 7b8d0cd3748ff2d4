//! Whether a layer's weights are constants in straight-line code or a table.

use crate::declaration::{CodeChoice, Declaration};
use crate::network::{Layer, LayerId, LayerKind};
use std::collections::BTreeMap;

/// Where the weights of a sum are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Constants of straight-line code.
    Unrolled,
    /// Packed in flash, read in a loop over the outputs.
    Table,
}

/// Flash that one unrolled weight takes on AVR at `opt-level = 2`, measured on
/// the published network: a product, shared by some sums, is added to a sum of
/// 16 bits, now and then one that lives in memory.
const UNROLLED_BYTES_A_WEIGHT: u64 = 20;

/// The same where products or sums are wider: a weight or an activation of 8
/// bits.
const WIDE_UNROLLED_BYTES_A_WEIGHT: u64 = 64;

/// Flash that all else takes: the layers' loops and stores, and the firmware.
const OTHER_CODE_BYTES: u64 = 6 * 1024;

/// Chooses the form of every layer with weights.
///
/// Where the declaration does not say, a table is the form of a dense layer,
/// whose weights are used once, and of everything on a host; a convolution is
/// unrolled while the flash is expected to hold it, those first whose weights
/// are used most often.
pub(super) fn choose(declaration: &Declaration) -> BTreeMap<LayerId, Form> {
    let layers = declaration.network.layers();
    let all = |form| layers.iter().map(|layer| (layer.id, form)).collect();
    match (declaration.code, declaration.budget.flash_bytes) {
        (CodeChoice::Unrolled, _) => all(Form::Unrolled),
        (CodeChoice::Table, _) | (CodeChoice::Fastest, None) => all(Form::Table),
        (CodeChoice::Fastest, Some(flash_bytes)) => {
            let mut forms: BTreeMap<_, _> = all(Form::Table);
            let bits = declaration.network.bits();
            let bytes_a_weight = if bits.activations == 4 && bits.weights <= 4 {
                UNROLLED_BYTES_A_WEIGHT
            } else {
                WIDE_UNROLLED_BYTES_A_WEIGHT
            };
            let table_bytes =
                |layer: &Layer| (layer.weight_count() * u64::from(bits.weights)).div_ceil(8);
            let tables: u64 = layers.iter().map(table_bytes).sum();
            let mut room = u64::from(flash_bytes)
                .saturating_sub(OTHER_CODE_BYTES)
                .saturating_sub(tables);
            let mut convolutions: Vec<&Layer> = layers
                .iter()
                .filter(|layer| {
                    !matches!(layer.kind, LayerKind::Dense { .. }) && layer.weight_count() > 0
                })
                .collect();
            convolutions.sort_by_key(|layer| std::cmp::Reverse(layer.output.pixels()));
            for layer in convolutions {
                let bytes = layer.weight_count() * bytes_a_weight;
                if bytes <= room {
                    room -= bytes;
                    forms.insert(layer.id, Form::Unrolled);
                }
            }
            forms
        }
    }
}
