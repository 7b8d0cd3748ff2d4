//! What instructions do.

use super::cost::Cost;
use super::decode;
use super::instruction::{Instruction, Logic, Operand, Order, Shift};
use crate::core::Core;
use crate::fault::Cause;
use crate::memory::Memory;

const SP: usize = 13;
const LR: usize = 14;
const PC: usize = 15;

/// A core of ARMv6-M in thread mode, without interrupts.
#[derive(Debug, Clone)]
pub struct Thumb {
    cost: Cost,
    /// Of r15 the address of the next instruction.
    registers: [u32; 16],
    negative: bool,
    zero: bool,
    carry: bool,
    overflow: bool,
    masked: u32,
}

impl Thumb {
    /// A core with these costs, and registers of 0.
    #[must_use]
    pub fn new(cost: Cost) -> Self {
        Self {
            cost,
            registers: [0; 16],
            negative: false,
            zero: false,
            carry: false,
            overflow: false,
            masked: 0,
        }
    }

    /// N, Z, C and V, the first one highest.
    #[must_use]
    pub fn flags(&self) -> u32 {
        [self.negative, self.zero, self.carry, self.overflow]
            .into_iter()
            .fold(0, |flags, flag| flags << 1 | u32::from(flag))
    }

    /// Sets N, Z, C and V, the first one highest.
    pub fn set_flags(&mut self, flags: u32) {
        self.negative = flags & 8 != 0;
        self.zero = flags & 4 != 0;
        self.carry = flags & 2 != 0;
        self.overflow = flags & 1 != 0;
    }

    /// A register as an instruction at `address` reads it.
    fn read(&self, number: u8, address: u32) -> u32 {
        match usize::from(number) {
            PC => address.wrapping_add(4),
            number => self.registers[number],
        }
    }

    fn operand(&self, operand: Operand, address: u32) -> u32 {
        match operand {
            Operand::Register(number) => self.read(number, address),
            Operand::Immediate(value) => value,
        }
    }

    fn set(&mut self, number: u8, value: u32) {
        self.registers[usize::from(number)] = value;
    }

    fn set_flagged(&mut self, number: u8, value: u32) {
        self.set(number, value);
        self.note(value);
    }

    fn note(&mut self, value: u32) {
        self.negative = value.cast_signed() < 0;
        self.zero = value == 0;
    }

    /// `AddWithCarry`, with flags.
    fn add(&mut self, left: u32, right: u32, carry: bool) -> u32 {
        let wide = u64::from(left) + u64::from(right) + u64::from(carry);
        let sum = wide as u32;
        self.carry = wide >> 32 != 0;
        self.overflow = (!(left ^ right) & (left ^ sum)) >> 31 != 0;
        self.note(sum);
        sum
    }

    /// By 0 to 255 bits, with flags.
    fn shift(&mut self, shift: Shift, value: u32, by: u32) -> u32 {
        if by == 0 {
            self.note(value);
            return value;
        }
        let (shifted, carry) = match shift {
            Shift::Left => {
                let wide = u64::from(value).checked_shl(by).unwrap_or(0);
                (wide as u32, wide >> 32 & 1)
            }
            Shift::Right => {
                let wide = (u64::from(value) << 1).checked_shr(by).unwrap_or(0);
                ((wide >> 1) as u32, wide & 1)
            }
            Shift::ArithmeticRight => {
                let wide = (i64::from(value.cast_signed()) << 1) >> by.min(63);
                ((wide >> 1) as u32, (wide & 1) as u64)
            }
            Shift::Rotate => {
                let rotated = value.rotate_right(by % 32);
                (rotated, u64::from(rotated >> 31))
            }
        };
        self.carry = carry != 0;
        self.note(shifted);
        shifted
    }

    fn holds(&self, condition: u8) -> bool {
        let holds = match condition >> 1 {
            0 => self.zero,
            1 => self.carry,
            2 => self.negative,
            3 => self.overflow,
            4 => self.carry && !self.zero,
            5 => self.negative == self.overflow,
            _ => self.negative == self.overflow && !self.zero,
        };
        holds != (condition & 1 != 0)
    }

    /// Goes on at `address`, whose bit 0 must say that Thumb code is there.
    fn exchange(&mut self, address: u32) -> Result<(), Cause> {
        if address & 1 == 0 {
            return Err(Cause::Fetch);
        }
        self.registers[PC] = address & !1;
        Ok(())
    }

