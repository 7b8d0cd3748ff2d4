//! A sum over a whole map: activations one after the other, as they are stored.

use super::assembly::Assembly;
use super::frame;
use super::isa::{Condition, Operation, Register, Roles};
use super::layer::{Dense, DenseOutputs};
use super::multiples::Multiples;
use super::stream::{Finishing, Rounding, Stream};
use super::strip::add_constant;
use super::sums::{Located, Spares, Sums, arranged};
use crate::program::zeros_of_the_rest;
use std::ops::Range;

/// Emits the layer.
pub(crate) fn emit(asm: &mut Assembly<'_>, layer: &Dense) {
    let roles = asm.isa().roles();
    let mut multiples = Multiples::new(asm.isa());
    let passes = arranged(&roles, &mut multiples, &layer.weights, Spares::default());
    let (table, start) = (asm.label(), asm.label());
    asm.address(roles.value, table);
    asm.emit(Operation::StoreSlot(roles.value, frame::BIASES));
    asm.jump(start);
    let words = passes
        .iter()
        .flat_map(|sums| sums.table(|output| layer.weights.biases[output] as u32));
    asm.table(table, words);
    asm.bind(start);
    begin_outputs(asm, layer, &roles);
    let mut table_byte = 0;
    for sums in &passes {
        asm.emit(Operation::LoadSlot(roles.value, frame::BIASES));
        add_constant(asm, roles.value, table_byte, roles.word);
        sums.begin(asm);
        point_at_input(asm, layer, [roles.base, roles.word]);
        accumulate(asm, layer, sums, (&mut multiples, &values_of_map(layer)));
        let place = |output| {
            let (register, is_low) = sums.place(output);
            Located {
                register,
                is_low,
                lane: None,
            }
        };
        store(asm, layer, &roles, sums.outputs.clone(), place);
        table_byte += 4 * sums.outputs.len() as i64;
    }
}

/// A value of the input: the cell after the first one, and the row of its weights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value {
    pub(crate) cell: u32,
    pub(crate) row: usize,
}

/// All of a map that is stored without a gap.
fn values_of_map(layer: &Dense) -> Vec<Value> {
    let cells = 0..layer.input.cells();
    let value = |cell| Value {
        cell,
        row: cell as usize,
    };
    cells.map(value).collect()
}

/// `to` ← where the map begins in the arena. Changes the other register.
pub(crate) fn point_at_input(asm: &mut Assembly<'_>, layer: &Dense, [to, scratch]: [Register; 2]) {
    let first_byte = layer.input.first_cell / (8 / layer.bits);
    asm.emit(Operation::LoadSlot(to, frame::ARENA));
    add_constant(asm, to, first_byte.into(), scratch);
}

/// Where outputs begin that are activations.
pub(crate) fn begin_outputs(asm: &mut Assembly<'_>, layer: &Dense, roles: &Roles) {
    if let DenseOutputs::Map(cell) = layer.outputs {
        asm.emit(Operation::LoadSlot(roles.value, frame::ARENA));
        let byte = cell / (8 / layer.bits);
        add_constant(asm, roles.value, byte.into(), roles.word);
        asm.emit(Operation::StoreSlot(roles.value, frame::OUTPUT));
    }
}

