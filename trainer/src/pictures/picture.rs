//! A drawing that is done, as SVG and as PNG.

use super::font;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

/// A drawing as SVG, and as PNG where that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    pub(super) svg: String,
    pub(super) width_pixels: u32,
    pub(super) height_pixels: u32,
}

impl Picture {
    /// The text of an SVG file.
    pub fn svg(&self) -> &str {
        &self.svg
    }

    /// The width of both the SVG and the PNG, at most 960 pixels.
    pub fn width_pixels(&self) -> u32 {
        self.width_pixels
    }

    /// The height of both the SVG and the PNG, in pixels.
    pub fn height_pixels(&self) -> u32 {
        self.height_pixels
    }

    /// The bytes of a PNG file.
    pub fn png(&self) -> Vec<u8> {
        encode(&self.pixels())
    }

    pub(super) fn pixels(&self) -> Pixmap {
        let options = Options {
            fontdb: font::DATABASE.clone(),
            font_family: "DejaVu Sans".to_owned(),
            ..Options::default()
        };
        let tree = Tree::from_str(&self.svg, &options).expect("a canvas writes well-formed SVG");
        let mut pixels = Pixmap::new(self.width_pixels, self.height_pixels)
            .expect("a canvas has at least a pixel");
        resvg::render(&tree, Transform::identity(), &mut pixels.as_mut());
        pixels
    }
}

pub(super) fn encode(pixels: &Pixmap) -> Vec<u8> {
    pixels.encode_png().expect("writing to memory cannot fail")
}
