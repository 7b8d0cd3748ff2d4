//! Draws a sheet of augmented images, and tells how long it takes to augment all of them:
//! `cargo run --release -p herringbone-dataset --example augment -- DATA SHEET.png`
//!
//! Each row of the sheet is an image as it is, then augmented by the defaults. The images are of
//! 28×28 grey levels and ten classes.

use std::env;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

use herringbone_dataset::augment::{self, Augmentation, InputKind, Scratch};
use herringbone_dataset::{Examples, Expected, InputShape, Normalisation, Options, Part, Source};
use image::GrayImage;
use image::imageops::{FilterType, resize};

const SHAPE: InputShape = InputShape {
    height: 28,
    width: 28,
    channels: 1,
};
const CLASSES: usize = 10;
const ROWS: usize = 16;
const COLUMNS: usize = 16;
/// Pixels of the sheet along the side of a pixel.
const MAGNIFIED: u32 = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [data, sheet] = &arguments[..] else {
        return Err("expected two arguments: the data, and the sheet to write".into());
    };
    let start = Instant::now();
    let expected = Expected {
        shape: Some(SHAPE),
        classes: Some(CLASSES),
    };
    let source = Source::open(Path::new(data), expected, &Options::default())?;
    let training = source
        .read(Part::Training)?
        .ok_or("there are no training examples")?;
    let examples = Normalisation::identity().apply(training);
    println!(
        "{} examples read in {:.2?}",
        examples.len(),
        start.elapsed()
    );
    let start = Instant::now();
    println!("checksum {} in {:.2?}", source.checksum()?, start.elapsed());

    let all = Augmentation::default_for(SHAPE, InputKind::Image);
    let affine = Augmentation {
        elastic: None,
        ..all
    };
    for (name, augmentation) in [("affine", affine), ("with elastic", all)] {
        let start = Instant::now();
        let mut output = vec![0; SHAPE.values()];
        let mut scratch = Scratch::default();
        for index in 0..examples.len() {
            let random = &mut augment::rng(1, 0, index);
            augmentation.apply(
                examples.input(index),
                SHAPE,
                random,
                &mut output,
                &mut scratch,
            );
        }
        println!("{name}: {:.2?}", start.elapsed());
    }
    let drawn = draw(&examples, &all);
    let [width, height] = [drawn.width(), drawn.height()].map(|side| side * MAGNIFIED);
    resize(&drawn, width, height, FilterType::Nearest).save(sheet)?;
    Ok(())
}

fn draw(examples: &Examples, augmentation: &Augmentation) -> GrayImage {
    let side = SHAPE.width as usize;
    let mut sheet = GrayImage::new((COLUMNS * side) as u32, (ROWS * side) as u32);
    let mut scratch = Scratch::default();
    for row in 0..ROWS.min(examples.len()) {
        let input = examples.input(row);
        let mut output = input.to_vec();
        for column in 0..COLUMNS {
            if column > 0 {
                let random = &mut augment::rng(1, column as u32, row);
                augmentation.apply(input, SHAPE, random, &mut output, &mut scratch);
            }
            for (y, line) in output.chunks(side).enumerate() {
                for (x, &value) in line.iter().enumerate() {
                    let (x, y) = ((column * side + x) as u32, (row * side + y) as u32);
                    sheet.put_pixel(x, y, [value].into());
                }
            }
        }
    }
    sheet
}
