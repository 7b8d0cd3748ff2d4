//! Tables of numbers, as loggers and spreadsheets write them.

use std::path::Path;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use crate::Problems;
use crate::problems::{named, unreadable};

/// What columns of classes are called, in lower case.
const LABELS: [&str; 6] = [
    "label", "class", "target", "activity", "gesture", "category",
];
/// What columns that are no signal are called, in lower case: what comes after a letter, `(ms)`
/// say, does not count.
const TIMES: [&str; 14] = [
    "",
    "t",
    "time",
    "timestamp",
    "times",
    "ms",
    "millis",
    "us",
    "micros",
    "sec",
    "seconds",
    "date",
    "datetime",
    "index",
];
/// Steps of a column without a name that is taken for the time differ by that share at most.
const STEADY: f64 = 0.05;

/// Which columns are no signal.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted<'a> {
    /// Whether one has the classes.
    pub(crate) has_labels: bool,
    /// Its name; else it is looked for.
    pub(crate) label: Option<&'a str>,
    /// The name of the column of groups.
    pub(crate) group: Option<&'a str>,
    /// Columns of signals, where it is known.
    pub(crate) columns: Option<usize>,
}

/// A table that was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Table {
    /// The names of its columns of signals; none where the file has no header.
    pub(crate) header: Vec<String>,
    /// Columns of signals.
    pub(crate) columns: usize,
    /// Rows of `columns` numbers each.
    pub(crate) values: Vec<f32>,
    /// Each row's class, where they were wanted.
    pub(crate) labels: Vec<String>,
    /// Each row's group, where they were wanted.
    pub(crate) groups: Vec<String>,
    /// The column that was taken for the time, or a count: it is left out.
    pub(crate) time: Option<String>,
}

/// What a column is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Signal,
    Label,
    Group,
    Time,
}

impl Table {
    /// Rows.
    pub(crate) fn rows(&self) -> usize {
        self.values.len() / self.columns.max(1)
    }

    /// Reads a table whose cells are parted by commas, semicolons or tabs.
    pub(crate) fn read(path: &Path, wanted: Wanted<'_>) -> Result<Self, Problems> {
        let told = |message: String| Problems::from(format!("{}{message}", path.display()));
        let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
        let mut rows = Rows::of(&bytes);
        let mut row = Row::default();
        if !rows.next(&mut row) {
            return Err(told(" is empty".to_owned()));
        }
        let names: Vec<String> = row.cells().map(text).collect();
        let is_header = is_header(&names);
        let roles = roles(&names, is_header, wanted).map_err(told)?;
        let signals = |role: &Role| *role == Role::Signal;
        let named = names.iter().zip(&roles);
        let time = named.clone().find(|(_, role)| **role == Role::Time);
        let mut table = Self {
            columns: roles.iter().filter(|it| signals(it)).count(),
            time: time.map(|(name, _)| name.clone()),
            header: match is_header {
                true => named
                    .filter(|(_, role)| signals(role))
                    .map(|(name, _)| name.clone())
                    .collect(),
                false => Vec::new(),
            },
            ..Self::default()
        };
        if table.columns == 0 {
            return Err(told(" has no column of numbers".to_owned()));
        }
        if is_header && !rows.next(&mut row) {
            return Err(told(" has a header and no rows".to_owned()));
        }
        loop {
            let line = row.line;
            if row.ends.len() != roles.len() {
                return Err(told(format!(
                    ":{line}: {} columns, and {} in the first row",
                    row.ends.len(),
                    roles.len()
                )));
            }
            for (at, (cell, role)) in row.cells().zip(&roles).enumerate() {
                match role {
                    Role::Signal => {
                        let number = number(cell).ok_or_else(|| {
                            told(format!(
                                ":{line}: column {} has {:?}: expected a number",
                                at + 1,
                                text(cell)
                            ))
                        })?;
                        table.values.push(number);
                    }
                    Role::Label => table.labels.push(text(cell)),
                    Role::Group => table.groups.push(text(cell)),
                    Role::Time => {}
                }
            }
            if !rows.next(&mut row) {
                break;
            }
        }
        table.drop_time(wanted.columns);
        Ok(table)
    }

    /// Leaves out a first column that is a time by its numbers: where a header does not say, and
    /// there is one column too many, or it grows by steps that are alike.
    fn drop_time(&mut self, columns: Option<usize>) {
        let all = self.columns;
        if !self.header.is_empty() || all < 2 || columns == Some(all) || self.rows() < 3 {
            return;
        }
        let first: Vec<f64> = self
            .values
            .iter()
            .step_by(all)
            .map(|&it| it.into())
            .collect();
        let steps: Vec<f64> = first.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let (least, greatest) = steps
            .iter()
            .fold((f64::INFINITY, 0.0_f64), |(least, most), &it| {
                (least.min(it), most.max(it))
            });
        let is_steady = greatest - least <= STEADY * greatest;
        if least <= 0.0 || columns != Some(all - 1) && !is_steady {
            return;
        }
        let rows = self.values.chunks_exact(all);
        self.values = rows.flat_map(|row| row[1..].iter().copied()).collect();
        self.columns = all - 1;
        self.time = Some("the first column".to_owned());
    }
}

