//! Where a streamed layer finds what it reads, and puts what it computes.
//!
//! Its function is called as `layer_N(network: r25:r24 and Z, row: r22, column:
//! r20)` for each of its outputs; a dense one for each pixel of its input.

use super::assembly::Assembly;
use super::field::Source;
use super::instruction::{Label, Register};
use super::slot::{Slots, map_of_ring};
use super::state::{POSITION, State, Variable};
use super::windows::Row;
use crate::network::{Kernel, PoolFunction, ValueId};
use crate::plan::{Arrival, Ring, Sink, Windows};
use crate::program::{Addressing, Map, Program, Stage};

const NETWORK: Register = Register(24);
const X: Register = Register(26);
const Z: Register = Register(30);

/// The map that a stage reads, as if all of it lay where its newest pixels do.
pub(super) fn arrived(stage: &Stage) -> Map {
    let input = stage.plan.input;
    let ring = match stage.plan.arrival {
        Arrival::Ring(reading) => reading.ring,
        // A window that is complete is a pixel.
        Arrival::Window(windows) => Ring {
            first_cell: windows.first_cell,
            pixels: 1,
            channels: input.channels,
            position: None,
        },
        Arrival::Map(_) => todo!(),
        Arrival::Bytes | Arrival::Values => unreachable!("no kernel reads such pixels"),
    };
    map_of_ring(ring, input, stage.signed_input)
}

/// The windows of a pooling, of which one is complete.
pub(super) fn complete_windows(program: &Program, windows: Windows) -> Row {
    let (window, function) = (Kernel::square(1), PoolFunction::Maximum);
    Row::of(program, windows, window, function, false)
}

/// What a stage reads.
pub(super) fn source<'a>(
    asm: &mut Assembly,
    program: &'a Program,
    stage: &Stage,
    map: &'a Map,
) -> Source<'a> {
    match ring_that_goes_around(stage) {
        Some(ring) => {
            let bytes = ring.cells() * program.activation_bits / 8;
            Source::in_ring(asm, program, map, bytes)
        }
        None => {
            let mut source = Source::new(asm, program, map);
            source.by_nibble &= !begins_byte(stage);
            source
        }
    }
}

/// Whether what a stage reads is a single pixel, which begins a byte.
fn begins_byte(stage: &Stage) -> bool {
    stage.plan.ring().is_none_or(|ring| ring.pixels == 1)
}

/// The ring of a stage whose fields may go around its end.
fn ring_that_goes_around(stage: &Stage) -> Option<Ring> {
    stage
        .plan
        .ring()
        .filter(|ring| ring.pixels > 1 && ring.pixels < stage.plan.input.pixels())
}

/// What [`BASE`](super::state::BASE) is, from the network's address on: the end of a ring that goes
/// around, or the network.
pub(super) fn base_byte(program: &Program, stage: &Stage) -> u32 {
    ring_that_goes_around(stage).map_or(0, |ring| {
        let cells = ring.first_cell + ring.cells();
        program.cursor_bytes + cells * program.activation_bits / 8
    })
}

/// X ← the place of the field's first pixel, Z being the network's address.
/// Changes r0, r18, r19 and r21.
pub(super) fn point_at_field(asm: &mut Assembly, program: &Program, stage: &Stage) {
    match stage.plan.arrival {
        Arrival::Ring(reading) => {
            let ring = reading.ring;
            let slots = Slots::of_ring(program, ring, reading.position);
            if ring_that_goes_around(stage).is_some() || ring.pixels == stage.plan.input.pixels() {
                slots.load_distance(asm);
                slots.skip(asm, reading.ahead);
                slots.make_place(asm);
            } else {
                slots.point_at_next(asm);
            }
        }
        Arrival::Window(windows) => complete_windows(program, windows).point_at(asm, true),
        Arrival::Map(_) => todo!(),
        Arrival::Bytes | Arrival::Values => unreachable!("no kernel reads such pixels"),
    }
}

