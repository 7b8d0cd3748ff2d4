use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;

/// How many items of a kind a message names, before it counts the rest.
const NAMED: usize = 10;

/// What is wrong with the data: everything that can be found at once, a line each when displayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(Vec<String>);

impl Problems {
    /// The problems, in the order in which they were found: one at least.
    pub fn messages(&self) -> &[String] {
        &self.0
    }
}

impl From<String> for Problems {
    fn from(message: String) -> Self {
        Self(vec![message])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl Error for Problems {}

/// Collects problems of checks that do not depend on each other.
#[derive(Debug, Default)]
pub(crate) struct Checks(Vec<String>);

impl Checks {
    pub(crate) fn fail(&mut self, message: String) {
        self.0.push(message);
    }

    /// What `result` holds; its problems are kept.
    pub(crate) fn pass<T>(&mut self, result: Result<T, Problems>) -> Option<T> {
        result.map_err(|problems| self.0.extend(problems.0)).ok()
    }

    /// `Ok` when there was no problem.
    pub(crate) fn finish(self) -> Result<(), Problems> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Problems(self.0))
        }
    }
}

/// The first of `items`, and how many more there are.
pub(crate) fn named<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    let mut items = items.into_iter();
    let first: Vec<_> = items
        .by_ref()
        .take(NAMED)
        .map(|item| item.to_string())
        .collect();
    let more = match items.count() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", first.join(", "))
}

pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Problems {
    format!("cannot read {}: {error}", path.display()).into()
}
