//! How the rows of a table are an input.

use crate::InputShape;

/// Rows of a table that are an input: those of its map, or the steps of a series; and how many
/// columns each has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

impl Layout {
    /// Of a network's input.
    pub(crate) fn of(shape: InputShape) -> Self {
        let [height, width, channels] =
            [shape.height, shape.width, shape.channels].map(|side| side as usize);
        match height {
            1 => Self {
                rows: width,
                columns: channels,
            },
            _ => Self {
                rows: height,
                columns: width * channels,
            },
        }
    }

    /// Makes that many rows of a recording's: the last row is repeated, or what is too much is cut.
    /// Whether it was short or long.
    pub(crate) fn fit(self, values: &mut Vec<f32>) -> Fitted {
        let needed = self.rows * self.columns;
        let fitted = match values.len().cmp(&needed) {
            std::cmp::Ordering::Less => Fitted::Short,
            std::cmp::Ordering::Equal => Fitted::Whole,
            std::cmp::Ordering::Greater => Fitted::Long,
        };
        values.truncate(needed);
        while !values.is_empty() && values.len() < needed {
            values.push(values[values.len() - self.columns]);
        }
        fitted
    }
}

/// How long a recording was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fitted {
    Short,
    Whole,
    Long,
}

/// How many recordings were not as long as the input.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lengths {
    short: usize,
    long: usize,
    all: usize,
}

impl Lengths {
    /// A recording that was short, and is filled already.
    pub(crate) fn count_short(&mut self) {
        self.count(Fitted::Short);
    }

    pub(crate) fn count(&mut self, fitted: Fitted) {
        self.all += 1;
        match fitted {
            Fitted::Short => self.short += 1,
            Fitted::Whole => {}
            Fitted::Long => self.long += 1,
        }
    }

    /// What is reported to the user: `unit`s that an input has, and what short ones were filled with.
    pub(crate) fn notes(self, units: usize, unit: &str, filling: &str) -> Vec<String> {
        let Self { short, long, all } = self;
        let mut notes = Vec::new();
        if long > 0 {
            notes.push(format!(
                "{long} of {all} recordings are longer than {units} {unit}: the rest is cut off"
            ));
        }
        if short > 0 {
            notes.push(format!(
                "{short} of {all} recordings are shorter than {units} {unit}: {filling}"
            ));
        }
        notes
    }
}
