//! A pooling: the largest value or the total of each channel of a field, some channels at
//! once; or their sums by loaded weights.

use super::assembly::Assembly;
use super::convolution::Emitter;
use super::frame;
use super::isa::{Condition, InstructionSet, Operation, Register, Roles};
use super::layer::{Convolution, Reduction};
use super::loaded::Loaded;
use super::product;
use super::quotient::Quotient;
use super::reason::Reason;
use super::strip::{Strip, add_constant};
use super::sums::Located;
use crate::network::NodeId;
use crate::program::{Divisor, Pooling};
use std::ops::Range;

/// Taps up to which each has code of its own.
pub(crate) const MOST_TAPS: u32 = 9;

/// Channels that are reduced at once: some of those of a word.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    pub(crate) outputs: Range<usize>,
    /// What each is in, and whether every operation takes it.
    registers: Vec<(Register, bool)>,
    /// Of a pixel's words, theirs, and which of its channels the first one is.
    word: u32,
    place: u32,
    /// The joined map that has them, if not the running one.
    joined: Option<usize>,
}

impl Pass {
    pub(crate) fn place(&self, output: usize) -> Located {
        let (register, is_low) = self.registers[output - self.outputs.start];
        Located {
            register,
            is_low,
            lane: None,
        }
    }
}

/// What a pooling of values of that many bits does, and by how many bits it shifts down.
pub(crate) fn of(node: NodeId, pooling: Pooling, bits: u32) -> Result<(Reduction, u8), Reason> {
    match pooling {
        Pooling::Maximum => Ok((Reduction::Maximum, 0)),
        Pooling::Average(Divisor(count)) => {
            let most_value = (1 << bits) - 1;
            let most = count.checked_mul(most_value);
            let quotient = most.and_then(|most| Quotient::of(count, most));
            let Quotient {
                before,
                factor,
                shift,
            } = quotient.ok_or(Reason::Pooling(node))?;
            Ok((Reduction::Total { before, factor }, shift))
        }
    }
}

/// What channels are reduced in.
pub(crate) fn registers(isa: &dyn InstructionSet, layer: &Convolution) -> Vec<(Register, bool)> {
    let Roles {
        low, high, mask, ..
    } = isa.roles();
    let low = low.into_iter().map(|register| (register, true));
    match layer.reduction {
        Reduction::Maximum | Reduction::Total { .. } => low.chain([(mask, true)]).collect(),
        Reduction::Weighted | Reduction::OwnWeights => {
            // A product without a multiplier takes two.
            let taken = if isa.multiplies() { 0 } else { 2 };
            let high = high.into_iter().skip(taken);
            low.chain(high.map(|register| (register, false))).collect()
        }
    }
}

/// All channels, those of joined maps after those of the running one where these are channels too.
pub(crate) fn passes(
    registers: &[(Register, bool)],
    layer: &Convolution,
    strip: &Strip,
) -> Vec<Pass> {
    let joined = match layer.reduction {
        Reduction::Maximum | Reduction::Total { .. } => &layer.joined[..],
        Reduction::Weighted | Reduction::OwnWeights => &[],
    };
    let joined = (0..).zip(joined);
    let joined = joined.map(|(index, map)| (Some(index), map.input.channels));
    let mut first = 0;
    let maps = [(None, layer.input.channels)].into_iter().chain(joined);
    let passes = maps.flat_map(|(joined, channels)| {
        let passes = passes_of(registers, strip, (joined, first, channels as usize));
        first += channels as usize;
        passes
    });
    passes.collect()
}

/// Those of a map, whose channels are the outputs from the first one on.
fn passes_of(
    registers: &[(Register, bool)],
    strip: &Strip,
    (joined, first_output, channels): (Option<usize>, usize, usize),
) -> Vec<Pass> {
    // Each begins at a byte of a pixel, and ends in its word.
    let per_word = strip.per_word as usize;
    let each = [8, 4, 2].into_iter().find(|it| *it <= registers.len());
    let each = each.unwrap_or(1).min(per_word);
    let firsts = (0..channels).step_by(each);
    firsts
        .map(|first| Pass {
            outputs: first_output + first..first_output + channels.min(first + each),
            registers: registers.to_vec(),
            word: (first / per_word) as u32,
            place: (first % per_word) as u32,
            joined,
        })
        .collect()
}

