//! What a kernel that reads a table keeps in registers, or in the frame.

use crate::backend::lanes::assembly::Assembly;
use crate::backend::lanes::frame;
use crate::backend::lanes::isa::{InstructionSet, Operation, Register, Roles};

/// What is in a register, or in the frame where there are too few of them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Held {
    Register(Register),
    Slot(u32),
}

impl Held {
    /// The register that it is in, or `other`, which it is loaded into.
    pub(crate) fn get(self, asm: &mut Assembly<'_>, other: Register) -> Register {
        match self {
            Self::Register(register) => register,
            Self::Slot(slot) => {
                asm.emit(Operation::LoadSlot(other, slot));
                other
            }
        }
    }

    /// The register that it is in, or `other`, without loading it.
    pub(crate) fn get_register(self, other: Register) -> Register {
        match self {
            Self::Register(register) => register,
            Self::Slot(_) => other,
        }
    }

    /// Holds what is in that register now.
    pub(crate) fn put(self, asm: &mut Assembly<'_>, from: Register) {
        match self {
            Self::Register(register) if register == from => {}
            Self::Register(register) => asm.emit(Operation::Move(register, from)),
            Self::Slot(slot) => asm.emit(Operation::StoreSlot(from, slot)),
        }
    }
}

/// Registers of a kernel that reads a table.
#[derive(Clone, Debug)]
pub(crate) struct Registers {
    /// Points at the weights of the value that is next.
    pub(crate) weights: Register,
    pub(crate) value: Register,
    /// Scratch, of which `scratch[0]` is also changed by a value's products.
    pub(crate) scratch: [Register; 2],
    /// Where values come from.
    pub(crate) source: Held,
    /// Several values.
    pub(crate) word: Held,
    /// Where the weights of a word's values begin.
    pub(crate) start: Held,
    /// The total of all values.
    pub(super) total: Held,
    pub(super) mask: Held,
    /// A word of weights, on a core that multiplies.
    pub(super) packed: Register,
    /// Weights that are doubled, on one that does not.
    pub(super) doubled: Vec<Register>,
    /// What sums are in, and whether every operation takes it.
    pub(super) sums: Vec<(Register, bool)>,
}

impl Registers {
    /// `by_words` says that nothing has to be known of where a word's weights begin.
    pub(crate) fn of(isa: &dyn InstructionSet, by_words: bool) -> Self {
        let Roles {
            base,
            word,
            value,
            multiple,
            mask,
            low,
            high,
        } = isa.roles();
        let mut sums: Vec<(Register, bool)> = high.iter().map(|&it| (it, false)).collect();
        if !isa.multiplies() {
            let mut doubled = vec![multiple, mask];
            doubled.extend(low);
            return Self {
                weights: base,
                value,
                scratch: [multiple, word],
                source: Held::Slot(frame::SOURCE),
                word: Held::Slot(frame::WORD),
                start: Held::Slot(frame::START),
                total: Held::Slot(frame::TOTAL),
                mask: Held::Slot(frame::MASK),
                packed: multiple,
                doubled,
                sums,
            };
        }
        let others = if by_words { 2 } else { 3 };
        sums.extend(low[others..].iter().map(|&it| (it, true)));
        let total = sums.pop().map(|(register, _)| register);
        Self {
            weights: base,
            value,
            scratch: [multiple, low[1]],
            source: Held::Register(low[0]),
            word: Held::Register(word),
            start: Held::Register(low[2]),
            total: Held::Register(total.unwrap_or(mask)),
            mask: Held::Register(mask),
            packed: low[1],
            doubled: Vec::new(),
            sums,
        }
    }

    /// Registers of sums, where the total needs none.
    pub(super) fn without_total(&self) -> Vec<(Register, bool)> {
        let mut sums = self.sums.clone();
        if let Held::Register(register) = self.total {
            sums.push((register, sums.iter().any(|&(_, is_low)| is_low)));
        }
        sums
    }
}
