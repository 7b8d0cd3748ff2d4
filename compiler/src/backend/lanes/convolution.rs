//! A convolution: a value is taken out of its word, and where it is not 0, multiples of
//! it are added to the sums of all outputs, each weight being an instruction.
//!
//! In two lanes a value is that of two pixels, `x₀ + x₁·2¹⁶`, and a sum that of two
//! outputs. All of it is linear modulo 2³², so that in the end the lanes are right
//! where both sums fit 16 bits, which is proven.

use super::assembly::{Assembly, Label};
use super::form::Form;
use super::frame;
use super::isa::{Condition, InstructionSet, Operation, Roles};
use super::joined::{self, JoinedRow};
use super::layer::{Convolution, Reduction, Weights};
use super::multiples::Multiples;
use super::pass::Pass;
use super::reduction;
use super::strip::{Strip, Taking, add_constant, share_of_loops};
use super::sums::{Spares, arranged};
use super::table::Table;
use std::cell::RefCell;

/// Bytes of a field that loads reach with a short constant.
const MOST_LOADED_BYTE: u32 = 1024;

/// The last byte of the frame whose address is one instruction.
const MOST_SLOT: u32 = 1020;

/// Emits the layer.
pub(crate) fn emit(asm: &mut Assembly<'_>, layer: &Convolution) {
    with_emitter(
        asm,
        layer,
        Strip::of(layer),
        |asm, emitter, passes| match layer.is_by_parts {
            true => emitter.rows_by_parts(asm, passes),
            false => emitter.rows(asm, passes),
        },
    );
}

/// Emits the tables of the layer, then what `body` does with its kernels.
pub(crate) fn with_emitter(
    asm: &mut Assembly<'_>,
    layer: &Convolution,
    strip: Strip,
    body: impl FnOnce(&mut Assembly<'_>, &Emitter<'_>, &[Pass]),
) {
    let roles = asm.isa().roles();
    let multiples = RefCell::new(Multiples::new(asm.isa()));
    let emitter = |layer, strip| Emitter {
        layer,
        strip,
        roles: &roles,
        taking: Taking {
            layer,
            strip,
            roles: &roles,
        },
        multiples: &multiples,
        table: None,
        two_rows: two_rows(layer, &roles),
        pointwise: None,
        joined: joined::rows(layer, &strip, &roles),
    };
    let mut outer = emitter(layer, strip);
    let (passes, mut words) = outer.kernel(asm.isa());
    if let Some(pointwise) = &layer.pointwise {
        let mut inner = emitter(pointwise, strip.of_pixel(pointwise));
        let (mut passes, more) = inner.kernel(asm.isa());
        for pass in &mut passes {
            pass.move_by(4 * words.len() as u32);
        }
        words.extend(more);
        outer.pointwise = Some((Box::new(inner), passes));
    }
    outer.begin(asm, words);
    body(asm, &outer, &passes);
}

/// The weights of two rows at once, where a pooling takes both of them and all their sums have
/// registers.
fn two_rows(layer: &Convolution, roles: &Roles) -> Option<Weights> {
    let asks = match layer.form {
        Form::UnrolledByTwoRows => layer.pools_two_pairs(),
        Form::Unrolled | Form::TableByWords | Form::TableByValues => false,
    };
    let fits = 2 * layer.weights.outputs <= roles.low.len() + roles.high.len();
    (asks && fits).then(|| {
        let row = layer.kernel.1 * layer.input.channels;
        layer.weights.of_two_rows((layer.stride.0 * row) as usize)
    })
}

/// The row of weights of each value of a field, as it lies in the strip.
fn rows_of_values(layer: &Convolution, strip: &Strip) -> Vec<Option<usize>> {
    let (rows, columns) = layer.kernel;
    let channels = layer.input.channels;
    let taps = 0..rows * columns;
    let words = taps.flat_map(|tap| (0..strip.words).map(move |word| (tap, word)));
    let values = words.flat_map(|(tap, word)| {
        let first = word * strip.per_word;
        (first..first + strip.per_word).map(move |channel| (tap, channel))
    });
    values
        .map(|(tap, channel)| (channel < channels).then_some((tap * channels + channel) as usize))
        .collect()
}

