//! Windows of a streamed pooling: what is known of each channel so far, in the
//! arena, into which pixels are taken as they come.
//!
//! A window begins with what changes nothing: below every value, or 0. So each of
//! its pixels is taken in alike, in any order.

use crate::backend::avr::arithmetic::divide;
use crate::backend::avr::arithmetic::wide::shift_down;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::core::Core;
use crate::backend::avr::isa::function::Function;
use crate::backend::avr::isa::function_id::FunctionId;
use crate::backend::avr::isa::instruction::Mode;
use crate::backend::avr::isa::item::Purpose;
use crate::backend::avr::isa::loops::counted;
use crate::backend::avr::isa::registers::{
    NETWORK, Pointer, R2, R6, R16, R17, R18, R19, R20, R21, R23, Register, X, Y, Z,
};
use crate::backend::avr::memory::window::{Scratch, WindowRow};
use crate::backend::avr::round::scale::Scaler;
use crate::backend::avr::segments::reading::Reading;
use crate::plan::{Arrival, Sink};
use crate::program::{ByteScales, Divisor, Pooling, Program, Stage};
use std::rc::Rc;

/// Registers that making bytes by multiplication leaves alone, row and column among them: the
/// sum's first one, the pair of where the next byte goes, and the count.
const SCALED_SUM: Register = R2;
const SCALED_TO: Register = R6;
const SCALED_COUNTER: Register = R23;

/// The functions of poolings: such as take their pixels from where they arrive,
/// and such as hand a window on that is complete.
pub(crate) fn emit(program: &Program, core: Core) -> Vec<Function> {
    let mut functions = Vec::new();
    for segment in program.segments() {
        let assembly = || {
            if segment.arriving {
                Assembly::streamed(core)
            } else {
                Assembly::new(core)
            }
        };
        for stage in &segment.stages {
            let Some(row) = WindowRow::of_stage(program, stage) else {
                continue;
            };
            if stage.plan.arrival != Arrival::Values {
                functions.push(emit_take(assembly(), program, stage, &row));
            }
            if hands_on(stage) {
                functions.push(emit_layer(assembly(), program, stage, &row));
            }
        }
    }
    functions
}

/// Whether something is left to do with a complete window.
pub(crate) fn hands_on(stage: &Stage) -> bool {
    let averages = match stage.operation.pooling() {
        Some(Pooling::Average(_)) => true,
        Some(Pooling::Maximum) | None => false,
    };
    averages || stage.plan.windows().is_some() && stage.plan.sink != Sink::Stays
}

/// `take_N(network: r25:r24 and Z, row: r22, column: r20)`: takes the pixel that
/// has arrived into its window. Row and column as [`stage`](super::stage) has them.
fn emit_take(mut asm: Assembly, program: &Program, stage: &Stage, row: &WindowRow) -> Function {
    let channels = stage.plan.input.channels;
    let (byte, other, counter) = (R18, R19, R23);
    let nibble = R2;
    asm.times(f64::from(stage.plan.input.pixels()), |asm| {
        asm.of(Purpose::Pool, |asm| {
            let reading = Reading::running(asm, program, stage, None);
            reading.point_at(asm);
            if reading.by_nibble {
                asm.mov(nibble, X);
                asm.lsr(X.next());
                asm.ror(X);
            }
            asm.movw(Y, X);
            row.point_at(asm, false);
            row.begin(asm);
            let scratch = Scratch {
                kept: Z,
                other: Z.next(),
            };
            if row.bits == 8 {
                counted(asm, channels, counter, |asm| {
                    asm.load(byte, Pointer::Y, Mode::PostIncrement);
                    row.take(asm, &[byte], scratch);
                });
                return;
            }
            let (high, done) = (asm.label(), asm.label());
            let share = if reading.by_nibble { 0.5 } else { 1.0 };
            if reading.by_nibble {
                asm.skip_if_clear(nibble, 0);
                asm.times(0.5, |asm| asm.jump(high));
            }
            let unpack = |asm: &mut Assembly| {
                asm.load(byte, Pointer::Y, Mode::PostIncrement);
                asm.mov(other, byte);
                asm.swap(other);
                asm.andi(byte, 0x0F);
                asm.andi(other, 0x0F);
            };
            asm.times(share, |asm| {
                counted(asm, channels / 2, counter, |asm| {
                    unpack(asm);
                    row.take(asm, &[byte, other], scratch);
                });
                if channels % 2 == 1 {
                    unpack(asm);
                    row.take(asm, &[byte], scratch);
                }
            });
            if reading.by_nibble {
                asm.times(0.5, |asm| asm.jump(done));
                asm.bind(high);
                asm.times(0.5, |asm| {
                    take_from_high(asm, row, (channels, counter), scratch)
                });
                asm.bind(done);
            }
        });
        asm.ret();
    });
    asm.finish(FunctionId::Take(stage.plan.node))
}

