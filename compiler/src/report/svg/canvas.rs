//! Writes SVG: the few elements that the pictures need, inline styles alone (a
//! style sheet in a page's picture would be the page's), no blank lines (they
//! would end the picture where it stands in Markdown).

use std::fmt::{Display, Write};

/// What the pictures' text is written in.
const INK: &str = "#1a1a1a";
/// Of what is said less loudly.
const FAINT_INK: &str = "#555";
/// The width of a letter, as a share of the font's size: a guess on the safe side.
const LETTER: f64 = 0.58;
/// Of bold text.
const BOLD_LETTER: f64 = 0.66;

/// A picture that is being drawn, in pixels from its upper left corner.
pub(super) struct Canvas {
    elements: String,
}

/// Where a text stands.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text looks.
#[derive(Clone, Copy)]
pub(super) struct Font {
    pub(super) size: f64,
    pub(super) is_bold: bool,
    pub(super) is_faint: bool,
}

impl Font {
    pub(super) const PLAIN: Self = Self {
        size: 12.0,
        is_bold: false,
        is_faint: false,
    };

    pub(super) const FAINT: Self = Self {
        is_faint: true,
        ..Self::PLAIN
    };

    pub(super) const BOLD: Self = Self {
        is_bold: true,
        ..Self::PLAIN
    };

    pub(super) const TITLE: Self = Self {
        size: 19.0,
        ..Self::BOLD
    };

    pub(super) const HEADING: Self = Self {
        size: 15.0,
        ..Self::BOLD
    };

    /// About as wide as that text is.
    pub(super) fn width(self, text: &str) -> f64 {
        let letter = if self.is_bold { BOLD_LETTER } else { LETTER };
        text.chars().count() as f64 * self.size * letter
    }
}

impl Canvas {
    pub(super) fn new() -> Self {
        Self {
            elements: String::new(),
        }
    }

    /// What follows is drawn that far to the right.
    pub(super) fn begin_shifted(&mut self, right: f64) {
        let right = Number(right);
        let _ = writeln!(self.elements, r#"<g transform="translate({right} 0)">"#);
    }

    /// The end of what [`Self::begin_shifted`] began.
    pub(super) fn end_shifted(&mut self) {
        let _ = writeln!(self.elements, "</g>");
    }

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

    /// An outline; `data` as SVG writes paths.
    pub(super) fn path(&mut self, data: &str, attributes: impl Display) {
        if !data.is_empty() {
            self.element("path", format_args!(r#"d="{data}" {attributes}"#));
        }
    }

    pub(super) fn text(&mut self, (x, y): (f64, f64), anchor: Anchor, font: Font, text: &str) {
        self.turned_text((x, y), None, anchor, font, text);
    }

    /// Reads upwards.
    pub(super) fn text_upwards(&mut self, (x, y): (f64, f64), font: Font, text: &str) {
        let turn = format!(r#" transform="rotate(-90 {} {})""#, Number(x), Number(y));
        self.turned_text((x, y), Some(&turn), Anchor::Middle, font, text);
    }

    fn turned_text(
        &mut self,
        (x, y): (f64, f64),
        turn: Option<&str>,
        anchor: Anchor,
        font: Font,
        text: &str,
    ) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => r#" text-anchor="middle""#,
            Anchor::End => r#" text-anchor="end""#,
        };
        let weight = if font.is_bold {
            r#" font-weight="bold""#
        } else {
            ""
        };
        let ink = if font.is_faint { FAINT_INK } else { INK };
        let [x, y, size] = [x, y, font.size].map(Number);
        let (turn, text) = (turn.unwrap_or_default(), Escaped(text));
        let _ = writeln!(
            self.elements,
            r#"<text x="{x}" y="{y}" font-size="{size}" fill="{ink}"{weight}{anchor}{turn}>{text}</text>"#,
        );
    }

    /// Several lines of at most that width, the first one's foot at `y`; the foot
    /// of the line after them.
    pub(super) fn paragraph(
        &mut self,
        (x, mut y): (f64, f64),
        width: f64,
        font: Font,
        text: &str,
    ) -> f64 {
        let mut line = String::new();
        for word in text.split(' ') {
            if !line.is_empty() && font.width(&line) + font.width(word) > width {
                self.text((x, y), Anchor::Start, font, &line);
                y += font.size * 1.4;
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.text((x, y), Anchor::Start, font, &line);
        y + font.size * 1.4
    }

    /// The picture on white, so that it can be read on a dark page too.
    pub(super) fn finish(self, width: f64, height: f64, title: &str) -> String {
        let [width, height] = [width, height].map(Number);
        let title = Escaped(title);
        let elements = self.elements;
        format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" style="max-width:100%;height:auto" font-family="system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif" role="img">
<title>{title}</title>
<rect width="100%" height="100%" fill="#fff"/>
{elements}</svg>
"##
        )
    }
}

/// A coordinate of a tenth of a pixel.
pub(super) struct Number(pub(super) f64);

impl Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                _ => f.write_char(letter)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_no_markup_and_lines_are_broken() {
        let mut canvas = Canvas::new();
        let below = canvas.paragraph((0.0, 10.0), 60.0, Font::PLAIN, "a < b & c");
        assert!(below > 10.0);
        let svg = canvas.finish(10.0, 10.0, "\"x\"");
        assert!(svg.contains("a &lt; b &amp;"), "{svg}");
        assert!(svg.contains("<title>&quot;x&quot;</title>"), "{svg}");
        assert!(!svg.contains("\n\n"), "{svg}");
    }

    #[test]
    fn numbers_are_short() {
        let text = [1.0, 2.04, 2.06, -0.04].map(|number| Number(number).to_string());
        assert_eq!(text, ["1", "2", "2.1", "0"]);
    }
}
