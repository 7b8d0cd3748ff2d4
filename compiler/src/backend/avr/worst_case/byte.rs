//! Bytes of which some bits are not known, and what instructions make of them.

use std::ops::RangeInclusive;

/// A byte; which of its bits are known does not depend on the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Byte {
    /// The bits that are known; 0 where they are not.
    value: u8,
    unknown: u8,
}

impl Byte {
    pub(super) const UNKNOWN: Self = Self {
        value: 0,
        unknown: 0xFF,
    };
    pub(super) const ZERO: Self = Self::new(0);

    pub(super) const fn new(value: u8) -> Self {
        Self { value, unknown: 0 }
    }

    fn of(value: u8, unknown: u8) -> Self {
        Self {
            value: value & !unknown,
            unknown,
        }
    }

    /// The byte, where all of it is known.
    pub(super) fn known(self) -> Option<u8> {
        (self.unknown == 0).then_some(self.value)
    }

    pub(super) fn bit(self, bit: u8) -> Option<bool> {
        (self.unknown >> bit & 1 == 0).then_some(self.value >> bit & 1 == 1)
    }

    fn is_zero(self) -> Option<bool> {
        match (self.value, self.unknown) {
            (0, 0) => Some(true),
            (0, _) => None,
            (_, _) => Some(false),
        }
    }

    /// Every value that it may have is in there.
    fn range(self) -> RangeInclusive<i32> {
        i32::from(self.value)..=i32::from(self.value | self.unknown)
    }

    /// What is known of a byte that is one of the two.
    pub(super) fn or_else(self, other: Self) -> Self {
        let differs = (self.value ^ other.value) | self.unknown | other.unknown;
        Self::of(self.value, differs)
    }
}

/// The flags that branches ask for; `None` where one is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags {
    pub(super) carry: Option<bool>,
    pub(super) zero: Option<bool>,
    pub(super) negative: Option<bool>,
    pub(super) overflow: Option<bool>,
}

impl Flags {
    pub(super) fn or_else(self, other: Self) -> Self {
        let same = |a: Option<bool>, b| a.filter(|_| a == b);
        Self {
            carry: same(self.carry, other.carry),
            zero: same(self.zero, other.zero),
            negative: same(self.negative, other.negative),
            overflow: same(self.overflow, other.overflow),
        }
    }

    /// N ⊕ V.
    pub(super) fn sign(self) -> Option<bool> {
        Some(self.negative? ^ self.overflow?)
    }

    fn of_logic(self, result: Byte) -> Self {
        Self {
            carry: self.carry,
            zero: result.is_zero(),
            negative: result.bit(7),
            overflow: Some(false),
        }
    }

    fn of_shift(result: Byte, carry: Option<bool>) -> Self {
        let negative = result.bit(7);
        Self {
            carry,
            zero: result.is_zero(),
            negative,
            overflow: negative
                .zip(carry)
                .map(|(negative, carry)| negative ^ carry),
        }
    }
}

/// A result with the flags after it.
pub(super) type Outcome = (Byte, Flags);

pub(super) fn and(a: Byte, b: Byte, flags: Flags) -> Outcome {
    let can_be = (a.value | a.unknown) & (b.value | b.unknown);
    let is = a.value & b.value;
    let result = Byte::of(is, can_be & !is);
    (result, flags.of_logic(result))
}

pub(super) fn or(a: Byte, b: Byte, flags: Flags) -> Outcome {
    let is = a.value | b.value;
    let result = Byte::of(is, (a.unknown | b.unknown) & !is);
    (result, flags.of_logic(result))
}

pub(super) fn exclusive_or(a: Byte, b: Byte, flags: Flags) -> Outcome {
    let result = Byte::of(a.value ^ b.value, a.unknown | b.unknown);
    (result, flags.of_logic(result))
}

/// All bits from the lowest one on that is not known.
fn from_lowest(unknown: u8) -> u8 {
    match unknown {
        0 => 0,
        _ => 0xFF << unknown.trailing_zeros(),
    }
}

/// Whether all of a range are beyond a limit, or none of it is.
fn all_or_none(range: RangeInclusive<i32>, is_beyond: impl Fn(i32) -> bool) -> Option<bool> {
    let (first, last) = (is_beyond(*range.start()), is_beyond(*range.end()));
    (first == last).then_some(first)
}

pub(super) fn add(a: Byte, b: Byte, carry: Option<bool>) -> Outcome {
    let carries = match carry {
        Some(carry) => i32::from(carry)..=i32::from(carry),
        None => 0..=1,
    };
    let (a_range, b_range) = (a.range(), b.range());
    let sums = a_range.start() + b_range.start() + carries.start()
        ..=a_range.end() + b_range.end() + carries.end();
    let unknown = match carry {
        Some(_) => from_lowest(a.unknown | b.unknown),
        None => 0xFF,
    };
    let result = Byte::of(*sums.start() as u8, unknown);
    let overflow = a.bit(7).zip(b.bit(7)).zip(result.bit(7));
    let flags = Flags {
        carry: all_or_none(sums, |sum| sum > 0xFF),
        zero: result.is_zero(),
        negative: result.bit(7),
        overflow: overflow.map(|((a, b), result)| a == b && a != result),
    };
    (result, flags)
}

