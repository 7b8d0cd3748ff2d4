//! Something on the two-wire bus (I²C) of a simulated part, which is the bus's master.

use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::ptr::NonNull;
use std::rc::Rc;

use anyhow::{Context as _, Result};
use simavr_ffi as ffi;

/// A peripheral on the bus, as it sees a transfer.
pub trait Peripheral {
    /// Its address, of 7 bits.
    fn address(&self) -> u8;
    /// A transfer begins, or goes on in the other direction: whether it `reads` from here.
    fn start(&mut self, reads: bool);
    /// It is given a byte; whether it acknowledges that.
    fn write(&mut self, byte: u8) -> bool;
    /// It is asked for a byte.
    fn read(&mut self) -> u8;
}

/// The bus with a peripheral, as simavr's callback sees it.
pub(crate) struct Bus {
    peripheral: Rc<RefCell<dyn Peripheral>>,
    input: NonNull<ffi::avr_irq_t>,
    is_addressed: Cell<bool>,
}

/// simavr's `AVR_IOCTL_TWI_GETIRQ(0)`, a macro.
const TWI: u32 = u32::from_be_bytes(*b"twi\0");

impl Bus {
    /// Connects `peripheral` to the bus of a part, which must outlive it.
    ///
    /// # Errors
    /// When the part has none.
    pub(crate) fn connect(
        avr: NonNull<ffi::avr_t>,
        peripheral: Rc<RefCell<dyn Peripheral>>,
    ) -> Result<Box<Self>> {
        // SAFETY: `avr` is a running part; simavr gives null or the part's own.
        let line = |index: u32| unsafe { ffi::avr_io_getirq(avr.as_ptr(), TWI, index as i32) };
        let no_bus = "the part has no two-wire bus";
        let input = NonNull::new(line(ffi::TWI_IRQ_INPUT)).context(no_bus)?;
        let output = NonNull::new(line(ffi::TWI_IRQ_OUTPUT)).context(no_bus)?;
        let bus = Box::new(Self {
            peripheral,
            input,
            is_addressed: Cell::new(false),
        });
        // SAFETY: the bus is boxed, so its address stays.
        unsafe {
            let context: *mut c_void = (&raw const *bus).cast_mut().cast();
            ffi::avr_irq_register_notify(output.as_ptr(), Some(on_message), context);
        }
        Ok(bus)
    }

    fn take(&self, kind: u32, address: u8, byte: u8) {
        let mut peripheral = self.peripheral.borrow_mut();
        if kind & ffi::TWI_COND_STOP != 0 {
            self.is_addressed.set(false);
        }
        if kind & ffi::TWI_COND_START != 0 {
            let is_addressed = address >> 1 == peripheral.address();
            self.is_addressed.set(is_addressed);
            if is_addressed {
                peripheral.start(address & 1 != 0);
                self.answer(ffi::TWI_COND_ACK, 1);
            }
        }
        if !self.is_addressed.get() {
            return;
        }
        if kind & ffi::TWI_COND_WRITE != 0 {
            let is_taken = peripheral.write(byte);
            self.answer(ffi::TWI_COND_ACK, is_taken.into());
        }
        if kind & ffi::TWI_COND_READ != 0 {
            let byte = peripheral.read();
            self.answer(ffi::TWI_COND_READ, byte);
        }
    }

    fn answer(&self, kind: u32, byte: u8) {
        // SAFETY: the line is the running part's own, which outlives the bus.
        unsafe {
            let message = ffi::avr_twi_irq_msg(kind as u8, 0, byte);
            ffi::avr_raise_irq(self.input.as_ptr(), message);
        }
    }
}

/// simavr packs a message as `avr_twi_msg_irq_t`: a byte that is not used, the kind, the address
/// with the direction, and the data.
extern "C" fn on_message(_: *mut ffi::avr_irq_t, message: u32, bus: *mut c_void) {
    // SAFETY: `Bus::connect` registered this function with a pointer to its `Bus`.
    let bus = unsafe { &*bus.cast::<Bus>() };
    let [_, kind, address, byte] = message.to_le_bytes();
    bus.take(kind.into(), address, byte);
}
