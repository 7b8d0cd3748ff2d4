//! Recognises gestures on an Arduino Uno, by an accelerometer: an MPU-6050 with SDA at A4, SCL at
//! A5, and its INT at D2.
//!
//! The sensor measures 50 times a second and says so at D2; the interrupt reads the three axes and
//! lets them wait for the network. After the first 64 samples, and then every 16, a line goes to
//! the serial port (115200 baud, 8N1): the gesture, and how many samples have waited at most since
//! the last line, at 20 ms each. Where more than [`CAPACITY`] would have to wait, samples are
//! lost, and the line ends with `lost`. Without a sensor, the only line is `no sensor`.
#![no_std]
#![no_main]
#![feature(abi_avr_interrupt)]

mod mpu6050;
mod twi;

use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, Ordering};

use avr_device::atmega328p::usart0::RegisterBlock as Serial;
use avr_device::atmega328p::{EXINT, USART0};
use gesture::Gesture;
use static_cell::ConstStaticCell;

/// UBRR for 115200 baud at 16 MHz with U2X: the line runs at 117647 baud, 2.1 % fast (ATmega328P
/// datasheet, DS40002061B, "Examples of Baud Rate Setting").
const BAUD_RATE_DIVISOR: u16 = 16;
/// Samples that may wait while a window is computed: 160 ms.
const CAPACITY: u8 = 8;
/// Numbers of a sample.
const AXES: u8 = 3;

static GESTURE: ConstStaticCell<Gesture> = ConstStaticCell::new(Gesture::new());

/// Samples that wait: the next one goes to `ARRIVED`, the first one that waits is at `TAKEN`.
static WAITING: [[AtomicU16; AXES as usize]; CAPACITY as usize] =
    [const { [const { AtomicU16::new(0) }; AXES as usize] }; CAPACITY as usize];
static ARRIVED: AtomicU8 = AtomicU8::new(0);
static TAKEN: AtomicU8 = AtomicU8::new(0);
static COUNT: AtomicU8 = AtomicU8::new(0);
static MOST: AtomicU8 = AtomicU8::new(0);
static HAS_LOST: AtomicBool = AtomicBool::new(false);

// 50 times a second: a sample is ready.
#[avr_device::interrupt(atmega328p)]
fn INT0() {
    let sample = mpu6050::acceleration();
    let count = COUNT.load(Ordering::Relaxed);
    let (Some(sample), true) = (sample, count < CAPACITY) else {
        HAS_LOST.store(true, Ordering::Relaxed);
        return;
    };
    let arrived = ARRIVED.load(Ordering::Relaxed);
    if let Some(places) = WAITING.get(usize::from(arrived)) {
        for (place, axis) in places.iter().zip(sample) {
            place.store(axis, Ordering::Relaxed);
        }
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
    // SAFETY: the address is that of the part's registers, and nothing else uses them.
    let serial = unsafe { &*USART0::ptr() };
    open(serial);
    let Some(gesture) = GESTURE.try_take() else {
        stop();
    };
    twi::open();
    if mpu6050::open().is_none() {
        send_all(serial, *b"no sensor\n");
        stop();
    }
    listen();
    loop {
        let mut class = None;
        for axis in next_sample() {
            let byte = gesture.normalised(axis);
            if let Some(results) = gesture.push_in_place(byte) {
                class = Some(results.class());
            }
        }
        if let Some(class) = class {
            reply(serial, class);
        }
    }
}

fn stop() -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// The next sample: along x, y and z.
fn next_sample() -> [i16; AXES as usize] {
    while COUNT.load(Ordering::Relaxed) == 0 {
        core::hint::spin_loop();
    }
    let taken = TAKEN.load(Ordering::Relaxed);
    let mut sample = [0; AXES as usize];
    if let Some(places) = WAITING.get(usize::from(taken)) {
        for (axis, place) in sample.iter_mut().zip(places) {
            // What waits is not written to until it is taken.
            *axis = place.load(Ordering::Relaxed) as i16;
        }
    }
    TAKEN.store(place_after(taken), Ordering::Relaxed);
    avr_device::interrupt::free(|_| {
        COUNT.store(COUNT.load(Ordering::Relaxed) - 1, Ordering::Relaxed);
    });
    sample
}

#[inline(never)]
fn reply(serial: &Serial, class: usize) {
    let (most, has_lost) = avr_device::interrupt::free(|_| {
        let most = MOST.load(Ordering::Relaxed);
        let has_lost = HAS_LOST.load(Ordering::Relaxed);
        MOST.store(0, Ordering::Relaxed);
        HAS_LOST.store(false, Ordering::Relaxed);
        (most, has_lost)
    });
    send_all(serial, Gesture::label(class).bytes());
    send(serial, b' ');
    // At most CAPACITY, a digit.
    send(serial, b'0' + most);
    if has_lost {
        send_all(serial, *b" lost");
    }
    send(serial, b'\n');
}

/// Sets the serial port up, to send only.
fn open(serial: &Serial) {
    serial
        .ubrr0()
        .write(|register| register.set(BAUD_RATE_DIVISOR));
    serial.ucsr0a().write(|register| register.u2x0().set_bit());
    serial.ucsr0b().write(|register| register.txen0().set_bit());
}

/// Lets the sensor interrupt, by a rising edge at D2.
fn listen() {
    // SAFETY: the address is that of the part's registers, and nothing else uses them.
    let external = unsafe { &*EXINT::ptr() };
    external
        .eicra()
        .write(|register| register.isc0().val_0x03());
    external.eimsk().write(|register| register.int0().set_bit());
    // SAFETY: the handler shares nothing with other code but what is atomic, and the bus, which
    // from here on is its own.
    unsafe { avr_device::interrupt::enable() };
}

fn send_all(serial: &Serial, bytes: impl IntoIterator<Item = u8>) {
    for byte in bytes {
        send(serial, byte);
    }
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
