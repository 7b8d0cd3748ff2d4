//! How an operator makes its output, and what maps it needs for that.

use super::builder::{Builder, Found, Step, distinct};
use super::fields::{field, padded};
use super::moves;
use super::values::map_shape;
use crate::network::{Kernel, PoolFunction, ReceptiveField, Shape, Stride};
use crate::plan::Method;
use crate::program::{BlockSource, Rearrangement};
use herringbone_tflite::operators::{self, Broadcast, Mean};
use herringbone_tflite::{Element, Operator, TensorId};

impl Builder<'_> {
    /// Lets maps have the shapes in which an operator reads them: where another operator has made
    /// them in other shapes, or a value meets several, a node writes them out.
    pub(super) fn make_meet(&mut self, operator: &Operator, found: &mut [Found]) {
        match operator {
            Operator::Addition(_) | Operator::Multiplication(_) => {
                if let Some(broadcast) = operator.broadcast() {
                    self.make_pairs(broadcast, found);
                }
            }
            Operator::Convolution(it) => self.shaped(found, windows_read(&it.window, it.inputs)),
            Operator::Depthwise(it) => self.shaped(found, windows_read(&it.window, it.inputs)),
            Operator::Pool(it) => self.shaped(found, windows_read(&it.window, it.channels)),
            Operator::Dense(it) if it.rows > 1 => self.rows_of(found, it.inputs),
            Operator::Softmax(it) => self.rows_of(found, it.row),
            Operator::Mean(it) => self.make_sums(it, found),
            Operator::Dense(_)
            | Operator::ByteMap(_)
            | Operator::Quantise(_)
            | Operator::Dequantise(_)
            | Operator::Concatenation(_)
            | Operator::Move(_)
            | Operator::View => {}
        }
    }

    /// As a map of that shape.
    fn shaped(&mut self, found: &mut [Found], wanted: Shape) {
        for found in found {
            if let Found::Value(value, shape) = *found
                && shape != wanted
                && shape.values() == wanted.values()
            {
                let copy = Rearrangement::copy(shape.values());
                *found = self.moved((value, shape), copy, ("RESHAPE", wanted));
            }
        }
    }

    /// With as many channels as a row has values.
    fn rows_of(&mut self, found: &mut [Found], row: usize) {
        if let Some(&Found::Value(_, shape)) = found.first()
            && shape.channels as usize != row
        {
            let rows = shape.values() / row as u32;
            self.shaped(found, Shape::new(rows, 1, row as u32));
        }
    }

    /// Both maps of one shape.
    fn make_pairs(&mut self, broadcast: &Broadcast, found: &mut [Found]) {
        let whole = found.iter().enumerate().rev().find_map(|(index, it)| {
            let (_, shape) = it.value()?;
            moves::is_whole(broadcast, index).then_some(shape)
        });
        let shape = whole.unwrap_or_else(|| map_shape(&broadcast.shape));
        let other = found.iter().find_map(|it| it.value());
        for index in 0..found.len() {
            match found[index] {
                Found::Value(value, of_value) => {
                    if !moves::is_whole(broadcast, index) {
                        let moves = moves::of_broadcast(broadcast, index, BlockSource::Map(0));
                        let name = ("repeat", shape);
                        found[index] = self.moved((value, of_value), moves, name);
                    } else {
                        self.shaped(&mut found[index..=index], shape);
                    }
                }
                Found::Constant(tensor) => {
                    if let Some(other) = other
                        && !self.is_of_channels((broadcast, index), tensor, shape)
                    {
                        let source = self.constant(tensor);
                        let moves = moves::of_broadcast(broadcast, index, source);
                        found[index] = self.moved(other, moves, ("constants", shape));
                    }
                }
            }
        }
    }

    /// Whether a constant is the same for every pixel.
    fn is_of_channels(
        &self,
        (broadcast, operand): (&Broadcast, usize),
        tensor: TensorId,
        shape: Shape,
    ) -> bool {
        let places = broadcast.steps[operand].split_last();
        let places = places.map_or(&[][..], |(_, places)| places);
        let count = self.graph.tensor(tensor).values();
        places.iter().all(|&step| step == 0) && (shape.channels as usize).is_multiple_of(count)
    }

    /// A map of which whole windows are summed.
    fn make_sums(&mut self, it: &Mean, found: &mut [Found]) {
        let Some(&Found::Value(value, shape)) = found.first() else {
            return;
        };
        match MeanField::of(it, shape) {
            MeanField::Window(_) => {}
            MeanField::Shaped(wanted) => self.shaped(found, wanted),
            MeanField::Moved(wanted) => {
                let moves = moves::of_sums_last(&it.shape, &it.is_summed);
                found[0] = self.moved((value, shape), moves, ("TRANSPOSE", wanted));
            }
        }
    }

    pub(super) fn step(&self, operator: &Operator, found: &[Found], writes: TensorId) -> Step {
        let values: Vec<_> = found.iter().filter_map(|it| it.value()).collect();
        let (running, input) = values[0];
        let pixelwise = |channels: u32| {
            let output = Shape::new(input.height, input.width, channels);
            Step::Node(Method::Fields, ReceptiveField::pixelwise(input), output)
        };
        let made = self.graph.tensor(writes);
        match operator {
            Operator::Convolution(it) => windows(&it.window, input, it.outputs),
            Operator::Depthwise(it) => windows(&it.window, input, it.inputs * it.multiplier),
            Operator::Dense(it) if !it.weights_fit_bytes() => Step::Unplanned(format!(
                "its weights, less their zero point {}, are no bytes",
                it.weight_zero_point
            )),
            Operator::Dense(it) if it.rows == 1 => Step::Node(
                Method::Sums,
                ReceptiveField::whole(input),
                Shape::new(1, 1, it.outputs as u32),
            ),
            Operator::Dense(it) if it.inputs == input.channels as usize => {
                pixelwise(it.outputs as u32)
            }
            Operator::Pool(it) => {
                let function = match it.function {
                    operators::PoolFunction::Average => PoolFunction::Average,
                    operators::PoolFunction::Maximum => PoolFunction::Maximum,
                };
                let Some(field) = field(&it.window, input) else {
                    return unplanned();
                };
                let output = Shape::new(field.outputs.height, field.outputs.width, input.channels);
                Step::Node(Method::Windows(function), field, output)
            }
            Operator::Mean(it) => match MeanField::of(it, input) {
                MeanField::Window(field) => {
                    let Kernel { height, width } = field.outputs;
                    let output = Shape::new(height, width, input.channels);
                    Step::Node(Method::Windows(PoolFunction::Average), field, output)
                }
                // It was moved into windows.
                MeanField::Shaped(_) | MeanField::Moved(_) => {
                    let field = columns_of(input);
                    let output = Shape::new(input.height, 1, input.channels);
                    Step::Node(Method::Windows(PoolFunction::Average), field, output)
                }
            },
            Operator::Addition(_) | Operator::Multiplication(_) => {
                let same = values.iter().all(|(_, shape)| *shape == input);
                match same && made.values() == input.values() as usize {
                    true => pixelwise(input.channels),
                    false => unplanned(),
                }
            }
            Operator::Softmax(it) if it.row == input.channels as usize => pixelwise(input.channels),
            Operator::ByteMap(_) => pixelwise(input.channels),
            // Numbers are quantised as they arrive, and the other way as they are returned.
            Operator::Quantise(_) if self.is_input(running) => Step::Alias,
            Operator::Dequantise(_) if self.graph.outputs.contains(&writes) => Step::Alias,
            Operator::Quantise(_) | Operator::Dequantise(_) => Step::Unplanned(
                "real numbers within a model are not followed: only those at its ends".to_owned(),
            ),
            Operator::View => Step::Alias,
            Operator::Concatenation(_) | Operator::Move(_) if is_no_byte(made.element) => {
                Step::Unplanned(format!(
                    "it moves values of {}: only bytes are moved within a model",
                    made.element
                ))
            }
            Operator::Concatenation(it) => {
                let by_channels = values.len() == it.lengths.len()
                    && values.iter().zip(&it.lengths).all(|((_, shape), &length)| {
                        (shape.height, shape.width) == (input.height, input.width)
                            && shape.channels as usize == length
                    });
                match by_channels {
                    true => pixelwise(values.iter().map(|(_, shape)| shape.channels).sum()),
                    false => self.join(&it.lengths, found, map_shape(&made.shape)),
                }
            }
            Operator::Move(it) => {
                let of_pixels = match it {
                    operators::Move::Pad { shape, around, .. } => padded(shape, around, input),
                    operators::Move::Slice(_)
                    | operators::Move::Transpose { .. }
                    | operators::Move::Resize(_) => None,
                };
                match of_pixels {
                    Some(field) => {
                        let outputs = field.outputs;
                        let output = Shape::new(outputs.height, outputs.width, input.channels);
                        Step::Node(Method::Fields, field, output)
                    }
                    None => Step::Moves(moves::of_move(it), map_shape(&made.shape)),
                }
            }
            Operator::Dense(_) | Operator::Softmax(_) => unplanned(),
        }
    }

    /// Maps one after the other along any axis.
    fn join(&self, lengths: &[usize], found: &[Found], output: Shape) -> Step {
        let values: Vec<_> = found.iter().filter_map(|it| it.value()).collect();
        let values = distinct(&values);
        let parts = found.iter().zip(lengths).map(|(found, &length)| {
            let source = match *found {
                Found::Constant(tensor) => self.constant(tensor),
                Found::Value(value, _) => {
                    let mut values = values.iter();
                    let index = values.position(|(other, _)| *other == value);
                    BlockSource::Map(index.unwrap_or(0))
                }
            };
            (source, length as u32)
        });
        let together: usize = lengths.iter().sum();
        let times = output.values() / (together.max(1) as u32);
        Step::Moves(moves::of_parts(&parts.collect::<Vec<_>>(), times), output)
    }
}

