//! No table is a panic or a hang: it is recordings or a problem.
#![no_main]

use herringbone_fuzz::{file_of, read_data};
use libfuzzer_sys::fuzz_target;

const EXAMPLES: &[u8] = b"label,a,b,c\nwalk,1,2.5,3\nrun,-4,5e3,6\nwalk,7,8,9\nrun,1,2,3\n";
const RECORDING: &[u8] = b"t,x,y\n0,1,2\n1,3,4\n2,5,6\n3,7,8\n";

fuzz_target!(|data: &[u8]| {
    let of_folders = data.first().is_some_and(|first| first & 2 != 0);
    let right = if of_folders { RECORDING } else { EXAMPLES };
    let Some((_, file)) = file_of(data, right) else {
        return;
    };
    if of_folders {
        let files: [(&str, &[u8]); 3] = [
            ("walk/0.csv", &file),
            ("walk/1.csv", RECORDING),
            ("run/0.csv", RECORDING),
        ];
        read_data(&files, "");
    } else {
        read_data(&[("data.csv", &file)], "data.csv");
    }
});
