//! What is wrong with the graph that a list makes, said at the tokens that make
//! it wrong. The network knows items by their places; here are their words.

mod shapes;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;

use super::ast::{ItemAst, Source};
use super::list::{KERNEL, Letter, WINDOW};
use super::tokens::alternatives;
use crate::diagnostic::Diagnostics;
use crate::network::{Entry, GraphError, Kernel, MOST_CHANNELS, MOST_PIXELS, Shape};

/// Whether an error is one of labels, and right whatever the shapes are.
pub(super) const fn is_about_labels(error: &GraphError) -> bool {
    match error {
        GraphError::UnknownLabel { .. }
        | GraphError::DuplicateLabel { .. }
        | GraphError::UnusedLabel { .. }
        | GraphError::UnreadBranch { .. } => true,
        GraphError::KernelLargerThanMap { .. }
        | GraphError::PaddingOfKernel { .. }
        | GraphError::TooManyChannels { .. }
        | GraphError::TooManyPixels { .. }
        | GraphError::ShapesDiffer { .. }
        | GraphError::SignsDiffer { .. }
        | GraphError::AveragesSharedInput { .. }
        | GraphError::ReadsWide { .. }
        | GraphError::ReadsScores { .. }
        | GraphError::SequenceOfChannels { .. }
        | GraphError::NothingToCompute => false,
    }
}

/// Adds an error of the graph, at its tokens.
pub(super) fn report(source: &Source, error: &GraphError, errors: &mut Diagnostics) {
    let item = |index: usize| &source.list.items[index];
    let (tokens, message) = match error {
        GraphError::KernelLargerThanMap {
            item: index,
            kernel,
            map,
        } => misfit(source, *index, *kernel, *map),
        GraphError::PaddingOfKernel {
            item: index,
            padding,
            kernel,
        } => padding_of_kernel(item(*index), *padding, *kernel),
        GraphError::TooManyChannels {
            item: index,
            channels,
        } => (
            &item(*index).tokens,
            too_many_channels(item(*index), *channels),
        ),
        GraphError::TooManyPixels { item: None, map } => (
            &source.input.tokens,
            format!("{}: use a smaller input", too_many_pixels("an input", *map)),
        ),
        GraphError::TooManyPixels {
            item: Some(index),
            map,
        } => (
            &item(*index).tokens,
            format!(
                "{}: use less padding, or pool earlier",
                too_many_pixels("an output", *map)
            ),
        ),
        GraphError::UnknownLabel {
            item: index,
            label,
            comes_later,
            similar,
            known,
        } => (
            item(*index).read_tokens(label),
            unknown_label(label, *comes_later, similar.as_deref(), known),
        ),
        GraphError::DuplicateLabel { item: index, label } => (
            item(*index).label_tokens(),
            duplicate_label(source, *index, label),
        ),
        GraphError::UnusedLabel { item: index, label } => (
            item(*index).label_tokens(),
            format!(
                "label `'{label}` is never used: use it, as in `Add('{label})`, or leave it out"
            ),
        ),
        GraphError::ShapesDiffer {
            item: index,
            label,
            given,
            needed,
            concatenates,
            own,
        } => (
            item(*index).read_tokens(label),
            shapes::differ(
                source,
                *index,
                (label, *given),
                (*needed, *concatenates),
                own,
            ),
        ),
        GraphError::SignsDiffer {
            item: index,
            label,
            running_is_signed,
        } => (
            item(*index).read_tokens(label),
            signs_differ(label, *running_is_signed),
        ),
        GraphError::UnreadBranch { item: index } => {
            (&item(*index).tokens, unread_branch(item(*index)))
        }
        GraphError::AveragesSharedInput { item: index } => (
            &item(*index).tokens,
            format!(
                "`{}` averages whole bytes of the input, and others read the input too: put `M(1)` \
                 before it, so that it averages what they read",
                item(*index).text
            ),
        ),
        GraphError::ReadsWide { item: index, label } => match label {
            None => (
                &item(*index).tokens,
                format!(
                    "`{}` can't read the states of `G`, which have 16 bits: expected `D` or \
                     `G` after it",
                    item(*index).text
                ),
            ),
            Some(label) => (
                item(*index).read_tokens(label),
                format!(
                    "`'{label}` are states of `G`, which have 16 bits and can't be added or \
                     concatenated: put `D` between them"
                ),
            ),
        },
        GraphError::SequenceOfChannels {
            item: index,
            channels,
        } => (
            &item(*index).tokens,
            format!(
                "`{}` reads each of {channels} channels in a step of its own, and `sequence: all` \
                 needs steps of whole rows: use `feed: rows` or `feed: multi`",
                item(*index).text
            ),
        ),
        GraphError::ReadsScores { item: index } => (
            &item(*index).tokens,
            format!(
                "`{}` would read the scores of classes, which end the list: put it before them",
                item(*index).text
            ),
        ),
        GraphError::NothingToCompute => (
            &source.list.tokens,
            "no layer computes anything: expected at least one other than `Dr` and `N`, such as \
             `D*(10)`"
                .to_owned(),
        ),
    };
    errors.error(tokens, message);
}

fn too_many_pixels(what: &str, map: Shape) -> String {
    format!("{what} of {map} has more than the {MOST_PIXELS} pixels that a map can have")
}

