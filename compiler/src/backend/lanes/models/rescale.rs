//! From sums, which are in the frame, to bytes: `least + ⌊(s·m + c) / 2^k⌋` of `s` between 0
//! and the last sum that matters, with products of halves, so that nothing needs more than a word.

use super::frame;
use crate::backend::lanes::assembly::Assembly;
use crate::backend::lanes::isa::{Condition, Operation, Roles};
use crate::backend::lanes::product;
use crate::backend::lanes::strip::share_of_loops;
use crate::program::{ByteScale, ByteScales};

/// Words of an output's scale.
#[derive(Clone, Copy, Debug)]
struct Words {
    has_other: bool,
    has_least: bool,
}

const LAST: u32 = 0;
/// The lower half of the multiplier, and the upper one.
const MULTIPLIER: [u32; 2] = [4, 6];
/// The same of the addend.
const ADDEND: [u32; 2] = [8, 10];
const FROM: u32 = 12;
/// Of another addend.
const OTHER: [u32; 2] = [16, 18];

impl Words {
    fn of(scales: &ByteScales) -> Self {
        let first = scales.scales[0].least;
        Self {
            has_other: scales.scales.iter().any(|it| it.other.is_some()),
            has_least: scales.scales.iter().any(|it| it.least != first),
        }
    }

    fn least(self) -> u32 {
        if self.has_other { OTHER[0] + 4 } else { FROM }
    }

    fn bytes(self) -> u32 {
        self.least() + if self.has_least { 4 } else { 0 }
    }

    fn words(self, scale: &ByteScale) -> Vec<u32> {
        let mut words = vec![scale.last, scale.multiplier, scale.addend];
        if self.has_other {
            // No sum is above the last one.
            let (from, addend) = scale.other.unwrap_or((scale.last + 1, scale.addend));
            words.extend([from, addend]);
        }
        if self.has_least {
            words.push(scale.least as u8 as u32);
        }
        words
    }
}

/// The words of all scales.
pub(super) fn table(scales: &ByteScales) -> impl Iterator<Item = u32> {
    let words = Words::of(scales);
    scales.scales.iter().flat_map(move |it| words.words(it))
}

/// Makes bytes of that many sums.
pub(super) fn emit(asm: &mut Assembly<'_>, scales: &ByteScales, sums: u32) {
    let Roles {
        base: output,
        word: scratch,
        value: sum,
        mask: quotient,
        low,
        ..
    } = asm.isa().roles();
    let (next_sum, start, scale) = (low[0], low[1], low[2]);
    let words = Words::of(scales);
    asm.emit(Operation::SlotAddress(next_sum, frame::SUMS));
    asm.emit(Operation::LoadSlot(start, frame::START));
    asm.emit(Operation::LoadSlot(scale, frame::SCALE));
    asm.emit(Operation::LoadSlot(output, frame::OUTPUT));
    if sums > 1 {
        asm.emit(Operation::Immediate(scratch, sums as i32));
        asm.emit(Operation::StoreSlot(scratch, frame::SUMS_LEFT));
    }
    let next = asm.here();
    asm.times(sums.into(), |asm| {
        asm.emit(Operation::Load(sum, next_sum, 0));
        asm.emit(Operation::AddImmediate(next_sum, 4));
        asm.emit(Operation::Load(scratch, start, 0));
        asm.emit(Operation::AddImmediate(start, 4));
        asm.emit(Operation::Subtract(sum, sum, scratch));
        // 0 of negative ones.
        asm.emit(Operation::ShiftRightSigned(scratch, sum, 31));
        asm.emit(Operation::And(scratch, sum));
        asm.emit(Operation::Subtract(sum, sum, scratch));
        asm.emit(Operation::Load(scratch, scale, LAST));
        let is_within = asm.label();
        asm.branch(Condition::Less(sum, scratch), 0.9, is_within);
        asm.emit(Operation::Move(sum, scratch));
        asm.bind(is_within);
        divide(asm, scales, words);
        if words.has_least {
            asm.emit(Operation::Load(scratch, scale, words.least()));
            asm.emit(Operation::Add(quotient, quotient, scratch));
        } else {
            let least = scales.scales[0].least as u8;
            asm.emit(Operation::AddImmediate(quotient, least.into()));
        }
        asm.emit(Operation::StoreByte(quotient, output, 0));
        asm.emit(Operation::AddImmediate(output, 1));
        if scales.scales.len() > 1 {
            asm.emit(Operation::AddImmediate(scale, words.bytes() as i32));
        }
        if sums > 1 {
            asm.emit(Operation::LoadSlot(scratch, frame::SUMS_LEFT));
            asm.emit(Operation::AddImmediate(scratch, -1));
            asm.emit(Operation::StoreSlot(scratch, frame::SUMS_LEFT));
            asm.branch(Condition::NotZero(scratch), share_of_loops(sums), next);
        }
    });
    asm.emit(Operation::StoreSlot(start, frame::START));
    asm.emit(Operation::StoreSlot(scale, frame::SCALE));
    asm.emit(Operation::StoreSlot(output, frame::OUTPUT));
}

/// `quotient` ← `⌊(sum · multiplier + addend) / 2^k⌋`, by halves: what is below is dropped as soon
/// as nothing more is added to it.
fn divide(asm: &mut Assembly<'_>, scales: &ByteScales, words: Words) {
    use Operation::{Add, Load, LoadHalf, Move, ShiftLeft, ShiftRight};
    let Roles {
        word: half,
        value: sum,
        multiple: factor,
        mask: quotient,
        low,
        ..
    } = asm.isa().roles();
    let scale = low[2];
    let has_upper = scales.sum_bytes > 2;
    let lower_half = |asm: &mut Assembly<'_>| match has_upper {
        true => asm.emit_all([ShiftLeft(half, sum, 16), ShiftRight(half, half, 16)]),
        false => asm.emit(Move(half, sum)),
    };
    let multiply = |asm: &mut Assembly<'_>| product::add_product(asm, quotient, (half, factor));
    lower_half(asm);
    asm.emit(LoadHalf(factor, scale, MULTIPLIER[0]));
    product::product(asm, half, factor);
    let addends = |asm: &mut Assembly<'_>, [lower, upper]: [u32; 2]| {
        asm.emit_all([
            LoadHalf(quotient, scale, lower),
            LoadHalf(factor, scale, upper),
        ]);
    };
    if words.has_other {
        let (is_below, found) = (asm.label(), asm.label());
        asm.emit(Load(quotient, scale, FROM));
        asm.branch(Condition::Less(sum, quotient), 0.5, is_below);
        asm.times(0.5, |asm| {
            addends(asm, OTHER);
            asm.jump(found);
        });
        asm.bind(is_below);
        asm.times(0.5, |asm| addends(asm, ADDEND));
        asm.bind(found);
    } else {
        addends(asm, ADDEND);
    }
    asm.emit(Add(quotient, quotient, half));
    asm.emit(ShiftRight(quotient, quotient, 16));
    asm.emit(Add(quotient, quotient, factor));
    if has_upper {
        asm.emit(LoadHalf(factor, scale, MULTIPLIER[0]));
        asm.emit(ShiftRight(half, sum, 16));
        multiply(asm);
    }
    asm.emit(LoadHalf(factor, scale, MULTIPLIER[1]));
    lower_half(asm);
    multiply(asm);
    asm.emit(ShiftRight(quotient, quotient, 16));
    if has_upper {
        asm.emit(ShiftRight(half, sum, 16));
        multiply(asm);
    }
    let left = (scales.bits_below - 32) as u8;
    if left > 0 {
        asm.emit(ShiftRight(quotient, quotient, left));
    }
}
