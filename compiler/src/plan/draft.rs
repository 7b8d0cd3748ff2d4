//! From nodes to a segment: what each keeps, and in how many bytes.

use super::SumBytes;
use super::place::{Place, Ring, Sums, Windows};
use super::segment::{Arrival, Keeps, MapReading, Moves, RingReading, Sink, StagePlan};
use super::simulation::{Reader, Simulation};
use super::timing::{AxisTiming, Timing};
use crate::network::{Kernel, Network, Node, NodeId, PoolFunction, ReceptiveField, Shape, ValueId};
use std::collections::BTreeMap;

/// A segment laid out from byte 0 on.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) arriving: bool,
    pub(super) grid: Kernel,
    pub(super) stages: Vec<StagePlan>,
    /// Bytes of all that it keeps beside whole maps.
    pub(super) bytes: u32,
    /// Positions of the cursor that it needs.
    pub(super) positions: u32,
    /// Where the values are that it makes, but for whole ones.
    pub(super) places: Vec<(ValueId, Place)>,
    /// The values that it stores whole.
    pub(super) stores: Vec<ValueId>,
    /// Where the pixels of an arriving input go.
    pub(super) intake: Option<Sink>,
    /// When what it reads and stores whole is used.
    simulation: Simulation,
    cells_per_byte: u32,
}

/// What a segment is made of.
pub(super) struct Outline<'a> {
    pub(super) network: &'a Network,
    pub(super) sum_bytes: &'a SumBytes,
    /// In topological order.
    pub(super) nodes: &'a [NodeId],
    /// Whether it computes as the input arrives.
    pub(super) arriving: bool,
    /// The values that are needed whole when it is done.
    pub(super) stores: Vec<ValueId>,
}

impl<'a> Outline<'a> {
    pub(super) fn nodes(&self) -> impl DoubleEndedIterator<Item = &'a Node> {
        let network = self.network;
        self.nodes.iter().map(move |&id| network.node(id))
    }

    /// Whether a value comes into being while the segment runs.
    pub(super) fn makes(&self, value: ValueId) -> bool {
        let made = self.nodes().any(|node| node.writes == value);
        made || self.arriving && value == self.network.input_value()
    }

    pub(super) fn is_stored(&self, value: ValueId) -> bool {
        self.stores.contains(&value)
    }

    fn readers(&self, value: ValueId) -> impl Iterator<Item = &'a Node> {
        self.nodes().filter(move |node| node.reads.contains(&value))
    }

    /// By value that it makes, what of it is read: rows and columns from the first
    /// one on.
    fn used_shapes(&self) -> BTreeMap<ValueId, Shape> {
        let mut used: BTreeMap<ValueId, Shape> = BTreeMap::new();
        for node in self.nodes().rev() {
            let whole = self.network.value(node.writes).shape;
            let output = match used.get(&node.writes) {
                Some(&used) if !self.is_stored(node.writes) => used,
                _ => whole,
            };
            used.insert(node.writes, output);
            for (index, &value) in node.reads.iter().enumerate() {
                let shape = self.network.value(value).shape;
                let field = field_of_read(node, index, shape);
                let reach = field.used_map(Kernel {
                    height: output.height,
                    width: output.width,
                });
                let before = used.get(&value).copied();
                let before = before.unwrap_or(Shape {
                    height: 0,
                    width: 0,
                    ..shape
                });
                let read = Shape {
                    height: reach.height.max(before.height),
                    width: reach.width.max(before.width),
                    ..shape
                };
                used.insert(value, read);
            }
        }
        used
    }
}

/// What of its `index`-th input a node reads for one output.
pub(super) fn field_of_read(node: &Node, index: usize, shape: Shape) -> ReceptiveField {
    if index == 0 {
        node.field()
    } else {
        ReceptiveField::pixelwise(shape)
    }
}

