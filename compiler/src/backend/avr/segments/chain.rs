//! Behind a pixel of the first map that is complete: pushes it through the
//! streamed layers, as far as it goes. A part of `absorb`.
//!
//! Row and column are those of each layer's output in turn, made of the cursor's,
//! which has not moved on yet; what is left of them says whether that output is
//! there yet. Like `infer`, it alone saves what the
//! C ABI wants saved.

use crate::backend::avr::arithmetic::index::is_wide;
use crate::backend::avr::isa::abi::{restore, save};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::function_id::FunctionId;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition, Instruction, Mode};
use crate::backend::avr::isa::ports::{RAMPZ, stack_pointer};
use crate::backend::avr::isa::registers::{COLUMN, NETWORK, Pointer, ROW, Register, Z, ZERO};
use crate::backend::avr::segments::windows::hands_on;
use crate::network::{Kernel, Stride};
use crate::plan::Arrival;
use crate::program::{ByPixel, Program, Stage};

/// Whether the stages that compute as the input arrives are a chain that this can
/// drive: rows and columns in bytes, kernels at every pixel, windows that are
/// shifted down to. [`grid`](crate::backend::avr::segments::grid) drives all others.
pub(crate) fn is_flat(program: &Program) -> bool {
    let segment = program.arriving();
    let Kernel { height, width } = segment.grid;
    let is_narrow = !is_wide(height) && !is_wide(width) && is_simple(program);
    let is_shifted = |stage: &Stage| {
        let Kernel { height, width } = stage.field.kernel;
        match stage.operation.by_pixel() {
            Some(ByPixel::Sums(_)) => true,
            Some(ByPixel::Windows(_)) if stage.plan.takes => {
                height.is_power_of_two() && width.is_power_of_two()
            }
            Some(ByPixel::Windows(_)) | None => stage.field.stride == Stride::ONE,
            Some(ByPixel::Steps(_)) => false,
        }
    };
    segment.is_chain() && is_narrow && segment.stages.iter().all(is_shifted)
}

/// Whether rows and columns take a byte each, and the windows of a leading `A`
/// touch one another and have sides that are powers of two.
pub(crate) fn is_simple(program: &Program) -> bool {
    let is_simple_pool = program.intake.pool.is_none_or(|pool| {
        let Kernel { height, width } = pool.field.kernel;
        // A window of one byte would begin and end at once.
        let is_shifted = height.is_power_of_two() && width.is_power_of_two() && height * width > 1;
        let are_tiles = pool.is_tiled() && pool.windows.bands == 1;
        are_tiles && is_shifted && pool.windows.bytes_per_value() == 2
    });
    let has_narrow_cursor = program.cursor_pixel_bytes == NARROW_CURSOR_BYTES;
    has_narrow_cursor && is_simple_pool
}

/// Of row, column and channel.
const NARROW_CURSOR_BYTES: u32 = 3;

/// Emits it, the network's address being in r25:r24, the pixel's row in r22 and
/// its column in r20. Where it comes to no layer, nothing else is changed, and
/// `bare` is branched to; else all is changed but r25:r24.
pub(crate) fn emit(asm: &mut Assembly, program: &Program, bare: CodeLabel) {
    let window = program.intake.pool.map(|pool| pool.field.kernel);
    let window = window.unwrap_or(Kernel::square(1));
    let mut driver = Driver {
        done: asm.label(),
        bare,
        saved: false,
        row: ChainPlace::new(ROW, 0, window.height),
        column: ChainPlace::new(COLUMN, 1, window.width),
    };
    let pixels = f64::from(program.intake.output.pixels());
    // Whatever it is in, it is as often there as pixels are complete.
    asm.times(1.0 / pixels, |asm| {
        for stage in program.stages() {
            driver.stage(asm, stage);
        }
        let first = &program.stages()[0];
        let pushed = match first.operation.by_pixel() {
            Some(_) => first.plan.input.pixels(),
            None => first.plan.output.pixels(),
        };
        driver.leave(asm, pushed);
    });
}

struct Driver {
    /// Where everything is given back that was saved.
    done: CodeLabel,
    /// Where nothing was saved yet.
    bare: CodeLabel,
    /// Whether it was saved; the network's address is on the stack too.
    saved: bool,
    /// What makes the row of the pixel at hand of that of the last byte.
    row: ChainPlace,
    /// And its column.
    column: ChainPlace,
}

/// A row or a column.
struct ChainPlace {
    register: Register,
    /// Its byte in the cursor.
    cursor_byte: u8,
    /// From the cursor's: shifts down, and constants to subtract, in turn.
    steps: Vec<PlaceStep>,
    /// Whether the register has it.
    is_loaded: bool,
}

#[derive(Clone, Copy)]
enum PlaceStep {
    ShiftDown(u32),
    Subtract(u32),
}

