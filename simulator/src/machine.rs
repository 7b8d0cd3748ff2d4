//! A safe face of simavr: one microcontroller, one instruction at a time.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString, c_void};
use std::ptr::NonNull;
use std::rc::Rc;

use anyhow::{Context, Result, bail, ensure};
use simavr_ffi as ffi;

use crate::firmware::Segment;
use crate::two_wire::{Bus, Peripheral};

/// The stack pointer's address in data space, the same on every AVR that simavr knows (ATmega328P
/// datasheet, DS40002061B, "Stack Pointer").
const STACK_POINTER: u16 = 0x5D;

/// What the simulated USART tells us through simavr's callbacks.
#[derive(Default)]
struct Line {
    /// How often the firmware has found no byte, since one last went either way.
    misses: Cell<u32>,
    /// The bytes that the firmware has sent.
    sent: RefCell<Vec<u8>>,
}

/// A part's USART0, and the line to it.
struct Serial {
    uart: NonNull<ffi::avr_uart_t>,
    input: NonNull<ffi::avr_irq_t>,
    line: Box<Line>,
}

/// A microcontroller with a program in its flash.
pub struct Machine {
    avr: NonNull<ffi::avr_t>,
    serial: Option<Serial>,
    /// Kept for simavr, which calls back into it.
    bus: Option<Box<Bus>>,
}

impl Machine {
    /// An `mcu`, as simavr calls it, clocked at `frequency` hertz, its flash programmed with
    /// `segments`. Like any part it begins at address 0; its registers and SRAM hold zeros.
    ///
    /// # Errors
    /// When simavr does not know the part, or a segment lies outside of its flash.
    pub fn new(mcu: &str, frequency: u32, segments: &[Segment]) -> Result<Self> {
        let name = CString::new(mcu).context("a part's name holds no zero byte")?;
        // SAFETY: `name` is a C string that outlives the call.
        let avr = NonNull::new(unsafe { ffi::avr_make_mcu_by_name(name.as_ptr()) })
            .with_context(|| format!("simavr does not know the part {mcu}"))?;
        // SAFETY: `avr` is the part that simavr has just made, and nobody else's. Its log would
        // go to standard output, amid the answers, and is of no use here.
        unsafe {
            ensure!(
                ffi::avr_init(avr.as_ptr()) == 0,
                "simavr cannot start {mcu}"
            );
            (*avr.as_ptr()).frequency = frequency;
            (*avr.as_ptr()).set_log(ffi::LOG_NONE as u8);
        }

        // SAFETY: as above; `avr_init` has filled `flashend` in.
        let flash_bytes = u64::from(unsafe { (*avr.as_ptr()).flashend }) + 1;
        for Segment { address, bytes } in segments {
            let end = u64::from(*address) + bytes.len() as u64;
            ensure!(
                end <= flash_bytes,
                "the firmware ends at {end} bytes of flash, {mcu} has {flash_bytes}"
            );
            let size = u32::try_from(bytes.len())?;
            // SAFETY: simavr copies `size` bytes, which it does not change, to flash, where they
            // have just been found to fit.
            unsafe {
                ffi::avr_loadcode(avr.as_ptr(), bytes.as_ptr().cast_mut(), size, *address);
            }
        }

        let serial = find_uart(avr).map(Serial::connect).transpose()?;
        Ok(Self {
            avr,
            serial,
            bus: None,
        })
    }

    /// Executes one instruction.
    ///
    /// # Errors
    /// When the firmware has jumped out of its flash, has started over, or sleeps for ever.
    pub fn step(&mut self) -> Result<()> {
        // SAFETY: `avr` is ours alone, and no reference into `line` is held.
        let state = unsafe { ffi::avr_run(self.avr.as_ptr()) };
        match u32::try_from(state) {
            Ok(ffi::cpu_Running | ffi::cpu_Sleeping) if self.program_counter() == 0 => {
                bail!("started over: it jumped to address 0")
            }
            Ok(ffi::cpu_Running | ffi::cpu_Sleeping) => Ok(()),
            Ok(ffi::cpu_Done) => bail!("went to sleep with interrupts off"),
            _ => bail!("crashed"),
        }
    }

    /// Whether the part has a USART0, which all of the following methods on bytes concern.
    #[must_use]
    pub fn has_serial_line(&self) -> bool {
        self.serial.is_some()
    }

    /// Puts `byte` on the line to USART0; without one, it is lost.
    pub fn send(&mut self, byte: u8) {
        let Some(serial) = &self.serial else { return };
        serial.line.misses.set(0);
        // SAFETY: both pointers are the running part's own. The byte takes one cycle instead of
        // its time on the line: see `exchange`.
        unsafe {
            (*serial.uart.as_ptr()).cycles_per_byte = 1;
            ffi::avr_raise_irq(serial.input.as_ptr(), u32::from(byte));
        }
    }

