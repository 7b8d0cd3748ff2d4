//! Nibbles into bytes, and what was pushed into a map.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{Condition, Mode};
use crate::backend::avr::isa::registers::{
    Pointer, R30, R31, Register, Registers, TEMPORARY, X, Z,
};

pub(crate) const ONE: Register = R30;
pub(crate) const OTHER: Register = R31;
const COUNTER: Register = TEMPORARY;

/// Packs nibbles from X on; the first is a high one if `odd`.
pub(crate) fn pack(asm: &mut Assembly, values: &[Register], odd: bool) {
    let mut values = values;
    if odd && let Some((&first, rest)) = values.split_first() {
        asm.load(ONE, Pointer::X, Mode::Plain);
        asm.andi(ONE, 0x0F);
        asm.swap(first);
        asm.or(first, ONE);
        asm.store(Pointer::X, Mode::PostIncrement, first);
        values = rest;
    }
    let (pairs, rest) = values.as_chunks::<2>();
    for &[low, high] in pairs {
        asm.swap(high);
        asm.or(high, low);
        asm.store(Pointer::X, Mode::PostIncrement, high);
    }
    if let [last] = *rest {
        asm.load(ONE, Pointer::X, Mode::Plain);
        asm.andi(ONE, 0xF0);
        asm.or(last, ONE);
        asm.store(Pointer::X, Mode::Plain, last);
    }
}

/// Values on the stack, of which the first was pushed first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pushed {
    pub(crate) values: u32,
    /// Bytes of a value, which is in the last of them that is popped.
    pub(crate) bytes_each: u32,
}

impl Pushed {
    /// Pops the last one.
    pub(crate) fn pop(self, asm: &mut Assembly, register: Register) {
        (0..self.bytes_each).for_each(|_| asm.pop(register));
    }

    /// After code that pops `written` values, and runs until all of these are popped.
    pub(crate) fn are_popped(self, asm: &mut Assembly, values: u32, written: u32) {
        let change = i64::from(written) - i64::from(values);
        asm.stack_changes(i64::from(self.bytes_each) * change);
    }

    /// All their bytes.
    pub(crate) fn bytes(self) -> u32 {
        self.values * self.bytes_each
    }
}

/// Pops nibbles and packs them from the last to the first, X being at the byte
/// of the first, in its high half if `odd`.
pub(crate) fn unstack(asm: &mut Assembly, pushed: Pushed, odd: bool) {
    let count = pushed.values;
    let end = count + u32::from(odd);
    asm.add_to_pair(X, (end / 2) as i32);
    if end % 2 == 1 {
        pushed.pop(asm, ONE);
        asm.load(OTHER, Pointer::X, Mode::Plain);
        asm.andi(OTHER, 0xF0);
        asm.or(ONE, OTHER);
        asm.store(Pointer::X, Mode::Plain, ONE);
    }
    let pairs = (count - end % 2 - u32::from(odd)) / 2;
    repeat(asm, pairs, |asm| {
        pushed.pop(asm, ONE);
        pushed.pop(asm, OTHER);
        asm.swap(ONE);
        asm.or(ONE, OTHER);
        asm.store(Pointer::X, Mode::PreDecrement, ONE);
    });
    pushed.are_popped(asm, 2 * pairs, 2 * pairs.min(1));
    if odd {
        pushed.pop(asm, ONE);
        asm.swap(ONE);
        asm.load(OTHER, Pointer::X, Mode::PreDecrement);
        asm.andi(OTHER, 0x0F);
        asm.or(ONE, OTHER);
        asm.store(Pointer::X, Mode::Plain, ONE);
    }
}

/// Emits a loop of `count`, which is at most 255. Changes r0 and, before the
/// first round, Z's low half.
pub(crate) fn repeat(asm: &mut Assembly, count: u32, body: impl FnOnce(&mut Assembly)) {
    match count {
        0 => {}
        1 => body(asm),
        _ => {
            asm.ldi(ONE, count as u8);
            asm.mov(COUNTER, ONE);
            let next = asm.here();
            asm.times(count.into(), |asm| {
                body(asm);
                asm.dec(COUNTER);
                asm.loop_back(Condition::NotEqual, next, count.into());
            });
        }
    }
}

/// Takes `count` bytes from the stack.
pub(crate) fn drop_pushed(asm: &mut Assembly, count: u32) {
    let changed = Registers::of([TEMPORARY, Z]);
    asm.changing(changed, |asm| {
        if count <= 6 {
            for _ in 0..count {
                asm.pop(COUNTER);
            }
            return;
        }
        asm.ldi(ONE, count as u8);
        let next = asm.here();
        asm.times(count.into(), |asm| {
            asm.pop(COUNTER);
            asm.dec(ONE);
            asm.loop_back(Condition::NotEqual, next, count.into());
        });
        asm.stack_changes(1 - i64::from(count));
    })
}
