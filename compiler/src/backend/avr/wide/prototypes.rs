//! The scores of prototypes.
//!
//! Of each the table has its values, and then its labels. Where labels are packed or all is loaded
//! with the network, the values of all come first.

use super::multiply::{mul, mulsu};
use super::products::NIL;
use super::scores::{SCORE_BYTES, SCORES, ScoresPlace, VALUES};
use super::weights::{Memory, ParameterPlace, WEIGHT, WeightReader};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition, Mode};
use crate::backend::avr::isa::item::Purpose;
use crate::backend::avr::isa::loops::counted;
use crate::backend::avr::isa::registers::{
    PRODUCT, Pointer, R2, R6, R8, R10, R11, R12, R13, R16, R17, R18, R19, R20, R21, R22, Register,
    Y, Z, ZERO,
};
use crate::backend::avr::layer::part::LayerPart;
use crate::program::{OwnPlace, Program, PrototypeScores};
use crate::weights::PrototypeParameters;

/// The distance's lowest byte; the others are in the registers after it.
const DISTANCE: Register = R2;
/// A difference, and then how near a prototype is.
const DIFFERENCE: [Register; 2] = [R16, R17];
const NEARNESS: [Register; 2] = [R16, R17];
/// A value of the prototype, and then the distance as an index.
const OTHER: [Register; 2] = [R18, R19];
const INDEX: [Register; 2] = [R18, R19];
const REST: Register = R20;
const LABEL: Register = WEIGHT;
/// Where the labels of the next prototype are, and its values meanwhile: pairs.
const LABELS: Register = R6;
const NEXT: Register = R8;
const BYTE: Register = R19;
/// The product of a label and a nearness; two of it keep Z where tables are looked up.
const PART: [Register; 4] = [R10, R11, R12, R13];
const COUNT: Register = R21;
const PROTOTYPES: Register = R22;

/// The most that the square of a difference is.
const MOST_SQUARE: u32 = 1 << 18;

pub(super) struct PrototypesCode<'a> {
    scores: &'a PrototypeScores,
    rows: PrototypeRows<'a>,
    place: ScoresPlace<'a>,
}

/// Where values and labels are.
enum PrototypeRows<'a> {
    /// In a table, prototype by prototype, a byte a label.
    Beside(&'a PrototypeParameters),
    /// As they are packed: in a table of those bytes, or loaded.
    Table(Vec<u8>),
    Loaded(ParameterPlace),
}

/// How they are read.
struct PrototypeReader {
    memory: Memory,
    labels: WeightReader,
    /// Whether all values come before all labels.
    apart: bool,
}

impl<'a> PrototypesCode<'a> {
    pub(super) fn of(
        program: &'a Program,
        part: LayerPart<'a>,
        scores: &'a PrototypeScores,
    ) -> Option<Self> {
        let layout = scores.layout;
        let rows = match &scores.parameters {
            OwnPlace::Constant(it) if layout.weight_bits == 8 => PrototypeRows::Beside(it),
            OwnPlace::Constant(_) => PrototypeRows::Table(scores.packed()?),
            OwnPlace::Runtime(first_byte) => {
                PrototypeRows::Loaded(ParameterPlace::loaded(program, *first_byte))
            }
        };
        let network_stays = scores.parameters.loaded().is_some();
        let place = ScoresPlace::of(program, part, scores.classes, network_stays)?;
        (layout.bytes <= u32::from(u16::MAX)).then_some(Self {
            scores,
            rows,
            place,
        })
    }

    fn distance(&self) -> Vec<Register> {
        let bytes = match self.scores.values * MOST_SQUARE < 1 << 24 {
            true => 3,
            false => 4,
        };
        DISTANCE.run(bytes).collect()
    }

    fn table(&self, parameters: &PrototypeParameters) -> Vec<u8> {
        let values = parameters.prototype.chunks(self.scores.values as usize);
        let labels = parameters.label.chunks(self.scores.classes as usize);
        let of = values.zip(labels).flat_map(|(values, labels)| {
            let values = values.iter().flat_map(|value| value.to_le_bytes());
            values.chain(labels.iter().map(|&label| label as u8))
        });
        of.collect()
    }

