//! Where a kernel reads: the runs of neighbouring values in one output's
//! receptive field, and how X gets there.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::CodeLabel;
use crate::backend::avr::isa::registers::{
    ACTIVATION, BASE, POSITION, R16, Register, Registers, X, Z,
};
use crate::backend::avr::memory::guard::Guards;
use crate::backend::avr::memory::position::{by_parity, position_in_network, position_of_cells};
use crate::plan::Ring;
use crate::program::{Addressing, Map, Program};

/// A map as a kernel reads it.
#[derive(Clone, Debug)]
pub(crate) struct MapSource<'a> {
    pub(crate) map: &'a Map,
    /// Bits of an activation: 4 or 8.
    pub(crate) bits: u32,
    pub(crate) signed: bool,
    /// Whether pixels may begin in the middle of a byte.
    pub(crate) by_nibble: bool,
    /// Bytes before the arena.
    cursor_bytes: u32,
    pub(crate) table: Option<CodeLabel>,
    /// The ring that the map's newest pixels are in.
    pub(crate) ring: Option<RingEnd>,
    /// Whether Z is not to be changed.
    pub(crate) keeps_z: bool,
    /// Where fields reach beyond the map.
    pub(crate) guards: Option<Guards>,
    /// Whether it holds the only pixel of a field that is inside.
    pub(crate) is_single: bool,
}

/// The end of a ring, as kernels find it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RingEnd {
    /// Bytes of the ring.
    pub(crate) bytes: u32,
    /// Pixels of the ring.
    pub(crate) pixels: u32,
    /// The register pair that holds the address after its last byte.
    pub(crate) register: Register,
}

impl<'a> MapSource<'a> {
    pub(crate) fn new(asm: &mut Assembly, program: &'a Program, map: &'a Map) -> Self {
        let bits = program.activation_bits;
        let by_nibble = !map.is_byte_aligned(bits);
        let mut source = Self {
            map,
            bits,
            signed: map.signed,
            by_nibble,
            cursor_bytes: program.cursor_bytes,
            table: None,
            ring: None,
            keeps_z: false,
            guards: None,
            is_single: false,
        };
        if let Addressing::Table(cells) = &map.addressing {
            let entries = cells.iter().flat_map(|&cell| {
                let entry = source.position_in_network(cell) as u16;
                entry.to_le_bytes()
            });
            source.table = Some(asm.near_table(entries.collect()));
        }
        source
    }

    /// A map whose newest pixels are in that ring, from its first
    /// cell on.
    pub(crate) fn in_ring(
        asm: &mut Assembly,
        program: &'a Program,
        map: &'a Map,
        ring: Ring,
    ) -> Self {
        Self {
            ring: Some(RingEnd {
                bytes: (ring.cells() * program.activation_bits).div_ceil(8),
                pixels: ring.pixels,
                register: BASE,
            }),
            ..Self::new(asm, program, map)
        }
    }

    /// Bytes of the ring that it is in.
    pub(crate) fn ring_bytes(&self) -> Option<u32> {
        self.ring.map(|ring| ring.bytes)
    }

    /// The registers that hold the address after the ring that it is in.
    pub(crate) fn ring_end(&self) -> Option<Register> {
        self.ring.map(|ring| ring.register)
    }

    /// Lets that address be elsewhere than in [`BASE`].
    pub(crate) fn keep_ring_end_in(&mut self, register: Register) {
        if let Some(ring) = &mut self.ring {
            ring.register = register;
        }
    }

    /// The most values of a run of a kernel.
    pub(crate) fn longest_run(&self, (_, width): (u32, u32)) -> u32 {
        let channels = self.map.shape.channels;
        match self.ring {
            // Two pixels of an odd count of nibbles.
            Some(_) if self.by_nibble => channels * width.min(2),
            Some(_) => channels,
            None if self.table.is_some() => channels,
            None => channels * width,
        }
    }

    /// An upper register that is free between runs.
    pub(crate) fn scratch(&self) -> Register {
        // Where Z goes through weights, values go through another.
        if self.keeps_z { R16 } else { ACTIVATION }
    }

    /// Cells in units of a position: nibbles, or bytes where all begin at one.
    pub(crate) fn position_of_cells(&self, cells: u32) -> u32 {
        position_of_cells(cells, self.bits, self.by_nibble)
    }

    /// The position of a cell of the arena, from the network's address on.
    pub(crate) fn position_in_network(&self, cell: u32) -> u32 {
        position_in_network(cell, self.bits, self.by_nibble, self.cursor_bytes)
    }

    /// The table in which pixels are found.
    pub(crate) fn table(&self) -> Option<CodeLabel> {
        self.table
    }

