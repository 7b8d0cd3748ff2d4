//! A data set that is learnt in seconds: which half of a noisy image is the brighter one.

use std::fs;
use std::path::Path;

/// Rows and columns of an image.
pub const SIDE: usize = 8;

/// Writes idx files of that many images for training and testing, half of them of class 0
/// (the left half is brighter), half of class 1.
pub fn write(folder: &Path, training: usize, testing: usize) {
    fs::create_dir_all(folder).unwrap();
    let mut state = 1_u32;
    // Numerical Recipes' generator; its upper bits are good enough here.
    let mut noise = |most: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 16) % most) as u8
    };
    for (name, count) in [("train", training), ("t10k", testing)] {
        let mut images = header(3, &[count, SIDE, SIDE]);
        let mut labels = header(1, &[count]);
        for index in 0..count {
            let class = index % 2;
            labels.push(class as u8);
            for _ in 0..SIDE {
                for column in 0..SIDE {
                    let is_bright = column / (SIDE / 2) == class;
                    images.push(noise(128) + if is_bright { noise(128) } else { 0 });
                }
            }
        }
        fs::write(folder.join(format!("{name}-images-idx3-ubyte")), images).unwrap();
        fs::write(folder.join(format!("{name}-labels-idx1-ubyte")), labels).unwrap();
    }
}

/// The beginning of an idx file of bytes.
fn header(dimensions: u8, lengths: &[usize]) -> Vec<u8> {
    let mut header = vec![0, 0, 8, dimensions];
    header.extend(lengths.iter().flat_map(|&it| (it as u32).to_be_bytes()));
    header
}
