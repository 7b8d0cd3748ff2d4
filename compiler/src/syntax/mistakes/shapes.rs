//! Maps of different shapes that a list joins, and what would make them equal.

use crate::network::{Entry, Kind, MOST_CHANNELS, OwnMap, Padding, Shape, Stride, Window};
use crate::syntax::ast::{ItemAst, Source};

/// A map that is joined to one of another shape: both shapes, and what would make
/// them equal.
pub(super) fn differ(
    source: &Source,
    index: usize,
    (label, given): (&str, Shape),
    (needed, concatenates): (Shape, bool),
    own: &Option<OwnMap>,
) -> String {
    let item = &source.list.items[index];
    let own_is_here = own.is_some_and(|own| own.item == index);
    let whose = match own {
        Some(_) if own_is_here => format!("`{}` makes", item.text),
        Some(own) => format!("`{}` makes", source.list.items[own.item].text),
        None => "the input is".to_owned(),
    };
    let sides = |shape: Shape| match concatenates {
        true => format!("{}×{} pixels", shape.height, shape.width),
        false => shape.to_string(),
    };
    let mut message = format!(
        "`'{label}` is {}, and {whose} {}: they must be equal",
        sides(given),
        sides(needed)
    );
    let mut changes = Vec::new();
    if let Some(own) = own
        && let Some(arguments) =
            equal_by(&source.list.items[own.item], own.input, given, concatenates)
    {
        let whose = match own_is_here {
            true => "here".to_owned(),
            false => format!("in `{}`", source.list.items[own.item].text),
        };
        changes.push(format!("write `{arguments}` {whose}"));
    }
    changes.extend(projection(label, given, needed, concatenates));
    if !changes.is_empty() {
        message += "; ";
        message += &changes.join(", or ");
    }
    message
}

/// The arguments with which a layer makes a map of that shape of what it reads:
/// as few as can be.
fn equal_by(item: &ItemAst, input: Shape, wanted: Shape, any_channels: bool) -> Option<String> {
    let Some(Entry::Layer { kind, labels: _ }) = &item.entry else {
        return None;
    };
    let outputs = kind.outputs().filter(|_| !any_channels);
    let outputs = outputs.filter(|&n| n != wanted.channels);
    let changed = match outputs {
        Some(_) => kind.with_outputs(wanted.channels),
        None => *kind,
    };
    let fits = |kind: &Kind| {
        let made = kind.output(&[input]);
        (made.height, made.width) == (wanted.height, wanted.width)
            && (any_channels || made.channels == wanted.channels)
    };
    if outputs.is_some_and(|_| wanted.channels > MOST_CHANNELS) {
        return None;
    }
    if fits(&changed) {
        return Some(changed.to_string());
    }
    let window = kind.sliding_window()?;
    let candidates = strides(window.stride).flat_map(|stride| {
        paddings(window).map(move |padding| Window {
            stride,
            padding,
            ..window
        })
    });
    let mut fitting =
        candidates.filter(|&window| window.fits(input) && fits(&changed.with_window(window)));
    let found = fitting.next()?;
    if outputs.is_some() {
        return Some(changed.with_window(found).to_string());
    }
    let mut arguments = Vec::new();
    if found.stride != window.stride {
        arguments.push(format!("stride: {}", found.stride.written()));
    }
    if found.padding != window.padding {
        arguments.push(match found.padding {
            Padding::Same => "padding: same".to_owned(),
            Padding::Each(each) => format!("padding: {each}"),
        });
    }
    Some(arguments.join(", "))
}

/// The stride as it is, then others.
fn strides(own: Stride) -> impl Iterator<Item = Stride> {
    let sides = (1..=4).flat_map(|rows| (1..=4).map(move |columns| Stride { rows, columns }));
    let (square, others): (Vec<_>, Vec<_>) = sides.partition(|it| it.rows == it.columns);
    [own].into_iter().chain(square).chain(others)
}

/// The padding as it is, then others.
fn paddings(window: Window) -> impl Iterator<Item = Padding> + Clone {
    let side = window.kernel.height.min(window.kernel.width);
    let each = (0..side).map(Padding::Each);
    [window.padding, Padding::Same].into_iter().chain(each)
}

/// A 1×1 convolution that brings the labelled map to the shape that it must have.
fn projection(label: &str, given: Shape, needed: Shape, any_channels: bool) -> Option<String> {
    if any_channels || needed.channels > MOST_CHANNELS {
        return None;
    }
    let stride = strides(Stride::ONE).find(|stride| {
        let sides = (
            given.height.div_ceil(stride.rows),
            given.width.div_ceil(stride.columns),
        );
        sides == (needed.height, needed.width)
    })?;
    let stride = match stride {
        Stride::ONE => String::new(),
        stride => format!(", stride: {}", stride.written()),
    };
    Some(format!(
        "bring `'{label}` to {needed} by a `C1*({},1{stride})` of its own",
        needed.channels
    ))
}