/// `a - b - carry`; with `chained`, the zero flag stays clear once it is.
pub(super) fn subtract(a: Byte, b: Byte, carry: Option<bool>, chained: Option<Flags>) -> Outcome {
    let carries = match carry {
        Some(carry) => i32::from(carry)..=i32::from(carry),
        None => 0..=1,
    };
    let (a_range, b_range) = (a.range(), b.range());
    let differences = a_range.start() - b_range.end() - carries.end()
        ..=a_range.end() - b_range.start() - carries.start();
    let unknown = match carry {
        Some(_) => from_lowest(a.unknown | b.unknown),
        None => 0xFF,
    };
    let some = i32::from(a.value) - i32::from(b.value) - carries.start();
    let result = Byte::of(some as u8, unknown);
    let overflow = a.bit(7).zip(b.bit(7)).zip(result.bit(7));
    let zero = match (result.is_zero(), chained.map(|flags| flags.zero)) {
        (Some(false), _) | (_, Some(Some(false))) => Some(false),
        (zero, None | Some(Some(true))) => zero,
        (Some(true) | None, Some(None)) => None,
    };
    let flags = Flags {
        carry: all_or_none(differences, |difference| difference < 0),
        zero,
        negative: result.bit(7),
        overflow: overflow.map(|((a, b), result)| a != b && a != result),
    };
    (result, flags)
}

/// One bit up, a bit in at the bottom: `add` and `adc` of a register and itself.
pub(super) fn shift_up(a: Byte, carry: Option<bool>) -> Outcome {
    let (low, low_unknown) = bit_of(carry);
    let result = Byte::of(a.value << 1 | low, a.unknown << 1 | low_unknown);
    (result, Flags::of_shift(result, a.bit(7)))
}

/// One bit down, a bit in at the top.
pub(super) fn shift_down(a: Byte, top: Option<bool>) -> Outcome {
    let (high, high_unknown) = bit_of(top);
    let result = Byte::of(a.value >> 1 | high << 7, a.unknown >> 1 | high_unknown << 7);
    (result, Flags::of_shift(result, a.bit(0)))
}

fn bit_of(bit: Option<bool>) -> (u8, u8) {
    match bit {
        Some(bit) => (bit.into(), 0),
        None => (0, 1),
    }
}

pub(super) fn swap(a: Byte) -> Byte {
    Byte::of(a.value.rotate_left(4), a.unknown.rotate_left(4))
}

pub(super) fn complement(a: Byte, flags: Flags) -> Outcome {
    let result = Byte::of(!a.value, a.unknown);
    let flags = flags.of_logic(result);
    (
        result,
        Flags {
            carry: Some(true),
            ..flags
        },
    )
}

/// `inc` and `dec`, which leave the carry.
pub(super) fn step(a: Byte, up: bool, flags: Flags) -> Outcome {
    let one = Byte::new(1);
    let (result, after) = match up {
        true => add(a, one, Some(false)),
        false => subtract(a, one, Some(false), None),
    };
    (
        result,
        Flags {
            carry: flags.carry,
            ..after
        },
    )
}

/// The product's two bytes, the low one first.
pub(super) fn multiply(a: Byte, b: Byte, signed: (bool, bool), flags: Flags) -> ([Byte; 2], Flags) {
    let wide = |byte: u8, signed: bool| match signed {
        true => i32::from(byte.cast_signed()),
        false => i32::from(byte),
    };
    let product = match (a.known(), b.known()) {
        (Some(0), _) | (_, Some(0)) => Some(0),
        (Some(a), Some(b)) => Some(wide(a, signed.0) * wide(b, signed.1)),
        (None, _) | (_, None) => None,
    };
    let bytes = match product {
        Some(product) => [Byte::new(product as u8), Byte::new((product >> 8) as u8)],
        None => [Byte::UNKNOWN; 2],
    };
    let flags = Flags {
        carry: bytes[1].bit(7),
        zero: product.map(|product| product as u16 == 0),
        ..flags
    };
    (bytes, flags)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every byte that it may be.
    fn possible(byte: Byte) -> Vec<u8> {
        let all = 0..=0xFF_u8;
        all.filter(|&value| value & !byte.unknown == byte.value)
            .collect()
    }

    #[test]
    fn sums_and_differences_hold_every_possible_one() {
        let bytes = [
            (0, 0),
            (0x13, 0),
            (0xFF, 0),
            (0x80, 0x0F),
            (0x40, 0x83),
            (0, 0xFF),
        ];
        let bytes = bytes.map(|(value, unknown)| Byte::of(value, unknown));
        for (a, b) in bytes.iter().flat_map(|&a| bytes.map(|b| (a, b))) {
            for carry in [Some(false), Some(true), None] {
                let (sum, sum_flags) = add(a, b, carry);
                let (difference, difference_flags) = subtract(a, b, carry, None);
                for (x, y) in possible(a).into_iter().flat_map(|x| {
                    let ys = possible(b).into_iter();
                    ys.map(move |y| (x, y))
                }) {
                    let carries = match carry {
                        Some(carry) => vec![carry],
                        None => vec![false, true],
                    };
                    for carry in carries {
                        let exact = i32::from(x) + i32::from(y) + i32::from(carry);
                        let holds =
                            |byte: Byte, exact: i32| exact as u8 & !byte.unknown == byte.value;
                        let agrees = |flag: Option<bool>, is: bool| flag.is_none_or(|it| it == is);
                        assert!(holds(sum, exact), "{a:?} + {b:?}");
                        assert!(agrees(sum_flags.carry, exact > 0xFF));
                        assert!(agrees(sum_flags.zero, exact as u8 == 0));
                        let exact = i32::from(x) - i32::from(y) - i32::from(carry);
                        assert!(holds(difference, exact), "{a:?} - {b:?}");
                        assert!(agrees(difference_flags.carry, exact < 0));
                        let signed = i32::from(x.cast_signed())
                            - i32::from(y.cast_signed())
                            - i32::from(carry);
                        assert!(agrees(difference_flags.sign(), signed < 0));
                    }
                }
            }
        }
    }
}
