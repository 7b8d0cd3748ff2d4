//! The channels of several maps, one after the other, pixel by pixel.
//!
//! All of a pixel is read before any of it is stored: where it goes, parts of it may
//! still be.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::Mode;
use crate::backend::avr::isa::item::Purpose;
use crate::backend::avr::isa::loops::counted;
use crate::backend::avr::isa::registers::{
    ACTIVATION, ACTIVATIONS, Pointer, R18, Register, Registers,
};
use crate::backend::avr::memory::added::Added;
use crate::backend::avr::memory::field::MapSource;
use crate::backend::avr::memory::position::by_parity;
use crate::backend::avr::memory::runs::Run;
use crate::backend::avr::memory::state::LoopState;

const COUNTER: Register = R18;

/// A concatenation.
pub(crate) struct ConcatKernel<'a> {
    source: &'a MapSource<'a>,
    joined: Vec<Added>,
    /// Whether whole bytes are pushed, which have no nibbles of two maps.
    is_packed: bool,
}

impl<'a> ConcatKernel<'a> {
    /// `sink_is_packed`: whether its outputs begin and end at bytes.
    pub(crate) fn new(source: &'a MapSource<'a>, joined: Vec<Added>, sink_is_packed: bool) -> Self {
        let is_whole = |channels: u32, by_nibble: bool| !by_nibble && channels.is_multiple_of(2);
        let is_packed = source.bits == 4
            && sink_is_packed
            && is_whole(source.map.shape.channels, source.by_nibble)
            && joined
                .iter()
                .all(|added| is_whole(added.channels, added.by_nibble));
        Self {
            source,
            joined,
            is_packed,
        }
    }

    /// What it changes, or wants unchanged.
    pub(crate) fn registers(&self) -> Registers {
        let mut registers = self.source.registers();
        registers.insert(COUNTER);
        registers
    }

    /// Whether the bytes that it pushes hold two values each.
    pub(crate) fn is_packed(&self) -> bool {
        self.is_packed
    }

    /// Pushes one output's values, the first one first.
    pub(crate) fn emit(&self, asm: &mut Assembly, state: &LoopState) {
        asm.of(Purpose::Load, |asm| {
            let channels = self.source.map.shape.channels;
            let all = Run {
                row: 0,
                column: 0,
                channel: 0,
                values: channels,
                first_input: 0,
            };
            let depth = asm.stack_depth_bytes();
            self.source.for_each_run(asm, &[all], &mut |asm, _, odd| {
                back_to(asm, depth);
                self.push(asm, channels, odd);
            });
            for added in &self.joined {
                added.point_at(asm, state);
                let depth = asm.stack_depth_bytes();
                let push = &mut |asm: &mut Assembly, odd: bool| {
                    back_to(asm, depth);
                    self.push(asm, added.channels, odd);
                };
                if added.by_nibble {
                    by_parity(asm, push);
                } else {
                    push(asm, false);
                }
            }
        });
    }

    /// Pushes values from X on; the first is a high nibble if `odd`.
    fn push(&self, asm: &mut Assembly, channels: u32, odd: bool) {
        if self.source.bits == 8 || self.is_packed {
            let bytes = channels * self.source.bits / 8;
            let each = if bytes.is_multiple_of(2) { 2 } else { 1 };
            return repeat(asm, bytes / each, each, |asm| {
                for _ in 0..each {
                    asm.load(ACTIVATION, Pointer::X, Mode::PostIncrement);
                    asm.push(ACTIVATION);
                }
            });
        }
        let push_high = |asm: &mut Assembly| {
            asm.swap(ACTIVATIONS);
            asm.andi(ACTIVATIONS, 0x0F);
            asm.push(ACTIVATIONS);
        };
        let push_low = |asm: &mut Assembly| {
            asm.mov(ACTIVATION, ACTIVATIONS);
            asm.andi(ACTIVATION, 0x0F);
            asm.push(ACTIVATION);
        };
        let mut left = channels;
        if odd {
            asm.load(ACTIVATIONS, Pointer::X, Mode::PostIncrement);
            push_high(asm);
            left -= 1;
        }
        repeat(asm, left / 2, 2, |asm| {
            asm.load(ACTIVATIONS, Pointer::X, Mode::PostIncrement);
            push_low(asm);
            push_high(asm);
        });
        if left % 2 == 1 {
            asm.load(ACTIVATIONS, Pointer::X, Mode::Plain);
            push_low(asm);
        }
    }
}

/// `times` rounds, each of which pushes that many bytes.
fn repeat(asm: &mut Assembly, times: u32, pushes: u32, body: impl Fn(&mut Assembly)) {
    if times <= 4 {
        for _ in 0..times {
            body(asm);
        }
        return;
    }
    counted(asm, times, COUNTER, |asm| body(asm));
    asm.stack_changes(i64::from(pushes * (times - 1)));
}

/// Another way to the same place pushes the same.
fn back_to(asm: &mut Assembly, depth: u32) {
    let since = i64::from(asm.stack_depth_bytes()) - i64::from(depth);
    asm.stack_changes(-since);
}
