//! What a slot of a list is filled with: layers one after the other, some of which may read others
//! of them by their labels.

use std::collections::BTreeMap;

use herringbone_compiler::network::{Entry, INPUT_LABEL, Item};

use crate::design::is_training_only;

/// Layers one after the other; none is no layer. A label is of one of them and read by another.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Run(Vec<Item>);

impl Run {
    pub(super) fn of(items: impl Into<Vec<Item>>) -> Self {
        Self(items.into())
    }

    /// Parts a list into runs, each as short as possible: a label and all that read it are in one run.
    /// None where labels are read that nobody has.
    pub(super) fn parted(items: &[&Item]) -> Vec<Self> {
        let has = |label: &str| {
            let mut labels = items.iter().filter_map(|item| item.label.as_deref());
            label == INPUT_LABEL || labels.any(|other| other == label)
        };
        if !items.iter().flat_map(|item| read_by(item)).all(has) {
            return Vec::new();
        }
        let last_reader = |label: &str| {
            let is_read = |item: &&Item| read_by(item).any(|other| other == label);
            items.iter().rposition(is_read)
        };
        let mut runs = Vec::new();
        let mut first = 0;
        while first < items.len() {
            let (mut at, mut last) = (first, first);
            while at <= last {
                let reader = items[at].label.as_deref().and_then(last_reader);
                last = last.max(reader.unwrap_or(at));
                at += 1;
            }
            let run = items[first..=last].iter().map(|&item| item.clone());
            runs.push(Self(run.collect()));
            first = last + 1;
        }
        runs
    }

    /// Whether both have labels, or both are one layer of the same letter without one.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        match (&self.0[..], &other.0[..]) {
            ([one], [other]) => are_alike(one, other),
            (one @ [_, _, ..], other @ [_, _, ..]) => {
                let has_labels = |items: &[Item]| items.iter().any(|item| item.label.is_some());
                has_labels(one) && has_labels(other)
            }
            _ => false,
        }
    }

    /// Whether it is that one, whatever its labels are called.
    pub(super) fn is(&self, other: &Self) -> bool {
        let mut names = Names::default();
        let mut pairs = self.0.iter().zip(&other.0);
        self.0.len() == other.0.len() && pairs.all(|(one, other)| names.same(one, other))
    }

    /// How many of those items it is the first of, whatever its labels are called; `None` where it
    /// is not. Of it, layers that mean something in training alone count for nothing, and none of
    /// the items is such.
    pub(super) fn begins(&self, items: &[&Item]) -> Option<usize> {
        let own = || self.0.iter().filter(|item| !is_training_only(item));
        let mut names = Names::default();
        let count = own().count();
        let others = items.get(..count)?;
        let are_same = own().zip(others).all(|(own, other)| names.same(own, other));
        are_same.then_some(count)
    }
}

/// The labels that an item reads.
fn read_by(item: &Item) -> impl Iterator<Item = &str> {
    let labels = match &item.entry {
        Entry::From(label) => std::slice::from_ref(label),
        Entry::Layer { labels, .. } => &labels[..],
        Entry::Residual { .. } | Entry::Bonsai(_) | Entry::Proto(_) => &[],
    };
    labels.iter().map(String::as_str)
}

/// Which names of one list are which of another.
#[derive(Default)]
struct Names<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Names<'a> {
    fn same(&mut self, one: &'a Item, other: &'a Item) -> bool {
        let are_same = match (&one.entry, &other.entry) {
            (Entry::From(one), Entry::From(other)) => self.pair(one, other),
            (
                Entry::Layer { kind, labels },
                Entry::Layer {
                    kind: other,
                    labels: others,
                },
            ) => {
                let mut pairs = labels.iter().zip(others);
                kind == other
                    && labels.len() == others.len()
                    && pairs.all(|(one, other)| self.pair(one, other))
            }
            (one, other) => one == other,
        };
        are_same
            && match (&one.label, &other.label) {
                (Some(one), Some(other)) => self.pair(one, other),
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            }
    }

    fn pair(&mut self, one: &'a str, other: &'a str) -> bool {
        if one == INPUT_LABEL || other == INPUT_LABEL {
            return one == other;
        }
        let known = self.0.iter().find(|pair| pair.0 == one || pair.1 == other);
        match known {
            Some(known) => *known == (one, other),
            None => {
                self.0.push((one, other));
                true
            }
        }
    }
}

/// Names for the labels of a whole list: `'a`, `'b`, … as they come, so that no two runs of it have
/// one in common.
#[derive(Default)]
pub(super) struct Labels {
    count: usize,
}

impl Labels {
    /// The layers of a run, with labels of their own.
    pub(super) fn name(&mut self, run: &Run) -> Vec<Item> {
        let mut names = BTreeMap::new();
        let mut rename = |label: &str| match label {
            INPUT_LABEL => label.to_owned(),
            _ => {
                let name = names.entry(label.to_owned()).or_insert_with(|| {
                    self.count += 1;
                    name(self.count - 1)
                });
                name.clone()
            }
        };
        let items = run.0.iter().map(|item| Item {
            label: item.label.as_deref().map(&mut rename),
            entry: match &item.entry {
                Entry::From(label) => Entry::From(rename(label)),
                Entry::Layer { kind, labels } => Entry::Layer {
                    kind: *kind,
                    labels: labels.iter().map(|label| rename(label)).collect(),
                },
                entry @ (Entry::Residual { .. } | Entry::Bonsai(_) | Entry::Proto(_)) => {
                    entry.clone()
                }
            },
        });
        items.collect()
    }
}

/// `a` to `z`, then `a1` to `z1`, and so on.
fn name(index: usize) -> String {
    let letter = char::from(b'a' + (index % 26) as u8);
    match index / 26 {
        0 => letter.to_string(),
        round => format!("{letter}{round}"),
    }
}

/// Whether two layers have one letter, and name no map.
fn are_alike(one: &Item, other: &Item) -> bool {
    if one.label.is_some() || other.label.is_some() {
        return false;
    }
    match (&one.entry, &other.entry) {
        (
            Entry::Layer { kind, labels },
            Entry::Layer {
                kind: other,
                labels: others,
            },
        ) => {
            let is_alone = labels.is_empty() && others.is_empty();
            is_alone && std::mem::discriminant(kind) == std::mem::discriminant(other)
        }
        (Entry::Residual { .. }, Entry::Residual { .. })
        | (Entry::Bonsai(_), Entry::Bonsai(_))
        | (Entry::Proto(_), Entry::Proto(_)) => true,
        (
            Entry::From(_)
            | Entry::Residual { .. }
            | Entry::Layer { .. }
            | Entry::Bonsai(_)
            | Entry::Proto(_),
            _,
        ) => false,
    }
}
