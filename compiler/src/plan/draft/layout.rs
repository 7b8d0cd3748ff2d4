//! Where everything that a segment keeps is, from byte 0 on.

use super::SegmentOutline;
use super::outline::field_of_read;
use crate::network::{Kernel, PoolFunction, ReceptiveField, Shape, ValueId};
use crate::plan::FlowNode;
use crate::plan::place::{Place, Ring, SumArray, Windows};
use crate::plan::rings::{Rings, RowsOfRing, RowsRead};
use crate::plan::segment::{Arrival, Keeps, MapReading, Moves, RingReading, Sink, StagePlan};
use crate::plan::simulation::{NodeReading, Simulation};
use crate::plan::timing::Timing;
use std::collections::BTreeMap;

/// Lays values out one after the other.
pub(super) struct SegmentLayout<'a> {
    outline: &'a SegmentOutline<'a>,
    used: &'a BTreeMap<ValueId, Shape>,
    rings: BTreeMap<ValueId, Ring>,
    /// Where the values are, but for whole ones.
    pub(super) places: Vec<(ValueId, Place)>,
    pub(super) bytes: u32,
    /// Positions of the cursor that were given.
    pub(super) positions: u32,
    pub(super) cells_per_byte: u32,
}

impl<'a> SegmentLayout<'a> {
    pub(super) fn new(outline: &'a SegmentOutline<'a>, used: &'a BTreeMap<ValueId, Shape>) -> Self {
        Self {
            outline,
            used,
            rings: BTreeMap::new(),
            places: Vec::new(),
            bytes: 0,
            positions: 0,
            cells_per_byte: 8 / outline.flow.activation_bits(),
        }
    }

    /// A node's stage, `before` being those of earlier nodes; its sink comes later.
    pub(super) fn stage(
        &mut self,
        node: &FlowNode,
        reader: &NodeReading,
        timings: &BTreeMap<ValueId, Timing>,
        simulation: &Simulation,
        before: &[StagePlan],
    ) -> StagePlan {
        let flow = self.outline.flow;
        let (input, output) = (self.used[&node.reads[0]], self.used[&node.writes]);
        let arrival = self.arrival(node, reader, timings, simulation, before);
        let joined: Vec<Arrival> = (1..node.reads.len())
            .map(|index| self.stored((node, index), timings, simulation))
            .collect();
        let exact = flow.is_exact(node.id);
        let field = node.field();
        let values = field.kernel.taps();
        let keeps = if reader.averages_bytes {
            self.windows(output, &field, bytes_of_sum(values, 8).max(2))
        } else if let (true, Some(function)) = (reader.takes, node.pools()) {
            match function {
                PoolFunction::Average => {
                    let bytes = bytes_of_sum(values, flow.activation_bits());
                    self.windows(output, &field, bytes)
                }
                PoolFunction::Maximum => self.windows(output, &field, 0),
            }
        } else if let Some(steps) = node.steps() {
            Keeps::States(self.array(steps.states, 2))
        } else if reader.takes || exact {
            let count = output.pixels() * node.values;
            Keeps::Sums(self.array(count, self.outline.sum_bytes.of(node.id)))
        } else {
            Keeps::Nothing
        };
        let sums_move = match keeps {
            Keeps::Sums(_) if reader.takes => input.pixels() > 1,
            Keeps::Sums(_) => output.pixels() > 1,
            Keeps::Nothing | Keeps::Windows(_) | Keeps::States(_) => false,
        };
        let sums_position = self.position_if(sums_move);
        StagePlan {
            node: node.id,
            input,
            output,
            takes: reader.takes,
            input_timing: reader.input_timing,
            timing: timings[&node.writes],
            arrival,
            joined,
            keeps,
            sums_position,
            sink: Sink::Stays,
        }
    }

