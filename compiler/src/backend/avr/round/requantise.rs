//! From a sum to an activation, without a loop of shifts.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::Condition;
use crate::backend::avr::isa::registers::{Register, Registers, SUM, TEMPORARY, ZERO};
use crate::backend::avr::round::sum::{Rounding, Sum};

/// A requantisation: `min(rhe(max(sum, 0) / 2^right), 2^bits − 1)` of a sum to
/// which half of the divisor was added already, see `sum::Rounding`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Requantise {
    /// Bytes of the sum.
    pub(crate) width: usize,
    pub(crate) right: u32,
    pub(crate) bits: u32,
    /// Whether the quotient may have been halfway.
    pub(crate) halfway: bool,
    /// The expected share of sums that are neither negative nor too large.
    pub(crate) within: f64,
}

impl Requantise {
    /// Of every output's sum, if all are rounded alike: either any may be halfway, or none.
    pub(crate) fn of_every_output(sum: &Sum<'_>, rounding: &Rounding) -> Option<Self> {
        let (&halfway, others) = rounding.halfway.split_first()?;
        others.iter().all(|&other| other == halfway).then(|| Self {
            width: sum.width,
            right: rounding.right,
            bits: sum.activation_bits,
            halfway,
            within: sum.expectation.between(),
        })
    }

    /// The register in which it leaves the activation, one of [`SUM`].
    pub(crate) fn result(self) -> Register {
        let byte = (self.right / 8) as usize;
        match self.right % 8 {
            0..=4 => SUM[byte.min(self.width - 1)],
            // The quotient is moved up rather than down.
            _ => SUM[(byte + 1).min(3)],
        }
    }

    /// Emits it of a sum in [`SUM`] into a register that is none of those. What is neither between
    /// the least and the greatest activation nor too large is negative, and has its 0 first.
    pub(crate) fn emit_into(self, asm: &mut Assembly, result: Register) {
        let changed = Registers::of(SUM).and([TEMPORARY, result]);
        asm.changing(changed, |asm| {
            let [within, halfway, store, done] = [(); 4].map(|()| asm.label());
            let top = SUM[self.width - 1];
            let value = self.result();
            asm.clr(result);
            asm.tst(top);
            asm.branch(Condition::Minus, done, 1.0 - self.within);
            let limit = self.right + self.bits;
            let limit_byte = (limit / 8) as usize;
            if limit_byte < self.width {
                asm.times(self.within, |asm| {
                    if limit.is_multiple_of(8) && SUM[limit_byte] == top {
                        // The flags still say so of the top byte.
                        asm.branch(Condition::Equal, within, 1.0);
                    } else {
                        asm.cpi(SUM[limit_byte], 1 << (limit % 8));
                        for &upper in &SUM[limit_byte + 1..self.width] {
                            asm.cpc(upper, ZERO);
                        }
                        asm.branch(Condition::Lower, within, 1.0);
                    }
                });
                asm.times(0.0, |asm| {
                    asm.ldi(value, 0xFF >> (8 - self.bits));
                    asm.jump(store);
                });
            }
            asm.times(self.within, |asm| {
                if self.halfway {
                    if limit_byte >= self.width {
                        asm.jump(within);
                    }
                    asm.bind(halfway);
                    asm.times(1.0 / 32.0, |asm| {
                        asm.andi(value, 0xFE);
                        asm.jump(store);
                    });
                }
                asm.bind(within);
                self.shift(asm, (self.right / 8) as usize, self.right % 8, value);
                if self.halfway {
                    asm.branch(Condition::Equal, halfway, 1.0 / 32.0);
                }
                asm.bind(store);
                asm.mov(result, value);
            });
            asm.bind(done);
        });
    }

    /// Whether [`Self::emit_nibble`] can.
    pub(crate) fn makes_nibbles(self) -> bool {
        self.width == 2 && self.bits == 4 && (4..8).contains(&self.right)
    }

