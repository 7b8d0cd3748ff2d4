//! Which files of which class are in a folder.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::kind::Kind;
use crate::labels;
use crate::problems::{Checks, named, unreadable};
use crate::{Part, Problems};

/// Folders within folders that are looked into: a link may lead back.
const MOST_DEEP: usize = 16;

/// A folder of a class.
pub(super) struct Class {
    pub(super) path: PathBuf,
    pub(super) name: String,
}

/// A file of a class.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) path: PathBuf,
    /// The path within the data's folder, with slashes.
    pub(super) name: String,
    pub(super) label: u16,
    /// What it is of, where it was asked for.
    pub(super) group: Option<String>,
}

/// The folders of a data set's parts.
pub(super) struct Layout {
    pub(super) training: PathBuf,
    pub(super) validation: Option<PathBuf>,
    pub(super) test: Option<PathBuf>,
    /// Folders next to them.
    pub(super) others: Vec<String>,
}

/// What is in `folder`, by name, without what is hidden.
pub(super) fn list(folder: &Path) -> Result<Vec<PathBuf>, Problems> {
    let entries = fs::read_dir(folder).and_then(|entries| {
        entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<Vec<_>, _>>()
    });
    let mut paths = entries.map_err(|error| unreadable(folder, &error))?;
    paths.retain(|path| !name(path).starts_with('.'));
    paths.sort_unstable();
    Ok(paths)
}

/// The folders in `folder`, by number if all their names are numbers, else by name.
pub(super) fn list_classes(folder: &Path) -> Result<Vec<Class>, Problems> {
    let mut classes: Vec<_> = list(folder)?
        .into_iter()
        .filter(|path| path.is_dir())
        .map(|path| Class {
            name: name(&path),
            path,
        })
        .collect();
    labels::sort(&mut classes, |class| &class.name);
    Ok(classes)
}

impl Layout {
    /// Tells folders of parts from folders of classes: a class may be called `train`, but has no
    /// folders in it, and others next to it that are not parts.
    pub(super) fn of(root: &Path) -> Result<Self, Problems> {
        let folders = list_classes(root)?;
        let of_part = |part: Part| {
            let found = folders
                .iter()
                .filter(|it| Part::named(&it.name) == Some(part));
            found.collect::<Vec<_>>()
        };
        let are_all_parts = folders.iter().all(|it| Part::named(&it.name).is_some());
        let mut checks = Checks::default();
        let [training, validation, test] = Part::ALL.map(|part| match of_part(part)[..] {
            [] => None,
            [one] => Some(one.path.clone()),
            [one, other, ..] => {
                checks.fail(format!(
                    "{root} has two folders for {}, {} and {}: keep one",
                    part.name(),
                    one.name,
                    other.name,
                    root = root.display()
                ));
                None
            }
        });
        let is_parted = match &training {
            Some(training) => are_all_parts || !list_classes(training)?.is_empty(),
            None => are_all_parts && !folders.is_empty(),
        };
        if !is_parted {
            return Ok(Self {
                training: root.to_owned(),
                validation: None,
                test: None,
                others: Vec::new(),
            });
        }
        checks.finish()?;
        let Some(training) = training else {
            let names = folders.iter().map(|it| &it.name);
            return Err(format!(
                "{} has {}, and no folder `train`: there are no training examples",
                root.display(),
                named(names)
            )
            .into());
        };
        if list_classes(&training)?.is_empty() {
            let files = list(&training)?.len();
            return Err(format!(
                "{path} has {files} files and no folders of classes: put each class's files into a \
                 folder of its own, {path}/<class>/…",
                path = training.display()
            )
            .into());
        }
        let others = folders.iter().filter(|it| Part::named(&it.name).is_none());
        Ok(Self {
            others: others.map(|it| it.name.clone()).collect(),
            training,
            validation,
            test,
        })
    }
}

/// Files that are left out, by why.
#[derive(Debug, Default)]
pub(super) struct LeftOut(BTreeMap<String, (usize, String)>);

impl LeftOut {
    pub(super) fn add(&mut self, why: &str, name: &str) {
        let (count, _) = self.0.entry(why.to_owned()).or_insert((0, name.to_owned()));
        *count += 1;
    }

    /// What is reported to the user.
    pub(super) fn notes(&self) -> Vec<String> {
        let notes = self.0.iter().map(|(why, (count, first))| match count {
            1 => format!("left out: {first} {why}"),
            _ => format!("left out: {count} files, the first of them {first}, which {why}"),
        });
        notes.collect()
    }
}

/// The files of `classes` by class, then by path, of the kind that most of them are; what is left
/// out is counted. `kind` is that of the training part, where it is known already.
pub(super) fn list_files(
    root: &Path,
    classes: &[Class],
    labels: &[u16],
    kind: Option<Kind>,
    group_level: Option<usize>,
    left_out: &mut LeftOut,
) -> Result<(Kind, Vec<Item>), Problems> {
    let mut checks = Checks::default();
    let mut all: Vec<(Option<Kind>, Item)> = Vec::new();
    for (class, &label) in classes.iter().zip(labels) {
        let mut paths = Vec::new();
        checks.pass(walk(&class.path, 0, &mut paths));
        for path in paths {
            let item = Item {
                name: name_within(root, &path),
                group: group_level.and_then(|level| folder_of(&class.path, &path, level)),
                label,
                path,
            };
            all.push((Kind::of(&item.path), item));
        }
    }
    let kind = kind.unwrap_or_else(|| {
        let count = |kind: &Kind| all.iter().filter(|(it, _)| *it == Some(*kind)).count();
        let mut commonest = Kind::ALL[0];
        for other in Kind::ALL {
            if count(&other) > count(&commonest) {
                commonest = other;
            }
        }
        commonest
    });
    let mut items = Vec::new();
    for (its, item) in all {
        match its {
            Some(its) if its == kind => items.push(item),
            Some(its) => left_out.add(
                &format!("is {}, and most files are {}", its.one(), kind.many()),
                &item.name,
            ),
            None => left_out.add("has an unsupported format", &item.name),
        }
    }
    for (class, label) in classes.iter().zip(labels) {
        if !items.iter().any(|item| item.label == *label) {
            let path = class.path.display();
            checks.fail(format!(
                "{path} has no {}: put {} there",
                kind.name(),
                kind.wanted()
            ));
        }
    }
    if group_level.is_some()
        && let Some(item) = items.iter().find(|item| item.group.is_none())
    {
        checks.fail(format!(
            "{} is not in that many folders below its class's, by which examples are to be kept \
             together",
            item.name
        ));
    }
    checks.finish()?;
    Ok((kind, items))
}

/// All files below a folder, by path.
fn walk(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Problems> {
    for path in list(folder)? {
        if path.is_file() {
            files.push(path);
        } else if path.is_dir() {
            if depth >= MOST_DEEP {
                return Err(format!(
                    "{} is {MOST_DEEP} folders deep: is it a link to a folder above it?",
                    path.display()
                )
                .into());
            }
            walk(&path, depth + 1, files)?;
        }
    }
    Ok(())
}

/// The name of the folder of that level, 1 or more, below the class's.
fn folder_of(class: &Path, file: &Path, level: usize) -> Option<String> {
    let within = file.parent()?.strip_prefix(class).ok()?;
    let folders: Vec<&OsStr> = within.iter().collect();
    let folder = folders.get(level.checked_sub(1)?)?;
    Some(folder.to_string_lossy().into_owned())
}

pub(super) fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn name_within(root: &Path, path: &Path) -> String {
    let parts = path.strip_prefix(root).unwrap_or(path).iter();
    parts
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join("/")
}