impl Draft {
    /// Lays a segment out; `None` where its nodes can't be computed together: they
    /// do not hang together, or joins would meet at different strides.
    pub(super) fn new(outline: &Outline<'_>) -> Option<Self> {
        let used = outline.used_shapes();
        let timings = timings(outline, &used)?;
        let grid = timings
            .values()
            .map(|timing| timing.grid())
            .reduce(|a, b| Kernel {
                height: a.height.max(b.height),
                width: a.width.max(b.width),
            })
            .unwrap_or(Kernel::square(1));
        let mut layout = Layout {
            outline,
            used: &used,
            rings: BTreeMap::new(),
            places: Vec::new(),
            bytes: 0,
            positions: 0,
            cells_per_byte: 8 / outline.network.bits().activations,
        };
        let mut stages: Vec<StagePlan> = Vec::new();
        // First how everything is read, without places; then, as the simulation
        // says how much of it is alive, the places.
        let readers = readers(outline, &used, &timings);
        let simulation = Simulation::of(outline, &used, &timings, &readers);
        for (reader, node) in readers.iter().zip(outline.nodes()) {
            let stage = layout.stage(node, reader, &timings, &simulation, &stages);
            stages.push(stage);
        }
        layout.own_positions(&mut stages, &simulation, &readers);
        let sinks = layout.sinks(&mut stages);
        Some(Self {
            arriving: outline.arriving,
            grid,
            stages,
            bytes: layout.bytes,
            positions: layout.positions,
            places: layout.places,
            stores: outline.stores.clone(),
            intake: sinks,
            simulation,
            cells_per_byte: layout.cells_per_byte,
        })
    }

    /// The node that keeps the most, the first of equals.
    pub(super) fn largest(&self) -> Option<NodeId> {
        let cells = |stage: &&StagePlan| std::cmp::Reverse(stage.cells(self.cells_per_byte));
        self.stages.iter().min_by_key(cells).map(|stage| stage.node)
    }

    /// Cells of all that it keeps beside whole maps.
    pub(super) fn cells(&self) -> u32 {
        self.bytes * self.cells_per_byte
    }

    /// Cells by which the first pixel of `output`, which it stores, must come before
    /// the first one of `input`, which it reads.
    pub(super) fn lead_cells(&self, network: &Network, input: ValueId, output: ValueId) -> u32 {
        let channels = |value: ValueId| network.value(value).shape.channels;
        let (input, output) = ((input, channels(input)), (output, channels(output)));
        self.simulation.lead_cells(input, output)
    }

    /// Moves everything to that byte.
    pub(super) fn move_to(&mut self, first_byte: u32) {
        let moved = Moved {
            first_byte,
            first_cell: first_byte * self.cells_per_byte,
        };
        for stage in &mut self.stages {
            moved.arrival(&mut stage.arrival);
            stage
                .joined
                .iter_mut()
                .for_each(|arrival| moved.arrival(arrival));
            match &mut stage.keeps {
                Keeps::Nothing => {}
                Keeps::Windows(windows) => moved.windows(windows),
                Keeps::Sums(sums) => moved.sums(sums),
            }
            moved.sink(&mut stage.sink);
        }
        if let Some(sink) = &mut self.intake {
            moved.sink(sink);
        }
        for (_, place) in &mut self.places {
            match place {
                Place::Nowhere | Place::Whole(_) => {}
                Place::Ring(ring) => moved.ring(ring),
                Place::Windows(windows) => moved.windows(windows),
                Place::Sums(sums) => moved.sums(sums),
            }
        }
    }
}

/// How far everything moves.
struct Moved {
    first_byte: u32,
    first_cell: u32,
}

impl Moved {
    fn ring(&self, ring: &mut Ring) {
        ring.first_cell += self.first_cell;
    }

    fn windows(&self, windows: &mut Windows) {
        windows.first_cell += self.first_cell;
    }

    fn sums(&self, sums: &mut Sums) {
        sums.first_byte += self.first_byte;
    }

    fn arrival(&self, arrival: &mut Arrival) {
        match arrival {
            Arrival::Ring(reading) => self.ring(&mut reading.ring),
            Arrival::Window(windows) => self.windows(windows),
            Arrival::Bytes | Arrival::Values | Arrival::Map(_) => {}
        }
    }

    fn sink(&self, sink: &mut Sink) {
        match sink {
            Sink::Ring(ring) => self.ring(ring),
            Sink::Windows { windows, .. } => self.windows(windows),
            Sink::Results(sums) => self.sums(sums),
            Sink::Stays | Sink::Map { .. } => {}
        }
    }
}

