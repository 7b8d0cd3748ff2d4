//! Labels as numbers, checked against the classes of the network.

use crate::Problems;
use crate::problems::named;

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
pub(crate) fn reach_last_class(
    labels: &[u16],
    classes: usize,
    place: &str,
) -> Result<(), Problems> {
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