/// A kernel or window that is larger than its map.
fn misfit(source: &Source, index: usize, kernel: Kernel, map: Shape) -> (&TokenStream, String) {
    let items = &source.list.items;
    let item = &items[index];
    let maker = items[..index]
        .iter()
        .rev()
        .find(|it| !it.is_training_only());
    let map_of = match maker {
        Some(maker) if !maker.goes_on => format!("{map} map that `{}` makes", maker.text),
        Some(label) => format!("{map} map `{}`", label.text),
        None => format!("{map} input"),
    };
    let is_pool = match &item.entry {
        Some(Entry::Layer { kind, labels: _ }) => kind.pools().is_some(),
        Some(Entry::From(_) | Entry::Residual { .. } | Entry::Bonsai(_) | Entry::Proto(_))
        | None => false,
    };
    let sizes = if is_pool { WINDOW } else { KERNEL };
    let what = sizes.what();
    let most = alternatives(&sizes.most_that_fit(kernel, map));
    let change = match (map.pixels(), is_pool) {
        (1, true) => "leave the layer out".to_owned(),
        (_, true) => format!("use a {what} of at most {most}, or `all`"),
        (_, false) => format!("use a {what} of at most {most}, or `padding: same`"),
    };
    let place = if item.kernel_tokens.is_empty() {
        &item.tokens
    } else {
        &item.kernel_tokens
    };
    let change = match channels_first(source.input.shape, maker.is_none()) {
        Some(meant) => {
            format!("the channels come last, did you mean `{meant}`? Otherwise {change}")
        }
        None => change,
    };
    let message = format!("the {kernel} {what} does not fit the {map_of}: {change}");
    (place, message)
}

fn padding_of_kernel(item: &ItemAst, padding: u32, kernel: Kernel) -> (&TokenStream, String) {
    let side = kernel.height.min(kernel.width);
    let change = match side {
        1 => "use `padding: same`".to_owned(),
        _ => format!("use at most {}, or `padding: same`", side - 1),
    };
    let message = format!(
        "with a padding of {padding}, outputs of the {kernel} kernel at the edge read only zeros: {change}"
    );
    (&item.padding_tokens, message)
}

fn too_many_channels(item: &ItemAst, channels: u32) -> String {
    let text = &item.text;
    if item.letter == Some(Letter::Cat) {
        format!(
            "`{text}` makes {channels} channels, and a map has at most {MOST_CHANNELS}: \
             concatenate fewer"
        )
    } else {
        format!(
            "`{text}` reads {channels} channels, and a layer over pixels reads at most \
             {MOST_CHANNELS}: use fewer outputs before it"
        )
    }
}

fn unknown_label(
    label: &str,
    comes_later: bool,
    similar: Option<&str>,
    known: &[String],
) -> String {
    if comes_later {
        return format!(
            "label `'{label}` is used before the layer that has it: use it after that layer"
        );
    }
    if let Some(similar) = similar {
        return format!("unknown label `'{label}`: did you mean `'{similar}`?");
    }
    let known: Vec<String> = known.iter().rev().map(|it| format!("`'{it}`")).collect();
    format!(
        "unknown label `'{label}`: before it {} {}; write `'{label}:` before the layer that is \
         meant",
        if known.len() == 1 { "is" } else { "are" },
        known.join(", ")
    )
}

fn duplicate_label(source: &Source, index: usize, label: &str) -> String {
    let mut before = source.list.items[..index].iter();
    let first = before.find(|item| item.label.as_ref().is_some_and(|it| it.name == label));
    match first {
        Some(first) => format!(
            "duplicate label `'{label}`: `{}` has it already",
            first.text
        ),
        None => format!("`'{label}` is the network's input: choose another label"),
    }
}

fn signs_differ(label: &str, running_is_signed: bool) -> String {
    let (running, other) = match running_is_signed {
        true => ("may be negative", "is not"),
        false => ("is never negative", "may be"),
    };
    format!(
        "the map before it {running}, `'{label}` {other}, and concatenated maps must have \
         the same sign: give both layers a star, or neither"
    )
}

fn unread_branch(item: &ItemAst) -> String {
    let text = &item.text;
    if item.goes_on {
        return format!("nothing reads `{text}` here: expected a layer after it");
    }
    match &item.label {
        Some(label) => format!(
            "nothing reads what `{text}` makes: the list continues from another map, and nothing is \
             computed from `'{}`",
            label.name
        ),
        None => format!(
            "nothing reads what `{text}` makes: the list continues from another map; label it, \
             `'name: {text}`, and read it, as in `Add('name)`, or leave it out"
        ),
    }
}

/// The input's shape with its first dimension last, where that looks like the
/// channels: as in PyTorch, an image of 1, 3 or 4 of them. Where the layers before
/// have taken something off the sides, only a square image looks so.
fn channels_first(input: Option<Shape>, is_read_here: bool) -> Option<String> {
    let Shape {
        height: channels,
        width: height,
        channels: width,
    } = input?;
    let looks_so = matches!(channels, 1 | 3 | 4)
        && height > 4
        && width > 4
        && (is_read_here || height == width);
    looks_so.then(|| format!("[{height}, {width}, {channels}]"))
}
