//! What a weighted sum reads: the field of an output, a whole stored map, or
//! values that another kernel has just pushed.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::Mode;
use crate::backend::avr::isa::registers::{POSITION, Registers, X};
use crate::backend::avr::memory::field::MapSource;
use crate::backend::avr::memory::position::point_at_pushed;
use crate::backend::avr::memory::runs::{Outside, Run};
use crate::program::Map;
use std::ops::Range;

/// What a weighted sum reads.
#[derive(Clone, Debug)]
pub(crate) enum SumInput<'a> {
    /// The receptive field of the output at hand.
    Field {
        source: MapSource<'a>,
        kernel: (u32, u32),
    },
    /// A whole map, in the order of storage; the position is the network's
    /// address.
    Stored {
        map: &'a Map,
        bits: u32,
        /// Bytes before the arena.
        cursor_bytes: u32,
    },
    /// Values of a byte each.
    Pushed {
        count: u32,
        /// Registers that are not to be changed.
        keeps: Registers,
    },
}

impl SumInput<'_> {
    /// Whether it is a dense layer's.
    pub(crate) fn is_whole_map(&self) -> bool {
        match self {
            SumInput::Stored { .. } => true,
            SumInput::Field { .. } | SumInput::Pushed { .. } => false,
        }
    }

    /// Bits that a value takes where it is read.
    pub(crate) fn stored_bits(&self) -> u32 {
        match self {
            SumInput::Field { source, .. } => source.bits,
            SumInput::Stored { bits, .. } => *bits,
            SumInput::Pushed { .. } => 8,
        }
    }

    /// Channels of the map that a field is of.
    pub(crate) fn channels(&self) -> Option<u32> {
        match self {
            SumInput::Field { source, .. } => Some(source.map.shape.channels),
            SumInput::Stored { .. } | SumInput::Pushed { .. } => None,
        }
    }

    /// How X goes from byte to byte.
    pub(crate) fn mode(&self) -> Mode {
        match self {
            SumInput::Pushed { .. } => Mode::PreDecrement,
            SumInput::Field { .. } | SumInput::Stored { .. } => Mode::PostIncrement,
        }
    }

    /// The most values of a run.
    pub(crate) fn longest_run(&self) -> u32 {
        match self {
            SumInput::Field { source, kernel } => source.longest_run(*kernel),
            SumInput::Stored { .. } | SumInput::Pushed { .. } => {
                let runs = self.runs(None);
                runs.iter().map(|run| run.values).max().unwrap_or(0)
            }
        }
    }

    /// Registers that finding runs needs unchanged.
    pub(crate) fn registers(&self) -> Registers {
        match self {
            SumInput::Field { source, .. } => source.registers(),
            SumInput::Stored { .. } | SumInput::Pushed { .. } => Registers::default(),
        }
    }

    /// The registers of the output's row and column, where those are needed.
    pub(crate) fn guard_registers(&self) -> Registers {
        match self {
            SumInput::Field { source, .. } => source.guard_registers(),
            SumInput::Stored { .. } => Registers::default(),
            SumInput::Pushed { keeps, .. } => *keeps,
        }
    }

    /// All values, in runs; of a field, those of some channels, or all.
    fn runs(&self, channels: Option<Range<u32>>) -> Vec<Run> {
        let run = |first_input: u32, values: u32| Run {
            row: 0,
            column: 0,
            channel: 0,
            values,
            first_input,
        };
        match self {
            SumInput::Field { source, kernel } => {
                source.runs(*kernel, channels.unwrap_or(0..source.map.shape.channels))
            }
            SumInput::Stored { map, .. } => {
                let before_wrap = map.pixels_before_wrap * map.shape.channels;
                let after_wrap = map.shape.values() - before_wrap;
                [run(0, before_wrap), run(before_wrap, after_wrap)]
                    .into_iter()
                    .filter(|run| run.values > 0)
                    .collect()
            }
            SumInput::Pushed { count, .. } => vec![run(0, *count)],
        }
    }

    /// See [`MapSource::for_each_run_inside`]. `pushed_since`: bytes that were pushed
    /// after the values to read; `channels`: those of a field that are read, or all.
    /// For values that were pushed, X is above the first one.
    pub(crate) fn for_each_run(
        &self,
        asm: &mut Assembly,
        (pushed_since, channels): (u32, Option<Range<u32>>),
        body: &mut dyn FnMut(&mut Assembly, &Run, bool),
        outside: Option<&mut Outside<'_>>,
    ) {
        let runs = self.runs(channels);
        match self {
            SumInput::Field { source, .. } => {
                source.for_each_run_inside(asm, &runs, body, outside);
            }
            SumInput::Stored {
                map,
                bits,
                cursor_bytes,
            } => {
                for run in &runs {
                    let wrapped = run.first_input > 0;
                    let cell = if wrapped { 0 } else { map.first_cell };
                    let per_byte = 8 / bits;
                    asm.movw(X, POSITION);
                    asm.add_to_pair(X, (cursor_bytes + cell / per_byte) as i32);
                    body(asm, run, cell % per_byte == 1);
                }
            }
            SumInput::Pushed { count, .. } => {
                point_at_pushed(asm, *count, pushed_since);
                body(asm, &runs[0], false);
            }
        }
    }
}