    fn execute(
        &mut self,
        instruction: Instruction,
        address: u32,
        memory: &mut Memory,
    ) -> Result<u32, Cause> {
        use Instruction as I;
        let cost = self.cost;
        match instruction {
            I::ShiftImmediate { shift, d, m, by } => {
                let by = match shift {
                    Shift::Left => by.into(),
                    Shift::Right | Shift::ArithmeticRight | Shift::Rotate if by == 0 => 32,
                    Shift::Right | Shift::ArithmeticRight | Shift::Rotate => by.into(),
                };
                let value = self.shift(shift, self.read(m, address), by);
                self.set(d, value);
            }
            I::Add { d, n, operand } => {
                let sum = self.add(self.read(n, address), self.operand(operand, address), false);
                self.set(d, sum);
            }
            I::Subtract { d, n, operand } => {
                let sum = self.add(self.read(n, address), !self.operand(operand, address), true);
                self.set(d, sum);
            }
            I::Move { d, immediate } => self.set_flagged(d, immediate.into()),
            I::Compare { n, operand } => {
                self.add(self.read(n, address), !self.operand(operand, address), true);
            }
            I::Logic { operation, d, m } => {
                let (left, right) = (self.read(d, address), self.read(m, address));
                let value = match operation {
                    Logic::And => left & right,
                    Logic::Or => left | right,
                    Logic::ExclusiveOr => left ^ right,
                    Logic::Clear => left & !right,
                    Logic::Not => !right,
                };
                self.set_flagged(d, value);
            }
            I::Shift { shift, d, m } => {
                let by = self.read(m, address) & 0xFF;
                let value = self.shift(shift, self.read(d, address), by);
                self.set(d, value);
            }
            I::AddCarry { d, m } => {
                let sum = self.add(self.read(d, address), self.read(m, address), self.carry);
                self.set(d, sum);
            }
            I::SubtractCarry { d, m } => {
                let sum = self.add(self.read(d, address), !self.read(m, address), self.carry);
                self.set(d, sum);
            }
            I::Negate { d, n } => {
                let sum = self.add(!self.read(n, address), 0, true);
                self.set(d, sum);
            }
            I::Test { n, m } => self.note(self.read(n, address) & self.read(m, address)),
            I::CompareNegative { n, m } => {
                self.add(self.read(n, address), self.read(m, address), false);
            }
            I::Multiply { d, m } => {
                self.set_flagged(d, self.read(d, address).wrapping_mul(self.read(m, address)));
                return Ok(cost.multiply);
            }
            I::AddHigh { d, m } => {
                let sum = self.read(d, address).wrapping_add(self.read(m, address));
                return Ok(self.set_high(d, sum));
            }
            I::MoveHigh { d, m } => return Ok(self.set_high(d, self.read(m, address))),
            I::Exchange { m, links } => {
                let target = self.read(m, address);
                if links {
                    self.registers[LR] = address.wrapping_add(2) | 1;
                }
                self.exchange(target)?;
                return Ok(cost.branch_exchange);
            }
            I::LoadLiteral { t, offset } => {
                let from = (address.wrapping_add(4) & !3).wrapping_add(offset);
                self.set(t, memory.read(from, 4)?);
                return Ok(2);
            }
            I::Load {
                t,
                n,
                offset,
                bytes,
                signed,
            } => {
                let from = self
                    .read(n, address)
                    .wrapping_add(self.operand(offset, address));
                let value = memory.read(from, bytes.into())?;
                self.set(
                    t,
                    if signed {
                        extended(value, bytes)
                    } else {
                        value
                    },
                );
                return Ok(2);
            }
            I::Store {
                t,
                n,
                offset,
                bytes,
            } => {
                let to = self
                    .read(n, address)
                    .wrapping_add(self.operand(offset, address));
                memory.write(to, bytes.into(), self.read(t, address))?;
                return Ok(2);
            }
            I::Address { d, offset } => {
                self.set(d, (address.wrapping_add(4) & !3).wrapping_add(offset));
            }
            I::AddStackPointer { d, offset } => {
                self.set(d, self.registers[SP].wrapping_add(offset));
            }
            I::MoveStackPointer { by } => {
                self.registers[SP] = self.registers[SP].wrapping_add(by);
            }
            I::Extend {
                d,
                m,
                bytes,
                signed,
            } => {
                let value = self.read(m, address);
                let unsigned = value & (u32::MAX >> (32 - 8 * u32::from(bytes)));
                self.set(
                    d,
                    if signed {
                        extended(value, bytes)
                    } else {
                        unsigned
                    },
                );
            }
            I::Push { registers, link } => {
                let list = u16::from(registers) | u16::from(link) << LR;
                let to = self.registers[SP].wrapping_sub(4 * list.count_ones());
                self.store(list, to, memory)?;
                self.registers[SP] = to;
                return Ok(1 + list.count_ones());
            }
            I::Pop {
                registers,
                program_counter,
            } => {
                let list = u16::from(registers);
                let mut from = self.load(list, self.registers[SP], memory)?;
                let mut cycles = 1 + list.count_ones();
                if program_counter {
                    let target = memory.read(from, 4)?;
                    self.exchange(target)?;
                    from = from.wrapping_add(4);
                    cycles = cost.pop_program_counter + list.count_ones() + 1;
                }
                self.registers[SP] = from;
                return Ok(cycles);
            }
            I::Reverse { d, m, order } => {
                let value = self.read(m, address);
                self.set(
                    d,
                    match order {
                        Order::Word => value.swap_bytes(),
                        Order::Halfwords => value.swap_bytes().rotate_left(16),
                        Order::SignedHalfword => extended(value.swap_bytes() >> 16, 2),
                    },
                );
            }
            I::StoreMultiple { n, registers } => {
                let to = self.read(n, address);
                let end = self.store(registers.into(), to, memory)?;
                self.set(n, end);
                return Ok(1 + registers.count_ones());
            }
            I::LoadMultiple { n, registers } => {
                let end = self.load(registers.into(), self.read(n, address), memory)?;
                // A base that is in the list keeps what was loaded.
                if registers & 1 << n == 0 {
                    self.set(n, end);
                }
                return Ok(1 + registers.count_ones());
            }
            I::BranchIf { condition, offset } => {
                if self.holds(condition) {
                    self.registers[PC] = address.wrapping_add(4).wrapping_add(offset);
                    return Ok(cost.branch);
                }
            }
            I::Branch { offset } => {
                self.registers[PC] = address.wrapping_add(4).wrapping_add(offset);
                return Ok(cost.branch);
            }
            I::BranchLink { offset } => {
                self.registers[LR] = address.wrapping_add(4) | 1;
                self.registers[PC] = address.wrapping_add(4).wrapping_add(offset);
                return Ok(cost.branch_with_link);
            }
            I::Mask => self.masked = u32::from(memory.fetch(address)? >> 4 & 1),
            I::Hint => {}
            I::Barrier => return Ok(cost.special),
            I::ReadSpecial { d, register } => {
                let value = match register {
                    0..=3 => self.flags() << 28,
                    8 => self.registers[SP],
                    16 => self.masked,
                    _ => 0,
                };
                self.set(d, value);
                return Ok(cost.special);
            }
            I::WriteSpecial { n, register } => {
                let value = self.read(n, address);
                match register {
                    0..=3 => self.set_flags(value >> 28),
                    8 => self.registers[SP] = value & !3,
                    16 => self.masked = value & 1,
                    _ => {}
                }
                return Ok(cost.special);
            }
            I::Trap => return Err(Cause::Trap),
        }
        Ok(1)
    }

