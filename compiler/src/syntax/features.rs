//! The value of `features`.

use proc_macro2::TokenTree;

use super::ast::Source;
use super::keys::Key;
use super::tokens::{alternatives, ident, stream};
use super::values::{entries, wrong};
use crate::diagnostic::Diagnostics;
use crate::features::{Bank, Features, RowValues};
use crate::network::Network;
use crate::target::Architecture;

const NAMES: [&str; 7] = ["rate", "frame", "hop", "bands", "low", "high", "floor"];
const MFCC_NAMES: [&str; 8] = [
    "rate",
    "frame",
    "hop",
    "bands",
    "low",
    "high",
    "floor",
    "coefficients",
];
const RATES: (u32, u32) = (1000, 48_000);

/// What is given of [`MFCC_NAMES`].
type Given = [Option<u32>; MFCC_NAMES.len()];

/// Reads `log_mel { name: value, … }` or `mfcc { name: value, … }`.
pub(super) fn read(value: &[TokenTree], errors: &mut Diagnostics) -> Option<Features> {
    let kind = value.split_first().and_then(|(name, braces)| {
        let written = ident(std::slice::from_ref(name))?.to_string();
        let is_known = ["log_mel", "mfcc"].contains(&written.as_str()) && !braces.is_empty();
        is_known.then_some((name, written, braces))
    });
    let Some((name, written, braces)) = kind else {
        wrong(Key::Features, value, errors);
        return None;
    };
    let is_mfcc = written == "mfcc";
    let given = match is_mfcc {
        true => read_entries(braces, MFCC_NAMES, errors),
        false => read_entries(braces, NAMES, errors),
    };
    let [rate, frame, hop, bands, low, high, floor, coefficients] = given?;
    let (Some(rate_hertz), Some(frame), Some(bands), true) =
        (rate, frame, bands, !is_mfcc || coefficients.is_some())
    else {
        let mut needed = vec![("rate", rate), ("frame", frame), ("bands", bands)];
        if is_mfcc {
            needed.push(("coefficients", coefficients));
        }
        let missing = needed.iter().filter(|(_, given)| given.is_none());
        let missing: Vec<_> = missing.map(|(name, _)| format!("`{name}`")).collect();
        let message = format!("`{written}` needs {} too", missing.join(" and "));
        errors.error(stream(std::slice::from_ref(name)), message);
        return None;
    };
    let features = Features {
        rate_hertz,
        frame,
        bands,
        hop: hop.unwrap_or(frame),
        low_hertz: low.unwrap_or(Features::DEFAULT_LOW_HERTZ),
        high_hertz: high.unwrap_or(rate_hertz / 2),
        floor: floor.unwrap_or(Features::DEFAULT_FLOOR),
        values: coefficients.map_or(RowValues::Bands, RowValues::Coefficients),
    };
    match mistake(&features) {
        Some(message) => {
            errors.error(stream(value), message);
            None
        }
        None => Some(features),
    }
}

/// `None` where something is wrong.
fn read_entries<const COUNT: usize>(
    braces: &[TokenTree],
    names: [&'static str; COUNT],
    errors: &mut Diagnostics,
) -> Option<Given> {
    let mut given = Given::default();
    let right = entries(Key::Features, braces, names, errors, |entry, errors| {
        let (expected, accept): (String, fn(u64) -> bool) = match entry.index {
            0 => (
                format!(
                    "samples a second for `rate`, from {} to {}",
                    RATES.0, RATES.1
                ),
                |it| (RATES.0.into()..=RATES.1.into()).contains(&it),
            ),
            1 => (
                format!("{} samples for `frame`", alternatives(&Features::FRAMES)),
                |it| Features::FRAMES.map(u64::from).contains(&it),
            ),
            2 => ("samples for `hop`, from 1 to `frame`".to_owned(), |it| {
                (1..=512).contains(&it)
            }),
            3 => (
                format!("bands for `bands`, from 2 to {}", Features::MOST_BANDS),
                |it| (2..=Features::MOST_BANDS.into()).contains(&it),
            ),
            4 | 5 => (
                format!("hertz for `{}`, up to half of the rate", entry.name),
                |it| it <= u64::from(RATES.1 / 2),
            ),
            6 => (
                format!("octaves for `floor`, from 0 to {}", Features::MOST_FLOOR),
                |it| it <= Features::MOST_FLOOR.into(),
            ),
            _ => (
                "coefficients for `coefficients`, from 1 to `bands`".to_owned(),
                |it| (1..=Features::MOST_BANDS.into()).contains(&it),
            ),
        };
        let number = entry.integer(&expected, errors, |number| {
            accept(number).then_some(number as u32)
        });
        given[entry.index] = Some(number?);
        Some(())
    });
    right.then_some(given)
}

/// What the entries together can be wrong about.
fn mistake(features: &Features) -> Option<String> {
    let Features {
        rate_hertz,
        frame,
        hop,
        bands,
        low_hertz,
        high_hertz,
        ..
    } = features;
    if hop > frame {
        return Some(format!(
            "a hop of {hop} samples leaves some out between frames of {frame}: give at most {frame}"
        ));
    }
    if *high_hertz > rate_hertz / 2 {
        return Some(format!(
            "{rate_hertz} samples a second have no frequencies above {} Hz: lower `high` from \
             {high_hertz}",
            rate_hertz / 2
        ));
    }
    if let RowValues::Coefficients(count) = features.values
        && count > features.bands
    {
        return Some(format!(
            "{} bands have no more than {} coefficients, found {count}",
            features.bands, features.bands
        ));
    }
    if low_hertz >= high_hertz {
        return Some(format!(
            "there is nothing between `low`, {low_hertz} Hz, and `high`, {high_hertz} Hz"
        ));
    }
    let empty = Bank::of(features).empty_band()?;
    Some(format!(
        "band {} of {bands} is narrower than a bin of the spectrum, {} Hz: use fewer bands or a \
         longer frame",
        empty + 1,
        rate_hertz / frame
    ))
}

/// Checks them against the network's input and the target.
pub(super) fn check(source: &Source, network: &Network, errors: &mut Diagnostics) {
    let (Some(features), Some(key)) = (&source.values.features, source.key(Key::Features)) else {
        return;
    };
    let input = network.input();
    if features.rows(input).is_none() {
        let values = features.row_values();
        let of = match features.values {
            RowValues::Bands => "bands",
            RowValues::Coefficients(_) => "coefficients",
        };
        let message = format!(
            "a row of {values} {of} is no row of an input of {input}: its width × channels, or \
             its channels, must be {values}"
        );
        errors.error(&key.value, message);
    }
    if let Some(target) = source.values.target
        && target.architecture == Architecture::Avr
        && !target.multiplies
    {
        let message = format!("features need a multiplier, which {} has not", target.name);
        errors.error(&key.value, message);
    }
}
