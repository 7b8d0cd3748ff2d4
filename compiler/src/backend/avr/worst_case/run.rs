//! Runs functions with what is known of their registers and memory.

use crate::backend::avr::code::Code;
use crate::backend::avr::isa::core::Core;
use crate::backend::avr::isa::function_id::FunctionId;
use crate::backend::avr::isa::instruction::{
    CodeLabel, Condition, Constant, Immediate, Instruction, Mode, One, Two,
};
use crate::backend::avr::isa::ports::{RAMPZ, SPH, SPL};
use crate::backend::avr::isa::registers::{Pointer, Register, Z};
use crate::backend::avr::worst_case::byte::{self, Byte, Flags};
use crate::backend::avr::worst_case::flow::{Flow, Position, Step};
use crate::backend::avr::worst_case::memory::{Memory, Registers};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// Where SRAM begins, beyond the registers and ports of every part; or where it does if it ends below
/// 0x100.
pub(super) fn first_address(core: Core) -> u16 {
    match core.has_stack_pointer_high {
        true => 0x200,
        false => 0x60,
    }
}

/// How often a loop goes round that counts bits to shift by, which are loaded with the
/// weights: 31 at most, as the reader of weights proves.
const MOST_ROUNDS: usize = 32;

/// A function being run, and where in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    function: usize,
    position: Position,
}

/// A way ends at a place of the same call, or where that call returns.
#[derive(Clone, Copy)]
struct Stop {
    depth: usize,
    position: Position,
}

pub(super) struct Runner {
    core: Core,
    ids: Vec<FunctionId>,
    flows: Rc<[Flow]>,
    /// Of each function, where its tables are in flash.
    labels: Vec<BTreeMap<CodeLabel, u32>>,
    flash: HashMap<u32, u8>,
    registers: Registers,
    memory: Memory,
    /// Where calls return to.
    callers: Vec<Place>,
    at: Place,
    /// Branches whose ways are being run, each with the call that it is in.
    parted: Vec<(usize, Place)>,
    steps_left: u64,
}

impl Runner {
    /// `top`: the address after the stack.
    pub(super) fn new(code: &Code, top: u16, steps: u64) -> Self {
        let mut flash = HashMap::new();
        let mut labels = Vec::new();
        let near_bytes: u32 = code.functions.iter().map(|it| it.near_table_bytes).sum();
        let mut near = 0x100;
        let mut start = near + near_bytes;
        for function in &code.functions {
            let mut of_function = BTreeMap::new();
            for (label, place, bytes) in function.listing.tables() {
                let address = match place {
                    Some(place) => start + place,
                    None => near,
                };
                if place.is_none() {
                    near += bytes.len() as u32;
                }
                of_function.insert(label, address);
                flash.extend((address..).zip(bytes.iter().copied()));
            }
            labels.push(of_function);
            start += function.flash_bytes;
        }
        let flow = |placed| Flow::new(placed, code.core.program_counter);
        let functions = code.functions.iter();
        Self {
            core: code.core,
            ids: functions.clone().map(|function| function.id).collect(),
            flows: functions
                .map(|function| flow(function.listing.placed()))
                .collect(),
            labels,
            flash,
            registers: Registers {
                bytes: [Byte::UNKNOWN; 32],
                flags: Flags::default(),
                stack_pointer: top,
                ramp: Byte::ZERO,
            },
            memory: Memory::new(usize::from(top) + 1),
            callers: Vec::new(),
            at: Place {
                function: 0,
                position: 0,
            },
            parted: Vec::new(),
            steps_left: steps,
        }
    }

    pub(super) fn set_byte(&mut self, address: u16, value: Byte) -> Option<()> {
        self.memory.set(address, value)
    }

    /// A byte that is known.
    pub(super) fn known_byte(&self, address: u16) -> Option<u8> {
        self.memory.get(address)?.known()
    }

    /// The most cycles of a call from outside, its return counted, with those pairs of
    /// registers known.
    pub(super) fn call(&mut self, id: FunctionId, pairs: &[(usize, u16)]) -> Option<u64> {
        self.registers.bytes = [Byte::UNKNOWN; 32];
        self.registers.bytes[1] = Byte::ZERO;
        for &(low, value) in pairs {
            self.registers.set_pair(low, Some(value));
        }
        self.registers.flags = Flags::default();
        self.enter(id)?;
        let depth = self.callers.len();
        self.callers.push(self.at);
        self.pushes_address();
        let stop = Stop {
            depth: depth + 1,
            position: usize::MAX,
        };
        let cycles = self.run(stop)?;
        Some(cycles)
    }

