//! Folders of PNG and JPEG images, one for each class.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use image::imageops::{FilterType, resize};
use image::{ImageError, ImageReader};

use crate::checksum::Named;
use crate::problems::{Checks, named, unreadable};
use crate::{Examples, InputShape, Options, Problems};

const EXTENSIONS: [&str; 3] = ["png", "jpg", "jpeg"];
/// How many wrong images are told of, before the rest are counted.
const TOLD: usize = 10;

/// Images by class, listed and not yet decoded.
pub(crate) struct Images {
    options: Options,
    classes: Vec<String>,
    training: Vec<Image>,
    test: Option<Vec<Image>>,
}

struct Image {
    path: PathBuf,
    /// The path within the data's folder, with slashes.
    name: String,
    label: u16,
}

/// A folder of a class.
struct Class {
    path: PathBuf,
    name: String,
}

impl Images {
    /// Lists the images of both parts, and checks the size of each class's first one for training.
    pub(crate) fn open(
        root: &Path,
        shape: InputShape,
        classes: usize,
        options: Options,
    ) -> Result<Self, Problems> {
        // A class may be called `train`, but has no folders in it.
        let train = root.join("train");
        let (training_folder, test_folder) = if train.is_dir() && !list_classes(&train)?.is_empty()
        {
            (train, Some(root.join("test")).filter(|test| test.is_dir()))
        } else {
            (root.to_owned(), None)
        };

        let found = list_classes(&training_folder)?;
        if found.is_empty() {
            return Err(format!(
                "{root} has neither idx files (train-images-idx3-ubyte …) nor folders of images by \
                 class (train/<class>/*.png or <class>/*.png)",
                root = root.display()
            )
            .into());
        }
        let mut checks = Checks::default();
        if !matches!(shape.channels, 1 | 3) {
            checks.fail(format!(
                "{}: images are read with 1 channel or 3, the network takes {shape}",
                root.display()
            ));
        }
        let names: Vec<_> = found.iter().map(|class| class.name.clone()).collect();
        if found.len() != classes {
            checks.fail(format!(
                "{} has folders of {found} classes ({}), the network has {classes}: declare the \
                 last layer with {found} outputs, or train on other data",
                training_folder.display(),
                named(&names),
                found = found.len()
            ));
        }
        let training = checks.pass(list_images(root, &found));
        let test = test_folder.and_then(|folder| {
            let classes = checks.pass(same_classes(&folder, &names))?;
            checks.pass(list_images(root, &classes))
        });
        if let Some(training) = &training {
            let firsts = training.chunk_by(|one, other| one.label == other.label);
            let wrong = firsts.filter_map(|images| check_size(&images[0], shape, options).err());
            checks.pass(tell(wrong.collect()));
        }
        checks.finish()?;
        Ok(Self {
            options,
            classes: names,
            training: training.unwrap_or_default(),
            test,
        })
    }

    pub(crate) fn classes(&self) -> &[String] {
        &self.classes
    }

    pub(crate) fn training(&self, shape: InputShape) -> Result<Examples, Problems> {
        decode_all(&self.training, shape, self.options)
    }

    pub(crate) fn test(&self, shape: InputShape) -> Result<Option<Examples>, Problems> {
        let test = self.test.as_ref();
        test.map(|images| decode_all(images, shape, self.options))
            .transpose()
    }

    pub(crate) fn training_files(&self) -> Vec<Named> {
        let images = self.training.iter();
        images
            .map(|image| Named {
                name: image.name.clone(),
                path: image.path.clone(),
            })
            .collect()
    }
}

