//! `NumPy`'s archives: a zip file of the arrays `x_train`, `y_train`, `x_test` and `y_test`, as is
//! Keras's `mnist.npz`.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use npyz::{DType, NpyFile, NpyHeader, Order, TypeChar};
use zip::ZipArchive;
use zip::result::ZipError;

use crate::checksum::Named;
use crate::problems::{Checks, unreadable};
use crate::{Examples, InputShape, Problems, labels};

const TRAINING: [&str; 2] = ["x_train", "y_train"];
const TEST: [&str; 2] = ["x_test", "y_test"];
/// Room for values that is made before any is read. A header may tell of more than there is.
const ROOM_BYTES: usize = 1 << 26;

/// An archive, checked.
pub(crate) struct Archive {
    path: PathBuf,
    has_test: bool,
}

type Zip = ZipArchive<BufReader<File>>;

impl Archive {
    /// Checks the arrays' headers, and the labels for training.
    pub(crate) fn open(path: &Path, shape: InputShape, classes: usize) -> Result<Self, Problems> {
        let archive = Self {
            path: path.to_owned(),
            has_test: false,
        };
        let mut zip = archive.unzip()?;
        let has_test = TEST
            .iter()
            .any(|array| zip.index_for_name(&entry(array)).is_some());
        let mut checks = Checks::default();
        checks.pass(archive.check(&mut zip, TRAINING, shape));
        if has_test {
            checks.pass(archive.check(&mut zip, TEST, shape));
        }
        // Labels are of no meaning before their array is known to be right.
        checks.finish()?;
        let labels = archive.read_labels(&mut zip, TRAINING[1], classes)?;
        labels::reach_last_class(&labels, classes, &archive.place(TRAINING[1]))?;
        Ok(Self {
            has_test,
            ..archive
        })
    }

    pub(crate) fn training(&self, shape: InputShape, classes: usize) -> Result<Examples, Problems> {
        self.read(TRAINING, shape, classes)
    }

    pub(crate) fn test(
        &self,
        shape: InputShape,
        classes: usize,
    ) -> Result<Option<Examples>, Problems> {
        self.has_test
            .then(|| self.read(TEST, shape, classes))
            .transpose()
    }

    pub(crate) fn files(&self) -> Vec<Named> {
        let name = self.path.file_name().unwrap_or_default();
        vec![Named {
            name: name.to_string_lossy().into_owned(),
            path: self.path.clone(),
        }]
    }

    fn unzip(&self) -> Result<Zip, Problems> {
        let file = File::open(&self.path).map_err(|error| unreadable(&self.path, &error))?;
        ZipArchive::new(BufReader::new(file)).map_err(|error| {
            format!("{} is not an npz archive: {error}", self.path.display()).into()
        })
    }

    /// What to call an array in a message.
    fn place(&self, array: &str) -> String {
        format!("{}: {array}", self.path.display())
    }

