//! Features of sound against what `docs/features.md` says, and against exact arithmetic.

use herringbone_compiler::features::{Bank, Features, Mel, RowValues};
use herringbone_tests::features::Design;
use herringbone_tests::scipy;
use proptest::prelude::*;

fn features(design: &Design) -> Features {
    Features::Mel(mel(design))
}

fn mel(design: &Design) -> Mel {
    Mel {
        rate_hertz: design.rate,
        frame: design.frame as u32,
        hop: design.hop as u32,
        bands: design.bands as u32,
        low_hertz: design.low,
        high_hertz: design.high,
        floor: design.floor as u32,
        values: match design.coefficients {
            0 => RowValues::Bands,
            count => RowValues::Coefficients(count as u32),
        },
    }
}

fn designs() -> impl Strategy<Value = Design> {
    let frames = prop::sample::select(vec![64_usize, 128, 256, 512]);
    (
        frames,
        4000..48_000_u32,
        1..40_usize,
        0..500_u32,
        0..20_i64,
        1..5_usize,
        0..64_usize,
    )
        .prop_map(
            |(frame, rate, bands, low, floor, hops, coefficients)| Design {
                rate,
                frame,
                hop: frame / hops,
                bands: bands + 1,
                low,
                high: rate / 2,
                floor,
                coefficients: coefficients.min(bands + 1),
            },
        )
}

/// Sums of tones and noise, or of anything, of any loudness, with an offset.
fn sounds() -> impl Strategy<Value = Vec<i16>> {
    let length = 1200_usize;
    let tones = (
        prop::collection::vec(0.001..0.5_f64, 0..4),
        0.0..15.0_f64,
        -9000..9000_i32,
    );
    let noise = prop::collection::vec(-1.0..1.0_f64, length);
    let tonal =
        (tones, noise, 0.0..1.0_f64).prop_map(move |((tones, loud, offset), noise, share)| {
            let sample = |at: usize| {
                let tones = tones
                    .iter()
                    .map(|it| (at as f64 * it * std::f64::consts::TAU).sin());
                let sum = tones.sum::<f64>() + share * noise[at];
                (sum * loud.exp2() + f64::from(offset)) as i16
            };
            (0..length).map(sample).collect()
        });
    let extreme = prop::sample::select(vec![i16::MIN, -1, 0, 1, i16::MAX]);
    prop_oneof![
        8 => tonal,
        1 => prop::collection::vec(extreme, length),
        1 => prop::collection::vec(any::<i16>(), length),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn rows_are_what_the_documentation_says((design, samples) in (designs(), sounds())) {
        // A declaration with a band that no bin is in is refused.
        let mut design = design;
        if Bank::of(&mel(&design)).empty_band().is_some() {
            design.coefficients = 0;
        }
        let found = features(&design).of_samples(&samples);
        let found: Vec<i64> = found.into_iter().map(Into::into).collect();
        prop_assert_eq!(found, design.rows(&samples));
    }
}

/// A sound as loud as speech near a microphone: a few tones that fade over noise.
fn speech() -> Vec<i16> {
    let mut noise = 1_u32;
    let sample = |at: usize| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let time = at as f64 / 8000.0;
        let tones = [130.0, 260.0, 700.0, 1220.0, 2600.0]
            .iter()
            .zip([1.0, 0.7, 0.5, 0.3, 0.1]);
        let tones = tones.map(|(hertz, loud)| loud * (std::f64::consts::TAU * hertz * time).sin());
        let fade = (-3.0 * time).exp();
        let noise = f64::from((noise >> 16) as i16) / 32_768.0;
        (6000.0 * fade * (tones.sum::<f64>() + 0.02 * noise)) as i16
    };
    (0..8000).map(sample).collect()
}

#[test]
fn a_row_of_sound_is_within_a_fifth_of_an_octave_of_exact_arithmetic() {
    let design = Design {
        rate: 8000,
        frame: 256,
        hop: 250,
        bands: 20,
        low: 100,
        high: 4000,
        floor: 10,
        coefficients: 0,
    };
    let samples = speech();
    let found = features(&design).of_samples(&samples);
    let exact = design.exact_rows(&samples);
    assert_eq!(found.len(), exact.len());
    let errors = found
        .iter()
        .zip(&exact)
        .map(|(&one, other)| (f64::from(one) - other).abs());
    let errors: Vec<f64> = errors.collect();
    let worst = errors.iter().fold(0.0_f64, |most, &it| most.max(it));
    let mean = errors.iter().sum::<f64>() / errors.len() as f64;
    println!("error: mean {mean:.2}, worst {worst:.1} of 256 an octave");
    assert!(worst < 51.0 && mean < 8.0, "mean {mean}, worst {worst}");
}

herringbone::network! {
    /// Two rows of three bands; its weights are zero but for what the test loads.
    pub Heard: [2, 3, 1] => < D*(2) >,
    features: log_mel { rate: 8000, frame: 64, hop: 40, bands: 3, floor: 2 },
    bits: { activations: 8 },
    weights: runtime,
    results: i32,
}

