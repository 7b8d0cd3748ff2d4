//! Which pixels are there when a stage reads, row by column: both axes of a grid
//! are independent, so that this takes no longer than a row and a column.

use super::draft::{SegmentOutline, field_of_read};
use super::timing::{AxisTiming, Timing};
use crate::network::{NodeId, ReceptiveField, Shape, ValueId};
use std::collections::BTreeMap;

/// How a node of a segment reads.
#[derive(Clone, Copy, Debug)]
pub(super) struct NodeReading {
    pub(super) node: NodeId,
    /// Whether it is the leading `A`.
    pub(super) averages_bytes: bool,
    /// Whether it takes its input in pixel by pixel.
    pub(super) takes: bool,
    /// When the pixels of its input are there.
    pub(super) input_timing: Timing,
}

/// One input of one stage.
#[derive(Clone, Debug)]
struct Read {
    node: NodeId,
    index: usize,
    value: ValueId,
    /// The stage's place in the order at a point.
    stage: usize,
    /// When it reads, by output, or by the pixel that it takes in.
    timing: Timing,
    /// What it reads then.
    field: ReceptiveField,
    /// Columns of the value, as far as it is there.
    width: u32,
    /// When the value's pixels are there; `None` where all of them are from the
    /// start.
    written: Option<Timing>,
}

/// What a value that is stored whole is written by.
#[derive(Clone, Copy, Debug)]
struct MapWrite {
    stage: usize,
    timing: Timing,
}

/// How a segment uses its values.
#[derive(Clone, Debug, Default)]
pub(super) struct Simulation {
    reads: Vec<Read>,
    /// By value that is stored whole.
    writes: BTreeMap<ValueId, MapWrite>,
}

impl Simulation {
    pub(super) fn of(
        outline: &SegmentOutline<'_>,
        used: &BTreeMap<ValueId, Shape>,
        timings: &BTreeMap<ValueId, Timing>,
        readers: &[NodeReading],
    ) -> Self {
        let flow = outline.flow;
        let mut simulation = Self::default();
        for (stage, reader) in readers.iter().enumerate() {
            let node = flow.node(reader.node);
            let first = usize::from(reader.averages_bytes);
            for (index, &value) in node.reads.iter().enumerate().skip(first) {
                let is_there = !outline.makes(value);
                let whole = is_there || outline.is_stored(value);
                let shape = if whole {
                    flow.value(value).shape
                } else {
                    used[&value]
                };
                let takes = reader.takes && index == 0;
                simulation.reads.push(Read {
                    node: node.id,
                    index,
                    value,
                    stage,
                    timing: if takes {
                        reader.input_timing
                    } else {
                        timings[&node.writes]
                    },
                    field: if takes {
                        node.taken(shape)
                    } else {
                        field_of_read(node, index, flow.value(value).shape)
                    },
                    width: shape.width,
                    written: timings.get(&value).copied().filter(|_| !whole),
                });
            }
            if outline.is_stored(node.writes) {
                let timing = timings[&node.writes];
                simulation
                    .writes
                    .insert(node.writes, MapWrite { stage, timing });
            }
        }
        simulation
    }

    /// Pixels from the first of the field that a node reads of its `index`-th input
    /// to the one that is written next, where that is always the same.
    pub(super) fn lag(&self, node: NodeId, index: usize) -> Option<u32> {
        let mut reads = self.reads.iter();
        let read = reads.find(|read| (read.node, read.index) == (node, index))?;
        let (least, most) = read.distance(Read::first_of_field)?;
        (least == most).then(|| u32::try_from(most).ok()).flatten()
    }

    /// The most pixels of a value from the oldest that is read to the newest.
    pub(super) fn live_pixels(&self, value: ValueId) -> u32 {
        let reads = self.reads.iter().filter(|read| read.value == value);
        let live = reads.filter_map(|read| Some(read.distance(Read::first_inside)?.1));
        live.max().map_or(1, |live| live.max(1) as u32)
    }

