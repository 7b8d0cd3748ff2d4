//! No file of NumPy's is a panic or a hang: it is an array or a problem.
#![no_main]

use herringbone_fuzz::{file_of, npy, read_data};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (inputs, labels) = (npy("(6, 4, 4)", &[7; 96]), npy("(6,)", &[0, 1, 2, 0, 1, 2]));
    let (right, is_labels) = match data.first() {
        Some(first) if first & 2 != 0 => (&labels, true),
        _ => (&inputs, false),
    };
    let Some((_, file)) = file_of(data, right) else {
        return;
    };
    let (x, y) = if is_labels {
        (&inputs, &file)
    } else {
        (&file, &labels)
    };
    read_data(&[("x_train.npy", x), ("y_train.npy", y)], "");
});
