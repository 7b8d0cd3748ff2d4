use std::fs;
use std::io::{Cursor, Write as _};
use std::path::PathBuf;

use herringbone_dataset::{InputShape, Options, Part, Problems};
use proptest::prelude::*;
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{Read as _, open, open_any, open_with, told, without_path};

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
        let source = open_with(&file.path, shape, &Options::default()).unwrap();
        assert_eq!(source.training().unwrap().inputs, [5; 24]);
        assert_eq!(source.test().unwrap(), None);
    }
}

#[test]
fn wrong_arrays_are_reported() {
    let good = images(3);
    let complex = npy("<c8", "False", "(3, 2, 3)", &[0; 144]);
    let one_hot = bytes("(3, 3)", &[1, 0, 0, 0, 1, 0, 0, 0, 1]);
    let cases = [
        (
            complex,
            one_hot,
            "DATA: x_train has values of the type '<c8': store integers, floats of 32 or 64 bits, \
             or, as labels, strings\n\
             DATA: y_train has the shape [3, 3], expected [count]: store the number or the name of \
             each input's class",
        ),
        (
            bytes("(3, 3, 2)", &[0; 18]),
            npy("<f8", "False", "(3, 1, 1)", &[0; 24]),
            "DATA: x_train has the shape [3, 3, 2], the network takes [count, 2, 3, 1]\n\
             DATA: y_train has the shape [3, 1, 1], expected [count]: store the number or the name \
             of each input's class",
        ),
        (
            npy("|u1", "True", "(3, 2, 3)", &[0; 18]),
            labels(&[0, 1, 2]),
            "DATA: x_train is in Fortran order: store numpy.ascontiguousarray of it",
        ),
        (
            bytes("(0, 2, 3)", &[]),
            labels(&[]),
            "DATA: x_train has no images",
        ),
        (
            good.clone(),
            labels(&[0, 1]),
            "DATA: x_train has 3 images, y_train has 2 labels: there must be as many",
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
            "DATA: x_train is not an array: it does not start like one",
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
fn values_of_any_type_are_read_and_arrays_may_be_files() {
    let words = [-300_i16, 0, 7, 1000, -1, 2].map(i16::to_le_bytes).concat();
    let floats = [0.5_f32, -2.25, 0.0, 1.0, 8.0, -0.125]
        .map(f32::to_be_bytes)
        .concat();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: Vec<u8>| fs::write(folder.path().join(name), bytes).unwrap();
    write("y_train.npy", labels(&[0]));
    for (dtype, values, expected) in [
        ("<i2", words, vec![-300.0, 0.0, 7.0, 1000.0, -1.0, 2.0]),
        (">f4", floats, vec![0.5, -2.25, 0.0, 1.0, 8.0, -0.125]),
        (
            "|b1",
            vec![1, 0, 1, 1, 0, 0],
            vec![1.0, 0.0, 1.0, 1.0, 0.0, 0.0],
        ),
    ] {
        write("x_train.npy", npy(dtype, "False", "(1, 2, 3)", &values));
        for path in [folder.path().to_owned(), folder.path().join("x_train.npy")] {
            assert_eq!(open_any(&path).unwrap().numbers(), expected);
        }
    }
    let not_a_number = npy("<f4", "False", "(1, 2, 3)", &[0xff; 24]);
    write("x_train.npy", not_a_number);
    let problems = open_any(folder.path()).unwrap().read(Part::Training).err();
    assert_eq!(
        without_path(folder.path(), problems),
        "DATA: x_train has NaN at place 0 of all values: every value must be a number"
    );
}

#[test]
fn classes_may_have_names() {
    let names = |names: &[&str]| {
        let letters = names.iter().flat_map(|name| {
            let name = name.chars().chain(std::iter::repeat('\0')).take(6);
            name.flat_map(|letter| u32::from(letter).to_le_bytes())
        });
        npy(
            "<U6",
            "False",
            &format!("({},)", names.len()),
            &letters.collect::<Vec<_>>(),
        )
    };
    let data = |training: &[&str], test: &[&str]| {
        archive(&[
            ("x_train", images(3)),
            ("y_train", names(training)),
            ("x_test", images(1)),
            ("y_test", names(test)),
        ])
    };
    let file = data(&["wave", "idle", "größe"], &["idle"]);
    let source = open(&file.path).unwrap();
    assert_eq!(source.class_names(), ["größe", "idle", "wave"]);
    assert_eq!(source.training().unwrap().labels, [2, 1, 0]);
    assert_eq!(source.test().unwrap().unwrap().labels, [1]);
    let file = data(&["wave", "idle", "idle"], &["shake"]);
    assert_eq!(
        told(&file.path),
        "DATA: y_train: the network has 3 classes, the labels are those of 2 (idle, wave): declare \
         the last layer with 2 outputs, or train on other data"
    );
    let source = open_any(&file.path).unwrap();
    assert_eq!(
        without_path(&file.path, source.test().err()),
        "DATA: y_test has the classes shake, for training there are idle, wave: they must be the \
         same"
    );
}

#[test]
fn a_header_that_is_nested_deeply_is_refused_at_once() {
    let deep = npy(&"[".repeat(20), "False", "(3, 2, 3)", &[]);
    let file = archive(&[("x_train", deep), ("y_train", labels(&[0, 1, 2]))]);
    assert_eq!(
        told(&file.path),
        "DATA: x_train is not an array: its header is nested too deeply"
    );
}

#[test]
fn missing_and_truncated_arrays_are_reported() {
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
        "DATA: x_train is truncated: its header needs 18 bytes, found 17"
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
