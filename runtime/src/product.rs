//! An activation times a weight.
//!
//! On AVR both forms are inline assembly. LLVM leaves a product in r0 until it
//! is copied or spilled, and a spill past the 62 bytes that `std Y+q` reaches
//! first saves the flags in r0: the product is lost. (Seen with rustc 1.96:
//! `muls`, `in r0, 0x3f`, `adiw r28, …`, `std Y+62, r0`.) Here it never stays
//! there.

/// An activation as it is loaded: unsigned after ReLU, signed otherwise.
pub trait Value: Copy + Into<i16> {
    /// `self × weight`, which always fits: at most 255 × 128.
    fn times(self, weight: i8) -> i16;

    /// `self × weight` where that fits 8 bits: an activation of 4 bits and a
    /// weight of at most 4.
    fn times_narrow(self, weight: i8) -> i8;

    /// The value, for code that is to run only where its branch is taken: LLVM
    /// would rather add products of 0 than branch around the additions.
    fn in_branch(self) -> Self;

    /// `self + other` where that fits 8 bits.
    fn plus(self, other: Self) -> Self;

    /// `self × factor` where that fits 8 bits and `factor` is a constant from
    /// 1 to 8: no multiplier, and two additions on average.
    #[inline(always)]
    fn multiple(self, factor: i8) -> Self {
        let twice = self.plus(self);
        match factor {
            1 => self,
            2 => twice,
            3 => twice.plus(self),
            4 => twice.plus(twice),
            5 => twice.plus(twice).plus(self),
            6 => twice.plus(twice).plus(twice),
            7 => twice.plus(twice).plus(twice).plus(self),
            _ => twice.plus(twice).plus(twice.plus(twice)),
        }
    }
}

#[cfg(not(target_arch = "avr"))]
mod additions {
    #[inline(always)]
    pub(super) fn in_branch(value: u8) -> u8 {
        value
    }

    #[inline(always)]
    pub(super) fn plus(left: u8, right: u8) -> u8 {
        let sum = left.wrapping_add(right);
        #[cfg(all(target_arch = "riscv32", not(target_feature = "m")))]
        let sum = super::shifted::opaque(sum.into()) as u8;
        sum
    }
}

#[cfg(target_arch = "avr")]
mod additions {
    use core::arch::asm;

    #[inline(always)]
    pub(super) fn in_branch(value: u8) -> u8 {
        let mut value = value;
        // SAFETY: no instruction at all. Not `pure`, so that it stays where it is.
        unsafe {
            asm!("/* {} */", inout(reg) value, options(nomem, nostack, preserves_flags));
        }
        value
    }

    /// An addition that LLVM does not make a multiplication again.
    #[inline(always)]
    pub(super) fn plus(left: u8, right: u8) -> u8 {
        let mut sum = left;
        // SAFETY: changes nothing but `sum` and the flags (AVR Instruction Set
        // Manual, ADD).
        unsafe {
            asm!("add {}, {}", inout(reg) sum, in(reg) right,
                options(pure, nomem, nostack));
        }
        sum
    }
}

/// `index × each`, around the width of `usize`: where the item at `index` begins among
/// items of `each` bytes, cells or pixels, a constant.
#[inline(always)]
pub fn offset(index: usize, each: usize) -> usize {
    #[cfg(all(target_arch = "riscv32", not(target_feature = "m")))]
    return shifted::offset(index, each);
    #[cfg(not(all(target_arch = "riscv32", not(target_feature = "m"))))]
    index.wrapping_mul(each)
}

/// Of cores without a multiplier: a library's would be called for each product, and
/// goes through 32 bits where a weight is negative.
#[cfg(any(test, all(target_arch = "riscv32", not(target_feature = "m"))))]
mod shifted {
    #[inline(always)]
    pub(super) fn low_byte(left: u8, right: u8) -> u8 {
        signed_by_signed(left as i8, right as i8) as u8
    }

    #[inline(always)]
    pub(super) fn unsigned_by_signed(value: u8, weight: i8) -> i16 {
        product(value.into(), weight)
    }

    #[inline(always)]
    pub(super) fn signed_by_signed(value: i8, weight: i8) -> i16 {
        product(value.into(), weight)
    }

    #[inline(always)]
    fn product(value: i16, weight: i8) -> i16 {
        let magnitude = offset(value as usize, weight.unsigned_abs().into()) as i16;
        if weight < 0 {
            magnitude.wrapping_neg()
        } else {
            magnitude
        }
    }

    /// Adds the shifted value for each bit of the factor.
    #[inline(always)]
    pub(super) fn offset(value: usize, factor: usize) -> usize {
        let (mut value, mut factor) = (value, factor);
        let mut sum = 0_usize;
        while factor != 0 {
            if factor & 1 != 0 {
                sum = sum.wrapping_add(value);
            }
            value = opaque(value.wrapping_shl(1));
            factor >>= 1;
        }
        sum
    }

    /// The value, which LLVM cannot trace back: it would make one product of the shifts
    /// and additions again, and call the library.
    #[inline(always)]
    pub(super) fn opaque(value: usize) -> usize {
        #[cfg(target_arch = "riscv32")]
        {
            let mut value = value;
            // SAFETY: no instruction is executed.
            unsafe {
                core::arch::asm!(
                    "/* {0} */",
                    inout(reg) value,
                    options(pure, nomem, nostack, preserves_flags)
                );
            }
            value
        }
        #[cfg(not(target_arch = "riscv32"))]
        value
    }
}

