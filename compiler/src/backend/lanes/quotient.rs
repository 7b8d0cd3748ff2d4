//! Division by a constant, rounded down, as a product and a shift.

use super::assembly::Assembly;
use super::isa::{Operation, Register};
use super::multiples::multiply;

/// `⌊t / count⌋ = ⌊⌊t / 2^before⌋·factor / 2^shift⌋` of every total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quotient {
    pub(crate) before: u8,
    pub(crate) factor: i32,
    pub(crate) shift: u8,
}

impl Quotient {
    /// The one for a byte. With `factor·count = 2^16 + e`, e is at most the count, so that `t·e` is
    /// below 2^16 for each count of a byte; by more, it is 0.
    pub(crate) fn of_byte(count: u32) -> Self {
        let (factor, shift) = match count.is_power_of_two() {
            true => (1, count.ilog2() as u8),
            false => ((1 << 16) / count as i32 + 1, 16),
        };
        Self {
            before: 0,
            factor,
            shift,
        }
    }

    /// The one of the smallest factor for totals from 0 to `most`, whose products are words;
    /// `None` if there is none. Powers of two of a count go `before`, if that is needed.
    ///
    /// With `factor·count = 2^shift + e`, `t·factor / 2^shift` is `t / count` and
    /// `t·e / (count·2^shift)`. What `t / count` is short of the next integer is 1/count at least,
    /// so it stays below where `t·e < 2^shift` (Granlund & Montgomery, "Division by invariant
    /// integers using multiplication", 1994, theorem 4.2).
    pub(crate) fn of(count: u32, most: u32) -> Option<Self> {
        let powers = 0..=count.trailing_zeros() as u8;
        powers.into_iter().find_map(|before| {
            let (count, most) = (u64::from(count >> before), u64::from(most >> before));
            (0..32_u8).find_map(|shift| {
                let unit = 1_u64 << shift;
                let factor = unit.div_ceil(count);
                let is_right = most * (factor * count - unit) < unit && most * factor < 1 << 32;
                let factor = i32::try_from(factor).ok().filter(|_| is_right);
                factor.map(|factor| Self {
                    before,
                    factor,
                    shift,
                })
            })
        })
    }
}

impl Quotient {
    /// `value` ← its quotient. Changes `scratch`, another register.
    pub(crate) fn emit(self, asm: &mut Assembly<'_>, value: Register, scratch: Register) {
        let Self {
            before,
            factor,
            shift,
        } = self;
        if before > 0 {
            asm.emit(Operation::ShiftRight(value, value, before));
        }
        let product = match factor {
            1 => value,
            _ => {
                asm.emit_all(multiply(asm.isa(), factor, [scratch, value]));
                scratch
            }
        };
        if shift > 0 {
            asm.emit(Operation::ShiftRight(value, product, shift));
        } else if product != value {
            asm.emit(Operation::Move(value, product));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_quotient_of_every_total() {
        for count in (1..=300).chain([400, 625, 784, 1024, 4000]) {
            for most_value in [15, 255] {
                let most = count * most_value;
                let quotient = Quotient::of(count, most);
                let Some(Quotient {
                    before,
                    factor,
                    shift,
                }) = quotient
                else {
                    let is_odd = count % 2 == 1;
                    assert!(
                        count > 256 && is_odd && most_value == 255,
                        "{count} of {most_value}"
                    );
                    continue;
                };
                for total in 0..=most {
                    let product = (total >> before).wrapping_mul(factor as u32);
                    assert_eq!(product >> shift, total / count, "{total} by {count}");
                }
            }
        }
    }

    #[test]
    fn it_is_the_quotient_of_every_byte() {
        for count in 1..=1000 {
            let Quotient { factor, shift, .. } = Quotient::of_byte(count);
            for byte in 0..=255 {
                assert_eq!(
                    (byte * factor as u32) >> shift,
                    byte / count,
                    "{byte} by {count}"
                );
            }
        }
    }

    #[test]
    fn by_a_power_of_two_it_is_a_shift() {
        let of_eight = Quotient {
            before: 0,
            factor: 1,
            shift: 3,
        };
        assert_eq!(Quotient::of(8, 8 * 255), Some(of_eight));
    }
}
