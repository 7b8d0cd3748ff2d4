//! Folders of files, one folder for each class: images, sounds, or a table for each recording.

mod images;
mod kind;
mod list;
mod recorded;
mod sounds;

use std::path::{Path, PathBuf};

use crate::augment::InputKind;
use crate::checksum::Named;
use crate::problems::{Checks, named};
use crate::source::{Data, Expected};
use crate::{InputShape, Options, Part, Problems, Recordings};
use images::Images;
use kind::Kind;
use list::{Item, Layout, LeftOut, list_classes, list_files};
use recorded::Recorded;
use sounds::Sounds;

/// How many wrong files are reported before the rest are counted.
const TOLD: usize = 10;

/// Files by class, listed and not yet decoded.
pub(crate) struct Folders {
    classes: Vec<String>,
    /// Of each part that is there.
    parts: [Option<Vec<Item>>; 3],
    reader: Reader,
    notes: Vec<String>,
}

/// How files of a kind are read.
enum Reader {
    Images(Images),
    Sounds(Sounds),
    Recorded(Recorded),
}

impl Folders {
    /// Lists the files of all parts, and checks what can be said of those for training without
    /// reading them all.
    pub(crate) fn open(
        root: &Path,
        expected: Expected,
        options: &Options,
    ) -> Result<Self, Problems> {
        let layout = Layout::of(root)?;
        let found = list_classes(&layout.training)?;
        if found.is_empty() {
            return Err(format!(
                "{root} has neither idx files (train-images-idx3-ubyte …), nor arrays \
                 (x_train.npy …), nor a table train.csv, nor folders of images, sounds or tables \
                 by class (train/<class>/*.png or <class>/*.png)",
                root = root.display()
            )
            .into());
        }
        let group_level = options
            .group_by
            .as_deref()
            .map(|text| match text.parse::<usize>() {
                Ok(level) if level > 0 => Ok(level),
                _ => Err(format!(
                    "{}: files are kept together by a folder: 1 for the first one below the \
                     class's, found {text:?}",
                    root.display()
                )),
            })
            .transpose()?;
        let mut checks = Checks::default();
        let names: Vec<_> = found.iter().map(|class| class.name.clone()).collect();
        if let Some(classes) = expected.classes.filter(|&it| it != found.len()) {
            checks.fail(format!(
                "{} has folders of {found} classes ({}), the network has {classes}: declare the \
                 last layer with {found} outputs, or train on other data",
                layout.training.display(),
                named(&names),
                found = found.len()
            ));
        }
        let mut left_out = LeftOut::default();
        for name in &layout.others {
            left_out.add("is next to the folders of parts", name);
        }
        let numbers: Vec<u16> = (0..found.len()).map(|label| label as u16).collect();
        let training = checks.pass(list_files(
            root,
            &found,
            &numbers,
            None,
            group_level,
            &mut left_out,
        ));
        let kind = training.as_ref().map(|(kind, _)| *kind);
        let mut notes = Vec::new();
        let mut other = |folder: &Option<_>| {
            let folder: &PathBuf = folder.as_ref()?;
            let classes = list_classes(folder);
            let (classes, labels) = checks.pass(classes.and_then(|classes| {
                let labels = labels_of(folder, &classes, &names, &mut notes)?;
                Ok((classes, labels))
            }))?;
            let items = list_files(root, &classes, &labels, kind, None, &mut left_out);
            checks.pass(items).map(|(_, items)| items)
        };
        let (validation, test) = (other(&layout.validation), other(&layout.test));
        let Some((kind, training)) = training else {
            checks.finish()?;
            return Err(format!("{} has no file", root.display()).into());
        };
        notes.splice(0..0, left_out.notes());
        let reader = match kind {
            Kind::Image => checks
                .pass(Images::open(root, &training, expected.shape, options))
                .map(Reader::Images),
            Kind::Sound => checks
                .pass(Sounds::open(
                    root,
                    &training,
                    expected.shape,
                    options,
                    &mut notes,
                ))
                .map(Reader::Sounds),
            Kind::Table => checks
                .pass(Recorded::open(root, &training, expected.shape, &mut notes))
                .map(Reader::Recorded),
        };
        checks.finish()?;
        let reader = reader.ok_or_else(|| format!("{} has no file", root.display()))?;
        Ok(Self {
            classes: names,
            parts: [Some(training), validation, test],
            reader,
            notes,
        })
    }
}

