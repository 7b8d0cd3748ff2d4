//! TensorFlow Lite's fixed-point arithmetic, which is gemmlowp's: rescaling by two roundings, and
//! the functions of softmax, logistic and tanh.
//!
//! `x` in Q(i) stands for `x / 2^(31 − i)`.

/// A positive real number as an integer of 31 bits and a power of two; TensorFlow Lite's
/// `QuantizeMultiplier`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rescale {
    /// 0, or 2^30 to 2^31 − 1.
    pub multiplier: i32,
    /// −31 to 30: the number is `multiplier · 2^(shift − 31)`.
    pub shift: i32,
}

impl Rescale {
    /// The nearest to a real number; `None` where that is negative, no number, or 2^30 or more.
    pub fn of(real: f64) -> Option<Self> {
        if !(0.0..f64::from(1 << 30)).contains(&real) {
            return None;
        }
        if real == 0.0 {
            return Some(Self {
                multiplier: 0,
                shift: 0,
            });
        }
        let (fraction, mut shift) = fraction_and_exponent(real);
        let mut multiplier = (fraction * f64::from(2).powi(31)).round() as i64;
        if multiplier == 1 << 31 {
            multiplier /= 2;
            shift += 1;
        }
        if shift < -31 {
            (multiplier, shift) = (0, 0);
        }
        Some(Self {
            multiplier: multiplier as i32,
            shift,
        })
    }

    /// Whether no larger one of these values has a smaller result: none is shifted out of 32 bits.
    pub fn never_falls(self, least: i32, most: i32) -> bool {
        let left = self.shift.max(0);
        let is_within = |value: i32| i32::try_from(i64::from(value) << left).is_ok();
        is_within(least) && is_within(most)
    }

    /// `value` times the number, rounded twice: first to the nearest, halves up, in the
    /// product's upper half, then to the nearest, halves away from zero, by the shift.
    pub fn apply(self, value: i32) -> i32 {
        let (left, right) = (self.shift.max(0) as u32, (-self.shift).max(0) as u32);
        round_shift(high(value.wrapping_shl(left), self.multiplier), right)
    }
}

/// `frexp`: a fraction of 1/2 to 1 and a power of two.
fn fraction_and_exponent(real: f64) -> (f64, i32) {
    // A subnormal number is made a normal one first.
    let (real, less) = match real.is_normal() {
        true => (real, 0),
        false => (real * f64::from(2).powi(64), 64),
    };
    const FRACTION_BITS: u32 = 52;
    let bits = real.to_bits();
    let exponent = (bits >> FRACTION_BITS & 0x7ff) as i32 - 1022;
    let fraction = bits & !(0x7ff << FRACTION_BITS) | 1022 << FRACTION_BITS;
    (f64::from_bits(fraction), exponent - less)
}

/// The upper half of a product, doubled and rounded: Q(i) times Q(j) in Q(i + j).
pub(crate) fn high(a: i32, b: i32) -> i32 {
    if a == i32::MIN && b == i32::MIN {
        return i32::MAX;
    }
    ((i64::from(a) * i64::from(b) + (1 << 30)) >> 31) as i32
}

/// `value / 2^bits`, rounded to the nearest, halves away from zero.
pub(crate) fn round_shift(value: i32, bits: u32) -> i32 {
    if bits > 31 {
        return 0;
    }
    let mask = ((1_i64 << bits) - 1) as i32;
    let half = (mask as u32 >> 1) as i32 + i32::from(value < 0);
    (value >> bits) + i32::from(value & mask > half)
}

/// `value · 2^bits`, kept within 32 bits.
fn saturating_shift(value: i32, bits: u32) -> i32 {
    let most = (1_i64 << (31 - bits)) - 1;
    match i64::from(value) {
        value if value > most => i32::MAX,
        value if value < -most => i32::MIN,
        value => (value << bits) as i32,
    }
}

/// e^a of a number that is not positive, in Q(`integer_bits`); in Q0.
pub(crate) fn exp_of_negative(a: i32, integer_bits: u32) -> i32 {
    if a == 0 {
        return i32::MAX;
    }
    let quarter = 1 << (31 - integer_bits - 2);
    // In −1/4 to 0, and what is left of it in whole quarters.
    let remainder = (a & (quarter - 1)) - quarter;
    let quarters = remainder.wrapping_sub(a);
    let x = saturating_shift(remainder, integer_bits).wrapping_add(1 << 28);
    let x2 = high(x, x);
    let (x3, x4) = (high(x2, x), high(x2, x2));
    // e^−1/8 times the Taylor series around −1/8, up to the fourth power.
    const E_TO_MINUS_EIGHTH: i32 = 1_895_147_668;
    const THIRD: i32 = 715_827_883;
    let series = high(round_shift(x4, 2).wrapping_add(x3), THIRD).wrapping_add(x2);
    let series = x.wrapping_add(round_shift(series, 1));
    let mut power = E_TO_MINUS_EIGHTH.wrapping_add(high(E_TO_MINUS_EIGHTH, series));
    // e to the minus 1/4, 1/2, 1, 2, 4, 8, 16.
    const POWERS: [(i32, i32); 7] = [
        (-2, 1_672_461_947),
        (-1, 1_302_514_674),
        (0, 790_015_084),
        (1, 290_630_308),
        (2, 39_332_535),
        (3, 720_401),
        (4, 242),
    ];
    for (exponent, factor) in POWERS {
        let bit = 31 - integer_bits as i32 + exponent;
        if exponent < integer_bits as i32 && quarters >> bit & 1 == 1 {
            power = high(power, factor);
        }
    }
    power
}

