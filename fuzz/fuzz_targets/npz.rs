//! No archive of NumPy's is a panic or a hang: it is arrays or a problem.
#![no_main]

use herringbone_fuzz::{file_of, npy, read_data};
use libfuzzer_sys::fuzz_target;
use std::io::{Cursor, Write};
use std::sync::LazyLock;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A right archive.
static RIGHT: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in [
        ("x_train.npy", npy("(6, 4, 4)", &[7; 96])),
        ("y_train.npy", npy("(6,)", &[0, 1, 2, 0, 1, 2])),
    ] {
        archive
            .start_file(name, SimpleFileOptions::default())
            .unwrap();
        archive.write_all(&bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
});

fuzz_target!(|data: &[u8]| {
    if let Some((_, file)) = file_of(data, &RIGHT) {
        read_data(&[("data.npz", &file)], "data.npz");
    }
});