/// How a mean sums over a map.
enum MeanField {
    /// Over windows of it as it is.
    Window(ReceptiveField),
    /// Over the columns of each row, in that shape.
    Shaped(Shape),
    /// The same, of values in another order.
    Moved(Shape),
}

impl MeanField {
    fn of(it: &Mean, input: Shape) -> Self {
        let axes = it.shape.iter().zip(&it.is_summed);
        let axes: Vec<(usize, bool)> = axes
            .map(|(&side, &is_summed)| (side, is_summed))
            .filter(|(side, _)| *side > 1)
            .collect();
        let product = |axes: &[(usize, bool)]| axes.iter().map(|(side, _)| side).product::<usize>();
        let count = axes.iter().filter(|(_, is_summed)| *is_summed).count();
        let first = axes.iter().position(|(_, is_summed)| *is_summed);
        let first = first.unwrap_or(0);
        let summed = axes[first..].iter().take_while(|(_, is)| *is).count();
        if summed < count {
            let values = it.shape.iter().product::<usize>();
            let shape = Shape::new((values / it.count) as u32, it.count as u32, 1);
            return Self::Moved(shape);
        }
        let (outer, rest) = axes.split_at(first);
        let (summed, inner) = rest.split_at(summed);
        let [outer, summed, inner] = [outer, summed, inner].map(|axes| product(axes) as u32);
        let (rows, columns) = (input.height, input.width);
        let is_all = (outer, summed, inner) == (1, rows * columns, input.channels);
        let is_rows = (outer, summed, inner) == (1, rows, columns * input.channels);
        let is_columns = (outer, summed, inner) == (rows, columns, input.channels);
        match (is_all, is_rows, is_columns) {
            (true, ..) => Self::Window(ReceptiveField::whole(input)),
            (_, true, _) => Self::Window(windows_of(input, (rows, 1))),
            (.., true) => Self::Window(columns_of(input)),
            (false, false, false) => Self::Shaped(Shape::new(outer, summed, inner)),
        }
    }
}

