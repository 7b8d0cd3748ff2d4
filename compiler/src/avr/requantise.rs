//! From a sum to an activation, without a loop of shifts.

use super::assembly::Assembly;
use super::instruction::{Condition, Register};

/// The sum's bytes, the lowest first; the upper two where it has them.
pub(super) const SUM: [Register; 4] = [Register(30), Register(31), Register(26), Register(27)];
const ZERO: Register = Register(1);
const STICKY: Register = Register(0);

/// A requantisation: `min(rhe(max(sum, 0) / 2^right), 2^bits − 1)` of a sum to
/// which half of the divisor was added already, see `sum::Rounding`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Requantise {
    /// Bytes of the sum.
    pub(super) width: usize,
    pub(super) right: u32,
    pub(super) bits: u32,
    /// Whether the quotient may have been halfway.
    pub(super) halfway: bool,
    /// The expected share of sums that are neither negative nor too large.
    pub(super) within: f64,
}

impl Requantise {
    /// The register in which it leaves the activation, one of [`SUM`].
    pub(super) fn result(self) -> Register {
        let byte = (self.right / 8) as usize;
        match self.right % 8 {
            0..=4 => SUM[byte.min(self.width - 1)],
            // The quotient is moved up rather than down.
            _ => SUM[(byte + 1).min(3)],
        }
    }

    /// Emits it. Changes [`SUM`] and r0.
    pub(super) fn emit(self, asm: &mut Assembly) -> Register {
        let (byte, bits) = ((self.right / 8) as usize, self.right % 8);
        let result = self.result();
        let (within, done) = (asm.label(), asm.label());
        let top = SUM[self.width - 1];
        let limit = self.right + self.bits;
        let limit_byte = (limit / 8) as usize;
        if limit_byte < self.width {
            // 2^limit or more as an unsigned number: too large or negative.
            asm.cpi(SUM[limit_byte], 1 << (limit % 8));
            for &upper in &SUM[limit_byte + 1..self.width] {
                asm.cpc(upper, ZERO);
            }
            asm.branch(Condition::Lower, within, self.within);
        } else {
            asm.tst(top);
            asm.branch(Condition::Plus, within, self.within);
        }
        asm.times(1.0 - self.within, |asm| {
            asm.mov(STICKY, top);
            let largest = if limit_byte < self.width {
                0xFF >> (8 - self.bits)
            } else {
                0
            };
            asm.ldi(result, largest);
            if largest > 0 {
                asm.skip_if_clear(STICKY, 7);
                asm.ldi(result, 0);
            }
            asm.jump(done);
        });
        asm.bind(within);
        asm.times(self.within, |asm| self.shift(asm, byte, bits, result));
        asm.bind(done);
        result
    }

    /// Shifts a sum of at least 0 and below `2^(right + bits)`.
    fn shift(self, asm: &mut Assembly, byte: usize, bits: u32, result: Register) {
        if byte >= self.width {
            // Below 2^(8·width − 1), hence below the divisor.
            asm.ldi(result, 0);
            return;
        }
        let low = SUM[byte];
        let upper_in_use = byte + 1 < self.width && self.right + self.bits > 8 * (byte as u32 + 1);
        let halfway = self.halfway;
        // Before it is shifted away: what is left of the division, in r0.
        let keep_rest = |asm: &mut Assembly| {
            if halfway && bits > 0 {
                asm.mov(STICKY, low);
            }
        };
        // Bits of the lowest byte of the quotient that are rest: either still in
        // r0 under a mask, or moved up in `low`.
        let mut rest: Vec<Register> = SUM[..byte].to_vec();
        let mut masked = false;
        if bits == 0 {
            debug_assert_eq!(result, low);
        } else if result == low {
            keep_rest(asm);
            masked = true;
            if bits == 4 && !upper_in_use {
                asm.swap(low);
                asm.andi(low, 0x0F);
            } else {
                for _ in 0..bits {
                    if upper_in_use {
                        asm.lsr(SUM[byte + 1]);
                        asm.ror(low);
                    } else {
                        asm.lsr(low);
                    }
                }
            }
        } else {
            // The quotient straddles two bytes: up into the upper one.
            if byte + 1 == self.width {
                asm.ldi(result, 0);
            }
            for _ in bits..8 {
                asm.lsl(low);
                asm.rol(result);
            }
            rest.push(low);
        }
        if !halfway {
            return;
        }
        let not_halfway = asm.label();
        if masked {
            // `result` is upper, r0 is not: the mask goes through a free byte.
            let mask = SUM
                .into_iter()
                .find(|&byte| byte != result && !rest.contains(&byte));
            let mask = mask.expect("four registers");
            asm.ldi(mask, 0xFF >> (8 - bits));
            asm.and(STICKY, mask);
            for register in rest {
                asm.or(STICKY, register);
            }
        } else {
            let Some((&first, others)) = rest.split_last() else {
                // No rest at all: a whole number, which halfway is not.
                return self.clear_odd(asm, result);
            };
            if others.is_empty() {
                asm.tst(first);
            }
            for &register in others {
                asm.or(first, register);
            }
        }
        // Nearly always something is left.
        asm.branch(Condition::NotEqual, not_halfway, 0.95);
        asm.times(0.05, |asm| self.clear_odd(asm, result));
        asm.bind(not_halfway);
    }

    fn clear_odd(self, asm: &mut Assembly, result: Register) {
        asm.andi(result, 0xFE);
    }
}
