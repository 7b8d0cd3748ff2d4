//! From recordings to the rows of features that a network's input is made of, as on the chip.

use herringbone_compiler::features::Features;
use herringbone_compiler::network::Network;
use herringbone_dataset::{InputShape, Options, Recordings, Values};
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

/// Recordings of the network's input, made of what was read.
pub fn inputs(network: &Network, recordings: Recordings) -> Recordings {
    let Some(features) = network.features() else {
        return recordings;
    };
    let values = match recordings.values {
        Values::Bytes(bytes) => of_samples(features, &bytes, recordings.shape, |&it| it.into()),
        Values::Numbers(numbers) => {
            let whole = |number: &f32| number.round_ties_even() as i16;
            of_samples(features, &numbers, recordings.shape, whole)
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