/// Takes the pixel in that begins with the high nibble at Y, an odd count of them.
fn take_from_high(
    asm: &mut Assembly,
    row: &WindowRow,
    (channels, counter): (u32, Register),
    scratch: Scratch,
) {
    let (first, second, packed) = (R18, R19, R16);
    let high = |asm: &mut Assembly| {
        asm.mov(first, packed);
        asm.swap(first);
        asm.andi(first, 0x0F);
    };
    asm.load(packed, Pointer::Y, Mode::PostIncrement);
    counted(asm, channels / 2, counter, |asm| {
        high(asm);
        asm.load(packed, Pointer::Y, Mode::PostIncrement);
        asm.mov(second, packed);
        asm.andi(second, 0x0F);
        row.take(asm, &[first, second], scratch);
    });
    high(asm);
    row.take(asm, &[first], scratch);
}

/// `layer_N(network: r25:r24 and Z, row: r22, column: r20)`: makes activations of
/// the window of that column, and puts them where they go.
fn emit_layer(mut asm: Assembly, program: &Program, stage: &Stage, row: &WindowRow) -> Function {
    let scales = stage.operation.quantised();
    let scales = scales.and_then(|it| ByteScales::of_windows(&it.kernel));
    let mut scaler = scales.map(|scales| Scaler::new(Rc::new(scales)));
    asm.times(f64::from(stage.plan.output.pixels()), |asm| {
        asm.of(Purpose::Pool, |asm| {
            row.point_at(asm, true);
            asm.movw(Y, X);
            match stage.operation.pooling() {
                Some(Pooling::Average(divisor)) => {
                    match &mut scaler {
                        Some(scaler) => scale(asm, row, scaler),
                        None => average(asm, row, divisor),
                    }
                    asm.movw(Z, NETWORK);
                }
                Some(Pooling::Maximum) | None => {}
            }
        });
        asm.of(Purpose::Store, |asm| hand_on(asm, program, stage, row));
        asm.ret();
    });
    if let Some(scaler) = &scaler {
        scaler.subroutine(&mut asm);
    }
    asm.finish(FunctionId::Layer(stage.plan.node))
}

