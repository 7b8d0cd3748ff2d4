//! What augmentation does to images.

use herringbone_dataset::InputShape;
use herringbone_dataset::augment::{Augmentation, Elastic, InputKind, Scratch, rng};
use proptest::prelude::*;

const DIGIT: InputShape = InputShape {
    height: 28,
    width: 28,
    channels: 1,
};

fn apply(augmentation: &Augmentation, input: &[u8], shape: InputShape, index: usize) -> Vec<u8> {
    let mut output = vec![0; shape.values()];
    let random = &mut rng(1, 2, index);
    augmentation.apply(input, shape, random, &mut output, &mut Scratch::default());
    output
}

/// A ring of full brightness, away from the edges.
fn ring() -> Vec<u8> {
    let of = |index: usize| (index as f64 - 13.5).powi(2);
    let values = (0..28 * 28).map(|pixel| of(pixel / 28) + of(pixel % 28));
    values
        .map(|squared| {
            if (25.0..64.0).contains(&squared) {
                255
            } else {
                0
            }
        })
        .collect()
}

fn input() -> impl Strategy<Value = (InputShape, Vec<u8>)> {
    let side = || prop_oneof![Just(1), 2..40_u32];
    (side(), side(), 1..4_u32).prop_flat_map(|(height, width, channels)| {
        let shape = InputShape {
            height,
            width,
            channels,
        };
        (
            Just(shape),
            prop::collection::vec(any::<u8>(), shape.values()),
        )
    })
}

proptest! {
    #[test]
    fn nothing_changes_when_no_change_is_asked_for((shape, input) in input(), index: usize) {
        prop_assert_eq!(&apply(&Augmentation::none(), &input, shape, index), &input);
        // Through the map and the field, which do nothing.
        let still = Augmentation {
            elastic: Some(Elastic { alpha_pixels: 0.0, sigma_pixels: 4.0 }),
            ..Augmentation::none()
        };
        prop_assert_eq!(&apply(&still, &input, shape, index), &input);
    }

    #[test]
    fn no_value_is_beyond_those_of_its_channel((shape, input) in input(), index: usize) {
        let channels = shape.channels as usize;
        let most = |values: &[u8], channel: usize| {
            values.iter().skip(channel).step_by(channels).copied().max()
        };
        let wild = Augmentation {
            shift_pixels: 255.0,
            rotate_degrees: 180.0,
            scale: 0.9,
            shear_degrees: 60.0,
            elastic: Some(Elastic { alpha_pixels: 255.0, sigma_pixels: 1.0 }),
            ..Augmentation::none()
        };
        for augmentation in [wild, Augmentation::default_for(shape, InputKind::Image)] {
            let output = apply(&augmentation, &input, shape, index);
            for channel in 0..channels {
                prop_assert!(most(&output, channel) <= most(&input, channel));
            }
        }
    }

    #[test]
    fn a_generator_tells_the_outcome_whatever_the_scratch_was_used_for(
        (shape, input) in input(),
        (other_shape, other_input) in input(),
        index: usize,
    ) {
        let augmentation = Augmentation::default_for(DIGIT, InputKind::Image);
        let mut scratch = Scratch::default();
        let mut output = vec![0; other_shape.values()];
        augmentation.apply(&other_input, other_shape, &mut rng(3, 4, 5), &mut output, &mut scratch);
        let mut output = vec![0; shape.values()];
        augmentation.apply(&input, shape, &mut rng(1, 2, index), &mut output, &mut scratch);
        prop_assert_eq!(output, apply(&augmentation, &input, shape, index));
    }
}

#[test]
fn every_example_and_epoch_is_augmented_in_its_own_way() {
    let augmentation = Augmentation::default_for(DIGIT, InputKind::Image);
    let mut seen = std::collections::HashSet::new();
    for (seed, epoch, index) in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)] {
        let mut output = vec![0; DIGIT.values()];
        let random = &mut rng(seed, epoch, index);
        augmentation.apply(&ring(), DIGIT, random, &mut output, &mut Scratch::default());
        assert!(seen.insert(output), "{seed} {epoch} {index}");
    }
}

#[test]
fn brightness_is_kept_in_the_mean() {
    let sum = |values: &[u8]| values.iter().map(|&value| f64::from(value)).sum::<f64>();
    let augmentation = Augmentation::default_for(DIGIT, InputKind::Image);
    let input = ring();
    let sums = (0..200).map(|index| sum(&apply(&augmentation, &input, DIGIT, index)));
    let mean = sums.sum::<f64>() / 200.0 / sum(&input);
    assert!((0.97..1.03).contains(&mean), "{mean}");
}

