//! MNIST's own files: a big-endian header, then bytes; plain or gzipped.
//!
//! LeCun, Cortes & Burges, "The MNIST database of handwritten digits", section "File formats".

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use crate::checksum::Named;
use crate::labels::{Labels, within};
use crate::problems::{Checks, unreadable};
use crate::source::{Data, Expected};
use crate::{Examples, InputShape, Problems, Recordings};

/// The magic number of bytes in one dimension.
const LABELS: u32 = 0x0801;
/// The magic number of bytes in three dimensions: images, rows, columns.
const IMAGES: u32 = 0x0803;
const WORD_BYTES: usize = size_of::<u32>();
/// Room for values that is made before any is read. A header may claim more than there is.
const ROOM_BYTES: usize = 1 << 26;

pub use crate::Part;

/// What the names of a part's files begin with.
const fn prefix(part: Part) -> &'static str {
    match part {
        Part::Training => "train",
        Part::Validation => "validation",
        Part::Test => "t10k",
    }
}

/// The first `count` examples of a part, whose two files are in `folder`: `t10k-images-idx3-ubyte`
/// or `t10k-images.idx3-ubyte`, plain or with `.gz`, and so on.
///
/// # Errors
/// When a file is missing, is not what its name says, is of another shape, or has fewer examples.
pub fn read_first(
    folder: &Path,
    part: Part,
    shape: InputShape,
    count: usize,
) -> Result<Examples, Problems> {
    let Some(files) = Files::find(folder, part)? else {
        return Err(no_file(folder, part, "images-idx3-ubyte"));
    };
    let pair = files.open(Some(shape))?;
    if pair.count < count {
        let images = pair.files.images.display();
        let found = pair.count;
        return Err(format!("{images} has {found} images, {count} were asked for").into());
    }
    let labels = pair.read_labels(count)?;
    let labels = labels.into_iter().map(u16::from).collect();
    Ok(Examples::indexed(
        shape,
        pair.read_images(shape, count)?,
        labels,
    ))
}

/// Where the files of a part are.
struct Files {
    images: PathBuf,
    labels: PathBuf,
}

impl Files {
    /// `None` when there is neither file.
    fn find(folder: &Path, part: Part) -> Result<Option<Self>, Problems> {
        let images = find(folder, &format!("{}-images", prefix(part)), 3);
        let labels = find(folder, &format!("{}-labels", prefix(part)), 1);
        let missing = match (images, labels) {
            (Some(images), Some(labels)) => return Ok(Some(Self { images, labels })),
            (None, None) => return Ok(None),
            (None, Some(_)) => "images-idx3-ubyte",
            (Some(_), None) => "labels-idx1-ubyte",
        };
        Err(no_file(folder, part, missing))
    }

    /// Reads the headers, and checks that they fit each other and `shape`.
    fn open(self, shape: Option<InputShape>) -> Result<Pair, Problems> {
        let mut checks = Checks::default();
        let images = checks.pass(self.check_images(shape));
        let labels = checks.pass(self.check_labels());
        if let (Some((images, _)), Some(labels)) = (images, labels)
            && images != labels
        {
            checks.fail(format!(
                "{} has {images} images, {} has {labels} labels: there must be as many",
                self.images.display(),
                self.labels.display()
            ));
        }
        checks.finish()?;
        let (count, shape) = images.ok_or_else(|| "no images".to_owned())?;
        Ok(Pair {
            files: self,
            count,
            shape,
        })
    }

    /// How many images there are, and their shape.
    fn check_images(&self, shape: Option<InputShape>) -> Result<(usize, InputShape), Problems> {
        let path = &self.images;
        let (_, sizes) = open::<3>(path, IMAGES)?;
        let [count, height, width] = sizes;
        let found = InputShape {
            height,
            width,
            channels: 1,
        };
        if let Some(shape) = shape.filter(|&shape| shape != found) {
            let path = path.display();
            return Err(format!("{path} has images of {found}, the network takes {shape}").into());
        }
        if count == 0 {
            return Err(format!("{} has no images", path.display()).into());
        }
        let needed = (count as usize).checked_mul(found.values());
        let needed = needed
            .ok_or_else(|| format!("{} claims more images than memory holds", path.display()))?;
        check_length(path, 4 * WORD_BYTES, needed)?;
        Ok((count as usize, found))
    }

