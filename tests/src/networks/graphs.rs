//! Graphs of every letter: strides, paddings, labels, branches and joins.

use super::case::Case;
use super::numbers::{Fill, Numbers, Right, fill};
use crate::windows::Windows;
use herringbone_compiler::network::{
    Activation, Add, Bits, Concat, Convolution, Dense, Depthwise, Dropout, Entry, INPUT_LABEL,
    Item, Kernel, Kind, Network, Noise, Padding, Pool, PoolFunction, PoolWindow, Separable, Shape,
    Stride, Window,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// The most multiply-accumulates of a layer: what is larger is made smaller.
const MOST_MULTIPLY_ACCUMULATES: u32 = 6000;

/// The most channels of a concatenation.
const MOST_JOINED_CHANNELS: u32 = 24;

/// What a [`Case`] of a graph is made from. Steps that do not fit the maps before
/// them are made to, or left out, and branches that nobody reads are joined at the
/// end, so that every recipe makes a network.
#[derive(Clone, Debug)]
pub struct GraphRecipe {
    input: Shape,
    bits: Bits,
    steps: Vec<Step>,
    inputs: Vec<Fill>,
}

/// An item of the list, and the numbers of its sums.
#[derive(Clone, Debug)]
struct Step {
    what: What,
    numbers: [Numbers; 2],
}

/// Maps are counted back from the last one, around, among those that fit.
#[derive(Clone, Debug)]
enum What {
    /// A layer, and the map that it adds if it can.
    Layer(Letter, Option<usize>),
    Add(Activation, usize),
    Concat(Vec<usize>),
    Residual(Kernel),
    Dropout,
    Noise,
    /// The list goes on from an earlier map.
    From(usize),
}

#[derive(Clone, Copy, Debug)]
enum Letter {
    Pool(PoolFunction, PoolWindow),
    Convolution(u32, Window, Activation),
    Depthwise(Window, Activation),
    Separable(u32, Window, Activation),
    Dense(u32, Activation),
}

fn numbers() -> impl Strategy<Value = Numbers> {
    let right = prop_oneof![
        9 => (-2..=1).prop_map(Right::Alive),
        1 => (0u8..=31).prop_map(Right::Exactly),
    ];
    let left = prop_oneof![8 => 0u8..=3, 1 => 4u8..=16];
    (fill(), fill(), 5u32..=12, left, right, -2..=2).prop_map(
        |(weights, biases, bias_shift, left, right, skip)| Numbers {
            weights,
            biases,
            bias_shift,
            left,
            right,
            skip,
        },
    )
}

/// Rows and columns of those, most of them equal.
fn sides(sides: &'static [u32]) -> impl Strategy<Value = (u32, u32)> {
    let any = (select(sides), select(sides));
    prop_oneof![
        2 => select(sides).prop_map(|side| (side, side)),
        1 => any,
    ]
}

fn kernel(of: &'static [u32]) -> impl Strategy<Value = Kernel> {
    sides(of).prop_map(|(height, width)| Kernel { height, width })
}

fn stride() -> impl Strategy<Value = Stride> {
    let any = sides(&[1, 2, 3, 4]).prop_map(|(rows, columns)| Stride { rows, columns });
    prop_oneof![3 => Just(Stride::ONE), 2 => any]
}

fn window() -> impl Strategy<Value = Window> {
    let small = kernel(&[1, 2, 3]);
    let any = kernel(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    let padding = prop_oneof![
        3 => Just(Padding::NONE),
        4 => Just(Padding::Same),
        2 => (1u32..=5).prop_map(Padding::Each),
    ];
    (prop_oneof![4 => small, 1 => any], stride(), padding).prop_map(|(kernel, stride, padding)| {
        Window {
            kernel,
            stride,
            padding,
        }
    })
}

fn pool_window() -> impl Strategy<Value = PoolWindow> {
    let sized = (kernel(&[1, 2, 3, 4]), stride());
    prop_oneof![
        3 => kernel(&[2, 3, 1, 4, 5, 6, 7, 8]).prop_map(PoolWindow::tiles),
        3 => sized.prop_map(|(kernel, stride)| PoolWindow::Sized { kernel, stride }),
        1 => Just(PoolWindow::All),
    ]
}

fn activation() -> impl Strategy<Value = Activation> {
    prop_oneof![2 => Just(Activation::Relu), 1 => Just(Activation::Linear)]
}

fn letter() -> impl Strategy<Value = Letter> {
    let outputs = || 1u32..=9;
    let function = select(vec![PoolFunction::Maximum, PoolFunction::Average]);
    prop_oneof![
        6 => (outputs(), window(), activation())
            .prop_map(|(n, window, after)| Letter::Convolution(n, window, after)),
        3 => (window(), activation()).prop_map(|(window, after)| Letter::Depthwise(window, after)),
        3 => (outputs(), window(), activation())
            .prop_map(|(n, window, after)| Letter::Separable(n, window, after)),
        3 => (function, pool_window())
            .prop_map(|(function, window)| Letter::Pool(function, window)),
        1 => (outputs(), activation()).prop_map(|(n, after)| Letter::Dense(n, after)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let map = || 0usize..8;
    let adds = prop_oneof![2 => Just(None), 1 => map().prop_map(Some)];
    let what = prop_oneof![
        12 => (letter(), adds).prop_map(|(letter, adds)| What::Layer(letter, adds)),
        3 => (activation(), map()).prop_map(|(activation, map)| What::Add(activation, map)),
        3 => vec(map(), 1..=3).prop_map(What::Concat),
        1 => kernel(&[1, 2, 3, 5]).prop_map(What::Residual),
        1 => Just(What::Dropout),
        1 => Just(What::Noise),
        3 => map().prop_map(What::From),
    ];
    (what, [numbers(), numbers()]).prop_map(|(what, numbers)| Step { what, numbers })
}

/// Recipes of graphs of inputs with up to `side` rows and columns, and up to twelve
/// items, beside those that join what is left.
pub fn graphs_within(side: u32) -> impl Strategy<Value = GraphRecipe> {
    let long = 2 * side..=8 * side;
    let size = prop_oneof![
        8 => (1..=side, 1..=side),
        // Time series, and columns.
        1 => (Just(1), long.clone()),
        1 => (long, Just(1)),
    ];
    let bits = (
        select(vec![4u32, 2, 8]),
        select(vec![16u32, 8]),
        select(vec![4u32, 8]),
    );
    (
        size,
        1u32..=4,
        bits,
        vec(step(), 1..=12),
        vec(fill(), 1..=2),
    )
        .prop_map(
            |((height, width), channels, (weights, biases, activations), steps, inputs)| {
                GraphRecipe {
                    input: Shape::new(height, width, channels),
                    bits: Bits {
                        weights,
                        biases,
                        activations,
                    },
                    steps,
                    inputs,
                }
            },
        )
}

/// Recipes of graphs of inputs with up to 12 rows and columns.
pub fn graphs() -> impl Strategy<Value = GraphRecipe> {
    graphs_within(12)
}

impl GraphRecipe {
    /// The network alone.
    pub fn network(&self) -> Network {
        self.build().0
    }

    /// The network, weights and inputs.
    pub fn case(&self) -> Case {
        let (network, numbers) = self.build();
        Case::new(network, &numbers, &self.inputs)
    }

    /// The network, and the numbers of each of its nodes.
    fn build(&self) -> (Network, Vec<Vec<Numbers>>) {
        let mut builder = Builder {
            items: Vec::new(),
            numbers: Vec::new(),
            maps: vec![Map {
                shape: self.input,
                signed: false,
                item: None,
                read: false,
            }],
            running: 0,
            resumed: false,
            averages_bytes: false,
        };
        for step in &self.steps {
            builder.step(step);
        }
        builder.join_rest();
        let network = Network::of_list(self.input, self.bits, builder.items);
        let network = network.unwrap_or_else(|errors| panic!("{errors:?} of {self:?}"));
        (network, builder.numbers)
    }
}

/// A value that is there.
struct Map {
    shape: Shape,
    signed: bool,
    /// The last item that has it; `None` of the input.
    item: Option<usize>,
    /// Whether a layer reads it.
    read: bool,
}

struct Builder {
    items: Vec<Item>,
    numbers: Vec<Vec<Numbers>>,
    maps: Vec<Map>,
    running: usize,
    /// Whether the last item only goes on from a map.
    resumed: bool,
    /// Whether an `A` reads the raw input, which nobody else can then.
    averages_bytes: bool,
}

impl Builder {
    fn running(&self) -> &Map {
        &self.maps[self.running]
    }

    fn step(&mut self, step: &Step) {
        let Step { what, numbers } = step;
        let shape = self.running().shape;
        match what {
            What::Layer(letter, adds) => self.letter(*letter, *adds, numbers),
            What::Add(activation, back) => {
                let fits = |map: &Map| map.shape == shape;
                if let Some(map) = self.choose(*back, fits) {
                    let kind = Kind::Add(Add {
                        activation: *activation,
                    });
                    self.layer(kind, &[map], numbers);
                }
            }
            What::Concat(backs) => self.concat(backs, numbers),
            What::Residual(kernel) => {
                let weights = shape.channels * shape.channels * kernel.taps();
                if weights.saturating_mul(shape.pixels()) <= MOST_MULTIPLY_ACCUMULATES {
                    self.maps[self.running].read = true;
                    let kernel = *kernel;
                    let own = vec![numbers[0].clone()];
                    self.numbers.extend([own, vec![numbers[1].clone()]]);
                    self.item(Entry::Residual { kernel }, shape, false);
                }
            }
            What::Dropout => {
                let probability = 0.25;
                self.training(Kind::Dropout(Dropout { probability }));
            }
            What::Noise => self.training(Kind::Noise(Noise { deviation: 0.5 })),
            What::From(back) => {
                if let Some(map) = self.choose(*back, |_| true) {
                    self.resume(map);
                }
            }
        }
    }

    /// A map that fits: the `back`-th, around, from the last one, those that nobody
    /// reads yet before the others.
    fn choose(&self, back: usize, fits: impl Fn(&Map) -> bool) -> Option<usize> {
        let maps = (0..self.maps.len()).rev();
        let (first_free, maps) = (usize::from(self.averages_bytes), maps);
        let maps = maps.filter(|&map| map >= first_free && fits(&self.maps[map]));
        let (unread, read): (Vec<usize>, Vec<usize>) =
            maps.partition(|&map| map != self.running && map > 0 && !self.maps[map].read);
        let maps = [unread, read].concat();
        let place = back.checked_rem(maps.len())?;
        Some(maps[place])
    }

    fn letter(&mut self, letter: Letter, adds: Option<usize>, numbers: &[Numbers; 2]) {
        let map = self.running().shape;
        match letter {
            Letter::Pool(function, window) => {
                let window = match window {
                    PoolWindow::All => window,
                    PoolWindow::Sized { kernel, stride } => {
                        let inside = Kernel {
                            height: kernel.height.min(map.height),
                            width: kernel.width.min(map.width),
                        };
                        if stride == Stride::of(kernel) {
                            PoolWindow::tiles(inside)
                        } else {
                            PoolWindow::Sized {
                                kernel: inside,
                                stride,
                            }
                        }
                    }
                };
                let averages = function == PoolFunction::Average;
                let function = if averages && self.running == 0 && self.maps[0].read {
                    PoolFunction::Maximum
                } else {
                    function
                };
                self.averages_bytes |= self.running == 0 && function == PoolFunction::Average;
                self.layer(Kind::Pool(Pool { function, window }), &[], numbers);
            }
            Letter::Convolution(outputs, window, activation) => {
                let of = |(outputs, window), adds| {
                    Kind::Convolution(Convolution {
                        outputs,
                        window,
                        activation,
                        adds,
                    })
                };
                self.fitting((outputs, window), adds, numbers, of);
            }
            Letter::Depthwise(window, activation) => {
                let of = |(_, window), adds| {
                    Kind::Depthwise(Depthwise {
                        window,
                        activation,
                        adds,
                    })
                };
                self.fitting((1, window), adds, numbers, of);
            }
            Letter::Separable(outputs, window, activation) => {
                let of = |(outputs, window), adds| {
                    Kind::Separable(Separable {
                        outputs,
                        window,
                        activation,
                        adds,
                    })
                };
                self.fitting((outputs, window), adds, numbers, of);
            }
            Letter::Dense(outputs, activation) => {
                let of = |(outputs, _), adds| {
                    Kind::Dense(Dense {
                        outputs,
                        activation,
                        adds,
                    })
                };
                self.fitting(
                    (outputs, Window::valid(Kernel::square(1))),
                    adds,
                    numbers,
                    of,
                );
            }
        }
    }

    /// A layer with a window that fits the map, and of few enough multiplications;
    /// one that shall add a map is made to fit it, if it can be.
    fn fitting(
        &mut self,
        (outputs, window): (u32, Window),
        adds: Option<usize>,
        numbers: &[Numbers; 2],
        of: impl Fn((u32, Window), bool) -> Kind,
    ) {
        let map = self.running().shape;
        let mut wanted = (outputs, fitted(window, map));
        while multiply_accumulates(&of(wanted, false), map) > MOST_MULTIPLY_ACCUMULATES {
            let (outputs, window) = &mut wanted;
            let Kernel { height, width } = &mut window.kernel;
            if *outputs > 1 && *outputs * *outputs > *height * *width {
                *outputs /= 2;
            } else if *height > 1 || *width > 1 {
                (*height, *width) = (height.div_ceil(2), width.div_ceil(2));
                *window = fitted(*window, map);
            } else {
                break;
            }
        }
        if let Some(back) = adds {
            let output = |kind: &Kind| output(kind, map);
            // As many outputs as the map has that is added, or a window that keeps
            // the size.
            let same = Window {
                stride: Stride::ONE,
                padding: Padding::Same,
                ..wanted.1
            };
            for window in [wanted.1, same] {
                let fits = |candidate: &Map| {
                    let kind = of((candidate.shape.channels, window), true);
                    output(&kind) == candidate.shape
                        && multiply_accumulates(&kind, map) <= MOST_MULTIPLY_ACCUMULATES
                };
                if let Some(added) = self.choose(back, fits) {
                    let channels = self.maps[added].shape.channels;
                    self.layer(of((channels, window), true), &[added], numbers);
                    return;
                }
            }
        }
        self.layer(of(wanted, false), &[], numbers);
    }

    fn concat(&mut self, backs: &[usize], numbers: &[Numbers; 2]) {
        let Map { shape, signed, .. } = *self.running();
        let mut channels = shape.channels;
        let mut joined = Vec::new();
        for &back in backs {
            let fits = |map: &Map| {
                (map.shape.height, map.shape.width, map.signed)
                    == (shape.height, shape.width, signed)
                    && channels + map.shape.channels <= MOST_JOINED_CHANNELS
            };
            if let Some(map) = self.choose(back, fits) {
                channels += self.maps[map].shape.channels;
                joined.push(map);
            }
        }
        if !joined.is_empty() {
            self.layer(Kind::Concat(Concat), &joined, numbers);
        }
    }

    /// Appends a layer that fits.
    fn layer(&mut self, kind: Kind, joined: &[usize], numbers: &[Numbers; 2]) {
        let mut reads = vec![self.running];
        reads.extend(joined);
        let shapes: Vec<Shape> = reads.iter().map(|&map| self.maps[map].shape).collect();
        let output = match kind.concatenates() {
            true => Shape {
                channels: shapes.iter().map(|shape| shape.channels).sum(),
                ..shapes[0]
            },
            false => output(&kind, shapes[0]),
        };
        let signed = match kind.activation() {
            Some(Activation::Linear) => true,
            Some(Activation::Relu) => false,
            None => self.running().signed,
        };
        for read in reads {
            self.maps[read].read = true;
        }
        let labels = joined.iter().map(|&map| self.label(map)).collect();
        self.numbers.push(numbers.to_vec());
        self.item(Entry::Layer { kind, labels }, output, signed);
    }

    /// Appends a layer that only exists in training.
    fn training(&mut self, kind: Kind) {
        self.items.push(Item::layer(kind));
        self.numbers.push(vec![]);
        // A branch that ends here is read where its map is.
        self.resumed = false;
        let last = self.items.len() - 1;
        if let Some(item) = &mut self.maps[self.running].item
            && self.items[*item].label.is_none()
        {
            *item = last;
        }
    }

    fn item(&mut self, entry: Entry, shape: Shape, signed: bool) {
        self.items.push(Item { label: None, entry });
        self.resumed = false;
        self.maps.push(Map {
            shape,
            signed,
            item: Some(self.items.len() - 1),
            read: false,
        });
        self.running = self.maps.len() - 1;
    }

    /// The label of a map, which its item gets.
    fn label(&mut self, map: usize) -> String {
        match self.maps[map].item {
            None => INPUT_LABEL.to_owned(),
            Some(item) => {
                let label = &mut self.items[item].label;
                label.get_or_insert_with(|| format!("m{map}")).clone()
            }
        }
    }

    /// Goes on from a map.
    fn resume(&mut self, map: usize) {
        if map == self.running || self.resumed {
            return;
        }
        let label = self.label(map);
        self.items.push(Item {
            label: None,
            entry: Entry::From(label),
        });
        (self.running, self.resumed) = (map, true);
    }

    /// Joins every map that nobody reads with the running one.
    fn join_rest(&mut self) {
        let plain = [Numbers::ALIVE, Numbers::ALIVE];
        let relu = Activation::Relu;
        if self.resumed || self.maps.len() == 1 {
            // Nothing ends with a map that is there.
            self.letter(Letter::Dense(2, Activation::Linear), None, &plain);
        }
        while let Some(unread) =
            (1..self.maps.len()).find(|&map| map != self.running && !self.maps[map].read)
        {
            let (other, own) = (&self.maps[unread], self.running());
            if other.shape == own.shape {
                self.layer(Kind::Add(Add { activation: relu }), &[unread], &plain);
                continue;
            }
            let sizes = [other, own].map(|map| (map.shape.height, map.shape.width, map.signed));
            let channels = other.shape.channels + own.shape.channels;
            if sizes[0] == sizes[1] && channels <= MOST_JOINED_CHANNELS {
                self.layer(Kind::Concat(Concat), &[unread], &plain);
                continue;
            }
            let dense = |adds| {
                Kind::Dense(Dense {
                    outputs: 2,
                    activation: relu,
                    adds,
                })
            };
            self.layer(dense(false), &[], &plain);
            let joined = self.running;
            self.resume(unread);
            self.layer(dense(true), &[joined], &plain);
        }
    }
}

/// The window with a kernel that is not larger than the map and what is around it.
fn fitted(window: Window, map: Shape) -> Window {
    let Window {
        kernel,
        stride,
        padding,
    } = window;
    let Padding::Each(each) = padding else {
        return window;
    };
    let each = each.min(kernel.height.min(kernel.width) - 1);
    Window {
        kernel: Kernel {
            height: kernel.height.min(map.height + 2 * each),
            width: kernel.width.min(map.width + 2 * each),
        },
        stride,
        padding: Padding::Each(each),
    }
}

/// What a layer that joins nothing, or adds, makes of a map.
fn output(kind: &Kind, map: Shape) -> Shape {
    let (height, width) = Windows::of(kind, map).outputs();
    Shape::new(height, width, kind.outputs().unwrap_or(map.channels))
}

fn multiply_accumulates(kind: &Kind, map: Shape) -> u32 {
    let output = output(kind, map);
    let channels = map.channels;
    let each = match kind {
        Kind::Convolution(Convolution { window, .. }) => {
            window.kernel.taps() * channels * output.channels
        }
        Kind::Depthwise(Depthwise { window, .. }) => window.kernel.taps() * channels,
        Kind::Separable(Separable { window, .. }) => {
            (window.kernel.taps() + output.channels) * channels
        }
        Kind::Dense(_) => map.values() * output.channels,
        Kind::Pool(_) | Kind::Add(_) | Kind::Concat(_) | Kind::Dropout(_) | Kind::Noise(_) => 0,
        Kind::Recurrent(_) | Kind::Projection(_) | Kind::Tree(_) | Kind::Prototypes(_) => {
            unreachable!("they are in networks of their own")
        }
    };
    each.saturating_mul(output.pixels())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::networks::list;
    use crate::reference::evaluate;
    use herringbone_compiler::network::{Node, Part};
    use herringbone_compiler::syntax;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{TestError, TestRunner};
    use std::collections::BTreeMap;

    fn random(count: usize) -> impl Iterator<Item = GraphRecipe> {
        let mut runner = TestRunner::deterministic();
        std::iter::repeat_with(move || graphs().new_tree(&mut runner).unwrap().current())
            .take(count)
    }

    /// What of a node is worth to be seen often, by name.
    fn traits(network: &Network, node: &Node) -> Vec<String> {
        let field = node.field();
        let letter: String = node
            .to_string()
            .chars()
            .take_while(|&letter| letter != '(')
            .collect();
        let is = |what: &str, holds: bool| holds.then(|| format!("{letter} {what}"));
        let Kernel { height, width } = field.kernel;
        let Stride { rows, columns } = field.stride;
        let readers = &network.value(node.writes).readers;
        let windows = node.kind.window();
        [
            is("", true),
            is("padded", field.is_padded()),
            is("strided", windows.is_some() && rows.max(columns) > 1),
            is("of unequal strides", windows.is_some() && rows != columns),
            is("rectangular", windows.is_some() && height != width),
            is(
                "even",
                windows.is_some() && height % 2 == 0 && width % 2 == 0,
            ),
            is("large", windows.is_some() && height.max(width) > 7),
            is("overlapping", height > rows || width > columns),
            is("skipping", height < rows || width < columns),
            is("of a whole map", windows.is_none() && height * width > 1),
            is("adds", node.added().is_some()),
            is("adds itself", node.added() == Some(node.reads[0])),
            is("signed", node.signed_input),
            is("of the input", node.reads.contains(&network.input_value())),
            is("exact", network.is_exact(node.id)),
            is("last", node.id == network.last_node().id),
            is("read twice", readers.len() > 1),
            is("in a block", node.part != Part::Whole),
            is("of three", node.reads.len() > 2),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    #[test]
    fn every_kind_occurs_in_every_form() {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for recipe in random(3000) {
            let network = recipe.network();
            for node in network.nodes() {
                for name in traits(&network, node) {
                    *seen.entry(name).or_default() += 1;
                }
            }
        }
        let with_weights = ["C1", "C1*", "C2", "C2*", "T", "T*"];
        let mut wanted: Vec<String> = ["Cat of three", "C1 in a block", "Dr ", "Cat of the input"]
            .map(String::from)
            .into();
        let mut want = |letters: &[&str], forms: &[&str]| {
            let each = |letter: &&str| {
                let name = |form: &&str| format!("{letter} {form}");
                forms.iter().map(name).collect::<Vec<_>>()
            };
            wanted.extend(letters.iter().flat_map(each));
        };
        let windows = [
            "",
            "padded",
            "strided",
            "of unequal strides",
            "rectangular",
            "even",
            "overlapping",
            "skipping",
            "signed",
            "of the input",
            "last",
            "read twice",
        ];
        want(&with_weights, &windows);
        want(&with_weights, &["large", "adds"]);
        want(&["A", "M"], &windows[2..]);
        want(&["A", "M"], &["of a whole map"]);
        want(
            &["D", "D*"],
            &["", "adds", "signed", "of the input", "read twice", "last"],
        );
        want(
            &["Add", "Add*", "Cat"],
            &["", "signed", "last", "read twice"],
        );
        want(&["Add", "Add*"], &["adds itself"]);
        want(&["C1*", "C2*", "T*", "D*", "Add*"], &["exact"]);
        for name in wanted {
            let count = seen.get(&name).copied().unwrap_or_default();
            assert!(count >= 10, "{name} occurs {count} times: {seen:#?}");
        }
    }

    #[test]
    fn most_networks_compute_more_than_constants() {
        let (mut varied, count) = (0, 300);
        for recipe in random(count) {
            let case = recipe.case();
            let trace = evaluate(&case.network, &case.weights, &case.inputs[0]);
            let maps = trace.nodes.iter().filter(|map| map.values.len() > 1);
            let (all, constant) = maps.fold((0, 0), |(all, constant), map| {
                let first = map.values[0];
                let same = map.values.iter().all(|&value| value == first);
                (all + 1, constant + usize::from(same))
            });
            varied += usize::from(4 * constant <= all);
        }
        assert!(4 * varied > 3 * count, "{varied} of {count}");
    }

    #[test]
    fn the_declaration_of_a_graph_gives_the_same_graph() {
        for recipe in random(500) {
            let case = recipe.case();
            let text = format!("N: {}, bits: {}", case.list(), case.bits());
            let parsed = syntax::parse(text.parse().unwrap());
            assert_eq!(parsed.errors.messages(), [""; 0], "{text}");
            let network = parsed.declaration.unwrap().network;
            assert_eq!(network, case.network, "{text}");
        }
    }

    #[test]
    fn a_graph_that_fails_shrinks_to_a_few_items() {
        let mut runner = TestRunner::deterministic();
        let fails = |recipe: GraphRecipe| {
            let network = recipe.network();
            let wide_sum = |node: &Node| node.added().is_some() && node.output.channels >= 3;
            prop_assert!(!network.nodes().iter().any(wide_sum));
            Ok(())
        };
        let Err(TestError::Fail(_, least)) = runner.run(&graphs(), fails) else {
            panic!("some sum has three channels");
        };
        let network = least.network();
        assert!(network.items().len() <= 4, "{}", list(&network));
        assert!(network.input().values() <= 3, "{}", list(&network));
    }
}
