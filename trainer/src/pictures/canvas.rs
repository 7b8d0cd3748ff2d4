//! Writes SVG: the few elements that the pictures need.

use super::font::{self, Font};
use super::picture::Picture;
use std::fmt::{self, Display, Write};

/// A picture that is being drawn, in pixels from its upper left corner.
#[derive(Default)]
pub(super) struct Canvas {
    elements: String,
}

/// Which point of a text stands where it is put.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Canvas {
    /// Any element, of attributes as they are written.
    pub(super) fn element(&mut self, name: &str, attributes: impl Display) {
        let _ = writeln!(self.elements, "<{name} {attributes}/>");
    }

    pub(super) fn rectangle(
        &mut self,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        attributes: impl Display,
    ) {
        let [x, y, width, height] = [x, y, width, height].map(Number);
        self.element(
            "rect",
            format_args!(r#"x="{x}" y="{y}" width="{width}" height="{height}" {attributes}"#),
        );
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), attributes: impl Display) {
        let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(Number);
        self.element(
            "line",
            format_args!(r#"x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" {attributes}"#),
        );
    }

    pub(super) fn disc(&mut self, (x, y): (f64, f64), radius: f64, colour: &str) {
        let [x, y, radius] = [x, y, radius].map(Number);
        self.element(
            "circle",
            format_args!(r#"cx="{x}" cy="{y}" r="{radius}" fill="{colour}""#),
        );
    }

    /// A line through those points.
    pub(super) fn polyline(&mut self, points: &[(f64, f64)], colour: &str, width: f64) {
        let mut text = String::new();
        for &(x, y) in points {
            let _ = write!(text, "{},{} ", Number(x), Number(y));
        }
        let (text, width) = (text.trim_end(), Number(width));
        self.element(
            "polyline",
            format_args!(
                r#"points="{text}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linejoin="round""#
            ),
        );
    }

    pub(super) fn text(&mut self, (x, y): (f64, f64), anchor: Anchor, font: Font, text: &str) {
        self.turned_text((x, y), "", anchor, font, text);
    }

    /// Reads upwards.
    pub(super) fn text_upwards(
        &mut self,
        (x, y): (f64, f64),
        anchor: Anchor,
        font: Font,
        text: &str,
    ) {
        let turn = format!(r#" transform="rotate(-90 {} {})""#, Number(x), Number(y));
        self.turned_text((x, y), &turn, anchor, font, text);
    }

    fn turned_text(
        &mut self,
        (x, y): (f64, f64),
        turn: &str,
        anchor: Anchor,
        font: Font,
        text: &str,
    ) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => r#" text-anchor="middle""#,
            Anchor::End => r#" text-anchor="end""#,
        };
        let weight = match font.is_bold {
            true => r#" font-weight="bold""#,
            false => "",
        };
        let [x, y, size] = [x, y, font.size_pixels].map(Number);
        let (ink, text) = (font.colour, Escaped(text));
        let _ = writeln!(
            self.elements,
            r#"<text x="{x}" y="{y}" font-size="{size}" fill="{ink}"{weight}{anchor}{turn}>{text}</text>"#,
        );
    }

    /// What follows is said of the text, to those who point at it, until [`Self::end`].
    pub(super) fn begin(&mut self, title: &str) {
        let _ = writeln!(self.elements, "<g><title>{}</title>", Escaped(title));
    }

    pub(super) fn end(&mut self) {
        self.elements.push_str("</g>\n");
    }

    /// The picture on white, so that it can be read on a dark page too.
    pub(super) fn finish(self, width: f64, height: f64, title: &str) -> Picture {
        let [width, height] = [width, height].map(|pixels| pixels.ceil().max(1.0) as u32);
        let (title, families) = (Escaped(title), font::FAMILIES);
        let elements = self.elements;
        Picture {
            svg: format!(
                r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="{families}" role="img">
<title>{title}</title>
<rect width="100%" height="100%" fill="#fff"/>
{elements}</svg>
"##
            ),
            width_pixels: width,
            height_pixels: height,
        }
    }
}

/// A coordinate of a tenth of a pixel.
struct Number(f64);

impl Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0 * 10.0).round() as i64;
        match tenths % 10 {
            0 => write!(f, "{}", tenths / 10),
            _ => write!(f, "{}", tenths as f64 / 10.0),
        }
    }
}

/// Text that is no markup.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                // XML 1.0 has no way to write these; a folder's name may have them.
                '\u{fffe}' | '\u{ffff}' => f.write_char('\u{fffd}')?,
                _ if letter.is_control() => f.write_char('\u{fffd}')?,
                _ => f.write_char(letter)?,
            }
        }
        Ok(())
    }
}
