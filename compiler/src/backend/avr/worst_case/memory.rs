//! Registers, SRAM and ports as far as they are known, and what two ways made of them.

use crate::backend::avr::worst_case::byte::{Byte, Flags};
use std::collections::BTreeMap;

/// What is copied where ways part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Registers {
    pub(super) bytes: [Byte; 32],
    pub(super) flags: Flags,
    pub(super) stack_pointer: u16,
    pub(super) ramp: Byte,
}

impl Registers {
    pub(super) fn or_else(&self, other: &Self) -> Self {
        Self {
            bytes: std::array::from_fn(|index| self.bytes[index].or_else(other.bytes[index])),
            flags: self.flags.or_else(other.flags),
            stack_pointer: self.stack_pointer,
            ramp: self.ramp.or_else(other.ramp),
        }
    }

    /// A pair of registers, where both are known.
    pub(super) fn pair(&self, low: usize) -> Option<u16> {
        let (low, high) = (self.bytes[low].known()?, self.bytes[low + 1].known()?);
        Some(u16::from_le_bytes([low, high]))
    }

    pub(super) fn set_pair(&mut self, low: usize, value: Option<u16>) {
        let bytes = match value {
            Some(value) => value.to_le_bytes().map(Byte::new),
            None => [Byte::UNKNOWN; 2],
        };
        self.bytes[low..low + 2].copy_from_slice(&bytes);
    }
}

/// SRAM, with what was there before each change since ways parted.
pub(super) struct Memory {
    bytes: Vec<Byte>,
    changes: Vec<(u16, Byte)>,
    /// How many partings have not met yet.
    partings: u32,
}

/// How many changes there had been.
#[derive(Clone, Copy)]
pub(super) struct Mark(usize);

/// What a way left in the bytes that it changed.
pub(super) type Changed = BTreeMap<u16, Byte>;

impl Memory {
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            bytes: vec![Byte::UNKNOWN; bytes],
            changes: Vec::new(),
            partings: 0,
        }
    }

    /// The byte at an address; of one that code must not touch, `None`.
    pub(super) fn get(&self, address: u16) -> Option<Byte> {
        self.bytes.get(usize::from(address)).copied()
    }

    pub(super) fn set(&mut self, address: u16, value: Byte) -> Option<()> {
        let byte = self.bytes.get_mut(usize::from(address))?;
        if self.partings > 0 && *byte != value {
            self.changes.push((address, *byte));
        }
        *byte = value;
        Some(())
    }

    pub(super) fn part(&mut self) -> Mark {
        self.partings += 1;
        Mark(self.changes.len())
    }

    /// Takes back what changed since then, and says what it was.
    pub(super) fn take_back(&mut self, mark: Mark) -> Changed {
        let mut changed = Changed::new();
        while self.changes.len() > mark.0 {
            if let Some((address, before)) = self.changes.pop() {
                let byte = &mut self.bytes[usize::from(address)];
                changed.entry(address).or_insert(*byte);
                *byte = before;
            }
        }
        changed
    }

    /// Both ways have been taken back: from here on either may have been gone.
    pub(super) fn meet(&mut self, one: &Changed, other: &Changed) {
        self.partings -= 1;
        for &address in one.keys().chain(other.keys()) {
            let was = self.bytes[usize::from(address)];
            let after = |changed: &Changed| changed.get(&address).copied().unwrap_or(was);
            let either = after(one).or_else(after(other));
            // A byte that both changed is set twice, to the same value.
            if one.contains_key(&address) || other.contains_key(&address) {
                self.set_met(address, either);
            }
        }
    }

    fn set_met(&mut self, address: u16, value: Byte) {
        let set = self.set(address, value);
        debug_assert!(set.is_some(), "it was there before");
    }
}
