//! Labels, checked against the classes of the network, and the names of classes.

#[cfg(any(feature = "folders", feature = "npz"))]
use std::collections::BTreeMap;

use crate::Problems;
use crate::problems::named;

/// The classes of labelled data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Labels {
    names: Vec<String>,
    /// Whether a label is its class's number, else its name.
    are_numbers: bool,
}

impl Labels {
    /// Those of the training labels: their numbers, where all are whole and none is below 0, else
    /// the names that there are, in order (by number, if all are numbers). `place` has them.
    pub(crate) fn of_training<S: AsRef<str>>(
        labels: &[S],
        expected: Option<usize>,
        place: &str,
    ) -> Result<Self, Problems> {
        let numbers: Option<Vec<u16>> = labels.iter().map(|it| it.as_ref().parse().ok()).collect();
        if let Some(numbers) = numbers {
            let greatest = numbers.iter().max().copied().unwrap_or(0);
            let classes = expected.unwrap_or(usize::from(greatest) + 1);
            within(numbers.iter().copied().map(i128::from), classes, place)?;
            reach_last_class(&numbers, classes, place)?;
            return Ok(Self::numbered(classes));
        }
        let whole = labels.iter().map(|it| it.as_ref().parse::<i64>());
        if let (Some(classes), Ok(whole)) = (expected, whole.collect::<Result<Vec<_>, _>>()) {
            within(whole.into_iter().map(i128::from), classes, place)?;
        }
        let mut names: Vec<String> = Vec::new();
        for label in labels {
            // Few classes: a search is quick enough.
            if !names.iter().any(|name| name == label.as_ref()) {
                names.push(label.as_ref().to_owned());
            }
        }
        sort(&mut names, |name| name);
        if names.iter().any(String::is_empty) {
            return Err(format!("{place}: a label is empty: each example needs a class").into());
        }
        match expected {
            Some(classes) if classes != names.len() => Err(format!(
                "{place}: the network has {classes} classes, the labels are those of {found} \
                 ({}): declare the last layer with {found} outputs, or train on other data",
                named(&names),
                found = names.len()
            )
            .into()),
            _ => Ok(Self {
                names,
                are_numbers: false,
            }),
        }
    }

    /// Classes that are called by their numbers.
    pub(crate) fn numbered(classes: usize) -> Self {
        Self {
            names: (0..classes).map(|class| class.to_string()).collect(),
            are_numbers: true,
        }
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// The class of each label, which `place` has.
    #[cfg(any(feature = "folders", feature = "npz"))]
    pub(crate) fn numbers<S: AsRef<str>>(
        &self,
        labels: &[S],
        place: &str,
    ) -> Result<Vec<u16>, Problems> {
        if self.are_numbers {
            let wrong = |text: &str| format!("{place}: {text:?} is not the number of a class");
            let numbers = labels.iter().map(|label| {
                let text = label.as_ref();
                text.parse::<i128>().map_err(|_| wrong(text))
            });
            let numbers = numbers.collect::<Result<Vec<_>, _>>()?;
            return within(numbers, self.names.len(), place);
        }
        let classes: BTreeMap<&str, u16> = self.names.iter().map(String::as_str).zip(0..).collect();
        let mut unknown: Vec<&str> = Vec::new();
        let numbers = labels.iter().map(|label| {
            let label = label.as_ref();
            classes.get(label).copied().unwrap_or_else(|| {
                if !unknown.contains(&label) {
                    unknown.push(label);
                }
                0
            })
        });
        let numbers = numbers.collect();
        if unknown.is_empty() {
            Ok(numbers)
        } else {
            Err(format!(
                "{place} has the classes {}, for training there are {}: they must be the same",
                named(unknown),
                named(&self.names)
            )
            .into())
        }
    }
}

/// Sorts by name, or by number where all names are numbers.
pub(crate) fn sort<T>(items: &mut [T], name: impl Fn(&T) -> &str) {
    let number = |item: &T| name(item).parse::<u64>().ok();
    if items.iter().all(|item| number(item).is_some()) {
        items.sort_by_key(number);
    } else {
        items.sort_by(|one, other| name(one).cmp(name(other)));
    }
}

/// Checks that each of `labels`, which `place` holds, is one of `classes`.
pub(crate) fn within(
    labels: impl IntoIterator<Item = i128>,
    classes: usize,
    place: &str,
) -> Result<Vec<u16>, Problems> {
    let mut valid = Vec::new();
    let mut wrong = Vec::new();
    for (index, label) in labels.into_iter().enumerate() {
        match u16::try_from(label) {
            Ok(label) if usize::from(label) < classes => valid.push(label),
            _ => wrong.push(format!("{label} at index {index}")),
        }
    }
    if wrong.is_empty() {
        Ok(valid)
    } else {
        Err(format!(
            "{place}: the network has {classes} classes, so labels must be 0 to {}: found {}",
            classes - 1,
            named(wrong)
        )
        .into())
    }
}

/// Checks that the greatest of the training `labels` is the last class: else the network was
/// declared for other data.
fn reach_last_class(labels: &[u16], classes: usize, place: &str) -> Result<(), Problems> {
    let found = labels
        .iter()
        .max()
        .map_or(0, |&label| usize::from(label) + 1);
    if found == classes {
        Ok(())
    } else {
        Err(format!(
            "{place}: the network has {classes} classes, the labels are those of {found}: \
             declare the last layer with {found} outputs, or train on other data"
        )
        .into())
    }
}
