//! Runs a segment without values: which pixels are there when a stage reads.

use super::draft::{Outline, field_of_read};
use super::timing::Timing;
use crate::network::{Kernel, NodeId, ReceptiveField, Shape, ValueId};
use std::collections::BTreeMap;

/// How a node of a segment reads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader {
    pub(super) node: NodeId,
    /// Whether it is the leading `A`.
    pub(super) averages_bytes: bool,
    /// Whether it takes its input in pixel by pixel.
    pub(super) takes: bool,
    /// When the pixels of its input are there.
    pub(super) input_timing: Timing,
}

/// What a run of a segment has shown.
#[derive(Clone, Debug, Default)]
pub(super) struct Simulation {
    /// By reader and its input: pixels from the field's first one to the one that is
    /// written next, where that is always the same.
    lags: BTreeMap<(NodeId, usize), Option<u32>>,
    /// By value: the most pixels from the oldest that is read to the newest.
    live: BTreeMap<ValueId, u32>,
    /// By value that is stored whole: the last event that reads each pixel, row by
    /// row.
    last_reads: BTreeMap<ValueId, Vec<Option<u32>>>,
    /// By value that is stored whole: the event that writes each pixel, in order.
    writes: BTreeMap<ValueId, Vec<u32>>,
    events: u32,
}

impl Simulation {
    pub(super) fn run(
        outline: &Outline<'_>,
        used: &BTreeMap<ValueId, Shape>,
        timings: &BTreeMap<ValueId, Timing>,
        readers: &[Reader],
        grid: Kernel,
    ) -> Self {
        let mut run = Run {
            outline,
            used,
            written: BTreeMap::new(),
            result: Self::default(),
        };
        let input = outline.network.input_value();
        let arriving = timings.get(&input).copied().filter(|_| outline.arriving);
        for row in 0..grid.height {
            for column in 0..grid.width {
                let point = (row, column);
                if arriving.is_some_and(|timing| timing.at(point).is_some()) {
                    run.write(input);
                }
                for reader in readers {
                    run.stage(reader, timings, point);
                }
            }
        }
        run.result
    }

    /// Pixels from the first of the field that a node reads of its `index`-th input
    /// to the one that is written next, where that is always the same.
    pub(super) fn lag(&self, node: NodeId, index: usize) -> Option<u32> {
        self.lags.get(&(node, index)).copied().flatten()
    }

    /// The most pixels of a value that are alive at once.
    pub(super) fn live_pixels(&self, value: ValueId) -> u32 {
        self.live.get(&value).copied().unwrap_or(1).max(1)
    }

    /// Cells by which the first pixel of `output`, stored whole, must come before
    /// the first one of `input`, stored whole, so that no pixel is overwritten that
    /// is read later.
    pub(super) fn lead_cells(
        &self,
        (input, input_channels): (ValueId, u32),
        (output, output_channels): (ValueId, u32),
    ) -> u32 {
        let Some(writes) = self.writes.get(&output) else {
            return 0;
        };
        let none = Vec::new();
        let last_reads = self.last_reads.get(&input).unwrap_or(&none);
        // The first pixel that some event after it still reads, by event.
        let mut first_live = vec![u32::MAX; self.events as usize + 1];
        for (pixel, last_read) in (0..).zip(last_reads) {
            if let Some(event) = last_read {
                let slot = &mut first_live[*event as usize];
                *slot = pixel.min(*slot);
            }
        }
        for event in (0..self.events as usize).rev() {
            first_live[event] = first_live[event].min(first_live[event + 1]);
        }
        (0..)
            .zip(writes)
            .filter_map(|(index, &event): (u32, _)| {
                let live = first_live[event as usize + 1];
                let stored = (index + 1) * output_channels;
                (live != u32::MAX).then(|| stored.saturating_sub(live * input_channels))
            })
            .max()
            .unwrap_or(0)
    }
}

struct Run<'a> {
    outline: &'a Outline<'a>,
    used: &'a BTreeMap<ValueId, Shape>,
    /// Pixels of every value so far.
    written: BTreeMap<ValueId, u32>,
    result: Simulation,
}

impl Run<'_> {
    fn write(&mut self, value: ValueId) {
        *self.written.entry(value).or_default() += 1;
        if self.outline.is_stored(value) {
            let event = self.result.events;
            self.result.writes.entry(value).or_default().push(event);
        }
    }

    fn stage(&mut self, reader: &Reader, timings: &BTreeMap<ValueId, Timing>, point: (u32, u32)) {
        let network = self.outline.network;
        let node = network.node(reader.node);
        let mut runs = false;
        if reader.takes
            && let Some(pixel) = reader.input_timing.at(point)
        {
            let shape = self.shape_of(node.reads[0]);
            self.read((reader.node, 0), &ReceptiveField::pixelwise(shape), pixel);
            runs = true;
        }
        if let Some(output) = timings[&node.writes].at(point) {
            let first = usize::from(reader.takes || reader.averages_bytes);
            for index in first..node.reads.len() {
                let field = field_of_read(node, index, network.value(node.reads[index]).shape);
                self.read((reader.node, index), &field, output);
            }
            self.write(node.writes);
            runs = true;
        }
        self.result.events += u32::from(runs);
    }

    /// The shape that a value is stored in, or passes in.
    fn shape_of(&self, value: ValueId) -> Shape {
        let whole = !self.outline.makes(value) || self.outline.is_stored(value);
        if whole {
            self.outline.network.value(value).shape
        } else {
            self.used[&value]
        }
    }

    fn read(&mut self, (node, index): (NodeId, usize), field: &ReceptiveField, output: (u32, u32)) {
        let value = self.outline.network.node(node).reads[index];
        let shape = self.shape_of(value);
        let width = i64::from(shape.width);
        let (rows, columns) = (field.rows(output.0), field.columns(output.1));
        if !self.outline.makes(value) || self.outline.is_stored(value) {
            let event = self.result.events;
            let reads = self.result.last_reads.entry(value);
            let reads = reads.or_insert_with(|| vec![None; shape.pixels() as usize]);
            for (row, column) in field.pixels(output) {
                reads[(row * shape.width + column) as usize] = Some(event);
            }
            return;
        }
        let written = i64::from(self.written.get(&value).copied().unwrap_or(0));
        let oldest = i64::from(rows.first) * width + i64::from(columns.first);
        let live = self.result.live.entry(value).or_default();
        *live = (written - oldest).max(i64::from(*live)) as u32;
        let first = |output: u32, stride: u32, before: u32| {
            i64::from(output) * i64::from(stride) - i64::from(before)
        };
        let first = first(output.0, field.stride.rows, field.top) * width
            + first(output.1, field.stride.columns, field.left);
        let lag = u32::try_from(written - first).ok();
        let known = self.result.lags.entry((node, index)).or_insert(lag);
        if *known != lag {
            *known = None;
        }
    }
}