    fn arrival(
        &mut self,
        node: &FlowNode,
        reader: &NodeReading,
        timings: &BTreeMap<ValueId, Timing>,
        simulation: &Simulation,
        before: &[StagePlan],
    ) -> Arrival {
        if reader.averages_bytes {
            return Arrival::Bytes;
        }
        let value = node.reads[0];
        let is_only_reader = self.outline.readers(value).count() == 1
            && node.reads.iter().filter(|&&read| read == value).count() == 1
            && !self.outline.is_stored(value);
        let maker = before
            .iter()
            .find(|stage| self.outline.flow.node(stage.node).writes == value);
        let single_pixel = node.field().kernel.taps() == 1 && !node.field().is_padded();
        if let (true, Some(maker)) = (is_only_reader, maker) {
            let maker_pools = self.outline.flow.node(maker.node).pools().is_some();
            // A leading `A` keeps sums of bytes, and hands its averages on.
            // The windows of a row that is taken in at once may all be in one place.
            if node.steps().is_none()
                && (reader.takes || single_pixel)
                && maker.arrival != Arrival::Bytes
                && let Keeps::Windows(windows) = maker.keeps
                && (reader.takes || timings[&node.writes] == maker.timing)
            {
                return Arrival::Window(windows);
            }
            if reader.takes && node.pools().is_some() && !maker_pools {
                return Arrival::Values;
            }
        }
        self.stored((node, 0), timings, simulation)
    }

    /// How a node finds an input that is stored.
    fn stored(
        &mut self,
        (node, index): (&FlowNode, usize),
        timings: &BTreeMap<ValueId, Timing>,
        simulation: &Simulation,
    ) -> Arrival {
        let value = node.reads[index];
        let outline = self.outline;
        if !outline.makes(value) || outline.is_stored(value) {
            // Positions of its own come when those of all rings are given.
            return Arrival::Map(MapReading {
                value,
                position: u32::MAX,
                before: 0,
                moves: Moves { column: 0, row: 0 },
            });
        }
        let ring = self.ring(value, timings, simulation);
        let lag = simulation.lag(node.id, index);
        let ahead = |lag: u32| (ring.pixels - lag % ring.pixels) % ring.pixels;
        Arrival::Ring(RingReading {
            ring,
            position: ring.position.map(|position| match lag {
                Some(_) => position,
                None => u32::MAX,
            }),
            ahead: lag.map_or(0, ahead),
            moves: None,
        })
    }

    /// Whether a field over that value reaches beyond it.
    fn is_padded_somewhere(&self, value: ValueId) -> bool {
        let mut readers = self.outline.readers(value);
        readers.any(|node| node.reads[0] == value && node.field().is_padded())
    }

    /// Whether code computes a row of outputs at once.
    fn computes_rows(&self) -> bool {
        let SegmentOutline { flow, arriving, .. } = *self.outline;
        let by_rows = match flow.rings() {
            Rings::Rows => true,
            Rings::Pixels => false,
        };
        by_rows && arriving && !flow.is_endless()
    }

    /// Rows of that value that its readers need at once.
    fn rows_of_readers(&self, value: ValueId, timings: &BTreeMap<ValueId, Timing>) -> u32 {
        let arrives_byte_by_byte = self.arrives_byte_by_byte(value);
        let Some(timing) = timings.get(&value) else {
            return 1;
        };
        let readers = self.outline.readers(value).flat_map(|node| {
            let reads = node.reads.iter().enumerate();
            let reads = reads.filter(|&(_, &read)| read == value);
            reads.map(move |(index, _)| (node, index))
        });
        let rows = readers.map(|(node, index)| {
            // It takes each row when that is there.
            if index == 0 && node.takes_pixels() {
                return 1;
            }
            let field = field_of_read(node, index, self.used[&value]);
            let rows = (field.kernel.height, field.top);
            let lead = timing.rows.lead(timings[&node.writes].rows, rows);
            RowsRead::of(field.kernel.height, lead, arrives_byte_by_byte).rows()
        });
        rows.max().unwrap_or(1)
    }

    /// Whether the intake makes that value.
    fn arrives_byte_by_byte(&self, value: ValueId) -> bool {
        let flow = self.outline.flow;
        let maker = self.outline.nodes().find(|node| node.writes == value);
        maker.is_none_or(|maker| flow.averages_raw_input(maker.id))
    }

