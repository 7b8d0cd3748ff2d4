//! Statistics of frames against what `docs/features.md` says, and against floating point.

use herringbone_compiler::features::{Features, Statistic, StatisticSet, Statistics};
use herringbone_tests::scipy;
use herringbone_tests::statistics::Design;
use proptest::prelude::*;

fn features(design: &Design) -> Features {
    let named = |name: &&str| {
        let mut all = Statistic::ALL.into_iter();
        all.find(|it| it.name() == *name)
    };
    let values = design.values.iter().filter_map(named);
    Features::Statistics(Statistics {
        channels: design.channels as u32,
        frame: design.frame as u32,
        hop: design.hop as u32,
        values: values.fold(StatisticSet::NONE, StatisticSet::with),
        floor: design.floor as u32,
    })
}

fn designs() -> impl Strategy<Value = Design> {
    let frames = prop::sample::select(Statistics::FRAMES.to_vec());
    let values = prop::sample::subsequence(Statistic::ALL.map(Statistic::name).to_vec(), 1..=4);
    (1..=16_usize, frames, 1..=100_usize, values, 0..=30_i64).prop_map(
        |(channels, frame, percent, values, floor)| Design {
            channels,
            frame: frame as usize,
            hop: (frame as usize * percent).div_ceil(100),
            values,
            floor,
        },
    )
}

/// Of any loudness about an offset, or of extremes alone.
fn samples() -> impl Strategy<Value = Vec<i16>> {
    let length = 9000_usize;
    let noise = (
        prop::collection::vec(any::<i16>(), length),
        0..16_u32,
        any::<i16>(),
    );
    let noise = noise.prop_map(|(noise, shift, offset)| {
        let noise = noise.into_iter();
        noise
            .map(|it| (it >> shift).saturating_add(offset))
            .collect()
    });
    let extreme = prop::sample::select(vec![i16::MIN, -1, 0, 1, i16::MAX]);
    prop_oneof![
        4 => noise,
        1 => prop::collection::vec(extreme, length),
        1 => prop::sample::select(vec![i16::MIN, i16::MAX, 0, 7]).prop_map(move |it| vec![it; length]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn rows_are_what_the_documentation_says((design, samples) in (designs(), samples())) {
        let found = features(&design).of_samples(&samples);
        let found: Vec<i64> = found.into_iter().map(Into::into).collect();
        prop_assert_eq!(found, design.rows(&samples));
    }
}

/// Three axes that shake, one after the other, about a slope.
fn shaken() -> Vec<i16> {
    let mut noise = 1_u32;
    let sample = |at: usize| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (moment, axis) = (at / 3, at % 3);
        let noise = f64::from((noise >> 16) as i16) / 4096.0;
        let swing = (moment as f64 * 0.07 * (axis + 1) as f64).sin();
        let loud = f64::from(u32::from(moment / 150 % 3 == axis)) * 3000.0 + 2.0;
        (loud * swing + noise + moment as f64 * 2.0 - 700.0) as i16
    };
    (0..3 * 1000).map(sample).collect()
}

#[test]
fn rows_are_near_those_of_scipy() {
    let design = Design {
        channels: 3,
        frame: 64,
        hop: 24,
        values: Statistic::ALL.map(Statistic::name).to_vec(),
        floor: 2,
    };
    let samples = shaken();
    let written = serde_json::json!({
        "channels": design.channels, "frame": design.frame, "hop": design.hop,
        "floor": design.floor, "samples": samples,
    });
    let Some(rows) = scipy::rows("statistics_reference.py", &written) else {
        return;
    };
    let found = features(&design).of_samples(&samples);
    let expected = rows.concat();
    assert_eq!(found.len(), expected.len());
    let mut worst = [0.0_f64; 4];
    for (index, (&found, expected)) in found.iter().zip(&expected).enumerate() {
        let error = (f64::from(found) - expected).abs();
        worst[index % 4] = worst[index % 4].max(error);
    }
    println!("mean, energy, crossings, difference: {worst:.2?} from scipy at most");
    // The mean is rounded down, and a logarithm is within 5.
    assert!(worst[0] < 1.0 && worst[2] == 0.0, "{worst:?}");
    assert!(worst[1] < 6.0 && worst[3] < 6.0, "{worst:?}");
}

herringbone::network! {
    /// Four rows of three axes; its weights are zero but for what the test loads.
    pub Moved: [4, 3, 3] => < D*(2) >,
    features: statistics { channels: 3, frame: 16, hop: 10, values: [energy, mean, crossings] },
    bits: { activations: 8 },
    weights: runtime,
    results: i32,
}

herringbone::network! {
    /// The same of a stream: every row.
    pub Moving: [4, 3, 3] => < D*(2) >,
    features: statistics { channels: 3, frame: 16, hop: 10, values: [energy, mean, crossings] },
    window: { length: 4, stride: 1 },
    bits: { activations: 8 },
    weights: runtime,
    results: i32,
}

/// The bytes that the default scales of these networks make of a row's values.
fn bytes(values: &[i64]) -> Vec<u8> {
    let byte = |(place, &value): (usize, &i64)| {
        let scaled = match place % 3 {
            0 => (value + 32_768) >> 8,
            1 => value >> 5,
            _ => value * 16,
        };
        scaled.clamp(0, 255) as u8
    };
    values.iter().enumerate().map(byte).collect()
}

#[test]
fn generated_code_makes_its_input_of_several_channels_whole_and_of_a_stream() {
    let design = Design {
        channels: 3,
        frame: 16,
        hop: 10,
        values: vec!["mean", "energy", "crossings"],
        floor: 0,
    };
    const SAMPLES: usize = 3 * (16 + 3 * 10);
    assert_eq!((Moved::SAMPLES, Moving::SAMPLES), (SAMPLES, SAMPLES));
    let (mut moved, mut moving) = (Moved::new(), Moving::new());
    for (index, byte) in moved.params_mut().iter_mut().enumerate().skip(2) {
        *byte = (index as u8).wrapping_mul(151) & 0x7F;
    }
    moving.params_mut().copy_from_slice(moved.params());
    let samples = shaken();
    let mut windows = 0;
    for (index, &sample) in samples.iter().enumerate() {
        let taken = index + 1;
        let given = moving.push_raw(sample);
        let is_due = taken >= SAMPLES && (taken - SAMPLES).is_multiple_of(3 * 10);
        assert_eq!(given.is_some(), is_due, "sample {index}");
        if let Some(given) = given {
            let newest = &samples[taken - SAMPLES..taken];
            let input = bytes(&design.rows(newest));
            assert_eq!(given, moved.run(&input.try_into().unwrap()));
            assert_eq!(given, moved.run_raw(newest.try_into().unwrap()));
            windows += 1;
        }
    }
    assert_eq!(windows, (samples.len() - SAMPLES) / 30 + 1);
}
