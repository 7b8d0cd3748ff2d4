//! `NumPy`'s arrays `x_train`, `y_train`, `x_test`, `y_test` and, if there are, `x_val` and `y_val`:
//! in a zip file, as is Keras's `mnist.npz`, or as `.npy` files in a folder.

mod header;

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::checksum::Named;
use crate::labels::Labels;
use crate::problems::{Checks, unreadable};
use crate::source::{Data, Expected};
use crate::{InputShape, Part, Problems, Recordings, Values};
use header::{Header, Kind};

/// Room for values that is made before any is read. A header may claim more than there is.
const ROOM_BYTES: usize = 1 << 26;

/// Where arrays are.
enum Place {
    Zip(PathBuf),
    Folder(PathBuf),
}

/// Arrays, checked.
pub(crate) struct Arrays {
    place: Place,
    shape: InputShape,
    classes: Labels,
    /// The names of each part's arrays, where it has some.
    parts: [Option<[String; 2]>; 3],
}

/// The bytes after an array's header, and the header.
struct Opened<'a> {
    header: Header,
    reader: Box<dyn Read + 'a>,
}

impl Arrays {
    /// Whether a folder holds arrays to learn from.
    pub(crate) fn are_in(folder: &Path) -> bool {
        Place::Folder(folder.to_owned())
            .names()
            .is_ok_and(|names| find(&names, Part::Training).iter().any(Option::is_some))
    }

    /// Checks the arrays' headers, and the labels for training.
    pub(crate) fn open(path: &Path, expected: Expected) -> Result<Self, Problems> {
        let place = Place::of(path);
        let names = place.names()?;
        let mut checks = Checks::default();
        let mut shape = expected.shape;
        let mut parts = [None, None, None];
        for (part, slot) in Part::ALL.into_iter().zip(&mut parts) {
            let found = find(&names, part);
            if part != Part::Training && found.iter().all(Option::is_none) {
                continue;
            }
            let usual = usual_names(part);
            let [inputs, labels] = [0, 1].map(|at| match &found[at] {
                Some(name) => name.clone(),
                None => usual[at].clone(),
            });
            let checked = checks.pass(place.check(&inputs, &labels, shape));
            shape = shape.or(checked);
            *slot = Some([inputs, labels]);
        }
        // Labels are of no meaning before their array is known to be right.
        checks.finish()?;
        let [training, ..] = &parts;
        let [_, labels] = training.as_ref().ok_or("there is no x_train".to_owned())?;
        let classes = place.read_labels(labels)?;
        let classes = Labels::of_training(&classes, expected.classes, &place.of_array(labels))?;
        Ok(Self {
            classes,
            shape: shape.ok_or("there are no inputs".to_owned())?,
            parts,
            place,
        })
    }

    fn names_of(&self, part: Part) -> Option<&[String; 2]> {
        self.parts[part as usize].as_ref()
    }
}

impl Data for Arrays {
    fn shape(&self) -> InputShape {
        self.shape
    }

    fn class_names(&self) -> &[String] {
        self.classes.names()
    }

    fn has(&self, part: Part) -> bool {
        self.names_of(part).is_some()
    }

    fn read(&self, part: Part) -> Result<Recordings, Problems> {
        let [inputs, labels] = self
            .names_of(part)
            .ok_or_else(|| format!("there is no part for {}", part.name()))?;
        self.place.check(inputs, labels, Some(self.shape))?;
        let place = self.place.of_array(labels);
        let labels = self.place.read_labels(labels)?;
        let labels = self.classes.numbers(&labels, &place)?;
        let values = self.place.read_values(inputs)?;
        Ok(Recordings {
            values,
            ..Recordings::of_bytes(self.shape, Vec::new(), labels)
        })
    }

    fn training_files(&self) -> Vec<Named> {
        let named = |path: PathBuf| Named {
            name: path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            path,
        };
        match &self.place {
            Place::Zip(path) => vec![named(path.clone())],
            Place::Folder(folder) => {
                let names = self.names_of(Part::Training).into_iter().flatten();
                names
                    .map(|name| named(folder.join(format!("{name}.npy"))))
                    .collect()
            }
        }
    }

    fn notes(&self) -> &[String] {
        &[]
    }
}

impl Place {
    /// An archive, a folder, or that of a file `x_train.npy`.
    fn of(path: &Path) -> Self {
        if path.is_dir() {
            Self::Folder(path.to_owned())
        } else if path
            .extension()
            .is_some_and(|it| it.eq_ignore_ascii_case("npy"))
        {
            Self::Folder(path.parent().map(Path::to_owned).unwrap_or_default())
        } else {
            Self::Zip(path.to_owned())
        }
    }

    fn path(&self) -> &Path {
        let (Self::Zip(path) | Self::Folder(path)) = self;
        path
    }

    /// What to call an array in a message.
    fn of_array(&self, array: &str) -> String {
        format!("{}: {array}", self.path().display())
    }

    fn unzip(path: &Path) -> Result<ZipArchive<BufReader<File>>, Problems> {
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        ZipArchive::new(BufReader::new(file))
            .map_err(|error| format!("{} is not an npz archive: {error}", path.display()).into())
    }

