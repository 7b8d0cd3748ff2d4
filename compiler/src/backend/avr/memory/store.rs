//! Where outputs go: packed into the next map, or to the caller's results.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{Condition, Mode};
use crate::backend::avr::isa::item::Purpose;
use crate::backend::avr::isa::registers::{
    BASE, POSITION, Pointer, R22, R23, Register, Registers, TEMPORARY, X, Z, ZERO,
};
use crate::backend::avr::memory::pack::{ONE, OTHER, Pushed, pack, repeat, unstack};
use crate::backend::avr::memory::position::{by_parity, position_in_network, position_of_cells};
use crate::backend::avr::memory::state::{LoopState, Variable, add_constant};
use crate::backend::avr::memory::window::{Scratch, WindowRow};
use crate::network::PoolFunction;
use crate::plan::{self, Order};
use crate::program::{Map, Program, ResultInteger, Stage, Step};

/// Where a layer's outputs go.
pub(crate) enum OutputSink<'a> {
    /// To a map.
    Map {
        map: &'a Map,
        bits: u32,
        /// Bytes before the arena.
        cursor_bytes: u32,
        by_nibble: bool,
        backward: bool,
        outputs: u32,
    },
    /// To a pixel of a map, whichever [`Variable::Output`] says.
    Pixel {
        bits: u32,
        by_nibble: bool,
        /// The first cell of the map's only pixel, where that is computed in parts.
        first_cell: u32,
        /// Values of a pixel.
        channels: u32,
    },
    /// Into a window of a pooling.
    Windows(WindowRow),
    /// To the caller's array of bytes, as the values of a map are stored.
    ResultBytes { channels: u32, outputs: u32 },
    /// To the caller's array, or where the results are kept.
    Results {
        bytes_each: u32,
        channels: u32,
        outputs: u32,
    },
}

impl<'a> OutputSink<'a> {
    pub(crate) fn of(program: &'a Program, step: &Step) -> Self {
        let outputs = step.output.pixels();
        if !step.stores {
            let channels = step.output.channels;
            return match program.results.integer {
                ResultInteger::Byte => Self::ResultBytes { channels, outputs },
                ResultInteger::Sum(accumulator) => Self::Results {
                    bytes_each: accumulator.bytes(),
                    channels,
                    outputs,
                },
            };
        }
        Self::to_map(program, step, program.map(step.writes))
    }

    /// Of a step that stores its outputs in that map.
    pub(crate) fn to_map(program: &Program, step: &Step, map: &'a Map) -> Self {
        let bits = program.activation_bits;
        Self::Map {
            map,
            bits,
            cursor_bytes: program.cursor_bytes,
            by_nibble: !map.is_byte_aligned(bits),
            backward: step.order == Order::RowMajorBackward,
            outputs: step.output.pixels(),
        }
    }

    /// Of a stage. Only [`Variable::Output`] says where the next pixel goes.
    pub(crate) fn of_stage(program: &'a Program, stage: &Stage) -> Self {
        let channels = stage.plan.output.channels;
        let bits = program.activation_bits;
        match stage.plan.sink {
            // A window of one pixel, which is stored in parts.
            plan::Sink::Windows {
                windows: _,
                window: _,
                function: PoolFunction::Maximum,
            } if stage.operation.is_dense() => Self::Pixel {
                bits,
                by_nibble: false,
                first_cell: 0,
                channels,
            },
            plan::Sink::Windows {
                windows,
                window,
                function,
            } => Self::Windows(WindowRow::of(
                program,
                windows,
                (window, function),
                (stage.plan.output, stage.signed_output),
            )),
            plan::Sink::Results(sums) => Self::Results {
                bytes_each: sums.bytes_each,
                channels,
                outputs: 1,
            },
            plan::Sink::Ring(ring) => Self::Pixel {
                bits,
                by_nibble: bits == 4 && channels % 2 == 1 && ring.pixels > 1,
                first_cell: 0,
                channels,
            },
            plan::Sink::Map { value, position: _ } => {
                let map = program.map(value);
                Self::Pixel {
                    bits,
                    by_nibble: !map.is_byte_aligned(bits),
                    first_cell: map.first_cell,
                    channels,
                }
            }
            plan::Sink::Stays => unreachable!("a pooling has a function of its own"),
        }
    }

