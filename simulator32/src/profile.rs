//! How many cycles each function took.

use crate::program::Program;

/// What a function took, without those that it called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Its demangled name; empty for code without a symbol.
    pub function: String,
    /// Instructions that were executed.
    pub instructions: u64,
    /// Cycles that they took.
    pub cycles: u64,
}

/// Counts by function while a program runs.
#[derive(Debug)]
pub(crate) struct Recorder {
    counts: Vec<(u64, u64)>,
    /// The function that was executed last: its addresses and its place in `counts`.
    last: (u32, u32, usize),
}

impl Recorder {
    pub(crate) fn new(program: &Program) -> Self {
        Self {
            counts: vec![(0, 0); program.functions.len() + 1],
            last: (0, 0, 0),
        }
    }

    pub(crate) fn record(&mut self, program: &Program, program_counter: u32, cycles: u32) {
        if !(self.last.0..self.last.1).contains(&program_counter) {
            self.last = match program.function_at(program_counter) {
                Some(function) => {
                    let first = function.address;
                    let number = program.functions.partition_point(|it| it.address <= first);
                    (first, first + function.bytes, number)
                }
                None => (program_counter, program_counter, 0),
            };
        }
        let count = &mut self.counts[self.last.2];
        count.0 += 1;
        count.1 += u64::from(cycles);
    }

    /// All functions that were executed, that of the most cycles first.
    pub(crate) fn finish(self, program: &Program) -> Vec<Share> {
        let names = program
            .functions
            .iter()
            .map(|function| function.name.clone());
        let mut shares: Vec<Share> = std::iter::once(String::new())
            .chain(names)
            .zip(self.counts)
            .filter(|(_, (instructions, _))| *instructions > 0)
            .map(|(function, (instructions, cycles))| Share {
                function,
                instructions,
                cycles,
            })
            .collect();
        shares.sort_by_key(|share| std::cmp::Reverse(share.cycles));
        shares
    }
}