    /// Whether the firmware polls USART0 for a byte. simavr reports a miss both when the last
    /// byte has been taken and when the status is read with none there: the second counts.
    #[must_use]
    pub fn waits_for_byte(&self) -> bool {
        self.serial
            .as_ref()
            .is_some_and(|serial| serial.line.misses.get() >= 2)
    }

    /// Whether the firmware has switched USART0's receiver on.
    #[must_use]
    pub fn receives(&self) -> bool {
        self.serial.as_ref().is_some_and(|serial| {
            // SAFETY: `uart` is the running part's own.
            let enable = unsafe { (*serial.uart.as_ptr()).rxen };
            (self.data(enable.reg() as u16) >> enable.bit()) & 1 != 0
        })
    }

    /// How many of the bytes that arrived at USART0 the firmware has yet to take. simavr holds 64,
    /// a part two.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.serial.as_ref().map_or(0, |serial| {
            // SAFETY: `uart` is the running part's own.
            let queue = unsafe { &(*serial.uart.as_ptr()).input };
            let written = usize::from(queue.write) + queue.buffer.len();
            (written - usize::from(queue.read)) % queue.buffer.len()
        })
    }

    /// Whether an interrupt's handler runs.
    #[must_use]
    pub fn handles_interrupt(&self) -> bool {
        // SAFETY: `avr` is ours alone.
        unsafe { (*self.avr.as_ptr()).interrupts.running_ptr > 0 }
    }

    /// How many bytes the firmware has sent that were not yet taken.
    #[must_use]
    pub fn received(&self) -> usize {
        self.serial
            .as_ref()
            .map_or(0, |serial| serial.line.sent.borrow().len())
    }

    /// The bytes that the firmware has sent since the last call.
    pub fn take_received(&mut self) -> Vec<u8> {
        self.serial
            .as_ref()
            .map(|serial| serial.line.sent.take())
            .unwrap_or_default()
    }

    /// Lets the analogue inputs be measured against `supply_millivolts`, at AVCC and VCC.
    pub fn set_supply(&mut self, supply_millivolts: u16) {
        // SAFETY: `avr` is ours alone.
        unsafe {
            (*self.avr.as_ptr()).vcc = supply_millivolts.into();
            (*self.avr.as_ptr()).avcc = supply_millivolts.into();
        }
    }

    /// Puts a voltage on the analogue input ADC0; a part without one does not notice.
    pub fn set_analogue_input(&mut self, millivolts: u16) {
        /// simavr's `AVR_IOCTL_ADC_GETIRQ`, a macro: "adc0", first letter highest.
        const ADC: u32 = u32::from_be_bytes(*b"adc0");
        // SAFETY: `avr` is ours alone; simavr gives null or the part's own.
        unsafe {
            let input = ffi::avr_io_getirq(self.avr.as_ptr(), ADC, ffi::ADC_IRQ_ADC0 as i32);
            if !input.is_null() {
                ffi::avr_raise_irq(input, millivolts.into());
            }
        }
    }

    /// Puts a peripheral on the part's two-wire bus.
    ///
    /// # Errors
    /// When the part has none, or a peripheral is there already.
    pub fn attach(&mut self, peripheral: Rc<RefCell<dyn Peripheral>>) -> Result<()> {
        ensure!(self.bus.is_none(), "the bus has a peripheral already");
        self.bus = Some(Bus::connect(self.avr, peripheral)?);
        Ok(())
    }

    /// Sets a digital input; a part without that pin does not notice. `port` is a capital letter.
    pub fn set_pin(&mut self, port: u8, pin: u8, level: bool) {
        // simavr's `AVR_IOCTL_IOPORT_GETIRQ`, a macro: "iog" and the port.
        let lines = u32::from_be_bytes([b'i', b'o', b'g', port]);
        // SAFETY: `avr` is ours alone; simavr gives null or the part's own.
        unsafe {
            let input = ffi::avr_io_getirq(self.avr.as_ptr(), lines, pin.into());
            if !input.is_null() {
                ffi::avr_raise_irq(input, level.into());
            }
        }
    }

    /// Cycles since the reset.
    #[must_use]
    pub fn cycle(&self) -> u64 {
        // SAFETY: `avr` is ours alone.
        unsafe { (*self.avr.as_ptr()).cycle }
    }

    /// The byte address of the next instruction.
    #[must_use]
    pub fn program_counter(&self) -> u32 {
        // SAFETY: `avr` is ours alone.
        unsafe { (*self.avr.as_ptr()).pc }
    }

    /// Goes on at the instruction at `byte_address`. Where there is no flash, the next step is an
    /// error.
    pub fn set_program_counter(&mut self, byte_address: u32) {
        // SAFETY: `avr` is ours alone; simavr checks the address before it reads there.
        unsafe { (*self.avr.as_ptr()).pc = byte_address }
    }

    /// The instruction at the byte address `pc`; none past the end of flash.
    #[must_use]
    pub fn opcode(&self, pc: u32) -> Option<u16> {
        // SAFETY: simavr's flash holds `flashend` + 1 bytes.
        unsafe {
            if pc >= (*self.avr.as_ptr()).flashend {
                return None;
            }
            let word = (*self.avr.as_ptr()).flash.add(pc as usize);
            Some(u16::from_le_bytes([*word, *word.add(1)]))
        }
    }

    /// The bytes of a return address on the stack: 2, or 3 where flash is larger than 128 KB.
    #[must_use]
    pub fn return_address_bytes(&self) -> u8 {
        // SAFETY: `avr` is ours alone.
        unsafe { (*self.avr.as_ptr()).address_size }
    }

    /// The address of the first byte of SRAM.
    #[must_use]
    pub fn ram_start(&self) -> u16 {
        // SAFETY: `avr` is ours alone.
        unsafe { (*self.avr.as_ptr()).ioend + 1 }
    }

    /// The address of the last byte of SRAM.
    #[must_use]
    pub fn ram_end(&self) -> u16 {
        // SAFETY: `avr` is ours alone.
        unsafe { (*self.avr.as_ptr()).ramend }
    }

    /// The stack pointer.
    #[must_use]
    pub fn stack_pointer(&self) -> u16 {
        u16::from_le_bytes([self.data(STACK_POINTER), self.data(STACK_POINTER + 1)])
    }

    /// Sets the stack pointer, to at most [`Self::ram_end`].
    pub fn set_stack_pointer(&mut self, address: u16) {
        let [low, high] = address.to_le_bytes();
        self.set_data(STACK_POINTER, low);
        self.set_data(STACK_POINTER + 1, high);
    }

    /// Register `number` of the 32.
    #[must_use]
    pub fn register(&self, number: u8) -> u8 {
        assert!(number < 32, "there is no register r{number}");
        self.data(number.into())
    }

    /// Sets register `number` of the 32.
    pub fn set_register(&mut self, number: u8, value: u8) {
        assert!(number < 32, "there is no register r{number}");
        self.set_data(number.into(), value);
    }

    /// The status register: C, Z, N, V, S, H, T and I, from bit 0 up.
    #[must_use]
    pub fn status(&self) -> u8 {
        // SAFETY: `avr` is ours alone. simavr keeps the flags apart, a byte each.
        let flags = unsafe { (*self.avr.as_ptr()).sreg };
        (0..).zip(flags).fold(0, |status, (bit, flag)| {
            status | (u8::from(flag != 0) << bit)
        })
    }

    /// Sets the status register, as [`Self::status`] gives it.
    pub fn set_status(&mut self, status: u8) {
        let flags = std::array::from_fn(|bit| (status >> bit) & 1);
        // SAFETY: `avr` is ours alone. simavr keeps the flags apart, a byte each.
        unsafe { (*self.avr.as_ptr()).sreg = flags }
    }

    /// The byte at `address` in data space, which is at most [`Self::ram_end`]. I/O registers are
    /// as they were last written; the flags are to be had from [`Self::status`].
    #[must_use]
    pub fn data(&self, address: u16) -> u8 {
        assert!(address <= self.ram_end(), "no data at {address:#06x}");
        // SAFETY: simavr's data space ends at `ramend`.
        unsafe { *(*self.avr.as_ptr()).data.add(usize::from(address)) }
    }

    /// Sets the byte at `address` in data space, which is at most [`Self::ram_end`]. An I/O
    /// register only holds it: no peripheral sees it.
    pub fn set_data(&mut self, address: u16, value: u8) {
        assert!(address <= self.ram_end(), "no data at {address:#06x}");
        // SAFETY: as in `data`, and `avr` is ours alone.
        unsafe { *(*self.avr.as_ptr()).data.add(usize::from(address)) = value }
    }

    /// All of data space: the registers, I/O registers, and SRAM to its end. Of the I/O registers,
    /// what is said at [`Self::data`] holds.
    #[must_use]
    pub fn data_space(&self) -> &[u8] {
        let bytes = usize::from(self.ram_end()) + 1;
        // SAFETY: simavr's data space ends at `ramend`; nothing runs while it is borrowed.
        unsafe { std::slice::from_raw_parts((*self.avr.as_ptr()).data, bytes) }
    }

    /// All of data space, to be set: see [`Self::set_data`].
    pub fn data_space_mut(&mut self) -> &mut [u8] {
        let bytes = usize::from(self.ram_end()) + 1;
        // SAFETY: as in `data_space`, and `avr` is ours alone.
        unsafe { std::slice::from_raw_parts_mut((*self.avr.as_ptr()).data, bytes) }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // SAFETY: the part is ours, and unused from here on. What little of it simavr does not
        // free here ends with the process.
        unsafe { ffi::avr_terminate(self.avr.as_ptr()) }
    }
}

