//! Recognises handwritten digits on an Arduino Uno.
#![no_std]
#![no_main]
#![cfg_attr(target_arch = "avr", feature(asm_experimental_arch))]

use avr_device::atmega328p::Peripherals;
use static_cell::ConstStaticCell;

herringbone::network! {
    /// A handwritten digit, 28×28 grey levels, to its class.
    pub Digits: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, D*(10) >,
    target: atmega328p,
    weights: "digits.safetensors",
}

static DIGITS: ConstStaticCell<Digits> = ConstStaticCell::new(Digits::new());

#[avr_device::entry]
fn main() -> ! {
    let (Some(peripherals), Some(digits)) = (Peripherals::take(), DIGITS.try_take()) else {
        loop {}
    };
    let serial = peripherals.USART0;
    serial.ubrr0().write(|w| w.set(16)); // 115200 baud at 16 MHz with U2X
    serial.ucsr0a().write(|w| w.u2x0().set_bit());
    serial.ucsr0b().write(|w| w.rxen0().set_bit().txen0().set_bit());
    loop {
        while serial.ucsr0a().read().rxc0().bit_is_clear() {}
        let pixel = serial.udr0().read().bits();
        // Computes the results after the last pixel; `None` until then.
        if let Some(results) = digits.push_in_place(pixel) {
            serial.udr0().write(|w| w.set(b'0' + results.class() as u8));
        }
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
