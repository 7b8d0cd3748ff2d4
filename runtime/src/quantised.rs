//! TensorFlow Lite's arithmetic on bytes, which is gemmlowp's fixed point: a sum is rescaled by a
//! multiplier of 31 bits and a shift, and rounded twice.

use crate::arena::{load, signed};
use crate::flash::Flash;
use crate::segment::kept;
use crate::sum::put;

/// A positive number: `multiplier · 2^(shift − 31)`.
#[derive(Clone, Copy)]
pub struct Rescale {
    /// 0, or 2^30 to 2^31 − 1.
    pub multiplier: i32,
    /// −31 to 30.
    pub shift: i8,
}

impl Rescale {
    /// `value` times the number: rounded to the nearest, halves up, then by the shift to the
    /// nearest, halves away from 0.
    #[inline(always)]
    fn apply(self, value: i32) -> i32 {
        let left = self.shift.max(0) as u32;
        let right = self.shift.min(0).unsigned_abs().into();
        round_shift(high(value.wrapping_shl(left), self.multiplier), right)
    }
}

/// The upper half of a product, doubled and rounded.
#[inline(always)]
pub fn high(a: i32, b: i32) -> i32 {
    if a == i32::MIN && b == i32::MIN {
        return i32::MAX;
    }
    (i64::from(a).wrapping_mul(b.into()).wrapping_add(1 << 30) >> 31) as i32
}

/// `value / 2^bits`, rounded to the nearest, halves away from 0.
#[inline(always)]
fn round_shift(value: i32, bits: u32) -> i32 {
    if bits > 31 {
        return 0;
    }
    let mask = (1_u32.wrapping_shl(bits)).wrapping_sub(1);
    let half = (mask >> 1).wrapping_add((value < 0).into());
    (value >> bits).wrapping_add((value as u32 & mask > half).into())
}

/// What the outputs of a layer are rescaled by.
pub trait Rescales: Copy {
    /// The number of that output.
    fn rescale(self, output: usize) -> Rescale;
}

impl Rescales for Rescale {
    #[inline(always)]
    fn rescale(self, _: usize) -> Rescale {
        self
    }
}

/// A multiplier and a shift an output.
impl<const C: usize> Rescales for (&'static Flash<i32, C>, &'static Flash<u8, C>) {
    #[inline(always)]
    fn rescale(self, output: usize) -> Rescale {
        Rescale {
            multiplier: self.0.get(output),
            shift: self.1.get(output) as i8,
        }
    }
}

/// How rescaled numbers become bytes.
#[derive(Clone, Copy)]
pub struct Bytes {
    /// The byte that stands for 0.
    pub zero_point: i32,
    /// The least byte.
    pub least: i8,
    /// The most.
    pub most: i8,
}

impl Bytes {
    #[inline(always)]
    fn of(self, rescaled: i32) -> i8 {
        self.within(self.zero_point.wrapping_add(rescaled))
    }

    #[inline(always)]
    fn within(self, value: i32) -> i8 {
        value.max(self.least.into()).min(self.most.into()) as i8
    }
}

/// The byte of an output's sum.
#[inline(always)]
pub fn requantise_one<R: Rescales, const C: usize>(
    sum: i32,
    output: usize,
    biases: &'static Flash<i32, C>,
    rescales: R,
    to: Bytes,
) -> i8 {
    let total = sum.wrapping_add(biases.get(output));
    to.of(rescales.rescale(output).apply(total))
}

/// The bytes of a pixel's sums.
#[inline(always)]
pub fn requantise<R: Rescales, const C: usize>(
    sums: [i32; C],
    biases: &'static Flash<i32, C>,
    rescales: R,
    to: Bytes,
) -> [i8; C] {
    let mut bytes = [0; C];
    let mut output = 0_usize;
    for (byte, sum) in bytes.iter_mut().zip(sums) {
        *byte = requantise_one(sum, output, biases, rescales, to);
        output = output.wrapping_add(1);
    }
    bytes
}

/// Each value as often as a depthwise kernel makes outputs of it.
#[inline(always)]
pub fn repeat<const C: usize, const OUT: usize>(values: [i8; C], times: usize) -> [i8; OUT] {
    let mut repeated = [0; OUT];
    for (outputs, value) in repeated.chunks_mut(times.max(1)).zip(values) {
        outputs.fill(value);
    }
    repeated
}