impl ChainPlace {
    fn new(register: Register, cursor_byte: u8, window_side: u32) -> Self {
        Self {
            register,
            cursor_byte,
            steps: vec![PlaceStep::ShiftDown(window_side.ilog2())],
            is_loaded: true,
        }
    }

    /// Loads it where it is in the cursor only, Z being the network's address.
    fn load(&mut self, asm: &mut Assembly) {
        if std::mem::replace(&mut self.is_loaded, true) {
            return;
        }
        asm.load(
            self.register,
            Pointer::Z,
            Mode::Displacement(self.cursor_byte),
        );
        for step in &self.steps {
            match *step {
                PlaceStep::ShiftDown(bits) => {
                    for _ in 0..bits {
                        asm.lsr(self.register);
                    }
                }
                PlaceStep::Subtract(lines) => asm.subi(self.register, lines as u8),
            }
        }
    }

    /// Branches where a kernel of that side is not yet within the map; otherwise it
    /// becomes that of the output. Its last subtraction is part of this one.
    fn subtract_kernel(&mut self, asm: &mut Assembly, side: u32, outside: (CodeLabel, f64)) {
        let mut lines = side - 1;
        if !self.is_loaded
            && let Some(PlaceStep::Subtract(before)) = self.steps.last().copied()
        {
            self.steps.pop();
            lines += before;
        }
        self.load(asm);
        asm.subi(self.register, lines as u8);
        asm.branch(Condition::Lower, outside.0, outside.1);
        match self.steps.last_mut() {
            Some(PlaceStep::Subtract(before)) => *before += lines,
            _ => self.steps.push(PlaceStep::Subtract(lines)),
        }
    }

    /// Branches where a window of that side is not complete; otherwise it becomes
    /// that of the window.
    fn divide_by_window(&mut self, asm: &mut Assembly, side: u32, incomplete: (CodeLabel, f64)) {
        self.load(asm);
        let bits = side.ilog2();
        // The last of a window has ones in all the bits that are shifted out.
        for _ in 0..bits {
            asm.lsr(self.register);
            asm.branch(
                Condition::SameOrHigher,
                incomplete.0,
                incomplete.1 / f64::from(bits),
            );
        }
        self.steps.push(PlaceStep::ShiftDown(bits));
    }
}

impl Driver {
    fn stage(&mut self, asm: &mut Assembly, stage: &Stage) {
        let Kernel { height, width } = stage.field.kernel;
        let layer = FunctionId::Layer(stage.plan.node);
        let (arrivals, outputs) = (stage.plan.input.pixels(), stage.plan.output.pixels());
        let rows = stage.plan.output.height * stage.plan.input.width;
        let is_pooling = stage.plan.windows().is_some();
        let is_dense = stage.operation.is_dense();
        if is_pooling && stage.plan.arrival != Arrival::Values {
            let take = FunctionId::Take(stage.plan.node);
            asm.times(f64::from(arrivals), |asm| self.call(asm, take));
        }
        let leave = if self.saved { self.done } else { self.bare };
        if !is_dense {
            for (place, side, times, of_them) in [
                (&mut self.row, height, arrivals, rows),
                (&mut self.column, width, rows, outputs),
            ] {
                if side == 1 {
                    continue;
                }
                let leaves = (leave, 1.0 - f64::from(of_them) / f64::from(times));
                asm.times(f64::from(times), |asm| {
                    if is_pooling {
                        place.divide_by_window(asm, side, leaves);
                    } else {
                        place.subtract_kernel(asm, side, leaves);
                    }
                });
            }
        }
        if !is_pooling || hands_on(stage) {
            let times = if is_dense { arrivals } else { outputs };
            asm.times(f64::from(times), |asm| self.call(asm, layer));
        }
    }

    /// Calls a function with network, row and column, after which Z is the
    /// network's address too; saves everything before the first one.
    fn call(&mut self, asm: &mut Assembly, function: FunctionId) {
        if self.saved {
            self.row.load(asm);
            self.column.load(asm);
        } else {
            save(asm);
            asm.push(NETWORK.next());
            asm.push(NETWORK);
            asm.movw(Z, NETWORK);
            self.saved = true;
        }
        asm.emit(Instruction::CallFunction {
            function,
            far: asm.core().has_jmp,
        });
        self.row.is_loaded = false;
        self.column.is_loaded = false;
        if asm.core().extended_flash {
            asm.write_port(RAMPZ, ZERO);
        }
        stack_pointer(asm, Pointer::Z);
        asm.load(NETWORK, Pointer::Z, Mode::Displacement(1));
        asm.load(NETWORK.next(), Pointer::Z, Mode::Displacement(2));
        asm.movw(Z, NETWORK);
    }

    /// Gives everything back after the `pushed` pixels that went into some layer.
    fn leave(&self, asm: &mut Assembly, pushed: u32) {
        asm.bind(self.done);
        asm.times(f64::from(pushed), |asm| {
            asm.pop(NETWORK);
            asm.pop(NETWORK.next());
            restore(asm);
        });
    }
}
