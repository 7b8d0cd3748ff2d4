//! Digits as pictures in a terminal.

use std::fmt::Write as _;

use crate::digits::SIDE;

/// The outermost rows and columns of an image are not drawn: digits are drawn in 20×20 pixels, and
/// moved so that the centre of their mass is in the middle.
const MARGIN_ROWS: usize = 1;
const MARGIN_COLUMNS: usize = 2;
/// Columns that a picture takes, one a pixel.
const COLUMNS: usize = SIDE - 2 * MARGIN_COLUMNS;
const ROWS: usize = SIDE - 2 * MARGIN_ROWS;
/// Columns between pictures.
const GAP: usize = 2;

/// A picture with lines of text beneath it, each of at most [`COLUMNS`] characters.
pub(crate) struct Captioned<'image> {
    /// Its grey levels, row by row.
    pub(crate) image: &'image [u8],
    pub(crate) caption: Vec<String>,
}

/// How many pictures stand side by side on the terminal.
pub(crate) fn abreast() -> usize {
    let (_, columns) = console::Term::stdout().size();
    ((usize::from(columns) + GAP) / (COLUMNS + GAP)).max(1)
}

/// Prints `pictures` side by side.
pub(crate) fn print(pictures: &[Captioned<'_>]) {
    let drawn: Vec<_> = pictures
        .iter()
        .map(|picture| lines(picture.image, console::colors_enabled()))
        .collect();
    let gap = " ".repeat(GAP);
    for line in 0..drawn.first().map_or(0, Vec::len) {
        let line: Vec<_> = drawn.iter().map(|lines| lines[line].as_str()).collect();
        println!("{}", line.join(&gap));
    }
    let captions = pictures.iter().map(|picture| picture.caption.len());
    for line in 0..captions.max().unwrap_or(0) {
        let line: Vec<_> = pictures
            .iter()
            .map(|picture| {
                let text = picture.caption.get(line).map_or("", String::as_str);
                console::pad_str(text, COLUMNS, console::Alignment::Left, None)
            })
            .collect();
        println!("{}", line.join(&gap).trim_end());
    }
    println!();
}

/// The picture's lines. A character is two pixels high: in colour, an upper half block, drawn in
/// one grey level upon another; without, a block as dark as the two together.
fn lines(image: &[u8], colours: bool) -> Vec<String> {
    let rows: Vec<_> = image.chunks(SIDE).skip(MARGIN_ROWS).take(ROWS).collect();
    rows.chunks(2)
        .map(|pair| {
            let mut line = String::new();
            let columns = pair[0]
                .iter()
                .zip(pair[1])
                .skip(MARGIN_COLUMNS)
                .take(COLUMNS);
            for (&upper, &lower) in columns {
                if colours {
                    let (upper, lower) = (grey(upper), grey(lower));
                    // Writing to a string does not fail.
                    let _ = write!(line, "\x1b[38;5;{upper};48;5;{lower}m▀");
                } else {
                    let sum = usize::from(upper) + usize::from(lower);
                    line.push([' ', '░', '▒', '▓', '█'][sum * 4 / 510]);
                }
            }
            if colours {
                line.push_str("\x1b[0m");
            }
            line
        })
        .collect()
}

/// The terminal's colour for a grey level: the palette's 24 greys start at 232.
fn grey(level: u8) -> u8 {
    232 + (u16::from(level) * 23 / 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_of_pixels_becomes_one_character() {
        let mut image = [0; SIDE * SIDE];
        let first = MARGIN_ROWS * SIDE + MARGIN_COLUMNS;
        image[first] = 255;
        image[first + SIDE] = 255;
        image[first + 1] = 255;

        let plain = lines(&image, false);
        assert_eq!(plain.len(), ROWS / 2);
        assert!(plain[0].starts_with("█▒ "));
        let coloured = lines(&image, true);
        assert!(coloured[0].starts_with("\x1b[38;5;255;48;5;255m▀\x1b[38;5;255;48;5;232m▀"));
    }
}
