use std::fs;
use std::io::{Cursor, Write as _};
use std::path::PathBuf;

use herringbone_dataset::{InputShape, Options, Problems, Source};
use proptest::prelude::*;
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{CLASSES, open, told, without_path};

/// An array as `numpy.save` writes it: format 1.0, padded to 64 bytes.
fn npy(dtype: &str, order: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let dictionary =
        format!("{{'descr': '{dtype}', 'fortran_order': {order}, 'shape': {shape}, }}");
    let text = format!("{dictionary:<117}\n");
    let length = (text.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], text.as_bytes(), values].concat()
}

fn bytes(shape: &str, values: &[u8]) -> Vec<u8> {
    npy("|u1", "False", shape, values)
}

fn images(count: u8) -> Vec<u8> {
    let values: Vec<_> = (0..count * 6).collect();
    bytes(&format!("({count}, 2, 3)"), &values)
}

fn labels(labels: &[i64]) -> Vec<u8> {
    let values: Vec<_> = labels
        .iter()
        .flat_map(|label| label.to_le_bytes())
        .collect();
    npy("<i8", "False", &format!("({},)", labels.len()), &values)
}

fn zipped(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in arrays {
        zip.start_file(format!("{name}.npy"), SimpleFileOptions::default())
            .unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

struct File {
    _folder: TempDir,
    path: PathBuf,
}

fn file(bytes: &[u8]) -> File {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.npz");
    fs::write(&path, bytes).unwrap();
    File {
        _folder: folder,
        path,
    }
}

fn archive(arrays: &[(&str, Vec<u8>)]) -> File {
    file(&zipped(arrays))
}

#[test]
fn both_parts_are_read_with_labels_of_any_integer_type() {
    let file = archive(&[
        ("x_train", images(3)),
        ("y_train", labels(&[2, 0, 1])),
        ("x_test", bytes("(2, 2, 3, 1)", &[7; 12])),
        ("y_test", npy(">u2", "False", "(2, 1)", &[0, 1, 0, 2])),
    ]);
    let source = open(&file.path).unwrap();
    assert_eq!(source.class_names(), ["0", "1", "2"]);
    let training = source.training().unwrap();
    assert_eq!(training.inputs, (0..18).collect::<Vec<u8>>());
    assert_eq!(training.labels, [2, 0, 1]);
    let test = source.test().unwrap().unwrap();
    assert_eq!((test.inputs, test.labels), (vec![7; 12], vec![1, 2]));
}

#[test]
fn series_need_no_dimension_of_rows() {
    for shape in ["(3, 1, 4, 2)", "(3, 4, 2)"] {
        let file = archive(&[
            ("x_train", bytes(shape, &[5; 24])),
            ("y_train", bytes("(3,)", &[0, 1, 2])),
        ]);
        let shape = InputShape {
            height: 1,
            width: 4,
            channels: 2,
        };
        let source = Source::open(&file.path, shape, CLASSES, Options::default()).unwrap();
        assert_eq!(source.training().unwrap().inputs, [5; 24]);
        assert_eq!(source.test().unwrap(), None);
    }
}

#[test]
fn wrong_arrays_are_told() {
    let good = images(3);
    let floats = npy("<f4", "False", "(3, 2, 3)", &[0; 72]);
    let one_hot = bytes("(3, 3)", &[1, 0, 0, 0, 1, 0, 0, 0, 1]);
    let cases = [
        (
            floats,
            one_hot,
            "DATA: x_train has values of the type '<f4': store bytes, 0 to 255, as numpy.uint8\n\
             DATA: y_train has the shape [3, 3], expected [count]: store the number of each \
             image's class",
        ),
        (
            bytes("(3, 3, 2)", &[0; 18]),
            npy("<f8", "False", "(3,)", &[0; 24]),
            "DATA: x_train has the shape [3, 3, 2], the network takes [count, 2, 3, 1]\n\
             DATA: y_train has labels of the type '<f8': store integers",
        ),
        (
            npy("|u1", "True", "(3, 2, 3)", &[0; 18]),
            labels(&[0, 1, 2]),
            "DATA: x_train is in Fortran's order: store numpy.ascontiguousarray of it",
        ),
        (
            bytes("(0, 2, 3)", &[]),
            labels(&[]),
            "DATA: x_train has no images",
        ),
        (
            good.clone(),
            labels(&[0, 1]),
            "DATA: x_train has 3 images, y_train has 2 labels: they must be as many",
        ),
        (
            good.clone(),
            labels(&[0, -1, 3]),
            "DATA: y_train: the network has 3 classes, so labels must be 0 to 2: found -1 at index \
             1, 3 at index 2",
        ),
        (
            b"no array".to_vec(),
            labels(&[0, 1, 1]),
            "DATA: x_train is not an array: magic not found for NPY file",
        ),
        (
            good,
            labels(&[0, 1, 1]),
            "DATA: y_train: the network has 3 classes, the labels are those of 2: declare the last \
             layer with 2 outputs, or train on other data",
        ),
    ];
    for (images, labels, expected) in cases {
        let file = archive(&[("x_train", images), ("y_train", labels)]);
        assert_eq!(told(&file.path), expected);
    }
}

#[test]
fn missing_and_truncated_arrays_are_told() {
    let no_labels = archive(&[("x_train", images(3)), ("y_test", labels(&[1]))]);
    assert_eq!(
        told(&no_labels.path),
        "DATA: y_train is missing\nDATA: x_test is missing"
    );
    let training = |arrays: &[_]| -> (File, Option<Problems>) {
        let file = archive(arrays);
        let problems = open(&file.path).and_then(|source| source.training()).err();
        (file, problems)
    };
    let (file, problems) = training(&[
        ("x_train", bytes("(3, 2, 3)", &[0; 17])),
        ("y_train", labels(&[0, 1, 2])),
    ]);
    assert_eq!(
        without_path(&file.path, problems),
        "DATA: x_train is truncated: its header tells of 18 bytes, found 17"
    );
    let no_zip = self::file(b"no zip");
    assert!(told(&no_zip.path).starts_with("DATA is not an npz archive: "));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_damage_brings_it_down(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        length in any::<prop::sample::Index>(),
        is_cut: bool,
    ) {
        let mut bytes = zipped(&[("x_train", images(3)), ("y_train", labels(&[0, 1, 2]))]);
        for (index, byte) in damage {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        if is_cut {
            bytes.truncate(length.index(bytes.len()));
        }
        let file = file(&bytes);
        if let Ok(examples) = open(&file.path).and_then(|source| source.training()) {
            prop_assert_eq!((examples.len(), examples.inputs.len()), (3, 18));
        }
    }
}
