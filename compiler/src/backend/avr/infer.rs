//! `infer`: computes the results from a complete input, layer by layer.
//!
//! It alone saves the registers that the C ABI wants saved: those that any layer changes.

use crate::backend::avr::isa::abi::{restore, save};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::core::Core;
use crate::backend::avr::isa::function::Function;
use crate::backend::avr::isa::function_id::FunctionId;
use crate::backend::avr::isa::instruction::{Condition, Instruction, Mode};
use crate::backend::avr::isa::ports::{RAMPZ, stack_pointer};
use crate::backend::avr::isa::registers::{
    BASE, POSITION, Pointer, R2, R18, R19, R20, R21, R23, R24, R30, RESULTS, Registers, TEMPORARY,
    X, Y, Z, ZERO,
};
use crate::backend::avr::memory::field::MapSource;
use crate::backend::avr::memory::position::by_parity;
use crate::network::{Element, NodeId};
use crate::plan::Place;
use crate::program::{Accumulator, Job, Map, Program, ResultInteger};

/// `infer(network: r25:r24, results: r23:r22)`. `done_with_another`: layers that have no function;
/// `changed`: registers that the code changes anywhere.
pub(crate) fn emit(
    program: &Program,
    core: Core,
    done_with_another: &[NodeId],
    changed: Registers,
) -> Function {
    let mut asm = Assembly::new(core).of_code_that_changes(changed);
    let jobs = program.completed();
    let place = program.place_of_results();
    if jobs.is_empty() && is_kept(place) {
        copy_kept(&mut asm, program);
        asm.ret();
        return asm.finish(FunctionId::Infer);
    }
    save(&mut asm);
    let arguments = [POSITION.next(), POSITION, RESULTS.next(), RESULTS];
    for register in arguments {
        asm.push(register);
    }
    let functions = (1..).zip(jobs).filter_map(|(index, job)| match job {
        Job::Layer(step) if done_with_another.contains(&step.node) => None,
        Job::Layer(step) => Some(FunctionId::Layer(step.node)),
        Job::Segment(_) => Some(FunctionId::Segment(index)),
    });
    for (calls, function) in functions.enumerate() {
        if calls > 0 {
            load_arguments(&mut asm);
        }
        let far = core.has_jmp;
        asm.emit(Instruction::CallFunction { function, far });
    }
    if is_copied(place) && !jobs.is_empty() {
        load_arguments(&mut asm);
    }
    match place {
        Place::Whole(_) => {
            let map = program.map(program.output);
            match map.element {
                Element::Activation => copy_activations(&mut asm, program, map),
                // As they are stored, they are results.
                Element::Wide => {
                    let bits = map.first_cell * program.activation_bits;
                    copy_bytes(&mut asm, program, bits / 8);
                }
            }
        }
        Place::Sums(_) => copy_kept(&mut asm, program),
        // A layer has put them where they go.
        Place::Nowhere => {}
        Place::Ring(_) | Place::Windows(_) => unreachable!("no result is overwritten"),
    }
    for _ in arguments {
        asm.pop(TEMPORARY);
    }
    restore(&mut asm);
    if core.extended_flash {
        asm.write_port(RAMPZ, ZERO);
    }
    asm.ret();
    asm.finish(FunctionId::Infer)
}

/// Whether a stage keeps the results.
fn is_kept(place: Place) -> bool {
    match place {
        Place::Sums(_) => true,
        Place::Whole(_) | Place::Ring(_) | Place::Windows(_) | Place::Nowhere => false,
    }
}

/// Whether the results are still to be copied after the last layer.
fn is_copied(place: Place) -> bool {
    match place {
        Place::Whole(_) | Place::Sums(_) | Place::Ring(_) | Place::Windows(_) => true,
        Place::Nowhere => false,
    }
}

/// Copies results that the last stage keeps, maybe onto themselves.
fn copy_kept(asm: &mut Assembly, program: &Program) {
    let place_byte = program.results.place_byte;
    copy_bytes(asm, program, place_byte.expect("a stage keeps the results"));
}

/// Copies results from that byte of the arena on.
fn copy_bytes(asm: &mut Assembly, program: &Program, first_byte: u32) {
    let bytes = program.results.count * program.results.integer.bytes();
    let counter = R24;
    asm.movw(X, POSITION);
    asm.add_to_pair(X, (program.cursor_bytes + first_byte) as i32);
    asm.movw(Z, RESULTS);
    // Up to 0, for there is no pair to count down with one instruction.
    asm.ldi_pair(counter, (bytes as u16).wrapping_neg());
    let next = asm.here();
    asm.times(bytes.into(), |asm| {
        asm.load(TEMPORARY, Pointer::X, Mode::PostIncrement);
        asm.store(Pointer::Z, Mode::PostIncrement, TEMPORARY);
        asm.emit(Instruction::AddToWord(counter, 1));
        asm.loop_back(Condition::NotEqual, next, bytes.into());
    });
}