    /// Z ← where the first prototype's values are, and [`LABELS`] ← its labels, if they are apart.
    fn point_at_rows(&self, asm: &mut Assembly) -> PrototypeReader {
        let place = match &self.rows {
            PrototypeRows::Loaded(place) => *place,
            PrototypeRows::Table(bytes) => ParameterPlace::Flash(asm.near_table(bytes.clone())),
            PrototypeRows::Beside(parameters) => {
                let table = asm.near_table(self.table(parameters));
                ParameterPlace::Flash(table).point_at(asm, 0, VALUES);
                return PrototypeReader {
                    memory: Memory::Flash,
                    labels: WeightReader::TABLE,
                    apart: false,
                };
            }
        };
        let layout = self.scores.layout;
        place.point_at(asm, layout.label.first_byte, VALUES);
        asm.movw(LABELS, Z);
        place.point_at(asm, layout.prototype_byte, VALUES);
        let labels = WeightReader::packed(place.memory(), layout.weight_bits);
        PrototypeReader {
            memory: place.memory(),
            labels: WeightReader { byte: R2, ..labels },
            apart: true,
        }
    }

    /// The share of labels that are 0.
    fn zeros(&self) -> f64 {
        let OwnPlace::Constant(parameters) = &self.scores.parameters else {
            return 0.0;
        };
        let labels = &parameters.label;
        let zeros = labels.iter().filter(|&&label| label == 0).count();
        zeros as f64 / labels.len() as f64
    }

    pub(super) fn emit(&self, asm: &mut Assembly) {
        let whole = PrototypeScores::whole_table();
        let whole = asm.near_table(whole.iter().flat_map(|it| it.to_le_bytes()).collect());
        let rest = asm.near_table(PrototypeScores::rest_table().to_vec());
        self.place.begin(asm);
        let reader = self.point_at_rows(asm);
        asm.ldi(NIL, 0);
        counted(asm, self.scores.count, PROTOTYPES, |asm| {
            asm.of(Purpose::MultiplyAccumulate, |asm| {
                for register in self.distance() {
                    asm.mov(register, NIL);
                }
                self.place.point_at_values(asm);
                counted(asm, self.scores.values, COUNT, |asm| {
                    self.square(asm, reader.memory);
                });
            });
            asm.of(Purpose::Requantise, |asm| {
                self.index(asm);
                self.look_up(asm, (whole, rest));
            });
            asm.of(Purpose::MultiplyAccumulate, |asm| {
                asm.movw(Y, SCORES);
                if reader.apart {
                    asm.movw(NEXT, Z);
                    asm.movw(Z, LABELS);
                }
                self.labels(asm, reader.labels);
                if reader.apart {
                    asm.movw(LABELS, Z);
                    asm.movw(Z, NEXT);
                }
            });
        });
        asm.clr(ZERO);
        asm.ret();
    }

    /// Adds the square of the difference to the distance.
    fn square(&self, asm: &mut Assembly, memory: Memory) {
        let distance = &self.distance();
        let [low, high] = DIFFERENCE;
        let (positive, near, small) = (asm.label(), asm.label(), asm.label());
        for register in DIFFERENCE {
            asm.load(register, Pointer::X, Mode::PostIncrement);
        }
        for register in OTHER {
            memory.load(asm, register);
        }
        asm.sub(low, OTHER[0]);
        asm.sbc(high, OTHER[1]);
        // The flags know its seventeenth bit; without its sign it has sixteen.
        asm.branch(Condition::GreaterOrEqual, positive, 0.5);
        asm.times(0.5, |asm| {
            asm.com(high);
            asm.com(low);
            asm.subi(low, 0xFF);
            asm.sbci(high, 0xFF);
        });
        asm.bind(positive);
        asm.cpi(high, 2);
        asm.branch(Condition::Lower, near, 0.9);
        asm.times(0.1, |asm| {
            asm.ldi(low, 0);
            asm.ldi(high, 2);
        });
        asm.bind(near);
        mul(asm, low, low);
        add(asm, distance, &PRODUCT);
        asm.tst(high);
        asm.branch(Condition::Equal, small, 0.7);
        asm.times(0.3, |asm| {
            // Where the high byte is 2, the low one is 0.
            mul(asm, high, low);
            asm.lsl(PRODUCT[0]);
            asm.rol(PRODUCT[1]);
            add(asm, &distance[1..], &PRODUCT);
            mul(asm, high, high);
            add(asm, &distance[2..], &PRODUCT[..1]);
        });
        asm.bind(small);
    }

