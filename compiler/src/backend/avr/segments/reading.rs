//! Where a stage's function finds what it reads: the first pixel of its field, or
//! the pixel that it adds, concatenates or takes in.
//!
//! While places are found, Z is the network's address.

use crate::backend::avr::arithmetic::index::{compare, is_wide, registers};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition, Mode};
use crate::backend::avr::isa::registers::{
    COLUMN, NETWORK, PRODUCT, Pointer, R17, Register, Registers, SCRATCH, SPARE, X, Z,
};
use crate::backend::avr::memory::position::{position_in_network, position_of_cells};
use crate::backend::avr::memory::slots::{Slots, leave, position_byte, reach};
use crate::backend::avr::memory::window::WindowRow;
use crate::network::Kernel;
use crate::network::PoolFunction;
use crate::network::Shape;
use crate::network::ValueId;
use crate::plan::Windows;
use crate::plan::{Arrival, MapReading, Moves};
use crate::program::Addressing;
use crate::program::{Map, Program, Stage};

const NEXT: Register = SCRATCH;

/// How a stage finds an input.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    place: ReadingPlace,
    /// Where X counts nibbles.
    pub(crate) by_nibble: bool,
    moves: Option<Movement>,
    spare: Register,
}

#[derive(Clone, Debug)]
enum ReadingPlace {
    /// So many slots from a position on, around a ring.
    Ring { slots: Slots, ahead: u32 },
    /// The window that is complete.
    Window(WindowRow),
    /// In a map: the place of the first pixel at position 0, from the network's
    /// address on, and the position's place in the network's value.
    Map { first: i32, position_byte: u32 },
    /// By the map's table of addresses, as [`ReadingPlace::Map`].
    Entry {
        table: CodeLabel,
        first_entry: i32,
        position_byte: u32,
        /// Whether X is to be the place that the entry says, or that of the entry.
        looks_up: bool,
    },
}

/// How a position of its own moves on: constants to add after an output, and after
/// the last one of a row.
#[derive(Clone, Copy, Debug)]
struct Movement {
    position_byte: u32,
    along: i32,
    down: i32,
    /// The ring's length, where it goes around one.
    around: Option<u32>,
    columns: u32,
    is_small: bool,
}

impl Reading {
    /// Of the running map. `table`: that of the addresses of a whole map, from which
    /// the field's pixels are found; without it X is the first pixel itself.
    pub(crate) fn running(
        asm: &mut Assembly,
        program: &Program,
        stage: &Stage,
        table: Option<CodeLabel>,
    ) -> Self {
        let columns = if stage.plan.takes {
            stage.plan.input_timing.columns.count
        } else {
            stage.plan.output.width
        };
        Self::of(asm, program, stage, (stage.plan.arrival, columns), table)
    }

    /// Of a map that is added or concatenated.
    pub(crate) fn joined(
        asm: &mut Assembly,
        program: &Program,
        stage: &Stage,
        index: usize,
    ) -> Self {
        let arrival = stage.plan.joined[index];
        Self::of(
            asm,
            program,
            stage,
            (arrival, stage.plan.output.width),
            None,
        )
    }

