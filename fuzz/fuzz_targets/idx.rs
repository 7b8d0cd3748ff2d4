//! No idx file is a panic or a hang: it is images and labels or a problem.
#![no_main]

use herringbone_fuzz::{file_of, read_data};
use libfuzzer_sys::fuzz_target;

/// Six images of 4×4.
fn images() -> Vec<u8> {
    [
        &[0, 0, 8, 3, 0, 0, 0, 6, 0, 0, 0, 4, 0, 0, 0, 4][..],
        &[7; 96],
    ]
    .concat()
}

const LABELS: &[u8] = &[0, 0, 8, 1, 0, 0, 0, 6, 0, 1, 2, 0, 1, 2];

fuzz_target!(|data: &[u8]| {
    let images = images();
    let (right, is_labels) = match data.first() {
        Some(first) if first & 2 != 0 => (LABELS, true),
        _ => (&images[..], false),
    };
    let Some((kind, file)) = file_of(data, right) else {
        return;
    };
    let (x, y) = match is_labels {
        true => (&images[..], &file[..]),
        false => (&file[..], LABELS),
    };
    let (x_name, y_name) = match kind & 2 {
        0 => ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
        _ => ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"),
    };
    read_data(&[(x_name, x), (y_name, y)], "");
});
