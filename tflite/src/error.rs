//! What is wrong with a model.

use std::fmt;

/// What a problem is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The file.
    File,
    /// A tensor.
    Tensor {
        /// Its number in the model's main graph.
        index: usize,
        /// Its name, shortened and escaped.
        name: String,
    },
    /// An operator.
    Operator {
        /// Its number in the model's main graph.
        index: usize,
        /// As TensorFlow Lite's schema has it: `CONV_2D`.
        name: String,
        /// The first tensor that it makes, shortened and escaped.
        makes: String,
    },
}

/// Something that is wrong with a model, or is not there yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What it is about.
    pub place: Place,
    /// What was needed, and what was found.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::File => {}
            Place::Tensor { index, name } => write!(f, "tensor {index}, `{name}`: ")?,
            Place::Operator { index, name, makes } => {
                write!(f, "operator {index}, {name}, which makes `{makes}`: ")?;
            }
        }
        f.write_str(&self.message)
    }
}

/// All that is wrong with a model; of many problems the first, and how many more there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    /// At least one.
    pub first: Vec<Problem>,
    /// How many more were found.
    pub more: usize,
}

impl Problems {
    /// Problems that are kept.
    const KEPT: usize = 10;

    pub(crate) fn new(mut all: Vec<Problem>) -> Self {
        let more = all.len().saturating_sub(Self::KEPT);
        all.truncate(Self::KEPT);
        Self { first: all, more }
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self::new(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.first.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        match self.more {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

impl std::error::Error for Problems {}

/// A text of a file as a message shows it: short, and without what a terminal obeys.
pub(crate) fn shown(text: &[u8]) -> String {
    const LETTERS: usize = 60;
    let text = String::from_utf8_lossy(&text[..text.len().min(4 * LETTERS)]);
    let mut letters = text.chars();
    let mut short: String = letters.by_ref().take(LETTERS).collect();
    if letters.next().is_some() {
        short.push('…');
    }
    short.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_files_are_shown_short_and_escaped() {
        assert_eq!(shown(b"dense/Relu"), "dense/Relu");
        assert_eq!(shown(b"a\x1b[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(shown(&[b'x'; 1000]).chars().count(), 61);
    }

    #[test]
    fn of_many_problems_the_first_ten_are_kept() {
        let problem = Problem {
            place: Place::File,
            message: "it is wrong".to_owned(),
        };
        let problems = Problems::new(vec![problem; 25]);
        assert_eq!(problems.first.len(), 10);
        assert!(problems.to_string().ends_with("\nand 15 more"));
    }
}
