//! What is read from data of every kind, and what is said about data that is wrong.

mod checksum;
#[cfg(feature = "folders")]
mod folders;
mod idx;
#[cfg(feature = "npz")]
mod npz;
#[cfg(feature = "folders")]
mod sounds;
#[cfg(feature = "folders")]
mod tables;

use std::path::Path;

use herringbone_dataset::{
    Examples, Expected, InputShape, Normalisation, Options, Part, Problems, Source, Values,
};

/// Images of two rows, three columns.
const SHAPE: InputShape = InputShape {
    height: 2,
    width: 3,
    channels: 1,
};
const CLASSES: usize = 3;

fn open(path: &Path) -> Result<Source, Problems> {
    open_with(path, SHAPE, &Options::default())
}

fn open_with(path: &Path, shape: InputShape, options: &Options) -> Result<Source, Problems> {
    let expected = Expected {
        shape: Some(shape),
        classes: Some(CLASSES),
    };
    Source::open(path, expected, options)
}

/// What is at a path, of which nothing is known.
fn open_any(path: &Path) -> Result<Source, Problems> {
    Source::open(path, Expected::default(), &Options::default())
}

/// The parts of data as they are.
trait Read {
    fn training(&self) -> Result<Examples, Problems>;
    fn test(&self) -> Result<Option<Examples>, Problems>;
    /// The training part's values, as numbers.
    fn numbers(&self) -> Vec<f32>;
    /// What was said of the training part.
    fn said(&self) -> Vec<String>;
}

impl Read for Source {
    fn training(&self) -> Result<Examples, Problems> {
        let training = self.read(Part::Training)?.expect("it is always there");
        Ok(Normalisation::identity().apply(training))
    }

    fn test(&self) -> Result<Option<Examples>, Problems> {
        let test = self.read(Part::Test)?;
        Ok(test.map(|test| Normalisation::identity().apply(test)))
    }

    fn numbers(&self) -> Vec<f32> {
        match self.read(Part::Training).unwrap().unwrap().values {
            Values::Bytes(bytes) => bytes.into_iter().map(f32::from).collect(),
            Values::Numbers(numbers) => numbers,
        }
    }

    fn said(&self) -> Vec<String> {
        let read = self.read(Part::Training).unwrap().unwrap().notes;
        [self.notes(), &read].concat()
    }
}

/// What is said about data at `path`, without the path.
fn told(path: &Path) -> String {
    without_path(path, open(path).err())
}

fn without_path(path: &Path, problems: Option<Problems>) -> String {
    let path = path.display().to_string();
    problems
        .expect("there are problems")
        .to_string()
        .replace(&path, "DATA")
}

#[test]
fn nothing_at_the_path_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(told(&folder.path().join("no")), "DATA does not exist");
    #[cfg(feature = "folders")]
    assert_eq!(
        told(folder.path()),
        "DATA has neither idx files (train-images-idx3-ubyte …), nor arrays (x_train.npy …), nor a \
         table train.csv, nor folders of images, sounds or tables by class (train/<class>/*.png or \
         <class>/*.png)"
    );
}

#[test]
fn a_network_that_no_data_fits_is_reported() {
    let shape = InputShape {
        height: 2,
        width: 65_536,
        channels: 0,
    };
    let expected = Expected {
        shape: Some(shape),
        classes: Some(0),
    };
    let problems = Source::open("no".as_ref(), expected, &Options::default()).err();
    assert_eq!(
        problems.expect("there are problems").messages(),
        [
            "an input of 2×65536×0: its rows and columns must each be 1 to 65535, its channels 1 to 255",
            "a network of 0 classes: expected 1 to 65536",
        ]
    );
}
