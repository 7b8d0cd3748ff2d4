use std::fs;
use std::path::Path;

use herringbone_dataset::{
    Background, Expected, InputShape, Options, Part, Problems, Source, Values,
};
use image::{GrayAlphaImage, GrayImage, ImageBuffer, Luma, RgbImage};
use tempfile::TempDir;

use super::{Read as _, SHAPE, open, open_any, open_with, told, without_path};

/// A folder with an image of one grey level, of the network's size, at each of `paths`.
fn folder(paths: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for path in paths {
        add(
            &folder.path().join(path),
            &GrayImage::from_pixel(3, 2, [9].into()),
        );
    }
    folder
}

/// Data of two classes.
fn open_shaped(path: &Path, shape: InputShape) -> Result<Source, Problems> {
    let expected = Expected {
        shape: Some(shape),
        classes: Some(2),
    };
    Source::open(path, expected, &Options::default())
}

fn add(path: &Path, image: &GrayImage) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    image.save(path).unwrap();
}

#[test]
fn classes_are_in_the_order_of_their_names_or_numbers() {
    let numbers = folder(&["10/a.png", "9/a.png", "1/a.png", "1/b.JPEG"]);
    fs::write(numbers.path().join("README"), "").unwrap();
    fs::write(numbers.path().join("1/.hidden.png"), "").unwrap();
    let source = open(numbers.path()).unwrap();
    assert_eq!(source.class_names(), ["1", "9", "10"]);
    let training = source.training().unwrap();
    assert_eq!(training.labels, [0, 0, 1, 2]);
    assert_eq!(
        training.names,
        ["1/a.png", "1/b.JPEG", "9/a.png", "10/a.png"]
    );
    assert_eq!(training.input(2), [9; 6]);
    assert_eq!(source.test().unwrap(), None);

    let names = folder(&["10/a.png", "9/a.png", "x/a.png"]);
    assert_eq!(open(names.path()).unwrap().class_names(), ["10", "9", "x"]);
}

#[test]
fn both_parts_are_read() {
    let folder = folder(&[
        "train/a/1.png",
        "train/b/1.jpg",
        "train/c/1.png",
        "test/a/1.png",
        "test/b/1.png",
        "test/c/1.png",
        "test/c/2.png",
    ]);
    let source = open(folder.path()).unwrap();
    assert_eq!(source.class_names(), ["a", "b", "c"]);
    assert_eq!(source.training().unwrap().names[1], "train/b/1.jpg");
    assert_eq!(source.test().unwrap().unwrap().labels, [0, 1, 2, 2]);
}

#[test]
fn a_class_may_be_called_train() {
    let folder = folder(&["plane/1.png", "ship/1.png", "train/1.png"]);
    let source = open(folder.path()).unwrap();
    assert_eq!(source.class_names(), ["plane", "ship", "train"]);
}

#[test]
fn images_are_read_with_the_channels_that_the_network_takes() {
    let folder = folder(&["grey/1.png"]);
    let colours = RgbImage::from_fn(3, 2, |x, _| [0, 255, 100 * x as u8].into());
    fs::create_dir(folder.path().join("colours")).unwrap();
    colours.save(folder.path().join("colours/1.png")).unwrap();
    let training = |channels| {
        let shape = InputShape { channels, ..SHAPE };
        open_shaped(folder.path(), shape)?.training()
    };
    let coloured = training(3).unwrap();
    assert_eq!(coloured.input(0), colours.as_raw());
    assert_eq!(coloured.input(1), [9; 18]);
    // The luma of ITU-R BT.709: 0.7152 of green and 0.0722 of blue.
    let grey = training(1).unwrap();
    assert_eq!(grey.input(0), [182, 190, 197, 182, 190, 197]);
    assert_eq!(
        without_path(folder.path(), training(2).err()),
        "DATA: images are read with 1 channel or 3, the network takes 2×3×2"
    );
}

#[test]
fn wrong_classes_and_empty_folders_are_reported_at_once() {
    let folder = folder(&[
        "train/a/1.png",
        "train/b/1.png",
        "test/a/1.png",
        "test/d/1.png",
    ]);
    fs::write(folder.path().join("train/b/notes.txt"), "").unwrap();
    fs::remove_file(folder.path().join("train/b/1.png")).unwrap();
    assert_eq!(
        told(folder.path()),
        "DATA/train has folders of 2 classes (a, b), the network has 3: declare the last layer \
         with 2 outputs, or train on other data\n\
         DATA/train/b has no image: put .png, .jpg or another image there\n\
         DATA/test has the classes a, d, for training there are a, b: they must be the same"
    );
}

