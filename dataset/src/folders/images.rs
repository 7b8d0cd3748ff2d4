//! Images of any format that is read without native code.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use image::imageops::{FilterType, resize};
use image::metadata::Orientation;
use image::{
    ColorType, DynamicImage, GrayImage, ImageBuffer, ImageDecoder, ImageError, ImageReader, Luma,
    Rgb,
};

use super::list::Item;
use super::{commonest, tell};
use crate::problems::{Checks, unreadable};
use crate::{Background, InputShape, Options, Problems, Values};

/// Images that are looked at to choose a background.
const SAMPLE: usize = 64;
/// A byte of 8 bits is such a part of a value of 16.
const WORDS_OF_A_BYTE: u16 = 257;

/// How images are read.
pub(super) struct Images {
    pub(super) shape: InputShape,
    resize: bool,
    /// The grey level of the background.
    background: u8,
}

/// A decoded image, upright and opaque.
struct Decoded {
    image: DynamicImage,
    is_turned: bool,
    was_clear: bool,
}

/// The values of an image.
enum Pixels {
    Bytes(Vec<u8>),
    Words(Vec<u16>),
}

impl Images {
    /// Checks the size of each class's first image, and finds what the network does not say.
    pub(super) fn open(
        root: &Path,
        items: &[Item],
        shape: Option<InputShape>,
        options: &Options,
    ) -> Result<Self, Problems> {
        let mut checks = Checks::default();
        if let Some(shape) = shape.filter(|it| !matches!(it.channels, 1 | 3)) {
            checks.fail(format!(
                "{}: images are read with 1 channel or 3, the network takes {shape}",
                root.display()
            ));
        }
        let firsts = items.chunk_by(|one, other| one.label == other.label);
        let firsts: Vec<&Item> = firsts.map(|images| &images[0]).collect();
        let shape = match shape {
            Some(shape) => shape,
            None => natural_shape(items)?,
        };
        let resize = options.resize;
        let checked = firsts.iter().map(|item| {
            let (side, _) = look(item)?;
            require_size(item, side, shape, resize)
        });
        checks.pass(tell(checked.filter_map(Result::err).collect()));
        checks.finish()?;
        let background = match options.background {
            Background::White => u8::MAX,
            Background::Black => 0,
            Background::Contrast => contrast(items),
        };
        Ok(Self {
            shape,
            resize,
            background,
        })
    }

    /// The values of all images, and what was done to them.
    pub(super) fn read(&self, items: &[Item]) -> Result<(Values, Vec<String>), Problems> {
        let mut all = Pixels::Bytes(Vec::with_capacity(items.len() * self.shape.values()));
        let (mut turned, mut clear, mut wrong) = (0, 0, Vec::new());
        for item in items {
            match self.decode(item) {
                Ok((pixels, decoded)) => {
                    all.extend(pixels);
                    turned += usize::from(decoded.is_turned);
                    clear += usize::from(decoded.was_clear);
                }
                Err(message) => wrong.push(message),
            }
        }
        tell(wrong)?;
        let mut notes = Vec::new();
        if clear > 0 {
            notes.push(format!(
                "{clear} of {} images are transparent: they are put on {} (--background)",
                items.len(),
                if self.background == 0 {
                    "black"
                } else {
                    "white"
                }
            ));
        }
        if turned > 0 {
            notes.push(format!(
                "{turned} of {} images are turned upright, as their EXIF data says",
                items.len()
            ));
        }
        let values = match all {
            Pixels::Bytes(bytes) => Values::Bytes(bytes),
            Pixels::Words(words) => {
                notes
                    .push("images with 16 bits a value are read with all of their bits".to_owned());
                Values::Numbers(words.into_iter().map(f32::from).collect())
            }
        };
        Ok((values, notes))
    }

