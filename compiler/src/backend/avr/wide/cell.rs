//! Recurrent cells, which take a row of their map in at once, or all of it.
//!
//! A step first makes `pre` of each unit (`cell_step.rs`), then the new state of each over the old
//! one (`mixing.rs`).

use super::cell_step::CellStep;
use super::factor::drop_pushed;
use super::loaded_step::LoadedStep;
use super::mixing::{Mixing, MostState, clamp};
use super::products::NIL;
use super::step_input::{Packed, StepValues, point_at_nibble};
use super::tangent::Gates;
use super::{first_byte, is_in_order, taken_byte, taken_cell};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{Condition, Mode};
use crate::backend::avr::isa::loops::counted;
use crate::backend::avr::isa::registers::{
    NETWORK, Pointer, R14, R16, R17, R18, R19, R20, R21, R22, R24, ROW, Register, X, Y, Z, ZERO,
};
use crate::backend::avr::segments::reading::Reading;
use crate::backend::avr::segments::stage::point_at_sink;
use crate::network::{Element, Feed, Gate, Sequence};
use crate::plan::{Arrival, Sink, SumArray};
use crate::program::{OwnPlace, Program, Recurrence, Stage};

/// Where the values of a step of a walk are, a pair, and the steps that are left.
const AT: Register = R14;
const ALONG: Register = R16;
const TURNS: Register = R17;
/// A state that is handed on, and what it is kept within: pairs.
const STATE: [Register; 2] = [R20, R21];
const MOST: Register = R24;
const LEAST: Register = R22;

/// How the steps over what is taken in at once go from one to the next.
#[derive(Clone, Copy)]
struct Walk {
    /// Steps up to a turn, and bytes, or nibbles, from one to the next.
    along: u32,
    along_by: i32,
    /// Turns, and as much from the last step before one, once more along, to the first after it.
    turns: u32,
    turn_by: i32,
}

/// Where a stage finds what it takes in at once.
#[derive(Clone, Copy)]
enum Taken {
    /// From that byte of the network's value on.
    Bytes(u32),
    /// From that nibble on: steps unpack it.
    Nibbles(u32),
    /// Of a row in nibbles, which is unpacked first.
    Row(Packed, RowPlace),
}

#[derive(Clone, Copy)]
enum RowPlace {
    /// From that nibble of the network's value on.
    Fixed(u32),
    /// Wherever it begins in a ring.
    Ring,
}

