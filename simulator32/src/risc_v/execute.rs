//! What instructions do.

use super::cost::Cost;
use super::decode::{self, Condition, Instruction, Multiply, Operation};
use super::{compressed, fetch::Fetch};
use crate::core::Core;
use crate::fault::Cause;
use crate::memory::Memory;

/// Which registers and instructions a core has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registers {
    /// 16 for RV32E, 32 for RV32I.
    pub count: u8,
    /// Whether it has the M extension.
    pub multiplies: bool,
}

/// A hart in machine mode, without interrupts.
#[derive(Debug, Clone)]
pub struct RiscV {
    has: Registers,
    cost: Cost,
    registers: [u32; 32],
    program_counter: u32,
    /// The register that the last instruction loaded, 0 for none.
    loaded: u8,
    fetch: Option<Fetch>,
}

impl RiscV {
    /// A core with these registers and costs, and registers of 0.
    #[must_use]
    pub fn new(has: Registers, cost: Cost) -> Self {
        Self {
            has,
            cost,
            registers: [0; 32],
            program_counter: 0,
            loaded: 0,
            fetch: cost.fetch.map(Fetch::new),
        }
    }

    fn read(&self, number: u8) -> u32 {
        self.registers[usize::from(number)]
    }

    fn set(&mut self, number: u8, value: u32) {
        if number != 0 {
            self.registers[usize::from(number)] = value;
        }
    }

    /// Whether the core has all that an instruction needs.
    fn has(&self, needs: &Needs) -> bool {
        let highest = needs.read.into_iter().fold(needs.written, u8::max);
        highest < self.has.count && (self.has.multiplies || !needs.multiplies)
    }

    /// Does what the instruction says, and gives its cycles, and where it goes on if elsewhere.
    fn execute(
        &mut self,
        instruction: Instruction,
        bytes: u32,
        memory: &mut Memory,
    ) -> Result<(u32, Option<u32>), Cause> {
        use Instruction as I;
        let cost = self.cost;
        let address = self.program_counter;
        let next = address.wrapping_add(bytes);
        match instruction {
            I::LoadUpper { d, value } => self.set(d, value),
            I::AddUpperToProgramCounter { d, value } => self.set(d, address.wrapping_add(value)),
            I::Jump { d, offset } => {
                self.set(d, next);
                return Ok((cost.jump, Some(address.wrapping_add(offset))));
            }
            I::JumpRegister { d, base, offset } => {
                let target = self.read(base).wrapping_add(offset) & !1;
                self.set(d, next);
                return Ok((cost.jump, Some(target)));
            }
            I::Branch {
                condition,
                left,
                right,
                offset,
            } => {
                if holds(condition, self.read(left), self.read(right)) {
                    return Ok((cost.branch, Some(address.wrapping_add(offset))));
                }
            }
            I::Load {
                d,
                base,
                offset,
                bytes,
                signed,
            } => {
                let value = memory.read(self.read(base).wrapping_add(offset), bytes.into())?;
                let count = 8 * u32::from(bytes);
                self.set(
                    d,
                    if signed {
                        decode::sign(value, count)
                    } else {
                        value
                    },
                );
                return Ok((cost.load, None));
            }
            I::Store {
                source,
                base,
                offset,
                bytes,
            } => {
                let to = self.read(base).wrapping_add(offset);
                memory.write(to, bytes.into(), self.read(source))?;
                return Ok((cost.store, None));
            }
            I::Immediate {
                operation,
                d,
                left,
                value,
            } => {
                self.set(d, compute(operation, self.read(left), value));
            }
            I::Register {
                operation,
                d,
                left,
                right,
            } => {
                self.set(d, compute(operation, self.read(left), self.read(right)));
            }
            I::Multiply {
                operation,
                d,
                left,
                right,
            } => {
                let (value, divides) = multiply(operation, self.read(left), self.read(right));
                self.set(d, value);
                return Ok((if divides { cost.divide } else { cost.multiply }, None));
            }
            I::Fence => {}
            I::Status { d } => self.set(d, 0),
            I::Trap => return Err(Cause::Trap),
        }
        Ok((1, None))
    }
}

/// What an instruction asks of a core.
struct Needs {
    /// The register that it writes, 0 for none.
    written: u8,
    /// Those that it reads, 0 for none.
    read: [u8; 2],
    loads: bool,
    multiplies: bool,
}

impl Needs {
    fn of(instruction: Instruction) -> Self {
        use Instruction as I;
        let needs = |written, read| Self {
            written,
            read,
            loads: false,
            multiplies: false,
        };
        match instruction {
            I::LoadUpper { d, .. }
            | I::AddUpperToProgramCounter { d, .. }
            | I::Jump { d, .. }
            | I::Status { d } => needs(d, [0, 0]),
            I::JumpRegister { d, base, .. } => needs(d, [base, 0]),
            I::Load { d, base, .. } => Self {
                loads: true,
                ..needs(d, [base, 0])
            },
            I::Branch { left, right, .. } => needs(0, [left, right]),
            I::Store { source, base, .. } => needs(0, [base, source]),
            I::Immediate { d, left, .. } => needs(d, [left, 0]),
            I::Register { d, left, right, .. } => needs(d, [left, right]),
            I::Multiply { d, left, right, .. } => Self {
                multiplies: true,
                ..needs(d, [left, right])
            },
            I::Fence | I::Trap => needs(0, [0, 0]),
        }
    }
}