    /// The values of an image, grey or RGB, as large as the network takes them.
    fn decode(&self, item: &Item) -> Result<(Pixels, Decoded), String> {
        let decoded = decode(item, self.background)?;
        let image = &decoded.image;
        let sides = [image.height(), image.width()];
        let shape = self.shape;
        require_size(item, sides, shape, self.resize)?;
        let to = (sides != [shape.height, shape.width]).then_some((shape.width, shape.height));
        // Channels are converted first: there are fewer values to resize.
        let is_deep = matches!(
            image.color(),
            ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16
        );
        let pixels = match (is_deep, shape.channels) {
            (false, 1) => Pixels::Bytes(resized(image.to_luma8(), to)),
            (false, _) => Pixels::Bytes(resized(image.to_rgb8(), to)),
            (true, 1) => Pixels::Words(resized(image.to_luma16(), to)),
            (true, _) => Pixels::Words(resized(image.to_rgb16(), to)),
        };
        Ok((pixels, decoded))
    }
}

impl Pixels {
    /// Adds those of another image; next to values of 16 bits, bytes are of their range.
    fn extend(&mut self, more: Pixels) {
        let wide = |byte: u8| u16::from(byte) * WORDS_OF_A_BYTE;
        match (&mut *self, more) {
            (Pixels::Bytes(all), Pixels::Bytes(more)) => all.extend(more),
            (Pixels::Words(all), Pixels::Words(more)) => all.extend(more),
            (Pixels::Words(all), Pixels::Bytes(more)) => all.extend(more.into_iter().map(wide)),
            (Pixels::Bytes(all), Pixels::Words(more)) => {
                let mut words: Vec<u16> = all.iter().copied().map(wide).collect();
                words.extend(more);
                *self = Pixels::Words(words);
            }
        }
    }
}

fn resized<P>(image: ImageBuffer<P, Vec<P::Subpixel>>, to: Option<(u32, u32)>) -> Vec<P::Subpixel>
where
    P: image::Pixel + 'static,
    P::Subpixel: 'static,
{
    match to {
        Some((width, height)) => resize(&image, width, height, FilterType::Triangle).into_raw(),
        None => image.into_raw(),
    }
}

/// The size and the colours that most images have.
fn natural_shape(items: &[Item]) -> Result<InputShape, Problems> {
    let mut shapes = Vec::new();
    let mut wrong = Vec::new();
    for item in items {
        match look(item) {
            Ok((sides, is_grey)) => shapes.push((sides, is_grey)),
            Err(message) => wrong.push(message),
        }
    }
    tell(wrong)?;
    let sides: Vec<_> = shapes.iter().map(|(sides, _)| *sides).collect();
    let [height, width] = commonest(&sides).unwrap_or([1, 1]);
    Ok(InputShape {
        height,
        width,
        channels: if shapes.iter().all(|(_, is_grey)| *is_grey) {
            1
        } else {
            3
        },
    })
}

/// An image's rows and columns, upright, and whether it is grey: by its header.
fn look(item: &Item) -> Result<([u32; 2], bool), String> {
    let mut decoder = open(item)?
        .into_decoder()
        .map_err(|error| undecodable(item, &error))?;
    let (width, height) = decoder.dimensions();
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let is_grey = !decoder.color_type().has_color();
    let sides = match lies_on_its_side(orientation) {
        true => [width, height],
        false => [height, width],
    };
    Ok((sides, is_grey))
}

fn lies_on_its_side(orientation: Orientation) -> bool {
    match orientation {
        Orientation::Rotate90
        | Orientation::Rotate270
        | Orientation::Rotate90FlipH
        | Orientation::Rotate270FlipH => true,
        Orientation::NoTransforms
        | Orientation::Rotate180
        | Orientation::FlipHorizontal
        | Orientation::FlipVertical => false,
    }
}