    /// The ring of a value, as large as the reader that goes back the furthest needs.
    fn ring(
        &mut self,
        value: ValueId,
        timings: &BTreeMap<ValueId, Timing>,
        simulation: &Simulation,
    ) -> Ring {
        if let Some(&ring) = self.rings.get(&value) {
            return ring;
        }
        let shape = self.used[&value];
        let channels = shape.channels;
        let live = simulation.live_pixels(value);
        // A padded field may begin before the first pixel of a ring that holds the map.
        let goes_around = live < shape.pixels()
            || self.is_padded_somewhere(value)
            || self.outline.flow.is_endless();
        let mut pixels = ring_pixels(live, goes_around, channels, self.cells_per_byte);
        if self.computes_rows() {
            let rows = RowsOfRing {
                map: shape,
                rows: self.rows_of_readers(value, timings),
            };
            pixels = rows.pixels(pixels, self.cells_per_byte);
        }
        let cells = pixels * channels;
        let first_byte = self.take(cells.div_ceil(self.cells_per_byte));
        let ring = Ring {
            first_cell: first_byte * self.cells_per_byte,
            pixels,
            channels,
            position: self.position_if(pixels > 1),
        };
        self.rings.insert(value, ring);
        self.places.push((value, Place::Ring(ring)));
        ring
    }

    /// `bytes_each` is 0 where a value takes a cell.
    fn windows(&mut self, output: Shape, field: &ReceptiveField, bytes_each: u32) -> Keeps {
        let Kernel { height, width } = field.kernel;
        let bands = height.div_ceil(field.stride.rows).min(output.height).max(1);
        let columns_overlap = width > field.stride.columns;
        let count = if height == 1 && !columns_overlap && !self.computes_rows() {
            1
        } else {
            output.width * bands
        };
        let mut windows = Windows {
            first_cell: 0,
            count,
            bands,
            channels: output.channels,
            cells_per_value: match bytes_each {
                0 => 1,
                bytes => bytes * self.cells_per_byte,
            },
            cells_per_byte: self.cells_per_byte,
        };
        let first_byte = self.take(windows.cells() / self.cells_per_byte);
        windows.first_cell = first_byte * self.cells_per_byte;
        Keeps::Windows(windows)
    }

    fn array(&mut self, count: u32, bytes_each: u32) -> SumArray {
        SumArray {
            first_byte: self.take(count * bytes_each),
            count,
            bytes_each,
        }
    }

    fn position_if(&mut self, wanted: bool) -> Option<u32> {
        wanted.then(|| {
            self.positions += 1;
            self.positions - 1
        })
    }

    /// The first of that many bytes.
    fn take(&mut self, bytes: u32) -> u32 {
        let first_byte = self.bytes;
        self.bytes += bytes;
        first_byte
    }

    /// Positions of readers that do not follow a ring's own.
    pub(super) fn own_positions(
        &mut self,
        stages: &mut [StagePlan],
        simulation: &Simulation,
        readers: &[NodeReading],
    ) {
        for (stage, reader) in stages.iter_mut().zip(readers) {
            let node = self.outline.flow.node(stage.node);
            let arrivals = [&mut stage.arrival].into_iter().chain(&mut stage.joined);
            for (index, arrival) in arrivals.enumerate() {
                let width = match arrival {
                    Arrival::Map(_) => self.outline.flow.value(node.reads[index]).shape.width,
                    Arrival::Bytes | Arrival::Ring(_) | Arrival::Window(_) | Arrival::Values => {
                        self.used[&node.reads[index]].width
                    }
                };
                let field = if reader.takes && index == 0 {
                    node.taken(self.used[&node.reads[0]])
                } else {
                    field_of_read(
                        node,
                        index,
                        self.outline.flow.value(node.reads[index]).shape,
                    )
                };
                let columns = if reader.takes && index == 0 {
                    stage.input_timing.columns.count
                } else {
                    stage.output.width
                };
                let column = field.stride.columns;
                // To the next row's first output: back, where fields are wider apart in
                // a row than rows are.
                let row = i64::from(field.stride.rows * width) - i64::from((columns - 1) * column);
                let before = field.top * width + field.left;
                match arrival {
                    Arrival::Map(reading) => {
                        reading.position = self.positions;
                        reading.before = before;
                        reading.moves = Moves {
                            column,
                            row: row as u32,
                        };
                        self.positions += 1;
                    }
                    Arrival::Ring(reading)
                        if reading.position.is_some()
                            && simulation.lag(node.id, index).is_none() =>
                    {
                        let pixels = reading.ring.pixels;
                        reading.position = Some(self.positions);
                        reading.ahead = (pixels - before % pixels) % pixels;
                        reading.moves = Some(Moves {
                            column: column % pixels,
                            row: row.rem_euclid(pixels.into()) as u32,
                        });
                        self.positions += 1;
                    }
                    Arrival::Ring(_) | Arrival::Bytes | Arrival::Window(_) | Arrival::Values => {}
                }
            }
        }
    }

