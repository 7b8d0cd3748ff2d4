//! Behind a pixel of the first map that is complete: pushes it through the
//! streamed layers, as far as it goes. A part of `absorb`.
//!
//! Row and column are those of each layer's output in turn; what is left of them
//! says whether that output is there yet. Like `infer`, it alone saves what the
//! C ABI wants saved.

use super::FunctionId;
use super::assembly::Assembly;
use super::infer::{restore, save};
use super::instruction::{Condition, Instruction, Label, Mode, Pointer, Register};
use super::rows::RAMPZ;
use super::state::stack_pointer;
use super::windows::hands_on;
use crate::network::Kernel;
use crate::plan::Arrival;
use crate::program::{Operation, Program, Stage};

const NETWORK: Register = Register(24);
const ROW: Register = Register(22);
const COLUMN: Register = Register(20);
const SPARE: Register = Register(21);
const ZERO: Register = Register(1);

/// Emits it, the network's address being in r25:r24, the pixel's row in r22 and
/// its column in r20. Where it comes to no layer, nothing else is changed, and
/// `bare` is branched to; else all is changed but r25:r24.
pub(super) fn emit(asm: &mut Assembly, program: &Program, bare: Label) {
    let mut driver = Driver {
        done: asm.label(),
        bare,
        saved: false,
        loaded: [true; 2],
    };
    let pixels = f64::from(program.intake.output.pixels());
    // Whatever it is in, it is as often there as pixels are complete.
    asm.times(1.0 / pixels, |asm| {
        for stage in &program.stages {
            driver.stage(asm, stage);
        }
        let first = &program.stages[0];
        let pushed = match first.operation {
            Operation::Convolution(_) | Operation::Separable { .. } => first.output.pixels(),
            _ => first.input.pixels(),
        };
        driver.leave(asm, pushed);
    });
}

struct Driver {
    /// Where everything is given back that was saved.
    done: Label,
    /// Where nothing was saved yet.
    bare: Label,
    /// Whether it was saved: row, column and network lie on the stack too.
    saved: bool,
    /// Whether the row and the column are in their registers.
    loaded: [bool; 2],
}

impl Driver {
    fn stage(&mut self, asm: &mut Assembly, stage: &Stage) {
        let Kernel { height, width } = stage.field.kernel;
        let layer = FunctionId::Layer(stage.layer);
        let (arrivals, outputs) = (stage.input.pixels(), stage.output.pixels());
        let rows = stage.output.height * stage.input.width;
        let sides = [
            (ROW, height, arrivals, rows),
            (COLUMN, width, rows, outputs),
        ];
        match stage.operation {
            Operation::Convolution(_) | Operation::Separable { .. } => {
                for (place, side, times, of_them) in sides {
                    if side > 1 {
                        self.within(asm, times, of_them, |driver, asm, leaves| {
                            driver.load(asm, place);
                            asm.subi(place, (side - 1) as u8);
                            driver.leave_if(asm, Condition::Lower, leaves);
                        });
                        asm.times(f64::from(of_them), |asm| self.keep(asm, place));
                    }
                }
                asm.times(f64::from(outputs), |asm| self.call(asm, layer));
            }
            Operation::AveragePool { .. } | Operation::MaxPool => {
                if stage.arrival != Arrival::Values {
                    let take = FunctionId::Take(stage.layer);
                    asm.times(f64::from(arrivals), |asm| self.call(asm, take));
                }
                for (place, side, times, of_them) in sides {
                    if side > 1 {
                        self.within(asm, times, of_them, |driver, asm, leaves| {
                            driver.load(asm, place);
                            asm.mov(SPARE, place);
                            asm.andi(SPARE, (side - 1) as u8);
                            asm.cpi(SPARE, (side - 1) as u8);
                            driver.leave_if(asm, Condition::NotEqual, leaves);
                        });
                        asm.times(f64::from(of_them), |asm| {
                            for _ in 0..side.ilog2() {
                                asm.lsr(place);
                            }
                            self.keep(asm, place);
                        });
                    }
                }
                if hands_on(stage) {
                    asm.times(f64::from(outputs), |asm| self.call(asm, layer));
                }
            }
            Operation::Dense(_) => {
                asm.times(f64::from(arrivals), |asm| self.call(asm, layer));
            }
        }
    }

    /// Emits what runs so many times, of which so many go on.
    fn within(
        &mut self,
        asm: &mut Assembly,
        times: u32,
        of_them: u32,
        body: impl FnOnce(&mut Self, &mut Assembly, f64),
    ) {
        let leaves = 1.0 - f64::from(of_them) / f64::from(times);
        asm.times(f64::from(times), |asm| body(self, asm, leaves));
    }

    /// Leaves where no output is there yet.
    fn leave_if(&self, asm: &mut Assembly, condition: Condition, taken: f64) {
        let label = if self.saved { self.done } else { self.bare };
        asm.branch(condition, label, taken);
    }

    /// Calls a function with network, row and column; saves everything before the
    /// first one.
    fn call(&mut self, asm: &mut Assembly, function: FunctionId) {
        if self.saved {
            for place in [ROW, COLUMN] {
                self.load(asm, place);
            }
            for (displacement, register) in [(3, NETWORK), (4, NETWORK.next())] {
                asm.load(register, Pointer::Z, Mode::Displacement(displacement));
            }
        } else {
            save(asm);
            for register in [NETWORK.next(), NETWORK, ROW, COLUMN] {
                asm.push(register);
            }
            self.saved = true;
        }
        self.loaded = [false; 2];
        asm.emit(Instruction::CallFunction {
            function,
            far: asm.core().has_jmp,
        });
        if asm.core().extended_flash {
            asm.write_port(RAMPZ, ZERO);
        }
        stack_pointer(asm, Pointer::Z);
    }

    /// Loads a row or column where it is on the stack only.
    fn load(&mut self, asm: &mut Assembly, place: Register) {
        let (index, displacement) = on_stack(place);
        if !std::mem::replace(&mut self.loaded[index], true) {
            asm.load(place, Pointer::Z, Mode::Displacement(displacement));
        }
    }

    /// Keeps it there.
    fn keep(&self, asm: &mut Assembly, place: Register) {
        if self.saved {
            let (_, displacement) = on_stack(place);
            asm.store(Pointer::Z, Mode::Displacement(displacement), place);
        }
    }

    /// Gives everything back behind the `pushed` pixels that went into some layer.
    fn leave(&self, asm: &mut Assembly, pushed: u32) {
        asm.bind(self.done);
        asm.times(f64::from(pushed), |asm| {
            for register in [COLUMN, ROW, NETWORK, NETWORK.next()] {
                asm.pop(register);
            }
            restore(asm);
        });
    }
}

/// The number of a row or column, and how far above the stack pointer it is.
fn on_stack(place: Register) -> (usize, u8) {
    if place == ROW { (0, 2) } else { (1, 1) }
}
