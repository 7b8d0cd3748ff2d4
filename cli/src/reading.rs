//! The arguments that say how data are read.

use clap::{Args, ValueEnum};
use herringbone_dataset::augment::InputKind;
use herringbone_dataset::{Background, Fit, Options};

/// How the data are read.
#[derive(Args)]
#[command(next_help_heading = "Data")]
pub(crate) struct Reading {
    /// Resize images whose size is not the network's
    #[arg(long)]
    resize: bool,
    /// Background for transparent images [default: white under dark drawings, black under
    /// bright ones]
    #[arg(long, value_enum, value_name = "COLOUR")]
    background: Option<Colour>,
    /// Keep examples together when splitting: those in the same folder (1 is the first level
    /// below the class's folder), or those with the same value in this column
    #[arg(long, value_name = "LEVEL|COLUMN")]
    group_by: Option<String>,
    /// The column with the classes [default: `label`, `class`, …]
    #[arg(long, value_name = "COLUMN")]
    label_column: Option<String>,
    /// Resample sounds to this rate [default: the rate most of them have]
    #[arg(long, value_name = "HZ")]
    sample_rate: Option<u32>,
    /// Counts that the sensor gives the firmware for one unit of the data: 16384 for a ±2 g
    /// accelerometer whose data is in g [default: 1, or a power of two]
    #[arg(long, value_name = "N")]
    counts_per_unit: Option<f64>,
    /// Do not rescale bytes, however little of their range they use
    #[arg(long)]
    bytes_as_they_are: bool,
    /// What an input is, which decides how it may be augmented [default: from the files or the
    /// shape]
    #[arg(long, value_enum, value_name = "KIND")]
    input: Option<Input>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Colour {
    White,
    Black,
}

#[derive(Clone, Copy, ValueEnum)]
enum Input {
    /// Rows and columns are alike
    Image,
    /// Moments of a sensor, in a row or in rows
    Series,
    /// A row a moment, a column a band of frequency
    Spectrogram,
}

impl Reading {
    pub(crate) fn options(&self) -> Options {
        Options {
            resize: self.resize,
            background: match self.background {
                None => Background::Contrast,
                Some(Colour::White) => Background::White,
                Some(Colour::Black) => Background::Black,
            },
            group_by: self.group_by.clone(),
            label_column: self.label_column.clone(),
            sample_rate_hertz: self.sample_rate.filter(|&it| it > 0),
        }
    }

    pub(crate) fn fit(&self) -> Fit {
        Fit {
            counts_per_unit: self
                .counts_per_unit
                .filter(|it| it.is_finite() && *it > 0.0),
            bytes_as_they_are: self.bytes_as_they_are,
            each_channel: false,
        }
    }

    pub(crate) fn input(&self) -> Option<InputKind> {
        self.input.map(|input| match input {
            Input::Image => InputKind::Image,
            Input::Series => InputKind::Series,
            Input::Spectrogram => InputKind::Spectrogram,
        })
    }

    /// Everything that is out of its range, in words.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some(units) = self.counts_per_unit
            && !(units.is_finite() && units > 0.0)
        {
            problems.push(format!("{units} counts per unit: expected more than 0"));
        }
        if self.sample_rate == Some(0) {
            problems.push("0 samples a second: expected at least 1".to_owned());
        }
        problems
    }
}
