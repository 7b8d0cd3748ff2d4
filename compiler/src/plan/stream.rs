//! Layers that are computed as their input arrives: what each one keeps.
//!
//! A pixel that arrives is pushed through as many layers as it can go. A
//! convolution keeps the pixels that some later output still reads, in a ring in
//! the order of their arrival; a pooling keeps what it has of the windows that
//! are not complete; a layer whose outputs are sums to be returned, or to which
//! every input adds, keeps the sums. Nothing is computed twice, and what nobody
//! reads is not computed at all: a pooling that drops the last row or column
//! makes all layers before it smaller.

use super::SumBytes;
use crate::network::{Kernel, Kind, Network, Node, NodeId, Pool, PoolFunction, Shape};

/// A streamed layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// The layer.
    pub layer: NodeId,
    /// What of its input is read: rows and columns from the first one on.
    pub input: Shape,
    /// What of its output is.
    pub output: Shape,
    /// How the pixels of its input arrive.
    pub arrival: Arrival,
    /// What it keeps of its outputs.
    pub keeps: Keeps,
    /// Which of the cursor's positions says where its ring goes on, where that
    /// holds several pixels.
    pub ring_position: Option<u32>,
    /// Which of them says how far its sums are: of a dense layer, how many of its
    /// inputs were added; of another layer, how many of its outputs are there.
    pub sums_position: Option<u32>,
}

impl Stage {
    /// Cells of its ring and of what it keeps.
    pub fn cells(&self, cells_per_byte: u32) -> u32 {
        let arrived = match self.arrival {
            Arrival::Ring(ring) => ring.cells(),
            Arrival::Bytes | Arrival::Window | Arrival::Values => 0,
        };
        let kept = match self.keeps {
            Keeps::Nothing => 0,
            Keeps::Windows(windows) => windows.cells(),
            Keeps::Sums(sums) => sums.bytes() * cells_per_byte,
        };
        arrived + kept
    }
}

/// How the pixels of a streamed layer's input arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// As bytes of the raw input, which a leading `A` adds up.
    Bytes,
    /// In a ring, the newest over the oldest.
    Ring(Ring),
    /// Where the pooling before it keeps the window that is complete.
    Window,
    /// Value by value as they are computed: a pooling takes them in at once.
    Values,
}

/// The newest pixels of a map, in the order of their arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ring {
    /// Its first cell, which begins a byte.
    pub first_cell: u32,
    /// Pixels that it holds. They end with a byte where they go around: then
    /// every other pixel of an odd count of nibbles begins in the middle of a
    /// byte, whichever is the oldest.
    pub pixels: u32,
    /// Cells of a pixel.
    pub channels: u32,
}

impl Ring {
    /// Cells of all of it.
    pub fn cells(self) -> u32 {
        self.pixels * self.channels
    }
}

/// What a streamed layer keeps of outputs that are not yet complete, or that are
/// to be returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeps {
    /// Nothing: an output is complete when it is computed.
    Nothing,
    /// Windows: the largest value or the sum of each channel so far.
    Windows(Windows),
    /// Sums of a whole map: of a dense layer, to which each of its inputs adds;
    /// of another last layer, its results.
    Sums(Sums),
}

/// The windows of a pooling that are begun and not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// The first one's first cell, which begins a byte.
    pub first_cell: u32,
    /// How many at most: a row of them, or one where each is a single row.
    pub count: u32,
    /// Values of each.
    pub channels: u32,
    /// Cells of a value: the largest of them has one, a sum a whole byte or two.
    pub cells_per_value: u32,
    /// Cells of a byte: a window begins at one.
    pub cells_per_byte: u32,
}

impl Windows {
    /// Cells of a window.
    pub fn window_cells(self) -> u32 {
        let cells = self.channels * self.cells_per_value;
        cells.next_multiple_of(self.cells_per_byte)
    }

    /// Cells from a column's window to that of the next one, which may lie in the
    /// same place.
    pub fn column_cells(self) -> u32 {
        if self.count == 1 {
            0
        } else {
            self.window_cells()
        }
    }

    /// Cells of all.
    pub fn cells(self) -> u32 {
        self.count * self.window_cells()
    }
}

/// Sums, least byte first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sums {
    /// The first one's first byte in the arena.
    pub first_byte: u32,
    /// How many.
    pub count: u32,
    /// Bytes of each.
    pub bytes_each: u32,
}

impl Sums {
    /// Bytes of all.
    pub fn bytes(self) -> u32 {
        self.count * self.bytes_each
    }
}

/// All streamed layers, laid out from byte 0 on.
pub(super) struct Stream {
    pub(super) stages: Vec<Stage>,
    pub(super) bytes: u32,
    /// Positions of the cursor that the stages need.
    pub(super) positions: u32,
    cells_per_byte: u32,
}

