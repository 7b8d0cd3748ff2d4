//! The digits that ship with the repository: plain PGM files, named by label and hand.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use herringbone_dataset::InputShape;
use herringbone_dataset::idx::{self, Part};

use crate::paths;

/// Pixels along an image's side.
pub const SIDE: usize = 28;
/// Bytes in an image, a grey level each: 0 is the paper and 255 the ink, as in MNIST.
pub const IMAGE_BYTES: usize = SIDE * SIDE;
/// An image, row by row.
pub type Image = [u8; IMAGE_BYTES];

/// A digit, and what it is.
#[derive(Debug, Clone)]
pub struct Digit {
    /// What to call it.
    pub name: String,
    /// The class that it was drawn as.
    pub label: u8,
    pub pixels: Image,
}

/// The first `count` digits of MNIST in `folder`, or all that ship.
///
/// # Errors
/// When they cannot be read.
pub fn choose(folder: Option<&Path>, count: usize) -> Result<Vec<Digit>> {
    match folder {
        Some(folder) => mnist(folder, count),
        None => shipped(),
    }
}

/// The first `count` digits of MNIST's test set, whose two files are in `folder`.
///
/// # Errors
/// When a file is missing, is not what its name says, or has fewer than `count` digits.
pub fn mnist(folder: &Path, count: usize) -> Result<Vec<Digit>> {
    let shape = InputShape {
        height: SIDE as u32,
        width: SIDE as u32,
        channels: 1,
    };
    let digits = idx::read_first(folder, Part::Test, shape, count)?;
    let images = digits.inputs.as_chunks().0.iter();
    let labelled = images.zip(digits.labels).zip(digits.names);
    labelled
        .map(|((&pixels, label), name)| {
            let label = label.try_into()?;
            Ok(Digit {
                name,
                label,
                pixels,
            })
        })
        .collect()
}

/// The digits that ship, by label.
///
/// # Errors
/// When one cannot be read.
pub fn shipped() -> Result<Vec<Digit>> {
    let folder = paths::root().join("digits");
    let mut digits = Vec::new();
    for entry in fs::read_dir(&folder)
        .with_context(|| format!("cannot read the folder {}", folder.display()))?
    {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "pgm") {
            let digit = read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            digits.push(digit);
        }
    }
    ensure!(!digits.is_empty(), "{} has no digits", folder.display());
    digits.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(digits)
}

/// Reads `7-b.pgm`: a 7 by hand b.
fn read(path: &Path) -> Result<Digit> {
    let name = path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .context("the name is not text")?;
    let label = name
        .split('-')
        .next()
        .and_then(|label| label.parse().ok())
        .filter(|label| *label < 10)
        .with_context(|| format!("expected a name such as 7-b.pgm, found {name}.pgm"))?;
    Ok(Digit {
        name: name.to_owned(),
        label,
        pixels: parse(&fs::read_to_string(path)?)?,
    })
}

/// Reads a plain PGM (netpbm, "P2") of 28×28 pixels and 255 for white, which is the ink.
fn parse(text: &str) -> Result<Image> {
    let mut words = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .flat_map(str::split_whitespace);
    let header: Vec<_> = words.by_ref().take(4).collect();
    ensure!(
        header == ["P2", "28", "28", "255"],
        "expected the header P2 28 28 255, found {}",
        header.join(" ")
    );
    let pixels = words.map(str::parse).collect::<Result<Vec<u8>, _>>()?;
    let found = pixels.len();
    pixels
        .try_into()
        .ok()
        .with_context(|| format!("expected {IMAGE_BYTES} pixels, found {found}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, process};

    #[test]
    fn every_class_ships_at_least_once() {
        let digits = shipped().unwrap();
        assert!(digits.len() >= 10);
        for class in 0..10 {
            assert!(
                digits.iter().any(|digit| digit.label == class),
                "no {class}"
            );
        }
    }

    #[test]
    fn digits_of_mnist_have_their_index_for_a_name() {
        let folder = env::temp_dir().join(format!("herringbone-digits-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        let labels = [0, 0, 8, 1, 0, 0, 0, 2, 3, 8];
        fs::write(folder.join("t10k-labels-idx1-ubyte"), labels).unwrap();
        let mut images = vec![0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28];
        images.extend([[7; IMAGE_BYTES], [9; IMAGE_BYTES]].concat());
        fs::write(folder.join("t10k-images-idx3-ubyte"), images).unwrap();
        let digits = mnist(&folder, 2);
        fs::remove_dir_all(&folder).unwrap();

        let digits = digits.unwrap();
        assert_eq!(digits.len(), 2);
        assert_eq!((digits[0].label, digits[0].pixels), (3, [7; IMAGE_BYTES]));
        assert_eq!((digits[1].label, digits[1].pixels), (8, [9; IMAGE_BYTES]));
        assert_eq!(digits[1].name, "image 1");
    }

    #[test]
    fn a_picture_of_another_size_is_refused() {
        let error = parse("P2 # plain\n8 8 255\n0 0").unwrap_err().to_string();
        assert_eq!(error, "expected the header P2 28 28 255, found P2 8 8 255");
        let error = parse("P2 28 28 255\n1 2 3").unwrap_err().to_string();
        assert_eq!(error, "expected 784 pixels, found 3");
    }
}