/// Makes activations of the sums at X, in their place; Y is there too, and stays.
fn average(asm: &mut Assembly, row: &WindowRow, divisor: Divisor) {
    let channels = row.windows.channels;
    let (packed, counter, quotient) = (R21, R23, R20);
    let all = [R18, R19, R16, R17];
    let sum = &all[..row.value_bytes() as usize];
    asm.movw(Z, X);
    let one = |asm: &mut Assembly| -> Register {
        for &register in sum {
            asm.load(register, Pointer::X, Mode::PostIncrement);
        }
        let value = match divisor.shift() {
            Some(shift) => {
                for _ in 0..shift {
                    shift_down(asm, sum, row.signed);
                }
                sum[0]
            }
            None => {
                divide::down(asm, sum, (divisor.0, row.bits, row.signed), quotient);
                quotient
            }
        };
        if row.bits == 4 {
            asm.andi(value, 0x0F);
        }
        value
    };
    if row.bits == 8 {
        counted(asm, channels, counter, |asm| {
            let value = one(asm);
            asm.store(Pointer::Z, Mode::PostIncrement, value);
        });
        return;
    }
    counted(asm, channels / 2, counter, |asm| {
        let low = one(asm);
        asm.mov(packed, low);
        let high = one(asm);
        asm.swap(high);
        asm.or(high, packed);
        asm.store(Pointer::Z, Mode::PostIncrement, high);
    });
    if channels % 2 == 1 {
        let value = one(asm);
        asm.store(Pointer::Z, Mode::PostIncrement, value);
    }
}

/// Makes bytes of a model's sums at X, in their place; Y is there too, and stays.
fn scale(asm: &mut Assembly, row: &WindowRow, scaler: &mut Scaler) {
    let sum: Vec<Register> = SCALED_SUM.run(row.value_bytes() as u8).collect();
    let kept = [X, X.next(), Y, Y.next()];
    let to = SCALED_TO;
    asm.movw(to, X);
    counted(asm, row.windows.channels, SCALED_COUNTER, |asm| {
        for &register in &sum {
            asm.load(register, Pointer::X, Mode::PostIncrement);
        }
        for register in kept {
            asm.push(register);
        }
        let byte = scaler.emit(asm, &sum, 0);
        asm.movw(X, to);
        asm.store(Pointer::X, Mode::PostIncrement, byte);
        asm.movw(to, X);
        for register in kept.into_iter().rev() {
            asm.pop(register);
        }
    });
}

/// Copies the pixel at Y, which begins a byte, to where it goes.
fn hand_on(asm: &mut Assembly, program: &Program, stage: &Stage, row: &WindowRow) {
    let Some(by_nibble) = crate::backend::avr::segments::stage::point_at_sink(asm, program, stage)
    else {
        return;
    };
    let channels = row.windows.channels;
    let (byte, other, counter) = (R18, R19, R23);
    if row.bits == 8 || !by_nibble {
        // Whole bytes, the last of which may be half of a single pixel.
        let bytes = (channels * row.bits).div_ceil(8);
        counted(asm, bytes, counter, |asm| {
            asm.load(byte, Pointer::Y, Mode::PostIncrement);
            asm.store(Pointer::X, Mode::PostIncrement, byte);
        });
        return;
    }
    crate::backend::avr::memory::position::by_parity(asm, &mut |asm, odd| {
        let put = |asm: &mut Assembly, value: Register, high: bool, mode: Mode| {
            asm.load(other, Pointer::X, Mode::Plain);
            asm.andi(other, if high { 0x0F } else { 0xF0 });
            if high {
                asm.swap(value);
            }
            asm.or(other, value);
            asm.store(Pointer::X, mode, other);
        };
        let low_of = |asm: &mut Assembly| {
            asm.mov(Z, byte);
            asm.andi(Z, 0x0F);
        };
        let high_of = |asm: &mut Assembly| {
            asm.mov(Z, byte);
            asm.swap(Z);
            asm.andi(Z, 0x0F);
        };
        let after = |high: bool| {
            if high {
                Mode::PostIncrement
            } else {
                Mode::Plain
            }
        };
        counted(asm, channels / 2, counter, |asm| {
            asm.load(byte, Pointer::Y, Mode::PostIncrement);
            low_of(asm);
            put(asm, Z, odd, after(odd));
            high_of(asm);
            put(asm, Z, !odd, after(!odd));
        });
        if channels % 2 == 1 {
            asm.load(byte, Pointer::Y, Mode::PostIncrement);
            low_of(asm);
            put(asm, Z, odd, Mode::Plain);
        }
    });
}
