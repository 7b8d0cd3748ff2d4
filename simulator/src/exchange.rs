//! An image for an answer, and what computing it took.
//!
//! The firmware takes an image bytewise and answers with a fixed number of bytes. It writes 1 to
//! GPIOR0 before each stretch of computing and 2 after it; only the cycles between the two are
//! counted, less those of interrupts: receiving is no computing, polled or not. So the speed of the
//! serial line is of no matter to a firmware that polls, and the simulated line delivers a byte
//! whenever it waits for one. A firmware that receives by interrupt, while it computes, gets bytes
//! at the line's own rate ([`Link::Paced`]), and fails when it loses one. A firmware that learns its
//! weights gets them before the first image, and acknowledges.

use anyhow::{Result, anyhow, bail, ensure};
use serde::Serialize;

use crate::firmware::Firmware;
use crate::link::Link;
use crate::machine::Machine;
use crate::profile::{Profile, Recorder};
use crate::stack::StackWatch;

/// What the firmware writes to GPIOR0 before and after a stretch of computing.
const COMPUTING: u8 = 1;
const IDLE: u8 = 2;

/// What a firmware answers when it has got what it has to know before the first image: ASCII's
/// own "acknowledge".
pub const ACKNOWLEDGED: u8 = 0x06;

/// A firmware's answer to one image.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// The bytes that the firmware has sent.
    pub answer: Vec<u8>,
    /// Cycles of computing, from the image's first byte to the answer.
    pub cycles: u64,
    /// Cycles of interrupts that came while it computed, which are not among those.
    pub interrupt_cycles: u64,
    /// Cycles of the longest stretch of computing that was followed by another byte of the image:
    /// if it were longer than bytes take to arrive, some would be lost.
    pub longest_push: u64,
    /// The deepest stack since the reset, in bytes.
    pub stack: u16,
    /// Where the cycles went.
    pub profile: Profile,
}

/// A running firmware that takes images and answers.
pub struct Exchange<'firmware> {
    machine: Machine,
    firmware: &'firmware Firmware,
    link: Link,
    /// The address of GPIOR0 in data space.
    marker: u16,
    /// Cycles without a byte either way after which the firmware is called hung.
    patience: u64,
    recorder: Recorder<'firmware>,
    stack: StackWatch,
}

impl<'firmware> Exchange<'firmware> {
    /// Watches `machine`, which runs `firmware` and talks over `link`. `marker` is the address of
    /// GPIOR0 in data space; after `patience` cycles without a byte the firmware is called hung.
    ///
    /// # Errors
    /// When `marker` is no address in the machine's data space, or there is no such link.
    pub fn new(
        machine: Machine,
        firmware: &'firmware Firmware,
        link: Link,
        marker: u16,
        patience: u64,
    ) -> Result<Self> {
        link.check(&machine)?;
        ensure!(
            marker <= machine.ram_end(),
            "the marker's address {marker:#x} is past the end of SRAM"
        );
        Ok(Self {
            recorder: Recorder::new(&firmware.legend),
            stack: StackWatch::new(machine.ram_end()),
            machine,
            firmware,
            link,
            marker,
            patience,
        })
    }

    /// Sends what the firmware has to know before the first image, and awaits [`ACKNOWLEDGED`].
    ///
    /// # Errors
    /// When the firmware answers something else, or as with [`Self::exchange`].
    pub fn prepare(&mut self, preamble: &[u8]) -> Result<()> {
        self.transfer(preamble, 1)?;
        self.recorder.take();
        let answer = self.link.take_received(&mut self.machine);
        ensure!(
            answer == [ACKNOWLEDGED],
            "the firmware answered {answer:02x?} to the preamble, not {ACKNOWLEDGED:#04x}"
        );
        Ok(())
    }

    /// Sends `image`, byte by byte as the firmware asks for it, and awaits `answer_bytes`.
    ///
    /// # Errors
    /// When the firmware crashes, hangs, loses a byte, answers early or too much, never marks a
    /// stretch of computing, or lets its stack run into its data.
    pub fn exchange(&mut self, image: &[u8], answer_bytes: usize) -> Result<Answer> {
        let Transfer {
            marks,
            longest_push,
            interrupt_cycles,
        } = self.transfer(image, answer_bytes)?;
        ensure!(
            marks.stretches > 0,
            "the firmware has marked no stretch of computing in GPIOR0"
        );
        Ok(Answer {
            answer: self.link.take_received(&mut self.machine),
            cycles: marks.total - interrupt_cycles,
            interrupt_cycles,
            longest_push,
            stack: self.machine.ram_end() - self.stack.lowest(),
            profile: self.recorder.take(),
        })
    }

