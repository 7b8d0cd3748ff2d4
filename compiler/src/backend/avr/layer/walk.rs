//! The loop over a layer's outputs, in the order that the plan has them in.

use crate::backend::avr::arithmetic::index::is_wide;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::Condition;
use crate::backend::avr::isa::registers::{POSITION, R30, Register, Registers, ZERO};
use crate::backend::avr::memory::field::MapSource;
use crate::backend::avr::memory::state::{LoopState, Variable, add_constant};
use crate::backend::avr::memory::store::OutputSink;
use crate::plan::Order;
use crate::program::Step;

/// The loop's shape.
pub(crate) struct Walk {
    order: Order,
    rows: u32,
    columns: u32,
    /// From a field to the one below it, and to the one right of it.
    down: i32,
    right: i32,
    /// Whether outputs go on at the arena's first cell somewhere.
    wraps: bool,
    /// From a pixel of each joined map to the next one in order.
    joined: Vec<i32>,
}

impl Walk {
    pub(crate) fn new(
        step: &Step,
        source: &MapSource<'_>,
        sink: &OutputSink<'_>,
        joined: Vec<&MapSource<'_>>,
    ) -> Self {
        let pixel = source.pixel_step() as i32;
        let width = source.map.shape.width as i32;
        let backward = if step.order == Order::RowMajorBackward {
            -1
        } else {
            1
        };
        Self {
            order: step.order,
            rows: step.output.height,
            columns: step.output.width,
            down: backward * step.field.stride.rows as i32 * width * pixel,
            right: backward * step.field.stride.columns as i32 * pixel,
            wraps: sink.wraps(),
            joined: joined
                .into_iter()
                .map(|source| backward * source.pixel_step() as i32)
                .collect(),
        }
    }

    /// The pixel that the first output's field begins at, which may be before the map.
    pub(crate) fn first_pixel(&self, step: &Step, source: &MapSource<'_>) -> i32 {
        let width = source.map.shape.width;
        let first = if self.order == Order::RowMajorBackward {
            (self.rows - 1) * step.field.stride.rows * width
                + (self.columns - 1) * step.field.stride.columns
        } else {
            0
        };
        first as i32 - (step.field.top * width + step.field.left) as i32
    }

    /// The pixel of the first output.
    pub(crate) fn first_output(&self) -> u32 {
        if self.order == Order::RowMajorBackward {
            self.rows * self.columns - 1
        } else {
            0
        }
    }

    fn rows_left(&self) -> Variable {
        Variable::Rows {
            wide: is_wide(self.most(self.rows)),
        }
    }

    fn columns_left(&self) -> Variable {
        Variable::Count {
            wide: is_wide(self.most(self.columns)),
        }
    }

    fn upright_left(&self) -> Variable {
        Variable::Columns {
            wide: is_wide(self.most(self.columns)),
        }
    }

    /// What a counter of that many counts at most: of herringbone, all are of both.
    fn most(&self, side: u32) -> u32 {
        if self.is_peeled() {
            self.rows.max(self.columns)
        } else {
            side
        }
    }

    /// What it keeps, beside the position.
    pub(crate) fn variables(&self) -> Vec<Variable> {
        let mut variables = vec![Variable::Output];
        if self.is_peeled() {
            let peel = [Variable::Corner, self.rows_left(), self.upright_left()];
            variables.extend(peel);
        } else if self.rows > 1 {
            variables.push(self.rows_left());
        }
        if self.columns > 1 || self.is_peeled() {
            variables.push(self.columns_left());
        }
        if self.wraps {
            variables.push(Variable::UntilWrap);
        }
        variables
    }

    fn is_peeled(&self) -> bool {
        self.order == Order::Herringbone && self.rows > 1 && self.columns > 1
    }

    fn outputs(&self) -> f64 {
        f64::from(self.rows) * f64::from(self.columns)
    }

    /// Emits the loop; `body` computes the output of the field at [`POSITION`].
    pub(crate) fn emit(
        &self,
        asm: &mut Assembly,
        state: &mut LoopState,
        sink: &OutputSink<'_>,
        body: &mut dyn FnMut(&mut Assembly, &mut LoopState),
    ) {
        let mut body = |asm: &mut Assembly, state: &mut LoopState| {
            body(asm, state);
            sink.advance(asm, state);
            if self.rows * self.columns > 1 {
                for (index, &step) in (0..).zip(&self.joined) {
                    state.advance(asm, Variable::Joined(index), step);
                }
            }
        };
        if self.is_peeled() {
            self.peel(asm, state, &mut body);
        } else {
            self.lines(asm, state, &mut body);
        }
    }

