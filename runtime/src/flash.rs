//! Tables that stay in flash.
//!
//! On AVR a constant would be copied to SRAM at start-up (rust-lang/rust
//! #134731). Generated code therefore puts its tables in `.progmem.data`, and
//! they are read with `lpm`. Everywhere else flash is memory like any other.

/// A table of `N` entries in flash.
#[repr(transparent)]
pub struct Flash<T, const N: usize>([T; N]);

impl<T, const N: usize> Flash<T, N> {
    /// The table, to be the initialiser of a `static`. On AVR that static must
    /// be in a section of program memory that `lpm` reaches.
    pub const fn new(entries: [T; N]) -> Self {
        Self(entries)
    }
}

impl<const N: usize> Flash<u8, N> {
    /// The entry at `index`; 0 past the end.
    #[inline(always)]
    pub fn get(&'static self, index: usize) -> u8 {
        byte(&self.0, index)
    }

    /// The entries from `first` on.
    #[inline(always)]
    pub(crate) fn bytes_from(&'static self, first: usize) -> impl Iterator<Item = u8> {
        bytes_from(&self.0, first)
    }
}

impl<const N: usize> Flash<u16, N> {
    /// The entry at `index`; 0 past the end.
    #[inline(always)]
    pub fn get(&'static self, index: usize) -> usize {
        word(&self.0, index).into()
    }
}

impl<const N: usize> Flash<u32, N> {
    /// The entry at `index`; 0 past the end. For arenas of more than 65,536
    /// cells, which no AVR has.
    #[inline(always)]
    pub fn get(&'static self, index: usize) -> usize {
        match self.0.get(index) {
            Some(entry) => *entry as usize,
            None => 0,
        }
    }
}

impl<const N: usize> Flash<i16, N> {
    /// The entry at `index`; 0 past the end.
    #[inline(always)]
    pub fn get(&'static self, index: usize) -> i16 {
        word(&self.0, index)
    }
}

impl<const N: usize> Flash<i32, N> {
    /// The entry at `index`; 0 past the end.
    #[inline(always)]
    pub fn get(&'static self, index: usize) -> i32 {
        double_word(&self.0, index)
    }
}

#[cfg(not(target_arch = "avr"))]
use in_data_memory::{byte, bytes_from, word, word as double_word};
#[cfg(target_arch = "avr")]
use in_program_memory::{byte, bytes_from, double_word, word};

#[cfg(not(target_arch = "avr"))]
mod in_data_memory {
    #[inline(always)]
    pub(super) fn bytes_from<const N: usize>(
        table: &'static [u8; N],
        first: usize,
    ) -> impl Iterator<Item = u8> {
        table.get(first..).unwrap_or_default().iter().copied()
    }

    #[inline(always)]
    pub(super) fn byte<const N: usize>(table: &'static [u8; N], index: usize) -> u8 {
        word(table, index)
    }

    #[inline(always)]
    pub(super) fn word<T: Copy + Default, const N: usize>(
        table: &'static [T; N],
        index: usize,
    ) -> T {
        match table.get(index) {
            Some(entry) => *entry,
            None => T::default(),
        }
    }
}

#[cfg(target_arch = "avr")]
mod in_program_memory {
    use core::arch::asm;

    #[inline(always)]
    pub(super) fn bytes_from<const N: usize>(
        table: &'static [u8; N],
        first: usize,
    ) -> impl Iterator<Item = u8> {
        (first..N).map(|index| byte(table, index))
    }

    #[inline(always)]
    pub(super) fn byte<const N: usize>(table: &'static [u8; N], index: usize) -> u8 {
        if index >= N {
            return 0;
        }
        let address = table.as_ptr().wrapping_add(index);
        let value: u8;
        // SAFETY: the address is within a static in program memory, and `lpm`
        // (AVR Instruction Set Manual, LPM form ii) changes nothing but `value`.
        unsafe {
            asm!("lpm {}, Z", out(reg) value, in("Z") address,
                options(pure, readonly, nostack, preserves_flags));
        }
        value
    }

    /// A 16-bit entry, low byte first as the compiler lays it out.
    #[inline(always)]
    pub(super) fn word<T: From16, const N: usize>(table: &'static [T; N], index: usize) -> T {
        if index >= N {
            return T::from_bits(0);
        }
        let address = table.as_ptr().wrapping_add(index);
        let (low, high): (u8, u8);
        // SAFETY: both bytes are within a static in program memory, and `lpm`
        // (AVR Instruction Set Manual, LPM forms ii and iii) changes nothing
        // but the two values and Z.
        unsafe {
            asm!("lpm {low}, Z+", "lpm {high}, Z",
                low = out(reg) low, high = out(reg) high, inout("Z") address => _,
                options(pure, readonly, nostack, preserves_flags));
        }
        T::from_bits(u16::from_le_bytes([low, high]))
    }

    /// A 32-bit entry, low byte first as the compiler lays it out.
    #[inline(always)]
    pub(super) fn double_word<const N: usize>(table: &'static [i32; N], index: usize) -> i32 {
        if index >= N {
            return 0;
        }
        let address = table.as_ptr().wrapping_add(index);
        let (first, second, third, fourth): (u8, u8, u8, u8);
        // SAFETY: the four bytes are within a static in program memory, and `lpm`
        // (AVR Instruction Set Manual, LPM forms ii and iii) changes nothing
        // but the four values and Z.
        unsafe {
            asm!("lpm {first}, Z+", "lpm {second}, Z+", "lpm {third}, Z+", "lpm {fourth}, Z",
                first = out(reg) first, second = out(reg) second,
                third = out(reg) third, fourth = out(reg) fourth, inout("Z") address => _,
                options(pure, readonly, nostack, preserves_flags));
        }
        i32::from_le_bytes([first, second, third, fourth])
    }

    pub(super) trait From16 {
        fn from_bits(bits: u16) -> Self;
    }

    impl From16 for u16 {
        fn from_bits(bits: u16) -> Self {
            bits
        }
    }

    impl From16 for i16 {
        fn from_bits(bits: u16) -> Self {
            bits as i16
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static TABLE: Flash<u8, 2> = Flash::new([0x8F, 0x71]);

    #[test]
    fn behind_the_end_is_zero() {
        assert_eq!(TABLE.get(2), 0);
    }
}