fn require_size(
    item: &Item,
    [height, width]: [u32; 2],
    shape: InputShape,
    is_resized: bool,
) -> Result<(), String> {
    if is_resized || [height, width] == [shape.height, shape.width] {
        return Ok(());
    }
    Err(format!(
        "{} has {height}×{width} pixels (rows × columns), the network takes {}×{}: have images \
         resized (--resize), or resize them",
        item.path.display(),
        shape.height,
        shape.width
    ))
}

/// White under drawings that are dark where they are seen, black under bright ones.
fn contrast(items: &[Item]) -> u8 {
    let step = items.len().div_ceil(SAMPLE).max(1);
    let (mut light, mut seen) = (0, 0);
    for item in items.iter().step_by(step) {
        let image = open(item).ok().and_then(|reader| reader.decode().ok());
        let Some(image) = image.filter(|image| image.color().has_alpha()) else {
            continue;
        };
        for pixel in image.to_luma_alpha8().pixels() {
            let [luma, alpha] = pixel.0.map(u64::from);
            light += luma * alpha;
            seen += alpha;
        }
    }
    // Dark, where there is nothing to see.
    if light <= seen * 127 { u8::MAX } else { 0 }
}

/// An image as it is meant to be seen.
fn decode(item: &Item, background: u8) -> Result<Decoded, String> {
    let mut decoder = open(item)?
        .into_decoder()
        .map_err(|error| undecodable(item, &error))?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image =
        DynamicImage::from_decoder(decoder).map_err(|error| undecodable(item, &error))?;
    image.apply_orientation(orientation);
    let clear = image
        .color()
        .has_alpha()
        .then(|| compose(&image, background));
    let clear = clear.flatten();
    Ok(Decoded {
        is_turned: orientation != Orientation::NoTransforms,
        was_clear: clear.is_some(),
        image: clear.unwrap_or(image),
    })
}

/// The image over a grey level; `None` where it can nowhere be seen through.
fn compose(image: &DynamicImage, background: u8) -> Option<DynamicImage> {
    let under = u64::from(background) * u64::from(WORDS_OF_A_BYTE);
    let most = u64::from(u16::MAX);
    let mix = |value: u16, alpha: u16| {
        let alpha = u64::from(alpha);
        let sum = u64::from(value) * alpha + under * (most - alpha);
        ((sum + most / 2) / most) as u16
    };
    let is_deep = matches!(image.color(), ColorType::La16 | ColorType::Rgba16);
    let mixed = match image.color().has_color() {
        false => {
            let image = image.to_luma_alpha16();
            if image.pixels().all(|it| it.0[1] == u16::MAX) {
                return None;
            }
            let grey = |x, y| {
                let [luma, alpha] = image.get_pixel(x, y).0;
                Luma([mix(luma, alpha)])
            };
            DynamicImage::ImageLuma16(ImageBuffer::from_fn(image.width(), image.height(), grey))
        }
        true => {
            let image = image.to_rgba16();
            if image.pixels().all(|it| it.0[3] == u16::MAX) {
                return None;
            }
            let colours = |x, y| {
                let [red, green, blue, alpha] = image.get_pixel(x, y).0;
                Rgb([red, green, blue].map(|it| mix(it, alpha)))
            };
            DynamicImage::ImageRgb16(ImageBuffer::from_fn(image.width(), image.height(), colours))
        }
    };
    Some(match (is_deep, mixed.color().has_color()) {
        (true, _) => mixed,
        (false, true) => DynamicImage::ImageRgb8(mixed.to_rgb8()),
        (false, false) => DynamicImage::ImageLuma8(GrayImage::from(mixed.to_luma8())),
    })
}

/// Opens an image, whose bytes say its format: its name may be wrong.
fn open(item: &Item) -> Result<ImageReader<BufReader<File>>, String> {
    ImageReader::open(&item.path)
        .and_then(ImageReader::with_guessed_format)
        .map_err(|error| unreadable(&item.path, &error).to_string())
}

fn undecodable(item: &Item, error: &ImageError) -> String {
    format!("cannot decode {}: {error}", item.path.display())
}