impl Stream {
    /// Of the first `count` layers that compute something.
    pub(super) fn new(network: &Network, count: usize, sum_bytes: &SumBytes) -> Self {
        let layers: Vec<&Node> = network.computing_nodes().take(count).collect();
        let used = used_shapes(&layers);
        let mut stream = Self {
            stages: Vec::new(),
            bytes: 0,
            positions: 0,
            cells_per_byte: 8 / network.bits().activations,
        };
        for (index, layer) in layers.iter().enumerate() {
            let (input, output) = used[index];
            let before = index.checked_sub(1).map(|index| layers[index]);
            let exact = network.is_exact(layer.id);
            let arrival = stream.arrival(layer, before, input);
            let window = layer.field().kernel;
            let keeps = match layer.kind {
                Kind::Pool(Pool {
                    function: PoolFunction::Average,
                    ..
                }) if arrival == Arrival::Bytes => {
                    stream.windows(output, window, 2 * stream.cells_per_byte)
                }
                // 16 values of 4 bits fit a byte, 16 of 8 bits two.
                Kind::Pool(Pool {
                    function: PoolFunction::Average,
                    ..
                }) => stream.windows(output, window, 2),
                Kind::Pool(Pool {
                    function: PoolFunction::Maximum,
                    ..
                }) => stream.windows(output, window, 1),
                Kind::Dense(_) => stream.sums(output, sum_bytes.of(layer.id)),
                _ if exact => stream.sums(output, sum_bytes.of(layer.id)),
                _ => Keeps::Nothing,
            };
            let several = match arrival {
                Arrival::Ring(ring) => ring.pixels > 1,
                Arrival::Bytes | Arrival::Window | Arrival::Values => false,
            };
            let ring_position = stream.position_if(several);
            let sums_move = match (layer.kind, keeps) {
                (Kind::Dense(_), _) => input.pixels() > 1,
                (_, Keeps::Sums(_)) => output.pixels() > 1,
                _ => false,
            };
            let sums_position = stream.position_if(sums_move);
            stream.stages.push(Stage {
                layer: layer.id,
                input,
                output,
                arrival,
                keeps,
                ring_position,
                sums_position,
            });
        }
        stream
    }

    /// The layer that keeps the most, the first of equals.
    pub(super) fn largest(&self) -> Option<NodeId> {
        let bytes = |stage: &&Stage| std::cmp::Reverse(stage.cells(self.cells_per_byte));
        self.stages
            .iter()
            .min_by_key(bytes)
            .map(|stage| stage.layer)
    }

    /// The same from another byte on.
    pub(super) fn placed_at(&self, first_byte: u32) -> Vec<Stage> {
        let first_cell = first_byte * self.cells_per_byte;
        let mut stages = self.stages.clone();
        for stage in &mut stages {
            if let Arrival::Ring(ring) = &mut stage.arrival {
                ring.first_cell += first_cell;
            }
            match &mut stage.keeps {
                Keeps::Nothing => {}
                Keeps::Windows(windows) => windows.first_cell += first_cell,
                Keeps::Sums(sums) => sums.first_byte += first_byte,
            }
        }
        stages
    }

    fn arrival(&mut self, layer: &Node, before: Option<&Node>, input: Shape) -> Arrival {
        let pools = |layer: &Node| matches!(layer.kind, Kind::Pool(_));
        let taps = match layer.kind {
            Kind::Pool(Pool {
                function: PoolFunction::Average,
                ..
            }) if before.is_none() => return Arrival::Bytes,
            Kind::Convolution(_) | Kind::Separable(_) => layer.field().kernel,
            _ => Kernel::square(1),
        };
        // A leading `A` keeps sums of bytes, and hands its averages on.
        let completes_windows = self.stages.last().is_some_and(|before| {
            matches!(before.keeps, Keeps::Windows(_)) && before.arrival != Arrival::Bytes
        });
        match before {
            _ if taps.taps() > 1 => {}
            Some(_) if completes_windows => return Arrival::Window,
            Some(before) if pools(layer) && !pools(before) => return Arrival::Values,
            _ => {}
        }
        let channels = input.channels;
        let pixels = live_pixels(taps, input, channels, self.cells_per_byte);
        let cells = pixels * channels;
        Arrival::Ring(Ring {
            first_cell: self.take(cells.div_ceil(self.cells_per_byte)) * self.cells_per_byte,
            pixels,
            channels,
        })
    }

    fn windows(&mut self, output: Shape, window: Kernel, cells_per_value: u32) -> Keeps {
        let mut windows = Windows {
            first_cell: 0,
            count: if window.height == 1 { 1 } else { output.width },
            channels: output.channels,
            cells_per_value,
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
}

/// Pixels from the oldest that the newest output reads to the newest: the
/// kernel's last row, and a row of the map for each of the others.
fn live_pixels(kernel: Kernel, input: Shape, channels: u32, cells_per_byte: u32) -> u32 {
    let live = (kernel.height - 1) * input.width + kernel.width;
    let goes_around = live > 1 && live < input.pixels();
    if goes_around {
        // Two pixels of whatever count of nibbles end with a byte.
        let mut pixels = live;
        while !(pixels * channels).is_multiple_of(cells_per_byte) {
            pixels += 1;
        }
        pixels
    } else {
        live
    }
}

/// By layer, what of its input and of its output is read.
fn used_shapes(layers: &[&Node]) -> Vec<(Shape, Shape)> {
    let mut shapes = Vec::with_capacity(layers.len());
    let mut output = layers.last().map(|layer| layer.output);
    for layer in layers.iter().rev() {
        let used = output.unwrap_or(layer.output);
        let used_map = layer.field().used_map(Kernel {
            height: used.height,
            width: used.width,
        });
        let input = Shape {
            height: used_map.height,
            width: used_map.width,
            ..layer.input
        };
        shapes.push((input, used));
        output = Some(input);
    }
    shapes.reverse();
    shapes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_holds_what_the_next_output_reads_and_ends_with_a_byte() {
        let pixels = |kernel, width, channels| {
            live_pixels(kernel, Shape::new(9, width, channels), channels, 2)
        };
        assert_eq!(pixels(Kernel::square(3), 10, 8), 23);
        assert_eq!(pixels(Kernel::square(3), 12, 5), 28);
        assert_eq!(pixels(Kernel::square(1), 12, 5), 1);
        let row = Kernel {
            height: 1,
            width: 5,
        };
        assert_eq!(pixels(row, 12, 2), 5);
        // The whole map: it never goes around.
        assert_eq!(live_pixels(Kernel::square(3), Shape::new(3, 3, 5), 5, 2), 9);
    }
}
