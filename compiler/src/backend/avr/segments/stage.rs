//! Where a stage's function finds what it reads, and puts what it computes.
//!
//! It is called as `layer_N(network: r25:r24 and Z, row: r22, column: r20)` for each
//! of its outputs; a dense one for each pixel of its input, which row and column
//! are then. A row is in r23:r22, a column in r21:r20, where there are more than
//! 255 of them.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::registers::{
    COLUMN, NETWORK, POSITION, PRODUCT, R16, R18, R20, ROW, Register, Registers, SCRATCH, SPARE, X,
    Z,
};
use crate::backend::avr::memory::field::MapSource;
use crate::backend::avr::memory::slots::{Slots, map_of_ring};
use crate::backend::avr::memory::state::{LoopState, Variable};
use crate::backend::avr::memory::window::WindowRow;
use crate::backend::avr::segments::reading::{Reading, address_table, look_up, spare};
use crate::plan::{Arrival, Ring, Sink};
use crate::program::{Map, Program, Stage};

/// The map that a stage reads, as if all of it lay where its newest pixels do.
pub(crate) fn arrived(program: &Program, stage: &Stage) -> Map {
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
        Arrival::Map(reading) => return program.map(reading.value).clone(),
        Arrival::Bytes | Arrival::Values => unreachable!("no kernel reads such pixels"),
    };
    map_of_ring(ring, input, stage.signed_input)
}

/// What a stage reads.
pub(crate) fn source<'a>(
    asm: &mut Assembly,
    program: &'a Program,
    stage: &Stage,
    map: &'a Map,
) -> MapSource<'a> {
    match ring_that_goes_around(program, stage) {
        Some(ring) => MapSource::in_ring(asm, program, map, ring),
        None => {
            let mut source = MapSource::new(asm, program, map);
            source.by_nibble &= !begins_byte(stage);
            source
        }
    }
}

/// Whether what a stage reads is a single pixel, which begins a byte.
fn begins_byte(stage: &Stage) -> bool {
    match stage.plan.arrival {
        Arrival::Ring(reading) => reading.ring.pixels == 1,
        Arrival::Window(_) => true,
        Arrival::Map(_) => false,
        Arrival::Bytes | Arrival::Values => unreachable!("no kernel reads such pixels"),
    }
}

/// The ring of a stage whose fields may go around its end. A padded field may begin
/// before the map, and thus before the first pixel of a ring that holds all of it. Where the input
/// has no end, a ring goes on from wherever it is.
fn ring_that_goes_around(program: &Program, stage: &Stage) -> Option<Ring> {
    stage.plan.ring().filter(|ring| {
        let is_part = ring.pixels < stage.plan.input.pixels() || program.repeat.is_some();
        ring.pixels > 1 && (is_part || stage.field.is_padded())
    })
}

/// What [`BASE`] is, from the network's address on: the end of a ring that goes
/// around, or the network.
pub(crate) fn base_byte(program: &Program, stage: &Stage) -> u32 {
    ring_that_goes_around(program, stage).map_or(0, |ring| {
        let cells = ring.first_cell + ring.cells();
        program.cursor_bytes + (cells * program.activation_bits).div_ceil(8)
    })
}

/// X ← the place of the field's first pixel, Z being the network's address; where
/// pixels are found by a table, that of the pixel's entry.
pub(crate) fn point_at_field(
    asm: &mut Assembly,
    program: &Program,
    stage: &Stage,
    source: &MapSource<'_>,
) {
    Reading::running(asm, program, stage, source.table()).point_at(asm);
}

/// X ← the place of the next pixel of the stage's output, and moves that on; whether
/// it counts nibbles. `None` where outputs stay in their window. Z is the network's
/// address.
pub(crate) fn point_at_sink(asm: &mut Assembly, program: &Program, stage: &Stage) -> Option<bool> {
    let changed = Registers::of_pairs([X, Z, SCRATCH, R16])
        .and([spare(stage)])
        .and(PRODUCT);
    asm.changing(changed, |asm| {
        let slots = match stage.plan.sink {
            Sink::Stays => return None,
            Sink::Windows {
                windows,
                window,
                function,
            } => {
                let pooled = (stage.plan.output, stage.signed_output);
                let row = WindowRow::of(program, windows, (window, function), pooled);
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
                    let slots = Slots::of_addresses(program, value, position).sparing(spare(stage));
                    let table = asm.near_table(addresses);
                    slots.load_distance(asm);
                    slots.advance(asm);
                    let by_nibble = !program.map(value).is_byte_aligned(program.activation_bits);
                    look_up(asm, table, by_nibble);
                    return Some(by_nibble);
                }
            },
        };
        let slots = slots.sparing(spare(stage));
        if slots.has_several() {
            slots.load_distance(asm);
            slots.advance(asm);
            slots.make_place(asm);
        } else {
            slots.point_at_next(asm);
        }
        Some(slots.by_nibble())
    })
}

