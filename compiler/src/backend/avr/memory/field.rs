//! Where a kernel reads: the runs of neighbouring values in one output's
//! receptive field, and how X gets there.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{Condition, Label};
use crate::backend::avr::isa::registers::{
    BASE, POSITION, Pointer, R16, R30, R31, Register, Registers, X, Z,
};
use crate::backend::avr::memory::guard::{Guards, Inside};
use crate::backend::avr::memory::state::stack_pointer;
use crate::plan::Ring;
use crate::program::{Addressing, Map, Program};

/// A map as a kernel reads it.
#[derive(Clone, Debug)]
pub(crate) struct Source<'a> {
    pub(crate) map: &'a Map,
    /// Bits of an activation: 4 or 8.
    pub(crate) bits: u32,
    pub(crate) signed: bool,
    /// Whether pixels may begin in the middle of a byte.
    pub(crate) by_nibble: bool,
    /// Bytes before the arena.
    cursor_bytes: u32,
    table: Option<Label>,
    /// The ring that the map's newest pixels lie in.
    ring: Option<RingEnd>,
    /// Whether Z is not to be changed.
    pub(crate) keeps_z: bool,
    /// Where fields reach beyond the map.
    pub(crate) guards: Option<Guards>,
    /// Whether it holds the only pixel of a field that is inside.
    pub(crate) is_single: bool,
}

/// The end of a ring, as kernels find it.
#[derive(Clone, Copy, Debug)]
struct RingEnd {
    /// Bytes of the ring.
    bytes: u32,
    /// Pixels of the ring.
    pixels: u32,
    /// The register pair that holds the address behind its last byte.
    register: Register,
}

/// Values that lie one behind the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// The pixel of the field that it begins in.
    pub(crate) row: u32,
    pub(crate) column: u32,
    /// The channel of that pixel that it begins with.
    pub(crate) channel: u32,
    /// How many.
    pub(crate) values: u32,
    /// The kernel's number of the first, counting channels, then columns, then
    /// rows.
    pub(crate) first_input: u32,
}

impl<'a> Source<'a> {
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

    /// A map whose newest pixels lie in that ring, from its first
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

    /// Bytes of the ring that it lies in.
    pub(crate) fn ring_bytes(&self) -> Option<u32> {
        self.ring.map(|ring| ring.bytes)
    }

