//! Tables with a column of classes: a row an example, or a row a moment of a series, whose class
//! stays for a while.

mod parse;
mod shape;

use std::path::{Path, PathBuf};

use crate::checksum::Named;
use crate::labels::Labels;
use crate::problems::Checks;
use crate::source::{Data, Expected};
use crate::{InputShape, Options, Part, Problems, Recordings, Values};
pub(crate) use parse::{Table, Wanted};
pub(crate) use shape::{Layout, Lengths};

/// What the names of such files end with.
pub(crate) const EXTENSIONS: [&str; 3] = ["csv", "tsv", "txt"];

/// Tables, the one for training checked.
pub(crate) struct Tables {
    options: Options,
    parts: [Option<PathBuf>; 3],
    shape: InputShape,
    classes: Labels,
    notes: Vec<String>,
}

impl Tables {
    /// Whether a folder has a table `train.csv`.
    pub(crate) fn are_in(folder: &Path) -> bool {
        find(folder, Part::Training).is_some()
    }

    /// Reads the table for training, a file or one in a folder.
    pub(crate) fn open(
        path: &Path,
        expected: Expected,
        options: &Options,
    ) -> Result<Self, Problems> {
        let parts = match path.is_dir() {
            true => Part::ALL.map(|part| find(path, part)),
            false => [Some(path.to_owned()), None, None],
        };
        let training = parts[0].clone().ok_or("there is no table".to_owned())?;
        let mut opened = Self {
            options: options.clone(),
            parts,
            shape: InputShape {
                height: 1,
                width: 1,
                channels: 1,
            },
            classes: Labels::numbered(1),
            notes: Vec::new(),
        };
        let table = opened.table(&training, expected.shape)?;
        let mut checks = Checks::default();
        let place = training.display().to_string();
        // A row is an example, unless the network says otherwise.
        let shape = expected.shape.unwrap_or(InputShape {
            height: 1,
            width: table.columns as u32,
            channels: 1,
        });
        if let Err(message) = examples_of(&table, shape) {
            checks.fail(format!("{place} {message}"));
        }
        let labels = Labels::of_training(&table.labels, expected.classes, &place);
        let classes = checks.pass(labels);
        checks.finish()?;
        opened.notes.extend(table.time.map(|name| {
            format!("{place}: the column {name:?} looks like the time, and is left out")
        }));
        opened.shape = shape;
        opened.classes = classes.unwrap_or(Labels::numbered(1));
        Ok(opened)
    }

    fn table(&self, path: &Path, shape: Option<InputShape>) -> Result<Table, Problems> {
        let wanted = Wanted {
            has_labels: true,
            label: self.options.label_column.as_deref(),
            group: self.options.group_by.as_deref(),
            columns: shape.map(InputShape::values),
        };
        Table::read(path, wanted)
    }
}

impl Data for Tables {
    fn shape(&self) -> InputShape {
        self.shape
    }

    fn class_names(&self) -> &[String] {
        self.classes.names()
    }

    fn has(&self, part: Part) -> bool {
        self.parts[part as usize].is_some()
    }

    fn read(&self, part: Part) -> Result<Recordings, Problems> {
        let path = self.parts[part as usize].as_ref();
        let path = path.ok_or_else(|| format!("there is no part for {}", part.name()))?;
        let place = path.display().to_string();
        let table = self.table(path, Some(self.shape))?;
        let (rows, notes) =
            examples_of(&table, self.shape).map_err(|message| format!("{place} {message}"))?;
        let labels: Vec<&String> = rows.iter().map(|&row| &table.labels[row]).collect();
        let values = match rows.len() * self.shape.values() == table.values.len() {
            true => table.values.clone(),
            false => {
                let inputs = rows
                    .iter()
                    .map(|row| &table.values[row * table.columns..][..self.shape.values()]);
                inputs.flatten().copied().collect()
            }
        };
        let groups = rows
            .iter()
            .filter_map(|&row| table.groups.get(row).cloned());
        Ok(Recordings {
            shape: self.shape,
            values: Values::Numbers(values),
            labels: self.classes.numbers(&labels, &place)?,
            names: rows.iter().map(|row| format!("row {}", row + 1)).collect(),
            groups: groups.collect(),
            notes,
        })
    }

    fn training_files(&self) -> Vec<Named> {
        let named = |path: &PathBuf| Named {
            name: path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            path: path.clone(),
        };
        self.parts[0].iter().map(named).collect()
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }
}

/// The first row of each example of that shape, and what is to be said of it: every row, where a
/// row has all values of an example; else a row is a moment, and each window of moments of the same
/// class (and group) an example.
fn examples_of(table: &Table, shape: InputShape) -> Result<(Vec<usize>, Vec<String>), String> {
    let Table { columns, .. } = *table;
    let rows = table.rows();
    if columns == shape.values() {
        return Ok(((0..rows).collect(), Vec::new()));
    }
    let layout = Layout::of(shape);
    if columns != layout.columns {
        let names = match table.header[..] {
            [] => String::new(),
            _ => format!(" ({})", crate::problems::named(&table.header)),
        };
        return Err(format!(
            "has {columns} columns of numbers{names}, the network takes {shape}: a row must have \
             {} for an example, or {} for a moment of one",
            shape.values(),
            layout.columns
        ));
    }
    let is_same = |one: usize, other: usize| {
        table.labels[one] == table.labels[other] && table.groups.get(one) == table.groups.get(other)
    };
    let (mut windows, mut first) = (Vec::new(), 0);
    for row in 0..rows {
        if !is_same(first, row) {
            first = row;
        }
        if row + 1 - first == layout.rows {
            windows.push(first);
            first = row + 1;
        }
        if first >= rows {
            break;
        }
    }
    if windows.is_empty() {
        return Err(format!(
            "has {rows} rows, and never {} of the same class one after the other, which the \
             network takes",
            layout.rows
        ));
    }
    let left = rows - windows.len() * layout.rows;
    let mut notes = vec![format!(
        "each row is a time step: {} windows of {} rows of the same class",
        windows.len(),
        layout.rows
    )];
    if left > 0 {
        notes.push(format!(
            "{left} rows are left out: their windows are not full"
        ));
    }
    Ok((windows, notes))
}

fn find(folder: &Path, part: Part) -> Option<PathBuf> {
    let names = part.folder_names().iter();
    let paths = names.flat_map(|name| EXTENSIONS.map(|it| folder.join(format!("{name}.{it}"))));
    paths.into_iter().find(|path| path.is_file())
}
