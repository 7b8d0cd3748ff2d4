//! How much work planning has done: what a search that could take long is ended
//! by, so that it ends at the same place on every machine.

use std::cell::Cell;

thread_local! {
    static UNITS: Cell<u64> = const { Cell::new(0) };
}

/// Counts work: a unit is what looking at one event of a layer takes, some
/// 0.12 µs in an unoptimised build.
pub(crate) fn spend(units: usize) {
    UNITS.with(|spent| spent.set(spent.get().wrapping_add(units as u64)));
}

/// A point at which work is to end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    from: u64,
    units: u64,
}

impl Limit {
    /// After that many units from now on.
    pub(crate) fn after(units: u64) -> Self {
        let from = UNITS.with(Cell::get);
        Self { from, units }
    }

    /// Whether so much was spent.
    pub(crate) fn is_reached(self) -> bool {
        UNITS.with(Cell::get).wrapping_sub(self.from) >= self.units
    }
}