    /// Whether activations go there, not sums that are results.
    pub(crate) fn stores_activations(&self) -> bool {
        match self {
            Self::Map { .. } | Self::Pixel { .. } | Self::Windows(_) | Self::ResultBytes { .. } => {
                true
            }
            Self::Results { .. } => false,
        }
    }

    /// Whether it goes on at the arena's first cell somewhere.
    pub(crate) fn wraps(&self) -> bool {
        match self {
            Self::Map { map, outputs, .. } => map.pixels_before_wrap < *outputs,
            Self::Pixel { .. }
            | Self::Windows(_)
            | Self::ResultBytes { .. }
            | Self::Results { .. } => false,
        }
    }

    /// Units between neighbouring outputs.
    fn step(&self) -> i32 {
        match *self {
            Self::Map {
                map,
                bits,
                by_nibble,
                backward,
                ..
            } => {
                let step = position_of_cells(map.shape.channels, bits, by_nibble) as i32;
                if backward { -step } else { step }
            }
            Self::ResultBytes { channels, .. } => channels as i32,
            Self::Results {
                bytes_each,
                channels,
                ..
            } => (bytes_each * channels) as i32,
            Self::Pixel { .. } | Self::Windows(_) => 0,
        }
    }

    /// At the start of a layer, [`POSITION`] being the network's address and
    /// r23:r22 that of the results.
    pub(crate) fn begin(&self, asm: &mut Assembly, state: &LoopState) {
        match *self {
            Self::Map {
                map,
                bits,
                cursor_bytes,
                by_nibble,
                backward,
                ..
            } => {
                asm.movw(Z, POSITION);
                if by_nibble {
                    asm.lsl(Z);
                    asm.rol(Z.next());
                }
                let pixel = if backward { map.shape.pixels() - 1 } else { 0 };
                let cell = map.first_cell + pixel * map.shape.channels;
                let first = position_in_network(cell, bits, by_nibble, cursor_bytes);
                asm.add_to_pair(Z, first as i32);
            }
            Self::ResultBytes { .. } | Self::Results { .. } => asm.movw(Z, R22),
            Self::Pixel { .. } | Self::Windows(_) => {
                unreachable!("a stage's outputs go one here, one there")
            }
        }
        // Not yet: a wrapping ring's counter goes through Z's low half.
        asm.movw(state.register(Variable::Output), Z);
        if let (true, Self::Map { map, .. }) = (self.wraps(), self) {
            let counter = state.register(Variable::UntilWrap);
            asm.ldi_pair(Z, map.pixels_before_wrap as u16);
            asm.movw(counter, Z);
        }
    }

    /// Goes to the next output.
    pub(crate) fn advance(&self, asm: &mut Assembly, state: &LoopState) {
        let outputs = match self {
            Self::Map { outputs, .. }
            | Self::ResultBytes { outputs, .. }
            | Self::Results { outputs, .. } => *outputs,
            Self::Pixel { .. } | Self::Windows(_) => 1,
        };
        if outputs == 1 {
            return;
        }
        let output = state.register(Variable::Output);
        add_constant(asm, output, self.step());
        if !self.wraps() {
            return;
        }
        let counter = state.register(Variable::UntilWrap);
        let same = asm.label();
        asm.ldi(ONE, 1);
        asm.sub(counter, ONE);
        asm.sbc(counter.next(), ZERO);
        asm.branch(Condition::NotEqual, same, 1.0);
        asm.movw(output, BASE);
        if let Self::Map {
            bits,
            cursor_bytes,
            by_nibble,
            ..
        } = *self
        {
            if by_nibble {
                asm.lsl(output);
                asm.rol(output.next());
            }
            let first = position_in_network(0, bits, by_nibble, cursor_bytes);
            add_constant(asm, output, first as i32);
        }
        asm.bind(same);
    }

