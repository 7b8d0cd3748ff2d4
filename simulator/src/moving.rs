//! A firmware that is moved: an MPU-6050 at its two-wire bus plays accelerations, with INT at D2,
//! and its answers come on USART0.

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::accelerometer::Mpu6050;
use crate::firmware::Firmware;
use crate::machine::Machine;
use crate::stack::StackWatch;

/// Where INT is: D2 of an Arduino Uno.
const INTERRUPT_PIN: (u8, u8) = (b'D', 2);
/// How long INT is raised (register map, INT_PIN_CFG).
const PULSE_MICROSECONDS: u64 = 50;
/// Time within which a firmware has set its sensor up.
const PATIENCE_MICROSECONDS: u64 = 1_000_000;
/// Time that it has for its last answer after the last sample.
const END_MICROSECONDS: u64 = 1_000_000;

/// A line that the firmware has answered with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The line, without its end.
    pub line: String,
    /// Cycles from the first sample to the end of the line.
    pub cycles: u64,
    /// Cycles from one sample to the next.
    pub cycles_per_sample: u64,
    /// The deepest stack in bytes so far, interrupts included.
    pub stack_bytes: u16,
}

/// Starts `firmware` on a `mcu` clocked at `frequency` hertz, lets its sensor measure `samples`,
/// each along x, y and z in counts of 1/8192 g, and gives each line to `answer` as it comes.
///
/// # Errors
/// As [`Machine::new`]; when the firmware crashes, or has not set its sensor up after a second.
pub fn play(
    mcu: &str,
    frequency: u32,
    firmware: &Firmware,
    samples: &[[i16; 3]],
    mut answer: impl FnMut(Answer) -> Result<()>,
) -> Result<()> {
    let cycles_of = |microseconds: u64| microseconds * u64::from(frequency) / 1_000_000;
    let sensor = Rc::new(RefCell::new(Mpu6050::new()));
    let mut machine = Machine::new(mcu, frequency, &firmware.segments)?;
    machine.attach(sensor.clone())?;
    let mut stack = StackWatch::new(machine.ram_end());
    let mut step = |machine: &mut Machine| {
        let opcode = machine.opcode(machine.program_counter());
        machine.step()?;
        stack.observe(opcode, machine);
        anyhow::Ok(machine.ram_end() - stack.lowest())
    };
    while !sensor.borrow().measures() {
        step(&mut machine)?;
        let line = String::from_utf8_lossy(&machine.take_received()).into_owned();
        ensure!(
            line.is_empty(),
            "the firmware has answered too early: {line}"
        );
        ensure!(
            machine.cycle() < cycles_of(PATIENCE_MICROSECONDS),
            "the firmware has set no MPU-6050 up"
        );
    }

    let cycles_per_sample = cycles_of(sensor.borrow().microseconds_per_sample());
    let start = machine.cycle() + cycles_per_sample;
    let pulse = cycles_of(PULSE_MICROSECONDS);
    let end = start + cycles_per_sample * samples.len() as u64 + cycles_of(END_MICROSECONDS);
    let (mut measured, mut is_raised) = (0_u64, false);
    let mut line = Vec::new();
    let (port, pin) = INTERRUPT_PIN;
    while machine.cycle() < end {
        let due = start + measured * cycles_per_sample;
        if is_raised && machine.cycle() + cycles_per_sample >= due + pulse {
            machine.set_pin(port, pin, false);
            is_raised = false;
        }
        if machine.cycle() >= due
            && let Some(sample) = samples.get(measured as usize)
        {
            sensor.borrow_mut().measure(*sample);
            machine.set_pin(port, pin, true);
            is_raised = true;
            measured += 1;
        }
        let stack_bytes = step(&mut machine)?;
        if machine.received() > 0 {
            line.extend(machine.take_received());
            if line.last() == Some(&b'\n') {
                line.pop();
                answer(Answer {
                    line: String::from_utf8_lossy(&line).into_owned(),
                    cycles: machine.cycle().saturating_sub(start),
                    cycles_per_sample,
                    stack_bytes,
                })?;
                line.clear();
            }
        }
    }
    Ok(())
}
