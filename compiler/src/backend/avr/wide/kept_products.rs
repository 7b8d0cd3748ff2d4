//! The products of a value that has arrived, each added to a sum in SRAM.
//!
//! A row has the weights of one value. As a table it has one an output, or, where that is shorter,
//! a list of those that are not 0, each with the place of its sum; as instructions it has those
//! that are not 0 alone.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{Condition, Mode};
use crate::backend::avr::isa::item::Purpose;
use crate::backend::avr::isa::loops::counted;
use crate::backend::avr::isa::registers::{
    PRODUCT, Pointer, R16, R17, R18, R19, R21, R22, R24, R25, Register, Y, Z,
};
use crate::backend::avr::wide::multiply::{muls, mulsu};
use crate::backend::avr::wide::products::block;
use crate::program::{Expectation, packed_row_bytes};

/// The value, and the weight that it is multiplied with.
const VALUE: Register = R16;
const WEIGHT: Register = R17;
/// The upper bytes of a product.
const SIGN: Register = R18;
/// A byte of a sum.
const BYTE: Register = R19;
/// 0, while products are in r0 and r1.
const NOUGHT: Register = R21;
/// Where the sums begin: a pair.
pub(super) const FIRST: Register = R22;
const BLOCKS: Register = R24;
/// Bytes left of a list.
const LEFT: Register = R25;

/// The last byte that `ldd` and `std` reach, and how many they do.
const REACHED: u32 = 64;
/// Of the outputs whose code is written down.
const MOST_OF_A_BLOCK: u32 = 8;

/// A matrix, and the sums that its products are added to.
#[derive(Clone, Copy)]
pub(super) struct KeptProducts<'a> {
    /// Of each value, one an output.
    pub(super) weights: &'a [i8],
    /// Bits of a weight where a table is not of lists.
    pub(super) weight_bits: u32,
    pub(super) outputs: u32,
    /// Bytes from a sum to the next.
    pub(super) bytes_each: u32,
    /// Bytes of a sum that are counted; the others may be anything.
    pub(super) bytes: u32,
    /// Whether values are two's complement.
    pub(super) signed: bool,
    /// How many of them are 0.
    pub(super) expectation: &'a Expectation,
}