    /// How activations are packed; `None` of results.
    fn packing(&self) -> Option<Packing> {
        match *self {
            Self::Map {
                map,
                bits,
                by_nibble,
                ..
            } => Some(Packing {
                bits,
                by_nibble,
                first_cell: map.first_cell,
            }),
            Self::Pixel {
                bits,
                by_nibble,
                first_cell,
                channels: _,
            } => Some(Packing {
                bits,
                by_nibble,
                first_cell,
            }),
            Self::ResultBytes { .. } => Some(Packing {
                bits: 8,
                by_nibble: false,
                first_cell: 0,
            }),
            Self::Windows(_) | Self::Results { .. } => None,
        }
    }

    /// Stores a pixel whose values are in registers, which it changes.
    pub(crate) fn store(&self, asm: &mut Assembly, state: &LoopState, values: &[Register]) {
        let changed = Registers::of_pairs([X, Z]).and(values.iter().copied());
        asm.changing(changed, |asm| {
            asm.of(Purpose::Store, |asm| {
                state.fetch(asm, Variable::Output);
                match (self, self.packing()) {
                    (Self::Windows(row), _) => {
                        let scratch = Scratch {
                            kept: ONE,
                            other: OTHER,
                        };
                        asm.of(Purpose::Pool, |asm| row.take(asm, values, scratch));
                    }
                    (_, Some(Packing { bits: 8, .. })) => {
                        for &value in values {
                            asm.store(Pointer::X, Mode::PostIncrement, value);
                        }
                    }
                    (
                        _,
                        Some(Packing {
                            by_nibble: true, ..
                        }),
                    ) => by_parity(asm, &mut |asm, odd| pack(asm, values, odd)),
                    (_, Some(_)) => pack(asm, values, false),
                    (_, None) => unreachable!("results are put"),
                }
            });
        })
    }

    /// The same of values that go two to a byte, every second one being an upper nibble.
    pub(crate) fn store_placed(&self, asm: &mut Assembly, state: &LoopState, values: &[Register]) {
        let changed = Registers::of_pairs([X, Z]).and(values.iter().copied());
        asm.changing(changed, |asm| {
            asm.of(Purpose::Store, |asm| {
                state.fetch(asm, Variable::Output);
                for &[low, high] in values.as_chunks::<2>().0 {
                    asm.or(low, high);
                    asm.store(Pointer::X, Mode::PostIncrement, low);
                }
            });
        })
    }

    /// Stores some values of the map's only pixel, from value `first` on.
    pub(crate) fn store_part(
        &self,
        asm: &mut Assembly,
        state: &LoopState,
        values: &[Register],
        first: usize,
    ) {
        let changed = Registers::of_pairs([X, Z]).and(values.iter().copied());
        asm.changing(changed, |asm| {
            asm.of(Purpose::Store, |asm| {
                state.fetch(asm, Variable::Output);
                let packing = match (self, self.packing()) {
                    (Self::Windows(row), _) => {
                        let scratch = Scratch {
                            kept: ONE,
                            other: OTHER,
                        };
                        asm.add_to_pair(X, (first as u32 * row.value_bytes()) as i32);
                        row.take(asm, values, scratch);
                        return;
                    }
                    (_, Some(packing)) => packing,
                    (_, None) => unreachable!("results are put"),
                };
                let mut cell = first as u32;
                if packing.by_nibble {
                    asm.lsr(X.next());
                    asm.ror(X);
                    cell += packing.first_cell % 2;
                }
                if packing.bits == 8 {
                    asm.add_to_pair(X, cell as i32);
                    for &value in values {
                        asm.store(Pointer::X, Mode::PostIncrement, value);
                    }
                } else {
                    asm.add_to_pair(X, (cell / 2) as i32);
                    pack(asm, values, cell % 2 == 1);
                }
            });
        })
    }

