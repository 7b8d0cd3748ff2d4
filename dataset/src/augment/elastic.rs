//! A smooth random field of displacements.
//!
//! Simard et al. (2003) blur a field of random numbers, a displacement each pixel, with a Gaussian.
//! Here the numbers are drawn on a coarse grid and interpolated with uniform cubic B-splines, as in
//! Rueckert et al., "Nonrigid registration using free-form deformations", IEEE TMI 18(8), 1999,
//! equation 2. The spline is the kernel; the variance of a cubic one is a third of its squared
//! spacing, so with a spacing of √3·σ pixels it is as wide as the Gaussian.

use super::Elastic;
use crate::{InputShape, Rng};

/// Root mean square of the field, along a side, when the grid's numbers are uniform in −1 to 1:
/// their variance is 1/3, and splines weigh it, along each of two sides, by 151/315, the mean over
/// the positions of the sum of their squares.
const FIELD_OF_UNIT_GRID: f32 = 0.276_77;
/// Points of the grid, along a side, that a position depends on.
const POINTS: usize = 4;

/// Displacements of all pixels, already interpolated along the rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Field {
    /// For each row of the grid, a value a column of the image: displacements in pixels.
    x: Vec<f32>,
    y: Vec<f32>,
    width: usize,
    spacing_pixels: f32,
    /// For each column of the image, where it is in the grid.
    columns: Vec<Position>,
    /// A row of the grid.
    grid: Vec<f32>,
}

/// Where a pixel is along a side of the grid.
#[derive(Clone, Copy, Debug)]
struct Position {
    /// The first point that it depends on.
    point: usize,
    weights: [f32; POINTS],
}

impl Position {
    fn new(pixel: usize, spacing_pixels: f32) -> Self {
        let position = pixel as f32 / spacing_pixels;
        let point = position as usize;
        let t = position - point as f32;
        let u = 1.0 - t;
        let weights = [
            u * u * u,
            3.0 * t * t * t - 6.0 * t * t + 4.0,
            3.0 * u * u * u - 6.0 * u * u + 4.0,
            t * t * t,
        ];
        Self {
            point,
            weights: weights.map(|weight| weight / 6.0),
        }
    }
}

impl Field {
    /// Draws the grid: two numbers of `random` for each of its points.
    pub(super) fn draw(&mut self, elastic: Elastic, shape: InputShape, random: &mut Rng) {
        self.spacing_pixels = (3.0_f32.sqrt() * elastic.sigma_pixels as f32).max(1.0);
        self.width = shape.width as usize;
        let points =
            |side: u32| Position::new(side as usize - 1, self.spacing_pixels).point + POINTS;
        let (grid_columns, grid_rows) = (points(shape.width), points(shape.height));
        let columns = (0..self.width).map(|x| Position::new(x, self.spacing_pixels));
        self.columns.clear();
        self.columns.extend(columns);

        let amplitude = elastic.alpha_pixels as f32 / FIELD_OF_UNIT_GRID;
        // A side of one pixel is not left.
        let amplitude_of = |side: u32| if side > 1 { amplitude } else { 0.0 };
        for (field, amplitude) in [
            (&mut self.x, amplitude_of(shape.width)),
            (&mut self.y, amplitude_of(shape.height)),
        ] {
            field.clear();
            for _ in 0..grid_rows {
                self.grid.clear();
                self.grid
                    .extend((0..grid_columns).map(|_| amplitude * random.signed_unit()));
                field.extend(self.columns.iter().map(|column| {
                    let points = &self.grid[column.point..][..POINTS];
                    let weighted = points.iter().zip(column.weights);
                    weighted.map(|(point, weight)| point * weight).sum::<f32>()
                }));
            }
        }
    }

    /// Adds the displacements of the image's row `row` to coordinates.
    pub(super) fn displace(&self, row: usize, x: &mut [f32], y: &mut [f32]) {
        let Position { point, weights } = Position::new(row, self.spacing_pixels);
        for (field, coordinates) in [(&self.x, x), (&self.y, y)] {
            let rows = &field[point * self.width..][..POINTS * self.width];
            for (points, weight) in rows.chunks_exact(self.width).zip(weights) {
                for (coordinate, point) in coordinates.iter_mut().zip(points) {
                    *coordinate += point * weight;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::rng;

    const ELASTIC: Elastic = Elastic {
        alpha_pixels: 1.5,
        sigma_pixels: 3.0,
    };

    fn displacements(shape: InputShape, index: usize) -> [Vec<f32>; 2] {
        let mut field = Field::default();
        field.draw(ELASTIC, shape, &mut rng(1, 0, index));
        let width = shape.width as usize;
        let mut all = [(); 2].map(|()| vec![0.0; width * shape.height as usize]);
        let [x, y] = &mut all;
        let rows = x.chunks_mut(width).zip(y.chunks_mut(width)).enumerate();
        for (row, (x, y)) in rows {
            field.displace(row, x, y);
        }
        all
    }

    /// The mean product of displacements and those `distance` pixels to the right.
    fn covariance(distance: usize) -> f32 {
        let shape = InputShape {
            height: 40,
            width: 60,
            channels: 1,
        };
        let mut sum = 0.0;
        let mut count = 0;
        for index in 0..100 {
            for field in displacements(shape, index) {
                for row in field.chunks(shape.width as usize) {
                    let pairs = row.iter().zip(&row[distance..]);
                    sum += pairs.map(|(one, other)| one * other).sum::<f32>();
                    count += row.len() - distance;
                }
            }
        }
        sum / count as f32
    }

    #[test]
    fn displacements_are_as_large_and_as_alike_as_asked_for() {
        let variance = covariance(0);
        assert!((variance.sqrt() - 1.5).abs() < 0.05, "{variance}");
        // Noise that a Gaussian of σ smoothed has a correlation of exp(−d²/4σ²) at a distance d.
        for (distance, expected) in [(3, 0.779), (6, 0.368), (20, 0.0)] {
            let correlation = covariance(distance) / variance;
            assert!(
                (correlation - expected).abs() < 0.04,
                "{distance}: {correlation}"
            );
        }
    }

    #[test]
    fn a_series_is_bent_along_its_width_alone() {
        let series = InputShape {
            height: 1,
            width: 40,
            channels: 2,
        };
        let [x, y] = displacements(series, 0);
        assert!(x.iter().any(|it| it.abs() > 0.5));
        assert!(y.iter().all(|&it| it == 0.0));
    }
}