impl Serial {
    /// Connects a line to `uart`, which lives as long as its part does.
    fn connect(uart: NonNull<ffi::avr_uart_t>) -> Result<Self> {
        let line = Box::<Line>::default();
        // SAFETY: an `avr_uart_t` begins with its `avr_io_t`, whose `irq` points to
        // UART_IRQ_COUNT of them for as long as the part lives. `line` is boxed, so its address
        // stays, and it lives as long as the part does. The flags are plain integers: without
        // them simavr neither prints what the firmware sends nor sleeps while it polls.
        let input = unsafe {
            let irq = (*uart.as_ptr()).io.irq;
            let context: *mut c_void = (&raw const *line).cast_mut().cast();
            ffi::avr_irq_register_notify(
                irq.add(ffi::UART_IRQ_OUTPUT as usize),
                Some(on_output),
                context,
            );
            ffi::avr_irq_register_notify(
                irq.add(ffi::UART_IRQ_OUT_XON as usize),
                Some(on_miss),
                context,
            );
            (*uart.as_ptr()).flags = 0;
            irq.add(ffi::UART_IRQ_INPUT as usize)
        };
        Ok(Self {
            uart,
            input: NonNull::new(input).context("simavr has not set up USART0")?,
            line,
        })
    }
}

/// The part's USART0 among its peripherals.
fn find_uart(avr: NonNull<ffi::avr_t>) -> Option<NonNull<ffi::avr_uart_t>> {
    // SAFETY: simavr's list of peripherals ends in a null pointer; `kind` is null or a C string;
    // a peripheral of the kind "uart" is the first field of an `avr_uart_t`.
    unsafe {
        let mut peripheral = (*avr.as_ptr()).io_port;
        while let Some(found) = NonNull::new(peripheral) {
            let kind = (*peripheral).kind;
            if !kind.is_null() && CStr::from_ptr(kind) == c"uart" {
                let uart = found.cast::<ffi::avr_uart_t>();
                if (*uart.as_ptr()).name as u8 == b'0' {
                    return Some(uart);
                }
            }
            peripheral = (*peripheral).next;
        }
    }
    None
}

