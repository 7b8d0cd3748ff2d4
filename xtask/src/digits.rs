//! Digits to classify: those that ship with the repository, plain PGM files that are named by label
//! and hand; those of a data set; and drawn bytes.

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

/// A digit, and what it is.
#[derive(Debug, Clone)]
pub struct Digit {
    /// What to call it.
    pub name: String,
    /// The class that it was drawn or spoken as.
    pub label: u8,
    /// What a network takes: its image row by row, or its features.
    pub input: Vec<u8>,
}

impl Digit {
    /// A handwritten digit of 16×16 pixels: the 20×20 in the middle, which a digit of MNIST's fills,
    /// each pixel the mean of 1.25×1.25.
    #[must_use]
    pub fn reduced(&self) -> Self {
        const MARGIN: usize = 4;
        const REDUCED_SIDE: usize = 16;
        /// Pixels are taken apart into as many parts along each side, of which a new one has five.
        const PARTS: usize = 4;
        let sum = |row: usize, column: usize| -> usize {
            let parts = |first: usize| (5 * first..5 * first + 5).map(|it| MARGIN + it / PARTS);
            let rows = parts(row);
            rows.flat_map(|row| parts(column).map(move |column| row * SIDE + column))
                .map(|place| usize::from(self.input[place]))
                .sum()
        };
        let places = (0..REDUCED_SIDE).flat_map(|row| (0..REDUCED_SIDE).map(move |it| (row, it)));
        Self {
            input: places.map(|(row, it)| (sum(row, it) / 25) as u8).collect(),
            ..self.clone()
        }
    }
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
    read_first(folder, [SIDE as u32; 2], count)
}

/// The first `count` spoken digits for testing in `folder`, which
/// `examples/keyword/make_rows.py` has made.
///
/// # Errors
/// As [`mnist`].
pub fn spoken(folder: &Path, count: usize) -> Result<Vec<Digit>> {
    const ROWS: u32 = 32;
    const FEATURES: u32 = 20;
    read_first(folder, [ROWS, FEATURES], count)
}

fn read_first(folder: &Path, [height, width]: [u32; 2], count: usize) -> Result<Vec<Digit>> {
    let shape = InputShape {
        height,
        width,
        channels: 1,
    };
    let digits = idx::read_first(folder, Part::Test, shape, count)?;
    let inputs = digits.inputs.chunks_exact((height * width) as usize);
    let labelled = inputs.zip(digits.labels).zip(digits.names);
    labelled
        .map(|((input, label), name)| {
            Ok(Digit {
                name,
                label: label.try_into()?,
                input: input.to_vec(),
            })
        })
        .collect()
}

/// `count` inputs of random bytes, always the same, by the generator xorshift64 (Marsaglia 2003,
/// "Xorshift RNGs").
#[must_use]
pub fn drawn(count: usize, input_bytes: usize) -> Vec<Vec<u8>> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 56) as u8
    };
    (0..count)
        .map(|_| (0..input_bytes).map(|_| byte()).collect())
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
        input: parse(&fs::read_to_string(path)?)?,
    })
}

/// Reads a plain PGM (netpbm, "P2") of 28×28 pixels and 255 for white, which is the ink.
fn parse(text: &str) -> Result<Vec<u8>> {
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
    ensure!(
        found == IMAGE_BYTES,
        "expected {IMAGE_BYTES} pixels, found {found}"
    );
    Ok(pixels)
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
        assert_eq!(
            (digits[0].label, digits[0].input.clone()),
            (3, vec![7; IMAGE_BYTES])
        );
        assert_eq!(
            (digits[1].label, digits[1].input.clone()),
            (8, vec![9; IMAGE_BYTES])
        );
        assert_eq!(digits[1].name, "image 1");
    }

    #[test]
    fn a_reduced_digit_is_the_middle_in_16_by_16() {
        let mut input = vec![0; IMAGE_BYTES];
        // 16 of the 25 parts of the first new one.
        input[4 * SIDE + 4] = 250;
        let digit = Digit {
            name: String::new(),
            label: 0,
            input,
        };
        let reduced = digit.reduced().input;
        assert_eq!(reduced.len(), 256);
        assert_eq!(reduced[0], 160);
        assert_eq!(reduced.iter().map(|&it| u32::from(it)).sum::<u32>(), 160);
    }

    #[test]
    fn a_picture_of_another_size_is_refused() {
        let error = parse("P2 # plain\n8 8 255\n0 0").unwrap_err().to_string();
        assert_eq!(error, "expected the header P2 28 28 255, found P2 8 8 255");
        let error = parse("P2 28 28 255\n1 2 3").unwrap_err().to_string();
        assert_eq!(error, "expected 784 pixels, found 3");
    }
}
