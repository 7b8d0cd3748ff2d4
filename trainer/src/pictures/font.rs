//! The font of the pictures, and how wide a text is in it.

use resvg::usvg::fontdb::{Database, Source};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};
use std::sync::{Arc, LazyLock};

/// The font itself first; Verdana is as wide.
pub(super) const FAMILIES: &str = "'DejaVu Sans', Verdana, sans-serif";

/// What the pictures' text is written in.
const INK: &str = "#1a1a1a";
/// Of what is said less loudly.
const FAINT_INK: &str = "#555";

/// What a PNG's text is drawn with.
pub(super) static DATABASE: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut database = Database::new();
    for data in [dejavu::sans::regular(), dejavu::sans::bold()] {
        database.load_font_source(Source::Binary(Arc::new(data)));
    }
    database.set_sans_serif_family("DejaVu Sans");
    Arc::new(database)
});

static REGULAR: LazyLock<FontRef<'static>> = LazyLock::new(|| read(dejavu::sans::regular()));
static BOLD: LazyLock<FontRef<'static>> = LazyLock::new(|| read(dejavu::sans::bold()));

fn read(data: &'static [u8]) -> FontRef<'static> {
    FontRef::new(data).expect("the font that is compiled in can be read")
}

/// How a text looks.
#[derive(Clone, Copy)]
pub(super) struct Font {
    pub(super) size_pixels: f64,
    pub(super) is_bold: bool,
    pub(super) colour: &'static str,
}

impl Font {
    pub(super) const PLAIN: Self = Self {
        size_pixels: 12.0,
        is_bold: false,
        colour: INK,
    };

    pub(super) const FAINT: Self = Self {
        size_pixels: 11.0,
        is_bold: false,
        colour: FAINT_INK,
    };

    pub(super) const BOLD: Self = Self {
        is_bold: true,
        ..Self::PLAIN
    };

    pub(super) const TITLE: Self = Self {
        size_pixels: 18.0,
        ..Self::BOLD
    };

    pub(super) const fn sized(self, size_pixels: f64) -> Self {
        Self {
            size_pixels,
            ..self
        }
    }

    pub(super) const fn coloured(self, colour: &'static str) -> Self {
        Self { colour, ..self }
    }

    /// How wide that text is, in pixels; kerning is left out.
    pub(super) fn width(self, text: &str) -> f64 {
        let font: &FontRef<'_> = if self.is_bold { &BOLD } else { &REGULAR };
        let letters = font.charmap();
        let metrics =
            font.glyph_metrics(Size::new(self.size_pixels as f32), LocationRef::default());
        let advance = |letter| {
            // A letter that the font lacks is drawn as its first glyph, or by another font.
            let glyph = letters.map(letter).unwrap_or_default();
            metrics.advance_width(glyph).map_or(0.0, f64::from)
        };
        text.chars().map(advance).sum()
    }

    /// The text, its end cut off where it is wider than that many pixels.
    pub(super) fn fitted(self, text: &str, width: f64) -> String {
        if self.width(text) <= width {
            return text.to_owned();
        }
        let mut letters: Vec<char> = text.chars().collect();
        while letters.pop().is_some() {
            let cut = letters.iter().collect::<String>() + "…";
            if self.width(&cut) <= width {
                return cut;
            }
        }
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_too_wide_is_cut_to_its_width() {
        let name = "a class of a rather long name";
        let cut = Font::PLAIN.fitted(name, 80.0);
        assert!(
            cut.ends_with('…') && Font::PLAIN.width(&cut) <= 80.0,
            "{cut}"
        );
        assert_eq!(Font::PLAIN.fitted(name, 500.0), name);
        assert_eq!(Font::PLAIN.fitted(name, 1.0), "");
        assert!(Font::BOLD.width(name) > Font::PLAIN.width(name));
    }
}