/// 2 / (1 + a) of a number from 0 to 1 in Q0, by three steps of Newton's; in Q2, halved.
fn newton(a: i32) -> i32 {
    let half = ((i64::from(a) + i64::from(i32::MAX) + 1) / 2) as i32;
    const FORTY_EIGHT_17THS: i32 = 1_515_870_810;
    const MINUS_32_17THS: i32 = -1_010_580_540;
    let mut x = FORTY_EIGHT_17THS.wrapping_add(high(half, MINUS_32_17THS));
    for _ in 0..3 {
        let error = (1_i32 << 29).wrapping_sub(high(half, x));
        x = x.wrapping_add(saturating_shift(high(x, error), 2));
    }
    x
}

/// 1 / (1 + a) of a number from 0 to 1 in Q0; in Q0.
pub(crate) fn one_over_one_plus(a: i32) -> i32 {
    saturating_shift(newton(a), 1)
}

/// 1 / (1 + e^−a) of a number in Q(`integer_bits`); in Q0.
pub(crate) fn logistic(a: i32, integer_bits: u32) -> i32 {
    match a {
        0 => 1 << 30,
        1.. => one_over_one_plus(exp_of_negative(-a, integer_bits)),
        _ => i32::MAX - one_over_one_plus(exp_of_negative(a, integer_bits)),
    }
}

/// The hyperbolic tangent of a number in Q(`integer_bits`); in Q0.
pub(crate) fn tanh(a: i32, integer_bits: u32) -> i32 {
    if a == 0 {
        return 0;
    }
    // e^−2|a|: the same integer with one more bit before the point.
    let power = exp_of_negative(-a.wrapping_abs(), integer_bits + 1);
    let positive = saturating_shift(newton(power).wrapping_sub(1 << 29), 2);
    if a < 0 { -positive } else { positive }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    proptest! {
        #[test]
        fn a_rescaled_value_is_within_a_step_of_the_product(
            real in 1e-9..1.0_f64,
            value in -1_000_000..1_000_000,
        ) {
            let rescaled = f64::from(Rescale::of(real).unwrap().apply(value));
            prop_assert!((rescaled - real * f64::from(value)).abs() <= 1.0);
        }

        #[test]
        fn rounding_shifts_take_halves_away_from_zero(value: i32, bits in 0_u32..31) {
            let exact = f64::from(value) / f64::from(2).powi(bits as i32);
            prop_assert_eq!(f64::from(round_shift(value, bits)), exact.round());
        }

        #[test]
        fn functions_are_near_those_of_real_numbers(a in i32::MIN + 1..0) {
            let unit = f64::from(2).powi(31);
            let real = f64::from(a) / unit * 16.0;
            let near = |found: i32, real: f64| (f64::from(found) / unit - real).abs() < 1e-6;
            prop_assert!(near(exp_of_negative(a, 4), real.exp()));
            prop_assert!(near(logistic(a, 4), 1.0 / (1.0 + (-real).exp())));
            prop_assert!(near(logistic(-a, 4), 1.0 / (1.0 + real.exp())));
            prop_assert!(near(tanh(a, 4), real.tanh()));
        }
    }

    #[test]
    fn multipliers_are_those_of_frexp() {
        let of = |real| Rescale::of(real).map(|it| (it.multiplier, it.shift));
        assert_eq!(of(0.0), Some((0, 0)));
        assert_eq!(of(0.5), Some((1 << 30, 0)));
        assert_eq!(of(1.0), Some((1 << 30, 1)));
        assert_eq!(of(0.75), Some((3 << 29, 0)));
        assert_eq!(of(1.0 - 1e-16), Some((1 << 30, 1)));
        assert_eq!(of(f64::from(2).powi(-33)), Some((0, 0)));
        assert_eq!(of(f64::MIN_POSITIVE / 4.0), Some((0, 0)));
        for wrong in [-1.0, f64::NAN, f64::INFINITY, 2e9] {
            assert_eq!(of(wrong), None);
        }
    }
}
