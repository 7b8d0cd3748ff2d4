//! Says what is being done, to users who wait for more than a moment.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

/// Nobody wants to read of what takes less.
const PATIENCE: Duration = Duration::from_secs(2);

/// A line that is written over and over, and is gone at the end.
pub(crate) struct Progress {
    start: Instant,
    is_shown: bool,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            is_shown: false,
        }
    }

    /// Something begins.
    pub(crate) fn begin(&mut self, what: &str) {
        if stderr().is_terminal() && self.start.elapsed() > PATIENCE {
            eprint!("\r\x1b[K{what} …");
            self.is_shown = true;
        }
    }

    /// Everything is done.
    pub(crate) fn end(self) {
        if self.is_shown {
            eprint!("\r\x1b[K");
        }
    }
}