    /// Stores some values of 16 bits of the map's only pixel, which begins a byte, from value `first`
    /// on.
    pub(crate) fn store_wide(
        &self,
        asm: &mut Assembly,
        state: &LoopState,
        values: &[Vec<Register>],
        first: usize,
    ) {
        let changed = Registers::of_pairs([X, Z]);
        asm.changing(changed, |asm| {
            asm.of(Purpose::Store, |asm| {
                state.fetch(asm, Variable::Output);
                asm.add_to_pair(X, 2 * first as i32);
                for &register in values.iter().flat_map(|value| &value[..2]) {
                    asm.store(Pointer::X, Mode::PostIncrement, register);
                }
            });
        })
    }

    /// Whether pixels begin and end at bytes, which hold several values.
    pub(crate) fn is_packed(&self) -> bool {
        match *self {
            Self::Map {
                map,
                bits,
                by_nibble,
                ..
            } => bits == 4 && !by_nibble && map.shape.channels.is_multiple_of(2),
            Self::Pixel {
                bits,
                by_nibble,
                channels,
                ..
            } => bits == 4 && !by_nibble && channels.is_multiple_of(2),
            Self::Windows(_) | Self::ResultBytes { .. } | Self::Results { .. } => false,
        }
    }

    /// Whether pixels begin and end at bytes.
    pub(crate) fn begins_and_ends_at_bytes(&self) -> bool {
        match self.packing() {
            Some(Packing { bits: 8, .. }) => true,
            Some(_) => self.is_packed(),
            None => false,
        }
    }

    /// Stores a pixel whose values were pushed, or where they `are_packed` the bytes that are
    /// stored. Takes them from the stack.
    pub(crate) fn store_pushed(
        &self,
        asm: &mut Assembly,
        state: &LoopState,
        pushed: Pushed,
        are_packed: bool,
    ) {
        let changed = Registers::of_pairs([X, Z]).and([TEMPORARY, R23]);
        asm.changing(changed, |asm| {
            asm.of(Purpose::Store, |asm| {
                state.fetch(asm, Variable::Output);
                let packing = match self.packing() {
                    Some(packing) if are_packed => Some(Packing { bits: 8, ..packing }),
                    packing => packing,
                };
                match (self, packing) {
                    (Self::Windows(row), _) => {
                        asm.of(Purpose::Pool, |asm| row.take_pushed(asm, pushed, R23));
                    }
                    (_, Some(Packing { bits: 8, .. })) => {
                        asm.add_to_pair(X, pushed.values as i32);
                        repeat(asm, pushed.values, |asm| {
                            pushed.pop(asm, ONE);
                            asm.store(Pointer::X, Mode::PreDecrement, ONE);
                        });
                        pushed.are_popped(asm, pushed.values, 1);
                    }
                    (
                        _,
                        Some(Packing {
                            by_nibble: true, ..
                        }),
                    ) => {
                        by_parity(asm, &mut |asm, odd| {
                            unstack(asm, pushed, odd);
                            // The other parity finds them again.
                            asm.stack_changes(pushed.bytes().into());
                        });
                        asm.stack_changes(-i64::from(pushed.bytes()));
                    }
                    (_, Some(_)) => unstack(asm, pushed, false),
                    (_, None) => unreachable!("results are put"),
                }
            });
        })
    }

    /// Puts sums into the results from value `first` of the pixel on.
    pub(crate) fn put(&self, asm: &mut Assembly, state: &LoopState, first: u32) {
        let Self::Results { bytes_each, .. } = *self else {
            unreachable!("activations are stored");
        };
        state.fetch(asm, Variable::Output);
        asm.add_to_pair(X, (first * bytes_each) as i32);
    }

    /// Bytes of a result.
    pub(crate) fn result_bytes(&self) -> usize {
        match *self {
            Self::Results { bytes_each, .. } => bytes_each as usize,
            Self::Map { .. } | Self::Pixel { .. } | Self::Windows(_) | Self::ResultBytes { .. } => {
                0
            }
        }
    }
}

/// How a pixel's activations are packed.
#[derive(Clone, Copy, Debug)]
struct Packing {
    bits: u32,
    by_nibble: bool,
    first_cell: u32,
}
