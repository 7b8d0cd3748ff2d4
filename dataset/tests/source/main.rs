//! What is read from data of every kind, and what a user is told about data that is wrong.

mod checksum;
#[cfg(feature = "folders")]
mod folders;
mod idx;
#[cfg(feature = "npz")]
mod npz;

use std::path::Path;

use herringbone_dataset::{InputShape, Options, Problems, Source};

/// Images of two rows, three columns.
const SHAPE: InputShape = InputShape {
    height: 2,
    width: 3,
    channels: 1,
};
const CLASSES: usize = 3;

fn open(path: &Path) -> Result<Source, Problems> {
    Source::open(path, SHAPE, CLASSES, Options::default())
}

/// What is told about data at `path`, without the path.
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
fn nothing_at_the_path_is_told() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(told(&folder.path().join("no")), "DATA does not exist");
    #[cfg(feature = "folders")]
    assert_eq!(
        told(folder.path()),
        "DATA has neither idx files (train-images-idx3-ubyte …) nor folders of images by class \
         (train/<class>/*.png or <class>/*.png)"
    );
}

#[test]
fn a_network_that_no_data_fits_is_told() {
    let shape = InputShape {
        height: 2,
        width: 256,
        channels: 0,
    };
    let problems = Source::open("no".as_ref(), shape, 0, Options::default()).err();
    assert_eq!(
        problems.expect("there are problems").messages(),
        [
            "an input of 2×256×0: its rows, columns and channels must each be 1 to 255",
            "a network of 0 classes: 1 to 65536 can be told apart",
        ]
    );
}