    fn enter(&mut self, id: FunctionId) -> Option<()> {
        let function = self.ids.iter().position(|other| *other == id)?;
        self.at = Place {
            function,
            position: 0,
        };
        Some(())
    }

    fn pushes_address(&mut self) {
        self.registers.stack_pointer -= u16::from(self.core.program_counter.bytes);
    }

    /// Runs up to there; the most cycles of it.
    fn run(&mut self, stop: Stop) -> Option<u64> {
        let mut cycles = 0;
        let flows = Rc::clone(&self.flows);
        loop {
            let depth = self.callers.len();
            if depth < stop.depth || depth == stop.depth && self.at.position == stop.position {
                return Some(cycles);
            }
            self.steps_left = self.steps_left.checked_sub(1)?;
            let flow = &flows[self.at.function];
            cycles += self.step(flow.steps.get(self.at.position)?)?;
        }
    }

    fn step(&mut self, step: &Step) -> Option<u64> {
        let [on, away] = step.cycles;
        match step.instruction {
            Instruction::Branch(condition, _) => {
                let taken = self.holds(condition);
                return self.go(step, taken, step.target);
            }
            Instruction::SkipIfClear { register, bit } => {
                let taken = self.get(register).bit(bit).map(|bit| !bit);
                return self.go(step, taken, self.at.position + 2);
            }
            Instruction::SkipIfSet { register, bit } => {
                let taken = self.get(register).bit(bit);
                return self.go(step, taken, self.at.position + 2);
            }
            Instruction::Jump(_) => {
                self.at.position = step.target;
                return Some(away);
            }
            Instruction::Call(_) => {
                self.calls();
                self.at.position = step.target;
                return Some(on);
            }
            Instruction::CallFunction { function, .. } => {
                self.calls();
                self.enter(function)?;
                return Some(on);
            }
            Instruction::Return => {
                self.at = self.callers.pop()?;
                self.registers.stack_pointer += u16::from(self.core.program_counter.bytes);
                return Some(on);
            }
            Instruction::Two(operation, to, from) => self.two(operation, to, from),
            Instruction::Immediate(operation, register, constant) => {
                let value = self.constant(constant)?;
                self.immediate(operation, register, value);
            }
            Instruction::AddToWord(low, value) => {
                let (low_byte, flags) = byte::add(self.get(low), Byte::new(value), Some(false));
                let (high_byte, mut after) =
                    byte::add(self.get(low.next()), Byte::ZERO, flags.carry);
                after.zero = flags.zero.zip(after.zero).map(|(low, high)| low && high);
                self.set(low, low_byte);
                self.set(low.next(), high_byte);
                self.registers.flags = after;
            }
            Instruction::One(operation, register) => self.one(operation, register)?,
            Instruction::Load(register, pointer, mode) => {
                let value = match self.address(pointer, mode) {
                    Some(address) => self.memory.get(address)?,
                    None => Byte::UNKNOWN,
                };
                self.set(register, value);
            }
            Instruction::Store(pointer, mode, register) => {
                let value = self.get(register);
                let address = self.address(pointer, mode)?;
                self.memory.set(address, value)?;
            }
            Instruction::LoadProgram { register, extended } => {
                self.load_program(register, extended);
            }
            Instruction::In(register, port) => {
                let [low, high] = self.registers.stack_pointer.to_le_bytes();
                let value = match port {
                    SPL => Byte::new(low),
                    SPH => Byte::new(high),
                    RAMPZ => self.registers.ramp,
                    _ => Byte::UNKNOWN,
                };
                self.set(register, value);
            }
            Instruction::Out(port, register) => match port {
                RAMPZ => self.registers.ramp = self.get(register),
                _ => return None,
            },
        }
        self.at.position += 1;
        Some(on)
    }

    fn calls(&mut self) {
        let position = self.at.position + 1;
        self.callers.push(Place {
            position,
            ..self.at
        });
        self.pushes_address();
    }