pub(crate) struct Emitter<'a> {
    pub(crate) layer: &'a Convolution,
    pub(crate) strip: Strip,
    pub(crate) roles: &'a Roles,
    pub(crate) taking: Taking<'a>,
    pub(super) multiples: &'a RefCell<Multiples<'a>>,
    /// Of weights that are not instructions.
    pub(crate) table: Option<Table<'a>>,
    /// Of the outputs of two rows, where those are computed at once.
    two_rows: Option<Weights>,
    /// What comes after a depthwise kernel.
    pointwise: Option<(Box<Self>, Vec<Pass>)>,
    /// Maps that are added, or come after.
    pub(super) joined: Vec<JoinedRow<'a>>,
}

impl<'a> Emitter<'a> {
    /// What is computed at once, with the words of its table.
    fn kernel(&mut self, isa: &dyn InstructionSet) -> (Vec<Pass>, Vec<u32>) {
        let Self { layer, strip, .. } = *self;
        match (layer.reduction, layer.form) {
            (Reduction::OwnWeights | Reduction::Maximum | Reduction::Total { .. }, _) => {
                let registers = reduction::registers(isa, layer);
                let passes = reduction::passes(&registers, layer, &strip);
                (passes.into_iter().map(Pass::Reduced).collect(), Vec::new())
            }
            (Reduction::Weighted, Form::UnrolledByTwoRows | Form::Unrolled) => {
                let weights = self.weights();
                let kernel_columns = layer.kernel.1;
                let last_group =
                    (kernel_columns - 1 + (layer.lanes - 1) * layer.stride.1) / layer.lanes;
                let last_byte = (self.rows_of_field() - 1) * strip.row_bytes()
                    + 4 * ((last_group + 1) * strip.words - 1);
                let (pairs, windows) = (layer.output_pairs(), layer.paired_windows());
                let spares = Spares {
                    masks: layer.signed_inputs
                        || layer.input.channels.min(strip.per_word) > 1
                        || pairs.is_some(),
                    base: last_byte < MOST_LOADED_BYTE,
                    word: layer.pooled.is_some() && layer.lanes == 2,
                };
                let mut multiples = self.multiples.borrow_mut();
                let sums = arranged(self.roles, &mut multiples, weights, spares);
                let bias = |output: usize| {
                    if pairs.is_some() {
                        return layer.bias_of_pair(output);
                    }
                    if windows.is_some() {
                        return layer.bias_of_window(output);
                    }
                    let bias = weights.biases[output] as u32;
                    match layer.lanes {
                        1 => bias,
                        _ => (bias << 16).wrapping_add(bias),
                    }
                };
                let words = sums.iter().flat_map(|sums| sums.table(bias)).collect();
                let pass = match self.two_rows {
                    Some(_) => Pass::TwoRows,
                    None => Pass::Unrolled,
                };
                (sums.into_iter().map(pass).collect(), words)
            }
            (Reduction::Weighted, Form::TableByWords | Form::TableByValues) => {
                let by_words = layer.form == Form::TableByWords && strip.per_word > 1;
                let shape = (layer.sum_lanes, layer.bits, by_words, false);
                let table = Table::new(isa, &layer.weights, shape);
                let (passes, words) = table.passes(&rows_of_values(layer, &strip));
                self.table = Some(table);
                (passes.into_iter().map(Pass::Table).collect(), words)
            }
        }
    }

    /// Of all sums that are computed at once.
    pub(super) fn weights(&self) -> &Weights {
        self.two_rows.as_ref().unwrap_or(&self.layer.weights)
    }

    /// Rows that these sums read.
    pub(super) fn rows_of_field(&self) -> u32 {
        let more = self.two_rows.as_ref().map_or(0, |_| self.layer.stride.0);
        self.layer.kernel.0 + more
    }

