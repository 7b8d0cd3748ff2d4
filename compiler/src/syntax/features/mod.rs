//! The value of `features`.

mod mel;
mod statistics;

use proc_macro2::TokenTree;

use super::ast::Source;
use super::keys::Key;
use super::tokens::{ident, stream};
use super::values::wrong;
use crate::diagnostic::Diagnostics;
use crate::features::{Features, RowValues};
use crate::network::Network;
use crate::target::Architecture;

/// Reads `log_mel { name: value, … }`, or another name.
pub(super) fn read(value: &[TokenTree], errors: &mut Diagnostics) -> Option<Features> {
    let parts = value.split_first().and_then(|(name, braces)| {
        let written = ident(std::slice::from_ref(name))?.to_string();
        (!braces.is_empty()).then_some((name, written, braces))
    });
    let Some((name, written, braces)) = parts else {
        wrong(Key::Features, value, errors);
        return None;
    };
    match written.as_str() {
        "log_mel" => mel::read(name, braces, false, errors).map(Features::Mel),
        "mfcc" => mel::read(name, braces, true, errors).map(Features::Mel),
        "statistics" => statistics::read(name, braces, errors).map(Features::Statistics),
        _ => {
            wrong(Key::Features, value, errors);
            None
        }
    }
}

/// That entries are missing which have no default.
fn missing(name: &TokenTree, needed: &[&str], errors: &mut Diagnostics) {
    let needed: Vec<_> = needed.iter().map(|name| format!("`{name}`")).collect();
    let message = format!("`{name}` needs {} too", needed.join(" and "));
    errors.error(stream(std::slice::from_ref(name)), message);
}

/// Checks them against the network's input and the target.
pub(super) fn check(source: &Source, network: &Network, errors: &mut Diagnostics) {
    let (Some(features), Some(key)) = (&source.values.features, source.key(Key::Features)) else {
        return;
    };
    let input = network.input();
    let values = features.row_values();
    let of = match features {
        Features::Mel(mel) => match mel.values {
            RowValues::Bands => "bands",
            RowValues::Coefficients(_) => "coefficients",
        },
        Features::Statistics(_) => "statistics",
    };
    if features.rows(input).is_none() {
        let message = format!(
            "a row of {values} {of} is no row of an input of {input}: its width × channels, or \
             its channels, must be {values}"
        );
        errors.error(&key.value, message);
    } else if let Features::Statistics(statistics) = features
        && let each = statistics.values.count()
        && !input.channels.is_multiple_of(each)
    {
        // They would have one scale, in which the smaller ones vanish.
        let message = format!(
            "an input of {input} gives statistics one scale to bytes that are not alike: its \
             channels must be a multiple of {each}, as in `[{}, {}, {each}]`",
            input.values() / values,
            statistics.channels
        );
        errors.error(&key.value, message);
    }
    match features {
        Features::Statistics(_) => {}
        Features::Mel(_) => {
            if let Some(target) = source.values.target
                && target.architecture == Architecture::Avr
                && !target.multiplies
            {
                let message = format!(
                    "features of sound need a multiplier, which {} has not",
                    target.name
                );
                errors.error(&key.value, message);
            }
        }
    }
}
