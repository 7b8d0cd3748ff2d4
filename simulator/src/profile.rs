//! Cycles by function of the network and by kind of instruction.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde::Serialize;

/// The section in which generated code says what its instructions are for. It is not loaded: it
/// holds records of a byte address in flash (`u32`, little-endian) and a [`Kind`] (`u8`), in any
/// order; each is true up to the next one, or to the end of its function.
pub(crate) const SECTION: &str = ".debug_herringbone";
const RECORD_BYTES: usize = 5;

/// How many kinds there are.
const KINDS: usize = 6;

/// What an instruction is for, as the records number it: 0 is whatever is none of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kind(u8);

impl Kind {
    const OTHER: Self = Self(0);
}

/// Cycles by kind of instruction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Cycles {
    /// Loops, addresses, calls, and all code that does not say what it is for.
    pub other: u64,
    /// Getting activations and weights into registers.
    pub load: u64,
    /// Products and their sums.
    pub multiply_accumulate: u64,
    /// Rounding and clamping sums to activations.
    pub requantise: u64,
    /// Putting activations into SRAM.
    pub store: u64,
    /// Averages and maxima.
    pub pool: u64,
}

impl From<[u64; KINDS]> for Cycles {
    fn from(by_kind: [u64; KINDS]) -> Self {
        let [other, load, multiply_accumulate, requantise, store, pool] = by_kind;
        Self {
            other,
            load,
            multiply_accumulate,
            requantise,
            store,
            pool,
        }
    }
}

/// Where the cycles of an image went.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Profile {
    /// Cycles of each function of the network that can be timed, with what it has called that
    /// cannot.
    pub functions: BTreeMap<String, Cycles>,
    /// Cycles of everything else: code around the network's.
    pub rest: Cycles,
}

/// A stretch of flash that is a function to time.
#[derive(Debug, Clone)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// The byte address of its first instruction.
    pub(crate) start: u32,
    /// The byte address after its last.
    pub(crate) end: u32,
}

/// What is known of a word of flash.
#[derive(Debug, Clone, Copy)]
struct Word {
    /// The function that it lies in, counted from 1; 0 for none.
    function: u16,
    kind: Kind,
}

/// What is known of the words of flash.
#[derive(Debug, Default)]
pub struct Legend {
    functions: Vec<String>,
    /// By word address; past its end, nothing is known.
    words: Vec<Word>,
}

impl Legend {
    /// The `timed` functions, and the kinds of instruction by the `records` of [`SECTION`], which
    /// are true up to the ends of the functions that `ends` lists.
    ///
    /// # Errors
    /// When the records are none.
    pub(crate) fn new(timed: &[Function], ends: &[u32], records: &[u8]) -> Result<Self> {
        ensure!(
            records.len().is_multiple_of(RECORD_BYTES),
            "the section {SECTION} has {} bytes, which is no multiple of {RECORD_BYTES}",
            records.len()
        );
        let mut records: Vec<(u32, u8)> = records
            .as_chunks::<RECORD_BYTES>()
            .0
            .iter()
            .map(|&[a, b, c, d, kind]| (u32::from_le_bytes([a, b, c, d]), kind))
            .collect();
        // Stable: of two records of an address, the later one is about more than no instruction.
        records.sort_by_key(|(address, _)| *address);
        let mut ends = ends.to_vec();
        ends.sort_unstable();

        let mut words = Vec::new();
        let mut fill = |start: u32, end: u32, set: &mut dyn FnMut(&mut Word)| {
            let (start, end) = (start as usize / 2, end as usize / 2);
            if words.len() < end {
                let unknown = Word {
                    function: 0,
                    kind: Kind::OTHER,
                };
                words.resize(end, unknown);
            }
            words[start.min(end)..end].iter_mut().for_each(set);
        };
        for (number, function) in (1..).zip(timed) {
            fill(function.start, function.end, &mut |word| {
                word.function = number;
            });
        }
        for (index, &(start, kind)) in records.iter().enumerate() {
            ensure!(
                usize::from(kind) < KINDS,
                "the section {SECTION} has the kind {kind} at {start:#06x}; there are 0 to {}",
                KINDS - 1
            );
            let next = records.get(index + 1).map(|(address, _)| *address);
            let end = ends.get(ends.partition_point(|end| *end <= start)).copied();
            // Behind the last function there is nothing to be told about.
            let Some(end) = end else { continue };
            fill(start, next.map_or(end, |next| end.min(next)), &mut |word| {
                word.kind = Kind(kind);
            });
        }
        Ok(Self {
            functions: timed.iter().map(|function| function.name.clone()).collect(),
            words,
        })
    }

