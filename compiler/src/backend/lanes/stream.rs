//! From sums to activations, which are put together into words and stored byte by byte.

use super::assembly::{Assembly, Label};
use super::isa::{Condition, Operation, Register, Roles};
use super::multiples::multiply;
use super::strip::add_constant;

/// How a sum becomes an activation: `min(rhe(max(t, 0) / 2^right), 2^bits − 1)`, where
/// `t = (sum << left) + rest`, a rest of fewer than `left` bits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rounding {
    /// Of the sum: less than that of the layer by what is left out of the sum.
    pub(crate) right: u8,
    pub(crate) bits: u32,
    pub(crate) finish: Finishing,
}

/// What becomes of a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finishing {
    /// As [`Rounding`] says.
    Unsigned,
    /// `clamp(rhe(t / 2^right), −2^(bits−1), 2^(bits−1) − 1)`, and, if it `stays_offset`,
    /// `2^(bits−1)` more.
    Signed { stays_offset: bool },
    /// It is shifted by some bits `before`, then its product with the factor is rounded down, and
    /// fits. Offset values are made two's complement.
    Down {
        before: u8,
        factor: i32,
        is_offset: bool,
    },
}

impl Finishing {
    fn is_signed(self) -> bool {
        match self {
            Self::Signed { .. } => true,
            Self::Unsigned | Self::Down { .. } => false,
        }
    }
}

/// Activations on their way to memory. Uses the registers `word`, `value` and
/// `multiple`.
pub(crate) struct Stream<'r> {
    roles: &'r Roles,
    rounding: Rounding,
    /// Of the frame: where the address is, or the first activation's slot.
    slot: u32,
    is_in_frame: bool,
    /// The byte after that address that the next word goes to.
    byte: u32,
    /// Cells that are in `word`.
    cells: u32,
    /// What is too large, out of line.
    clamps: Vec<(Label, Label)>,
}

impl<'r> Stream<'r> {
    /// Begins at a cell of those from the address in a slot on. What else is in its byte
    /// stays as it is.
    pub(crate) fn begin(
        asm: &mut Assembly<'_>,
        roles: &'r Roles,
        rounding: Rounding,
        (slot, cell): (u32, u32),
    ) -> Self {
        let per_byte = 8 / rounding.bits;
        let mut stream = Self {
            roles,
            rounding,
            slot,
            is_in_frame: false,
            byte: cell / per_byte,
            cells: 0,
            clamps: Vec::new(),
        };
        match cell % per_byte {
            0 => asm.emit(Operation::Immediate(roles.word, 0)),
            _ => {
                let (pointer, offset) = stream.pointer(asm, 1);
                asm.emit(Operation::LoadByte(roles.word, pointer, offset));
                asm.emit(Operation::ShiftLeft(roles.word, roles.word, 28));
                asm.emit(Operation::ShiftRight(roles.word, roles.word, 28));
                stream.cells = 1;
            }
        }
        stream
    }

    /// Begins with words of the frame, each at the slot of its first activation, of those from
    /// `first_slot` on.
    pub(crate) fn in_frame(
        asm: &mut Assembly<'_>,
        roles: &'r Roles,
        rounding: Rounding,
        first_slot: u32,
    ) -> Self {
        asm.emit(Operation::Immediate(roles.word, 0));
        Self {
            roles,
            rounding,
            slot: first_slot,
            is_in_frame: true,
            byte: 0,
            cells: 0,
            clamps: Vec::new(),
        }
    }

    /// `multiple` ← a pointer from which that many bytes can be stored from the offset on.
    fn pointer(&self, asm: &mut Assembly<'_>, bytes: u32) -> (Register, u32) {
        let pointer = self.roles.multiple;
        asm.emit(Operation::LoadSlot(pointer, self.slot));
        if self.byte + bytes <= 32 {
            return (pointer, self.byte);
        }
        asm.emit(Operation::AddImmediate(pointer, self.byte as i32));
        (pointer, 0)
    }

    /// The next activation. The first operations load its sum, or a value of the same
    /// sign, into `value`; the others make the sum of that. `ties` says whether it may
    /// be in the middle between two activations, `is_positive` that it is at least 0.
    pub(crate) fn put(
        &mut self,
        asm: &mut Assembly<'_>,
        (load, after): (&[Operation], &[Operation]),
        ties: bool,
        is_positive: bool,
    ) {
        let looks_at_sign = !is_positive && !self.rounding.finish.is_signed();
        let is_zero = looks_at_sign.then_some((Condition::Negative(self.roles.value), 0.5));
        let after = |asm: &mut Assembly<'_>| asm.emit_all(after.iter().copied());
        self.put_unless(asm, (load, is_zero), after, ties);
    }

