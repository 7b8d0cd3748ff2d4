//! A safe face of simavr: one microcontroller, one instruction at a time.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString, c_void};
use std::ptr::NonNull;

use anyhow::{Context, Result, bail, ensure};
use simavr_ffi as ffi;

use crate::firmware::Firmware;

/// The stack pointer's address in data space, the same on every AVR that simavr knows (ATmega328P
/// datasheet, DS40002061B, "Stack Pointer").
const STACK_POINTER: usize = 0x5D;

/// What the simulated USART tells us through simavr's callbacks.
#[derive(Default)]
struct Line {
    /// How often the firmware has found no byte, since one last went either way.
    misses: Cell<u32>,
    /// The bytes that the firmware has sent.
    sent: RefCell<Vec<u8>>,
}

/// A microcontroller with a firmware in its flash.
pub(crate) struct Machine {
    avr: NonNull<ffi::avr_t>,
    uart: NonNull<ffi::avr_uart_t>,
    input: NonNull<ffi::avr_irq_t>,
    line: Box<Line>,
}

impl Machine {
    /// An `mcu` clocked at `frequency` hertz, its flash programmed with `firmware`.
    ///
    /// # Errors
    /// When simavr does not know the part, the part has no USART0, or the firmware is larger than
    /// its flash.
    pub(crate) fn new(mcu: &str, frequency: u32, firmware: &Firmware) -> Result<Self> {
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
        for (address, data) in &firmware.segments {
            let end = u64::from(*address) + data.len() as u64;
            ensure!(
                end <= flash_bytes,
                "the firmware ends at {end} bytes of flash, {mcu} has {flash_bytes}"
            );
            let size = u32::try_from(data.len())?;
            // SAFETY: simavr copies `size` bytes from `data`, which it does not change, to flash,
            // where they have just been found to fit.
            unsafe {
                ffi::avr_loadcode(avr.as_ptr(), data.as_ptr().cast_mut(), size, *address);
            }
        }

        let uart = find_uart(avr).with_context(|| format!("{mcu} has no USART0"))?;
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
            avr,
            uart,
            input: NonNull::new(input).context("simavr has not set up USART0")?,
            line,
        })
    }

    /// Executes one instruction.
    ///
    /// # Errors
    /// When the firmware has jumped out of its flash, has started over, or sleeps for ever.
    pub(crate) fn step(&mut self) -> Result<()> {
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

    /// Puts `byte` on the line to USART0.
    pub(crate) fn send(&mut self, byte: u8) {
        self.line.misses.set(0);
        // SAFETY: both pointers are the running part's own. The byte takes one cycle instead of
        // its time on the line: see the crate's documentation.
        unsafe {
            (*self.uart.as_ptr()).cycles_per_byte = 1;
            ffi::avr_raise_irq(self.input.as_ptr(), u32::from(byte));
        }
    }

    /// Whether the firmware polls USART0 for a byte. simavr tells of a miss both when the last
    /// byte has been taken and when the status is read with none there: the second counts.
    pub(crate) fn waits_for_byte(&self) -> bool {
        self.line.misses.get() >= 2
    }

    /// How many bytes the firmware has sent that were not yet taken.
    pub(crate) fn received(&self) -> usize {
        self.line.sent.borrow().len()
    }

    /// The bytes that the firmware has sent since the last call.
    pub(crate) fn take_received(&mut self) -> Vec<u8> {
        self.line.sent.take()
    }

    /// Cycles since the reset.
    pub(crate) fn cycle(&self) -> u64 {
        // SAFETY: `avr` is ours alone.
        unsafe { (*self.avr.as_ptr()).cycle }
    }

    /// The byte address of the next instruction.
    pub(crate) fn program_counter(&self) -> u32 {
        // SAFETY: `avr` is ours alone.
        unsafe { (*self.avr.as_ptr()).pc }
    }

    /// The instruction at the byte address `pc`; none past the end of flash.
    pub(crate) fn opcode(&self, pc: u32) -> Option<u16> {
        // SAFETY: simavr's flash holds `flashend` + 1 bytes.
        unsafe {
            if pc >= (*self.avr.as_ptr()).flashend {
                return None;
            }
            let word = (*self.avr.as_ptr()).flash.add(pc as usize);
            Some(u16::from_le_bytes([*word, *word.add(1)]))
        }
    }

    /// The address of the last byte of SRAM.
    pub(crate) fn ram_end(&self) -> u16 {
        // SAFETY: `avr` is ours alone.
        unsafe { (*self.avr.as_ptr()).ramend }
    }

    /// The stack pointer.
    pub(crate) fn stack_pointer(&self) -> u16 {
        // SAFETY: data space reaches past the stack pointer on every part.
        unsafe {
            let low = (*self.avr.as_ptr()).data.add(STACK_POINTER);
            u16::from_le_bytes([*low, *low.add(1)])
        }
    }

    /// The byte at `address` in data space, which is at most [`Self::ram_end`].
    pub(crate) fn data(&self, address: u16) -> u8 {
        assert!(address <= self.ram_end());
        // SAFETY: simavr's data space ends at `ramend`.
        unsafe { *(*self.avr.as_ptr()).data.add(usize::from(address)) }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // SAFETY: the part is ours, and unused from here on. What little of it simavr does not
        // free here ends with the process.
        unsafe { ffi::avr_terminate(self.avr.as_ptr()) }
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
    // SAFETY: `Machine::new` registered this function with a pointer to its `Line`.
    let line = unsafe { &*line.cast::<Line>() };
    line.misses.set(0);
    line.sent.borrow_mut().push(value as u8);
}

extern "C" fn on_miss(_: *mut ffi::avr_irq_t, _: u32, line: *mut c_void) {
    // SAFETY: as in `on_output`.
    let line = unsafe { &*line.cast::<Line>() };
    line.misses.set(line.misses.get().saturating_add(1));
}
