//! What code may expect of the values that a node reads and makes: how often there is nothing to do.

use crate::weights::Activity;

/// Shares from 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// Of each channel's values, how many are 0; or one share of all.
    zeros: Vec<f64>,
    /// Of each channel's values, how many are 0 as the next one is.
    zero_pairs: Vec<f64>,
    /// Of each channel's values, how many are 0 as that of the next pixel is.
    zero_columns: Vec<f64>,
    between: f64,
}

impl Expectation {
    /// Of a node, as measured; else as trained networks mostly are: of unsigned values a half is 0,
    /// of signed ones as many as of any other.
    pub fn of(measured: Option<&Activity>, signed_input: bool, signed_output: bool) -> Self {
        let shares = |thousandths: &[u16]| thousandths.iter().map(|&it| share(it)).collect();
        match measured {
            Some(measured) => Self {
                zeros: shares(&measured.zeros),
                zero_pairs: shares(&measured.zero_pairs),
                zero_columns: shares(&measured.zero_columns),
                between: share(measured.between),
            },
            None => Self {
                zeros: vec![if signed_input { 1.0 / 16.0 } else { 0.5 }],
                zero_pairs: vec![if signed_input { 1.0 / 256.0 } else { 0.5 }],
                zero_columns: vec![if signed_input { 1.0 / 256.0 } else { 0.25 }],
                between: if signed_output { 0.9 } else { 0.5 },
            },
        }
    }

    /// Of a sum a channel that is no activation, and of the sums of these over the channels: nothing
    /// is known of what is between.
    pub fn halves(&self) -> [Self; 2] {
        let unknown = Self::of(None, true, true);
        let depthwise = Self {
            between: unknown.between,
            ..self.clone()
        };
        let pointwise = Self {
            between: self.between,
            ..unknown
        };
        [depthwise, pointwise]
    }

    /// How many values of that channel are 0.
    pub fn zero(&self, channel: usize) -> f64 {
        self.zeros[channel % self.zeros.len()]
    }

    /// How many of all values are 0.
    pub fn mean_zero(&self) -> f64 {
        self.zeros.iter().sum::<f64>() / self.zeros.len() as f64
    }

    /// How many values of that channel are 0 with the one stored after it.
    pub fn zero_pair(&self, channel: usize) -> f64 {
        self.zero_pairs[channel % self.zero_pairs.len()]
    }

    /// How often as many values that are stored one after the other are all 0, where a value depends
    /// on the one before it alone.
    pub fn mean_zeros(&self, values: u32) -> f64 {
        let zero = self.mean_zero();
        if zero == 0.0 {
            return 0.0;
        }
        let pairs = self.zero_pairs.iter().sum::<f64>() / self.zero_pairs.len() as f64;
        let next = (pairs / zero).min(1.0);
        zero * next.powi(values.saturating_sub(1) as i32)
    }

    /// How many values of that channel are 0 in as many pixels beside one another: 1 or 2.
    pub fn zero_at_once(&self, channel: usize, pixels: u32) -> f64 {
        match pixels {
            1 => self.zero(channel),
            _ => self.zero_columns[channel % self.zero_columns.len()],
        }
    }

    /// How many of the values that are made are neither the least nor the greatest activation, so
    /// that they were not clamped.
    pub fn between(&self) -> f64 {
        self.between
    }
}

/// Of what is left when the share `skipped`, all of it 0, was skipped, how many are 0: of all, `zeros`.
pub fn zeros_of_the_rest(zeros: f64, skipped: f64) -> f64 {
    match 1.0 - skipped {
        rest if rest > 0.0 => ((zeros - skipped) / rest).max(0.0),
        _ => 0.0,
    }
}

fn share(thousandths: u16) -> f64 {
    f64::from(thousandths) / 1000.0
}
