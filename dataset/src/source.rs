use std::path::{Path, PathBuf};

#[cfg(feature = "npz")]
use crate::arrays;
use crate::augment::InputKind;
use crate::checksum::{self, Named};
#[cfg(feature = "folders")]
use crate::folders;
use crate::problems::Checks;
#[cfg(feature = "folders")]
use crate::tables;
use crate::{InputShape, Part, Problems, Recordings, idx};

/// Classes that a label of 16 bits can distinguish.
const MOST_CLASSES: usize = 1 << 16;

/// How data is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether image files of another size than the network's are resized to it. Without, they are
    /// problems.
    pub resize: bool,
    /// The background of transparent images.
    pub background: Background,
    /// By what examples are kept together when they are split: the number of a folder below the
    /// class's (1 is the first), or the name of a table's column.
    pub group_by: Option<String>,
    /// The column of a table that has the classes; else one that is called `label`, `class`, ….
    pub label_column: Option<String>,
    /// Samples a second that sound is resampled to; else the rate that most files have.
    pub sample_rate_hertz: Option<u32>,
}

/// The background of a transparent image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Background {
    /// White under what is dark, black under what is bright: what is drawn stays visible.
    #[default]
    Contrast,
    /// White.
    White,
    /// Black.
    Black,
}

/// What a network takes, where there is one already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// The shape of its input.
    pub shape: Option<InputShape>,
    /// How many classes it distinguishes.
    pub classes: Option<usize>,
}

/// Labelled data of one kind, its outline checked.
pub(crate) trait Data: Send + Sync {
    /// Of every input.
    fn shape(&self) -> InputShape;
    /// What each class is called.
    fn class_names(&self) -> &[String];
    /// What an input is, if its files say.
    fn kind(&self) -> Option<InputKind> {
        None
    }
    /// Whether the part is there.
    fn has(&self, part: Part) -> bool;
    /// The recordings of a part that is there.
    fn read(&self, part: Part) -> Result<Recordings, Problems>;
    /// The files that hold the training part.
    fn training_files(&self) -> Vec<Named>;
    /// What was left out, and what was assumed.
    fn notes(&self) -> &[String];
}

/// Where labelled data is, its kind recognised and its outline checked.
///
/// | at the path | training | test |
/// | --- | --- | --- |
/// | a folder of idx files, plain or `.gz` | `train-images-idx3-ubyte`, `train-labels-…` | `t10k-…` |
/// | a folder of files by class: images, `.wav`, or tables of a recording each | `train/<class>/…` or `<class>/…`, in folders as deep as you like | `test/<class>/…` |
/// | an `.npz` file, or a folder of `.npy` files | `x_train`, `y_train` | `x_test`, `y_test` |
/// | a table (`.csv`, `.tsv`) with a column of classes, or a folder of them | the file, or `train.csv` | `test.csv` |
///
/// The test part may be missing, and so may one for validation (`val`, `valid`, `validation`).
pub struct Source {
    data: Box<dyn Data>,
    path: PathBuf,
}

impl Source {
    /// Recognises what is at `path`, and checks all that can be checked without reading every
    /// image: that the files are there and are what they seem, their shapes and the labels of the
    /// training part against what is `expected` (classes: 1 to 65536).
    ///
    /// # Errors
    /// With all problems that were found.
    pub fn open(path: &Path, expected: Expected, options: &Options) -> Result<Self, Problems> {
        let mut checks = Checks::default();
        if let Some(shape) = expected.shape {
            checks.pass(shape.check());
        }
        if let Some(classes) = expected.classes
            && !(1..=MOST_CLASSES).contains(&classes)
        {
            checks.fail(format!(
                "a network of {classes} classes: expected 1 to {MOST_CLASSES}"
            ));
        }
        checks.finish()?;
        Ok(Self {
            data: recognise(path, expected, options)?,
            path: path.to_owned(),
        })
    }

    /// The path that it was opened at.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The shape of every input: the network's, or that of the data.
    pub fn shape(&self) -> InputShape {
        self.data.shape()
    }

    /// What an input is, by its files or, of arrays, by its shape: one row is a series; grey levels
    /// of a map that is not square are hardly an image's.
    pub fn input_kind(&self) -> InputKind {
        let InputShape {
            height,
            width,
            channels,
        } = self.shape();
        self.data.kind().unwrap_or(match (height, channels) {
            (1, _) => InputKind::Series,
            (_, 1) if height != width => InputKind::Spectrogram,
            _ => InputKind::Image,
        })
    }

    /// Whether the data has that part.
    pub fn has(&self, part: Part) -> bool {
        self.data.has(part)
    }

    /// All recordings of a part, or `None` when the data has none; every label is below the count
    /// of classes. No image or label for testing is looked at before they are asked for.
    ///
    /// # Errors
    /// With all problems of their files.
    pub fn read(&self, part: Part) -> Result<Option<Recordings>, Problems> {
        self.has(part).then(|| self.data.read(part)).transpose()
    }

    /// What to call each class: its folder's name, its label, or its number.
    pub fn class_names(&self) -> Vec<String> {
        self.data.class_names().to_vec()
    }

    /// What was left out, and what was assumed: a line each, for the user.
    pub fn notes(&self) -> &[String] {
        self.data.notes()
    }

    /// SHA-256 in hexadecimal of the names and bytes of the files that hold the training data, in
    /// a fixed order. An `.npz` file counts as a whole.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn checksum(&self) -> Result<String, Problems> {
        checksum::sha256(&self.data.training_files())
    }
}

fn recognise(
    path: &Path,
    expected: Expected,
    options: &Options,
) -> Result<Box<dyn Data>, Problems> {
    if path.is_dir() {
        if idx::Folder::is_at(path) {
            return Ok(Box::new(idx::Folder::open(path, expected)?));
        }
        #[cfg(feature = "npz")]
        if arrays::Arrays::are_in(path) {
            return Ok(Box::new(arrays::Arrays::open(path, expected)?));
        }
        in_folder(path, expected, options)
    } else if path.is_file() {
        in_file(path, expected, options)
    } else {
        Err(format!("{} does not exist", path.display()).into())
    }
}

#[cfg(feature = "folders")]
fn in_folder(
    path: &Path,
    expected: Expected,
    options: &Options,
) -> Result<Box<dyn Data>, Problems> {
    if tables::Tables::are_in(path) {
        return Ok(Box::new(tables::Tables::open(path, expected, options)?));
    }
    Ok(Box::new(folders::Folders::open(path, expected, options)?))
}

#[cfg(not(feature = "folders"))]
fn in_folder(path: &Path, _: Expected, _: &Options) -> Result<Box<dyn Data>, Problems> {
    let path = path.display();
    Err(format!(
        "{path} has no idx files, and this program was built without the feature `folders`"
    )
    .into())
}

fn in_file(path: &Path, expected: Expected, options: &Options) -> Result<Box<dyn Data>, Problems> {
    // What a program without a feature does not take.
    let _ = (expected, options);
    let extension = path
        .extension()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    match extension.as_str() {
        #[cfg(feature = "folders")]
        "csv" | "tsv" | "txt" => Ok(Box::new(tables::Tables::open(path, expected, options)?)),
        #[cfg(feature = "npz")]
        "npz" | "npy" | "zip" => Ok(Box::new(arrays::Arrays::open(path, expected)?)),
        _ => Err(format!(
            "{} is no data that is read: expected an .npz, .npy or .csv file, or a folder of idx \
             files, of images, sounds or tables by class, or of .npy files",
            path.display()
        )
        .into()),
    }
}
