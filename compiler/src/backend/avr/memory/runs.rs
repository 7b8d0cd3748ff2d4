//! The runs of neighbouring values in one output's receptive field, and how X gets
//! to each.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition};
use crate::backend::avr::isa::registers::{POSITION, X};
use crate::backend::avr::memory::field::{MapSource, RingEnd};
use crate::backend::avr::memory::guard::Inside;

/// Values one after the other.
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

impl MapSource<'_> {
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
    /// `body`, which gets whether that value is the high nibble, and leaves X
    /// after the last byte that has a value of the run. Changes Z unless it is
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
    /// emitted for what is not there, and gets how many values that is.
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
            let test = |asm: &mut Assembly, label: CodeLabel| {
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
        let test = |asm: &mut Assembly, label: CodeLabel| {
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
}

/// What is emitted for that many values that are outside of the map.
pub(crate) type Outside<'a> = dyn FnMut(&mut Assembly, u32) + 'a;

/// Emits what is done with values that are inside the map for some outputs, or all.
fn where_inside(
    asm: &mut Assembly,
    inside: Inside,
    test: &dyn Fn(&mut Assembly, CodeLabel) -> f64,
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
    /// after it.
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