    /// Where every output goes; gives where the intake's pixels do.
    pub(super) fn sinks(&mut self, stages: &mut [StagePlan]) -> Option<Sink> {
        let flow = self.outline.flow;
        for index in 0..stages.len() {
            let value = flow.node(stages[index].node).writes;
            stages[index].sink = if self.outline.is_stored(value) {
                Sink::Map {
                    value,
                    position: self.position_if(stages[index].arrival != Arrival::Bytes),
                }
            } else if let (true, Keeps::Sums(sums)) =
                (flow.is_exact(stages[index].node), stages[index].keeps)
            {
                self.places.push((value, Place::Sums(sums)));
                Sink::Results(sums)
            } else {
                self.sink_of(value, stages)
            };
        }
        let input = flow.input_value();
        if !self.outline.arriving {
            return None;
        }
        match stages.first() {
            Some(first) if first.arrival == Arrival::Bytes => Some(first.sink),
            _ if self.outline.is_stored(input) => Some(Sink::Map {
                value: input,
                position: None,
            }),
            _ => Some(self.sink_of(input, stages)),
        }
    }

    fn sink_of(&mut self, value: ValueId, stages: &[StagePlan]) -> Sink {
        if let Some(&ring) = self.rings.get(&value) {
            return Sink::Ring(ring);
        }
        let flow = self.outline.flow;
        let reader = stages
            .iter()
            .find(|stage| flow.node(stage.node).reads[0] == value);
        match reader.map(|reader| (reader, reader.arrival)) {
            Some((reader, Arrival::Values)) => {
                let node = flow.node(reader.node);
                let windows = reader.windows().expect("a pooling keeps windows");
                self.places.push((value, Place::Nowhere));
                Sink::Windows {
                    windows,
                    window: node.field().kernel,
                    function: node.pools().expect("only a pooling takes values in"),
                }
            }
            Some((_, Arrival::Window(windows))) => {
                self.places.push((value, Place::Windows(windows)));
                Sink::Stays
            }
            _ => unreachable!("what a segment makes is kept for whoever reads it"),
        }
    }
}

/// Pixels of a ring of which that many are alive at once.
fn ring_pixels(live: u32, goes_around: bool, channels: u32, cells_per_byte: u32) -> u32 {
    let mut pixels = live;
    if goes_around && live > 1 {
        // Two pixels of whatever count of nibbles end with a byte.
        while !(pixels * channels).is_multiple_of(cells_per_byte) {
            pixels += 1;
        }
    }
    pixels
}

/// Bytes that hold the sum of that many values, signed or not.
fn bytes_of_sum(values: u32, bits: u32) -> u32 {
    let values = u64::from(values);
    let fits = |width: u32| {
        values * ((1 << bits) - 1) < 1 << width && values << (bits - 1) <= 1 << (width - 1)
    };
    [8, 16].into_iter().find(|&width| fits(width)).unwrap_or(32) / 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_holds_what_the_next_output_reads_and_ends_with_a_byte() {
        let pixels = |side: u32, width, channels| {
            let map = Shape::new(9, width, channels);
            let field = crate::network::Window::valid(Kernel::square(side)).over(map);
            ring_pixels(field.live_pixels(width), true, channels, 2)
        };
        assert_eq!(pixels(3, 10, 8), 23);
        assert_eq!(pixels(3, 12, 5), 28);
        assert_eq!(pixels(1, 12, 5), 1);
        // The whole map: it never goes around.
        assert_eq!(ring_pixels(9, false, 5, 2), 9);
    }
}