    /// Goes on from a branch or a skip, both ways where it is not known which.
    fn go(&mut self, step: &Step, taken: Option<bool>, target: Position) -> Option<u64> {
        let [on, away] = step.cycles;
        let here = self.at;
        let ways = [(here.position + 1, on), (target, away)];
        if let Some(taken) = taken {
            let (position, cycles) = ways[usize::from(taken)];
            self.at.position = position;
            return Some(cycles);
        }
        let depth = self.callers.len();
        let stop = Stop {
            depth,
            position: step.meets,
        };
        let this = (depth, here);
        let rounds = self.parted.iter().filter(|&&other| other == this).count();
        if rounds >= MOST_ROUNDS {
            // The way out.
            let (position, cycles) = ways.into_iter().find(|&(way, _)| way == step.meets)?;
            self.at.position = position;
            return Some(cycles);
        }
        self.parted.push(this);
        let before = self.registers.clone();
        // All that a way can do to them is to return from this call.
        let caller = self.callers.last().copied();
        let mark = self.memory.part();
        let mut results = Vec::with_capacity(2);
        for (position, cycles) in ways {
            self.registers = before.clone();
            if self.callers.len() < depth {
                self.callers.extend(caller);
            }
            self.at = Place { position, ..here };
            let cycles = cycles + self.run(stop)?;
            let changed = self.memory.take_back(mark);
            results.push((cycles, self.registers.clone(), changed));
        }
        self.parted.pop();
        let [
            (one_cycles, one, one_changed),
            (other_cycles, other, other_changed),
        ] = <[_; 2]>::try_from(results).ok()?;
        if one.stack_pointer != other.stack_pointer {
            return None;
        }
        self.memory.meet(&one_changed, &other_changed);
        self.registers = one.or_else(&other);
        Some(one_cycles.max(other_cycles))
    }

    fn holds(&self, condition: Condition) -> Option<bool> {
        let flags = self.registers.flags;
        let not = |flag: Option<bool>| flag.map(|flag| !flag);
        match condition {
            Condition::Equal => flags.zero,
            Condition::NotEqual => not(flags.zero),
            Condition::Lower => flags.carry,
            Condition::SameOrHigher => not(flags.carry),
            Condition::Minus => flags.negative,
            Condition::Plus => not(flags.negative),
            Condition::Less => flags.sign(),
            Condition::GreaterOrEqual => not(flags.sign()),
        }
    }

    fn get(&self, register: Register) -> Byte {
        self.registers.bytes[register.index()]
    }

    fn set(&mut self, register: Register, value: Byte) {
        self.registers.bytes[register.index()] = value;
    }

    fn give(&mut self, register: Register, (value, flags): byte::Outcome) {
        self.set(register, value);
        self.registers.flags = flags;
    }

    fn two(&mut self, operation: Two, to: Register, from: Register) {
        let (a, b, flags) = (self.get(to), self.get(from), self.registers.flags);
        let none = Some(false);
        match operation {
            Two::Add if to == from => self.give(to, byte::shift_up(a, none)),
            Two::Adc if to == from => self.give(to, byte::shift_up(a, flags.carry)),
            Two::Add => self.give(to, byte::add(a, b, none)),
            Two::Adc => self.give(to, byte::add(a, b, flags.carry)),
            Two::Sub if to == from => {
                self.give(to, byte::subtract(Byte::ZERO, Byte::ZERO, none, None));
            }
            Two::Sub => self.give(to, byte::subtract(a, b, none, None)),
            Two::Sbc => self.give(to, byte::subtract(a, b, flags.carry, Some(flags))),
            Two::And => self.give(to, byte::and(a, b, flags)),
            Two::Or => self.give(to, byte::or(a, b, flags)),
            Two::Eor if to == from => {
                self.give(to, byte::exclusive_or(Byte::ZERO, Byte::ZERO, flags))
            }
            Two::Eor => self.give(to, byte::exclusive_or(a, b, flags)),
            Two::Mov => self.set(to, b),
            Two::Movw => {
                let high = self.get(from.next());
                self.set(to, b);
                self.set(to.next(), high);
            }
            Two::Cp => self.registers.flags = byte::subtract(a, b, none, None).1,
            Two::Cpc => {
                self.registers.flags = byte::subtract(a, b, flags.carry, Some(flags)).1;
            }
            Two::Mul => self.product(a, b, (false, false)),
            Two::Muls => self.product(a, b, (true, true)),
            Two::Mulsu => self.product(a, b, (true, false)),
        }
    }