/// Reads files that are in no class's folder, all of one kind, as inputs of `shape`; their labels
/// are 0.
///
/// # Errors
/// With everything that is wrong with them.
pub fn read_files(
    paths: &[PathBuf],
    shape: InputShape,
    options: &Options,
) -> Result<Recordings, Problems> {
    let mut kind = None;
    let mut items = Vec::new();
    let mut checks = Checks::default();
    for path in paths {
        let its = Kind::of(path);
        match (its, kind) {
            (None, _) => checks.fail(format!(
                "{} has an unsupported format: expected an image, a .wav or a .csv",
                path.display()
            )),
            (Some(its), Some(kind)) if its != kind => checks.fail(format!(
                "{} is {}, and the files before it are {}: give files of one kind",
                path.display(),
                its.one(),
                kind.many()
            )),
            (Some(its), _) => kind = Some(its),
        }
        items.push(Item {
            path: path.clone(),
            name: list::name(path),
            label: 0,
            group: None,
        });
    }
    checks.finish()?;
    let root = Path::new("the files");
    let mut notes = Vec::new();
    let reader = match kind {
        None => return Err("there is no file".to_owned().into()),
        Some(Kind::Image) => Reader::Images(Images::open(root, &items, Some(shape), options)?),
        Some(Kind::Sound) => {
            let sounds = Sounds::open(root, &items, Some(shape), options, &mut notes)?;
            Reader::Sounds(sounds)
        }
        Some(Kind::Table) => {
            Reader::Recorded(Recorded::open(root, &items, Some(shape), &mut notes)?)
        }
    };
    let files = Folders {
        classes: vec![String::new()],
        parts: [Some(items), None, None],
        reader,
        notes: Vec::new(),
    };
    let mut recordings = files.read(Part::Training)?;
    recordings.notes.splice(0..0, notes);
    Ok(recordings)
}

impl Data for Folders {
    fn shape(&self) -> InputShape {
        match &self.reader {
            Reader::Images(images) => images.shape,
            Reader::Sounds(sounds) => sounds.shape,
            Reader::Recorded(recorded) => recorded.shape,
        }
    }

    fn class_names(&self) -> &[String] {
        &self.classes
    }

    fn kind(&self) -> Option<InputKind> {
        Some(match &self.reader {
            Reader::Images(_) => InputKind::Image,
            Reader::Sounds(_) | Reader::Recorded(_) => InputKind::Series,
        })
    }

    fn has(&self, part: Part) -> bool {
        self.parts[part as usize].is_some()
    }

    fn read(&self, part: Part) -> Result<Recordings, Problems> {
        let items = self.parts[part as usize].as_ref();
        let items = items.ok_or_else(|| format!("there is no part for {}", part.name()))?;
        let (values, notes) = match &self.reader {
            Reader::Images(images) => images.read(items)?,
            Reader::Sounds(sounds) => sounds.read(items)?,
            Reader::Recorded(recorded) => recorded.read(items)?,
        };
        Ok(Recordings {
            shape: self.shape(),
            values,
            labels: items.iter().map(|item| item.label).collect(),
            names: items.iter().map(|item| item.name.clone()).collect(),
            groups: items.iter().filter_map(|item| item.group.clone()).collect(),
            notes,
        })
    }

    fn training_files(&self) -> Vec<Named> {
        let items = self.parts[0].iter().flatten();
        items
            .map(|item| Named {
                name: item.name.clone(),
                path: item.path.clone(),
            })
            .collect()
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }
}

/// Which of the training part's classes those of another part are; it may lack some.
fn labels_of(
    folder: &Path,
    classes: &[list::Class],
    training: &[String],
    notes: &mut Vec<String>,
) -> Result<Vec<u16>, Problems> {
    let place = |class: &list::Class| training.iter().position(|name| *name == class.name);
    let labels: Option<Vec<u16>> = classes
        .iter()
        .map(|class| place(class).map(|at| at as u16))
        .collect();
    let found = || named(classes.iter().map(|class| &class.name));
    let Some(labels) = labels.filter(|labels| !labels.is_empty()) else {
        return Err(format!(
            "{} has the classes {}, for training there are {}: they must be the same",
            folder.display(),
            if classes.is_empty() {
                "none".to_owned()
            } else {
                found()
            },
            named(training)
        )
        .into());
    };
    let missing = training.iter().enumerate();
    let missing: Vec<&String> = missing
        .filter(|(at, _)| !labels.contains(&(*at as u16)))
        .map(|(_, name)| name)
        .collect();
    if !missing.is_empty() {
        notes.push(format!(
            "{} has no example of {}",
            folder.display(),
            named(missing)
        ));
    }
    Ok(labels)
}

/// The first messages about wrong files, and how many more there are.
fn tell(wrong: Vec<String>) -> Result<(), Problems> {
    let mut checks = Checks::default();
    let more = wrong.len().saturating_sub(TOLD);
    for message in wrong.into_iter().take(TOLD) {
        checks.fail(message);
    }
    if more > 0 {
        checks.fail(format!("and {more} more files are wrong"));
    }
    checks.finish()
}

/// The value that most have; the first of those, where several are as common.
fn commonest<T: PartialEq + Copy>(values: &[T]) -> Option<T> {
    let mut counts: Vec<(T, usize)> = Vec::new();
    for value in values {
        match counts.iter_mut().find(|(it, _)| it == value) {
            Some((_, count)) => *count += 1,
            None => counts.push((*value, 1)),
        }
    }
    let most = counts.iter().map(|(_, count)| *count).max()?;
    let found = counts.into_iter().find(|(_, count)| *count == most);
    found.map(|(value, _)| value)
}
