//! When instructions arrive from flash that has wait states.
//!
//! The flash of a CH32V003 is read by lines of 32 bits, one after the other, as long as one of two
//! places for them is free. A jump waits for the line that is on its way. By that a taken branch
//! takes 4 cycles from the first half of a line, 5 from the second, and one more to the second
//! half of a line, as jnk0le measured (see [`Cost::QINGKE_V2`](super::Cost::QINGKE_V2)).

use super::cost::LineFetch;

/// Bytes of a line.
const LINE: u32 = 4;
/// Cycles from when a line has come to when its first instruction is executed.
const DECODE: u64 = 1;

/// The lines around the instruction that is executed next.
#[derive(Debug, Clone)]
pub(super) struct Fetch {
    line_cycles: u64,
    now: u64,
    /// The number of the line that holds the next instruction's first byte.
    line: u32,
    /// When that line has come, and when the one after it has.
    come: [u64; 2],
}

impl Fetch {
    pub(super) fn new(cost: LineFetch) -> Self {
        Self {
            line_cycles: cost.cycles.into(),
            now: 0,
            line: u32::MAX,
            come: [0; 2],
        }
    }

    /// Cycles from when the last instruction ended to when that of `bytes` at `address` has ended,
    /// which takes `cycles` from when it has come, and goes on at `target`, if elsewhere.
    pub(super) fn execute(
        &mut self,
        address: u32,
        bytes: u32,
        cycles: u32,
        target: Option<u32>,
    ) -> u32 {
        if self.line != address / LINE {
            // Code that was elsewhere, and no jump from here: the line is there.
            self.now += DECODE;
            self.go_to(address / LINE, self.now - DECODE);
        }
        let before = self.now;
        let last = ((address + bytes - 1) / LINE - self.line) as usize;
        let start = self.now.max(self.come[last] + DECODE);
        // A line of which the last instruction is executed gives its place to another.
        for _ in self.line..(address + bytes) / LINE {
            let next = self.come[1].max(start) + self.line_cycles;
            self.go_to(self.line + 1, self.come[1]);
            self.come[1] = next;
        }
        self.now = start + u64::from(cycles);
        if let Some(target) = target {
            let decided = start + 1;
            let is_on_its_way = |&come: &u64| come > decided && come < decided + self.line_cycles;
            let free = self.come.into_iter().find(is_on_its_way).unwrap_or(decided);
            let come = free + self.line_cycles;
            self.go_to(target / LINE, come);
            self.now = come + DECODE;
        }
        (self.now - before) as u32
    }

    /// The next instruction is in `line`, which comes at `come`.
    fn go_to(&mut self, line: u32, come: u64) {
        self.line = line;
        self.come = [come, come + self.line_cycles];
    }
}
