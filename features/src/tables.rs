/// Constants of a design, wherever they are kept; indices past the end give 0.
pub trait Tables {
    /// `sin(2π · index / FRAME)` of a quarter turn: `index` from 0 to `FRAME / 4`, with 15 bits
    /// after the point, 32,767 at most.
    fn sine(&self, index: usize) -> i16;

    /// How many bins of the spectrum, counted from bin 1 on, are in the segment at `index`:
    /// segment 0 is below the lowest frequency; segment `s` goes from the middle of band `s − 1`,
    /// counted from 1, to that of band `s`, where band 0 stands for the lowest frequency, and the
    /// one after the last for the highest.
    fn bins(&self, index: usize) -> u8;

    /// The share of that bin, counted from 1 on as `bins` does, that the upper of its two bands
    /// has, in 256ths; the lower one has the rest.
    fn upper_share(&self, index: usize) -> u8;

    /// Bands of the bank.
    fn bands(&self) -> u8;

    /// Bits by which the power of a bin is shifted down, so that the sum of a band's fits 32 bits.
    fn power_shift(&self) -> u8;

    /// How many coefficients of the bands' cosine transform a row has; 0 where it has the bands
    /// themselves.
    fn coefficients(&self) -> u8;

    /// The factor of a band in a coefficient: of all bands of the first one, then of the next.
    fn transform(&self, index: usize) -> i16;

    /// Bits by which a coefficient's sum of products is shifted down: at least 1.
    fn transform_shift(&self) -> u8;

    /// The least logarithm, in octaves of power: what is below is taken for that.
    fn floor(&self) -> u8;
}