#[test]
fn a_signal_goes_on_beyond_its_edges_and_changes_about_its_mean() {
    let shape = InputShape {
        height: 1,
        width: 64,
        channels: 3,
    };
    let rest: Vec<u8> = (0..64).flat_map(|_| [128, 90, 200]).collect();
    let loud = Augmentation {
        noise_levels: 0.0,
        ..Augmentation::default_for(shape, InputKind::Series)
    };
    let noisy = Augmentation::default_for(shape, InputKind::Series);
    let (mut changed, mut sum) = (0, 0.0);
    for index in 0..50 {
        assert_eq!(apply(&loud, &rest, shape, index), rest, "nothing moves");
        let output = apply(&noisy, &rest, shape, index);
        changed += usize::from(output != rest);
        let differences = output
            .iter()
            .zip(&rest)
            .map(|(one, other)| f64::from(*one) - f64::from(*other));
        sum += differences.sum::<f64>() / output.len() as f64;
    }
    assert!(changed > 40, "{changed}");
    assert!((sum / 50.0).abs() < 0.3, "{sum}");
}

#[test]
fn masks_hide_moments_and_bands_and_no_more_than_they_may() {
    let shape = InputShape {
        height: 32,
        width: 20,
        channels: 1,
    };
    let input: Vec<u8> = (0..640)
        .map(|at| if at % 2 == 0 { 10 } else { 250 })
        .collect();
    let masks = Augmentation {
        time_mask: 5,
        frequency_mask: 3,
        ..Augmentation::none()
    };
    let mut most = (0, 0);
    for index in 0..200 {
        let output = apply(&masks, &input, shape, index);
        let is_hidden =
            |row: usize, column: usize| output[row * 20 + column] != input[row * 20 + column];
        let rows = (0..32)
            .filter(|&row| (0..20).all(|column| is_hidden(row, column)))
            .count();
        let columns = (0..20)
            .filter(|&column| (0..32).all(|row| is_hidden(row, column)))
            .count();
        most = (most.0.max(rows), most.1.max(columns));
    }
    assert_eq!(most, (5, 3));
}

#[test]
fn the_defaults_are_within_the_ranges_and_others_are_reported() {
    for (height, width) in [(28, 28), (1, 255), (1, 1), (3, 200), (255, 255)] {
        let shape = InputShape {
            height,
            width,
            channels: 1,
        };
        for kind in InputKind::ALL {
            assert_eq!(Augmentation::default_for(shape, kind).check(), Ok(()));
        }
    }
    let wrong = Augmentation {
        shift_pixels: -1.0,
        rotate_degrees: f64::NAN,
        scale: 1.0,
        ..Augmentation::none()
    };
    assert_eq!(
        wrong.check().unwrap_err().messages(),
        [
            "augmentation: the shift in pixels must be 0 to 255, found -1",
            "augmentation: the rotation in degrees must be 0 to 180, found NaN",
            "augmentation: the scale must be 0 to 0.9, found 1",
        ]
    );
}

const PHOTOGRAPH: InputShape = InputShape {
    height: 20,
    width: 30,
    channels: 3,
};

/// Whose bytes tell where in the image they are.
fn photograph() -> Vec<u8> {
    let pixels = (0..20_u8).flat_map(|row| (0..30).map(move |column| [row, column, 77]));
    pixels.flatten().collect()
}

#[test]
fn a_photograph_is_mirrored_and_moved_by_whole_pixels() {
    let augmentation = Augmentation::default_for(PHOTOGRAPH, InputKind::Image);
    assert!(augmentation.mirrors && augmentation.crop_pixels == 2);
    let mut seen = std::collections::BTreeSet::new();
    for index in 0..400 {
        let output = apply(&augmentation, &photograph(), PHOTOGRAPH, index);
        // What is in the middle tells what was done.
        let at = |row: usize, column: usize| &output[(row * 30 + column) * 3..][..3];
        let [row, left, _] = *at(10, 10) else {
            unreachable!()
        };
        let is_mirrored = at(10, 11)[1] < left;
        let (down, right) = match is_mirrored {
            true => (10 - i32::from(row), i32::from(left) - 19),
            false => (10 - i32::from(row), 10 - i32::from(left)),
        };
        seen.insert((is_mirrored, down, right));
        for (pixel, found) in output.chunks_exact(3).enumerate() {
            let (row, column) = ((pixel / 30) as i32, (pixel % 30) as i32);
            let from_row = (row - down).clamp(0, 19);
            let from_column = match is_mirrored {
                true => (29 - column + right).clamp(0, 29),
                false => (column - right).clamp(0, 29),
            };
            assert_eq!(found, [from_row as u8, from_column as u8, 77], "{index}");
        }
    }
    // Both sides, by −2 to 2 along each side.
    assert_eq!(seen.len(), 2 * 5 * 5);
}

#[test]
fn a_cutout_hides_a_square_and_nothing_else() {
    let augmentation = Augmentation {
        cutout_pixels: 6,
        ..Augmentation::none()
    };
    for index in 0..50 {
        let input = photograph();
        let output = apply(&augmentation, &input, PHOTOGRAPH, index);
        let pixels = output.chunks_exact(3).zip(input.chunks_exact(3));
        let changed = pixels.filter(|(output, input)| output != input).count();
        // Up to its last row and column, a square in the corner is of a quarter.
        assert!((4..=36).contains(&changed), "{changed}");
    }
}
