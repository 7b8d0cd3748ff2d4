//! Models that ship with the tests: they are what the writer writes.

use std::{env, fs, path::PathBuf};

use herringbone_tests::tflite_file::{branches, remembering};

#[test]
fn the_files_are_what_the_writer_writes() {
    for (name, model) in [("branches", branches()), ("remembering", remembering())] {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models");
        let path = folder.join(format!("{name}.tflite"));
        let written = model.bytes();
        if env::var_os("WRITE_MODELS").is_some() {
            fs::write(&path, &written).unwrap();
        }
        assert!(
            fs::read(&path).is_ok_and(|file| file == written),
            "{} is another file: WRITE_MODELS=1 writes it again",
            path.display()
        );
    }
}
