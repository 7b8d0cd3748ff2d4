use std::path::Path;

#[cfg(feature = "folders")]
use crate::folders;
#[cfg(feature = "npz")]
use crate::npz;
use crate::problems::Checks;
use crate::{Examples, InputShape, Problems, checksum, idx};

/// Classes that a label of 16 bits can tell.
const MOST_CLASSES: usize = 1 << 16;

/// How data is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether image files of another size than the network's are resized to it. Without, they are
    /// problems.
    pub resize: bool,
}

/// Where labelled data lies, its kind recognised and its outline checked.
///
/// | at the path | training | test |
/// | --- | --- | --- |
/// | a folder of idx files, plain or `.gz` | `train-images-idx3-ubyte`, `train-labels-…` | `t10k-…` |
/// | a folder of images by class | `train/<class>/*.png`, `.jpg`; or `<class>/…` | `test/<class>/…` |
/// | an `.npz` file | `x_train`, `y_train` | `x_test`, `y_test` |
///
/// The test part may be missing.
pub struct Source {
    shape: InputShape,
    classes: usize,
    kind: Kind,
}

enum Kind {
    Idx(idx::Folder),
    #[cfg(feature = "folders")]
    Images(folders::Images),
    #[cfg(feature = "npz")]
    Npz(npz::Archive),
}

impl Source {
    /// Recognises what is at `path`, and checks all that can be checked without reading every
    /// image: that the files are there and are what they seem, their shapes against `shape`, the
    /// labels of the training part against `classes` (1 to 65536).
    ///
    /// # Errors
    /// With all problems that were found.
    pub fn open(
        path: &Path,
        shape: InputShape,
        classes: usize,
        options: Options,
    ) -> Result<Self, Problems> {
        let mut checks = Checks::default();
        checks.pass(shape.check());
        if !(1..=MOST_CLASSES).contains(&classes) {
            checks.fail(format!(
                "a network of {classes} classes: 1 to {MOST_CLASSES} can be told apart"
            ));
        }
        checks.finish()?;
        Ok(Self {
            shape,
            classes,
            kind: Kind::open(path, shape, classes, options)?,
        })
    }

    /// All examples for training; every label is below the count of classes.
    ///
    /// # Errors
    /// With all problems of their files.
    pub fn training(&self) -> Result<Examples, Problems> {
        let Self { shape, classes, .. } = *self;
        match &self.kind {
            Kind::Idx(folder) => folder.training(shape, classes),
            #[cfg(feature = "folders")]
            Kind::Images(images) => images.training(shape),
            #[cfg(feature = "npz")]
            Kind::Npz(archive) => archive.training(shape, classes),
        }
    }

    /// All examples for testing, or `None` when the data has none. No image or label of them is
    /// looked at before this is called.
    ///
    /// # Errors
    /// With all problems of their files.
    pub fn test(&self) -> Result<Option<Examples>, Problems> {
        let Self { shape, classes, .. } = *self;
        match &self.kind {
            Kind::Idx(folder) => folder.test(shape, classes),
            #[cfg(feature = "folders")]
            Kind::Images(images) => images.test(shape),
            #[cfg(feature = "npz")]
            Kind::Npz(archive) => archive.test(shape, classes),
        }
    }

    /// What to call each class: its folder's name, or its number.
    pub fn class_names(&self) -> Vec<String> {
        match &self.kind {
            #[cfg(feature = "folders")]
            Kind::Images(images) => images.classes().to_vec(),
            _ => (0..self.classes).map(|class| class.to_string()).collect(),
        }
    }

    /// SHA-256 in hexadecimal of the names and bytes of the files that hold the training data, in
    /// a fixed order. An `.npz` file counts as a whole.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn checksum(&self) -> Result<String, Problems> {
        checksum::sha256(&match &self.kind {
            Kind::Idx(folder) => folder.training_files(),
            #[cfg(feature = "folders")]
            Kind::Images(images) => images.training_files(),
            #[cfg(feature = "npz")]
            Kind::Npz(archive) => archive.files(),
        })
    }
}

impl Kind {
    fn open(
        path: &Path,
        shape: InputShape,
        classes: usize,
        options: Options,
    ) -> Result<Self, Problems> {
        if path.is_dir() {
            if idx::Folder::is_at(path) {
                idx::Folder::open(path, shape, classes).map(Self::Idx)
            } else {
                Self::open_images(path, shape, classes, options)
            }
        } else if path.is_file() {
            Self::open_file(path, shape, classes)
        } else {
            Err(format!("{} does not exist", path.display()).into())
        }
    }

    #[cfg(feature = "folders")]
    fn open_images(
        path: &Path,
        shape: InputShape,
        classes: usize,
        options: Options,
    ) -> Result<Self, Problems> {
        folders::Images::open(path, shape, classes, options).map(Self::Images)
    }

    #[cfg(not(feature = "folders"))]
    fn open_images(path: &Path, _: InputShape, _: usize, _: Options) -> Result<Self, Problems> {
        let path = path.display();
        Err(format!(
            "{path} has no idx files, and this program was built without the feature `folders`"
        )
        .into())
    }

    #[cfg(feature = "npz")]
    fn open_file(path: &Path, shape: InputShape, classes: usize) -> Result<Self, Problems> {
        npz::Archive::open(path, shape, classes).map(Self::Npz)
    }

    #[cfg(not(feature = "npz"))]
    fn open_file(path: &Path, _: InputShape, _: usize) -> Result<Self, Problems> {
        let path = path.display();
        Err(
            format!("{path} is no folder, and this program was built without the feature `npz`")
                .into(),
        )
    }
}
