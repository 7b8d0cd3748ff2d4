//! No image file is a panic or a hang: it is an image or a problem.
#![no_main]

use herringbone_fuzz::{file_of, read_data};
use image::{DynamicImage, GrayImage, ImageFormat, RgbImage};
use libfuzzer_sys::fuzz_target;
use std::io::Cursor;
use std::sync::LazyLock;

const FORMATS: [(&str, ImageFormat); 8] = [
    ("png", ImageFormat::Png),
    ("bmp", ImageFormat::Bmp),
    ("jpg", ImageFormat::Jpeg),
    ("pgm", ImageFormat::Pnm),
    ("gif", ImageFormat::Gif),
    ("tif", ImageFormat::Tiff),
    ("webp", ImageFormat::WebP),
    ("qoi", ImageFormat::Qoi),
];

/// A right image in each format.
static RIGHT: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let grey = DynamicImage::from(GrayImage::from_pixel(4, 4, image::Luma([90])));
    let coloured = DynamicImage::from(RgbImage::from_pixel(4, 4, image::Rgb([90, 20, 7])));
    let of = |&(_, format): &(&str, ImageFormat)| {
        let mut file = Cursor::new(Vec::new());
        let image = if format == ImageFormat::Pnm {
            &grey
        } else {
            &coloured
        };
        image.write_to(&mut file, format).unwrap();
        file.into_inner()
    };
    FORMATS.iter().map(of).collect()
});

fuzz_target!(|data: &[u8]| {
    let format = data
        .first()
        .map_or(0, |first| usize::from(first / 2) % FORMATS.len());
    let right = &RIGHT[format];
    if let Some((_, file)) = file_of(data, right) {
        let ending = FORMATS[format].0;
        let names = ["dog/0", "dog/1", "cat/0"].map(|name| format!("{name}.{ending}"));
        let files: [(&str, &[u8]); 3] =
            [(&names[0], &file), (&names[1], right), (&names[2], right)];
        read_data(&files, "");
    }
});