    /// Cells by which the first pixel of `output`, stored whole, must come before
    /// the first one of `input`, stored whole, so that no pixel is overwritten that
    /// is read later.
    pub(super) fn lead_cells(
        &self,
        (input, input_channels): (ValueId, u32),
        (output, output_channels): (ValueId, u32),
    ) -> u32 {
        let Some(write) = self.writes.get(&output) else {
            return 0;
        };
        let Timing { rows, columns } = write.timing;
        let reads = || self.reads.iter().filter(|read| read.value == input);
        let mut lead = 0;
        let points = rows.count as usize * columns.count as usize;
        crate::effort::spend(points * reads().count());
        for row in 0..rows.count {
            for column in 0..columns.count {
                let point = (
                    row * rows.stride + rows.delay,
                    column * columns.stride + columns.delay,
                );
                let live = reads().filter_map(|read| read.first_live(point, write.stage));
                let Some(live) = live.min() else { continue };
                let stored = (row * columns.count + column + 1) * output_channels;
                lead = lead.max(stored.saturating_sub(live * input_channels));
            }
        }
        lead
    }
}

/// Of one axis of a value: how many of its rows (or columns) are there.
fn before(timing: AxisTiming, point: u32) -> u32 {
    let since = point.saturating_sub(timing.delay);
    since.div_ceil(timing.stride).min(timing.count)
}

impl Read {
    /// The least and the most pixels from one of the field to the one that is
    /// written next, over all reads; `None` of a value that is stored whole.
    /// `first_of` says which row or column of the map an output's field counts from.
    fn distance(&self, first_of: fn(&Self, u32, Along) -> i64) -> Option<(i64, i64)> {
        let written = self.written?;
        let columns = |in_row: bool| {
            let distances = (0..self.timing.columns.count).map(|output| {
                let AxisTiming { delay, stride, .. } = self.timing.columns;
                let point = output * stride + delay;
                let there = if in_row {
                    // At this point, the value's own pixel is there already.
                    before(written.columns, point + 1)
                } else {
                    0
                };
                i64::from(there) - first_of(self, output, Along::Columns)
            });
            bounds(distances)
        };
        let (in_row, between_rows) = (columns(true)?, columns(false)?);
        let rows = (0..self.timing.rows.count).flat_map(|output| {
            let AxisTiming { delay, stride, .. } = self.timing.rows;
            let point = output * stride + delay;
            let there = i64::from(before(written.rows, point));
            let row = (there - first_of(self, output, Along::Rows)) * i64::from(self.width);
            let (least, most) = match written.rows.at(point) {
                Some(_) => in_row,
                None => between_rows,
            };
            [row + least, row + most]
        });
        bounds(rows)
    }

    fn axis(&self, along: Along) -> (u32, u32) {
        match along {
            Along::Rows => (self.field.stride.rows, self.field.top),
            Along::Columns => (self.field.stride.columns, self.field.left),
        }
    }

    /// Where a field begins, which may be before the map.
    fn first_of_field(&self, output: u32, along: Along) -> i64 {
        let (stride, before) = self.axis(along);
        i64::from(output * stride) - i64::from(before)
    }

    /// The first row or column of the map that a field reads.
    fn first_inside(&self, output: u32, along: Along) -> i64 {
        i64::from(match along {
            Along::Rows => self.field.rows(output).first,
            Along::Columns => self.field.columns(output).first,
        })
    }

    /// The first pixel, row by row, that is read after what a stage does at a point.
    fn first_live(&self, (row, column): (u32, u32), stage: usize) -> Option<u32> {
        let Timing { rows, columns } = self.timing;
        let first = |output_row: u32, output_column: u32| {
            self.field.rows(output_row).first * self.width + self.field.columns(output_column).first
        };
        let from_column = column + u32::from(self.stage <= stage);
        let next_column = before(columns, from_column);
        let in_row = rows
            .at(row)
            .filter(|_| next_column < columns.count)
            .map(|output| first(output, next_column));
        let next_row = before(rows, row + 1);
        let later = (next_row < rows.count).then(|| first(next_row, 0));
        in_row.into_iter().chain(later).min()
    }
}

#[derive(Clone, Copy)]
enum Along {
    Rows,
    Columns,
}

fn bounds(values: impl Iterator<Item = i64>) -> Option<(i64, i64)> {
    values.fold(None, |bounds, value| match bounds {
        None => Some((value, value)),
        Some((least, most)) => Some((value.min(least), value.max(most))),
    })
}
