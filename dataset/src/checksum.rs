//! A checksum of files, for a report to say which data a network was trained on.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::Problems;
use crate::problems::unreadable;

/// A file whose bytes count, and the name by which it does: not its path, for the same data may be
/// elsewhere on another machine.
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// SHA-256 in hexadecimal of every file's name and bytes, each after its length (64 bits, little
/// endian), so that no two lists of files hash the same bytes. The order of `files` counts.
pub(crate) fn sha256(files: &[Named]) -> Result<String, Problems> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    for Named { name, path } in files {
        let failed = |error| unreadable(path, &error);
        let mut file = File::open(path).map_err(failed)?;
        let length_bytes = file.metadata().map_err(failed)?.len();
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name.as_bytes());
        hash.update(length_bytes.to_le_bytes());
        loop {
            match file.read(&mut buffer).map_err(failed)? {
                0 => break,
                read => hash.update(&buffer[..read]),
            }
        }
    }
    let mut text = String::new();
    for byte in hash.finalize() {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}
