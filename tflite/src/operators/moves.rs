//! Operators that only move values: each output is one of the inputs, or a constant.

use super::call::{Call, axis, scale};
use super::{Operator, Read};
use crate::element::{Element, Values};

/// Which value each output is.
#[derive(Clone, Debug, PartialEq)]
pub enum Move {
    /// Evenly spaced values along each axis.
    Slice(Slice),
    /// Values around a tensor.
    Pad {
        /// The shape that is read.
        shape: Vec<usize>,
        /// By axis: values before and after it.
        around: Vec<(usize, usize)>,
        /// Those values.
        fill: i8,
    },
    /// Axes in another order.
    Transpose {
        /// The shape that is read.
        shape: Vec<usize>,
        /// By axis of the output: the input's.
        axes: Vec<usize>,
    },
    /// The nearest pixel of a map of another size.
    Resize(Resize),
}

/// Evenly spaced values along each axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// The shape that is read.
    pub shape: Vec<usize>,
    /// By axis: the first that is taken.
    pub begin: Vec<usize>,
    /// By axis: from one to the next, forwards or backwards.
    pub step: Vec<isize>,
    /// By axis: how many are taken.
    pub count: Vec<usize>,
}

/// The nearest pixel of a map of another size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resize {
    /// The map that is read: images, rows, columns, channels.
    pub shape: [usize; 4],
    /// By row of the output: the input's.
    pub rows: Vec<usize>,
    /// By column of the output: the input's.
    pub columns: Vec<usize>,
}

impl Move {
    pub(super) fn compute(&self, input: &Values) -> Values {
        match self {
            Self::Slice(slice) => {
                let place = |at: &[usize]| Some(slice.place(at));
                input.pick(places(&slice.count, place), 0)
            }
            Self::Pad {
                shape,
                around,
                fill,
            } => {
                let sides = shape.iter().zip(around);
                let output: Vec<usize> = sides.map(|(side, (a, b))| a + side + b).collect();
                let place = |at: &[usize]| {
                    let mut place = 0;
                    for ((&at, &side), (before, _)) in at.iter().zip(shape).zip(around) {
                        let at = at.checked_sub(*before).filter(|&at| at < side)?;
                        place = place * side + at;
                    }
                    Some(place)
                };
                input.pick(places(&output, place), *fill)
            }
            Self::Transpose { shape, axes } => {
                let output: Vec<usize> = axes.iter().map(|&axis| shape[axis]).collect();
                let steps = steps(shape);
                let place = |at: &[usize]| {
                    let by_axis = at.iter().zip(axes);
                    Some(by_axis.map(|(at, &axis)| at * steps[axis]).sum())
                };
                input.pick(places(&output, place), 0)
            }
            Self::Resize(resize) => {
                let [images, height, width, channels] = resize.shape;
                let output = [images, resize.rows.len(), resize.columns.len(), channels];
                let place = |at: &[usize]| {
                    let (row, column) = (resize.rows[at[1]], resize.columns[at[2]]);
                    Some(((at[0] * height + row) * width + column) * channels + at[3])
                };
                input.pick(places(&output, place), 0)
            }
        }
    }
}

impl Slice {
    fn place(&self, at: &[usize]) -> usize {
        let mut place = 0;
        for (axis, &at) in at.iter().enumerate() {
            let from_first = at as isize * self.step[axis];
            let along = self.begin[axis].saturating_add_signed(from_first);
            place = place * self.shape[axis] + along;
        }
        place
    }

    /// All but along one axis, of which a part.
    fn along(shape: &[usize], axis: usize, from: usize, count: usize) -> Self {
        let mut slice = Self {
            shape: shape.to_vec(),
            begin: vec![0; shape.len()],
            step: vec![1; shape.len()],
            count: shape.to_vec(),
        };
        (slice.begin[axis], slice.count[axis]) = (from, count);
        slice
    }
}

/// Values from one to the next along each axis.
fn steps(shape: &[usize]) -> Vec<usize> {
    let mut steps = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        steps[axis - 1] = steps[axis] * shape[axis];
    }
    steps
}

/// What `place` says of each place of a shape, the last axis first.
fn places<'a>(
    shape: &'a [usize],
    place: impl Fn(&[usize]) -> Option<usize> + 'a,
) -> impl Iterator<Item = Option<usize>> + 'a {
    let mut at = vec![0; shape.len()];
    (0..shape.iter().product()).map(move |_| {
        let found = place(&at);
        for (at, &side) in at.iter_mut().zip(shape).rev() {
            *at += 1;
            if *at < side {
                break;
            }
            *at = 0;
        }
        found
    })
}