    fn begin(&self, asm: &mut Assembly<'_>, words: Vec<u32>) {
        let Self { layer, strip, .. } = self;
        let value = self.roles.value;
        match layer.weights.loaded {
            Some(loaded) => loaded.begin(asm, self.roles),
            None => {
                let (table, start) = (asm.label(), asm.label());
                asm.address(value, table);
                asm.emit(Operation::StoreSlot(value, frame::BIASES));
                asm.jump(start);
                asm.table(table, words);
                asm.bind(start);
            }
        }
        self.keep_mask(asm);
        if let Some(pointwise) = &layer.pointwise {
            // Of its last word, only what is a channel is ever written.
            asm.emit(Operation::Immediate(value, 0));
            for word in 0..strip.of_pixel(pointwise).words {
                asm.emit(Operation::StoreSlot(value, strip.kept_byte + 4 * word));
            }
            asm.emit(Operation::SlotAddress(value, strip.kept_byte));
            asm.emit(Operation::StoreSlot(value, frame::PIXEL));
        }
    }

    /// All rows of outputs.
    fn rows(&self, asm: &mut Assembly<'_>, passes: &[Pass]) {
        let Self { strip, .. } = self;
        let (value, word) = (self.roles.value, self.roles.word);
        self.begin_outputs(asm);
        asm.emit(Operation::Immediate(value, strip.steps as i32));
        asm.emit(Operation::StoreSlot(value, frame::ROWS));
        self.taking.begin(asm);
        self.begin_joined(asm);
        let (next_row, done) = (asm.label(), asm.label());
        asm.bind(next_row);
        asm.times(strip.steps.into(), |asm| {
            self.taking.advance(asm);
            if strip.steps > strip.steps_with_outputs {
                let (compute, after) = (asm.label(), asm.label());
                asm.emit(Operation::LoadSlot(value, frame::ROWS));
                add_constant(asm, value, -i64::from(strip.steps_with_outputs) - 1, word);
                let share = f64::from(strip.steps_with_outputs) / f64::from(strip.steps);
                asm.branch(Condition::Negative(value), share, compute);
                asm.times(1.0 - share, |asm| asm.jump(after));
                asm.bind(compute);
                asm.times(share, |asm| {
                    self.take_joined(asm);
                    self.row(asm, passes);
                });
                asm.bind(after);
            } else {
                self.take_joined(asm);
                self.row(asm, passes);
            }
            self.count_down(asm, frame::ROWS, strip.steps, next_row);
        });
        asm.bind(done);
    }

    /// Goes back to `next` until the counter is 0.
    pub(crate) fn count_down(&self, asm: &mut Assembly<'_>, counter: u32, times: u32, next: Label) {
        let value = self.roles.value;
        asm.emit(Operation::LoadSlot(value, counter));
        asm.emit(Operation::AddImmediate(value, -1));
        asm.emit(Operation::StoreSlot(value, counter));
        asm.branch(Condition::NotZero(value), share_of_loops(times), next);
    }

    fn keep_mask(&self, asm: &mut Assembly<'_>) {
        let value = self.roles.value;
        let mask = match &self.table {
            Some(table) => table.mask(),
            None => self.mask(),
        };
        asm.emit(Operation::Immediate(value, mask as i32));
        asm.emit(Operation::StoreSlot(value, frame::MASK));
    }

    fn mask(&self) -> u32 {
        let channel = (1 << self.layer.bits) - 1;
        match self.layer.lanes {
            1 => channel,
            _ => channel << 16 | channel,
        }
    }