    /// How many labels there are.
    fn check_labels(&self) -> Result<usize, Problems> {
        let (_, [count]) = open::<1>(&self.labels, LABELS)?;
        check_length(&self.labels, 2 * WORD_BYTES, count as usize)?;
        Ok(count as usize)
    }
}

/// The files of a part, with headers that are right.
struct Pair {
    files: Files,
    count: usize,
    shape: InputShape,
}

impl Pair {
    fn read_images(&self, shape: InputShape, count: usize) -> Result<Vec<u8>, Problems> {
        let path = &self.files.images;
        let (mut file, _) = open::<3>(path, IMAGES)?;
        let is_whole = count == self.count;
        read_values(&mut file, path, count * shape.values(), is_whole)
    }

    fn read_labels(&self, count: usize) -> Result<Vec<u8>, Problems> {
        let path = &self.files.labels;
        let (mut file, _) = open::<1>(path, LABELS)?;
        read_values(&mut file, path, count, count == self.count)
    }

    fn read_classes(&self, classes: &Labels) -> Result<Vec<u16>, Problems> {
        let labels = self.read_labels(self.count)?.into_iter();
        let place = self.files.labels.display().to_string();
        within(labels.map(i128::from), classes.names().len(), &place)
    }

    fn read(&self, classes: &Labels) -> Result<Recordings, Problems> {
        let mut checks = Checks::default();
        let labels = checks.pass(self.read_classes(classes));
        let images = checks.pass(self.read_images(self.shape, self.count));
        checks.finish()?;
        let (images, labels) = (images.unwrap_or_default(), labels.unwrap_or_default());
        Ok(Recordings::of_bytes(self.shape, images, labels))
    }
}

/// A folder of idx files, checked.
pub(crate) struct Folder {
    training: Pair,
    validation: Option<Pair>,
    test: Option<Pair>,
    classes: Labels,
}

impl Folder {
    /// Whether `folder` has any file by a name of MNIST's.
    pub(crate) fn is_at(folder: &Path) -> bool {
        Part::ALL
            .iter()
            .any(|&part| !matches!(Files::find(folder, part), Ok(None)))
    }

    /// Checks the headers of all parts, and the labels for training.
    pub(crate) fn open(folder: &Path, expected: Expected) -> Result<Self, Problems> {
        let mut checks = Checks::default();
        let mut pair = |part, shape| {
            let files = checks.pass(Files::find(folder, part))??;
            checks.pass(files.open(shape))
        };
        let training = pair(Part::Training, expected.shape);
        let shape = expected.shape.or(training.as_ref().map(|it| it.shape));
        let (validation, test) = (pair(Part::Validation, shape), pair(Part::Test, shape));
        let mut classes = None;
        if let Some(training) = &training
            && let Some(labels) = checks.pass(training.read_labels(training.count))
        {
            let place = training.files.labels.display().to_string();
            let labels: Vec<String> = labels.iter().map(u8::to_string).collect();
            classes = checks.pass(Labels::of_training(&labels, expected.classes, &place));
        }
        checks.finish()?;
        match training.zip(classes) {
            Some((training, classes)) => Ok(Self {
                training,
                validation,
                test,
                classes,
            }),
            None => Err(no_file(folder, Part::Training, "images-idx3-ubyte")),
        }
    }

    fn pair(&self, part: Part) -> Option<&Pair> {
        match part {
            Part::Training => Some(&self.training),
            Part::Validation => self.validation.as_ref(),
            Part::Test => self.test.as_ref(),
        }
    }
}

impl Data for Folder {
    fn shape(&self) -> InputShape {
        self.training.shape
    }