    /// Sends `bytes` and awaits `answer_bytes`.
    fn transfer(&mut self, bytes: &[u8], answer_bytes: usize) -> Result<Transfer> {
        let mut bytes = bytes.iter();
        let mut marks = Marks::default();
        let mut longest_push = 0;
        let mut interrupt_cycles = 0;
        let mut last_byte = self.machine.cycle();
        let mut received = 0;
        loop {
            let before = self.machine.cycle();
            let program_counter = self.machine.program_counter();
            let stack_pointer = self.stack.current();
            let handles_interrupt = self.machine.handles_interrupt();
            self.step()?;
            self.link.observe(&self.machine);
            let now = self.machine.cycle();
            if marks.computing() && handles_interrupt {
                interrupt_cycles += now - before;
            } else if marks.computing() {
                self.recorder
                    .record(program_counter, stack_pointer, now - before);
            }
            marks.observe(self.machine.data(self.marker), now);

            if self.link.is_due(&self.machine, marks.computing()) {
                if received == answer_bytes {
                    break;
                }
                if let Some(&byte) = bytes.next() {
                    longest_push = marks.longest;
                    self.link.send(&mut self.machine, byte)?;
                    last_byte = now;
                }
            }
            if self.link.received(&self.machine) != received {
                received = self.link.received(&self.machine);
                last_byte = now;
                let left = bytes.len();
                ensure!(
                    left == 0,
                    "the firmware answered {left} bytes before the end of the image"
                );
                ensure!(
                    received <= answer_bytes,
                    "the firmware sent more than the {answer_bytes} bytes of its answer"
                );
            }
            if now - last_byte > self.patience {
                return Err(self.hung(bytes.len(), received, answer_bytes, marks.computing()));
            }
        }
        Ok(Transfer {
            marks,
            longest_push,
            interrupt_cycles,
        })
    }

    /// Executes one instruction and checks the stack.
    fn step(&mut self) -> Result<()> {
        let pc = self.machine.program_counter();
        let opcode = self.machine.opcode(pc);
        self.machine
            .step()
            .map_err(|error| anyhow!("the firmware {error} at {}", self.firmware.place(pc)))?;

        if self.stack.observe(opcode, &self.machine) {
            // The stack pointer is the address of the next free byte.
            let lowest_used = self.stack.lowest() + 1;
            if lowest_used < self.firmware.static_end {
                bail!(
                    "the stack ran into the static data at {}: it reached {lowest_used:#06x}, \
                     the data end at {:#06x}",
                    self.firmware.place(pc),
                    self.firmware.static_end
                );
            }
        }
        Ok(())
    }

    fn hung(
        &self,
        left: usize,
        received: usize,
        expected: usize,
        computing: bool,
    ) -> anyhow::Error {
        let doing = match (computing, self.machine.waits_for_byte()) {
            (true, _) => "computes",
            (false, true) => "waits for a byte",
            (false, false) => "does nothing",
        };
        anyhow!(
            "the firmware hangs: after {} cycles without a byte it {doing} at {}, with {left} \
             bytes of the image yet to come and {received} of {expected} bytes of the answer sent",
            self.patience,
            self.firmware.place(self.machine.program_counter())
        )
    }
}

/// How bytes went to the firmware, and back.
struct Transfer {
    marks: Marks,
    longest_push: u64,
    interrupt_cycles: u64,
}

/// Adds up the cycles between a mark for computing and one for idling.
#[derive(Default)]
struct Marks {
    last: u8,
    since: u64,
    total: u64,
    longest: u64,
    stretches: u64,
}

impl Marks {
    /// Notes what GPIOR0 holds after the instruction that ended at cycle `now`.
    fn observe(&mut self, value: u8, now: u64) {
        if value == self.last {
            return;
        }
        if value == COMPUTING {
            self.since = now;
        } else if value == IDLE && self.last == COMPUTING {
            let stretch = now - self.since;
            self.total += stretch;
            self.longest = self.longest.max(stretch);
            self.stretches += 1;
        }
        self.last = value;
    }