/// Adds values, which are in the order of their cells, of which `base` points at the first one's
/// byte.
pub(crate) fn accumulate(
    asm: &mut Assembly<'_>,
    layer: &Dense,
    sums: &Sums,
    (multiples, values): (&mut Multiples<'_>, &[Value]),
) {
    let Roles {
        base, word, value, ..
    } = sums.roles;
    let per_byte = 8 / layer.bits;
    let mut at = 0;
    for values in values.chunk_by(|one, other| one.cell / per_byte == other.cell / per_byte) {
        let byte = values[0].cell / per_byte;
        let mut used = values.to_vec();
        used.retain(|value| sums.uses(&layer.weights, value.row));
        if used.is_empty() {
            continue;
        }
        if byte - at > 31 {
            add_constant(asm, base, (byte - at).into(), word);
            at = byte;
        }
        let next_byte = asm.label();
        let loaded = if layer.bits == 8 { value } else { word };
        asm.emit(Operation::LoadByte(loaded, base, byte - at));
        let mut zeros = 0.0;
        if used.len() > 1 {
            zeros = layer.expectation.zero_pair(used[0].row);
            asm.branch(Condition::Zero(word), zeros, next_byte);
        }
        asm.times(1.0 - zeros, |asm| {
            for &Value { cell, row } in &used {
                let next = asm.label();
                // Where not all of the byte is.
                let zero = zeros_of_the_rest(layer.expectation.zero(row), zeros);
                let place = cell % per_byte;
                let signed = layer.signed_inputs;
                match (layer.bits, place) {
                    (8, _) if signed => {
                        asm.emit(Operation::ShiftLeft(value, value, 24));
                        asm.emit(Operation::ShiftRightSigned(value, value, 24));
                    }
                    (8, _) => {}
                    (_, 0) => asm.emit(Operation::ShiftLeft(value, word, 28)),
                    (_, _) if signed => {
                        asm.emit(Operation::ShiftLeft(value, word, 24));
                        asm.emit(Operation::ShiftRightSigned(value, value, 28));
                    }
                    (_, _) => asm.emit(Operation::ShiftRight(value, word, 4)),
                }
                asm.branch(Condition::Zero(value), zero, next);
                asm.times(1.0 - zero, |asm| {
                    if layer.bits == 4 && place == 0 {
                        asm.emit(match signed {
                            true => Operation::ShiftRightSigned(value, value, 28),
                            false => Operation::ShiftRight(value, value, 28),
                        });
                    }
                    sums.add(asm, multiples, &layer.weights, row);
                });
                asm.bind(next);
            }
        });
        asm.bind(next_byte);
    }
}

/// How sums become activations.
pub(crate) fn rounding(layer: &Dense) -> Rounding {
    Rounding {
        right: layer.weights.right,
        bits: layer.bits,
        finish: match layer.signed_outputs {
            true => Finishing::Signed {
                stays_offset: false,
            },
            false => Finishing::Unsigned,
        },
    }
}

/// Stores the sums of those outputs, each of which is at its place.
pub(crate) fn store(
    asm: &mut Assembly<'_>,
    layer: &Dense,
    roles: &Roles,
    outputs: Range<usize>,
    place: impl Fn(usize) -> Located,
) {
    let Roles {
        base,
        value,
        multiple,
        ..
    } = *roles;
    match layer.outputs {
        DenseOutputs::Map(cell) => {
            let rounding = rounding(layer);
            let first = cell % (8 / layer.bits) + outputs.start as u32;
            let mut stream = Stream::begin(asm, roles, rounding, (frame::OUTPUT, first));
            for output in outputs {
                let is_signed = layer.signed_outputs || layer.joined.is_some();
                let place = place(output);
                if let Some(loaded) = layer.weights.loaded {
                    let signed = layer.signed_outputs;
                    let joined = joined_value(layer, roles, output);
                    loaded.put(asm, &mut stream, roles, (place, output, signed), joined);
                    continue;
                }
                let (mut load, mut down) = place.load(asm.isa(), value, multiple, is_signed);
                if layer.joined.is_some() {
                    load.append(&mut down);
                    load.extend(joined(layer, roles, (output, place.lane.is_some())));
                }
                stream.put(asm, (&load, &down), layer.weights.ties[output], false);
            }
            stream.end(asm);
        }
        DenseOutputs::Results(bytes_each) => {
            asm.emit(Operation::LoadSlot(base, frame::RESULTS));
            let mut at = 0;
            for output in outputs {
                let place = place(output);
                let (load, down) = place.load(asm.isa(), value, multiple, true);
                if layer.joined.is_none() && layer.weights.loaded.is_none() {
                    let first = point_at(asm, roles, &mut at, (output, bytes_each));
                    asm.emit_all(load.into_iter().chain(down));
                    put_bytes(asm, roles, (first, bytes_each));
                    continue;
                }
                match layer.weights.loaded {
                    Some(loaded) => {
                        let joined = joined_value(layer, roles, output);
                        asm.emit_all(loaded.sum(asm.isa(), roles, (place, output), joined));
                    }
                    None => {
                        asm.emit_all(load.into_iter().chain(down));
                        asm.emit_all(joined(layer, roles, (output, place.lane.is_some())));
                    }
                }
                asm.emit(Operation::LoadSlot(base, frame::RESULTS));
                let first = output as i64 * i64::from(bytes_each);
                add_constant(asm, base, first, multiple);
                put_bytes(asm, roles, (0, bytes_each));
            }
        }
    }
}

/// Adds the joined value of an output to its sum, which is in `value`, and which is right in its
/// lower 16 bits if it `is_narrow`. Changes `base`.
pub(crate) fn joined(
    layer: &Dense,
    roles: &Roles,
    (output, is_narrow): (usize, bool),
) -> Vec<Operation> {
    let Roles {
        value, multiple, ..
    } = *roles;
    let mut operations = joined_value(layer, roles, output);
    let skip = layer.weights.skip;
    if skip > 0 {
        operations.push(Operation::ShiftLeft(multiple, multiple, skip));
    }
    operations.push(Operation::Add(value, value, multiple));
    if is_narrow {
        operations.push(Operation::SignExtend(value, value));
    }
    operations
}

/// What brings the value that is added to an output into `multiple`, if one is. Changes `base`.
pub(crate) fn joined_value(layer: &Dense, roles: &Roles, output: usize) -> Vec<Operation> {
    let Some((first_cell, signed)) = layer.joined else {
        return Vec::new();
    };
    let Roles { base, multiple, .. } = *roles;
    let bits = layer.bits;
    let cell = first_cell + output as u32;
    let above = 32 - bits * (1 + cell % (8 / bits));
    let down = (32 - bits) as u8;
    vec![
        Operation::LoadSlot(multiple, frame::ARENA),
        Operation::Immediate(base, (cell / (8 / bits)) as i32),
        Operation::Add(base, base, multiple),
        Operation::LoadByte(multiple, base, 0),
        Operation::ShiftLeft(multiple, multiple, above as u8),
        match signed {
            true => Operation::ShiftRightSigned(multiple, multiple, down),
            false => Operation::ShiftRight(multiple, multiple, down),
        },
    ]
}

/// Moves `base`, which points at byte `at`, on where loads and stores do not reach the sum of an
/// output, of that many bytes each; gives the sum's first byte from there.
pub(crate) fn point_at(
    asm: &mut Assembly<'_>,
    roles: &Roles,
    at: &mut u32,
    (output, bytes_each): (usize, u32),
) -> u32 {
    let first = output as u32 * bytes_each;
    if first + bytes_each - *at > 32 {
        add_constant(asm, roles.base, (first - *at).into(), roles.value);
        *at = first;
    }
    first - *at
}

/// Stores the lower bytes of `value`, which it changes, from that byte after `base` on.
pub(crate) fn put_bytes(asm: &mut Assembly<'_>, roles: &Roles, (first, bytes): (u32, u32)) {
    let Roles { base, value, .. } = *roles;
    for byte in 0..bytes {
        if byte > 0 {
            asm.emit(Operation::ShiftRight(value, value, 8));
        }
        asm.emit(Operation::StoreByte(value, base, first + byte));
    }
}
