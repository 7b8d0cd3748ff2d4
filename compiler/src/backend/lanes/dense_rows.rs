//! A dense layer whose inputs come row by row: sums wait in the arena for the next row.

use super::assembly::Assembly;
use super::dense::{
    Value, accumulate, begin_outputs, joined, joined_value, point_at, point_at_input, put_bytes,
    rounding,
};
use super::dense_table::add_values;
use super::form::Form;
use super::frame;
use super::grid_rows::row_index;
use super::isa::{Condition, Operation, Register, Roles};
use super::multiples::{Multiples, multiply};
use super::stage::StageDense;
use super::stream::Stream;
use super::strip::{Strip, Taking, add_constant, share_of_loops};
use super::sums::{Located, Spares, Sums, arranged};
use super::table::{Registers, Table};
use crate::plan::{AxisTiming, SumArray};

/// Which row of its inputs it is.
const ROW: u32 = frame::FIELD;
/// Pixels of a row that are left.
const PIXELS: u32 = frame::INPUT_ROWS;

/// Adds the row that is there, the last one of its windows being that of the grid. If it is taken
/// apart before, that is its strip.
pub(crate) fn emit(
    asm: &mut Assembly<'_>,
    (stage, strip): (&StageDense, Option<Strip>),
    timing: AxisTiming,
) {
    let roles = asm.isa().roles();
    let emitter = Emitter {
        stage,
        strip,
        roles: &roles,
    };
    if let (Some(layer), Some(strip)) = (&stage.taken, strip) {
        let taking = Taking {
            layer,
            strip,
            roles: &roles,
        };
        taking.take_rest(asm);
    }
    row_index(asm, &roles, timing);
    asm.emit(Operation::StoreSlot(roles.value, ROW));
    match stage.dense.form {
        Form::UnrolledByTwoRows | Form::Unrolled => emitter.unrolled(asm),
        Form::TableByWords | Form::TableByValues => emitter.by_table(asm),
    }
    emitter.end(asm);
}

struct Emitter<'a> {
    stage: &'a StageDense,
    strip: Option<Strip>,
    roles: &'a Roles,
}