    fn computing(&self) -> bool {
        self.last == COMPUTING
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::firmware::{Footprint, Segment, Symbol};
    use crate::link::{Pace, Registers, Slave};
    use crate::profile::Legend;

    /// Answers a byte with its successor.
    const SUCCESSOR: [u16; 24] = [
        0x0000, // nop
        0xE001, 0xBF0D, // SPL = 0x01: the stack is 0x08FF − 0x0801 bytes deep
        0xE007, 0xBF0E, // SPH = 0x07: for now, the two halves do not belong together
        0xEF00, 0xBF0D, // SPL = 0xF0: the stack is 0x08FF − 0x07F0 bytes deep
        0xE108, 0x9300, 0x00C1, // UCSR0B = RXEN0 | TXEN0
        0x9100, 0x00C0, 0xFF07, 0xCFFC, // wait for RXC0 in UCSR0A
        0x9110, 0x00C6, // r17 = UDR0
        0xE001, 0xBB0E, // GPIOR0 = 1
        0x9513, // inc r17
        0xE002, 0xBB0E, // GPIOR0 = 2
        0x9310, 0x00C6, // UDR0 = r17
        0xCFF2, // wait for the next byte
    ];

    fn firmware(words: &[u16]) -> Firmware {
        let code = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        Firmware {
            footprint: Footprint {
                flash: 0,
                sram_static: 0,
                parts: BTreeMap::new(),
            },
            segments: vec![Segment {
                address: 0,
                bytes: code,
            }],
            static_end: 0x0200,
            symbols: vec![Symbol {
                address: 0,
                bytes: words.len() as u64 * 2,
                path: "start".to_owned(),
            }],
            legend: Legend::default(),
        }
    }

    /// What the firmware answers to the image `[7]`, and after it to `[255]`.
    fn exchange(firmware: &Firmware) -> Result<[Answer; 2]> {
        let machine = Machine::new("atmega328p", 16_000_000, &firmware.segments)?;
        let mut exchange = Exchange::new(machine, firmware, Link::Serial, 0x3E, 100_000)?;
        Ok([exchange.exchange(&[7], 1)?, exchange.exchange(&[255], 1)?])
    }

    #[test]
    fn an_image_is_answered_and_its_cycles_counted() {
        let [first, second] = exchange(&firmware(&SUCCESSOR)).unwrap();
        assert_eq!((first.answer, second.answer), (vec![8], vec![0]));
        // inc, ldi and out take a cycle each.
        assert_eq!((first.cycles, second.cycles), (3, 3));
        assert_eq!(first.profile.rest.other, 3);
    }

    #[test]
    fn a_preamble_is_acknowledged_and_costs_no_image_anything() {
        let firmware = firmware(&SUCCESSOR);
        let machine = Machine::new("atmega328p", 16_000_000, &firmware.segments).unwrap();
        let mut exchange = Exchange::new(machine, &firmware, Link::Serial, 0x3E, 100_000).unwrap();
        exchange.prepare(&[5]).unwrap();
        assert_eq!(exchange.exchange(&[7], 1).unwrap().profile.rest.other, 3);
        let error = exchange.prepare(&[6]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the firmware answered [07] to the preamble, not 0x06"
        );
    }

    #[test]
    fn an_answer_in_registers_is_taken_at_each_strobe() {
        let words = [
            0x0000, // nop
            0xE001, 0xBB0E, // GPIOR0 = 1
            0x9513, // inc r17
            0xE002, 0xBB0E, // GPIOR0 = 2
            0xBD1A, // GPIOR1 = r17
            0x9523, 0xBD2B, // GPIOR2 = ++r18
            0xCFF7, // and so on
        ];
        let firmware = firmware(&words);
        let machine = Machine::new("atmega328p", 16_000_000, &firmware.segments).unwrap();
        let link = Link::Registers(Registers::new(0x4A, 0x4B));
        let mut exchange = Exchange::new(machine, &firmware, link, 0x3E, 100_000).unwrap();
        for answers in [[1], [2], [3]] {
            assert_eq!(exchange.exchange(&[], 1).unwrap().answer, answers);
        }
    }

    #[test]
    fn a_slave_gets_a_byte_whenever_it_has_cleared_the_flag_of_the_last_one() {
        let words = [
            0x0000, // nop
            0xE108, 0xB90D, // USICR = USIWM0 | USICS1
            0x9B76, 0xCFFE, // wait for it
            0xB310, // r17 = USIBR
            0xE400, 0xB90E, // USISR = USIOIF
            0xE001, 0xBB01, // GPIOR0 = 1
            0x9513, // inc r17
            0xE002, 0xBB01, // GPIOR0 = 2
            0xBB12, // GPIOR1 = r17
            0x9523, 0xBB23, // GPIOR2 = ++r18
            0xCFF2, // and so on
        ];
        let firmware = firmware(&words);
        let machine = Machine::new("attiny25", 8_000_000, &firmware.segments).unwrap();
        let link = Link::Slave(Slave::new(0x2D, 0x2E), Registers::new(0x32, 0x33));
        let mut exchange = Exchange::new(machine, &firmware, link, 0x31, 100_000).unwrap();
        for (image, answer) in [(7, 8), (255, 0)] {
            let exchanged = exchange.exchange(&[image], 1).unwrap();
            assert_eq!((exchanged.answer, exchanged.cycles), (vec![answer], 3));
        }
    }

    #[test]
    fn a_byte_that_nobody_takes_in_time_is_an_error() {
        // Takes bytes, some twenty cycles each, and answers none.
        let mut words = SUCCESSOR;
        words[21..23].fill(0x0000);
        let firmware = firmware(&words);
        let answer = |cycles_per_byte| {
            let machine = Machine::new("atmega328p", 16_000_000, &firmware.segments)?;
            let link = Link::Paced(Pace::new(cycles_per_byte));
            let mut exchange = Exchange::new(machine, &firmware, link, 0x3E, 100_000)?;
            exchange.exchange(&[7; 100], 1)
        };
        let error = answer(10).unwrap_err().to_string();
        assert!(error.starts_with("the firmware has lost a byte"), "{error}");
        let error = answer(100).unwrap_err().to_string();
        assert!(
            error.contains("with 0 bytes of the image yet to come"),
            "{error}"
        );
    }

    #[test]
    fn half_a_stack_pointer_is_none() {
        let [first, _] = exchange(&firmware(&SUCCESSOR)).unwrap();
        assert_eq!(first.stack, 0x08FF - 0x07F0);
    }

    #[test]
    fn a_hang_is_an_error() {
        let error = exchange(&firmware(&[0x0000, 0xCFFF])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the firmware hangs: after 100000 cycles without a byte it does nothing at 0x0002 in \
             start, with 1 bytes of the image yet to come and 0 of 1 bytes of the answer sent"
        );
    }

    #[test]
    fn a_stack_in_the_static_data_is_an_error() {
        // Pushes for ever.
        let mut firmware = firmware(&[0x0000, 0x920F, 0xCFFE]);
        firmware.static_end = 0x0800;
        let error = exchange(&firmware).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the stack ran into the static data at 0x0002 in start: it reached 0x07ff, the data \
             end at 0x0800"
        );
    }

