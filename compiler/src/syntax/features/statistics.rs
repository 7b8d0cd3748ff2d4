use proc_macro2::{Delimiter, TokenTree};

use crate::diagnostic::Diagnostics;
use crate::features::{Statistic, StatisticSet, Statistics};
use crate::syntax::features::missing;
use crate::syntax::keys::Key;
use crate::syntax::tokens::{Piece, alternatives, found, group, ident, pieces, stream, trees};
use crate::syntax::values::{Entry, entries};

const NAMES: [&str; 5] = ["channels", "frame", "hop", "values", "floor"];

/// Reads what is in the braces of `statistics { name: value, … }`.
pub(super) fn read(
    name: &TokenTree,
    braces: &[TokenTree],
    errors: &mut Diagnostics,
) -> Option<Statistics> {
    let (mut channels, mut frame, mut hop, mut floor) = (None, None, None, None);
    let mut values = StatisticSet::ALL;
    let right = entries(Key::Features, braces, NAMES, errors, |entry, errors| {
        let mut within = |expected: &str, accept: &dyn Fn(u64) -> bool| {
            let accepted = |number| accept(number).then_some(number as u32);
            entry.integer(expected, errors, accepted)
        };
        match entry.index {
            0 => {
                let most = u64::from(Statistics::MOST_CHANNELS);
                let expected = format!("channels for `channels`, from 1 to {most}");
                channels = Some(within(&expected, &|it| (1..=most).contains(&it))?);
            }
            1 => {
                let frames = Statistics::FRAMES;
                let expected = format!("{} samples for `frame`", alternatives(&frames));
                let is_frame = |it| frames.map(u64::from).contains(&it);
                frame = Some(within(&expected, &is_frame)?);
            }
            2 => {
                let expected = "samples for `hop`, from 1 to `frame`";
                hop = Some(within(expected, &|it| (1..=512).contains(&it))?);
            }
            3 => values = read_values(&entry, errors)?,
            _ => {
                let most = u64::from(Statistics::MOST_FLOOR);
                let expected = format!("octaves for `floor`, from 0 to {most}");
                floor = Some(within(&expected, &|it| it <= most)?);
            }
        }
        Some(())
    });
    if !right {
        return None;
    }
    let Some(frame) = frame else {
        missing(name, &["frame"], errors);
        return None;
    };
    let hop = hop.unwrap_or(frame);
    if hop > frame {
        let value = [std::slice::from_ref(name), braces].concat();
        let message = format!(
            "a hop of {hop} samples leaves some out between frames of {frame}: give at most {frame}"
        );
        errors.error(stream(&value), message);
        return None;
    }
    Some(Statistics {
        channels: channels.unwrap_or(1),
        frame,
        hop,
        values,
        floor: floor.unwrap_or(0),
    })
}

/// Reads `[mean, energy]`.
fn read_values(entry: &Entry<'_>, errors: &mut Diagnostics) -> Option<StatisticSet> {
    let names = Statistic::ALL.map(Statistic::name);
    let expected = format!("some of {}", alternatives(&names).replace(" or ", " and "));
    let list = group(entry.value).filter(|group| group.delimiter() == Delimiter::Bracket);
    let inner = list.map(|list| trees(list.stream()));
    let Some(inner) = inner.filter(|inner| !inner.is_empty()) else {
        let given = match entry.value {
            [] => std::slice::from_ref(entry.name),
            value => value,
        };
        let found = found(entry.value);
        let message = format!("expected `values: [mean, energy]`, {expected}, {found}");
        errors.error(stream(given), message);
        return None;
    };
    let mut values = Some(StatisticSet::NONE);
    for Piece { trees, comma } in pieces(&inner) {
        let written = ident(trees).map(ToString::to_string);
        let known = Statistic::ALL.into_iter();
        let mut known = known.filter(|it| written.as_deref() == Some(it.name()));
        let Some(statistic) = known.next() else {
            let at = trees.iter().chain(comma).take(trees.len().max(1));
            let at: Vec<_> = at.cloned().collect();
            errors.error(
                stream(&at),
                format!("expected {expected}, {}", found(trees)),
            );
            values = None;
            continue;
        };
        if values.is_some_and(|values| values.has(statistic)) {
            let message = format!("`{}` is there before", statistic.name());
            errors.error(stream(trees), message);
            values = None;
        }
        values = values.map(|values| values.with(statistic));
    }
    values
}
