use proc_macro2::TokenTree;

use crate::diagnostic::Diagnostics;
use crate::features::{Bank, Mel, RowValues};
use crate::syntax::features::missing;
use crate::syntax::keys::Key;
use crate::syntax::tokens::{alternatives, stream};
use crate::syntax::values::entries;

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

/// Reads what is in the braces of `log_mel { name: value, … }`, or of `mfcc`.
pub(super) fn read(
    name: &TokenTree,
    braces: &[TokenTree],
    is_mfcc: bool,
    errors: &mut Diagnostics,
) -> Option<Mel> {
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
        let needed = needed.iter().filter(|(_, given)| given.is_none());
        let needed: Vec<_> = needed.map(|(name, _)| *name).collect();
        missing(name, &needed, errors);
        return None;
    };
    let mel = Mel {
        rate_hertz,
        frame,
        bands,
        hop: hop.unwrap_or(frame),
        low_hertz: low.unwrap_or(Mel::DEFAULT_LOW_HERTZ),
        high_hertz: high.unwrap_or(rate_hertz / 2),
        floor: floor.unwrap_or(Mel::DEFAULT_FLOOR),
        values: coefficients.map_or(RowValues::Bands, RowValues::Coefficients),
    };
    match mistake(&mel) {
        Some(message) => {
            let value = [std::slice::from_ref(name), braces].concat();
            errors.error(stream(&value), message);
            None
        }
        None => Some(mel),
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
                format!("{} samples for `frame`", alternatives(&Mel::FRAMES)),
                |it| Mel::FRAMES.map(u64::from).contains(&it),
            ),
            2 => ("samples for `hop`, from 1 to `frame`".to_owned(), |it| {
                (1..=512).contains(&it)
            }),
            3 => (
                format!("bands for `bands`, from 2 to {}", Mel::MOST_BANDS),
                |it| (2..=Mel::MOST_BANDS.into()).contains(&it),
            ),
            4 | 5 => (
                format!("hertz for `{}`, up to half of the rate", entry.name),
                |it| it <= u64::from(RATES.1 / 2),
            ),
            6 => (
                format!("octaves for `floor`, from 0 to {}", Mel::MOST_FLOOR),
                |it| it <= Mel::MOST_FLOOR.into(),
            ),
            _ => (
                "coefficients for `coefficients`, from 1 to `bands`".to_owned(),
                |it| (1..=Mel::MOST_BANDS.into()).contains(&it),
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
fn mistake(mel: &Mel) -> Option<String> {
    let Mel {
        rate_hertz,
        frame,
        hop,
        bands,
        low_hertz,
        high_hertz,
        ..
    } = mel;
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
    if let RowValues::Coefficients(count) = mel.values
        && count > mel.bands
    {
        return Some(format!(
            "{} bands have no more than {} coefficients, found {count}",
            mel.bands, mel.bands
        ));
    }
    if low_hertz >= high_hertz {
        return Some(format!(
            "there is nothing between `low`, {low_hertz} Hz, and `high`, {high_hertz} Hz"
        ));
    }
    let empty = Bank::of(mel).empty_band()?;
    Some(format!(
        "band {} of {bands} is narrower than a bin of the spectrum, {} Hz: use fewer bands or a \
         longer frame",
        empty + 1,
        rate_hertz / frame
    ))
}