/// When every value that the segment makes is there.
fn timings(
    outline: &Outline<'_>,
    used: &BTreeMap<ValueId, Shape>,
) -> Option<BTreeMap<ValueId, Timing>> {
    let network = outline.network;
    let mut timings: BTreeMap<ValueId, Timing> = BTreeMap::new();
    let input = network.input_value();
    let averaged = outline
        .nodes()
        .any(|node| network.averages_raw_input(node.id));
    if outline.arriving && !averaged {
        let shape = used.get(&input).copied().unwrap_or(network.input());
        let shape = if outline.is_stored(input) {
            network.input()
        } else {
            shape
        };
        timings.insert(input, Timing::each(shape));
    }
    for (index, node) in outline.nodes().enumerate() {
        let output = used[&node.writes];
        let of_reads = node.reads.iter().enumerate().filter_map(|(index, value)| {
            let timing = timings.get(value)?;
            let shape = used[value];
            Some(timing.after(&field_of_read(node, index, shape), output))
        });
        let mut timing: Option<Timing> = None;
        for read in of_reads {
            timing = Some(match timing {
                None => read,
                Some(timing) => timing.later(read)?,
            });
        }
        let is_first = index == 0;
        // Of a running map that is there already, a pixel is taken in at each point.
        let value = node.reads[0];
        let takes_whole = !outline.makes(value) && node.kind.takes_pixels(node.input);
        let taken = takes_whole.then(|| Timing::each(used[&value]).after(&node.field(), output));
        let timing = match (timing, taken) {
            (Some(timing), Some(taken)) => timing.later(taken)?,
            (Some(timing), None) => timing,
            (None, Some(taken)) if is_first && !outline.arriving => taken,
            (None, None) if is_first && (averaged || !outline.arriving) => Timing::each(output),
            (None, _) => return None,
        };
        timings.insert(node.writes, timing);
    }
    Some(timings)
}

/// How each node reads, in the order of nodes.
fn readers(
    outline: &Outline<'_>,
    used: &BTreeMap<ValueId, Shape>,
    timings: &BTreeMap<ValueId, Timing>,
) -> Vec<Reader> {
    let network = outline.network;
    let reader = |node: &Node| {
        let averages_bytes = outline.arriving && network.averages_raw_input(node.id);
        let takes = !averages_bytes && node.kind.takes_pixels(node.input);
        Reader {
            node: node.id,
            averages_bytes,
            takes,
            input_timing: input_timing(node, used, timings),
        }
    };
    outline.nodes().map(reader).collect()
}

/// When the pixels are there that a node reads of the running map; of a whole map, a
/// pixel is there at each point. Others may read more of it.
fn input_timing(
    node: &Node,
    used: &BTreeMap<ValueId, Shape>,
    timings: &BTreeMap<ValueId, Timing>,
) -> Timing {
    let value = node.reads[0];
    let timing = timings.get(&value).copied();
    let timing = timing.unwrap_or_else(|| Timing::each(used[&value]));
    let output = used[&node.writes];
    let reach = node.field().used_map(Kernel {
        height: output.height,
        width: output.width,
    });
    let axis = |axis: AxisTiming, reach: u32| AxisTiming {
        count: axis.count.min(reach),
        ..axis
    };
    Timing {
        rows: axis(timing.rows, reach.height),
        columns: axis(timing.columns, reach.width),
    }
}

/// Lays values out one after the other.
struct Layout<'a> {
    outline: &'a Outline<'a>,
    used: &'a BTreeMap<ValueId, Shape>,
    rings: BTreeMap<ValueId, Ring>,
    places: Vec<(ValueId, Place)>,
    bytes: u32,
    positions: u32,
    cells_per_byte: u32,
}

