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
use crate::plan::{Arrival, Ring, Windows};
use crate::program::{Addressing, Map, Program, Sink, Stage};

const NETWORK: Register = Register(24);
const X: Register = Register(26);
const Z: Register = Register(30);

/// The map that a stage reads, as if all of it lay where its newest pixels do.
pub(super) fn arrived(program: &Program, index: usize) -> Map {
    let stage = &program.stages[index];
    let ring = match stage.arrival {
        Arrival::Ring(ring) => ring,
        // A window that is complete is a pixel.
        Arrival::Window => Ring {
            first_cell: windows_before(program, index).first_cell,
            pixels: 1,
            channels: stage.input.channels,
        },
        Arrival::Bytes | Arrival::Values => unreachable!("no kernel reads such pixels"),
    };
    map_of_ring(ring, stage.input, stage.signed_input)
}

fn windows_before(program: &Program, index: usize) -> Windows {
    let before = &program.stages[index - 1];
    before.windows().expect("a pooling keeps windows")
}

/// What a stage reads.
pub(super) fn source<'a>(
    asm: &mut Assembly,
    program: &'a Program,
    index: usize,
    map: &'a Map,
) -> Source<'a> {
    match ring_that_goes_around(&program.stages[index]) {
        Some(ring) => {
            let bytes = ring.cells() * program.activation_bits / 8;
            Source::in_ring(asm, program, map, bytes)
        }
        None => {
            let mut source = Source::new(asm, program, map);
            source.by_nibble &= !begins_byte(&program.stages[index]);
            source
        }
    }
}

/// Whether what a stage reads is a single pixel, which begins a byte.
fn begins_byte(stage: &Stage) -> bool {
    stage.ring().is_none_or(|ring| ring.pixels == 1)
}

/// The ring of a stage whose fields may go around its end.
fn ring_that_goes_around(stage: &Stage) -> Option<Ring> {
    stage
        .ring()
        .filter(|ring| ring.pixels > 1 && ring.pixels < stage.input.pixels())
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
pub(super) fn point_at_field(asm: &mut Assembly, program: &Program, index: usize) {
    let stage = &program.stages[index];
    match stage.arrival {
        Arrival::Ring(ring) => {
            let slots = Slots::of_ring(program, ring, stage.ring_position);
            if ring_that_goes_around(stage).is_some() || ring.pixels == stage.input.pixels() {
                let kernel = stage.field.kernel;
                let live = (kernel.height - 1) * stage.input.width + kernel.width;
                slots.load_distance(asm);
                slots.skip(asm, ring.pixels - live.min(ring.pixels));
                slots.make_place(asm);
            } else {
                slots.point_at_next(asm);
            }
        }
        Arrival::Window => {
            let before = &program.stages[index - 1];
            let row = Row::of_stage(program, before).expect("a pooling keeps windows");
            row.point_at(asm, true);
        }
        Arrival::Bytes | Arrival::Values => unreachable!("no kernel reads such pixels"),
    }
}

/// X ← the place of the next pixel of the stage's output, and moves that on;
/// whether it counts nibbles. `None` where outputs stay in their window. Z is the
/// network's address. Changes r0, r18, r19 and r21.
pub(super) fn point_at_sink(asm: &mut Assembly, program: &Program, stage: &Stage) -> Option<bool> {
    let slots = match stage.sink {
        Sink::Stays => return None,
        Sink::Windows {
            windows,
            window,
            pooling,
        } => {
            let signed = signed_output(stage);
            let row = Row::of(program, windows, window, pooling, signed);
            row.point_at(asm, false);
            row.begin(asm);
            return Some(false);
        }
        Sink::Ring { ring, position } => Slots::of_ring(program, ring, position),
        Sink::Results(sums) => {
            let position = stage.sums_position;
            Slots::of_results(program, sums, stage.output.channels, position)
        }
        Sink::Map { position } => match address_table(program) {
            None => Slots::of_map(program, position),
            Some(addresses) => {
                let slots = Slots::of_addresses(program, position);
                let table = asm.near_table(addresses);
                slots.load_distance(asm);
                slots.advance(asm);
                return Some(look_up(asm, program, table));
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

/// The places of map 0's pixels, where they are no multiples.
fn address_table(program: &Program) -> Option<Vec<u8>> {
    let map = &program.maps[0];
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

/// X, an offset into the table, becomes the place; whether it counts nibbles.
fn look_up(asm: &mut Assembly, program: &Program, table: Label) -> bool {
    let by_nibble = !program.maps[0].is_byte_aligned(program.activation_bits);
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
    by_nibble
}

/// Whether what a stage computes may be negative.
pub(super) fn signed_output(stage: &Stage) -> bool {
    use crate::program::{Finish, Operation};
    match &stage.operation {
        Operation::AveragePool { .. } | Operation::MaxPool => stage.signed_input,
        operation => operation
            .sums()
            .last()
            .is_some_and(|sum| sum.finish == Finish::Signed),
    }
}

/// What comes before a kernel: where its output goes, which is saved, what it reads, and the
/// registers that are to hold the end of its ring, or the network's address.
pub(super) fn begin(
    asm: &mut Assembly,
    program: &Program,
    index: usize,
    state: &mut State,
    ends: [Option<Register>; 2],
) {
    let stage = &program.stages[index];
    // The column is needed by both, and the output's register may be the column's.
    let reads_window = stage.arrival == Arrival::Window;
    if reads_window {
        point_at_field(asm, program, index);
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
        point_at_field(asm, program, index);
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
