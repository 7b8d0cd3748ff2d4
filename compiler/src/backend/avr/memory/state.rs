//! What a layer keeps from one output pixel to the next, and where.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::Mode;
use crate::backend::avr::isa::ports::stack_pointer;
use crate::backend::avr::isa::registers::{
    BASE, Pointer, R2, R24, R27, R29, R30, R31, Register, Registers, TEMPORARY, X, Z, ZERO,
};
use crate::backend::avr::memory::pack::drop_pushed;

/// What a loop over the outputs keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variable {
    /// Where the next output goes.
    Output,
    /// Outputs left in the line; in two bytes where there are many.
    Count {
        /// Whether there are.
        wide: bool,
    },
    /// Lines left; of herringbone, rows left; in two bytes where there are many.
    Rows {
        /// Whether there are.
        wide: bool,
    },
    /// Of herringbone: columns left; in two bytes where there are many.
    Columns {
        /// Whether there are.
        wide: bool,
    },
    /// Of herringbone: the field of what is left's first output.
    Corner,
    /// Outputs left until the ring's end.
    UntilWrap,
    /// Where the pixel of that joined map begins.
    Joined(u8),
    /// The row of the output; in two bytes where there are many.
    Row {
        /// Whether there are.
        wide: bool,
    },
    /// The column of the output; in two bytes where there are many.
    Column {
        /// Whether there are.
        wide: bool,
    },
}

impl Variable {
    fn bytes(self) -> u8 {
        match self {
            Variable::Output | Variable::Corner | Variable::UntilWrap | Variable::Joined(_) => 2,
            Variable::Columns { wide }
            | Variable::Count { wide }
            | Variable::Rows { wide }
            | Variable::Row { wide }
            | Variable::Column { wide } => 1 + u8::from(wide),
        }
    }

    /// Which joined map's it is: of those there may be more than registers.
    pub(crate) fn joined(self) -> Option<usize> {
        match self {
            Variable::Joined(index) => Some(index.into()),
            Variable::Output
            | Variable::Count { .. }
            | Variable::Rows { .. }
            | Variable::Columns { .. }
            | Variable::Corner
            | Variable::UntilWrap
            | Variable::Row { .. }
            | Variable::Column { .. } => None,
        }
    }
}

/// Every variable's place: a register, which is on the stack while a kernel runs that
/// wants it for itself, or the stack where registers run out.
pub(crate) struct LoopState {
    places: Vec<(Variable, Register)>,
    /// In the order of pushing.
    saved: Vec<Register>,
    /// Bytes on the stack when they had been pushed.
    saved_at: Option<u32>,
    /// Pairs that are on the stack, the low byte pushed first, each with the bytes on
    /// the stack when it had been pushed.
    stacked: Vec<(Variable, Option<u32>)>,
}

impl LoopState {
    /// Finds a place for every variable, or `None` where too few registers are
    /// left. `fixed`: those that are where the kernel reads them, which changes nothing
    /// there; `kernel`: what else it changes; `kept`: what has to stay there after it,
    /// its outputs among them.
    pub(crate) fn beside(
        variables: &[Variable],
        fixed: &[(Variable, Register)],
        (kernel, kept): (Registers, Registers),
    ) -> Option<Self> {
        // Scratch registers of everybody, and r1, which is zero.
        let reserved = Registers::of(
            [TEMPORARY, ZERO]
                .into_iter()
                .chain(R24.to(R27))
                .chain(R30.to(R31)),
        );
        let mut taken = reserved.union(kept);
        for &(variable, register) in fixed {
            for register in register.run(variable.bytes()) {
                taken.insert(register);
            }
        }
        let mut state = Self {
            places: fixed.to_vec(),
            saved: Vec::new(),
            saved_at: None,
            stacked: Vec::new(),
        };
        // Pairs first, while there are some.
        let mut variables = variables.to_vec();
        variables.retain(|variable| fixed.iter().all(|(other, _)| other != variable));
        variables.sort_by_key(|variable| std::cmp::Reverse(variable.bytes()));
        for variable in variables {
            let fits = |first: Register, avoid: Registers| {
                let mut registers = first.run(variable.bytes());
                registers.all(|register| register <= R29 && !avoid.contains(register))
            };
            let find = |avoid: Registers| {
                let step = usize::from(variable.bytes());
                R2.to(R29)
                    .step_by(step)
                    .rev()
                    .find(|&first| fits(first, avoid))
            };
            let first = find(taken.union(kernel)).or_else(|| find(taken))?;
            let registers = first.run(variable.bytes());
            // Whole, so that both bytes of a pair are found together.
            let saved = registers.clone().any(|register| kernel.contains(register));
            for register in registers {
                taken.insert(register);
                if saved {
                    state.saved.push(register);
                }
            }
            state.places.push((variable, first));
        }
        Some(state)
    }

    /// The same for a kernel that leaves nothing in registers but the network's
    /// address, if `keeps_base`. Of what is joined, the last ones are on the stack where
    /// too few registers are left.
    pub(crate) fn of(
        variables: &[Variable],
        fixed: &[(Variable, Register)],
        kernel: Registers,
        keeps_base: bool,
    ) -> Self {
        let base = [BASE, BASE.next()].into_iter().filter(|_| keeps_base);
        let base = Registers::of(base);
        let mut in_registers = variables.to_vec();
        let mut stacked = Vec::new();
        loop {
            if let Some(state) = Self::beside(&in_registers, fixed, (kernel, base)) {
                return Self { stacked, ..state };
            }
            let last = in_registers
                .iter()
                .rposition(|variable| variable.joined().is_some());
            let last = last.expect(
                "the largest loop keeps 12 bytes, and 22 registers are neither reserved nor BASE",
            );
            stacked.push((in_registers.remove(last), None));
        }
    }