/// The rows of a file.
struct Rows<'a> {
    reader: Reader,
    left: &'a [u8],
}

/// A row's cells, one after the other.
#[derive(Default)]
struct Row {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// The line that it begins at, counted from 1.
    line: u64,
}

impl<'a> Rows<'a> {
    /// What spreadsheets put before the first letter is left out.
    fn of(bytes: &'a [u8]) -> Self {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let first_line = bytes
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        Self {
            reader: ReaderBuilder::new()
                .delimiter(delimiter(first_line))
                .comment(Some(b'#'))
                .build(),
            left: bytes,
        }
    }

    /// Reads the next row; false at the end.
    fn next(&mut self, row: &mut Row) -> bool {
        let (mut length, mut cells) = (0, 0);
        row.line = self.reader.line();
        loop {
            // Room is made as it is needed.
            row.bytes.resize(row.bytes.len().max(length + 256), 0);
            row.ends.resize(row.ends.len().max(cells + 16), 0);
            let (result, read, written, ended) = self.reader.read_record(
                self.left,
                &mut row.bytes[length..],
                &mut row.ends[cells..],
            );
            self.left = &self.left[read..];
            length += written;
            cells += ended;
            match result {
                // An empty slice says that there are no more bytes.
                ReadRecordResult::InputEmpty
                | ReadRecordResult::OutputFull
                | ReadRecordResult::OutputEndsFull => {}
                ReadRecordResult::Record => {
                    row.bytes.truncate(length);
                    row.ends.truncate(cells);
                    return true;
                }
                ReadRecordResult::End => return false,
            }
        }
    }
}

impl Row {
    /// Its cells, without the blanks around them.
    fn cells(&self) -> impl Iterator<Item = &[u8]> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        let cells = begins.zip(&self.ends);
        cells.map(|(begin, end)| self.bytes[begin..*end].trim_ascii())
    }
}

/// What each column is.
fn roles(names: &[String], is_header: bool, wanted: Wanted<'_>) -> Result<Vec<Role>, String> {
    let mut roles: Vec<Role> = names
        .iter()
        .map(|name| match is_header && is_time(name) {
            true => Role::Time,
            false => Role::Signal,
        })
        .collect();
    let columns = || match is_header {
        true => format!("there are {}", named(names)),
        false => format!("there are 1 to {}, without names", names.len()),
    };
    let find = |column: &str| {
        let by_name = names.iter().position(|name| is_header && name == column);
        let by_number = || {
            column
                .parse()
                .ok()
                .filter(|at| (1..=names.len()).contains(at))
        };
        by_name
            .or_else(|| by_number().map(|at: usize| at - 1))
            .ok_or_else(|| format!(" has no column {column:?}: {}", columns()))
    };
    if let Some(column) = wanted.group {
        roles[find(column)?] = Role::Group;
    }
    if !wanted.has_labels {
        return Ok(roles);
    }
    let is_label = |name: &String| LABELS.contains(&name.to_lowercase().as_str());
    let at = match (wanted.label, is_header) {
        (Some(column), _) => find(column)?,
        (None, true) => names.iter().position(is_label).ok_or_else(|| {
            format!(
                " has no column of classes: name one `label`, or say which it is \
                 (--label-column); {}",
                columns()
            )
        })?,
        (None, false) => {
            let words: Vec<usize> = (0..names.len())
                .filter(|&at| number(names[at].as_bytes()).is_none())
                .collect();
            match words[..] {
                [at] => at,
                _ => {
                    return Err(format!(
                        " has no header, and not one column of words that is the class: say \
                         which it is (--label-column 1 is the first); {}",
                        columns()
                    ));
                }
            }
        }
    };
    roles[at] = Role::Label;
    Ok(roles)
}

/// Whether a first row names columns: no cell of it is a number, or one has a known name.
fn is_header(cells: &[String]) -> bool {
    let is_word = |cell: &String| number(cell.as_bytes()).is_none();
    let tells = |cell: &String| {
        let lower = cell.to_lowercase();
        LABELS.contains(&lower.as_str()) || !cell.is_empty() && is_word(cell) && is_time(cell)
    };
    cells.iter().all(is_word) || cells.iter().any(tells)
}

fn is_time(name: &str) -> bool {
    let lower = name.to_lowercase();
    let word = lower.split(|letter: char| !letter.is_alphabetic()).next();
    TIMES.contains(&word.unwrap_or_default()) && (lower.is_empty() || word != Some(""))
}

fn delimiter(line: &[u8]) -> u8 {
    let count = |delimiter: &u8| line.iter().filter(|byte| *byte == delimiter).count();
    // The last of the greatest: a comma, where none is there.
    [b'\t', b';', b',']
        .into_iter()
        .max_by_key(count)
        .unwrap_or(b',')
}

fn number(cell: &[u8]) -> Option<f32> {
    let number: f32 = std::str::from_utf8(cell).ok()?.parse().ok()?;
    number.is_finite().then_some(number)
}

fn text(cell: &[u8]) -> String {
    String::from_utf8_lossy(cell).into_owned()
}