/// What is in `folder`, by name, without what is hidden.
fn list(folder: &Path) -> Result<Vec<PathBuf>, Problems> {
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
fn list_classes(folder: &Path) -> Result<Vec<Class>, Problems> {
    let mut classes: Vec<_> = list(folder)?
        .into_iter()
        .filter(|path| path.is_dir())
        .map(|path| Class {
            name: name(&path),
            path,
        })
        .collect();
    let number = |class: &Class| class.name.parse::<u64>().ok();
    if classes.iter().all(|class| number(class).is_some()) {
        classes.sort_by_key(number);
    }
    Ok(classes)
}

/// The classes of the test part, which must be those of the training part.
fn same_classes(folder: &Path, training: &[String]) -> Result<Vec<Class>, Problems> {
    let classes = list_classes(folder)?;
    if classes.iter().map(|class| &class.name).eq(training) {
        Ok(classes)
    } else {
        Err(format!(
            "{} has the classes {}, for training there are {}: they must be the same",
            folder.display(),
            named(classes.iter().map(|class| &class.name)),
            named(training)
        )
        .into())
    }
}

/// The images of `classes`, by class, then by name.
fn list_images(root: &Path, classes: &[Class]) -> Result<Vec<Image>, Problems> {
    let mut checks = Checks::default();
    let mut images = Vec::new();
    for (label, class) in classes.iter().enumerate() {
        let Some(mut paths) = checks.pass(list(&class.path)) else {
            continue;
        };
        paths.retain(|path| is_image(path));
        if paths.is_empty() {
            let path = class.path.display();
            checks.fail(format!(
                "{path} has no image: put .png, .jpg or .jpeg there"
            ));
        }
        images.extend(paths.into_iter().map(|path| Image {
            name: name_within(root, &path),
            path,
            label: label as u16,
        }));
    }
    checks.finish()?;
    Ok(images)
}

fn is_image(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str);
    path.is_file()
        && extension.is_some_and(|extension| {
            EXTENSIONS
                .iter()
                .any(|known| extension.eq_ignore_ascii_case(known))
        })
}

fn name(path: &Path) -> String {
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

fn decode_all(images: &[Image], shape: InputShape, options: Options) -> Result<Examples, Problems> {
    let mut examples = Examples::none(shape);
    examples.inputs.reserve_exact(images.len() * shape.values());
    let mut wrong = Vec::new();
    for image in images {
        match decode(image, shape, options) {
            Ok(values) => {
                examples.inputs.extend(values);
                examples.labels.push(image.label);
                examples.names.push(image.name.clone());
            }
            Err(message) => wrong.push(message),
        }
    }
    tell(wrong)?;
    Ok(examples)
}

/// The bytes of an image, grey or RGB, as large as the network takes them.
fn decode(image: &Image, shape: InputShape, options: Options) -> Result<Vec<u8>, String> {
    let decoded = open(image)?
        .decode()
        .map_err(|error| undecodable(image, &error))?;
    let (height, width) = (decoded.height(), decoded.width());
    require_size(image, [height, width], shape, options)?;
    let is_resized = [height, width] != [shape.height, shape.width];
    // Channels are converted first: there are fewer values to resize.
    Ok(if shape.channels == 1 {
        let grey = decoded.into_luma8();
        if is_resized {
            resize(&grey, shape.width, shape.height, FilterType::Triangle).into_raw()
        } else {
            grey.into_raw()
        }
    } else {
        let colours = decoded.into_rgb8();
        if is_resized {
            resize(&colours, shape.width, shape.height, FilterType::Triangle).into_raw()
        } else {
            colours.into_raw()
        }
    })
}

/// Checks an image's header.
fn check_size(image: &Image, shape: InputShape, options: Options) -> Result<(), String> {
    let (width, height) = open(image)?
        .into_dimensions()
        .map_err(|error| undecodable(image, &error))?;
    require_size(image, [height, width], shape, options)
}

fn require_size(
    image: &Image,
    [height, width]: [u32; 2],
    shape: InputShape,
    options: Options,
) -> Result<(), String> {
    if options.resize || [height, width] == [shape.height, shape.width] {
        return Ok(());
    }
    Err(format!(
        "{} has {height}×{width} pixels (rows × columns), the network takes {}×{}: have images \
         resized, or resize them",
        image.path.display(),
        shape.height,
        shape.width
    ))
}

/// Opens an image, whose bytes tell its format: its name may be wrong.
fn open(image: &Image) -> Result<ImageReader<BufReader<File>>, String> {
    ImageReader::open(&image.path)
        .and_then(ImageReader::with_guessed_format)
        .map_err(|error| unreadable(&image.path, &error).to_string())
}

fn undecodable(image: &Image, error: &ImageError) -> String {
    format!("cannot decode {}: {error}", image.path.display())
}

/// The first messages about wrong images, and how many more there are.
fn tell(wrong: Vec<String>) -> Result<(), Problems> {
    let mut checks = Checks::default();
    let more = wrong.len().saturating_sub(TOLD);
    for message in wrong.into_iter().take(TOLD) {
        checks.fail(message);
    }
    if more > 0 {
        checks.fail(format!("and {more} more images are wrong"));
    }
    checks.finish()
}