    /// The arrays that are there.
    fn names(&self) -> Result<Vec<String>, Problems> {
        let files: Vec<String> = match self {
            Self::Zip(path) => {
                let zip = Self::unzip(path)?;
                let names = zip
                    .file_names()
                    .filter_map(|name| Some(name.ok()?.into_owned()));
                names.collect()
            }
            Self::Folder(folder) => {
                let folder = if folder.as_os_str().is_empty() {
                    Path::new(".")
                } else {
                    folder
                };
                let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
                let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
                names.collect()
            }
        };
        let mut names: Vec<String> = files
            .iter()
            .filter_map(|file| file.strip_suffix(".npy").map(str::to_owned))
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Does something with an array, whose header is read.
    fn with<T>(
        &self,
        array: &str,
        then: impl FnOnce(Opened<'_>) -> Result<T, String>,
    ) -> Result<T, Problems> {
        let place = self.of_array(array);
        let mut archive;
        let mut reader: Box<dyn Read> = match self {
            Self::Zip(path) => {
                archive = Self::unzip(path)?;
                let file =
                    archive
                        .by_name(&format!("{array}.npy"))
                        .map_err(|error| match error {
                            ZipError::FileNotFound => format!("{place} is missing"),
                            error => format!("{place} cannot be unpacked: {error}"),
                        })?;
                Box::new(file)
            }
            Self::Folder(folder) => {
                let path = folder.join(format!("{array}.npy"));
                if !path.is_file() {
                    return Err(format!("{place} is missing").into());
                }
                let file = File::open(&path).map_err(|error| unreadable(&path, &error))?;
                Box::new(BufReader::new(file))
            }
        };
        Header::read(&mut reader)
            .and_then(|header| then(Opened { header, reader }))
            .map_err(|message| format!("{place} {message}").into())
    }

    /// Checks the arrays of a part: types, shapes, and that there is a label for each input.
    fn check(
        &self,
        inputs: &str,
        labels: &str,
        shape: Option<InputShape>,
    ) -> Result<InputShape, Problems> {
        let mut checks = Checks::default();
        let found = checks.pass(self.with(inputs, |array| array.header.inputs(shape)));
        let label_count = checks.pass(self.with(labels, |array| match array.header.shape[..] {
            [count] | [count, 1] => Ok(count as usize),
            _ => Err(format!(
                "has the shape {:?}, expected [count]: store the number or the name of each \
                 input's class",
                array.header.shape
            )),
        }));
        if let (Some((found, _)), Some(label_count)) = (found, label_count)
            && found != label_count
        {
            checks.fail(format!(
                "{}: {inputs} has {found} images, {labels} has {label_count} labels: there must be \
                 as many",
                self.path().display()
            ));
        }
        checks.finish()?;
        found
            .map(|(_, shape)| shape)
            .ok_or_else(|| "no inputs".to_owned().into())
    }

    /// Each label's text: a number as it is written in decimals.
    fn read_labels(&self, array: &str) -> Result<Vec<String>, Problems> {
        self.with(array, |array| {
            let Opened { header, .. } = &array;
            let header = header.clone();
            let bytes = array.bytes()?;
            let values = bytes.chunks_exact(header.bytes);
            Ok(values
                .map(|value| match header.kind {
                    Kind::Text | Kind::Ascii => header.text(value),
                    Kind::Unsigned | Kind::Signed | Kind::Float => header.number(value).to_string(),
                })
                .collect())
        })
    }

    fn read_values(&self, array: &str) -> Result<Values, Problems> {
        self.with(array, |array| {
            let header = array.header.clone();
            let bytes = array.bytes()?;
            if (header.kind, header.bytes) == (Kind::Unsigned, 1) {
                return Ok(Values::Bytes(bytes));
            }
            let values = bytes.chunks_exact(header.bytes);
            let numbers: Vec<f32> = values.map(|value| header.number(value) as f32).collect();
            match numbers.iter().position(|it| !it.is_finite()) {
                None => Ok(Values::Numbers(numbers)),
                Some(at) => Err(format!(
                    "has {} at place {at} of all values: every value must be a number",
                    numbers[at]
                )),
            }
        })
    }
}

impl Opened<'_> {
    /// All bytes of the values, and none after them: the checksum of an archive is checked.
    fn bytes(mut self) -> Result<Vec<u8>, String> {
        let needed = self
            .header
            .values()
            .and_then(|values| values.checked_mul(self.header.bytes))
            .ok_or("claims more values than memory holds")?;
        let mut bytes = Vec::with_capacity(needed.min(ROOM_BYTES));
        self.reader
            .by_ref()
            .take(needed as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| format!("cannot be read: {error}"))?;
        let found = bytes.len();
        match found.cmp(&needed) {
            std::cmp::Ordering::Equal => Ok(bytes),
            std::cmp::Ordering::Less => Err(format!(
                "is truncated: its header needs {needed} bytes, found {found}"
            )),
            std::cmp::Ordering::Greater => Err(format!(
                "goes on after the {needed} bytes that its header needs"
            )),
        }
    }
}

/// What the arrays of a part are usually called.
fn usual_names(part: Part) -> [String; 2] {
    let name = part.folder_names()[0];
    ["x", "y"].map(|letter| format!("{letter}_{name}"))
}

/// The names of a part's arrays, inputs and labels, of those that are there: `x_train`, `X_train`,
/// `x_training`, and without any part the arrays `x` and `y` for training.
fn find(names: &[String], part: Part) -> [Option<String>; 2] {
    ["x", "y"].map(|letter| {
        let is_named = |name: &&String| {
            let lower = name.to_lowercase();
            let rest = lower.strip_prefix(letter);
            rest.is_some_and(|rest| match rest.strip_prefix('_') {
                Some(rest) => part.folder_names().contains(&rest),
                None => part == Part::Training && rest.is_empty(),
            })
        };
        names.iter().find(is_named).cloned()
    })
}