/// The sums of a window, of `BYTES` each, that begin at byte `first`.
#[inline(always)]
pub fn window_sums<const BYTES: usize, const C: usize>(arena: &[u8], first: usize) -> [i32; C] {
    let kept_sums = arena.get(first..).unwrap_or_default();
    let mut sums = [0; C];
    for (sum, bytes) in sums.iter_mut().zip(kept_sums.as_chunks::<BYTES>().0) {
        *sum = kept(bytes, true);
    }
    sums
}

/// Taps of a side of a kernel that are inside of a map of `count`; see
/// [`is_inside`](crate::segment::is_inside).
#[inline(always)]
pub fn taps_inside(first: usize, taps: usize, before: usize, count: usize) -> usize {
    let start = before.saturating_sub(first).min(taps);
    let end = before.wrapping_add(count).saturating_sub(first).min(taps);
    end.saturating_sub(start)
}

/// The averages of windows of `count` values, of their sums: rounded to the nearest, halves away
/// from 0.
#[inline(always)]
pub fn rounded_averages<const C: usize>(sums: [i32; C], count: usize, to: Bytes) -> [i8; C] {
    let count = count as i32;
    let half = count >> 1;
    sums.map(|sum| {
        let away = if sum > 0 {
            sum.wrapping_add(half)
        } else {
            sum.wrapping_sub(half)
        };
        to.within(away.checked_div(count).unwrap_or(0))
    })
}

/// The means of windows, of their sums, of which `zero` stands for 0.
#[inline(always)]
pub fn means<const C: usize>(sums: [i32; C], zero: i32, rescale: Rescale, to: Bytes) -> [i8; C] {
    sums.map(|sum| to.of(rescale.apply(sum.wrapping_sub(zero))))
}

/// Each value within the range.
#[inline(always)]
pub fn within<const C: usize>(values: [i8; C], to: Bytes) -> [i8; C] {
    values.map(|value| to.within(value.into()))
}

/// A byte of each byte.
#[inline(always)]
pub fn map_bytes<const C: usize>(values: [i8; C], table: &'static Flash<u8, 256>) -> [i8; C] {
    values.map(|value| table.get((value as u8).into()) as i8)
}

/// A pixel that is the same at every place.
#[inline(always)]
pub fn constant_pixel<const C: usize>(table: &'static Flash<u8, C>) -> [i8; C] {
    let mut values = [0; C];
    let mut channel = 0_usize;
    for value in &mut values {
        *value = table.get(channel) as i8;
        channel = channel.wrapping_add(1);
    }
    values
}

/// How two pixels are added.
#[derive(Clone, Copy)]
pub struct Addition {
    /// The values of each that stand for 0.
    pub zero_points: [i32; 2],
    /// What each is rescaled by, with `left` bits more.
    pub rescales: [Rescale; 2],
    /// Those bits.
    pub left: u32,
    /// Whether the second one is subtracted.
    pub subtracts: bool,
    /// What the sum is rescaled by.
    pub rescale: Rescale,
    /// What becomes of it.
    pub to: Bytes,
}

/// The sum of two pixels.
#[inline(always)]
pub fn add_pixels<const C: usize>(how: Addition, first: [i8; C], second: [i8; C]) -> [i8; C] {
    let [zero, other_zero] = how.zero_points;
    let [rescale, other_rescale] = how.rescales;
    let scaled = |value: i8, zero: i32, rescale: Rescale| {
        rescale.apply(i32::from(value).wrapping_sub(zero).wrapping_shl(how.left))
    };
    let mut sums = first;
    for (sum, other) in sums.iter_mut().zip(second) {
        let value = scaled(*sum, zero, rescale);
        let other = scaled(other, other_zero, other_rescale);
        let total = match how.subtracts {
            true => value.wrapping_sub(other),
            false => value.wrapping_add(other),
        };
        *sum = how.to.of(how.rescale.apply(total));
    }
    sums
}

/// How two pixels are multiplied.
#[derive(Clone, Copy)]
pub struct Multiplication {
    /// The values of each that stand for 0.
    pub zero_points: [i32; 2],
    /// What products are rescaled by.
    pub rescale: Rescale,
    /// What becomes of them.
    pub to: Bytes,
}

/// The product of two pixels.
#[inline(always)]
pub fn multiply_pixels<const C: usize>(
    how: Multiplication,
    first: [i8; C],
    second: [i8; C],
) -> [i8; C] {
    let [zero, other_zero] = how.zero_points;
    let mut products = first;
    for (product, other) in products.iter_mut().zip(second) {
        let value = i32::from(*product).wrapping_sub(zero);
        let other = i32::from(other).wrapping_sub(other_zero);
        *product = how.to.of(how.rescale.apply(value.wrapping_mul(other)));
    }
    products
}

