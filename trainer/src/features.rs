//! From recordings to the rows of features that a network's input is made of, as on the chip.

use herringbone_compiler::features::Features;
use herringbone_compiler::network::Network;
use herringbone_dataset::{Examples, Fit, InputShape, Normalisation, Options, Recordings, Values};
use rayon::prelude::*;

use crate::intake::Intake;

/// The shape of what is read for a network: its input, or the samples that this is made of.
pub fn recorded_shape(network: &Network) -> InputShape {
    match network.features() {
        None => Intake::of(network).input(),
        Some(features) => InputShape {
            height: 1,
            width: features.moments(network.input()),
            channels: features.channels(),
        },
    }
}

/// How it is read: sounds at the rate of the features, unless the user says another.
pub fn reading(network: &Network, options: &Options) -> Options {
    let rate = network.features().and_then(Features::rate_hertz);
    Options {
        sample_rate_hertz: options.sample_rate_hertz.or(rate),
        ..options.clone()
    }
}

/// Fits how recordings for training become bytes: the scales, and the values that these scale,
/// which are those of rows of features where the network has some.
pub fn fit(network: &Network, recordings: Recordings, fit: Fit) -> (Normalisation, Recordings) {
    let Some(features) = network.features() else {
        return (Normalisation::fit(&recordings, fit), recordings);
    };
    let counts_per_unit = fit.counts_per_unit_of(&recordings.values);
    let rows = rows(network, features, recordings, counts_per_unit);
    // Rows are integers, but of the samples they are made of a unit may be several counts.
    let fit = Fit {
        counts_per_unit: Some(1.0),
        each_channel: true,
        ..fit
    };
    let normalisation = Normalisation {
        counts_per_unit,
        ..Normalisation::fit(&rows, fit)
    };
    (normalisation, rows)
}

/// The examples that are made of recordings.
pub fn examples(
    network: &Network,
    normalisation: &Normalisation,
    recordings: Recordings,
) -> Examples {
    match network.features() {
        None => normalisation.apply(recordings),
        Some(features) => {
            let counts_per_unit = normalisation.counts_per_unit;
            let rows = rows(network, features, recordings, counts_per_unit);
            scaled(network, normalisation, rows)
        }
    }
}

/// The examples that are made of what [`fit`] gives.
pub fn scaled(network: &Network, normalisation: &Normalisation, values: Recordings) -> Examples {
    if network.features().is_none() {
        return normalisation.apply(values);
    }
    let of_rows = Normalisation {
        counts_per_unit: 1.0,
        ..normalisation.clone()
    };
    of_rows.apply(values)
}

/// Rows of features of samples.
fn rows(
    network: &Network,
    features: &Features,
    recordings: Recordings,
    counts_per_unit: f64,
) -> Recordings {
    let values = match recordings.values {
        Values::Bytes(bytes) => of_samples(features, &bytes, recordings.shape, |&it| it.into()),
        Values::Numbers(numbers) => {
            let count = |number: &f32| {
                // A cast of a float saturates.
                (f64::from(*number) * counts_per_unit).round_ties_even() as i16
            };
            of_samples(features, &numbers, recordings.shape, count)
        }
    };
    Recordings {
        shape: Intake::of(network).input(),
        values: Values::Numbers(values),
        ..recordings
    }
}

fn of_samples<T: Sync>(
    features: &Features,
    values: &[T],
    shape: InputShape,
    sample: impl Fn(&T) -> i16 + Sync,
) -> Vec<f32> {
    let sounds = values.par_chunks(shape.values());
    let rows = sounds.flat_map_iter(|sound| {
        let samples: Vec<i16> = sound.iter().map(&sample).collect();
        features.of_samples(&samples)
    });
    rows.map(f32::from).collect()
}