    /// Emits it of a sum of two bytes in whichever registers, which it changes; `result` may be one
    /// of them. `mask` holds 0x0F, or 0xF0 if the nibble is to be the upper one of its byte.
    ///
    /// Of a quotient that was halfway, nothing is left below the bit by which it is odd: 1 less is
    /// less by one then, and the same of all other odd quotients.
    pub(crate) fn emit_nibble(
        self,
        asm: &mut Assembly,
        [low, high]: [Register; 2],
        (result, mask, is_upper): (Register, Register, bool),
    ) {
        let changed = Registers::of([low, high, result]);
        asm.changing(changed, |asm| {
            let [large, within, done] = [(); 3].map(|()| asm.label());
            asm.tst(high);
            if self.right == 4 {
                asm.branch(Condition::Equal, within, self.within);
                asm.times(1.0 - self.within, |asm| {
                    asm.mov(result, ZERO);
                    asm.branch(Condition::Minus, done, 1.0);
                });
            } else {
                asm.branch(Condition::Plus, within, self.within);
                asm.times(1.0 - self.within, |asm| {
                    asm.mov(result, ZERO);
                    asm.jump(done);
                });
                asm.bind(large);
            }
            asm.times(0.0, |asm| {
                asm.mov(result, mask);
                asm.jump(done);
            });
            asm.bind(within);
            asm.times(self.within, |asm| {
                if self.halfway {
                    asm.skip_if_clear(low, self.right as u8);
                    asm.dec(low);
                }
                for _ in 4..self.right {
                    asm.lsr(high);
                    asm.ror(low);
                }
                if self.right > 4 {
                    asm.tst(high);
                    asm.branch(Condition::NotEqual, large, 0.0);
                }
                if result != low {
                    asm.mov(result, low);
                }
                if !is_upper {
                    asm.swap(result);
                }
                asm.and(result, mask);
            });
            asm.bind(done);
        });
    }

    /// Emits it of a sum in [`SUM`], one of which it returns.
    pub(crate) fn emit(self, asm: &mut Assembly) -> Register {
        let changed = Registers::of(SUM).and([TEMPORARY]);
        asm.changing(changed, |asm| {
            let (byte, bits) = ((self.right / 8) as usize, self.right % 8);
            let result = self.result();
            let [within, halfway, done] = [(); 3].map(|()| asm.label());
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
                asm.mov(TEMPORARY, top);
                let largest = if limit_byte < self.width {
                    0xFF >> (8 - self.bits)
                } else {
                    0
                };
                asm.ldi(result, largest);
                if largest > 0 {
                    asm.skip_if_clear(TEMPORARY, 7);
                    asm.ldi(result, 0);
                }
                asm.jump(done);
            });
            if self.halfway {
                asm.bind(halfway);
                // Nearly always something is left of the division.
                asm.times(self.within / 32.0, |asm| {
                    asm.andi(result, 0xFE);
                    asm.jump(done);
                });
            }
            asm.bind(within);
            asm.times(self.within, |asm| {
                self.shift(asm, byte, bits, result);
                if self.halfway {
                    asm.branch(Condition::Equal, halfway, 1.0 / 32.0);
                }
            });
            asm.bind(done);
            result
        })
    }

    /// Shifts a sum of at least 0 and below `2^(right + bits)`. Where it may be
    /// halfway, the flags then say whether nothing is left of the division.
    fn shift(self, asm: &mut Assembly, byte: usize, bits: u32, result: Register) {
        if byte >= self.width {
            // Below 2^(8·width − 1), hence below the divisor; not halfway, for
            // then it is 0, and even.
            asm.ldi(result, 0);
            if self.halfway {
                asm.tst(result);
            }
            return;
        }
        let low = SUM[byte];
        let upper_in_use = byte + 1 < self.width && self.right + self.bits > 8 * (byte as u32 + 1);
        let below = &SUM[..byte];
        if bits == 0 {
            if self.halfway {
                either_is_left(asm, below);
            }
        } else if result == low {
            // The quotient's bytes are shifted down; what falls out is kept.
            let first_free = byte + if upper_in_use { 2 } else { 1 };
            let rest = SUM.get(first_free).copied();
            if self.halfway {
                asm.mov(rest.unwrap_or(TEMPORARY), low);
            }
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
            if self.halfway {
                let mask = 0xFF >> (8 - bits);
                match rest {
                    Some(rest) => {
                        asm.andi(rest, mask);
                        for &register in below {
                            asm.or(rest, register);
                        }
                    }
                    // `andi` does not take r0; a byte that is free by now holds
                    // the mask: the upper one is shifted out, or there are two
                    // lower ones to unite.
                    None => {
                        either_is_left(asm, below);
                        let free = SUM.get(byte + 1).copied().unwrap_or(below[1]);
                        asm.ldi(free, mask);
                        asm.and(TEMPORARY, free);
                        asm.or(TEMPORARY, below[0]);
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
            if self.halfway {
                either_is_left(asm, &SUM[..=byte]);
            }
        }
    }
}

/// Sets the flags by whether all of some bytes are 0; with none, they are.
fn either_is_left(asm: &mut Assembly, bytes: &[Register]) {
    match bytes {
        [] => asm.cp(ZERO, ZERO),
        [only] => asm.tst(*only),
        [first, others @ ..] => {
            for &register in others {
                asm.or(*first, register);
            }
        }
    }
}