fn holds(condition: Condition, left: u32, right: u32) -> bool {
    match condition {
        Condition::Equal => left == right,
        Condition::NotEqual => left != right,
        Condition::Less => left.cast_signed() < right.cast_signed(),
        Condition::NotLess => left.cast_signed() >= right.cast_signed(),
        Condition::LessUnsigned => left < right,
        Condition::NotLessUnsigned => left >= right,
    }
}

fn compute(operation: Operation, left: u32, right: u32) -> u32 {
    match operation {
        Operation::Add => left.wrapping_add(right),
        Operation::Subtract => left.wrapping_sub(right),
        Operation::ShiftLeft => left << (right & 31),
        Operation::Less => u32::from(left.cast_signed() < right.cast_signed()),
        Operation::LessUnsigned => u32::from(left < right),
        Operation::ExclusiveOr => left ^ right,
        Operation::ShiftRight => left >> (right & 31),
        Operation::ShiftRightArithmetic => (left.cast_signed() >> (right & 31)).cast_unsigned(),
        Operation::Or => left | right,
        Operation::And => left & right,
    }
}

/// The result, and whether it took a division.
fn multiply(operation: Multiply, left: u32, right: u32) -> (u32, bool) {
    let (signed_left, signed_right) = (left.cast_signed(), right.cast_signed());
    let high = |left: i64, right: i64| (left.wrapping_mul(right) >> 32) as u32;
    match operation {
        Multiply::Low => (left.wrapping_mul(right), false),
        Multiply::High => (high(signed_left.into(), signed_right.into()), false),
        Multiply::HighSignedUnsigned => (high(signed_left.into(), right.into()), false),
        Multiply::HighUnsigned => (((u64::from(left) * u64::from(right)) >> 32) as u32, false),
        Multiply::Divide if right == 0 => (u32::MAX, true),
        Multiply::Divide => (signed_left.wrapping_div(signed_right).cast_unsigned(), true),
        Multiply::DivideUnsigned => (left.checked_div(right).unwrap_or(u32::MAX), true),
        Multiply::Remainder if right == 0 => (left, true),
        Multiply::Remainder => (signed_left.wrapping_rem(signed_right).cast_unsigned(), true),
        Multiply::RemainderUnsigned => (left.checked_rem(right).unwrap_or(left), true),
    }
}

impl Core for RiscV {
    /// a0 to a5, which RV32E has too.
    const ARGUMENTS: &'static [usize] = &[10, 11, 12, 13, 14, 15];
    const STACK_POINTER: usize = 2;
    const LINK: usize = 1;

    fn register(&self, number: usize) -> u32 {
        self.registers[number]
    }

    fn set_register(&mut self, number: usize, value: u32) {
        if number != 0 {
            self.registers[number] = value;
        }
    }

    fn program_counter(&self) -> u32 {
        self.program_counter
    }

    fn jump(&mut self, address: u32) {
        self.program_counter = address;
        self.loaded = 0;
        self.fetch = self.cost.fetch.map(Fetch::new);
    }

    fn return_address(address: u32) -> u32 {
        address
    }

    fn reset(&mut self, _memory: &mut Memory, entry: u32) -> Result<(), Cause> {
        self.registers = [0; 32];
        self.jump(entry);
        Ok(())
    }

    fn step(&mut self, memory: &mut Memory) -> Result<u32, Cause> {
        let address = self.program_counter;
        let first = memory.fetch(address)?;
        let (instruction, code, bytes) = if first & 3 == 3 {
            let second = memory.fetch(address.wrapping_add(2))?;
            let code = u32::from(first) | u32::from(second) << 16;
            (decode::full(code), code, 4)
        } else {
            (compressed::expand(first), first.into(), 2)
        };
        let undefined = Cause::Undefined { instruction: code };
        let instruction = instruction.ok_or(undefined)?;
        let needs = Needs::of(instruction);
        if !self.has(&needs) {
            return Err(undefined);
        }
        let waits = self.loaded != 0 && needs.read.contains(&self.loaded);
        let stall = if waits { self.cost.load_use } else { 0 };
        self.loaded = if needs.loads { needs.written } else { 0 };

        let (cycles, target) = self.execute(instruction, bytes, memory)?;
        let mut cycles = cycles + stall;
        self.program_counter = target.unwrap_or(address.wrapping_add(bytes));
        if let Some(fetch) = self.fetch.as_mut().filter(|_| memory.is_flash(address)) {
            return Ok(fetch.execute(address, bytes, cycles, target));
        }
        if let Some(target) = target.filter(|target| target % 4 == 2) {
            // Where a run ends there is no instruction.
            let is_wide = memory.fetch(target).is_ok_and(|first| first & 3 == 3);
            cycles += if is_wide {
                self.cost.unaligned_target
            } else {
                0
            };
        }
        Ok(cycles)
    }
}