    /// The variable's register, or the lower of its two.
    pub(crate) fn register(&self, variable: Variable) -> Register {
        let place = self.places.iter().find(|(other, _)| *other == variable);
        place.expect("the loop has that variable").1
    }

    /// Those that are on the stack.
    pub(crate) fn stacked(&self) -> Vec<Variable> {
        self.stacked.iter().map(|&(variable, _)| variable).collect()
    }

    /// A pair's first value, from an even pair: copied, or pushed to stay there.
    pub(crate) fn begin(&mut self, asm: &mut Assembly, variable: Variable, value: Register) {
        let mut stacked = self.stacked.iter_mut();
        match stacked.find(|(other, _)| *other == variable) {
            Some((_, depth)) => {
                asm.push(value);
                asm.push(value.next());
                *depth = Some(asm.stack_depth_bytes());
            }
            None => asm.movw(self.register(variable), value),
        }
    }

    /// Takes what is on the stack from it.
    pub(crate) fn drop_stacked(&self, asm: &mut Assembly) {
        drop_pushed(asm, 2 * self.stacked.len() as u32);
    }

    /// How far above the stack pointer's byte the high byte of a pair on the stack is,
    /// which the low one follows.
    fn bytes_above(&self, asm: &Assembly, variable: Variable) -> Option<u32> {
        let mut stacked = self.stacked.iter();
        let &(_, depth) = stacked.find(|(other, _)| *other == variable)?;
        let depth = depth.expect("a variable is begun before it is used");
        Some(asm.stack_depth_bytes() - depth + 1)
    }

    /// Adds a constant to a pair. Changes r30; of one on the stack, X and Z.
    pub(crate) fn advance(&self, asm: &mut Assembly, variable: Variable, by: i32) {
        let Some(bytes) = self.bytes_above(asm, variable) else {
            add_constant(asm, self.register(variable), by);
            return;
        };
        stack_pointer(asm, Pointer::Z);
        asm.add_to_pair(Z, bytes as i32);
        asm.load(X.next(), Pointer::Z, Mode::Plain);
        asm.load(X, Pointer::Z, Mode::Displacement(1));
        asm.add_to_pair(X, by);
        asm.store(Pointer::Z, Mode::Plain, X.next());
        asm.store(Pointer::Z, Mode::Displacement(1), X);
    }

    /// All that are in registers, each with its register or the lower of its two.
    pub(crate) fn places(&self) -> &[(Variable, Register)] {
        &self.places
    }

    /// Before the kernel.
    pub(crate) fn save(&mut self, asm: &mut Assembly) {
        for &register in &self.saved {
            asm.push(register);
        }
        self.saved_at = Some(asm.stack_depth_bytes());
    }

    /// Behind the kernel.
    pub(crate) fn restore(&mut self, asm: &mut Assembly) {
        for &register in self.saved.iter().rev() {
            asm.pop(register);
        }
        self.saved_at = None;
    }

    /// Copies a pair to X, wherever it is now.
    pub(crate) fn fetch(&self, asm: &mut Assembly, variable: Variable) {
        let changed = Registers::of_pairs([X, Z]);
        asm.changing(changed, |asm| {
            if let Some(bytes) = self.bytes_above(asm, variable) {
                load_from_stack(asm, bytes);
                return;
            }
            let register = self.register(variable);
            let saved = self.saved.iter().position(|&saved| saved == register);
            let (Some(saved_at), Some(index)) = (self.saved_at, saved) else {
                asm.movw(X, register);
                return;
            };
            // The low byte was pushed first, so it is above the high one.
            let above = self.saved.len() as u32 - 1 - index as u32;
            let bytes = asm.stack_depth_bytes() - saved_at + above;
            load_from_stack(asm, bytes);
        })
    }
}

/// X ← a pair on the stack, the high byte of which is that far above the stack
/// pointer's.
fn load_from_stack(asm: &mut Assembly, bytes: u32) {
    let changed = Registers::of_pairs([X, Z]);
    asm.changing(changed, |asm| {
        stack_pointer(asm, Pointer::X);
        asm.add_to_pair(X, bytes as i32);
        asm.load(Z.next(), Pointer::X, Mode::PostIncrement);
        asm.load(Z, Pointer::X, Mode::Plain);
        asm.movw(X, Z);
    })
}

/// Adds a constant to a pair; r30 is spare.
pub(crate) fn add_constant(asm: &mut Assembly, low: Register, value: i32) {
    let changed = Registers::of_pairs([low]).and([Z]);
    asm.changing(changed, |asm| {
        let spare = R30;
        let high = low.next();
        if low.is_upper() {
            asm.add_to_pair(low, value);
            return;
        }
        match value {
            0 => {}
            1..=255 => {
                asm.ldi(spare, value as u8);
                asm.add(low, spare);
                asm.adc(high, ZERO);
            }
            -255..=-1 => {
                asm.ldi(spare, value.unsigned_abs() as u8);
                asm.sub(low, spare);
                asm.sbc(high, ZERO);
            }
            _ => {
                let [low_byte, high_byte, ..] = value.to_le_bytes();
                asm.ldi(spare, low_byte);
                asm.add(low, spare);
                asm.ldi(spare, high_byte);
                asm.adc(high, spare);
            }
        }
    })
}