impl Emitter<'_> {
    /// Reduces the field that the pointer in the frame points at.
    pub(crate) fn reduce(&self, asm: &mut Assembly<'_>, pass: &Pass, field: u32) {
        let Self { layer, strip, .. } = self;
        let Roles {
            base, word, value, ..
        } = *self.roles;
        let field = pass
            .joined
            .map_or(field, |index| self.joined[index].field_slot);
        asm.emit(Operation::LoadSlot(base, field));
        add_constant(asm, base, i64::from(4 * pass.word), value);
        let (rows, columns) = layer.kernel;
        if rows * columns == 1 && layer.weights.loaded.is_none() {
            asm.emit(Operation::Load(word, base, 0));
            for output in pass.outputs.clone() {
                self.take_channel(asm, pass, (pass.place(output).register, output));
            }
            return;
        }
        self.begin_sums(asm, pass);
        let pixel_bytes = 4 * strip.words;
        let most_taps = match layer.weights.loaded {
            Some(_) => 1,
            None => MOST_TAPS,
        };
        if rows * columns <= most_taps {
            for row in 0..rows {
                for column in 0..columns {
                    let offset = column * pixel_bytes;
                    self.reduce_word(asm, pass, offset);
                }
                if row + 1 < rows {
                    add_constant(asm, base, strip.row_bytes().into(), value);
                }
            }
            return;
        }
        self.repeat(asm, rows, frame::KERNEL_ROWS, |asm| {
            self.repeat(asm, columns, frame::KERNEL_WORDS, |asm| {
                self.reduce_word(asm, pass, 0);
                add_constant(asm, base, pixel_bytes.into(), value);
            });
            let gap = i64::from(strip.row_bytes()) - i64::from(columns * pixel_bytes);
            add_constant(asm, base, gap, value);
        });
    }

    /// Takes a row of the field in that the pointer in the frame points at.
    pub(super) fn reduce_row(&self, asm: &mut Assembly<'_>, pass: &Pass, field: u32) {
        let Roles { base, value, .. } = *self.roles;
        let columns = self.layer.kernel.1;
        let pixel_bytes = 4 * self.strip.words;
        asm.emit(Operation::LoadSlot(base, field));
        add_constant(asm, base, i64::from(4 * pass.word), value);
        if columns <= MOST_TAPS {
            for column in 0..columns {
                self.reduce_word(asm, pass, column * pixel_bytes);
            }
            return;
        }
        self.repeat(asm, columns, frame::KERNEL_WORDS, |asm| {
            self.reduce_word(asm, pass, 0);
            add_constant(asm, base, pixel_bytes.into(), value);
        });
    }

    /// Takes the channels of a word in.
    fn reduce_word(&self, asm: &mut Assembly<'_>, pass: &Pass, offset: u32) {
        let Self { layer, roles, .. } = self;
        let Roles {
            base, word, value, ..
        } = **roles;
        asm.emit(Operation::Load(word, base, offset));
        if let Some(loaded) = layer.weights.loaded {
            self.add_own_products(asm, pass, &loaded);
            return;
        }
        for output in pass.outputs.clone() {
            let sum = pass.place(output).register;
            self.take_channel(asm, pass, (value, output));
            match layer.reduction {
                Reduction::Maximum => {
                    let is_smaller = asm.label();
                    asm.branch(Condition::Less(value, sum), 0.5, is_smaller);
                    asm.emit(Operation::Move(sum, value));
                    asm.bind(is_smaller);
                }
                Reduction::Total { .. } | Reduction::Weighted | Reduction::OwnWeights => {
                    asm.emit(Operation::Add(sum, sum, value));
                }
            }
        }
    }

    /// Sums, or maxima, of nothing.
    fn begin_sums(&self, asm: &mut Assembly<'_>, pass: &Pass) {
        let Roles { value, word, .. } = *self.roles;
        let Some(loaded) = self.layer.weights.loaded else {
            for output in pass.outputs.clone() {
                asm.emit(Operation::Immediate(pass.place(output).register, 0));
            }
            return;
        };
        asm.emit(Operation::Immediate(value, 0));
        for output in pass.outputs.clone() {
            asm.emit(Operation::Move(pass.place(output).register, value));
        }
        let first_byte = loaded.first_weight + pass.outputs.start as u32 * loaded.weight_bits / 8;
        asm.emit(Operation::LoadSlot(value, frame::BIASES));
        add_constant(asm, value, first_byte.into(), word);
        asm.emit(Operation::StoreSlot(value, frame::START));
    }

    /// Adds the products of the channels of the word and of their own weights, which the frame
    /// points at, and moves on to those of the next tap. A field is a weight and its offset, which
    /// is not negative.
    fn add_own_products(&self, asm: &mut Assembly<'_>, pass: &Pass, loaded: &Loaded) {
        let Roles {
            value,
            multiple: byte,
            mask: field,
            ..
        } = *self.roles;
        let (bits, down) = (loaded.weight_bits, (32 - loaded.weight_bits) as u8);
        let around = (32 - self.layer.bits) as u8;
        for (index, output) in (0..).zip(pass.outputs.clone()) {
            let by = index * bits % 8;
            if by == 0 {
                asm.emit(Operation::LoadSlot(field, frame::START));
                asm.emit(Operation::LoadByte(byte, field, index * bits / 8));
            }
            self.take_channel(asm, pass, (value, output));
            if loaded.signed_values {
                asm.emit(Operation::ShiftLeft(value, value, around));
                asm.emit(Operation::ShiftRightSigned(value, value, around));
            }
            if by + bits == 8 {
                asm.emit(Operation::ShiftRight(field, byte, by as u8));
            } else {
                asm.emit(Operation::ShiftLeft(field, byte, down - by as u8));
                asm.emit(Operation::ShiftRight(field, field, down));
            }
            let sum = pass.place(output).register;
            if asm.isa().multiplies() {
                asm.emit(Operation::AddImmediate(field, -(1 << (bits - 1))));
                asm.emit(Operation::Multiply(field, value));
                asm.emit(Operation::Add(sum, sum, field));
            } else {
                product::add_product(asm, sum, (field, value));
                asm.emit(Operation::ShiftLeft(value, value, (bits - 1) as u8));
                asm.emit(Operation::Negate(value, value));
                asm.emit(Operation::Add(sum, sum, value));
            }
        }
        asm.emit(Operation::LoadSlot(field, frame::START));
        add_constant(asm, field, loaded.row_bytes.into(), value);
        asm.emit(Operation::StoreSlot(field, frame::START));
    }

    /// `to` ← the channel of the word that becomes that output.
    fn take_channel(&self, asm: &mut Assembly<'_>, pass: &Pass, (to, output): (Register, usize)) {
        let (word, bits) = (self.roles.word, self.layer.bits);
        let by = (pass.place + (output - pass.outputs.start) as u32) * bits;
        let above = 32 - bits - by;
        let mut from = word;
        if above > 0 {
            asm.emit(Operation::ShiftLeft(to, word, above as u8));
            from = to;
        }
        asm.emit(Operation::ShiftRight(to, from, (32 - bits) as u8));
    }
}