/// Windows of which each is a row.
fn columns_of(input: Shape) -> ReceptiveField {
    windows_of(input, (1, input.width))
}

/// Windows of that many rows and columns side by side.
fn windows_of(input: Shape, (height, width): (u32, u32)) -> ReceptiveField {
    ReceptiveField {
        kernel: Kernel { height, width },
        stride: Stride {
            rows: height,
            columns: width,
        },
        outputs: Kernel {
            height: input.height / height,
            width: input.width / width,
        },
        ..ReceptiveField::pixelwise(input)
    }
}

/// The map that windows go over.
fn windows_read(window: &operators::Window, channels: usize) -> Shape {
    let (rows, columns) = (window.rows.input, window.columns.input);
    Shape::new(rows as u32, columns as u32, channels as u32)
}

fn windows(window: &operators::Window, input: Shape, outputs: usize) -> Step {
    match field(window, input) {
        Some(field) => {
            let output = Shape::new(field.outputs.height, field.outputs.width, outputs as u32);
            Step::Node(Method::Fields, field, output)
        }
        None => unplanned(),
    }
}

fn is_no_byte(element: Element) -> bool {
    match element {
        Element::Int8 | Element::Uint8 => false,
        Element::Int32
        | Element::Int64
        | Element::Float32
        | Element::Resource
        | Element::Other(_) => true,
    }
}

fn unplanned() -> Step {
    Step::Unplanned("it reads or moves values in a way that no plan follows yet".to_owned())
}