    /// An array of the archive: its header is read.
    fn array<'zip>(
        &self,
        zip: &'zip mut Zip,
        array: &str,
    ) -> Result<NpyFile<impl Read + use<'zip>>, Problems> {
        let place = self.place(array);
        let file = zip.by_name(&entry(array)).map_err(|error| match error {
            ZipError::FileNotFound => format!("{place} is missing"),
            error => format!("{place} cannot be unpacked: {error}"),
        })?;
        NpyFile::new(file).map_err(|error| format!("{place} is not an array: {error}").into())
    }

    /// Checks the arrays of a part: types, shapes, and that there is a label for each image.
    fn check(
        &self,
        zip: &mut Zip,
        [images, labels]: [&str; 2],
        shape: InputShape,
    ) -> Result<(), Problems> {
        let mut checks = Checks::default();
        let image_count = checks.pass(self.array(zip, images).and_then(|array| {
            let place = self.place(images);
            check_images(&array, shape).map_err(|message| format!("{place} {message}").into())
        }));
        let label_count = checks.pass(self.array(zip, labels).and_then(|array| {
            let place = self.place(labels);
            check_labels(&array).map_err(|message| format!("{place} {message}").into())
        }));
        if let (Some(found), Some(label_count)) = (image_count, label_count)
            && found != label_count
        {
            checks.fail(format!(
                "{}: {images} has {found} images, {labels} has {label_count} labels: they must be \
                 as many",
                self.path.display()
            ));
        }
        checks.finish()
    }

    fn read(
        &self,
        part: [&str; 2],
        shape: InputShape,
        classes: usize,
    ) -> Result<Examples, Problems> {
        let mut zip = self.unzip()?;
        self.check(&mut zip, part, shape)?;
        let [images, labels] = part;
        let labels = self.read_labels(&mut zip, labels, classes)?;

        let needed = labels.len() * shape.values();
        let mut inputs = Vec::with_capacity(needed.min(ROOM_BYTES));
        // All is read, so that the checksum behind it is checked.
        let array = self.array(&mut zip, images)?;
        let place = self.place(images);
        array
            .into_inner()
            .take(needed as u64 + 1)
            .read_to_end(&mut inputs)
            .map_err(|error| format!("{place} cannot be read: {error}"))?;
        if inputs.len() == needed {
            Ok(Examples::indexed(shape, inputs, labels))
        } else {
            let found = inputs.len();
            Err(if found < needed {
                format!("{place} is truncated: its header tells of {needed} bytes, found {found}")
            } else {
                format!("{place} goes on behind the {needed} bytes that its header tells of")
            }
            .into())
        }
    }

    fn read_labels(
        &self,
        zip: &mut Zip,
        array: &str,
        classes: usize,
    ) -> Result<Vec<u16>, Problems> {
        let place = self.place(array);
        let values = integers(self.array(zip, array)?)
            .map_err(|error| format!("{place} cannot be read: {error}"))?;
        labels::within(values, classes, &place)
    }
}

fn entry(array: &str) -> String {
    npyz::npz::file_name_from_array_name(array)
}

/// How many images an array has.
fn check_images(array: &NpyHeader, shape: InputShape) -> Result<u64, String> {
    let [height, width, channels] = [shape.height, shape.width, shape.channels].map(u64::from);
    // Grey images may come without their dimension of channels, and series without that of rows.
    let mut accepted = vec![vec![height, width, channels]];
    if channels == 1 {
        accepted.push(vec![height, width]);
    }
    if height == 1 {
        accepted.push(vec![width, channels]);
    }
    if height == 1 && channels == 1 {
        accepted.push(vec![width]);
    }
    let found = array.shape();
    let count = match found.split_first() {
        Some((&count, rest)) if accepted.iter().any(|it| it == rest) => count,
        _ => {
            return Err(format!(
                "has the shape {found:?}, the network takes [count, {height}, {width}, {channels}]"
            ));
        }
    };
    let dtype = array.dtype();
    let is_bytes = match &dtype {
        DType::Plain(it) => it.type_char() == TypeChar::Uint && it.size_field() == 1,
        _ => false,
    };
    if count == 0 {
        Err("has no images".to_owned())
    } else if !is_bytes {
        Err(format!(
            "has values of the type {}: store bytes, 0 to 255, as numpy.uint8",
            dtype.descr()
        ))
    } else if array.order() == Order::Fortran {
        Err("is in Fortran's order: store numpy.ascontiguousarray of it".to_owned())
    } else {
        Ok(count)
    }
}

/// How many labels an array has.
fn check_labels(array: &NpyHeader) -> Result<u64, String> {
    let (&[count] | &[count, 1]) = array.shape() else {
        return Err(format!(
            "has the shape {:?}, expected [count]: store the number of each image's class",
            array.shape()
        ));
    };
    let dtype = array.dtype();
    match &dtype {
        DType::Plain(it) if matches!(it.type_char(), TypeChar::Int | TypeChar::Uint) => Ok(count),
        _ => Err(format!(
            "has labels of the type {}: store integers",
            dtype.descr()
        )),
    }
}

/// The integers of an array of any integer type.
fn integers(array: NpyFile<impl Read>) -> io::Result<Vec<i128>> {
    macro_rules! as_any_of {
        ($array:expr, $($integer:ty),*) => {{
            let array = $array;
            $(let array = match array.try_data::<$integer>() {
                Ok(values) => return values.map(|value| value.map(i128::from)).collect(),
                Err(array) => array,
            };)*
            array
        }};
    }
    let other = as_any_of!(array, u8, i64, i32, i8, i16, u16, u32, u64);
    let dtype = other.dtype().descr();
    Err(io::Error::other(format!(
        "its type is {dtype}, not an integer"
    )))
}