pub(super) fn read_pad(call: &Call<'_>) -> Result<Move, String> {
    call.same_element()?;
    let from = call.input(0)?;
    let pairs = call.constant_int32(1)?;
    if pairs.len() != 2 * from.shape.len() {
        return Err(format!(
            "it pads {} sides of {:?}: expected two an axis",
            pairs.len(),
            from.shape
        ));
    }
    let side = |side: i32| {
        usize::try_from(side).map_err(|_| format!("it pads by {side}: expected at least 0"))
    };
    let around = pairs
        .chunks_exact(2)
        .map(|pair| Ok((side(pair[0])?, side(pair[1])?)))
        .collect::<Result<Vec<_>, String>>()?;
    let sides = from.shape.iter().zip(&around);
    let shape: Vec<usize> = sides.map(|(side, (a, b))| a + side + b).collect();
    call.makes(&shape)?;
    let fill = match call.inputs.len() {
        // What stands for 0.
        ..=2 => match from.element {
            Element::Int8 => scale(call.output(0)?)?.zero_point as i8,
            Element::Uint8
            | Element::Int32
            | Element::Int64
            | Element::Float32
            | Element::Resource
            | Element::Other(_) => {
                return Err(format!(
                    "`{}` is {}: expected int8",
                    from.name, from.element
                ));
            }
        },
        _ => match call.constant_int8(2)? {
            [fill] => *fill,
            several => {
                return Err(format!(
                    "it pads with {} values: expected one",
                    several.len()
                ));
            }
        },
    };
    Ok(Move::Pad {
        shape: from.shape.clone(),
        around,
        fill,
    })
}

pub(super) fn read_transpose(call: &Call<'_>) -> Result<Move, String> {
    call.same_element()?;
    let from = call.input(0)?;
    let dimensions = from.shape.len();
    let axes = call
        .constant_int32(1)?
        .iter()
        .map(|&number| axis(number, dimensions))
        .collect::<Result<Vec<_>, _>>()?;
    let mut sorted = axes.clone();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..dimensions) {
        return Err(format!(
            "it has the axes {axes:?} of {dimensions} dimensions: expected each once"
        ));
    }
    let shape: Vec<usize> = axes.iter().map(|&axis| from.shape[axis]).collect();
    call.makes(&shape)?;
    Ok(Move::Transpose {
        shape: from.shape.clone(),
        axes,
    })
}

pub(super) fn read_resize(call: &Call<'_>) -> Result<Move, String> {
    call.same_element()?;
    let from = super::call::map(call.input(0)?)?;
    let &[height, width] = call.constant_int32(1)? else {
        return Err("it has no rows and columns to make".to_owned());
    };
    let (align_corners, half_pixel) = (call.options.is(0)?, call.options.is(1)?);
    let nearest = |input: usize, output: i32| -> Result<Vec<usize>, String> {
        let output = usize::try_from(output)
            .ok()
            .filter(|&side| side > 0 && side <= MOST_SIDE)
            .ok_or_else(|| format!("it makes a side of {output}: expected 1 to {MOST_SIDE}"))?;
        // `GetNearestNeighbor`, in 32 bits.
        let scale = match align_corners && output > 1 {
            true => (input - 1) as f32 / (output - 1) as f32,
            false => input as f32 / output as f32,
        };
        let offset = if half_pixel { 0.5 } else { 0.0 };
        let of = |at: usize| {
            let real = (at as f32 + offset) * scale;
            let near = if align_corners {
                real.round()
            } else {
                real.floor()
            };
            (near as usize).min(input - 1)
        };
        Ok((0..output).map(of).collect())
    };
    let (rows, columns) = (nearest(from.height, height)?, nearest(from.width, width)?);
    call.makes(&[from.batch, rows.len(), columns.len(), from.channels])?;
    Ok(Move::Resize(Resize {
        shape: [from.batch, from.height, from.width, from.channels],
        rows,
        columns,
    }))
}

/// Rows or columns of a resized map at most.
const MOST_SIDE: usize = 1 << 16;