/// Each value's share of a pixel, its softmax, in 256ths from −128 on. `powers`: by how far a
/// value is below the largest, e to that difference, in Q0; `high`: as [`high`] does, of numbers
/// that are not both the least.
#[inline(never)]
pub fn shares<const C: usize, const POWERS: usize>(
    values: [i8; C],
    powers: &'static Flash<i32, POWERS>,
    high: impl Fn(i32, i32) -> i32,
) -> [i8; C] {
    /// Bits before the point of the sum of powers.
    const SUM_BITS: u32 = 12;
    let most = values.iter().fold(i8::MIN, |most, &value| most.max(value));
    let below = |value: i8| i32::from(most).wrapping_sub(value.into()) as usize;
    let mut sum = 0_i32;
    for &value in &values {
        let power = powers.get(below(value)) as u32;
        sum = sum.wrapping_add(round_shift_positive(power, SUM_BITS) as i32);
    }
    let zeros = sum.leading_zeros();
    // From 1 to 2, less 1.
    let above_one = ((sum as u32).wrapping_shl(zeros) as i32).wrapping_sub(i32::MIN);
    let inverse = one_over_one_plus(above_one, &high);
    let bits = (SUM_BITS + 31 - 8).saturating_sub(zeros);
    values.map(|value| match below(value) {
        below if below >= POWERS => i8::MIN,
        below => share(high(inverse, powers.get(below)) as u32, bits),
    })
}

/// A share of 2^(`bits` + 8), in 256ths from −128 on.
#[inline(never)]
fn share(of_whole: u32, bits: u32) -> i8 {
    let share = round_shift_positive(of_whole, bits).min(255) as u8;
    share.wrapping_sub(128) as i8
}

/// `value / 2^bits` of a number below 2^31, rounded to the nearest, halves up.
#[inline(always)]
fn round_shift_positive(value: u32, bits: u32) -> u32 {
    // A chip that shifts by single bits takes half of them at once.
    let doubled = match bits {
        0 => return value,
        1..=16 => value >> (bits - 1),
        17..=31 => u32::from((value >> 16) as u16 >> (bits - 17)),
        _ => 0,
    };
    doubled.wrapping_add(1) >> 1
}

/// `value · 2^bits`, kept within 32 bits.
#[inline(always)]
fn saturating_shift(value: i32, bits: u32) -> i32 {
    let most = i32::MAX >> bits;
    match value {
        value if value > most => i32::MAX,
        value if value < most.wrapping_neg() => i32::MIN,
        value => value << bits,
    }
}

/// `1 / (1 + a)` of a number from 0 to 1 in Q0, by three steps of Newton's; in Q0.
fn one_over_one_plus(a: i32, high: impl Fn(i32, i32) -> i32) -> i32 {
    const FORTY_EIGHT_17THS: i32 = 1_515_870_810;
    const MINUS_32_17THS: i32 = -1_010_580_540;
    let half = (i64::from(a).wrapping_add(1 << 31) >> 1) as i32;
    let mut x = FORTY_EIGHT_17THS.wrapping_add(high(half, MINUS_32_17THS));
    for _ in 0..3 {
        let error = (1_i32 << 29).wrapping_sub(high(half, x));
        x = x.wrapping_add(saturating_shift(high(x, error), 2));
    }
    saturating_shift(x, 1)
}

/// Puts the bytes of the pixel at `cell` in the caller's array.
#[inline(always)]
pub fn emit_bytes<const C: usize>(results: &mut [i8], first: usize, arena: &[u8], cell: usize) {
    put(
        results,
        first,
        signed::<8, C>(load::<8, true, C>(arena, cell)),
    );
}

/// The integer of a real number: `zero point + round(real / scale)`, halves away from 0.
#[inline(always)]
pub fn quantise(real: f32, scale: f32, zero_point: i32) -> i32 {
    let steps = real / scale;
    let whole = steps as i32;
    let rest = steps - whole as f32;
    let rounded = if rest >= 0.5 {
        whole.saturating_add(1)
    } else if rest <= -0.5 {
        whole.saturating_sub(1)
    } else {
        whole
    };
    rounded.saturating_add(zero_point)
}

/// The real number of an integer: `scale · (integer − zero point)`.
#[inline(always)]
pub fn dequantise(integer: i32, scale: f32, zero_point: i32) -> f32 {
    scale * integer.wrapping_sub(zero_point) as f32
}
