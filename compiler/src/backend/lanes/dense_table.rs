//! A sum over a whole map, its weights in a table: a loop over the bytes of the map.

use super::assembly::Assembly;
use super::dense::store;
use super::frame;
use super::isa::{Condition, Operation};
use super::layer::Dense;
use super::strip::{add_constant, share_of_loops};
use super::table::{Pass, Registers, Table};

/// Emits the layer.
pub(crate) fn emit(asm: &mut Assembly<'_>, layer: &Dense) {
    let roles = asm.isa().roles();
    // All values of a byte have code of their own.
    let shape = (layer.lanes, layer.bits, true, layer.signed_inputs);
    let table = Table::new(asm.isa(), &layer.weights, shape);
    let rows: Vec<Option<usize>> = (0..layer.weights.rows()).map(Some).collect();
    let (passes, words) = table.passes(&rows);
    let Registers {
        weights,
        value,
        scratch,
        source,
        ..
    } = *table.registers();
    match layer.weights.loaded {
        Some(loaded) => loaded.begin(asm, &roles),
        None => {
            let (label, start) = (asm.label(), asm.label());
            asm.address(value, label);
            asm.emit(Operation::StoreSlot(value, frame::BIASES));
            asm.jump(start);
            asm.table(label, words);
            asm.bind(start);
        }
    }
    asm.emit(Operation::Immediate(value, table.mask() as i32));
    asm.emit(Operation::StoreSlot(value, frame::MASK));
    super::dense::begin_outputs(asm, layer, &roles);
    let per_byte = 8 / layer.bits;
    let cells = layer.input.cells();
    for pass in &passes {
        asm.emit(Operation::LoadSlot(value, frame::BIASES));
        add_constant(asm, value, pass.biases_byte.into(), scratch[0]);
        table.begin(asm, pass);
        asm.emit(Operation::LoadSlot(weights, frame::BIASES));
        add_constant(asm, weights, pass.weights_byte.into(), value);
        asm.emit(Operation::LoadSlot(value, frame::ARENA));
        let first_byte = layer.input.first_cell / per_byte;
        add_constant(asm, value, first_byte.into(), scratch[0]);
        source.put(asm, value);
        add_values(asm, layer, (&table, pass), cells);
        table.end(asm, pass);
        store(asm, layer, &roles, pass.outputs.clone(), |output| {
            pass.place(output)
        });
    }
}

/// Adds the values of that many cells, which `source` points at, and moves it past them.
pub(crate) fn add_values(
    asm: &mut Assembly<'_>,
    layer: &Dense,
    (table, pass): (&Table<'_>, &Pass),
    cells: u32,
) {
    let Registers {
        weights,
        value,
        scratch,
        source,
        word,
        ..
    } = *table.registers();
    let per_byte = 8 / layer.bits;
    let bytes = cells / per_byte;
    if bytes > 1 {
        asm.emit(Operation::Immediate(value, bytes as i32));
        asm.emit(Operation::StoreSlot(value, frame::GROUPS));
    }
    let next = asm.here();
    // The values of a byte, of which `count` are the map's.
    let values = |asm: &mut Assembly<'_>, count: u32| {
        let pointer = source.get(asm, scratch[0]);
        let byte = word.get_register(scratch[1]);
        asm.emit(Operation::LoadByte(byte, pointer, 0));
        asm.emit(Operation::AddImmediate(pointer, 1));
        source.put(asm, pointer);
        word.put(asm, byte);
        for place in 0..count {
            let zero = asm.label();
            let is_last_of_byte = place + 1 == per_byte;
            let from = match place {
                0 => byte,
                _ => word.get(asm, scratch[1]),
            };
            let last_from = is_last_of_byte.then_some(place * layer.bits);
            table.take(asm, from, last_from, zero);
            asm.times(1.0 - layer.expectation.mean_zero(), |asm| {
                table.add(asm, pass, place * pass.row_bytes);
            });
            asm.bind(zero);
        }
        add_constant(asm, weights, (count * pass.row_bytes).into(), value);
    };
    if bytes > 0 {
        asm.times(bytes.into(), |asm| {
            values(asm, per_byte);
            if bytes > 1 {
                asm.emit(Operation::LoadSlot(value, frame::GROUPS));
                asm.emit(Operation::AddImmediate(value, -1));
                asm.emit(Operation::StoreSlot(value, frame::GROUPS));
                asm.branch(Condition::NotZero(value), share_of_loops(bytes), next);
            }
        });
    }
    if !cells.is_multiple_of(per_byte) {
        values(asm, 1);
    }
}
