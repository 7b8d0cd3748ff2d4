//! A stride of 2 in one layer.

use super::named;
use super::remedy::{Change, Remedy};
use crate::network::{Kernel, LayerId, Network, Stride, Window};
use std::cmp::Reverse;

/// Networks that are planned at most: that takes long.
const MOST_TRIED: usize = 4;

/// The layer that has to lose the smallest share of the network's
/// multiply-accumulates where only one of two windows is computed along each axis.
///
/// `can_fit` is quick, and false only where `fits`, which may take long, is.
pub(super) fn of_two(
    network: &Network,
    can_fit: impl Fn(&Network) -> bool,
    fits: impl Fn(&Network) -> bool,
) -> Option<Remedy> {
    let layers = network.computing_nodes().filter_map(|node| {
        let window = node.kind.sliding_window()?;
        let outputs = node.output;
        (window.stride == Stride::ONE && outputs.pixels() > 1).then_some((node.layer, window))
    });
    let mut candidates: Vec<(LayerId, Network)> = layers
        .filter_map(|(layer, window)| {
            let strided = Window {
                stride: Stride::of(Kernel::square(2)),
                ..window
            };
            // Maps may be too small for the layers after it, or no longer be equal.
            let changed = network.with_window(layer, strided).ok()?;
            can_fit(&changed).then_some((layer, changed))
        })
        .collect();
    candidates.sort_by_key(|(_, network)| Reverse(network.multiply_accumulates()));
    let mut candidates = candidates.into_iter().take(MOST_TRIED);
    let (layer, changed) = candidates.find(|(_, network)| fits(network))?;
    let text = changed.written(layer);
    let words = format!("`{text}` in place of {}", named(network, layer));
    Some(Remedy::of(words, vec![Change::Layer { layer, text }]))
}
