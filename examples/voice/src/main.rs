//! Recognises spoken digits on an Arduino Uno, from a microphone with an amplifier at its analogue
//! input A0, which rests at half of 5 V.
//!
//! A byte on the serial port (115200 baud, 8N1) starts listening. After a second the firmware
//! answers with a line: the digit, and how many samples have waited at most while it computed, at
//! 125 µs each. Where more than [`CAPACITY`] would have to wait, samples are lost, and the line
//! ends with `lost`.
#![no_std]
#![no_main]
#![feature(abi_avr_interrupt)]

use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, Ordering};

use avr_device::atmega328p::usart0::RegisterBlock as Serial;
use avr_device::atmega328p::{ADC, TC0, USART0};
use static_cell::ConstStaticCell;
use voice::Voice;

/// UBRR for 115200 baud at 16 MHz with U2X: the line runs at 117647 baud, 2.1 % fast (ATmega328P
/// datasheet, DS40002061B, "Examples of Baud Rate Setting").
const BAUD_RATE_DIVISOR: u16 = 16;
/// OCR0A for 8,000 interrupts a second of 16 MHz / 8.
const TICKS: u8 = 249;
/// Samples that may wait while a row is computed.
const CAPACITY: u8 = 250;

static VOICE: ConstStaticCell<Voice> = ConstStaticCell::new(Voice::new());

/// Samples that wait: the next one goes to `ARRIVED`, the first one that waits is at `TAKEN`.
static WAITING: [AtomicU16; CAPACITY as usize] = [const { AtomicU16::new(0) }; CAPACITY as usize];
static ARRIVED: AtomicU8 = AtomicU8::new(0);
static TAKEN: AtomicU8 = AtomicU8::new(0);
static COUNT: AtomicU8 = AtomicU8::new(0);
static MOST: AtomicU8 = AtomicU8::new(0);
static HAS_LOST: AtomicBool = AtomicBool::new(false);

// 8,000 times a second: takes the sample that was begun the last time, and begins the next.
#[avr_device::interrupt(atmega328p)]
fn TIMER0_COMPA() {
    // SAFETY: the address is that of the part's registers, which after `open` nothing else uses.
    let converter = unsafe { &*ADC::ptr() };
    let sample = converter.adc().read().bits();
    converter
        .adcsra()
        .modify(|_, register| register.adsc().set_bit());
    let count = COUNT.load(Ordering::Relaxed);
    if count >= CAPACITY {
        HAS_LOST.store(true, Ordering::Relaxed);
        return;
    }
    let arrived = ARRIVED.load(Ordering::Relaxed);
    if let Some(place) = WAITING.get(usize::from(arrived)) {
        place.store(sample, Ordering::Relaxed);
    }
    ARRIVED.store(place_after(arrived), Ordering::Relaxed);
    COUNT.store(count + 1, Ordering::Relaxed);
    if count >= MOST.load(Ordering::Relaxed) {
        MOST.store(count + 1, Ordering::Relaxed);
    }
}

fn place_after(place: u8) -> u8 {
    if place + 1 < CAPACITY { place + 1 } else { 0 }
}

#[avr_device::entry]
fn main() -> ! {
    let Some(voice) = VOICE.try_take() else {
        loop {
            core::hint::spin_loop();
        }
    };
    // SAFETY: the address is that of the part's registers, and nothing else uses them.
    let serial = unsafe { &*USART0::ptr() };
    open(serial);
    loop {
        while serial.ucsr0a().read().rxc0().bit_is_clear() {}
        serial.udr0().read();
        voice.begin();
        avr_device::interrupt::free(|_| {
            TAKEN.store(ARRIVED.load(Ordering::Relaxed), Ordering::Relaxed);
            COUNT.store(0, Ordering::Relaxed);
            MOST.store(0, Ordering::Relaxed);
            HAS_LOST.store(false, Ordering::Relaxed);
        });
        while !voice.push_raw_in_place(next_sample()) {}
        reply(serial, voice);
    }
}

/// The next sample, as one of 16 bits.
fn next_sample() -> i16 {
    while COUNT.load(Ordering::Relaxed) == 0 {
        core::hint::spin_loop();
    }
    let taken = TAKEN.load(Ordering::Relaxed);
    let sample = WAITING.get(usize::from(taken));
    let sample = sample.map_or(0, |place| place.load(Ordering::Relaxed));
    TAKEN.store(place_after(taken), Ordering::Relaxed);
    avr_device::interrupt::free(|_| {
        COUNT.store(COUNT.load(Ordering::Relaxed) - 1, Ordering::Relaxed);
    });
    // 0 to 1,023, with 512 for silence.
    ((sample << 6) ^ 0x8000) as i16
}

#[inline(never)]
fn reply(serial: &Serial, voice: &Voice) {
    let Some(class) = voice.class() else { return };
    for byte in Voice::label(class).bytes() {
        send(serial, byte);
    }
    send(serial, b' ');
    let mut most = MOST.load(Ordering::Relaxed);
    for unit in [100, 10, 1] {
        let mut digit = b'0';
        while most >= unit {
            most -= unit;
            digit += 1;
        }
        send(serial, digit);
    }
    if HAS_LOST.load(Ordering::Relaxed) {
        for byte in *b" lost" {
            send(serial, byte);
        }
    }
    send(serial, b'\n');
}

/// Sets the serial port, the converter and the timer up, and lets the timer interrupt.
fn open(serial: &Serial) {
    serial
        .ubrr0()
        .write(|register| register.set(BAUD_RATE_DIVISOR));
    serial.ucsr0a().write(|register| register.u2x0().set_bit());
    serial
        .ucsr0b()
        .write(|register| register.rxen0().set_bit().txen0().set_bit());
    // SAFETY: the addresses are those of the part's registers, and no interrupt uses them yet.
    let (converter, timer) = unsafe { (&*ADC::ptr(), &*TC0::ptr()) };
    // 5 V for full scale, channel 0; 16 MHz / 128, at which a conversion takes 104 µs (ATmega328P
    // datasheet, DS40002061B, "Prescaling and Conversion Timing").
    converter.admux().write(|register| register.refs().avcc());
    converter.adcsra().write(|register| {
        register.aden().set_bit().adsc().set_bit();
        register.adps().prescaler_128()
    });
    timer.tccr0a().write(|register| register.wgm0().ctc());
    timer.ocr0a().write(|register| register.set(TICKS));
    timer.tccr0b().write(|register| register.cs0().prescale_8());
    timer.timsk0().write(|register| register.ocie0a().set_bit());
    // SAFETY: the handler shares nothing with other code but what is atomic.
    unsafe { avr_device::interrupt::enable() };
}

fn send(serial: &Serial, byte: u8) {
    while serial.ucsr0a().read().udre0().bit_is_clear() {}
    serial.udr0().write(|register| register.set(byte));
}

/// Nothing in the firmware panics, but the language wants a handler all the same.
#[inline(never)]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