    /// [`INDEX`] ← the distance, shifted down by 9 bits and no more than 511.
    fn index(&self, asm: &mut Assembly) {
        let distance = &self.distance()[1..];
        let (far, near) = (asm.label(), asm.label());
        asm.ldi(INDEX[0], 1);
        add(asm, distance, &INDEX[..1]);
        for (index, &register) in distance.iter().rev().enumerate() {
            match index {
                0 => asm.lsr(register),
                _ => asm.ror(register),
            }
        }
        for &register in &distance[2..] {
            asm.cp(register, NIL);
            asm.branch(Condition::NotEqual, far, 0.1);
        }
        asm.mov(INDEX[0], distance[0]);
        asm.mov(INDEX[1], distance[1]);
        asm.cpi(INDEX[1], 2);
        asm.branch(Condition::Lower, near, 0.5);
        asm.bind(far);
        asm.times(0.5, |asm| asm.ldi_pair(INDEX[0], 511));
        asm.bind(near);
    }

    /// [`NEARNESS`] ← e to the whole part of the index, times e to the rest of it.
    fn look_up(&self, asm: &mut Assembly, (whole, rest): (CodeLabel, CodeLabel)) {
        asm.mov(REST, INDEX[0]);
        asm.andi(REST, 0x1F);
        for _ in 0..3 {
            asm.lsl(INDEX[0]);
            asm.rol(INDEX[1]);
        }
        asm.lsl(INDEX[1]);
        let kept = PART[2];
        asm.movw(kept, Z);
        let point_at = |asm: &mut Assembly, table: CodeLabel, index: Register| {
            asm.ldi_address(Z, (table, 0), 0);
            asm.ldi_address(Z.next(), (table, 0), 1);
            asm.add(Z, index);
            asm.adc(Z.next(), NIL);
        };
        let [low, high] = NEARNESS;
        point_at(asm, whole, INDEX[1]);
        asm.lpm_near(low);
        asm.lpm_near(high);
        point_at(asm, rest, REST);
        asm.lpm_near(REST);
        asm.movw(Z, kept);
        mul(asm, low, REST);
        asm.mov(low, PRODUCT[1]);
        mul(asm, high, REST);
        asm.mov(high, PRODUCT[1]);
        asm.add(low, PRODUCT[0]);
        asm.adc(high, NIL);
    }

    /// Adds all labels of a prototype.
    fn labels(&self, asm: &mut Assembly, reader: WeightReader) {
        let per_byte = reader.per_byte();
        let classes = self.scores.classes;
        counted(asm, classes / per_byte, COUNT, |asm| {
            for field in 0..per_byte {
                self.label(asm, reader, field);
            }
        });
        for field in 0..classes % per_byte {
            self.label(asm, reader, field);
        }
    }

    /// Adds a label times the nearness to the score at Y, and goes to the next; `field`: that of a
    /// byte which the label is.
    fn label(&self, asm: &mut Assembly, reader: WeightReader, field: u32) {
        let next = asm.label();
        let [low, high] = PRODUCT;
        reader.weight(asm, field);
        asm.tst(LABEL);
        asm.branch(Condition::Equal, next, self.zeros());
        asm.times(1.0 - self.zeros(), |asm| {
            // The carry is a product's sign.
            mulsu(asm, LABEL, NEARNESS[1]);
            asm.mov(PART[1], low);
            asm.mov(PART[2], high);
            asm.sbc(PART[3], PART[3]);
            mulsu(asm, LABEL, NEARNESS[0]);
            asm.sbc(NIL, NIL);
            asm.mov(PART[0], low);
            asm.add(PART[1], high);
            asm.adc(PART[2], NIL);
            asm.adc(PART[3], NIL);
            asm.ldi(NIL, 0);
            for (index, (place, register)) in (0..).zip(PART).enumerate() {
                asm.load(BYTE, Pointer::Y, Mode::Displacement(place));
                match index {
                    0 => asm.add(BYTE, register),
                    _ => asm.adc(BYTE, register),
                }
                asm.store(Pointer::Y, Mode::Displacement(place), BYTE);
            }
        });
        asm.bind(next);
        asm.add_to_pair(Y, SCORE_BYTES as i32);
    }
}

/// Adds a positive number to a longer one.
fn add(asm: &mut Assembly, to: &[Register], what: &[Register]) {
    for (index, &register) in to.iter().enumerate() {
        let byte = what.get(index).copied().unwrap_or(NIL);
        match index {
            0 => asm.add(register, byte),
            _ => asm.adc(register, byte),
        }
    }
}