/// X ← the place of the next pixel of the stage's output, and moves that on;
/// whether it counts nibbles. `None` where outputs stay in their window. Z is the
/// network's address. Changes r0, r18, r19 and r21.
pub(super) fn point_at_sink(asm: &mut Assembly, program: &Program, stage: &Stage) -> Option<bool> {
    let slots = match stage.plan.sink {
        Sink::Stays => return None,
        Sink::Windows {
            windows,
            window,
            function,
        } => {
            let row = Row::of(program, windows, window, function, stage.signed_output);
            row.point_at(asm, false);
            row.begin(asm);
            return Some(false);
        }
        Sink::Ring(ring) => Slots::of_ring(program, ring, ring.position),
        Sink::Results(sums) => {
            let position = stage.plan.sums_position;
            Slots::of_results(program, sums, stage.plan.output.channels, position)
        }
        Sink::Map { value, position } => match address_table(program, value) {
            None => Slots::of_map(program, value, position),
            Some(addresses) => {
                let slots = Slots::of_addresses(program, value, position);
                let table = asm.near_table(addresses);
                slots.load_distance(asm);
                slots.advance(asm);
                let by_nibble = !program.map(value).is_byte_aligned(program.activation_bits);
                look_up(asm, table, by_nibble);
                return Some(by_nibble);
            }
        },
    };
    if slots.has_several() {
        slots.load_distance(asm);
        slots.advance(asm);
        slots.make_place(asm);
    } else {
        slots.point_at_next(asm);
    }
    Some(slots.by_nibble())
}

/// The places of a map's pixels, where they are no multiples.
fn address_table(program: &Program, value: ValueId) -> Option<Vec<u8>> {
    let map = program.map(value);
    let Addressing::Table(cells) = &map.addressing else {
        return None;
    };
    let bits = program.activation_bits;
    let by_nibble = !map.is_byte_aligned(bits);
    let entries = cells.iter().flat_map(|&cell| {
        let place =
            super::field::position_in_network(cell, bits, by_nibble, program.cursor_bytes) as u16;
        place.to_le_bytes()
    });
    Some(entries.collect())
}

/// X, an offset into the table, becomes the place.
fn look_up(asm: &mut Assembly, table: Label, by_nibble: bool) {
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
}

/// What comes before a kernel: where its output goes, which is saved, what it reads, and the
/// registers that are to hold the end of its ring, or the network's address.
pub(super) fn begin(
    asm: &mut Assembly,
    program: &Program,
    stage: &Stage,
    state: &mut State,
    ends: [Option<Register>; 2],
) {
    // The column is needed by both, and the output's register may be the column's.
    let reads_window = matches!(stage.plan.arrival, Arrival::Window(_));
    if reads_window {
        point_at_field(asm, program, stage);
        asm.push(X);
        asm.push(X.next());
    }
    point_at_sink(asm, program, stage);
    // Not before the field is found, which changes r18, r19 and r21.
    let output = state.register(Variable::Output);
    let keeps_apart = [18, 20].contains(&output.0) && !reads_window;
    if keeps_apart {
        asm.push(X);
        asm.push(X.next());
    } else {
        asm.movw(output, X);
    }
    if reads_window {
        asm.pop(X.next());
        asm.pop(X);
    } else {
        point_at_field(asm, program, stage);
        if keeps_apart {
            asm.pop(output.next());
            asm.pop(output);
        }
    }
    // The kernel's registers may be those of what is kept.
    state.save(asm);
    let mut ends = ends.into_iter().flatten();
    if let Some(first) = ends.next() {
        asm.movw(first, NETWORK);
        asm.add_to_pair(first, base_byte(program, stage) as i32);
        for other in ends.filter(|&other| other != first) {
            asm.movw(other, first);
        }
    }
    asm.movw(POSITION, X);
}