pub(super) fn read_strided_slice(call: &Call<'_>) -> Result<Move, String> {
    call.same_element()?;
    let from = call.input(0)?;
    let dimensions = from.shape.len();
    let (begins, ends, strides) = (
        call.constant_int32(1)?,
        call.constant_int32(2)?,
        call.constant_int32(3)?,
    );
    if [begins, ends, strides]
        .iter()
        .any(|of| of.len() != dimensions)
    {
        return Err(format!(
            "it slices {} axes of {dimensions}: expected all",
            begins.len()
        ));
    }
    let mask = |field| call.options.int(field, 0);
    let (begin_mask, end_mask, shrink_mask) = (mask(0)?, mask(1)?, mask(4)?);
    if mask(2)? != 0 || mask(3)? != 0 {
        return Err("it has an ellipsis or a new axis, which is not understood".to_owned());
    }
    let ends_are_offsets = call.options.is(5)?;
    let mut slice = Slice {
        shape: from.shape.clone(),
        begin: Vec::new(),
        step: Vec::new(),
        count: Vec::new(),
    };
    let mut made = Vec::new();
    for axis in 0..dimensions {
        let is = |mask: i32| mask >> axis & 1 == 1;
        let side = from.shape[axis] as i64;
        let (stride, mut begin) = (i64::from(strides[axis]), i64::from(begins[axis]));
        if stride == 0 {
            return Err(format!("it has a stride of 0 along axis {axis}"));
        }
        let mut end = i64::from(ends[axis]);
        if ends_are_offsets {
            end += begin;
        }
        let from_end = |at: i64| if at < 0 { at + side } else { at };
        // The places that a slice can begin and end at, forwards and backwards.
        let (least, most) = if stride > 0 {
            (0, side)
        } else {
            (-1, side - 1)
        };
        begin = match is(begin_mask) {
            true if stride > 0 => 0,
            true => side - 1,
            false => from_end(begin).clamp(least, most),
        };
        end = match is(end_mask) {
            true if stride > 0 => side,
            true => -1,
            false => from_end(end).clamp(least, most),
        };
        let count = if is(shrink_mask) {
            if !(0..side).contains(&begin) {
                return Err(format!(
                    "it takes place {begin} of {side} along axis {axis}"
                ));
            }
            1
        } else {
            let reach = if stride > 0 { end - begin } else { begin - end };
            let stride = stride.unsigned_abs();
            let count = (reach.max(0) as u64).div_ceil(stride) as usize;
            made.push(count);
            count
        };
        slice.begin.push(begin.max(0) as usize);
        slice.step.push(stride as isize);
        slice.count.push(count);
    }
    call.makes(&made)?;
    Ok(Move::Slice(slice))
}

/// `SPLIT` and `SPLIT_V`, which have the tensor and the axis at those inputs.
pub(super) fn read_split(
    call: &Call<'_>,
    tensor: usize,
    along: usize,
) -> Result<Vec<Read>, String> {
    let from = call.input(tensor)?;
    let &[number] = call.constant_int32(along)? else {
        return Err("it has no axis, or several".to_owned());
    };
    let along = axis(number, from.shape.len())?;
    let side = |shape: &[usize]| shape.get(along).copied().unwrap_or(0);
    parts(call, tensor, along, side, <[usize]>::to_vec)
}

pub(super) fn read_unpack(call: &Call<'_>) -> Result<Vec<Read>, String> {
    let along = axis(call.options.int(1, 0)?, call.input(0)?.shape.len())?;
    let without_axis = |shape: &[usize]| {
        let mut shape = shape.to_vec();
        shape.remove(along);
        shape
    };
    parts(call, 0, along, |_| 1, without_axis)
}

/// A slice an output, one after the other along an axis: `side` says how long each is by its
/// shape, and `shape` what shape it has by that of the slice.
fn parts(
    call: &Call<'_>,
    tensor: usize,
    along: usize,
    side: impl Fn(&[usize]) -> usize,
    shape: impl Fn(&[usize]) -> Vec<usize>,
) -> Result<Vec<Read>, String> {
    let from = call.input(tensor)?;
    let mut all = Vec::new();
    let mut begin = 0;
    for index in 0..call.outputs.len() {
        let output = call.output(index)?;
        let count = side(&output.shape);
        let slice = Slice::along(&from.shape, along, begin, count);
        let fits = shape(&slice.count) == output.shape && output.element == from.element;
        begin += count;
        if !fits || begin > from.shape[along] {
            return Err(format!(
                "`{}`, {:?}, is no part of `{}`, {:?}",
                output.name, output.shape, from.name, from.shape
            ));
        }
        all.push(Read {
            operator: Operator::Move(Move::Slice(slice)),
            reads: vec![call.input_id(tensor)?],
            writes: call.output_id(index)?,
        });
    }
    Ok(all)
}