    /// A row of outputs.
    pub(crate) fn row(&self, asm: &mut Assembly<'_>, passes: &[Pass]) {
        let Self { layer, strip, .. } = self;
        let (value, word) = (self.roles.value, self.roles.word);
        let group_bytes = strip.group_step_bytes(layer);
        let last = (strip.output_groups - 1) * group_bytes;
        let first = strip.first_byte + if layer.backward { last } else { 0 };
        asm.emit(Operation::SlotAddress(value, first));
        asm.emit(Operation::StoreSlot(value, frame::FIELD));
        let end = first + strip.output_groups * group_bytes;
        // Groups are counted where a row ends at a half one or begins with it, or the end is far.
        let counts = layer.backward || self.has_half_group() || end > MOST_SLOT;
        if counts {
            asm.emit(Operation::Immediate(value, strip.output_groups as i32));
            asm.emit(Operation::StoreSlot(value, frame::GROUPS));
        }
        let next_group = asm.here();
        let mut going_around = None;
        asm.times(strip.output_groups.into(), |asm| {
            let mut table_byte = 0;
            for pass in passes {
                if let (Some(windows), Some(pass)) = (layer.waiting(), pass.reduced()) {
                    self.take_into_window(asm, pass, &windows);
                    continue;
                }
                match layer.pooled {
                    None => self.accumulate(asm, pass, table_byte, frame::FIELD),
                    Some(_) => self.pool(asm, pass, table_byte),
                }
                match (&self.pointwise, layer.output_pairs()) {
                    (None, Some(rows)) => self.store_pairs(asm, pass, &rows),
                    (None, None) => match layer.paired_windows() {
                        Some(windows) => self.store_largest(asm, pass, &windows),
                        None => {
                            self.add_joined(asm, pass, &layer.weights);
                            self.store(asm, pass);
                        }
                    },
                    (Some(_), _) => self.store_pixel(asm, pass),
                }
                table_byte += 4 * pass.outputs().len() as u32;
            }
            if let Some((inner, passes)) = &self.pointwise {
                inner.keep_mask(asm);
                for pass in passes {
                    inner.accumulate(asm, pass, table_byte, frame::PIXEL);
                    self.add_joined(asm, pass, &inner.layer.weights);
                    self.store(asm, pass);
                    table_byte += 4 * pass.outputs().len() as u32;
                }
                self.keep_mask(asm);
            }
            match layer.output_pairs() {
                Some(rows) => self.advance_pairs(asm, &rows),
                None => going_around = self.advance_outputs(asm, self.group_cells().into()),
            }
            self.advance_joined(asm);
            self.advance_waiting(asm);
            asm.emit(Operation::LoadSlot(value, frame::FIELD));
            let step = i64::from(group_bytes);
            let step = if layer.backward { -step } else { step };
            add_constant(asm, value, step, word);
            asm.emit(Operation::StoreSlot(value, frame::FIELD));
            if counts {
                self.count_down(asm, frame::GROUPS, strip.output_groups, next_group);
            } else {
                asm.emit(Operation::SlotAddress(word, end));
                let share = share_of_loops(strip.output_groups);
                asm.branch(Condition::Less(value, word), share, next_group);
            }
        });
        if let Some(going_around) = going_around {
            going_around.end(asm);
        }
        if layer.stage.is_some() {
            return;
        }
        // Groups of a row hold as many pixels as there are, or one more: the next row
        // begins where its first group does.
        let (row, groups) = (
            i64::from(layer.output.row_cells()),
            i64::from(strip.output_groups * self.group_cells()),
        );
        self.advance_outputs(asm, row - groups);
    }

    /// The sums of a group.
    pub(crate) fn accumulate(
        &self,
        asm: &mut Assembly<'_>,
        pass: &Pass,
        table_byte: u32,
        field: u32,
    ) {
        match (pass, &self.table) {
            (Pass::Unrolled(sums) | Pass::TwoRows(sums), _) => {
                self.add_all(asm, sums, table_byte, field)
            }
            (Pass::Table(pass), Some(table)) => self.add_by_table(asm, table, pass, field),
            (Pass::Reduced(pass), _) => self.reduce(asm, pass, field),
            (Pass::Table(_), None) => {}
        }
    }
}
