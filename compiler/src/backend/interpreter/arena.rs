//! The arena, cell by cell: a value, what it is, and when it dies.

use super::fault::{Content, FaultKind};
use super::schedule::Time;

#[derive(Clone, Copy)]
struct Cell {
    content: Content,
    /// As many bits as a cell has.
    bits: i64,
    /// The last event that reads it; from then on the cell is poison.
    dies: Time,
}

/// A store into a cell.
#[derive(Clone, Copy)]
pub(super) struct Write {
    pub(super) cell: u32,
    pub(super) content: Content,
    pub(super) time: Time,
    pub(super) dies: Time,
}

pub(super) struct Arena {
    cells: Vec<Option<Cell>>,
    writes: Vec<Write>,
}

impl Arena {
    pub(super) fn new(bytes: u32, bits_per_cell: u32) -> Self {
        Self {
            cells: vec![None; (bytes * (8 / bits_per_cell)) as usize],
            writes: Vec::new(),
        }
    }

    /// Every store so far.
    pub(super) fn writes(&self) -> impl Iterator<Item = Write> {
        self.writes.iter().copied()
    }

    /// The bits of `cell`, which must hold `meant`.
    pub(super) fn read(&self, cell: u32, meant: Content, now: Time) -> Result<i64, FaultKind> {
        let held = self.cells.get(cell as usize).ok_or(self.outside())?;
        match held.filter(|held| held.dies >= now) {
            Some(held) if held.content == meant => Ok(held.bits),
            other => Err(FaultKind::ReadsAnother {
                meant,
                found: other.map(|held| held.content),
            }),
        }
    }

    /// Stores `content`; reads of the event `now` come before its writes.
    pub(super) fn write(
        &mut self,
        cell: u32,
        content: Content,
        bits: i64,
        dies: Time,
        now: Time,
    ) -> Result<(), FaultKind> {
        let outside = self.outside();
        let slot = self.cells.get_mut(cell as usize).ok_or(outside)?;
        // A sum is written again at each byte of its window.
        if let Some(held) = slot.filter(|held| held.dies > now && held.content != content) {
            return Err(FaultKind::OverwritesLive {
                written: content,
                live: held.content,
            });
        }
        *slot = Some(Cell {
            content,
            bits,
            dies,
        });
        self.writes.push(Write {
            cell,
            content,
            time: now,
            dies,
        });
        Ok(())
    }

    fn outside(&self) -> FaultKind {
        FaultKind::OutsideArena {
            cells: self.cells.len() as u32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::ValueId;

    fn value(channel: u32) -> Content {
        Content::activation(ValueId::new(0), (0, 0), channel)
    }

    #[test]
    fn a_dead_value_is_poison() {
        let mut arena = Arena::new(1, 4);
        arena.write(1, value(0), 7, 2, 0).unwrap();
        assert_eq!(arena.read(1, value(0), 2), Ok(7));
        let poison = FaultKind::ReadsAnother {
            meant: value(0),
            found: None,
        };
        assert_eq!(arena.read(1, value(0), 3), Err(poison));
        assert_eq!(arena.read(0, value(0), 2), Err(poison));
    }

    #[test]
    fn a_live_value_is_overwritten_by_its_last_reader_at_the_earliest() {
        let mut arena = Arena::new(1, 8);
        arena.write(0, value(0), 7, 2, 0).unwrap();
        let early = arena.write(0, value(1), 8, 4, 1);
        let live = FaultKind::OverwritesLive {
            written: value(1),
            live: value(0),
        };
        assert_eq!(early, Err(live));
        arena.write(0, value(1), 8, 4, 2).unwrap();
        assert_eq!(arena.read(0, value(1), 3), Ok(8));
    }

    #[test]
    fn the_arena_ends() {
        let mut arena = Arena::new(2, 4);
        let outside = FaultKind::OutsideArena { cells: 4 };
        assert_eq!(arena.read(4, value(0), 0), Err(outside));
        assert_eq!(arena.write(4, value(0), 0, 0, 0), Err(outside));
    }
}
