//! Models that ship with the tests: they are what the writer writes.

use std::{env, fs, path::PathBuf};

use herringbone_tests::tflite_file::branches;

#[test]
fn the_file_of_branches_is_what_the_writer_writes() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models/branches.tflite");
    let written = branches().bytes();
    if env::var_os("WRITE_MODELS").is_some() {
        fs::write(&path, &written).unwrap();
    }
    assert!(
        fs::read(&path).is_ok_and(|file| file == written),
        "{} is another file: WRITE_MODELS=1 writes it again",
        path.display()
    );
}