#[test]
fn generated_code_makes_its_input_of_samples_as_the_trainer_does() {
    let features = Features::Mel(Mel {
        rate_hertz: 8000,
        frame: 64,
        hop: 40,
        bands: 3,
        low_hertz: Mel::DEFAULT_LOW_HERTZ,
        high_hertz: 4000,
        floor: 2,
        values: RowValues::Bands,
    });
    assert_eq!(Heard::SAMPLES, 104);
    let mut heard = Heard::new();
    for (index, byte) in heard.params_mut().iter_mut().enumerate() {
        *byte = (index as u8).wrapping_mul(151) & 0x7F;
    }
    // No shifts.
    heard.params_mut()[..2].fill(0);
    let sound = speech();
    for samples in sound.chunks_exact(Heard::SAMPLES) {
        let rows = features.of_samples(samples);
        // The scale of a design without a fitted one.
        let bytes = rows
            .iter()
            .map(|&it| ((it - 2 * 256).max(0) >> 5).min(255) as u8);
        let bytes: Vec<u8> = bytes.collect();
        let expected = heard.run(&bytes.try_into().unwrap());
        assert_eq!(heard.run_raw(samples.try_into().unwrap()), expected);
        heard.begin();
        let mut pushed = samples.iter().map(|&it| heard.push_raw(it));
        assert_eq!(pushed.by_ref().take(103).flatten().next(), None);
        assert_eq!(pushed.next(), Some(Some(expected)));
    }
}

herringbone::network! {
    #[derive(Clone)]
    /// The newest three rows of two coefficients, every row; and the same of whole sounds.
    pub Stream: [3, 1, 2] => < D*(2) >,
    features: mfcc { rate: 8000, frame: 64, hop: 40, bands: 3, coefficients: 2, floor: 2 },
    window: { length: 3, stride: 1 },
    bits: { activations: 8 },
    weights: runtime,
    results: i32,
}

#[test]
fn a_stream_of_features_gives_the_results_of_its_newest_rows() {
    let features = Features::Mel(Mel {
        rate_hertz: 8000,
        frame: 64,
        hop: 40,
        bands: 3,
        low_hertz: Mel::DEFAULT_LOW_HERTZ,
        high_hertz: 4000,
        floor: 2,
        values: RowValues::Coefficients(2),
    });
    assert_eq!(Stream::SAMPLES, 144);
    let mut stream = Stream::new();
    for (index, byte) in stream.params_mut().iter_mut().enumerate() {
        *byte = (index as u8).wrapping_mul(151) & 0x7F;
    }
    stream.params_mut()[..2].fill(0);
    let mut whole = stream.clone();
    let sound = &speech()[..1500];
    let mut windows = 0;
    // The second time, after a part of a window that is forgotten.
    for _ in 0..2 {
        for (index, &sample) in sound.iter().enumerate() {
            let taken = index + 1;
            let is_due = taken >= 144 && (taken - 144).is_multiple_of(40);
            let given = stream.push_raw(sample);
            assert_eq!(given.is_some(), is_due, "sample {index}");
            if let Some(given) = given {
                let newest = &sound[taken - 144..taken];
                assert_eq!(given, whole.run_raw(newest.try_into().unwrap()));
                let rows = features.of_samples(newest);
                let bytes = rows
                    .iter()
                    .map(|&it| ((it + 4096).max(0) >> 5).min(255) as u8);
                let bytes: Vec<u8> = bytes.collect();
                assert_eq!(given, whole.run(&bytes.try_into().unwrap()));
                windows += 1;
            }
        }
        stream.begin();
    }
    assert_eq!(windows, 2 * 34);
}

/// The rows that Python's scipy makes of samples; `None` where it is not installed.
fn reference(design: &Design, samples: &[i16]) -> Option<Vec<Vec<f64>>> {
    let design = serde_json::json!({
        "rate": design.rate, "frame": design.frame, "hop": design.hop, "bands": design.bands,
        "low": design.low, "high": design.high, "floor": design.floor,
        "coefficients": design.coefficients, "samples": samples,
    });
    scipy::rows("features_reference.py", &design)
}

#[test]
fn rows_of_sound_are_near_those_of_scipy() {
    for (coefficients, most_error) in [(0, 51.0), (13, 10.0)] {
        let design = Design {
            rate: 8000,
            frame: 256,
            hop: 250,
            bands: 20,
            low: 100,
            high: 4000,
            floor: 10,
            coefficients,
        };
        let samples = speech();
        let Some(rows) = reference(&design, &samples) else {
            return;
        };
        let found = features(&design).of_samples(&samples);
        let expected = rows.concat();
        assert_eq!(found.len(), expected.len());
        let errors = found
            .iter()
            .zip(&expected)
            .map(|(&one, other)| (f64::from(one) - other).abs());
        let worst = errors.fold(0.0_f64, f64::max);
        println!("{coefficients} coefficients: {worst:.1} of 256 an octave from scipy at most");
        assert!(worst < most_error, "{coefficients} coefficients: {worst}");
    }
}