impl KeptProducts<'_> {
    /// All rows as a table.
    pub(super) fn table(&self) -> Vec<u8> {
        match self.lists() {
            Some(lists) => lists.into_iter().flatten().collect(),
            None => self.weights.iter().map(|&weight| weight as u8).collect(),
        }
    }

    fn rows(&self) -> impl Iterator<Item = &[i8]> {
        self.weights.chunks(self.outputs as usize)
    }

    /// Whether a table of it is read here: of rows of packed weights it is not.
    pub(super) fn reads_table(&self) -> bool {
        self.weight_bits == 8 || self.lists().is_some()
    }

    /// The rows as lists, where these take less: the bytes that follow, then of each weight that
    /// is not 0 the place of its sum and itself.
    fn lists(&self) -> Option<Vec<Vec<u8>>> {
        let lists = self.rows().map(|row| {
            let weights = (0..).zip(row).filter(|&(_, &weight)| weight != 0);
            let entries: Vec<u8> = weights
                .map(|(output, &weight)| Some([self.place(output)?, weight as u8]))
                .collect::<Option<Vec<_>>>()?
                .concat();
            let length = u8::try_from(entries.len()).ok()?;
            Some([vec![length], entries].concat())
        });
        let lists: Vec<Vec<u8>> = lists.collect::<Option<_>>()?;
        let bytes: usize = lists.iter().map(Vec::len).sum();
        let row_bytes = packed_row_bytes(self.outputs, self.weight_bits) as usize;
        (bytes < row_bytes * lists.len()).then_some(lists)
    }

    /// The first byte of a sum, where a byte says which.
    fn place(&self, output: u32) -> Option<u8> {
        u8::try_from(output * self.bytes_each).ok()
    }

    /// Adds the products of the values from X on, as many as a pixel has, [`FIRST`] being the sums'
    /// address, and Z that of the row in the table, and of the next row then.
    pub(super) fn add_by_table(&self, asm: &mut Assembly, channels: u32, counter: Register) {
        let lists = self.lists();
        if lists.is_some() {
            asm.ldi(NOUGHT, 0);
        }
        counted(asm, channels, counter, |asm| match &lists {
            Some(lists) => {
                let entries = self.weights.iter().filter(|&&weight| weight != 0).count();
                self.add_list(asm, entries as f64 / lists.len() as f64);
            }
            None => self.add_row(asm),
        });
    }

    /// One value and its row.
    fn add_row(&self, asm: &mut Assembly) {
        let (zero, next) = (asm.label(), asm.label());
        let zeros = self.expectation.mean_zero();
        asm.load(VALUE, Pointer::X, Mode::PostIncrement);
        asm.tst(VALUE);
        asm.branch(Condition::Equal, zero, zeros);
        asm.times(1.0 - zeros, |asm| {
            asm.of(Purpose::MultiplyAccumulate, |asm| self.multiply_row(asm));
            asm.jump(next);
        });
        asm.bind(zero);
        asm.times(zeros, |asm| {
            asm.add_to_pair(Z, self.outputs as i32);
        });
        asm.bind(next);
    }

    fn multiply_row(&self, asm: &mut Assembly) {
        let most = MOST_OF_A_BLOCK.min(REACHED / self.bytes_each);
        let size = block(self.outputs, most);
        let blocks = self.outputs / size;
        asm.movw(Y, FIRST);
        counted(asm, blocks, BLOCKS, |asm| {
            for index in 0..size {
                asm.lpm_near(WEIGHT);
                self.add_product(asm, index * self.bytes_each);
            }
            if blocks > 1 {
                asm.add_to_pair(Y, (size * self.bytes_each) as i32);
            }
        });
    }

    /// One value and its list of that many entries, in the mean.
    fn add_list(&self, asm: &mut Assembly, entries: f64) {
        let (zero, next, done) = (asm.label(), asm.label(), asm.label());
        let zeros = self.expectation.mean_zero();
        asm.load(VALUE, Pointer::X, Mode::PostIncrement);
        asm.lpm_near(LEFT);
        asm.tst(VALUE);
        asm.branch(Condition::Equal, zero, zeros);
        asm.times(1.0 - zeros, |asm| {
            asm.bind(next);
            asm.of(Purpose::MultiplyAccumulate, |asm| {
                asm.times(1.0 + entries, |asm| {
                    asm.subi(LEFT, 2);
                    asm.branch(Condition::Lower, done, 1.0 / (1.0 + entries));
                });
                asm.times(entries, |asm| {
                    asm.movw(Y, FIRST);
                    asm.lpm_near(BYTE);
                    asm.add(Y, BYTE);
                    asm.adc(Y.next(), NOUGHT);
                    asm.lpm_near(WEIGHT);
                    self.add_product(asm, 0);
                    asm.jump(next);
                });
            });
        });
        asm.bind(zero);
        asm.times(zeros, |asm| {
            asm.add(Z, LEFT);
            asm.adc(Z.next(), NOUGHT);
        });
        asm.bind(done);
    }

    /// Adds the products of a pixel's values from X on as instructions; `first`: the number of the
    /// pixel's first value.
    pub(super) fn add_by_instructions(&self, asm: &mut Assembly, first: u32, channels: u32) {
        let rows = self.rows().skip(first as usize).take(channels as usize);
        for (channel, row) in rows.enumerate() {
            let zeros = self.expectation.zero(channel);
            let next = asm.label();
            asm.load(VALUE, Pointer::X, Mode::PostIncrement);
            let weights = (0..).zip(row).filter(|&(_, &weight)| weight != 0);
            let weights: Vec<(u32, i8)> = weights.map(|(output, &it)| (output, it)).collect();
            if weights.is_empty() {
                continue;
            }
            asm.tst(VALUE);
            asm.branch(Condition::Equal, next, zeros);
            asm.times(1.0 - zeros, |asm| {
                asm.of(Purpose::MultiplyAccumulate, |asm| {
                    asm.movw(Y, FIRST);
                    let mut reached = 0;
                    for (output, weight) in weights {
                        let place = output * self.bytes_each;
                        if place + self.bytes_each > reached + REACHED {
                            asm.add_to_pair(Y, (place - reached) as i32);
                            reached = place;
                        }
                        asm.ldi(WEIGHT, weight as u8);
                        self.add_product(asm, place - reached);
                    }
                });
            });
            asm.bind(next);
        }
    }

    /// Adds the product to the sum that far after Y.
    fn add_product(&self, asm: &mut Assembly, place: u32) {
        match self.signed {
            true => muls(asm, WEIGHT, VALUE),
            false => mulsu(asm, WEIGHT, VALUE),
        }
        // The carry is the product's sign.
        if self.bytes > 2 {
            asm.sbc(SIGN, SIGN);
        }
        for (index, byte) in (place..place + self.bytes).enumerate() {
            let at = Mode::Displacement(byte as u8);
            asm.load(BYTE, Pointer::Y, at);
            match index {
                0 => asm.add(BYTE, PRODUCT[0]),
                1 => asm.adc(BYTE, PRODUCT[1]),
                _ => asm.adc(BYTE, SIGN),
            }
            asm.store(Pointer::Y, at, BYTE);
        }
    }
}