/// What comes before a kernel: where its output goes, what it reads and joins, all
/// of which is kept in its state; and the registers that are to hold the end of its
/// ring, or the network's address.
pub(crate) fn begin(
    asm: &mut Assembly,
    program: &Program,
    stage: &Stage,
    source: &MapSource<'_>,
    state: &mut LoopState,
    ends: [Option<Register>; 2],
) {
    if state.places().len() > 1 || spare(stage) != SPARE {
        begin_by_way_of_stack(asm, program, stage, source, state);
    } else {
        begin_with_output(asm, program, stage, source, state);
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

/// X ← the place of the field, and the output's variable ← its place.
fn begin_with_output(
    asm: &mut Assembly,
    program: &Program,
    stage: &Stage,
    source: &MapSource<'_>,
    state: &LoopState,
) {
    // The column is needed by both, and the output's register may be the column's.
    let reads_window = match stage.plan.arrival {
        Arrival::Window(_) => true,
        Arrival::Ring(_) | Arrival::Map(_) | Arrival::Bytes | Arrival::Values => false,
    };
    if reads_window {
        point_at_field(asm, program, stage, source);
        asm.push(X);
        asm.push(X.next());
    }
    point_at_sink(asm, program, stage);
    // Not before the field is found, which changes r18, r19 and r21.
    let output = state.register(Variable::Output);
    let keeps_apart = [R18, R20].contains(&output) && !reads_window;
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
        point_at_field(asm, program, stage, source);
        if keeps_apart {
            asm.pop(output.next());
            asm.pop(output);
        }
    }
}

/// The variables of a dense layer's end ← the places of its output, and of what it
/// adds. Z is the network's address.
pub(crate) fn point_at_output_and_joined(
    asm: &mut Assembly,
    program: &Program,
    stage: &Stage,
    state: &LoopState,
) {
    let joined = state
        .places()
        .iter()
        .filter_map(|&(variable, register)| Some((variable.joined()?, register)));
    for (index, _) in joined.clone() {
        Reading::joined(asm, program, stage, index).point_at(asm);
        asm.push(X);
        asm.push(X.next());
    }
    if point_at_sink(asm, program, stage).is_some() {
        asm.movw(state.register(Variable::Output), X);
    }
    for (_, register) in joined.collect::<Vec<_>>().into_iter().rev() {
        asm.pop(register.next());
        asm.pop(register);
    }
}

/// The same with all other variables: their registers may be those of the row and
/// the column, and one of another.
fn begin_by_way_of_stack(
    asm: &mut Assembly,
    program: &Program,
    stage: &Stage,
    source: &MapSource<'_>,
    state: &mut LoopState,
) {
    for variable in state.stacked() {
        let index = variable.joined().expect("nothing else is on the stack");
        Reading::joined(asm, program, stage, index).point_at(asm);
        state.begin(asm, variable, X);
    }
    let push_pair = |asm: &mut Assembly, low: Register| {
        asm.push(low);
        asm.push(low.next());
    };
    let push_index = |asm: &mut Assembly,
                      (from, to): (Register, Register),
                      wide: bool,
                      pushed: &mut Vec<Vec<Register>>| {
        let bytes = 1 + u8::from(wide);
        from.run(bytes).for_each(|register| asm.push(register));
        pushed.push(to.run(bytes).collect());
    };
    point_at_field(asm, program, stage, source);
    push_pair(asm, X);
    let mut pushed = vec![vec![X, X.next()]];
    for &(variable, register) in state.places() {
        match variable {
            Variable::Joined(index) => {
                let reading = Reading::joined(asm, program, stage, index.into());
                reading.point_at(asm);
                push_pair(asm, X);
                pushed.push(vec![register, register.next()]);
            }
            Variable::Row { wide } => push_index(asm, (ROW, register), wide, &mut pushed),
            Variable::Column { wide } => push_index(asm, (COLUMN, register), wide, &mut pushed),
            Variable::Output => {}
            Variable::Count { .. }
            | Variable::Rows { .. }
            | Variable::Columns { .. }
            | Variable::Corner
            | Variable::UntilWrap => unreachable!("a stage has no loop"),
        }
    }
    if point_at_sink(asm, program, stage).is_some() {
        asm.movw(state.register(Variable::Output), X);
    }
    for register in pushed
        .into_iter()
        .rev()
        .flat_map(|all| all.into_iter().rev())
    {
        asm.pop(register);
    }
}
