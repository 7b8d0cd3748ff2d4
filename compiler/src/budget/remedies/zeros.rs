//! More weights that training makes 0: of one layer that says how many, or, where all are instructions,
//! of all.

use super::least::least_that_fits;
use super::named;
use super::remedy::{Change, Remedy, Setting};
use crate::declaration::Declaration;
use crate::network::{Entry, Kind, LayerId};

/// Shares are in tenths. With nine of ten weights 0 little is learnt.
const MOST_TENTHS: u32 = 9;

/// The least share that fits of one layer: of the last one that has enough.
pub(super) fn of_a_layer(
    declaration: &Declaration,
    fits: impl Fn(Declaration) -> bool,
) -> Option<Remedy> {
    let network = &declaration.network;
    let mut layers = (0..network.layer_count()).rev().map(LayerId);
    layers.find_map(|layer| {
        let mut entry = network.entry(layer)?.clone();
        let before = *sparsity_of(&mut entry)?;
        let changed = |share: f64| {
            let mut entry = entry.clone();
            *sparsity_of(&mut entry)? = share;
            Some(Declaration {
                network: network.with_entry(layer, entry).ok()?,
                ..declaration.clone()
            })
        };
        let share = least(before.max(declaration.sparsity), |share| {
            changed(share).is_some_and(&fits)
        })?;
        let text = changed(share)?.network.written(layer);
        let words = format!("`{text}` in place of {}", named(network, layer));
        Some(Remedy::of(words, vec![Change::Layer { layer, text }]))
    })
}

/// The least share that fits of all weights.
pub(super) fn of_all(
    declaration: &Declaration,
    fits: impl Fn(Declaration) -> bool,
) -> Option<Remedy> {
    let share = least(declaration.sparsity, |sparsity| {
        fits(Declaration {
            sparsity,
            ..declaration.clone()
        })
    })?;
    let setting = Setting {
        key: "sparsity",
        value: share.to_string(),
    };
    Some(Remedy::set(setting, ", once it is trained with that"))
}

/// The least share of tenths above `before` that fits, where more never takes more.
fn least(before: f64, fits: impl Fn(f64) -> bool) -> Option<f64> {
    let share = |tenths: u32| f64::from(tenths) / 10.0;
    let first = (before * 10.0).floor() as u32 + 1;
    least_that_fits(first..=MOST_TENTHS, |tenths| fits(share(tenths))).map(share)
}

/// The share of zeros of a layer that may say one.
fn sparsity_of(entry: &mut Entry) -> Option<&mut f64> {
    match entry {
        Entry::Bonsai(bonsai) => Some(&mut bonsai.tree.sparsity),
        Entry::Proto(proto) => Some(&mut proto.prototypes.sparsity),
        Entry::Layer { kind, labels: _ } => match kind {
            Kind::Recurrent(recurrent) => Some(&mut recurrent.sparsity),
            Kind::Pool(_)
            | Kind::Convolution(_)
            | Kind::Depthwise(_)
            | Kind::Separable(_)
            | Kind::Dense(_)
            | Kind::Add(_)
            | Kind::Concat(_)
            | Kind::Projection(_)
            | Kind::Tree(_)
            | Kind::Prototypes(_)
            | Kind::Dropout(_)
            | Kind::Noise(_) => None,
        },
        Entry::Residual { .. } | Entry::From(_) => None,
    }
}
