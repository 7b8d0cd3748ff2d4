use std::fs;
use std::path::Path;

use herringbone_dataset::{InputShape, Options, Source};
use image::{GrayImage, RgbImage};
use tempfile::TempDir;

use super::{CLASSES, SHAPE, open, told, without_path};

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
        Source::open(folder.path(), shape, 2, Options::default())?.training()
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
fn wrong_classes_and_empty_folders_are_told_at_once() {
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
         DATA/train/b has no image: put .png, .jpg or .jpeg there\n\
         DATA/test has the classes a, d, for training there are a, b: they must be the same"
    );
}

#[test]
fn images_of_another_size_are_told_or_resized() {
    let folder = folder(&["a/1.png", "b/1.png", "c/1.png"]);
    let ramp = GrayImage::from_fn(6, 4, |x, _| [10 * x as u8].into());
    add(&folder.path().join("b/2.png"), &ramp);
    let problems = open(folder.path()).unwrap().training().err();
    let expected = "DATA/b/2.png has 4×6 pixels (rows × columns), the network takes 2×3: have \
                    images resized, or resize them";
    assert_eq!(without_path(folder.path(), problems), expected);

    let resized = Source::open(folder.path(), SHAPE, CLASSES, Options { resize: true });
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
    assert_eq!(messages[10], "and 3 more images are wrong");
}
