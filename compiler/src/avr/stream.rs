//! `stream`: pushes a pixel of the first map, which is where it arrives, through
//! the streamed layers, as far as it goes.
//!
//! Row and column are those of each layer's output in turn; what is left of them
//! says whether that output is there yet. Like `infer`, it alone saves what the
//! C ABI wants saved.

use super::assembly::Assembly;
use super::infer::{restore, save};
use super::instruction::{Condition, Instruction, Label, Mode, Pointer, Register};
use super::rows::RAMPZ;
use super::state::stack_pointer;
use super::windows::hands_on;
use super::{Core, Function, FunctionId};
use crate::network::Kernel;
use crate::plan::Arrival;
use crate::program::{Operation, Program, Stage};

const NETWORK: Register = Register(24);
const ROW: Register = Register(22);
const COLUMN: Register = Register(20);
const SPARE: Register = Register(21);
const ZERO: Register = Register(1);

/// `stream(network: r25:r24, row: r22, column: r20)`; the network's address stays
/// where it is.
pub(super) fn emit(program: &Program, core: Core) -> Function {
    let mut asm = Assembly::streamed(core);
    let mut driver = Driver {
        core,
        done: asm.label(),
        bare: asm.label(),
        saved: false,
    };
    for stage in &program.stages {
        let pixels = f64::from(stage.input.pixels());
        asm.times(pixels, |asm| driver.stage(asm, stage));
    }
    let pixels = f64::from(program.intake.output.pixels());
    asm.times(pixels, |asm| driver.leave(asm));
    asm.finish(FunctionId::Stream)
}

struct Driver {
    core: Core,
    /// Where everything is given back that was saved.
    done: Label,
    /// Where nothing was saved yet.
    bare: Label,
    /// Whether it was saved: row, column and network lie on the stack too.
    saved: bool,
}

impl Driver {
    fn stage(&mut self, asm: &mut Assembly, stage: &Stage) {
        let Kernel { height, width } = stage.field.kernel;
        match stage.operation {
            Operation::Convolution(_) | Operation::Separable { .. } => {
                for (place, side) in [(ROW, height), (COLUMN, width)] {
                    if side > 1 {
                        self.load(asm, place);
                        asm.subi(place, (side - 1) as u8);
                        self.leave_if(asm, Condition::Lower, 0.2);
                        self.keep(asm, place);
                    }
                }
                self.call(asm, FunctionId::Layer(stage.layer));
            }
            Operation::AveragePool { .. } | Operation::MaxPool => {
                if stage.arrival != Arrival::Values {
                    self.call(asm, FunctionId::Take(stage.layer));
                }
                for (place, side) in [(ROW, height), (COLUMN, width)] {
                    if side > 1 {
                        self.load(asm, place);
                        asm.mov(SPARE, place);
                        asm.andi(SPARE, (side - 1) as u8);
                        asm.cpi(SPARE, (side - 1) as u8);
                        self.leave_if(asm, Condition::NotEqual, 0.5);
                        for _ in 0..side.ilog2() {
                            asm.lsr(place);
                        }
                        self.keep(asm, place);
                    }
                }
                if hands_on(stage) {
                    self.call(asm, FunctionId::Layer(stage.layer));
                }
            }
            Operation::Dense(_) => self.call(asm, FunctionId::Layer(stage.layer)),
        }
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
            for (displacement, register) in
                [(1, COLUMN), (2, ROW), (3, NETWORK), (4, NETWORK.next())]
            {
                self.load_saved(asm, displacement, register);
            }
        } else {
            save(asm);
            for register in [NETWORK.next(), NETWORK, ROW, COLUMN] {
                asm.push(register);
            }
            self.saved = true;
        }
        asm.emit(Instruction::CallFunction {
            function,
            far: self.core.has_jmp,
        });
        if self.core.extended_flash {
            asm.write_port(RAMPZ, ZERO);
        }
        stack_pointer(asm, Pointer::Z);
    }

    fn load_saved(&self, asm: &mut Assembly, displacement: u8, register: Register) {
        asm.load(register, Pointer::Z, Mode::Displacement(displacement));
    }

    /// Loads a row or column where it is on the stack.
    fn load(&self, asm: &mut Assembly, place: Register) {
        if self.saved {
            let displacement = if place == COLUMN { 1 } else { 2 };
            self.load_saved(asm, displacement, place);
        }
    }

    /// Keeps it there.
    fn keep(&self, asm: &mut Assembly, place: Register) {
        if self.saved {
            let displacement = if place == COLUMN { 1 } else { 2 };
            asm.store(Pointer::Z, Mode::Displacement(displacement), place);
        }
    }

    fn leave(&self, asm: &mut Assembly) {
        asm.bind(self.done);
        for register in [COLUMN, ROW, NETWORK, NETWORK.next()] {
            asm.pop(register);
        }
        restore(asm);
        asm.bind(self.bare);
        asm.ret();
    }
}