    fn of(
        asm: &mut Assembly,
        program: &Program,
        stage: &Stage,
        (arrival, columns): (Arrival, u32),
        table: Option<CodeLabel>,
    ) -> Self {
        let spare = spare(stage);
        match arrival {
            Arrival::Ring(reading) => {
                let slots = Slots::of_ring(program, reading.ring, reading.position);
                let position = reading.position.zip(reading.moves);
                Self {
                    by_nibble: slots.by_nibble(),
                    moves: position.map(|(position, moves)| Movement {
                        position_byte: position_byte(program, position),
                        along: (moves.column % reading.ring.pixels * slots.step()) as i32,
                        down: (moves.row as i32).rem_euclid(reading.ring.pixels as i32)
                            * slots.step() as i32,
                        around: Some(slots.length()),
                        columns,
                        is_small: slots.is_small(),
                    }),
                    place: ReadingPlace::Ring {
                        slots: slots.sparing(spare),
                        ahead: reading.ahead,
                    },
                    spare,
                }
            }
            Arrival::Window(windows) => Self {
                place: ReadingPlace::Window(complete_windows(program, windows)),
                by_nibble: false,
                moves: None,
                spare,
            },
            Arrival::Map(reading) => {
                let map = program.map(reading.value);
                let by_nibble = !map.is_byte_aligned(program.activation_bits);
                let place = in_map(asm, program, reading, table);
                let step = match place {
                    ReadingPlace::Entry { .. } => 2,
                    ReadingPlace::Map { .. }
                    | ReadingPlace::Ring { .. }
                    | ReadingPlace::Window(_) => {
                        let channels = map.shape.channels;
                        position_of_cells(channels, program.activation_bits, by_nibble) as i32
                    }
                };
                let Moves { column, row } = reading.moves;
                Self {
                    place,
                    by_nibble,
                    moves: Some(Movement {
                        position_byte: position_byte(program, reading.position),
                        along: column as i32 * step,
                        down: row as i32 * step,
                        around: None,
                        columns,
                        is_small: false,
                    }),
                    spare,
                }
            }
            Arrival::Bytes | Arrival::Values => unreachable!("no function reads such pixels"),
        }
    }

    /// X ← the place, and moves a position of its own on.
    pub(crate) fn point_at(&self, asm: &mut Assembly) {
        let changed = Registers::of_pairs([X, Z, SCRATCH])
            .and([self.spare])
            .and(PRODUCT);
        asm.changing(changed, |asm| match &self.place {
            ReadingPlace::Window(row) => row.point_at(asm, true),
            ReadingPlace::Ring { slots, ahead } => {
                if !slots.has_several() {
                    slots.point_at_next(asm);
                    return;
                }
                slots.load_distance(asm);
                self.move_on(asm);
                slots.skip(asm, *ahead);
                slots.make_place(asm);
            }
            ReadingPlace::Map {
                first,
                position_byte,
            } => {
                load(asm, *position_byte);
                self.move_on(asm);
                for _ in 0..if self.by_nibble { 2 } else { 1 } {
                    asm.add(X, NETWORK);
                    asm.adc(X.next(), NETWORK.next());
                }
                asm.add_to_pair(X, *first);
            }
            ReadingPlace::Entry {
                table,
                first_entry,
                position_byte,
                looks_up,
            } => {
                load(asm, *position_byte);
                self.move_on(asm);
                asm.add_to_pair(X, *first_entry);
                if *looks_up {
                    look_up(asm, *table, self.by_nibble);
                } else {
                    asm.ldi_address(NEXT, (*table, 0), 0);
                    asm.ldi_address(NEXT.next(), (*table, 0), 1);
                    asm.add(X, NEXT);
                    asm.adc(X.next(), NEXT.next());
                }
            }
        })
    }

    /// Moves the position on, which is in X and stays there.
    fn move_on(&self, asm: &mut Assembly) {
        let Some(Movement {
            position_byte,
            along,
            down,
            around,
            columns,
            is_small,
        }) = self.moves
        else {
            return;
        };
        asm.movw(NEXT, X);
        if along == down || columns == 1 {
            asm.add_to_pair(NEXT, down);
        } else {
            let (last, moved) = (asm.label(), asm.label());
            let share = 1.0 / f64::from(columns);
            compare(asm, &registers(COLUMN, columns), columns - 1, self.spare);
            asm.branch(Condition::Equal, last, share);
            asm.times(1.0 - share, |asm| {
                asm.add_to_pair(NEXT, along);
                asm.jump(moved);
            });
            asm.bind(last);
            asm.times(share, |asm| asm.add_to_pair(NEXT, down));
            asm.bind(moved);
        }
        if let Some(length) = around {
            let inside = asm.label();
            let [low, high, ..] = length.to_le_bytes();
            asm.ldi(self.spare, high);
            asm.cpi(NEXT, low);
            asm.cpc(NEXT.next(), self.spare);
            asm.branch(Condition::Lower, inside, 0.9);
            asm.times(0.1, |asm| {
                asm.subi(NEXT, low);
                asm.sbci(NEXT.next(), high);
            });
            asm.bind(inside);
        }
        let displacement = reach(asm, position_byte);
        asm.store(Pointer::Z, Mode::Displacement(displacement), NEXT);
        if !is_small {
            let displacement = displacement + 1;
            asm.store(Pointer::Z, Mode::Displacement(displacement), NEXT.next());
        }
        leave(asm, position_byte);
    }
}