    fn class_names(&self) -> &[String] {
        self.classes.names()
    }

    fn has(&self, part: Part) -> bool {
        self.pair(part).is_some()
    }

    fn read(&self, part: Part) -> Result<Recordings, Problems> {
        let pair = self.pair(part);
        pair.ok_or_else(|| format!("there is no part for {}", part.name()))?
            .read(&self.classes)
    }

    fn training_files(&self) -> Vec<Named> {
        let Files { images, labels } = &self.training.files;
        [images, labels]
            .map(|path| Named {
                name: path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
                path: path.clone(),
            })
            .into()
    }

    fn notes(&self) -> &[String] {
        &[]
    }
}

fn find(folder: &Path, name: &str, dimensions: usize) -> Option<PathBuf> {
    ["", ".gz"]
        .iter()
        .flat_map(|end| ["-", "."].map(|dot| format!("{name}{dot}idx{dimensions}-ubyte{end}")))
        .map(|name| folder.join(name))
        .find(|path| path.is_file())
}

fn no_file(folder: &Path, part: Part, name: &str) -> Problems {
    let (folder, prefix) = (folder.display(), prefix(part));
    format!("{folder} has no {prefix}-{name}, nor with .gz").into()
}

fn is_gzipped(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "gz")
}

/// Opens a file and reads its header: the magic number, then the size of each dimension.
fn open<const DIMENSIONS: usize>(
    path: &Path,
    magic: u32,
) -> Result<(Box<dyn Read>, [u32; DIMENSIONS]), Problems> {
    let failed = |error| unreadable(path, &error);
    let file = File::open(path).map_err(failed)?;
    let mut file: Box<dyn Read> = if is_gzipped(path) {
        Box::new(GzDecoder::new(file))
    } else {
        Box::new(file)
    };
    let found = read_word(&mut file).map_err(failed)?;
    if found != magic {
        let path = path.display();
        return Err(format!(
            "{path}: expected the magic number {magic:#06x}, found {found:#06x}: it is not what its \
             name says"
        )
        .into());
    }
    let mut sizes = [0; DIMENSIONS];
    for size in &mut sizes {
        *size = read_word(&mut file).map_err(failed)?;
    }
    Ok((file, sizes))
}

fn read_word(file: &mut dyn Read) -> io::Result<u32> {
    let mut bytes = [0; WORD_BYTES];
    file.read_exact(&mut bytes)?;
    Ok(u32::from_be_bytes(bytes))
}

/// Reads `needed` bytes, which are all that the file has left when `is_whole`.
fn read_values(
    file: &mut dyn Read,
    path: &Path,
    needed: usize,
    is_whole: bool,
) -> Result<Vec<u8>, Problems> {
    let mut values = Vec::with_capacity(needed.min(ROOM_BYTES));
    // A byte more than is needed tells a file that is too long, and lets the checksum at the end
    // of a gzipped one be checked.
    let limit = needed + usize::from(is_whole);
    file.take(limit as u64)
        .read_to_end(&mut values)
        .map_err(|error| unreadable(path, &error))?;
    if values.len() == needed {
        Ok(values)
    } else {
        Err(wrong_length(path, needed, values.len()))
    }
}

/// Checks the bytes after the header, unless the file must be unpacked to know them.
fn check_length(path: &Path, header: usize, needed: usize) -> Result<(), Problems> {
    if is_gzipped(path) {
        return Ok(());
    }
    let metadata = path.metadata().map_err(|error| unreadable(path, &error))?;
    let found = (metadata.len() as usize).saturating_sub(header);
    if found == needed {
        Ok(())
    } else {
        Err(wrong_length(path, needed, found))
    }
}

fn wrong_length(path: &Path, needed: usize, found: usize) -> Problems {
    let path = path.display();
    if found < needed {
        format!("{path} is truncated: its header needs {needed} bytes, found {found}").into()
    } else {
        format!("{path} goes on after the {needed} bytes that its header needs").into()
    }
}
