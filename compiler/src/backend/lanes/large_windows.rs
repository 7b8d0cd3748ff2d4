//! A pooling whose windows have more rows than the frame holds: what it makes of the rows so far is
//! in the frame, of each output of a row of them, and the strip has a single row.

use super::assembly::Assembly;
use super::convolution::Emitter;
use super::frame;
use super::isa::{Condition, Operation, Roles};
use super::pass::Pass;
use super::reduction;
use super::strip::{add_constant, share_of_loops};

/// Where that is for the next group.
const PARTS: u32 = frame::POOLED_FIELD;

impl Emitter<'_> {
    /// All rows of outputs.
    pub(super) fn rows_by_parts(&self, asm: &mut Assembly<'_>, passes: &[Pass]) {
        let Self { layer, strip, .. } = self;
        let value = self.roles.value;
        let passes: Vec<&reduction::Pass> = passes.iter().filter_map(Pass::reduced).collect();
        let (rows, kernel_rows) = (layer.computed.0, layer.kernel.0);
        self.begin_outputs(asm);
        asm.emit(Operation::Immediate(value, rows as i32));
        asm.emit(Operation::StoreSlot(value, frame::ROWS));
        self.taking.begin(asm);
        let next_row = asm.here();
        asm.times(rows.into(), |asm| {
            self.begin_parts(asm);
            self.repeat(asm, kernel_rows, frame::POOLED_ROWS, |asm| {
                self.taking.advance(asm);
                self.groups_by_parts(asm, |asm| {
                    for pass in &passes {
                        self.add_row(asm, pass);
                    }
                });
            });
            self.groups_by_parts(asm, |asm| {
                for pass in &passes {
                    self.load_parts(asm, pass);
                    self.store(asm, &Pass::Reduced((*pass).clone()));
                }
                self.advance_outputs(asm, self.group_cells().into());
            });
            let groups = strip.output_groups * self.group_cells();
            let rest = i64::from(layer.output.row_cells()) - i64::from(groups);
            self.advance_outputs(asm, rest);
            self.count_down(asm, frame::ROWS, rows, next_row);
        });
    }

    /// Nothing, of all outputs of a row.
    fn begin_parts(&self, asm: &mut Assembly<'_>) {
        let Self { layer, strip, .. } = self;
        let Roles {
            base: target,
            value: count,
            word: zero,
            ..
        } = *self.roles;
        let words = strip.output_groups * layer.output.channels;
        asm.emit(Operation::SlotAddress(target, strip.kept_byte));
        asm.emit(Operation::Immediate(count, words as i32));
        asm.emit(Operation::Immediate(zero, 0));
        let next = asm.here();
        asm.times(words.into(), |asm| {
            asm.emit(Operation::Store(zero, target, 0));
            asm.emit(Operation::AddImmediate(target, 4));
            asm.emit(Operation::AddImmediate(count, -1));
            asm.branch(Condition::NotZero(count), share_of_loops(words), next);
        });
    }

    /// Runs `body` for each group of a row, with the places of its field and of its parts in the
    /// frame.
    fn groups_by_parts(&self, asm: &mut Assembly<'_>, body: impl FnOnce(&mut Assembly<'_>)) {
        let Self { layer, strip, .. } = self;
        let (value, word) = (self.roles.value, self.roles.word);
        let groups = strip.output_groups;
        let steps = [
            (
                frame::FIELD,
                strip.first_byte,
                strip.group_step_bytes(layer),
            ),
            (PARTS, strip.kept_byte, 4 * layer.output.channels),
        ];
        for (slot, first, step) in steps {
            let last = if layer.backward {
                (groups - 1) * step
            } else {
                0
            };
            asm.emit(Operation::SlotAddress(value, first + last));
            asm.emit(Operation::StoreSlot(value, slot));
        }
        self.repeat(asm, groups, frame::GROUPS, |asm| {
            body(asm);
            for (slot, _, step) in steps {
                let step = i64::from(step);
                asm.emit(Operation::LoadSlot(value, slot));
                add_constant(asm, value, if layer.backward { -step } else { step }, word);
                asm.emit(Operation::StoreSlot(value, slot));
            }
        });
    }

    /// `base` ← where the parts of a pass are.
    fn point_at_parts(&self, asm: &mut Assembly<'_>, pass: &reduction::Pass) {
        let base = self.roles.base;
        asm.emit(Operation::LoadSlot(base, PARTS));
        let first_byte = 4 * pass.outputs.start as i64;
        add_constant(asm, base, first_byte, self.roles.value);
    }

    fn load_parts(&self, asm: &mut Assembly<'_>, pass: &reduction::Pass) {
        self.point_at_parts(asm, pass);
        for (place, output) in (0..).zip(pass.outputs.clone()) {
            let register = pass.place(output).register;
            asm.emit(Operation::Load(register, self.roles.base, 4 * place));
        }
    }

    /// Takes a row of a window in.
    fn add_row(&self, asm: &mut Assembly<'_>, pass: &reduction::Pass) {
        self.load_parts(asm, pass);
        self.reduce_row(asm, pass, frame::FIELD);
        self.point_at_parts(asm, pass);
        for (place, output) in (0..).zip(pass.outputs.clone()) {
            let register = pass.place(output).register;
            asm.emit(Operation::Store(register, self.roles.base, 4 * place));
        }
    }
}
