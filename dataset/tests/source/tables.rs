use std::fs;
use std::path::Path;

use herringbone_dataset::{Expected, InputShape, Options, Part, Source};
use tempfile::TempDir;

use super::{Read as _, open_any, without_path};

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

const fn series(width: u32, channels: u32) -> InputShape {
    InputShape {
        height: 1,
        width,
        channels,
    }
}

/// Data for a network of that input.
fn open(path: &Path, shape: InputShape, options: &Options) -> Result<Source, String> {
    let expected = Expected {
        shape: Some(shape),
        classes: None,
    };
    Source::open(path, expected, options).map_err(|it| without_path(path, Some(it)))
}

#[test]
fn a_table_is_a_recording_whose_columns_are_channels_and_its_time_is_left_out() {
    let data = folder(&[
        ("idle/1.csv", "time_ms,x,y\n0,1,2\n20,3,4\n40,5,6\n"),
        ("idle/2.csv", "time_ms,x,y\n0,1,2\n20,3,4\n"),
        (
            "shake/1.csv",
            "time_ms,x,y\n0,-1.5,2\n20,3,4\n40,5,6\n60,7,8\n",
        ),
        ("shake/2.csv", "time_ms,x,y\n0,1e3,2\n20,3,4\n40,5,6\n"),
    ]);
    let source = open_any(data.path()).unwrap();
    assert_eq!(source.shape(), series(3, 2));
    assert_eq!(source.class_names(), ["idle", "shake"]);
    assert_eq!(source.numbers()[..6], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(
        source.numbers()[6..13],
        [1.0, 2.0, 3.0, 4.0, 3.0, 4.0, -1.5]
    );
    let said: Vec<_> = source
        .said()
        .iter()
        .map(|it| it.replace(data.path().to_str().unwrap(), "DATA"))
        .collect();
    assert_eq!(
        said,
        [
            "DATA: the channels are x, y",
            "DATA: the column time_ms looks like the time, and is left out",
            "1 of 4 recordings are longer than 3 rows: the rest is cut off",
            "1 of 4 recordings are shorter than 3 rows: their last row is repeated",
        ]
    );
    assert_eq!(
        open(data.path(), series(3, 1), &Options::default())
            .err()
            .unwrap(),
        "DATA/idle/1.csv has 2 columns of numbers, the network takes 1×3×1: 1 of each row\n\
         DATA/shake/1.csv has 2 columns of numbers, the network takes 1×3×1: 1 of each row"
    );
}

#[test]
fn without_a_header_a_steady_first_column_is_the_time_unless_the_network_takes_it() {
    let data = folder(&[
        ("a/1.csv", "0.00;5;1\n0.02;7;2\n0.04;6;3\n"),
        ("b/1.csv", "0.00;1;1\n0.02;1;2\n0.04;1;3\n"),
    ]);
    assert_eq!(open_any(data.path()).unwrap().shape(), series(3, 2));
    let all = open(data.path(), series(3, 3), &Options::default()).unwrap();
    assert_eq!(all.numbers()[..3], [0.0, 5.0, 1.0]);
}

#[test]
fn what_is_no_number_is_reported_by_its_line() {
    let data = folder(&[
        ("a/1.csv", "x,y\n1,2\n3,\n"),
        ("b/1.csv", "x,y\n1,2\n3,4,5\n"),
    ]);
    let message = without_path(data.path(), open_any(data.path()).err());
    assert!(
        message.starts_with(
            "DATA/a/1.csv:3: column 2 has \"\": expected a number\n\
             DATA/b/1.csv:3: 3 columns, and 2 in the first row"
        ),
        "{message}"
    );
}

#[test]
fn a_table_with_a_column_of_classes_has_a_row_an_example() {
    let data = folder(&[
        ("train.csv", "pixel0,pixel1,label\n1,2,no\n3,4,yes\n"),
        ("test.csv", "pixel0,pixel1,label\n5,6,yes\n"),
    ]);
    for shape in [series(2, 1), series(1, 2)] {
        let source = open(data.path(), shape, &Options::default()).unwrap();
        assert_eq!(source.class_names(), ["no", "yes"]);
        let training = source.read(Part::Training).unwrap().unwrap();
        assert_eq!(training.labels, [0, 1]);
        assert_eq!(training.names, ["row 1", "row 2"]);
        assert_eq!(source.numbers(), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(source.test().unwrap().unwrap().labels, [1]);
    }
    let file = data.path().join("train.csv");
    let options = Options {
        label_column: Some("kind".to_owned()),
        ..Options::default()
    };
    assert_eq!(
        open(&file, series(2, 1), &options).err().unwrap(),
        "DATA has no column \"kind\": there are pixel0, pixel1, label"
    );
    assert_eq!(
        open(&file, series(3, 2), &Options::default())
            .err()
            .unwrap(),
        "DATA has 2 columns of numbers (pixel0, pixel1), and never 3 of the same class one after \
         the other, which the network takes"
            .replace("2 columns of numbers (pixel0, pixel1)", "2 rows")
    );
}

#[test]
fn rows_that_are_moments_become_windows_of_a_class_and_a_person() {
    let row = |class: &str, person: &str, x: usize| format!("{x},{x},{class},{person}\n");
    let mut text = "t,x,activity,who\n".to_owned();
    for (class, person, count) in [("walk", "a", 5), ("walk", "b", 3), ("sit", "b", 2)] {
        (0..count).for_each(|x| text.push_str(&row(class, person, x)));
    }
    let data = folder(&[("train.csv", &text)]);
    let options = Options {
        group_by: Some("who".to_owned()),
        ..Options::default()
    };
    let source = open(data.path(), series(2, 1), &options).unwrap();
    let training = source.read(Part::Training).unwrap().unwrap();
    assert_eq!(training.labels, [1, 1, 1, 0]);
    assert_eq!(training.groups, ["a", "a", "b", "b"]);
    assert_eq!(source.numbers(), [0.0, 1.0, 2.0, 3.0, 0.0, 1.0, 0.0, 1.0]);
    assert!(
        training.notes[1].starts_with("2 rows are left out"),
        "{:?}",
        training.notes
    );
}