    /// Writes any register without flags: a branch if that is pc.
    fn set_high(&mut self, number: u8, value: u32) -> u32 {
        match usize::from(number) {
            PC => {
                self.registers[PC] = value & !1;
                self.cost.branch
            }
            SP => {
                self.registers[SP] = value & !3;
                1
            }
            number => {
                self.registers[number] = value;
                1
            }
        }
    }

    /// Stores the registers of `list` from `to` on; the address after them.
    fn store(&self, list: u16, mut to: u32, memory: &mut Memory) -> Result<u32, Cause> {
        for number in (0..16).filter(|number| list & 1 << number != 0) {
            memory.write(to, 4, self.registers[number])?;
            to = to.wrapping_add(4);
        }
        Ok(to)
    }

    fn load(&mut self, list: u16, mut from: u32, memory: &mut Memory) -> Result<u32, Cause> {
        for number in (0..8).filter(|number| list & 1 << number != 0) {
            self.registers[number] = memory.read(from, 4)?;
            from = from.wrapping_add(4);
        }
        Ok(from)
    }
}

/// The lowest `bytes` bytes of `value` as a signed number.
fn extended(value: u32, bytes: u8) -> u32 {
    let unused = 32 - 8 * u32::from(bytes);
    ((value << unused).cast_signed() >> unused).cast_unsigned()
}

impl Core for Thumb {
    const ARGUMENTS: &'static [usize] = &[0, 1, 2, 3];
    const STACK_POINTER: usize = SP;
    const LINK: usize = LR;

    fn register(&self, number: usize) -> u32 {
        self.registers[number]
    }

    fn set_register(&mut self, number: usize, value: u32) {
        self.registers[number] = value;
    }

    fn program_counter(&self) -> u32 {
        self.registers[PC]
    }

    fn jump(&mut self, address: u32) {
        self.registers[PC] = address & !1;
    }

    fn return_address(address: u32) -> u32 {
        address | 1
    }

    fn reset(&mut self, memory: &mut Memory, _entry: u32) -> Result<(), Cause> {
        let vectors = memory.map().flash_start;
        self.registers[SP] = memory.read(vectors, 4)? & !3;
        let first = memory.read(vectors.wrapping_add(4), 4)?;
        self.exchange(first)
    }

    fn step(&mut self, memory: &mut Memory) -> Result<u32, Cause> {
        let address = self.registers[PC];
        let first = memory.fetch(address)?;
        let (instruction, code, bytes) = if decode::is_wide(first) {
            let second = memory.fetch(address.wrapping_add(2))?;
            let code = u32::from(first) | u32::from(second) << 16;
            (decode::wide(first, second), code, 4)
        } else {
            (decode::narrow(first), first.into(), 2)
        };
        let instruction = instruction.ok_or(Cause::Undefined { instruction: code })?;
        self.registers[PC] = address.wrapping_add(bytes);
        self.execute(instruction, address, memory)
    }
}