/// A step of a cell.
enum StepCode<'a> {
    /// Whose parameters are in the code.
    Constant(CellStep<'a>),
    Loaded(LoadedStep<'a>),
}

pub(super) struct CellCode<'a> {
    program: &'a Program,
    stage: &'a Stage,
    /// Each with the place of its first step's first value among what is taken in.
    cells: Vec<(StepCode<'a>, u32)>,
    taken: Taken,
    hidden: u32,
    states: SumArray,
    walk: Walk,
    /// How often a row, or all, is taken in.
    calls: u32,
    gate: Gate,
    sequence: Sequence,
}

impl<'a> CellCode<'a> {
    pub(super) fn of(program: &'a Program, stage: &'a Stage, it: &'a Recurrence) -> Option<Self> {
        let kind = it.kind;
        let states = stage.plan.states()?;
        let calls = stage.plan.input.height / it.map.height;
        let is_stored = match stage.plan.sink {
            Sink::Ring(ring) => first_byte(program, ring.first_cell).is_some(),
            // Results are copied as they are.
            Sink::Map { value, position: _ } => {
                let map = program.map(value);
                is_in_order(map) && first_byte(program, map.first_cell).is_some()
            }
            Sink::Results(_) | Sink::Windows { .. } | Sink::Stays => false,
        };
        let is_plain = states.bytes_each == 2
            && stage.plan.takes
            && stage.plan.joined.is_empty()
            && stage.plan.input.height < 0x100
            && is_stored;
        is_plain.then_some(())?;
        let taken = Taken::of(program, stage, it)?;
        let unpacks = match taken {
            Taken::Nibbles(_) => true,
            Taken::Bytes(_) | Taken::Row(..) => false,
        };
        // In bytes, or nibbles.
        let value_size = match it.reads {
            Element::Activation => 1,
            Element::Wide => 2,
        };
        let walk = Walk::of(it, value_size as i32)?;
        let goes_on = program.endless_rows().is_some();
        let steps = (calls * it.steps(), goes_on);
        let cells = (0..it.cells()).map(|cell| {
            let states_byte = program.cursor_bytes + states.first_byte + 2 * kind.hidden * cell;
            let made_byte = states_byte + states.bytes() / 2;
            let step = match &it.parameters {
                OwnPlace::Constant(cells) => {
                    let bytes = (states_byte, made_byte);
                    let parameters = cells.get(cell as usize)?;
                    let step = CellStep::of((it, unpacks), parameters, bytes, steps)?;
                    StepCode::Constant(step)
                }
                OwnPlace::Runtime(first_byte) => {
                    let first_byte = first_byte + it.layout.bytes * cell;
                    let step =
                        LoadedStep::of(program, (it, unpacks), first_byte, states_byte, steps)?;
                    StepCode::Loaded(step)
                }
            };
            Some((step, it.place(cell, 0, 0) * value_size))
        });
        Some(Self {
            program,
            stage,
            cells: cells.collect::<Option<_>>()?,
            taken,
            hidden: kind.hidden,
            states,
            walk,
            calls,
            gate: kind.gate,
            sequence: kind.sequence,
        })
    }

    pub(super) fn emit(&self, asm: &mut Assembly) {
        asm.times(self.calls.into(), |asm| {
            asm.push(ROW);
            asm.movw(Y, NETWORK);
            self.begin(asm);
            let pushed = self.unpack_row(asm);
            let gates = Gates::of(asm, self.gate);
            for (step, first) in &self.cells {
                let from = self.taken.place(*first);
                match self.walk.steps() {
                    1 => self.step(asm, (step, gates), from),
                    _ => self.walk(asm, (step, gates), from),
                }
            }
            drop_pushed(asm, pushed);
            asm.clr(ZERO);
            self.hand_on(asm);
            asm.ret();
        });
    }

    /// Unpacks a row of nibbles; how many bytes are pushed.
    fn unpack_row(&self, asm: &mut Assembly) -> u32 {
        let Taken::Row(packed, place) = self.taken else {
            return 0;
        };
        match place {
            RowPlace::Fixed(place) => point_at_nibble(asm, place),
            RowPlace::Ring => {
                asm.movw(Z, NETWORK);
                Reading::running(asm, self.program, self.stage, None).point_at(asm);
            }
        }
        packed.push(asm);
        packed.count
    }

    /// From the network's address on.
    fn states_byte(&self) -> u32 {
        self.program.cursor_bytes + self.states.first_byte
    }

    /// At the first row, states are 0.
    fn begin(&self, asm: &mut Assembly) {
        let begun = asm.label();
        let share = 1.0 / f64::from(self.calls);
        asm.tst(ROW);
        asm.branch(Condition::NotEqual, begun, 1.0 - share);
        asm.times(share, |asm| {
            asm.movw(X, Y);
            asm.add_to_pair(X, self.states_byte() as i32);
            counted(asm, self.states.bytes() / 2, R18, |asm| {
                asm.store(Pointer::X, Mode::PostIncrement, ZERO);
            });
        });
        asm.bind(begun);
    }

    /// Y is the network's address, before and after it.
    fn step(&self, asm: &mut Assembly, (step, gates): (&StepCode<'_>, Gates), values: StepValues) {
        let kept: &[Register] = match values {
            StepValues::Place(_) | StepValues::Pushed(_) => &[],
            StepValues::At(_) => &[AT, AT.next(), ALONG, TURNS],
        };
        for &register in kept {
            asm.push(register);
        }
        asm.ldi(NIL, 0);
        match step {
            StepCode::Constant(step) => {
                step.sums(asm, values);
                let mixing = Mixing {
                    cell: step.parameters,
                    gates,
                    hidden: self.hidden,
                    states_byte: step.states_byte,
                    made_byte: step.made_byte,
                    most_state: step.most_state.filter(|it| self.is_kept_when_made(it)),
                };
                mixing.emit(asm);
            }
            StepCode::Loaded(step) => step.emit(asm, values, gates),
        }
        for &register in kept.iter().rev() {
            asm.pop(register);
        }
    }

    /// Else it is when it is handed on: a single step of a row.
    fn is_kept_when_made(&self, most: &MostState) -> bool {
        most.is_of_24_bits || self.walk.steps() > 1
    }

    /// All steps over what was taken in.
    fn walk(&self, asm: &mut Assembly, step: (&StepCode<'_>, Gates), from: StepValues) {
        let Walk {
            along,
            along_by,
            turns,
            turn_by,
        } = self.walk;
        match (self.taken, from) {
            (Taken::Nibbles(_), StepValues::Place(place)) => point_at_nibble(asm, place),
            (Taken::Bytes(_) | Taken::Nibbles(_) | Taken::Row(..), _) => from.point_at(asm),
        }
        asm.movw(AT, X);
        asm.ldi(ALONG, along as u8);
        asm.ldi(TURNS, turns as u8);
        let next = asm.here();
        let (same, done) = (asm.label(), asm.label());
        asm.times(self.walk.steps().into(), |asm| {
            self.step(asm, step, StepValues::At(AT));
            asm.movw(X, AT);
            asm.add_to_pair(X, along_by);
            asm.dec(ALONG);
            let share = 1.0 / f64::from(along);
            asm.branch(Condition::NotEqual, same, 1.0 - share);
            asm.times(share, |asm| {
                asm.dec(TURNS);
                asm.branch(Condition::Equal, done, 1.0 / f64::from(turns));
                asm.add_to_pair(X, turn_by);
                asm.ldi(ALONG, along as u8);
            });
            asm.bind(same);
            asm.movw(AT, X);
            asm.jump(next);
        });
        asm.bind(done);
    }

    /// The states go to where they are read: those of the last row, or of each. Y is the network's
    /// address.
    fn hand_on(&self, asm: &mut Assembly) {
        let done = asm.label();
        asm.pop(R18);
        let share = match self.sequence {
            Sequence::All => 1.0,
            Sequence::Last => {
                let share = 1.0 / f64::from(self.calls);
                asm.cpi(R18, (self.calls - 1) as u8);
                asm.branch(Condition::NotEqual, done, 1.0 - share);
                share
            }
        };
        asm.times(share, |asm| {
            asm.movw(NETWORK, Y);
            asm.movw(Z, Y);
            point_at_sink(asm, self.program, self.stage);
            asm.movw(Z, Y);
            asm.add_to_pair(Z, self.states_byte() as i32);
            for (step, _) in &self.cells {
                let most_state = match step {
                    StepCode::Constant(step) => step.most_state,
                    StepCode::Loaded(_) => None,
                };
                match most_state {
                    Some(it) if !self.is_kept_when_made(&it) => self.copy_within(asm, it.most),
                    Some(_) | None => {
                        counted(asm, 2 * self.hidden, R18, |asm| {
                            asm.load(R19, Pointer::Z, Mode::PostIncrement);
                            asm.store(Pointer::X, Mode::PostIncrement, R19);
                        });
                    }
                }
            }
        });
        asm.bind(done);
    }

    /// Copies a cell's states from Z to X, and keeps them within bounds in both places: those of a
    /// row after an input's last one, which is read as the last one, can pass them.
    fn copy_within(&self, asm: &mut Assembly, most: i16) {
        for (pair, end) in [(MOST, most), (LEAST, -most)] {
            asm.ldi_pair(pair, end as u16);
        }
        counted(asm, self.hidden, R18, |asm| {
            asm.load(STATE[0], Pointer::Z, Mode::Plain);
            asm.load(STATE[1], Pointer::Z, Mode::Displacement(1));
            clamp(asm, STATE, (LEAST, LEAST.next()), MOST);
            for register in STATE {
                asm.store(Pointer::Z, Mode::PostIncrement, register);
                asm.store(Pointer::X, Mode::PostIncrement, register);
            }
        });
    }
}

impl Taken {
    fn of(program: &Program, stage: &Stage, it: &Recurrence) -> Option<Self> {
        let pixels = it.map.pixels();
        let is_packed = match it.reads {
            Element::Activation => program.activation_bits == 4,
            Element::Wide => false,
        };
        if !is_packed {
            return Some(Self::Bytes(taken_byte(program, stage, pixels)?));
        }
        let nibble = |cell: u32| 2 * program.cursor_bytes + cell;
        let first = taken_cell(program, stage, pixels).map(nibble);
        if it.map.height > 1 {
            return Some(Self::Nibbles(first?));
        }
        let packed = Packed {
            count: it.map.values(),
            stride: 1,
            signed: it.signed,
            around: None,
        };
        match (first, stage.plan.arrival) {
            (Some(first), _) => Some(Self::Row(packed, RowPlace::Fixed(first))),
            // Of an odd number of nibbles, the next row begins elsewhere in the ring.
            (None, Arrival::Ring(reading)) if reading.ring.pixels > pixels => {
                let ring = reading.ring;
                let around = Some((nibble(ring.first_cell), ring.cells()));
                Some(Self::Row(Packed { around, ..packed }, RowPlace::Ring))
            }
            (
                None,
                Arrival::Ring(_)
                | Arrival::Map(_)
                | Arrival::Bytes
                | Arrival::Window(_)
                | Arrival::Values,
            ) => None,
        }
    }

    /// Where the value is that far after the first one.
    fn place(self, value: u32) -> StepValues {
        match self {
            Self::Bytes(first) | Self::Nibbles(first) => StepValues::Place(first + value),
            Self::Row(..) => StepValues::Pushed(value),
        }
    }
}

impl Walk {
    const STILL: Self = Self {
        along: 1,
        along_by: 0,
        turns: 1,
        turn_by: 0,
    };

    /// `None` where a byte does not count the steps, or rows are taken in at once that are steps.
    fn of(it: &Recurrence, value_size: i32) -> Option<Self> {
        let (height, channels) = (it.map.height, it.map.channels);
        let row_size = (it.map.width * channels) as i32 * value_size;
        let walk = match it.kind.feed {
            Feed::Rows | Feed::Multi => Self::STILL,
            Feed::ChannelMajor if height == 1 => Self {
                along: channels,
                along_by: value_size,
                ..Self::STILL
            },
            Feed::ChannelMajor => return None,
            Feed::RowMajor => Self {
                along: height,
                along_by: row_size,
                turns: channels,
                turn_by: value_size - height as i32 * row_size,
            },
        };
        let is_counted = walk.along < 0x100 && walk.turns < 0x100;
        (is_counted && walk.steps() == it.steps()).then_some(walk)
    }

    fn steps(self) -> u32 {
        self.along * self.turns
    }
}