/// The arguments, which were pushed last.
fn load_arguments(asm: &mut Assembly) {
    // Where RAMPZ counts for `ldd` too (xmega with external memory), the layer
    // may have left it beyond 64 KB.
    if asm.core().extended_flash {
        asm.write_port(RAMPZ, ZERO);
    }
    stack_pointer(asm, Pointer::Z);
    for (displacement, register) in (1..).zip([RESULTS, RESULTS.next(), POSITION, POSITION.next()])
    {
        asm.load(register, Pointer::Z, Mode::Displacement(displacement));
    }
}

/// Copies the last map, which is stored, to the results: 16 bits each, or a model's bytes; rows,
/// columns, channels.
fn copy_activations(asm: &mut Assembly, program: &Program, map: &Map) {
    let source = MapSource::new(asm, program, map);
    let pixels = map.shape.pixels();
    asm.movw(Y, RESULTS);
    asm.movw(BASE, POSITION);
    source.begin(asm, 0);
    let count = R2;
    asm.ldi_pair(R30, pixels as u16);
    asm.movw(count, R30);
    let next = asm.here();
    asm.times(pixels.into(), |asm| {
        if source.has_table() {
            source.point_at_pixel(asm, 0);
        } else {
            asm.movw(X, POSITION);
        }
        if source.by_nibble {
            by_parity(asm, &mut |asm, odd| copy_pixel(asm, program, map, odd));
        } else {
            copy_pixel(asm, program, map, false);
        }
        asm.add_to_pair(POSITION, source.pixel_step() as i32);
        asm.ldi(R30, 1);
        asm.sub(count, R30);
        asm.sbc(count.next(), ZERO);
        asm.loop_back(Condition::NotEqual, next, pixels.into());
    });
}

/// One pixel from X to Y.
fn copy_pixel(asm: &mut Assembly, program: &Program, map: &Map, odd: bool) {
    let (byte, value, high) = (R18, R19, R20);
    let bits = program.activation_bits;
    let channels = map.shape.channels;
    let is_byte = match program.results.integer {
        ResultInteger::Byte => true,
        ResultInteger::Sum(accumulator) => {
            debug_assert_eq!(accumulator, Accumulator::I16);
            false
        }
    };
    let deliver = |asm: &mut Assembly| {
        if is_byte {
            asm.store(Pointer::Y, Mode::PostIncrement, value);
            return;
        }
        asm.ldi(high, 0);
        if map.signed {
            if bits == 4 {
                asm.skip_if_clear(value, 3);
                asm.ori(value, 0xF0);
            }
            asm.skip_if_clear(value, 7);
            asm.ldi(high, 0xFF);
        }
        asm.store(Pointer::Y, Mode::PostIncrement, value);
        asm.store(Pointer::Y, Mode::PostIncrement, high);
    };
    let nibble = |asm: &mut Assembly, upper: bool| {
        asm.mov(value, byte);
        if upper {
            asm.swap(value);
        }
        asm.andi(value, 0x0F);
        deliver(asm);
    };
    // More than 255 channels has a dense layer's single pixel only, which is found
    // without the address in r23:r22.
    let (count, count_high) = (R21, R23);
    let repeat = |asm: &mut Assembly, times: u32, body: &mut dyn FnMut(&mut Assembly)| {
        if times == 0 {
            return;
        }
        asm.ldi(count, times as u8);
        if times > 255 {
            asm.ldi(count_high, (times >> 8) as u8);
        }
        let next = asm.here();
        asm.times(times.into(), |asm| {
            body(asm);
            if times > 255 {
                asm.subi(count, 1);
                asm.sbci(count_high, 0);
            } else {
                asm.dec(count);
            }
            asm.loop_back(Condition::NotEqual, next, times.into());
        });
    };
    if bits == 8 {
        repeat(asm, channels, &mut |asm| {
            asm.load(value, Pointer::X, Mode::PostIncrement);
            deliver(asm);
        });
        return;
    }
    let mut rest = channels;
    if odd {
        asm.load(byte, Pointer::X, Mode::PostIncrement);
        nibble(asm, true);
        rest -= 1;
    }
    repeat(asm, rest / 2, &mut |asm| {
        asm.load(byte, Pointer::X, Mode::PostIncrement);
        nibble(asm, false);
        nibble(asm, true);
    });
    if rest % 2 == 1 {
        asm.load(byte, Pointer::X, Mode::Plain);
        nibble(asm, false);
    }
}