#[test]
fn images_of_another_size_are_reported_or_resized() {
    let folder = folder(&["a/1.png", "b/1.png", "c/1.png"]);
    let ramp = GrayImage::from_fn(6, 4, |x, _| [10 * x as u8].into());
    add(&folder.path().join("b/2.png"), &ramp);
    let problems = open(folder.path()).unwrap().training().err();
    let expected = "DATA/b/2.png has 4×6 pixels (rows × columns), the network takes 2×3: have \
                    images resized (--resize), or resize them";
    assert_eq!(without_path(folder.path(), problems), expected);

    let options = Options {
        resize: true,
        ..Options::default()
    };
    let resized = open_with(folder.path(), SHAPE, &options);
    let training = resized.unwrap().training().unwrap();
    assert_eq!(training.names[2], "b/2.png");
    let input = training.input(2);
    assert_eq!(input[..3], input[3..]);
    assert!(
        input[0] < 10 && (20..=30).contains(&input[1]) && input[2] > 40,
        "{input:?}"
    );

    // The first of each class is looked at before anything starts.
    add(&folder.path().join("b/0.png"), &ramp);
    assert_eq!(told(folder.path()), expected.replace("2.png", "0.png"));
}

#[test]
fn ten_wrong_images_are_named_and_the_rest_counted() {
    let folder = folder(&["a/00.png", "b/00.png", "c/00.png"]);
    for index in 1..=13 {
        fs::write(folder.path().join(format!("a/{index:02}.png")), "no image").unwrap();
    }
    let problems = open(folder.path()).unwrap().training().unwrap_err();
    let messages = problems.messages();
    assert_eq!(messages.len(), 11);
    assert!(
        messages[0].starts_with("cannot decode ") && messages[0].contains("01.png: "),
        "{}",
        messages[0]
    );
    assert_eq!(messages[10], "and 3 more files are wrong");
}

#[test]
fn parts_are_known_by_several_names_and_what_is_beside_them_is_reported() {
    let folder = folder(&[
        "Training/a/1.png",
        "Training/b/deep/er/1.png",
        "valid/a/1.png",
        "Testing/a/1.png",
        "Testing/b/1.png",
        "notes/a/1.png",
    ]);
    let source = open_any(folder.path()).unwrap();
    assert_eq!(
        source.training().unwrap().names[1],
        "Training/b/deep/er/1.png"
    );
    let validation = source.read(Part::Validation).unwrap().unwrap();
    assert_eq!(validation.labels, [0]);
    assert_eq!(source.test().unwrap().unwrap().labels, [0, 1]);
    let said = source.said();
    assert_eq!(said.len(), 2, "{said:?}");
    assert_eq!(said[0], "left out: notes is next to the folders of parts");
    assert!(said[1].ends_with("valid has no example of b"), "{said:?}");
}

#[test]
fn parts_without_folders_of_classes_are_refused() {
    let flat = folder(&[
        "train/across.0.png",
        "train/down.1.png",
        "test/across.2.png",
    ]);
    assert_eq!(
        told(flat.path()),
        "DATA/train has 2 files and no folders of classes: put each class's files into a folder of \
         its own, DATA/train/<class>/…"
    );
    let untrained = folder(&["test/a/1.png", "val/a/1.png"]);
    assert_eq!(
        told(untrained.path()),
        "DATA has test, val, and no folder `train`: there are no training examples"
    );
}

#[test]
fn other_formats_are_read_and_what_is_left_out_is_counted() {
    let folder = folder(&[
        "a/1.bmp", "a/2.pgm", "a/3.webp", "b/1.tif", "b/2.tga", "c/1.png",
    ]);
    for name in ["a/readme.md", "a/list.xyz", "b/values.csv"] {
        fs::write(folder.path().join(name), "1").unwrap();
    }
    let source = open(folder.path()).unwrap();
    let training = source.training().unwrap();
    assert_eq!(training.labels, [0, 0, 0, 1, 1, 2]);
    assert!(training.inputs.iter().all(|it| *it == 9));
    assert_eq!(
        source.notes(),
        [
            "left out: 2 files, the first of them a/list.xyz, which has an unsupported format",
            "left out: b/values.csv is a table, and most files are images",
        ]
    );
}

