//! Which registers code changes: what its authors declare, and what its instructions do.

use crate::backend::avr::isa::registers::{Register, Registers};

/// What the instructions of a scope have changed so far.
///
/// A register that is pushed and then popped again is as it was.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    changed: Registers,
    /// What is on the stack: a register, and whether it had been changed when it was
    /// pushed; nothing is known of what loops push.
    pushed: Vec<Option<(Register, bool)>>,
}

impl Changes {
    pub(crate) fn add(&mut self, registers: Registers) {
        self.changed = self.changed.union(registers);
    }

    pub(crate) fn push(&mut self, register: Register) {
        let changed = self.changed.contains(register);
        self.pushed.push(Some((register, changed)));
    }

    pub(crate) fn pop(&mut self, register: Register) {
        let restores = self.pushed.pop().flatten();
        let is_restored = restores == Some((register, false));
        if is_restored {
            self.changed = self.changed.without(Registers::of([register]));
        } else {
            self.changed.insert(register);
        }
    }

    /// The stack is that many bytes deep, whatever was emitted.
    pub(crate) fn stack_is(&mut self, bytes: u32) {
        self.pushed.resize(bytes as usize, None);
    }

    /// Begins a scope; what was changed before it is returned, for [`Self::leave`].
    pub(crate) fn enter(&mut self) -> Registers {
        std::mem::take(&mut self.changed)
    }

    /// Ends a scope that declares what it changes, and gives some of that back.
    ///
    /// # Panics
    /// Where it changes another register.
    pub(crate) fn leave(&mut self, before: Registers, declared: Registers, restored: Registers) {
        let undeclared = self.changed.without(declared);
        assert!(
            undeclared == Registers::default(),
            "code that is to change {declared} alone changes {undeclared} too"
        );
        self.changed = before.union(self.changed.without(restored));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::avr::isa::assembly::Assembly;
    use crate::backend::avr::isa::core::Core;
    use crate::backend::avr::isa::function_id::FunctionId;
    use crate::backend::avr::isa::registers::{R16, R18, R20, R24, ZERO};
    use crate::target::Target;

    fn assembly() -> Assembly {
        Assembly::new(Core::of(Target::named("atmega328p").expect("a part")))
    }

    #[test]
    fn what_is_declared_may_be_changed() {
        let mut asm = assembly();
        asm.changing(Registers::of([R16, R18]), |asm| {
            asm.ldi(R16, 1);
            asm.mov(R18, R16);
            asm.cp(R20, R16);
        });
    }

    #[test]
    #[should_panic(expected = "code that is to change r16 alone changes r18 r19 too")]
    fn what_is_not_declared_may_not() {
        let mut asm = assembly();
        asm.changing(Registers::of([R16]), |asm| {
            asm.ldi(R16, 1);
            asm.movw(R18, R16);
        });
    }

    #[test]
    #[should_panic(expected = "alone changes r0 r1 too")]
    fn a_product_changes_the_register_of_zero() {
        let mut asm = assembly();
        asm.changing(Registers::of([R16]), |asm| asm.mul(R16, R18));
    }

    #[test]
    fn what_is_pushed_and_popped_is_as_it_was() {
        let mut asm = assembly();
        asm.changing(Registers::default(), |asm| {
            asm.push(R18);
            asm.changing(Registers::of([R18]), |asm| asm.ldi(R18, 1));
            asm.pop(R18);
        });
        asm.ret();
        asm.finish(FunctionId::Infer);
    }

    #[test]
    #[should_panic(expected = "alone changes r18 too")]
    fn what_was_changed_before_it_was_pushed_is_not() {
        let mut asm = assembly();
        asm.changing(Registers::default(), |asm| {
            asm.ldi(R18, 1);
            asm.push(R18);
            asm.pop(R18);
        });
    }

    #[test]
    fn what_is_given_back_concerns_nobody_around() {
        let mut asm = assembly();
        asm.changing(Registers::of([ZERO]), |asm| {
            asm.clr(ZERO);
            asm.restoring(Registers::of([R24, R24.next()]), |asm| {
                asm.add_to_pair(R24, 5);
                asm.add_to_pair(R24, -5);
            });
        });
    }
}