impl Layout<'_> {
    fn stage(
        &mut self,
        node: &Node,
        reader: &Reader,
        timings: &BTreeMap<ValueId, Timing>,
        simulation: &Simulation,
        before: &[StagePlan],
    ) -> StagePlan {
        let network = self.outline.network;
        let (input, output) = (self.used[&node.reads[0]], self.used[&node.writes]);
        let arrival = self.arrival(node, reader, timings, simulation, before);
        let joined: Vec<Arrival> = (1..node.reads.len())
            .map(|index| self.stored(node, index, simulation))
            .collect();
        let exact = network.is_exact(node.id);
        let field = node.field();
        let values = field.kernel.taps();
        let keeps = if reader.averages_bytes {
            self.windows(output, &field, bytes_of_sum(values, 8).max(2))
        } else if let (true, Some(function)) = (reader.takes, node.kind.pools()) {
            match function {
                PoolFunction::Average => {
                    let bytes = bytes_of_sum(values, network.bits().activations);
                    self.windows(output, &field, bytes)
                }
                PoolFunction::Maximum => self.windows(output, &field, 0),
            }
        } else if reader.takes || exact {
            self.sums(output, self.outline.sum_bytes.of(node.id))
        } else {
            Keeps::Nothing
        };
        let sums_move = match keeps {
            Keeps::Sums(_) if reader.takes => input.pixels() > 1,
            Keeps::Sums(_) => output.pixels() > 1,
            Keeps::Nothing | Keeps::Windows(_) => false,
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
        node: &Node,
        reader: &Reader,
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
            .find(|stage| self.outline.network.node(stage.node).writes == value);
        let single_pixel = node.field().kernel.taps() == 1 && !node.field().is_padded();
        if let (true, Some(maker)) = (is_only_reader, maker) {
            let maker_pools = self.outline.network.node(maker.node).kind.pools().is_some();
            // A leading `A` keeps sums of bytes, and hands its averages on.
            if (reader.takes || single_pixel)
                && maker.arrival != Arrival::Bytes
                && let Keeps::Windows(windows) = maker.keeps
                && (reader.takes || timings[&node.writes] == maker.timing)
            {
                return Arrival::Window(windows);
            }
            if reader.takes && node.kind.pools().is_some() && !maker_pools {
                return Arrival::Values;
            }
        }
        self.stored(node, 0, simulation)
    }

    /// How a node finds an input that is stored.
    fn stored(&mut self, node: &Node, index: usize, simulation: &Simulation) -> Arrival {
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
        let ring = self.ring(value, simulation);
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

    /// The ring of a value, as large as the reader that goes back the furthest needs.
    fn ring(&mut self, value: ValueId, simulation: &Simulation) -> Ring {
        if let Some(&ring) = self.rings.get(&value) {
            return ring;
        }
        let shape = self.used[&value];
        let channels = shape.channels;
        let live = simulation.live_pixels(value);
        // A padded field may begin before the first pixel of a ring that holds the map.
        let goes_around = live < shape.pixels() || self.is_padded_somewhere(value);
        let pixels = ring_pixels(live, goes_around, channels, self.cells_per_byte);
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
        let count = if height == 1 && !columns_overlap {
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

    fn sums(&mut self, output: Shape, bytes_each: u32) -> Keeps {
        let count = output.values();
        Keeps::Sums(Sums {
            first_byte: self.take(count * bytes_each),
            count,
            bytes_each,
        })
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
    fn own_positions(
        &mut self,
        stages: &mut [StagePlan],
        simulation: &Simulation,
        readers: &[Reader],
    ) {
        for (stage, reader) in stages.iter_mut().zip(readers) {
            let node = self.outline.network.node(stage.node);
            let arrivals = [&mut stage.arrival].into_iter().chain(&mut stage.joined);
            for (index, arrival) in arrivals.enumerate() {
                let width = match arrival {
                    Arrival::Map(_) => self.outline.network.value(node.reads[index]).shape.width,
                    _ => self.used[&node.reads[index]].width,
                };
                let field = if reader.takes && index == 0 {
                    ReceptiveField::pixelwise(self.used[&node.reads[0]])
                } else {
                    field_of_read(
                        node,
                        index,
                        self.outline.network.value(node.reads[index]).shape,
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
    fn sinks(&mut self, stages: &mut [StagePlan]) -> Option<Sink> {
        let network = self.outline.network;
        for index in 0..stages.len() {
            let value = network.node(stages[index].node).writes;
            stages[index].sink = if self.outline.is_stored(value) {
                Sink::Map {
                    value,
                    position: self.position_if(stages[index].arrival != Arrival::Bytes),
                }
            } else if let (true, Keeps::Sums(sums)) =
                (network.is_exact(stages[index].node), stages[index].keeps)
            {
                self.places.push((value, Place::Sums(sums)));
                Sink::Results(sums)
            } else {
                self.sink_of(value, stages)
            };
        }
        let input = network.input_value();
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
        let network = self.outline.network;
        let reader = stages
            .iter()
            .find(|stage| network.node(stage.node).reads[0] == value);
        match reader.map(|reader| (reader, reader.arrival)) {
            Some((reader, Arrival::Values)) => {
                let node = network.node(reader.node);
                let windows = reader.windows().expect("a pooling keeps windows");
                self.places.push((value, Place::Nowhere));
                Sink::Windows {
                    windows,
                    window: node.field().kernel,
                    function: node.kind.pools().expect("only a pooling takes values in"),
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