extern "C" fn on_output(_: *mut ffi::avr_irq_t, value: u32, line: *mut c_void) {
    // SAFETY: `Serial::connect` registered this function with a pointer to its `Line`.
    let line = unsafe { &*line.cast::<Line>() };
    line.misses.set(0);
    line.sent.borrow_mut().push(value as u8);
}

extern "C" fn on_miss(_: *mut ffi::avr_irq_t, _: u32, line: *mut c_void) {
    // SAFETY: as in `on_output`.
    let line = unsafe { &*line.cast::<Line>() };
    line.misses.set(line.misses.get().saturating_add(1));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_without_a_serial_line_executes_instructions_from_anywhere() {
        let bytes = [0x0F01_u16, 0x9400] // add r16, r17; com r0
            .into_iter()
            .flat_map(u16::to_le_bytes)
            .collect();
        let address = 0x100;
        let mut machine =
            Machine::new("attiny85", 8_000_000, &[Segment { address, bytes }]).unwrap();
        assert!(!machine.has_serial_line());
        machine.set_program_counter(address);
        machine.set_register(16, 0xFF);
        machine.set_register(17, 0x01);
        machine.set_stack_pointer(0x015F);
        machine.set_data(0x0060, 7);
        let start = machine.cycle();
        machine.step().unwrap();
        // H, Z and C.
        assert_eq!((machine.register(16), machine.status()), (0, 0b10_0011));
        machine.step().unwrap();
        assert_eq!(machine.register(0), 0xFF);
        assert_eq!(machine.cycle() - start, 2);
        assert_eq!(machine.program_counter(), address + 4);
        assert_eq!((machine.stack_pointer(), machine.data(0x0060)), (0x015F, 7));
    }
}