fn in_map(
    asm: &mut Assembly,
    program: &Program,
    MapReading {
        value,
        position,
        before,
        moves: _,
    }: MapReading,
    table: Option<CodeLabel>,
) -> ReadingPlace {
    let map: &Map = program.map(value);
    let position_byte = position_byte(program, position);
    let entries = table.or_else(|| {
        let addresses = address_table(program, value)?;
        Some(asm.near_table(addresses))
    });
    if let Some(entries) = entries {
        return ReadingPlace::Entry {
            table: entries,
            first_entry: -2 * before as i32,
            position_byte,
            looks_up: table.is_none(),
        };
    }
    let bits = program.activation_bits;
    let by_nibble = !map.is_byte_aligned(bits);
    let first = position_in_network(map.first_cell, bits, by_nibble, program.cursor_bytes);
    let before = position_of_cells(before * map.shape.channels, bits, by_nibble);
    ReadingPlace::Map {
        first: first as i32 - before as i32,
        position_byte,
    }
}

/// X ← a position.
fn load(asm: &mut Assembly, byte: u32) {
    let displacement = reach(asm, byte);
    asm.load(X, Pointer::Z, Mode::Displacement(displacement));
    asm.load(X.next(), Pointer::Z, Mode::Displacement(displacement + 1));
    leave(asm, byte);
}

/// The windows of a pooling, of which one is complete.
pub(crate) fn complete_windows(program: &Program, windows: Windows) -> WindowRow {
    let each = (Kernel::square(1), PoolFunction::Maximum);
    let row = Shape::new(1, windows.count / windows.bands, windows.channels);
    WindowRow::of(program, windows, each, (row, false))
}

/// An upper register that may be changed before a kernel: not one of a column that
/// takes two.
pub(crate) fn spare(stage: &Stage) -> Register {
    let has_wide_columns = [stage.plan.input, stage.plan.output]
        .into_iter()
        .any(|shape| is_wide(shape.width));
    if has_wide_columns { R17 } else { SPARE }
}

/// The places of a map's pixels, where they are no multiples.
pub(crate) fn address_table(program: &Program, value: ValueId) -> Option<Vec<u8>> {
    let map = program.map(value);
    let Addressing::Table(cells) = &map.addressing else {
        return None;
    };
    let bits = program.activation_bits;
    let by_nibble = !map.is_byte_aligned(bits);
    let entries = cells.iter().flat_map(|&cell| {
        let place = crate::backend::avr::memory::position::position_in_network(
            cell,
            bits,
            by_nibble,
            program.cursor_bytes,
        ) as u16;
        place.to_le_bytes()
    });
    Some(entries.collect())
}

/// X, an offset into the table, becomes the place.
pub(crate) fn look_up(asm: &mut Assembly, table: CodeLabel, by_nibble: bool) {
    let changed = Registers::of_pairs([X, Z]);
    asm.changing(changed, |asm| {
        asm.ldi_address(Z, (table, 0), 0);
        asm.ldi_address(Z.next(), (table, 0), 1);
        asm.add(Z, X);
        asm.adc(Z.next(), X.next());
        asm.lpm_near(X);
        asm.lpm_near(X.next());
        asm.movw(Z, NETWORK);
        for _ in 0..if by_nibble { 2 } else { 1 } {
            asm.add(X, NETWORK);
            asm.adc(X.next(), NETWORK.next());
        }
    })
}
