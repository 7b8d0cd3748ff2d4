//! MNIST's own files: a big-endian header, then bytes; plain or gzipped.
//!
//! LeCun, Cortes & Burges, "The MNIST database of handwritten digits", section "File formats".

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use flate2::read::GzDecoder;

use crate::digits::{Digit, IMAGE_BYTES, SIDE};

const LABELS: u32 = 0x0801;
const IMAGES: u32 = 0x0803;

/// The first `count` digits of MNIST's test set, whose two files are in `folder`.
///
/// # Errors
/// When a file is missing, is not what its name says, or has fewer than `count` digits.
pub fn read(folder: &Path, count: usize) -> Result<Vec<Digit>> {
    let labels = read_file(folder, "t10k-labels-idx1-ubyte", |file| {
        let total = read_header(file, LABELS, &[])?;
        read_items(file, total, count, 1)
    })?;
    let images = read_file(folder, "t10k-images-idx3-ubyte", |file| {
        let total = read_header(file, IMAGES, &[SIDE as u32, SIDE as u32])?;
        read_items(file, total, count, IMAGE_BYTES)
    })?;
    let images = images.as_chunks().0.iter().zip(labels).enumerate();
    Ok(images
        .map(|(index, (&pixels, label))| Digit {
            name: format!("image {index}"),
            label,
            pixels,
        })
        .collect())
}

fn read_file(
    folder: &Path,
    name: &str,
    read: impl Fn(&mut dyn Read) -> Result<Vec<u8>>,
) -> Result<Vec<u8>> {
    let plain = folder.join(name);
    let gzipped = folder.join(format!("{name}.gz"));
    if let Ok(mut file) = File::open(&plain) {
        read(&mut file).with_context(|| format!("cannot read {}", plain.display()))
    } else if let Ok(file) = File::open(&gzipped) {
        read(&mut GzDecoder::new(file))
            .with_context(|| format!("cannot read {}", gzipped.display()))
    } else {
        bail!("{} has neither {name} nor {name}.gz", folder.display())
    }
}

/// Checks the magic number and the items' shape; returns how many items there are.
fn read_header(file: &mut dyn Read, magic: u32, shape: &[u32]) -> Result<usize> {
    let found = read_u32(file)?;
    ensure!(
        found == magic,
        "expected the magic number {magic:#06x}, found {found:#06x}"
    );
    let total = read_u32(file)?;
    for &expected in shape {
        let found = read_u32(file)?;
        ensure!(
            found == expected,
            "expected {SIDE}×{SIDE} pixels, found a side of {found}"
        );
    }
    Ok(total as usize)
}

fn read_items(file: &mut dyn Read, total: usize, count: usize, bytes: usize) -> Result<Vec<u8>> {
    ensure!(
        total >= count,
        "it has {total} digits, {count} were asked for"
    );
    let mut items = vec![0; count * bytes];
    file.read_exact(&mut items)?;
    Ok(items)
}

fn read_u32(file: &mut dyn Read) -> Result<u32> {
    let mut bytes = [0; 4];
    file.read_exact(&mut bytes)?;
    Ok(u32::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write as _;
    use std::{env, fs, process};

    /// Two digits, a 3 all of 7s and an 8 all of 9s, the images' file gzipped.
    fn folder(name: &str) -> std::path::PathBuf {
        let folder = env::temp_dir().join(format!("herringbone-idx-{name}-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();

        let labels = [0, 0, 8, 1, 0, 0, 0, 2, 3, 8];
        fs::write(folder.join("t10k-labels-idx1-ubyte"), labels).unwrap();

        let mut images = vec![0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28];
        images.extend([[7; IMAGE_BYTES], [9; IMAGE_BYTES]].concat());
        let file = File::create(folder.join("t10k-images-idx3-ubyte.gz")).unwrap();
        let mut gzip = GzEncoder::new(file, Compression::fast());
        gzip.write_all(&images).unwrap();
        gzip.finish().unwrap();
        folder
    }

    #[test]
    fn plain_and_gzipped_files_are_read() {
        let folder = folder("read");
        let digits = read(&folder, 2).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(digits.len(), 2);
        assert_eq!((digits[0].label, digits[0].pixels), (3, [7; IMAGE_BYTES]));
        assert_eq!((digits[1].label, digits[1].pixels), (8, [9; IMAGE_BYTES]));
    }

    #[test]
    fn more_digits_than_there_are_is_an_error() {
        let folder = folder("count");
        let error = format!("{:#}", read(&folder, 3).unwrap_err());
        fs::remove_dir_all(&folder).unwrap();
        assert!(
            error.ends_with("it has 2 digits, 3 were asked for"),
            "{error}"
        );
    }

    #[test]
    fn a_file_of_another_kind_is_an_error() {
        let error = read_header(&mut &[0, 0, 8, 1][..], IMAGES, &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected the magic number 0x0803, found 0x0801"
        );
    }
}
