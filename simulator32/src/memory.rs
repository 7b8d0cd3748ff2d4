//! A part's flash and SRAM, and stubs that stand for its peripherals.

use std::collections::VecDeque;

use crate::fault::Cause;

/// Where a part has its memory, in byte addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Map {
    /// The first address of flash.
    pub flash_start: u32,
    /// Bytes of flash.
    pub flash_bytes: u32,
    /// The first address of SRAM.
    pub sram_start: u32,
    /// Bytes of SRAM.
    pub sram_bytes: u32,
    /// A register of which each byte or word written is sent by the UART, if there is to be one.
    /// The next byte that the UART has received is read from it.
    pub uart: Option<u32>,
    /// A register that received bytes are read from, where it is another one.
    pub uart_receive: Option<u32>,
    /// A register that marks a moment with each value written to it, if there is to be one.
    pub marker: Option<u32>,
    /// Others that the program sets and asks. There is no more to its peripherals: what it waits
    /// for is there at once.
    pub registers: &'static [Register],
}

/// A register that takes whatever is written, and always reads the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Register {
    /// Its byte address.
    pub address: u32,
    /// What is read from it.
    pub reads: u32,
}

/// A moment that the program marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Cycles from the beginning of the run to the end of the instruction before the write.
    pub cycle: u64,
    /// What was written.
    pub value: u32,
}

/// The memory of a part, with what it holds.
#[derive(Debug, Clone)]
pub struct Memory {
    map: Map,
    flash: Vec<u8>,
    sram: Vec<u8>,
    /// What the UART sent.
    pub sent: Vec<u8>,
    /// What the UART has received and nothing has read yet.
    pub received: VecDeque<u8>,
    /// What the program marked.
    pub marks: Vec<Mark>,
    pub(crate) cycle: u64,
}

impl Memory {
    /// Erased flash (0xFF) and SRAM of zeros.
    #[must_use]
    pub fn new(map: Map) -> Self {
        Self {
            map,
            flash: vec![0xFF; map.flash_bytes as usize],
            sram: vec![0; map.sram_bytes as usize],
            sent: Vec::new(),
            received: VecDeque::new(),
            marks: Vec::new(),
            cycle: 0,
        }
    }

    /// Where everything is.
    #[must_use]
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// The `bytes` bytes from `address` on, in flash or in SRAM.
    ///
    /// # Errors
    /// [`Cause::Read`] when one of them is outside both.
    pub fn bytes(&self, address: u32, bytes: u32) -> Result<&[u8], Cause> {
        let within = |start: u32, memory: &'_ [u8]| {
            let first = address.checked_sub(start)? as usize;
            let end = first.checked_add(bytes as usize)?;
            (end <= memory.len()).then_some((first, end))
        };
        if let Some((first, end)) = within(self.map.sram_start, &self.sram) {
            return Ok(&self.sram[first..end]);
        }
        match within(self.map.flash_start, &self.flash) {
            Some((first, end)) => Ok(&self.flash[first..end]),
            None => Err(Cause::Read { address }),
        }
    }

    /// Writes `bytes` from `address` on, in SRAM.
    ///
    /// # Errors
    /// [`Cause::Write`] when one of them is outside.
    pub fn set_bytes(&mut self, address: u32, bytes: &[u8]) -> Result<(), Cause> {
        let place = address
            .checked_sub(self.map.sram_start)
            .and_then(|first| self.sram.get_mut(first as usize..)?.get_mut(..bytes.len()));
        place
            .ok_or(Cause::Write { address })?
            .copy_from_slice(bytes);
        Ok(())
    }

    /// Programs `bytes` into flash or puts them into SRAM, as a debugger does.
    ///
    /// # Errors
    /// [`Cause::Write`] when one of them is outside both.
    pub fn load(&mut self, address: u32, bytes: &[u8]) -> Result<(), Cause> {
        let place = address
            .checked_sub(self.map.flash_start)
            .and_then(|first| self.flash.get_mut(first as usize..)?.get_mut(..bytes.len()));
        match place {
            Some(place) => {
                place.copy_from_slice(bytes);
                Ok(())
            }
            None => self.set_bytes(address, bytes),
        }
    }

    fn register(&self, address: u32) -> Option<&'static Register> {
        let mut registers = self.map.registers.iter();
        registers.find(|register| register.address == address)
    }

    /// Whether an instruction at `address` is fetched from flash.
    pub(crate) fn is_flash(&self, address: u32) -> bool {
        address.wrapping_sub(self.map.flash_start) < self.map.flash_bytes
    }

    /// The halfword of an instruction.
    pub(crate) fn fetch(&self, address: u32) -> Result<u16, Cause> {
        let bytes = self.bytes(address, 2).map_err(|_| Cause::Fetch)?;
        Ok(u16::from_le_bytes([bytes[0], bytes[1]]))
    }

    /// What a load of 1, 2 or 4 bytes reads, with zeros above it.
    ///
    /// # Errors
    /// When it is not aligned, or outside flash, SRAM and stubs.
    pub(crate) fn read(&mut self, address: u32, bytes: u32) -> Result<u32, Cause> {
        aligned(address, bytes)?;
        if Some(address) == self.map.uart_receive.or(self.map.uart) {
            return Ok(self.received.pop_front().unwrap_or(0).into());
        }
        if Some(address) == self.map.uart || Some(address) == self.map.marker {
            return Ok(0);
        }
        if let Some(register) = self.register(address) {
            return Ok(register.reads);
        }
        let mut word = [0; 4];
        word[..bytes as usize].copy_from_slice(self.bytes(address, bytes)?);
        Ok(u32::from_le_bytes(word))
    }

    /// Stores the lowest 1, 2 or 4 bytes of `value`.
    pub(crate) fn write(&mut self, address: u32, bytes: u32, value: u32) -> Result<(), Cause> {
        aligned(address, bytes)?;
        if Some(address) == self.map.uart {
            self.sent.push(value as u8);
            return Ok(());
        }
        if Some(address) == self.map.marker {
            let cycle = self.cycle;
            self.marks.push(Mark { cycle, value });
            return Ok(());
        }
        if self.register(address).is_some() {
            return Ok(());
        }
        self.set_bytes(address, &value.to_le_bytes()[..bytes as usize])
    }
}

fn aligned(address: u32, bytes: u32) -> Result<(), Cause> {
    if address.is_multiple_of(bytes) {
        Ok(())
    } else {
        Err(Cause::Unaligned { address, bytes })
    }
}