    fn product(&mut self, a: Byte, b: Byte, signed: (bool, bool)) {
        let (bytes, flags) = byte::multiply(a, b, signed, self.registers.flags);
        self.registers.bytes[..2].copy_from_slice(&bytes);
        self.registers.flags = flags;
    }

    fn immediate(&mut self, operation: Immediate, register: Register, value: Byte) {
        let (a, flags) = (self.get(register), self.registers.flags);
        let none = Some(false);
        match operation {
            Immediate::Ldi => self.set(register, value),
            Immediate::Subi => self.give(register, byte::subtract(a, value, none, None)),
            Immediate::Sbci => {
                self.give(register, byte::subtract(a, value, flags.carry, Some(flags)));
            }
            Immediate::Andi => self.give(register, byte::and(a, value, flags)),
            Immediate::Ori => self.give(register, byte::or(a, value, flags)),
            Immediate::Cpi => self.registers.flags = byte::subtract(a, value, none, None).1,
        }
    }

    fn one(&mut self, operation: One, register: Register) -> Option<()> {
        let (a, flags) = (self.get(register), self.registers.flags);
        match operation {
            One::Lsr => self.give(register, byte::shift_down(a, Some(false))),
            One::Asr => self.give(register, byte::shift_down(a, a.bit(7))),
            One::Ror => self.give(register, byte::shift_down(a, flags.carry)),
            One::Swap => self.set(register, byte::swap(a)),
            One::Inc => self.give(register, byte::step(a, true, flags)),
            One::Dec => self.give(register, byte::step(a, false, flags)),
            One::Com => self.give(register, byte::complement(a, flags)),
            One::Push => {
                self.memory.set(self.registers.stack_pointer, a)?;
                self.registers.stack_pointer -= 1;
            }
            One::Pop => {
                self.registers.stack_pointer += 1;
                let value = self.memory.get(self.registers.stack_pointer)?;
                self.set(register, value);
            }
        }
        Some(())
    }

    fn constant(&self, constant: Constant) -> Option<Byte> {
        match constant {
            Constant::Value(value) => Some(Byte::new(value)),
            Constant::AddressByte {
                label,
                offset_bytes,
                byte,
            } => {
                let address = self.labels[self.at.function].get(&label)? + offset_bytes;
                Some(Byte::new(address.to_le_bytes()[usize::from(byte)]))
            }
        }
    }

    /// The address of a load or store, where the pointer is known, which then moves.
    fn address(&mut self, pointer: Pointer, mode: Mode) -> Option<u16> {
        let low = pointer.low().index();
        let at = self.registers.pair(low);
        match mode {
            Mode::Plain => at,
            Mode::Displacement(bytes) => Some(at?.wrapping_add(bytes.into())),
            Mode::PostIncrement => {
                self.registers
                    .set_pair(low, at.map(|at| at.wrapping_add(1)));
                at
            }
            Mode::PreDecrement => {
                let before = at.map(|at| at.wrapping_sub(1));
                self.registers.set_pair(low, before);
                before
            }
        }
    }

    fn load_program(&mut self, register: Register, extended: bool) {
        let low = self.registers.pair(Z.index());
        let ramp = match extended {
            true => self.registers.ramp.known(),
            false => Some(0),
        };
        let address = low
            .zip(ramp)
            .map(|(low, ramp)| u32::from(ramp) << 16 | u32::from(low));
        let byte = address.and_then(|address| self.flash.get(&address).copied());
        self.registers
            .set_pair(Z.index(), low.map(|low| low.wrapping_add(1)));
        if extended && low == Some(u16::MAX) {
            let ramp = ramp.map(|ramp| Byte::new(ramp.wrapping_add(1)));
            self.registers.ramp = ramp.unwrap_or(Byte::UNKNOWN);
        } else if extended && low.is_none() {
            self.registers.ramp = Byte::UNKNOWN;
        }
        self.set(register, byte.map_or(Byte::UNKNOWN, Byte::new));
    }
}
