//! No sound is a panic or a hang: it is a recording or a problem.
#![no_main]

use herringbone_fuzz::{file_of, read_data};
use libfuzzer_sys::fuzz_target;

/// A second of 16-bit samples at 50 Hz.
fn right() -> Vec<u8> {
    let samples = [3_u8; 100];
    let mut file = b"RIFF".to_vec();
    file.extend(136_u32.to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    // Samples, one channel, 50 Hz, 100 bytes a second, 2 bytes of 16 bits.
    file.extend([1, 0, 1, 0, 50, 0, 0, 0, 100, 0, 0, 0, 2, 0, 16, 0]);
    file.extend(b"data");
    file.extend(100_u32.to_le_bytes());
    file.extend(samples);
    file
}

fuzz_target!(|data: &[u8]| {
    let right = right();
    if let Some((_, file)) = file_of(data, &right) {
        let files: [(&str, &[u8]); 3] = [
            ("yes/0.wav", &file),
            ("yes/1.wav", &right),
            ("no/0.wav", &right),
        ];
        read_data(&files, "");
    }
});