    fn lines(
        &self,
        asm: &mut Assembly,
        state: &mut LoopState,
        body: &mut dyn FnMut(&mut Assembly, &mut LoopState),
    ) {
        let (rows, columns) = (f64::from(self.rows), f64::from(self.columns));
        if self.rows > 1 {
            load(asm, state.register(self.rows_left()), self.rows);
        }
        let line = asm.here();
        if self.columns > 1 {
            asm.times(rows, |asm| {
                load(asm, state.register(self.columns_left()), self.columns);
            });
        }
        let next = asm.here();
        asm.times(self.outputs(), |asm| {
            body(asm, state);
            asm.add_to_pair(POSITION, self.right);
            if self.columns > 1 {
                count_down(asm, state.register(self.columns_left()), self.columns);
                asm.loop_back(Condition::NotEqual, next, columns);
            }
        });
        if self.rows > 1 {
            asm.times(rows, |asm| {
                asm.add_to_pair(POSITION, self.down - self.columns as i32 * self.right);
                count_down(asm, state.register(self.rows_left()), self.rows);
                asm.loop_back(Condition::NotEqual, line, rows);
            });
        }
    }

    /// Herringbone: a line of the shorter side is peeled until the rest is
    /// square, then rows and columns in turn.
    fn peel(
        &self,
        asm: &mut Assembly,
        state: &mut LoopState,
        body: &mut dyn FnMut(&mut Assembly, &mut LoopState),
    ) {
        let [rows, columns, count, corner] = [
            self.rows_left(),
            self.upright_left(),
            self.columns_left(),
            Variable::Corner,
        ]
        .map(|variable| state.register(variable));
        let pixel = asm.label();
        let done = asm.label();
        let lines = f64::from(self.rows.min(self.columns)) * 2.0;
        let most = self.most(0);
        let load_all = |asm: &mut Assembly, register: Register, value: u32| {
            load(asm, register, value);
            if is_wide(most) && !is_wide(value) {
                load(asm, register.next(), 0);
            }
        };
        load_all(asm, rows, self.rows);
        load_all(asm, columns, self.columns);
        copy_pair(asm, corner, POSITION);
        let line = asm.here();
        asm.times(lines, |asm| {
            copy_pair(asm, POSITION, corner);
            asm.cp(rows, columns);
            if is_wide(most) {
                asm.cpc(rows.next(), columns.next());
            }
        });
        let upright = asm.label();
        asm.times(lines, |asm| asm.branch(Condition::Lower, upright, 0.5));
        let side =
            |asm: &mut Assembly, along: i32, across: i32, length: Register, left: Register| {
                asm.times(lines / 2.0, |asm| {
                    if is_wide(most) {
                        copy_pair(asm, count, length);
                    } else {
                        asm.mov(count, length);
                    }
                });
                let next = asm.here();
                asm.times(self.outputs() / 2.0, |asm| {
                    asm.call(pixel);
                    asm.add_to_pair(POSITION, along);
                    count_down(asm, count, most);
                    asm.loop_back(Condition::NotEqual, next, self.outputs() / lines);
                });
                asm.times(lines / 2.0, |asm| {
                    add_constant(asm, corner, across);
                    count_down(asm, left, most);
                    asm.loop_back(Condition::NotEqual, line, lines);
                    asm.jump(done);
                });
            };
        side(asm, self.right, self.down, columns, rows);
        asm.bind(upright);
        side(asm, self.down, self.right, rows, columns);
        asm.bind(pixel);
        let return_bytes = i64::from(asm.core().program_counter.bytes);
        asm.stack_changes(return_bytes);
        asm.times(self.outputs(), |asm| {
            body(asm, state);
            asm.ret();
        });
        asm.stack_changes(-return_bytes);
        asm.bind(done);
    }
}

/// Takes 1 off a register, or a pair where it counts more than 255. The flags say
/// whether 0 is left.
fn count_down(asm: &mut Assembly, register: Register, most: u32) {
    let changed = Registers::of(register.run(1 + u8::from(is_wide(most))))
        .and((!register.is_upper()).then_some(R30));
    asm.changing(changed, |asm| {
        let spare = R30;
        if !is_wide(most) {
            asm.dec(register);
        } else if register.is_upper() {
            asm.subi(register, 1);
            asm.sbci(register.next(), 0);
        } else {
            asm.ldi(spare, 1);
            asm.sub(register, spare);
            asm.sbc(register.next(), ZERO);
        }
    })
}

/// A constant into any register, or a pair where it is above 255, through r30.
fn load(asm: &mut Assembly, register: Register, value: u32) {
    if is_wide(value) {
        let [low, high, ..] = value.to_le_bytes();
        load(asm, register, low.into());
        load(asm, register.next(), high.into());
        return;
    }
    if register.is_upper() {
        asm.ldi(register, value as u8);
    } else {
        asm.ldi(R30, value as u8);
        asm.mov(register, R30);
    }
}

/// Copies a pair; only an even one moves at once.
fn copy_pair(asm: &mut Assembly, to: Register, from: Register) {
    if to.is_even() && from.is_even() {
        asm.movw(to, from);
    } else {
        asm.mov(to, from);
        asm.mov(to.next(), from.next());
    }
}