impl Emitter<'_> {
    /// Adds by weights that are instructions.
    fn unrolled(&self, asm: &mut Assembly<'_>) {
        let Self { stage, roles, .. } = self;
        let (value, layer) = (roles.value, &stage.dense);
        let mut multiples = Multiples::new(asm.isa());
        let passes = arranged(roles, &mut multiples, &layer.weights, Spares::default());
        let words = passes
            .iter()
            .flat_map(|sums| sums.table(|output| layer.weights.biases[output] as u32));
        self.table(asm, words.collect());
        // No branch is far while sums are in registers: such a one may change one of them.
        let rows = f64::from(stage.rows);
        let done = asm.label();
        for row in 0..stage.rows {
            let next = asm.label();
            let is_last = row + 1 == stage.rows;
            if !is_last {
                let reached = rows - f64::from(row);
                asm.times(reached / rows, |asm| {
                    asm.emit(Operation::LoadSlot(value, ROW));
                    add_constant(asm, value, -i64::from(row), roles.word);
                    asm.branch(Condition::NotZero(value), 1.0 - 1.0 / reached, next);
                });
            }
            asm.times(1.0 / rows, |asm| {
                let values = self.values(row);
                let mut table_byte = 0;
                for sums in &passes {
                    self.begin(asm, sums, (row, table_byte));
                    self.point_at_row(asm, [roles.base, roles.word]);
                    accumulate(asm, layer, sums, (&mut multiples, &values));
                    self.keep(asm, sums);
                    table_byte += 4 * sums.outputs.len() as i64;
                }
                if !is_last {
                    asm.jump(done);
                }
            });
            asm.bind(next);
        }
        asm.bind(done);
    }

    /// Loads what sums have of the rows above, or the biases.
    fn begin(&self, asm: &mut Assembly<'_>, sums: &Sums, (row, table_byte): (u32, i64)) {
        let value = self.roles.value;
        if row == 0 {
            asm.emit(Operation::LoadSlot(value, frame::BIASES));
            add_constant(asm, value, table_byte, self.roles.word);
            sums.begin(asm);
            return;
        }
        self.point_at_sums(asm);
        let mut at = 0;
        for output in sums.outputs.clone() {
            let load = self.load_sum(asm, &mut at, output);
            asm.emit_all(load);
            asm.emit(Operation::Move(sums.place(output).0, value));
        }
    }

    /// Stores sums for the rows below.
    fn keep(&self, asm: &mut Assembly<'_>, sums: &Sums) {
        let bytes = self.stage.sums.bytes_each;
        self.point_at_sums(asm);
        let mut at = 0;
        for output in sums.outputs.clone() {
            let first = point_at(asm, self.roles, &mut at, (output, bytes));
            let (register, _) = sums.place(output);
            asm.emit(Operation::Move(self.roles.value, register));
            put_bytes(asm, self.roles, (first, bytes));
        }
    }

    /// The values of a row.
    fn values(&self, row: u32) -> Vec<Value> {
        let input = &self.stage.dense.input;
        let pixels = 0..input.width;
        let values = pixels.flat_map(|pixel| {
            (0..input.channels).map(move |channel| Value {
                cell: pixel * input.pixel_cells + channel,
                row: ((row * input.width + pixel) * input.channels + channel) as usize,
            })
        });
        values.collect()
    }

    /// Adds by weights that are in a table.
    fn by_table(&self, asm: &mut Assembly<'_>) {
        let Self { stage, .. } = self;
        let layer = &stage.dense;
        let shape = (layer.lanes, layer.bits, true, layer.signed_inputs);
        let table = Table::new(asm.isa(), &layer.weights, shape);
        let rows: Vec<Option<usize>> = (0..layer.weights.rows()).map(Some).collect();
        let (passes, mut words) = table.passes(&rows);
        let zeros_byte = 4 * words.len() as u32;
        let Registers {
            weights,
            value,
            scratch,
            source,
            ..
        } = *table.registers();
        match layer.weights.loaded {
            Some(loaded) => loaded.begin(asm, self.roles),
            None => {
                let most = passes.iter().map(|pass| pass.registers()).max();
                words.extend(vec![0; most.unwrap_or(0)]);
                self.table(asm, words);
            }
        }
        asm.emit(Operation::Immediate(value, table.mask() as i32));
        asm.emit(Operation::StoreSlot(value, frame::MASK));
        self.clear_at_first_row(asm);
        let input = &layer.input;
        for pass in &passes {
            // Biases that are loaded are added in the end.
            if layer.weights.loaded.is_none() {
                let is_first = asm.label();
                asm.emit(Operation::LoadSlot(value, ROW));
                asm.emit(Operation::LoadSlot(weights, frame::BIASES));
                asm.emit(Operation::Move(scratch[0], weights));
                add_constant(asm, scratch[0], pass.biases_byte.into(), scratch[1]);
                let share = 1.0 / f64::from(stage.rows);
                asm.branch(Condition::Zero(value), share, is_first);
                asm.emit(Operation::Move(scratch[0], weights));
                add_constant(asm, scratch[0], zeros_byte.into(), scratch[1]);
                asm.bind(is_first);
                asm.emit(Operation::Move(value, scratch[0]));
            }
            table.begin(asm, pass);
            asm.emit(Operation::LoadSlot(scratch[0], ROW));
            let row_bytes = input.width * input.channels * pass.row_bytes;
            asm.emit_all(multiply(asm.isa(), row_bytes as i32, [value, scratch[0]]));
            asm.emit(Operation::LoadSlot(weights, frame::BIASES));
            asm.emit(Operation::Add(weights, weights, value));
            add_constant(asm, weights, pass.weights_byte.into(), value);
            self.point_at_row(asm, [value, scratch[0]]);
            source.put(asm, value);
            if input.pixel_cells == input.channels {
                add_values(asm, layer, (&table, pass), input.cells());
            } else {
                asm.emit(Operation::Immediate(value, input.width as i32));
                asm.emit(Operation::StoreSlot(value, PIXELS));
                let next = asm.here();
                asm.times(input.width.into(), |asm| {
                    add_values(asm, layer, (&table, pass), input.channels);
                    let taken = input.channels.div_ceil(8 / layer.bits);
                    let gap = input.pixel_cells / (8 / layer.bits) - taken;
                    if gap > 0 {
                        let pointer = source.get(asm, value);
                        add_constant(asm, pointer, gap.into(), scratch[0]);
                        source.put(asm, pointer);
                    }
                    asm.emit(Operation::LoadSlot(value, PIXELS));
                    asm.emit(Operation::AddImmediate(value, -1));
                    asm.emit(Operation::StoreSlot(value, PIXELS));
                    let share = share_of_loops(input.width);
                    asm.branch(Condition::NotZero(value), share, next);
                });
            }
            table.end(asm, pass);
            self.point_at_sums(asm);
            let mut at = 0;
            for output in pass.outputs.clone() {
                self.add_to_sum(asm, &mut at, (output, pass.place(output)));
            }
        }
    }

    /// A table after which the code goes on.
    fn table(&self, asm: &mut Assembly<'_>, words: Vec<u32>) {
        let value = self.roles.value;
        let (table, start) = (asm.label(), asm.label());
        asm.address(value, table);
        asm.emit(Operation::StoreSlot(value, frame::BIASES));
        asm.jump(start);
        asm.table(table, words);
        asm.bind(start);
    }

    /// `to` ← where the row begins. Changes the other register.
    fn point_at_row(&self, asm: &mut Assembly<'_>, [to, scratch]: [Register; 2]) {
        match self.strip {
            Some(strip) => asm.emit(Operation::SlotAddress(to, strip.first_byte)),
            None => point_at_input(asm, &self.stage.dense, [to, scratch]),
        }
    }

    /// `base` ← where the sums are.
    fn point_at_sums(&self, asm: &mut Assembly<'_>) {
        let Roles { base, value, .. } = *self.roles;
        asm.emit(Operation::LoadSlot(base, frame::ARENA));
        add_constant(asm, base, self.stage.sums.first_byte.into(), value);
    }

    /// Makes all sums 0 before the first row.
    fn clear_at_first_row(&self, asm: &mut Assembly<'_>) {
        let Roles {
            base, word, value, ..
        } = *self.roles;
        let bytes = self.stage.sums.bytes();
        let is_later = asm.label();
        let share = 1.0 / f64::from(self.stage.rows);
        asm.emit(Operation::LoadSlot(value, ROW));
        asm.branch(Condition::NotZero(value), 1.0 - share, is_later);
        asm.times(share, |asm| {
            self.point_at_sums(asm);
            asm.emit(Operation::Immediate(value, 0));
            asm.emit(Operation::Immediate(word, bytes as i32));
            let next = asm.here();
            asm.times(bytes.into(), |asm| {
                asm.emit(Operation::StoreByte(value, base, 0));
                asm.emit(Operation::AddImmediate(base, 1));
                asm.emit(Operation::AddImmediate(word, -1));
                asm.branch(Condition::NotZero(word), share_of_loops(bytes), next);
            });
        });
        asm.bind(is_later);
    }

    /// What loads the sum of an output into `value`, and its upper bytes into `multiple`.
    fn load_sum(&self, asm: &mut Assembly<'_>, at: &mut u32, output: usize) -> Vec<Operation> {
        use Operation::{LoadByte, Or, ShiftLeft, ShiftRightSigned};
        let Roles {
            base,
            value,
            multiple,
            ..
        } = *self.roles;
        let bytes = self.stage.sums.bytes_each;
        let first = point_at(asm, self.roles, at, (output, bytes));
        let mut operations = vec![LoadByte(value, base, first)];
        for byte in 1..bytes {
            operations.push(LoadByte(multiple, base, first + byte));
            if bytes == 2 {
                operations.push(ShiftLeft(multiple, multiple, 24));
                operations.push(ShiftRightSigned(multiple, multiple, 16));
            } else {
                operations.push(ShiftLeft(multiple, multiple, 8 * byte as u8));
            }
            operations.push(Or(value, multiple));
        }
        operations
    }

    /// Adds what a row gives to the sum that is kept.
    fn add_to_sum(&self, asm: &mut Assembly<'_>, at: &mut u32, (output, place): (usize, Located)) {
        let Roles {
            base,
            value,
            multiple,
            ..
        } = *self.roles;
        let bytes = self.stage.sums.bytes_each;
        let first = point_at(asm, self.roles, at, (output, bytes));
        let (load, down) = place.load(asm.isa(), value, multiple, true);
        asm.emit_all(load.into_iter().chain(down));
        for byte in 0..bytes {
            asm.emit(Operation::LoadByte(multiple, base, first + byte));
            if byte > 0 {
                asm.emit(Operation::ShiftLeft(multiple, multiple, 8 * byte as u8));
            }
            asm.emit(Operation::Add(value, value, multiple));
        }
        put_bytes(asm, self.roles, (first, bytes));
    }

    /// After the last row, makes of the sums what they are for.
    fn end(&self, asm: &mut Assembly<'_>) {
        let Self { stage, roles, .. } = self;
        let layer = &stage.dense;
        let loaded = layer.weights.loaded;
        let is_complete = loaded.is_none() && layer.joined.is_none();
        if stage.rounded.is_none() && is_complete {
            return;
        }
        let value = roles.value;
        let is_earlier = asm.label();
        asm.emit(Operation::LoadSlot(value, ROW));
        add_constant(asm, value, 1 - i64::from(stage.rows), roles.word);
        let share = 1.0 / f64::from(stage.rows);
        asm.branch(Condition::NotZero(value), 1.0 - share, is_earlier);
        asm.times(share, |asm| match stage.rounded {
            Some(cell) => self.round(asm, cell),
            None => self.complete(asm),
        });
        asm.bind(is_earlier);
    }

    /// Makes activations of the sums, from that cell on.
    fn round(&self, asm: &mut Assembly<'_>, cell: u32) {
        let Self { stage, roles, .. } = self;
        let layer = &stage.dense;
        begin_outputs(asm, layer, roles);
        self.point_at_sums(asm);
        let first = cell % (8 / layer.bits);
        let mut stream = Stream::begin(asm, roles, rounding(layer), (frame::OUTPUT, first));
        let mut at = 0;
        for output in 0..layer.weights.outputs {
            if let Some(loaded) = layer.weights.loaded {
                let place = self.load_alone(asm, output);
                let to = (place, output, layer.signed_outputs);
                let joined = joined_value(layer, roles, output);
                loaded.put(asm, &mut stream, roles, to, joined);
                continue;
            }
            if layer.joined.is_some() {
                self.load_alone(asm, output);
                let add = self.add_joined(output);
                stream.put(asm, (&add, &[]), layer.weights.ties[output], false);
                continue;
            }
            let load = self.load_sum(asm, &mut at, output);
            stream.put(asm, (&load, &[]), layer.weights.ties[output], false);
        }
        stream.end(asm);
    }

    /// Adds the joined value of an output to its sum, which is in `value`. Changes `base`.
    fn add_joined(&self, output: usize) -> Vec<Operation> {
        let is_narrow = self.stage.sums.bytes_each == 2;
        joined(&self.stage.dense, self.roles, (output, is_narrow))
    }

    /// Makes results of the sums of products, in their place.
    fn complete(&self, asm: &mut Assembly<'_>) {
        let Self { stage, roles, .. } = self;
        let layer = &stage.dense;
        for output in 0..layer.weights.outputs {
            let place = self.load_alone(asm, output);
            let rest = match layer.weights.loaded {
                Some(loaded) => {
                    let joined = joined_value(layer, roles, output);
                    loaded.sum(asm.isa(), roles, (place, output), joined)
                }
                None => self.add_joined(output),
            };
            asm.emit_all(rest);
            let scratch = roles.multiple;
            asm.emit(Operation::LoadSlot(roles.base, frame::ARENA));
            add_constant(asm, roles.base, self.byte_of_sum(output), scratch);
            put_bytes(asm, roles, (0, stage.sums.bytes_each));
        }
    }

    /// The byte of the arena where the sum of an output begins.
    fn byte_of_sum(&self, output: usize) -> i64 {
        let SumArray {
            first_byte,
            bytes_each,
            ..
        } = self.stage.sums;
        i64::from(first_byte) + output as i64 * i64::from(bytes_each)
    }

    /// `value` ← the sum of an output, wherever `base` points before.
    fn load_alone(&self, asm: &mut Assembly<'_>, output: usize) -> Located {
        let Roles { base, value, .. } = *self.roles;
        asm.emit(Operation::LoadSlot(base, frame::ARENA));
        add_constant(asm, base, self.byte_of_sum(output), value);
        let mut at = output as u32 * self.stage.sums.bytes_each;
        let load = self.load_sum(asm, &mut at, output);
        asm.emit_all(load);
        Located {
            register: value,
            is_low: true,
            lane: None,
        }
    }
}