    /// The same, where the activation is 0 if that condition holds after the first operations, as
    /// often as expected; if not, `sum` brings the sum into `value`.
    pub(crate) fn put_unless(
        &mut self,
        asm: &mut Assembly<'_>,
        (load, is_zero): (&[Operation], Option<(Condition, f64)>),
        sum: impl FnOnce(&mut Assembly<'_>),
        ties: bool,
    ) {
        let value = self.roles.value;
        let scratch = self.roles.multiple;
        let Rounding {
            right,
            bits,
            finish,
        } = self.rounding;
        asm.emit_all(load.iter().copied());
        let zero = asm.label();
        let is_signed = finish.is_signed();
        if let Some((condition, share)) = is_zero {
            asm.branch(condition, share, zero);
        }
        let share = is_zero.map_or(1.0, |(_, share)| 1.0 - share);
        asm.times(share, |asm| {
            sum(asm);
            let is_down = match finish {
                Finishing::Down { before, factor, .. } => {
                    if before > 0 {
                        asm.emit(Operation::ShiftRight(value, value, before));
                    }
                    if factor != 1 {
                        asm.emit_all(multiply(asm.isa(), factor, [scratch, value]));
                        asm.emit(Operation::Move(value, scratch));
                    }
                    true
                }
                Finishing::Unsigned | Finishing::Signed { .. } => false,
            };
            if right > 0 {
                if ties && !is_down {
                    asm.emit(Operation::RoundHalfToEven(value, scratch, right));
                } else if !is_down {
                    add_constant(asm, value, 1 << (right - 1), scratch);
                }
                asm.emit(match is_signed {
                    true => Operation::ShiftRightSigned(value, value, right),
                    false => Operation::ShiftRight(value, value, right),
                });
            }
            let half = 1i64 << (bits - 1);
            if is_signed {
                add_constant(asm, value, half, scratch);
            }
            if !is_down {
                let (large, clamped) = (asm.label(), asm.label());
                asm.branch(Condition::Above(value, bits as u8, scratch), 0.05, large);
                asm.bind(clamped);
                self.clamps.push((large, clamped));
            }
            let by = self.cells * bits;
            match finish {
                Finishing::Signed {
                    stays_offset: false,
                }
                | Finishing::Down {
                    is_offset: true, ..
                } => {
                    add_constant(asm, value, half, scratch);
                    asm.emit(Operation::ShiftLeft(value, value, (32 - bits) as u8));
                    asm.emit(Operation::ShiftRight(value, value, (32 - bits - by) as u8));
                }
                Finishing::Unsigned
                | Finishing::Signed { stays_offset: true }
                | Finishing::Down {
                    is_offset: false, ..
                } => {
                    if by > 0 {
                        asm.emit(Operation::ShiftLeft(value, value, by as u8));
                    }
                }
            }
            asm.emit(Operation::Or(self.roles.word, value));
        });
        asm.bind(zero);
        self.cells += 1;
        if self.cells * bits == 32 {
            self.store(asm, true);
        }
    }

    /// Stores what is there. What is not there of the last byte stays as it is.
    fn store(&mut self, asm: &mut Assembly<'_>, goes_on: bool) {
        let (word, value) = (self.roles.word, self.roles.value);
        let per_byte = 8 / self.rounding.bits;
        if self.cells > 0 && self.is_in_frame {
            asm.emit(Operation::StoreSlot(word, self.slot + self.byte));
            self.byte += 4 * self.cells;
            self.cells = 0;
        } else if self.cells > 0 {
            let bytes = self.cells.div_ceil(per_byte);
            let (pointer, offset) = self.pointer(asm, bytes);
            for byte in 0..bytes {
                if byte > 0 {
                    asm.emit(Operation::ShiftRight(word, word, 8));
                }
                if byte == bytes - 1 && !self.cells.is_multiple_of(per_byte) {
                    asm.emit(Operation::LoadByte(value, pointer, offset + byte));
                    asm.emit(Operation::ShiftRight(value, value, 4));
                    asm.emit(Operation::ShiftLeft(value, value, 4));
                    asm.emit(Operation::Or(word, value));
                }
                asm.emit(Operation::StoreByte(word, pointer, offset + byte));
            }
            self.byte += bytes;
            self.cells = 0;
        }
        if goes_on {
            asm.emit(Operation::Immediate(word, 0));
        }
        self.clamp(asm);
    }

    /// The largest activation, for those sums that are larger.
    fn clamp(&mut self, asm: &mut Assembly<'_>) {
        if self.clamps.is_empty() {
            return;
        }
        let over = asm.label();
        asm.jump(over);
        let most = (1 << self.rounding.bits) - 1;
        asm.times(0.05, |asm| {
            for (large, clamped) in self.clamps.drain(..) {
                let value = self.roles.value;
                asm.bind(large);
                if self.rounding.finish.is_signed() {
                    let too_small = asm.label();
                    asm.branch(Condition::Negative(value), 0.5, too_small);
                    asm.emit(Operation::Immediate(value, most));
                    asm.jump(clamped);
                    asm.bind(too_small);
                    asm.emit(Operation::Immediate(value, 0));
                } else {
                    asm.emit(Operation::Immediate(value, most));
                }
                asm.jump(clamped);
            }
        });
        asm.bind(over);
    }

    /// Stores the rest.
    pub(crate) fn end(mut self, asm: &mut Assembly<'_>) {
        self.store(asm, false);
    }
}