    /// The registers that hold the address behind the ring that it lies in.
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
    fn scratch(&self) -> Register {
        // Where Z goes through weights, values go through another.
        if self.keeps_z { R16 } else { VALUE }
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
    pub(crate) fn table(&self) -> Option<Label> {
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
    /// [`POSITION`]. Changes r0.
    pub(crate) fn begin(&self, asm: &mut Assembly, pixel: i32) {
        self.begin_in(asm, POSITION, pixel);
    }

    /// The same in any upper pair, of the address in [`POSITION`].
    pub(crate) fn begin_in(&self, asm: &mut Assembly, position: Register, pixel: i32) {
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
    }

    /// The runs of a kernel over channels `channel..channel + channels`.
    pub(crate) fn runs(
        &self,
        (height, width): (u32, u32),
        channels: std::ops::Range<u32>,
    ) -> Vec<Run> {
        let all = self.map.shape.channels;
        let count = channels.end - channels.start;
        let whole = count == all && self.table.is_none() && self.ring.is_none();
        let mut runs = Vec::new();
        for row in 0..height {
            let mut column = 0;
            while column < width {
                let together = match whole {
                    true => self.inside_together(column, width),
                    false => 1,
                };
                runs.push(Run {
                    row,
                    column,
                    channel: channels.start,
                    values: if whole { together * all } else { count },
                    first_input: (row * width + column) * all + channels.start,
                });
                column += together;
            }
        }
        runs
    }

    /// Columns of a kernel of that width, from one on, that are always inside; else 1.
    fn inside_together(&self, column: u32, width: u32) -> u32 {
        let is_always = |&column: &u32| match &self.guards {
            None => true,
            Some(guards) => guards.column(column) == Inside::Always,
        };
        ((column..width).take_while(is_always).count() as u32).max(1)
    }

    /// Points X at the byte of each run's first value in turn, and calls
    /// `body`, which is told whether that value is the high nibble, and leaves X
    /// behind the last byte that has a value of the run. Changes Z unless it is
    /// to be kept.
    ///
    /// `body` is emitted once for each way in which a run may begin.
    pub(crate) fn for_each_run(
        &self,
        asm: &mut Assembly,
        runs: &[Run],
        body: &mut dyn FnMut(&mut Assembly, &Run, bool),
    ) {
        self.for_each_run_inside(asm, runs, body, None);
    }

    /// As [`Self::for_each_run`]; where a field reaches beyond the map, `outside` is
    /// emitted for what is not there, and told how many values that is.
    pub(crate) fn for_each_run_inside(
        &self,
        asm: &mut Assembly,
        runs: &[Run],
        body: &mut dyn FnMut(&mut Assembly, &Run, bool),
        outside: Option<&mut Outside<'_>>,
    ) {
        let in_parts = |run: &Run| run.values < self.map.shape.channels;
        if self.guards.is_some() || self.ring.is_some() && runs.iter().any(in_parts) {
            return self.for_each_run_apart(asm, runs, body, outside);
        }
        if let Some(ring) = self.ring {
            return self.for_each_run_in_ring(asm, runs, ring, body);
        }
        match self.table {
            Some(_) => {
                for run in runs {
                    self.point_at_pixel(asm, run.row * self.map.shape.width + run.column);
                    self.by_parity(asm, &mut |asm, odd| {
                        let first = u32::from(odd) + run.channel;
                        asm.add_to_pair(X, self.whole_bytes(first) as i32);
                        body(asm, run, self.is_high(first));
                    });
                }
            }
            None => {
                asm.movw(X, POSITION);
                self.by_parity(asm, &mut |asm, odd| {
                    let mut bytes = 0;
                    for run in runs {
                        let pixel = run.row * self.map.shape.width + run.column;
                        let cell = pixel * self.map.shape.channels + run.channel;
                        let first = cell + u32::from(odd);
                        let begin = self.whole_bytes(first);
                        asm.add_to_pair(X, begin as i32 - bytes);
                        body(asm, run, self.is_high(first));
                        bytes = self.bytes_up_to(first + run.values) as i32;
                    }
                });
            }
        }
    }

    /// As [`Self::for_each_run`], of whole pixels: a run goes on to the next one
    /// where that begins in the middle of a byte, which is never the ring's end.
    fn for_each_run_in_ring(
        &self,
        asm: &mut Assembly,
        pixels: &[Run],
        ring: RingEnd,
        body: &mut dyn FnMut(&mut Assembly, &Run, bool),
    ) {
        let (width, channels) = (self.map.shape.width, self.map.shape.channels);
        asm.movw(X, POSITION);
        self.by_parity(asm, &mut |asm, odd| {
            let first_cell = |run: &Run| (run.row * width + run.column) * channels + u32::from(odd);
            let mut runs: Vec<Run> = Vec::new();
            for pixel in pixels {
                match runs.last_mut() {
                    Some(run) if run.row == pixel.row && self.is_high(first_cell(pixel)) => {
                        run.values += pixel.values;
                    }
                    _ => runs.push(*pixel),
                }
            }
            let mut bytes = 0;
            let mut row = 0;
            for (index, run) in runs.iter().enumerate() {
                let first = first_cell(run);
                if index > 0 {
                    asm.add_to_pair(X, self.whole_bytes(first) as i32 - bytes);
                    ring.go_around(asm, row == run.row);
                }
                row = run.row;
                body(asm, run, self.is_high(first));
                bytes = self.bytes_up_to(first + run.values) as i32;
            }
        });
    }

    /// As [`Self::for_each_run_inside`], each run being found from the field's first
    /// pixel on, and none going on to the next pixel of a ring.
    pub(crate) fn for_each_run_apart(
        &self,
        asm: &mut Assembly,
        runs: &[Run],
        body: &mut dyn FnMut(&mut Assembly, &Run, bool),
        mut outside: Option<&mut Outside<'_>>,
    ) {
        if !self.by_nibble || self.table.is_some() {
            return self.rows_apart(asm, runs, false, body, &mut outside);
        }
        let (odd, join) = (asm.label(), asm.label());
        asm.skip_if_clear(POSITION, 0);
        asm.jump(odd);
        asm.times(0.5, |asm| {
            self.rows_apart(asm, runs, false, body, &mut outside);
            asm.jump(join);
        });
        asm.bind(odd);
        asm.times(0.5, |asm| {
            self.rows_apart(asm, runs, true, body, &mut outside)
        });
        asm.bind(join);
    }

    /// The runs, the field's first value being a high nibble if `odd`.
    fn rows_apart(
        &self,
        asm: &mut Assembly,
        runs: &[Run],
        odd: bool,
        body: &mut dyn FnMut(&mut Assembly, &Run, bool),
        outside: &mut Option<&mut Outside<'_>>,
    ) {
        for row in runs.chunk_by(|one, next| one.row == next.row) {
            let values = row.iter().map(|run| run.values).sum();
            let number = row[0].row;
            let inside = self
                .guards
                .map_or(Inside::Always, |guards| guards.row(number));
            let test = |asm: &mut Assembly, label: Label| {
                let guards = self.guards.expect("only guards say that some are outside");
                guards.test_row(asm, number, (label, self.scratch()))
            };
            where_inside(asm, inside, &test, values, outside, &mut |asm, outside| {
                for run in row {
                    self.run_apart(asm, run, odd, body, outside);
                }
            });
        }
    }

    fn run_apart(
        &self,
        asm: &mut Assembly,
        run: &Run,
        odd: bool,
        body: &mut dyn FnMut(&mut Assembly, &Run, bool),
        outside: &mut Option<&mut Outside<'_>>,
    ) {
        let column = run.column;
        let inside = self
            .guards
            .map_or(Inside::Always, |guards| guards.column(column));
        let test = |asm: &mut Assembly, label: Label| {
            let guards = self.guards.expect("only guards say that some are outside");
            guards.test_column(asm, column, (label, self.scratch()))
        };
        where_inside(asm, inside, &test, run.values, outside, &mut |asm, _| {
            let pixel = run.row * self.map.shape.width + run.column;
            if self.table.is_some() {
                self.point_at_pixel(asm, pixel);
                return self.by_parity(asm, &mut |asm, odd| {
                    let first = u32::from(odd) + run.channel;
                    asm.add_to_pair(X, self.whole_bytes(first) as i32);
                    body(asm, run, self.is_high(first));
                });
            }
            let first = self.point_at_run(asm, run, pixel, odd);
            body(asm, run, first);
        });
    }

    /// A pixel counted from a field's first one, which may go around a ring.
    pub(crate) fn around(&self, pixel: u32) -> u32 {
        match self.ring {
            Some(ring) => pixel % ring.pixels,
            None if self.is_single => 0,
            None => pixel,
        }
    }

    /// X ← the byte of a run's first value, which is its high nibble if that is
    /// returned.
    fn point_at_run(&self, asm: &mut Assembly, run: &Run, pixel: u32, odd: bool) -> bool {
        let channels = self.map.shape.channels;
        let pixel = self.around(pixel);
        // Where several begin in the middle of a byte, up to the pixel; what is left
        // of a byte is 0 or 1 nibbles.
        let cells = pixel * channels;
        let nibble = if self.by_nibble {
            (cells + u32::from(odd)) % 2
        } else {
            0
        };
        asm.movw(X, POSITION);
        if self.ring.is_none() && !self.by_nibble {
            asm.add_to_pair(X, self.whole_bytes(cells + run.channel) as i32);
            return self.is_high(cells + run.channel);
        }
        if self.by_nibble {
            asm.add_to_pair(X, cells as i32);
            asm.lsr(X.next());
            asm.ror(X);
        } else {
            asm.add_to_pair(X, self.whole_bytes(cells) as i32);
        }
        if let Some(ring) = self.ring {
            ring.go_around(asm, false);
        }
        let first = nibble + run.channel;
        asm.add_to_pair(X, self.whole_bytes(first) as i32);
        self.is_high(first)
    }

    /// X ← the first byte of a pixel by its entry in the table, counted from the
    /// field's first; doubled, and odd for a high nibble, where pixels begin by
    /// nibble.
    pub(crate) fn point_at_pixel(&self, asm: &mut Assembly, entry: u32) {
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
    }

    /// A pair of two bytes an entry, counted from the table's start, becomes the
    /// entry. Changes Z.
    pub(crate) fn look_up(&self, asm: &mut Assembly, pair: Register) {
        let Some(table) = self.table else {
            unreachable!("pixels are found in a table");
        };
        asm.ldi_address(Z, (table, 0), 0);
        asm.ldi_address(Z.next(), (table, 0), 1);
        asm.add(Z, pair);
        asm.adc(Z.next(), pair.next());
        asm.lpm_near(pair);
        asm.lpm_near(pair.next());
    }

    /// Where pixels begin by nibble, turns X from a position to a pointer and
    /// emits `body` for either parity.
    fn by_parity(&self, asm: &mut Assembly, body: &mut dyn FnMut(&mut Assembly, bool)) {
        if self.by_nibble {
            by_parity(asm, body);
        } else {
            body(asm, false);
        }
    }

    /// Bytes before the one with that cell, counted from a byte's first cell.
    fn whole_bytes(&self, cells: u32) -> u32 {
        if self.bits == 4 { cells / 2 } else { cells }
    }

    fn bytes_up_to(&self, cells: u32) -> u32 {
        if self.bits == 4 {
            cells.div_ceil(2)
        } else {
            cells
        }
    }

    fn is_high(&self, cells: u32) -> bool {
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

/// What is emitted for so many values that are outside of the map.
pub(crate) type Outside<'a> = dyn FnMut(&mut Assembly, u32) + 'a;

/// Emits what is done with values that are inside the map for some outputs, or all.
fn where_inside(
    asm: &mut Assembly,
    inside: Inside,
    test: &dyn Fn(&mut Assembly, Label) -> f64,
    values: u32,
    outside: &mut Option<&mut Outside<'_>>,
    body: &mut dyn FnMut(&mut Assembly, &mut Option<&mut Outside<'_>>),
) {
    match inside {
        Inside::Always => body(asm, outside),
        Inside::Never => {
            if let Some(outside) = outside {
                outside(asm, values);
            }
        }
        Inside::Between(..) => {
            let (absent, done) = (asm.label(), asm.label());
            let share = test(asm, absent);
            asm.times(share, |asm| body(asm, outside));
            let Some(outside) = outside else {
                asm.bind(absent);
                return;
            };
            asm.times(share, |asm| asm.jump(done));
            asm.bind(absent);
            asm.times(1.0 - share, |asm| outside(asm, values));
            asm.bind(done);
        }
    }
}

impl RingEnd {
    /// Takes X back by the ring where it is at its end or, unless `at_end`, may be
    /// behind it.
    fn go_around(self, asm: &mut Assembly, at_end: bool) {
        let inside = asm.label();
        asm.cp(X, self.register);
        match (at_end, self.bytes) {
            // No two places of a small ring have the same low byte.
            (true, ..0x100) => asm.branch(Condition::NotEqual, inside, 0.95),
            // Nor is X so far from the end that the difference of the low bytes had
            // another sign.
            (false, ..=0x80) => asm.branch(Condition::Minus, inside, 0.5),
            _ => {
                asm.cpc(X.next(), self.register.next());
                asm.branch(Condition::Lower, inside, if at_end { 0.95 } else { 0.5 });
            }
        }
        asm.times(if at_end { 0.05 } else { 0.5 }, |asm| {
            let [low, high, ..] = self.bytes.to_le_bytes();
            asm.subi(X, low);
            asm.sbci(X.next(), high);
        });
        asm.bind(inside);
    }
}

/// Cells in units of a position.
pub(crate) fn position_of_cells(cells: u32, bits: u32, by_nibble: bool) -> u32 {
    if bits == 8 || by_nibble {
        cells
    } else {
        cells / 2
    }
}

/// The position of a cell of the arena, which lies behind the cursor, from the
/// network's address on.
pub(crate) fn position_in_network(cell: u32, bits: u32, by_nibble: bool, cursor_bytes: u32) -> u32 {
    let units = if by_nibble { 2 } else { 1 };
    units * cursor_bytes + position_of_cells(cell, bits, by_nibble)
}

/// X holds a position in nibbles: makes it a pointer, and emits `body` for the
/// low nibble (`false`) and the high one.
pub(crate) fn by_parity(asm: &mut Assembly, body: &mut dyn FnMut(&mut Assembly, bool)) {
    let (odd, join) = (asm.label(), asm.label());
    asm.lsr(X.next());
    asm.ror(X);
    asm.branch(Condition::Lower, odd, 0.5);
    asm.times(0.5, |asm| {
        body(asm, false);
        asm.jump(join);
    });
    asm.bind(odd);
    asm.times(0.5, |asm| body(asm, true));
    asm.bind(join);
}

/// X ← behind the first of `count` bytes that were pushed last: `ld -X` then
/// gives them in the order of pushing.
pub(crate) fn point_at_pushed(asm: &mut Assembly, count: u32, pushed_since: u32) {
    stack_pointer(asm, Pointer::X);
    asm.add_to_pair(X, (count + pushed_since + 1) as i32);
}

/// Registers of the activation and of its byte in unrolled code.
pub(crate) const VALUE: Register = R30;
/// The byte that the activation came in, then its high nibble.
pub(crate) const BYTE: Register = R31;
