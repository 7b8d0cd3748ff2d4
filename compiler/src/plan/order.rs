//! The orders in which the pixels of a map are computed, and stored.

use std::fmt;

/// An order of visiting every pixel of a map once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Row by row from the first pixel.
    RowMajor,
    /// Row by row from the last pixel: [`Order::RowMajor`] turned by 180°.
    RowMajorBackward,
    /// A row, then a column, then a row…: peels the top row and the left column
    /// of what is left in turn (Gural & Murmann 2019, section 4.2). Of a
    /// rectangle, lines of the shorter side are peeled until it is square: so
    /// no order needs less for a convolution there either, as brute force says
    /// of small ones (`tests/tests/plans/`).
    Herringbone,
}

impl Order {
    /// Whether it finishes a row before it begins another.
    pub fn goes_row_by_row(self) -> bool {
        match self {
            Order::RowMajor | Order::RowMajorBackward => true,
            Order::Herringbone => false,
        }
    }

    /// Every `(row, column)` of a `height` × `width` map, in this order.
    pub fn pixels(self, height: u32, width: u32) -> Vec<(u32, u32)> {
        let mut pixels = Vec::with_capacity((height * width) as usize);
        match self {
            Order::RowMajor | Order::RowMajorBackward => {
                for row in 0..height {
                    pixels.extend((0..width).map(|column| (row, column)));
                }
                if self == Order::RowMajorBackward {
                    pixels.reverse();
                }
            }
            Order::Herringbone => {
                let (mut top, mut left) = (0, 0);
                while top < height && left < width {
                    if width - left > height - top {
                        pixels.extend((top..height).map(|row| (row, left)));
                        left += 1;
                    } else {
                        pixels.extend((left..width).map(|column| (top, column)));
                        top += 1;
                    }
                }
            }
        }
        pixels
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Order::RowMajor => "rows down",
            Order::RowMajorBackward => "rows up",
            Order::Herringbone => "herringbone",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_visits_every_pixel_once() {
        for order in [Order::RowMajor, Order::RowMajorBackward, Order::Herringbone] {
            for (height, width) in [(1, 1), (1, 7), (7, 1), (3, 5), (5, 3), (6, 6)] {
                let mut pixels = order.pixels(height, width);
                pixels.sort_unstable();
                assert_eq!(
                    pixels,
                    Order::RowMajor.pixels(height, width),
                    "{order} {height}×{width}"
                );
            }
        }
    }

    #[test]
    fn herringbone_takes_a_row_then_a_column() {
        assert_eq!(
            Order::Herringbone.pixels(3, 3),
            [
                (0, 0),
                (0, 1),
                (0, 2),
                (1, 0),
                (2, 0),
                (1, 1),
                (1, 2),
                (2, 1),
                (2, 2)
            ]
        );
    }

    #[test]
    fn herringbone_makes_a_rectangle_square_first() {
        assert_eq!(
            Order::Herringbone.pixels(2, 4),
            [
                (0, 0),
                (1, 0),
                (0, 1),
                (1, 1),
                (0, 2),
                (0, 3),
                (1, 2),
                (1, 3)
            ]
        );
        assert_eq!(
            Order::Herringbone.pixels(3, 2),
            [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]
        );
    }
}
