use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// The mean square of what rounding changes, in full.
fn error(numbers: &[f32], bits: u32, is_signed: bool, exponent: i32) -> f64 {
    let (least, largest) = match is_signed {
        true => (
            -f64::from(1 << (bits - 1)),
            f64::from(1 << (bits - 1)) - 1.0,
        ),
        false => (0.0, f64::from(1 << bits) - 1.0),
    };
    let step = f64::from(exponent).exp2();
    let squares = numbers.iter().map(|&number| {
        let number = f64::from(number);
        let nearest = (number / step).round_ties_even().clamp(least, largest) * step;
        (nearest - number).powi(2)
    });
    squares.sum()
}

/// Most of one size; of some a few are far larger, and much is clipped or lost.
fn numbers() -> impl Strategy<Value = Vec<f32>> {
    let number = (-1.0..1.0f32, prop_oneof![30 => Just(0), 1 => 1..12]);
    (vec(number, 1..400), -12..12).prop_map(|(numbers, exponent)| {
        let sized = numbers.into_iter();
        let sized =
            sized.map(|(number, more)| number * f32::from(exponent as i8 + more as i8).exp2());
        sized.collect()
    })
}

proptest! {
    #[test]
    fn no_power_of_two_is_closer_than_the_closest(
        numbers in numbers(),
        bits in select(vec![2u32, 4, 8]),
        is_signed in any::<bool>(),
    ) {
        let mut numbers = numbers;
        if !is_signed {
            numbers.iter_mut().for_each(|number| *number = number.abs());
        }
        let found = closest_exponent(&numbers, bits, is_signed);
        let found = error(&numbers, bits, is_signed, found);
        for exponent in -50..50 {
            let other = error(&numbers, bits, is_signed, exponent);
            prop_assert!(found <= other * (1.0 + 1e-6), "2^{exponent}: {other}, not {found}");
        }
    }

    #[test]
    fn the_nearest_number_is_that_of_ieee_754(
        eighths in -300..300i32,
        bits in 2..=8u32,
        is_signed in any::<bool>(),
        exponent in -6..=6,
    ) {
        let grid = Grid::of_bits(bits, is_signed, exponent);
        let step = (exponent as f32).exp2();
        let nearest = grid.nearest(eighths as f32 / 8.0 * step) / step;
        // 8.5 is a tie of 8 and 9.
        let (least, most) = match is_signed {
            true => (-(1 << (bits - 1)), (1 << (bits - 1)) - 1),
            false => (0, (1 << bits) - 1),
        };
        let (floor, rest) = (eighths.div_euclid(8), eighths.rem_euclid(8));
        let up = rest > 4 || rest == 4 && floor % 2 != 0;
        prop_assert_eq!(nearest, (floor + i32::from(up)).clamp(least, most) as f32);
    }

    #[test]
    fn shifts_take_sums_to_activations(
        weight in -15..=15,
        input in -12..=4,
        activation in -12..=4,
        added in proptest::option::of(-12..=4),
    ) {
        let reads = ReadScales { input, added };
        let scales = SumScales::of_activation(weight, activation, reads);
        let shifts = [scales.left, scales.right(input), scales.skip(reads)];
        prop_assert!(shifts.iter().all(|shift| (0..=31).contains(shift)), "{shifts:?}");
        // No finer than one of them needs.
        prop_assert!(scales.left == 0 || shifts[1] == 0 || added.is_some() && shifts[2] == 0);
        prop_assert_eq!(weight + input - scales.left + shifts[1], activation);
        if let Some(added) = added {
            prop_assert_eq!(weight + input - scales.left, added - shifts[2]);
        }
        let result = SumScales::of_result(weight, reads);
        prop_assert_eq!(result.right(input), 0);
        prop_assert!(result.left == 0 || result.skip(reads) == 0);
    }
}

#[test]
fn numbers_that_are_all_0_have_a_power_too() {
    assert_eq!(closest_exponent(&[0.0; 3], 4, false), -4);
    assert_eq!(closest_exponent(&[], 8, true), -8);
}
