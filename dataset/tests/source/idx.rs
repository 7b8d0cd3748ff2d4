use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use herringbone_dataset::idx::{self, Part};
use tempfile::TempDir;

use super::{Read as _, SHAPE, open, told, without_path};

const IMAGES: &str = "train-images-idx3-ubyte";
const LABELS: &str = "train-labels-idx1-ubyte";

fn images(count: u8, height: u8, width: u8) -> Vec<u8> {
    let header = [0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, height, 0, 0, 0, width];
    let values = 0..count * height * width;
    header.into_iter().chain(values).collect()
}

fn labels(labels: &[u8]) -> Vec<u8> {
    [&[0, 0, 8, 1, 0, 0, 0, labels.len() as u8], labels].concat()
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

fn folder(files: &[(&str, Vec<u8>)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

#[test]
fn plain_gzipped_and_dotted_files_are_read() {
    let folder = folder(&[
        ("train-images.idx3-ubyte", images(4, 2, 3)),
        (
            "train-labels-idx1-ubyte.gz",
            gzipped(&labels(&[0, 1, 2, 1])),
        ),
        ("t10k-images.idx3-ubyte.gz", gzipped(&images(1, 2, 3))),
        ("t10k-labels-idx1-ubyte", labels(&[2])),
    ]);
    let source = open(folder.path()).unwrap();
    assert_eq!(source.class_names(), ["0", "1", "2"]);
    let training = source.training().unwrap();
    assert_eq!(training.labels, [0, 1, 2, 1]);
    assert_eq!(training.inputs, (0..24).collect::<Vec<u8>>());
    assert_eq!(training.names[3], "image 3");
    let test = source.test().unwrap().unwrap();
    assert_eq!(
        (&test.inputs[..], &test.labels[..]),
        (&[0, 1, 2, 3, 4, 5][..], &[2][..])
    );
}

#[test]
fn the_test_part_may_be_missing() {
    let folder = folder(&[(IMAGES, images(3, 2, 3)), (LABELS, labels(&[0, 1, 2]))]);
    assert_eq!(open(folder.path()).unwrap().test().unwrap(), None);
}

#[test]
fn labels_of_the_test_part_are_not_looked_at_before_they_are_asked_for() {
    let folder = folder(&[
        (IMAGES, images(3, 2, 3)),
        (LABELS, labels(&[0, 1, 2])),
        ("t10k-images-idx3-ubyte", images(2, 2, 3)),
        ("t10k-labels-idx1-ubyte", labels(&[0, 12])),
    ]);
    let source = open(folder.path()).unwrap();
    assert_eq!(source.training().unwrap().len(), 3);
    assert_eq!(
        without_path(folder.path(), source.test().err()),
        "DATA/t10k-labels-idx1-ubyte: the network has 3 classes, so labels must be 0 to 2: found \
         12 at index 1"
    );
}

#[test]
fn problems_of_all_files_are_reported_at_once() {
    let folder = folder(&[
        (IMAGES, images(2, 3, 2)),
        (LABELS, images(2, 2, 3)),
        ("t10k-images-idx3-ubyte", images(2, 2, 3)),
    ]);
    assert_eq!(
        told(folder.path()),
        "DATA/train-images-idx3-ubyte has images of 3×2×1, the network takes 2×3×1\n\
         DATA/train-labels-idx1-ubyte: expected the magic number 0x0801, found 0x0803: it is not \
         what its name says\n\
         DATA has no t10k-labels-idx1-ubyte, nor with .gz"
    );
}

#[test]
fn as_many_images_as_labels_are_needed() {
    let one_more = folder(&[(IMAGES, images(3, 2, 3)), (LABELS, labels(&[0, 1]))]);
    assert_eq!(
        told(one_more.path()),
        "DATA/train-images-idx3-ubyte has 3 images, DATA/train-labels-idx1-ubyte has 2 labels: \
         there must be as many"
    );
    let none = folder(&[(IMAGES, images(0, 2, 3)), (LABELS, labels(&[]))]);
    assert_eq!(
        told(none.path()),
        "DATA/train-images-idx3-ubyte has no images"
    );
}

#[test]
fn labels_that_are_not_those_of_the_network_are_reported() {
    let beyond: Vec<_> = (0..14).collect();
    let beyond = folder(&[(IMAGES, images(14, 2, 3)), (LABELS, labels(&beyond))]);
    assert_eq!(
        told(beyond.path()),
        "DATA/train-labels-idx1-ubyte: the network has 3 classes, so labels must be 0 to 2: found \
         3 at index 3, 4 at index 4, 5 at index 5, 6 at index 6, 7 at index 7, 8 at index 8, \
         9 at index 9, 10 at index 10, 11 at index 11, 12 at index 12 and 1 more"
    );
    let short = folder(&[(IMAGES, images(2, 2, 3)), (LABELS, labels(&[0, 1]))]);
    assert_eq!(
        told(short.path()),
        "DATA/train-labels-idx1-ubyte: the network has 3 classes, the labels are those of 2: \
         declare the last layer with 2 outputs, or train on other data"
    );
}

#[test]
fn damaged_files_are_reported() {
    let good = images(3, 2, 3);
    let packed = gzipped(&good);
    let cases = [
        (
            &good[..12],
            "",
            "cannot read IMAGES: failed to fill whole buffer",
        ),
        (
            &good[..30],
            "",
            "IMAGES is truncated: its header needs 18 bytes, found 14",
        ),
        (
            &[&good[..], &[0]].concat(),
            "",
            "IMAGES goes on after the 18 bytes that its header needs",
        ),
        (&good, ".gz", "cannot read IMAGES: invalid gzip header"),
        (
            &packed[..packed.len() - 9],
            ".gz",
            "cannot read IMAGES: incomplete deflate stream",
        ),
        (
            &gzipped(&good[..30]),
            ".gz",
            "IMAGES is truncated: its header needs 18 bytes, found 14",
        ),
        (
            &gzipped(&[&good[..], &[0]].concat()),
            ".gz",
            "IMAGES goes on after the 18 bytes that its header needs",
        ),
    ];
    for (bytes, end, expected) in cases {
        let name = format!("{IMAGES}{end}");
        let folder = folder(&[(&name, bytes.to_vec()), (LABELS, labels(&[0, 1, 2]))]);
        let problems = open(folder.path())
            .and_then(|source| source.training())
            .err();
        assert_eq!(
            without_path(&folder.path().join(name), problems).replace("DATA", "IMAGES"),
            expected
        );
    }
}

#[test]
fn the_first_examples_of_a_part_are_read_alone() {
    let folder = folder(&[
        ("t10k-images-idx3-ubyte.gz", gzipped(&images(3, 2, 3))),
        ("t10k-labels-idx1-ubyte", labels(&[7, 8, 9])),
    ]);
    let read = |folder: &Path, part, count| idx::read_first(folder, part, SHAPE, count);
    let first = read(folder.path(), Part::Test, 2).unwrap();
    assert_eq!((first.inputs.len(), first.labels), (12, vec![7, 8]));
    assert_eq!(
        without_path(folder.path(), read(folder.path(), Part::Test, 4).err()),
        "DATA/t10k-images-idx3-ubyte.gz has 3 images, 4 were asked for"
    );
    assert_eq!(
        without_path(folder.path(), read(folder.path(), Part::Training, 1).err()),
        "DATA has no train-images-idx3-ubyte, nor with .gz"
    );
}