    fn word(&self, program_counter: u32) -> Word {
        let word = self.words.get(program_counter as usize / 2);
        word.copied().unwrap_or(Word {
            function: 0,
            kind: Kind::OTHER,
        })
    }
}

/// Adds up cycles as instructions are executed.
#[derive(Debug)]
pub(crate) struct Recorder<'legend> {
    legend: &'legend Legend,
    /// By function, the first being none.
    cycles: Vec<[u64; KINDS]>,
    /// The timed functions that have been entered and not left.
    calls: Vec<Call>,
}

#[derive(Debug)]
struct Call {
    function: u16,
    /// The stack pointer at its first instruction: while it is running, the stack is that deep.
    stack_pointer: u16,
}

impl<'legend> Recorder<'legend> {
    pub(crate) fn new(legend: &'legend Legend) -> Self {
        Self {
            legend,
            cycles: vec![[0; KINDS]; legend.functions.len() + 1],
            calls: Vec::new(),
        }
    }

    /// Notes that the instruction at `program_counter` took `cycles`. `stack_pointer` is what it
    /// was before that instruction, and no half of it was being written.
    pub(crate) fn record(&mut self, program_counter: u32, stack_pointer: u16, cycles: u64) {
        let word = self.legend.word(program_counter);
        // A call has returned when the stack is less deep than at its beginning.
        while self
            .calls
            .last()
            .is_some_and(|call| stack_pointer > call.stack_pointer)
        {
            self.calls.pop();
        }
        let running = self.calls.last().map_or(0, |call| call.function);
        // What is not timed by itself is its caller's.
        let function = if word.function != 0 && word.function != running {
            self.calls.push(Call {
                function: word.function,
                stack_pointer,
            });
            word.function
        } else {
            running
        };
        self.cycles[usize::from(function)][usize::from(word.kind.0)] += cycles;
    }

    /// What was recorded since the last call.
    pub(crate) fn take(&mut self) -> Profile {
        let mut cycles = self
            .cycles
            .iter_mut()
            .map(|it| Cycles::from(std::mem::take(it)));
        Profile {
            rest: cycles.next().unwrap_or_default(),
            functions: self.legend.functions.iter().cloned().zip(cycles).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn legend() -> Legend {
        let timed = [("infer", 0x10, 0x20), ("layer_1", 0x20, 0x40)].map(|(name, start, end)| {
            let name = name.to_owned();
            Function { name, start, end }
        });
        // Multiply-accumulates from 0x28, a load from 0x24, and a store in a helper at 0x44.
        let records = [[0x28, 0, 0, 0, 2], [0x24, 0, 0, 0, 1], [0x44, 0, 0, 0, 4]];
        Legend::new(&timed, &[0x10, 0x20, 0x40, 0x48], records.as_flattened()).unwrap()
    }

    #[test]
    fn what_a_layer_calls_is_its_own_and_what_surrounds_it_is_not() {
        let legend = legend();
        let mut recorder = Recorder::new(&legend);
        // Address, stack pointer, cycles.
        for (address, stack_pointer, cycles) in [
            (0x02, 100, 1),  // main
            (0x10, 98, 2),   // infer
            (0x20, 96, 4),   // layer_1, without a record
            (0x24, 96, 8),   // it loads,
            (0x3E, 95, 16),  // accumulates with a byte pushed,
            (0x42, 93, 32),  // and calls a helper,
            (0x44, 93, 64),  // which stores
            (0x1E, 98, 128), // infer again
            (0x04, 100, 256),
        ] {
            recorder.record(address, stack_pointer, cycles);
        }
        let profile = recorder.take();
        assert_eq!(profile.rest.other, 1 + 256);
        assert_eq!(profile.functions["infer"].other, 2 + 128);
        let expected = Cycles {
            other: 4 + 32,
            load: 8,
            multiply_accumulate: 16,
            store: 64,
            ..Cycles::default()
        };
        assert_eq!(profile.functions["layer_1"], expected);
        assert_eq!(recorder.take().rest, Cycles::default());
    }

    #[test]
    fn records_of_another_form_are_an_error() {
        let error = |records: &[u8]| Legend::new(&[], &[], records).unwrap_err().to_string();
        assert_eq!(
            error(&[0; 6]),
            "the section .debug_herringbone has 6 bytes, which is no multiple of 5"
        );
        assert_eq!(
            error(&[2, 0, 0, 0, 6]),
            "the section .debug_herringbone has the kind 6 at 0x0002; there are 0 to 5"
        );
    }
}