    /// Whether pixels are found in a table.
    pub(crate) fn has_table(&self) -> bool {
        self.table.is_some()
    }

    /// Units of a position between neighbouring pixels.
    pub(crate) fn pixel_step(&self) -> u32 {
        match self.table {
            Some(_) => 2,
            None => self.position_of_cells(self.map.shape.channels),
        }
    }

    /// Makes the position that of a pixel, the network's address being in
    /// [`POSITION`].
    pub(crate) fn begin(&self, asm: &mut Assembly, pixel: i32) {
        self.begin_in(asm, POSITION, pixel);
    }

    /// The same in any upper pair, of the address in [`POSITION`].
    pub(crate) fn begin_in(&self, asm: &mut Assembly, position: Register, pixel: i32) {
        let changed = Registers::of_pairs([position]);
        asm.changing(changed, |asm| {
            match self.table {
                Some(table) => {
                    asm.ldi_address(position, (table, 0), 0);
                    asm.ldi_address(position.next(), (table, 0), 1);
                }
                None => {
                    if position != POSITION {
                        asm.movw(position, POSITION);
                    }
                    if self.by_nibble {
                        asm.lsl(position);
                        asm.rol(position.next());
                    }
                    let first = self.position_in_network(self.map.first_cell);
                    asm.add_to_pair(position, first as i32);
                }
            }
            asm.add_to_pair(position, pixel * self.pixel_step() as i32);
        })
    }

    /// A pixel counted from a field's first one, which may go around a ring.
    pub(crate) fn around(&self, pixel: u32) -> u32 {
        match self.ring {
            Some(ring) => pixel % ring.pixels,
            None if self.is_single => 0,
            None => pixel,
        }
    }

    /// X ← the first byte of a pixel by its entry in the table, counted from the
    /// field's first; doubled, and odd for a high nibble, where pixels begin by
    /// nibble.
    pub(crate) fn point_at_pixel(&self, asm: &mut Assembly, entry: u32) {
        let changed = Registers::of_pairs(if self.keeps_z { vec![X] } else { vec![X, Z] });
        asm.changing(changed, |asm| {
            if self.keeps_z {
                asm.push(Z);
                asm.push(Z.next());
            }
            asm.movw(Z, POSITION);
            asm.add_to_pair(Z, 2 * entry as i32);
            asm.lpm_near(X);
            asm.lpm_near(X.next());
            if self.keeps_z {
                asm.pop(Z.next());
                asm.pop(Z);
            }
            for _ in 0..if self.by_nibble { 2 } else { 1 } {
                asm.add(X, BASE);
                asm.adc(X.next(), BASE.next());
            }
        })
    }

    /// A pair of two bytes an entry, counted from the table's start, becomes the
    /// entry.
    pub(crate) fn look_up(&self, asm: &mut Assembly, pair: Register) {
        let changed = Registers::of_pairs([pair, Z]);
        asm.changing(changed, |asm| {
            let Some(table) = self.table else {
                unreachable!("pixels are found in a table");
            };
            asm.ldi_address(Z, (table, 0), 0);
            asm.ldi_address(Z.next(), (table, 0), 1);
            asm.add(Z, pair);
            asm.adc(Z.next(), pair.next());
            asm.lpm_near(pair);
            asm.lpm_near(pair.next());
        })
    }

    /// Where pixels begin by nibble, turns X from a position to a pointer and
    /// emits `body` for either parity.
    pub(crate) fn by_parity(&self, asm: &mut Assembly, body: &mut dyn FnMut(&mut Assembly, bool)) {
        if self.by_nibble {
            by_parity(asm, body);
        } else {
            body(asm, false);
        }
    }

    /// Bytes before the one with that cell, counted from a byte's first cell.
    pub(crate) fn whole_bytes(&self, cells: u32) -> u32 {
        if self.bits == 4 { cells / 2 } else { cells }
    }

    pub(crate) fn bytes_up_to(&self, cells: u32) -> u32 {
        if self.bits == 4 {
            cells.div_ceil(2)
        } else {
            cells
        }
    }

    pub(crate) fn is_high(&self, cells: u32) -> bool {
        self.bits == 4 && cells % 2 == 1
    }

    /// What finding runs changes beside X, Z and r0, or must find unchanged.
    pub(crate) fn registers(&self) -> Registers {
        let pair = match self.ring_end() {
            Some(end) => end,
            None if self.has_table() => BASE,
            None => return self.guard_registers(),
        };
        Registers::of([pair, pair.next()]).union(self.guard_registers())
    }

    /// The registers of the output's row and column, where kernels need those.
    pub(crate) fn guard_registers(&self) -> Registers {
        self.guards
            .map_or(Registers::default(), |guards| guards.registers())
    }
}