#[cfg(all(target_arch = "riscv32", not(target_feature = "m")))]
use shifted as products;

#[cfg(not(any(
    all(target_arch = "avr", target_feature = "mul"),
    all(target_arch = "riscv32", not(target_feature = "m"))
)))]
mod products {
    #[inline(always)]
    pub(super) fn low_byte(left: u8, right: u8) -> u8 {
        left.wrapping_mul(right)
    }

    #[inline(always)]
    pub(super) fn unsigned_by_signed(value: u8, weight: i8) -> i16 {
        i16::from(value).wrapping_mul(weight.into())
    }

    #[inline(always)]
    pub(super) fn signed_by_signed(value: i8, weight: i8) -> i16 {
        i16::from(value).wrapping_mul(weight.into())
    }
}

/// The operands' registers: `mul` takes any, `muls` r16 to r31, `mulsu` r16 to
/// r23 (AVR Instruction Set Manual). r0 is put back, and r1 is zero again, as
/// the compiler wants them.
#[cfg(all(target_arch = "avr", target_feature = "mul"))]
mod products {
    use core::arch::asm;

    #[inline(always)]
    pub(super) fn low_byte(left: u8, right: u8) -> u8 {
        let product: u8;
        // SAFETY: changes nothing but its outputs and the flags.
        unsafe {
            asm!(
                "mov {saved}, r0",
                "mul {left}, {right}",
                "mov {product}, r0",
                "mov r0, {saved}",
                "clr r1",
                saved = out(reg) _,
                product = out(reg) product,
                left = in(reg) left,
                right = in(reg) right,
                options(pure, nomem, nostack)
            );
        }
        product
    }

    /// The 16 bits of one multiplying instruction on the given operands.
    macro_rules! whole_product {
        ($multiply:literal, $($operands:tt)*) => {{
            let (low, high): (u8, u8);
            // SAFETY: changes nothing but its outputs and the flags.
            unsafe {
                asm!(
                    "mov {saved}, r0",
                    $multiply,
                    "mov {low}, r0",
                    "mov {high}, r1",
                    "mov r0, {saved}",
                    "clr r1",
                    saved = out(reg) _,
                    low = out(reg) low,
                    high = out(reg) high,
                    $($operands)*,
                    options(pure, nomem, nostack)
                );
            }
            i16::from_le_bytes([low, high])
        }};
    }

    #[inline(always)]
    pub(super) fn unsigned_by_signed(value: u8, weight: i8) -> i16 {
        whole_product!("mulsu r22, r23", in("r22") weight, in("r23") value)
    }

    #[inline(always)]
    pub(super) fn signed_by_signed(value: i8, weight: i8) -> i16 {
        whole_product!(
            "muls {value}, {weight}",
            value = in(reg_upper) value,
            weight = in(reg_upper) weight
        )
    }
}

impl Value for u8 {
    #[inline(always)]
    fn in_branch(self) -> Self {
        additions::in_branch(self)
    }

    #[inline(always)]
    fn times(self, weight: i8) -> i16 {
        products::unsigned_by_signed(self, weight)
    }

    #[inline(always)]
    fn times_narrow(self, weight: i8) -> i8 {
        products::low_byte(self, weight as u8) as i8
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        additions::plus(self, other)
    }
}

impl Value for i8 {
    #[inline(always)]
    fn in_branch(self) -> Self {
        additions::in_branch(self as u8) as i8
    }

    #[inline(always)]
    fn times(self, weight: i8) -> i16 {
        products::signed_by_signed(self, weight)
    }

    #[inline(always)]
    fn times_narrow(self, weight: i8) -> i8 {
        products::low_byte(self as u8, weight as u8) as i8
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        additions::plus(self as u8, other as u8) as i8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_shifted_values_are_products() {
        for weight in i8::MIN..=i8::MAX {
            for value in u8::MIN..=u8::MAX {
                assert_eq!(
                    shifted::unsigned_by_signed(value, weight),
                    value.times(weight)
                );
                assert_eq!(
                    shifted::signed_by_signed(value as i8, weight),
                    (value as i8).times(weight)
                );
                assert_eq!(
                    shifted::low_byte(value, weight as u8),
                    value.wrapping_mul(weight as u8)
                );
            }
        }
    }

    #[test]
    fn multiples_are_products() {
        for factor in 1..=8 {
            for value in 0..16u8 {
                assert_eq!(i16::from(value.multiple(factor)), value.times(factor));
            }
            for value in -8..8i8 {
                assert_eq!(i16::from(value.multiple(factor)), value.times(factor));
            }
        }
    }

    #[test]
    fn narrow_products_are_products() {
        for weight in -8..8 {
            for value in 0..16u8 {
                assert_eq!(i16::from(value.times_narrow(weight)), value.times(weight));
            }
            for value in -8..8i8 {
                assert_eq!(i16::from(value.times_narrow(weight)), value.times(weight));
            }
        }
    }
}