#[test]
fn what_can_be_seen_through_lies_on_what_makes_it_visible() {
    let drawn = |luma| {
        let folder = folder(&["b/1.png"]);
        let image = GrayAlphaImage::from_fn(3, 2, |x, _| [luma, [0, 255, 51][x as usize]].into());
        fs::create_dir(folder.path().join("a")).unwrap();
        image.save(folder.path().join("a/1.png")).unwrap();
        folder
    };
    let (dark, bright) = (drawn(0), drawn(255));
    let open = |folder: &TempDir, background| {
        let options = Options {
            background,
            ..Options::default()
        };
        Source::open(folder.path(), Expected::default(), &options).unwrap()
    };
    let first = |source: &Source| source.training().unwrap().inputs[..3].to_vec();
    let source = open(&dark, Background::Contrast);
    assert_eq!(first(&source), [255, 0, 204]);
    assert_eq!(
        source.said(),
        ["1 of 2 images are transparent: they are put on white (--background)"]
    );
    assert_eq!(first(&open(&bright, Background::Contrast)), [0, 255, 51]);
    assert_eq!(first(&open(&dark, Background::Black)), [0, 0, 0]);
}

#[test]
fn images_of_sixteen_bits_keep_them_and_bytes_beside_them_are_scaled() {
    let folder = folder(&["b/1.png"]);
    let image = ImageBuffer::<Luma<u16>, _>::from_fn(3, 2, |x, _| Luma([1023 * x as u16]));
    fs::create_dir(folder.path().join("a")).unwrap();
    image.save(folder.path().join("a/1.png")).unwrap();
    let recordings = open_any(folder.path())
        .unwrap()
        .read(Part::Training)
        .unwrap()
        .unwrap();
    let Values::Numbers(numbers) = recordings.values else {
        panic!("values of 16 bits are no bytes");
    };
    assert_eq!(numbers[..3], [0.0, 1023.0, 2046.0]);
    assert_eq!(numbers[6], 9.0 * 257.0);
}

#[test]
fn an_image_that_lies_on_its_side_is_turned() {
    // The EXIF data of a camera that was held upright: orientation 6.
    let folder = folder(&["b/1.png"]);
    let path = folder.path().join("a/1.jpg");
    add(
        &path,
        &GrayImage::from_fn(2, 3, |_, y| [if y == 0 { 250 } else { 5 }].into()),
    );
    let plain = fs::read(&path).unwrap();
    let tiff = [
        &b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01"[..],
        b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0",
    ]
    .concat();
    let length = (tiff.len() as u16 + 2).to_be_bytes();
    let exif = [&plain[..2], &[0xff, 0xe1], &length, &tiff, &plain[2..]].concat();
    fs::write(&path, exif).unwrap();
    let source = open_shaped(folder.path(), SHAPE).unwrap();
    let input = source.training().unwrap().inputs[..6].to_vec();
    assert!(
        input[2] > 200 && input[5] > 200 && input[0] < 60,
        "{input:?}"
    );
    assert!(source.said()[0].contains("1 of 2 images are turned upright"));
}

#[test]
fn folders_below_a_class_keep_examples_together() {
    let folder = folder(&[
        "a/ann/1.png",
        "a/bob/1.png",
        "b/ann/day/1.png",
        "c/bob/1.png",
    ]);
    let grouped = |level: &str| {
        let options = Options {
            group_by: Some(level.to_owned()),
            ..Options::default()
        };
        open_with(folder.path(), SHAPE, &options)
    };
    let training = grouped("1").unwrap().training().unwrap();
    assert_eq!(training.groups, ["ann", "bob", "ann", "bob"]);
    let message = grouped("2").err().unwrap().to_string();
    assert!(
        message.starts_with("a/ann/1.png is not in that many folders"),
        "{message}"
    );
    let message = grouped("person").err().unwrap().to_string();
    assert!(message.contains("1 for the first one below"), "{message}");
}
