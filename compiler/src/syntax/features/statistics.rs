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
    let (mut values, mut hop_at) = (StatisticSet::ALL, Vec::new());
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
                hop_at = entry.value.to_vec();
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
        let message = format!(
            "a hop of {hop} samples leaves some out between frames of {frame}: give at most {frame}"
        );
        errors.error(stream(&hop_at), message);
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
    let (mut values, mut right) = (StatisticSet::NONE, true);
    for Piece { trees, comma } in pieces(&inner) {
        let written = ident(trees).map(ToString::to_string);
        let mut known = Statistic::ALL.into_iter();
        let message = match known.find(|it| written.as_deref() == Some(it.name())) {
            None => format!("expected {expected}, {}", found(trees)),
            Some(statistic) if values.has(statistic) => {
                format!("`{}` is given before", statistic.name())
            }
            Some(statistic) => {
                values = values.with(statistic);
                continue;
            }
        };
        let at = trees.iter().chain(comma).take(trees.len().max(1));
        errors.error(stream(&at.cloned().collect::<Vec<_>>()), message);
        right = false;
    }
    right.then_some(values)
}