    #[test]
    fn starting_over_is_an_error() {
        let error = exchange(&firmware(&[0x0000, 0xCFFE])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the firmware started over: it jumped to address 0 at 0x0002 in start"
        );
    }

    #[test]
    fn running_out_of_flash_is_an_error() {
        // Z = 0xFFFF, then ijmp.
        let error = exchange(&firmware(&[0x0000, 0xEFEF, 0xEFFF, 0x9409])).unwrap_err();
        assert!(error.to_string().starts_with("the firmware crashed at"));
    }

    #[test]
    fn computing_that_is_not_marked_is_an_error() {
        let mut words = SUCCESSOR;
        words[17] = 0x0000;
        let error = exchange(&firmware(&words)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the firmware has marked no stretch of computing in GPIOR0"
        );
    }

    #[test]
    fn only_the_cycles_between_the_marks_count() {
        let mut marks = Marks::default();
        for (value, now) in [
            (0, 5),
            (1, 10),
            (1, 11),
            (2, 30),
            (2, 90),
            (1, 100),
            (2, 103),
        ] {
            marks.observe(value, now);
        }
        assert_eq!((marks.total, marks.longest, marks.stretches), (23, 20, 2));
        assert!(!marks.computing());
    }

    #[test]
    fn an_idle_mark_alone_is_no_computing() {
        let mut marks = Marks::default();
        marks.observe(IDLE, 1_000);
        assert_eq!((marks.total, marks.stretches), (0, 0));
    }
}
