//! `cargo herringbone check`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use herringbone_dataset::{Expected, Part, Source};
use herringbone_tflite::{Element, Quantisation, Values};
use herringbone_trainer::mistakes::ClassAccuracy;
use herringbone_trainer::percent;
use herringbone_trainer::pictures::Confusion;

use super::graph;
use crate::progress::Progress;
use crate::reading::Reading;
use crate::tables::by_class;
use crate::watcher::say;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The model, a .tflite file
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// The data: its test set, or all of it if it has none
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    /// The data are the model's own integers, -128 to 127, and not to be quantised
    #[arg(long)]
    quantised: bool,
    #[command(flatten)]
    reading: Reading,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let name = arguments.model.display();
    let graph = graph(&arguments.model)?;
    let (&[input], &[output]) = (&graph.inputs[..], &graph.outputs[..]) else {
        bail!(
            "{name} has {} inputs and {} outputs: only one of each can be checked",
            graph.inputs.len(),
            graph.outputs.len()
        );
    };
    let (input, output) = (graph.tensor(input), graph.tensor(output));
    let classes = match output.values() {
        1 => 2,
        classes => classes,
    };
    let expected = Expected {
        shape: None,
        classes: Some(classes),
    };
    let source = Source::open(&arguments.data, expected, &arguments.reading.options())?;
    let part = match source.has(Part::Test) {
        true => Part::Test,
        false => Part::Training,
    };
    let recordings = source.read(part)?.context("there is no data")?;
    for note in source.notes().iter().chain(&recordings.notes) {
        say(&format!("- {note}"));
    }
    let length = input.values();
    if source.shape().values() != length {
        bail!(
            "{}: the model takes {:?}, {length} values, and the data have {}",
            arguments.data.display(),
            input.shape,
            source.shape()
        );
    }
    let form = InputForm {
        element: input.element,
        quantisation: input.quantisation.as_ref(),
        is_quantised: arguments.quantised,
    };
    say(&format!("- {}", form.told(&recordings.values)?));
    let mut confusion = Confusion::new(source.class_names());
    let mut progress = Progress::new();
    let examples = recordings.labels.len();
    let mut state = graph.state();
    for (example, &label) in recordings.labels.iter().enumerate() {
        if example % 64 == 0 {
            progress.begin(&format!("{example} of {examples}"));
        }
        let values = form.of(&recordings.values, example * length..(example + 1) * length);
        let results = graph.run(&mut state, &[values])?;
        confusion.add(
            label.into(),
            class(&results[0], output.quantisation.as_ref()),
        );
    }
    progress.end();
    say(&format!(
        "{}: {}, {} of {}",
        match part {
            Part::Test => "test",
            Part::Training | Part::Validation => "all",
        },
        percent(confusion.accuracy().unwrap_or_default()),
        confusion.right(),
        confusion.total(),
    ));
    say(&by_class(&ClassAccuracy::of(&confusion)));
    Ok(ExitCode::SUCCESS)
}

/// How data become a model's input.
struct InputForm<'a> {
    element: Element,
    quantisation: Option<&'a Quantisation>,
    is_quantised: bool,
}

impl InputForm<'_> {
    /// What is done, for the user; fails where nothing is known to do.
    fn told(&self, data: &herringbone_dataset::Values) -> Result<String> {
        use herringbone_dataset::Values as Data;
        Ok(match (self.element, data, self.quantisation) {
            (Element::Float32, _, _) => {
                "the model takes real numbers: data go in as they are".to_owned()
            }
            (Element::Int8 | Element::Uint8, _, _) if self.is_quantised => {
                "data go in as they are, as the model's own integers".to_owned()
            }
            (Element::Int8, Data::Bytes(_), _) => {
                "bytes go in less 128, as usual for int8 (--quantised takes them as they are)"
                    .to_owned()
            }
            (Element::Uint8, Data::Bytes(_), _) => "bytes go in as they are".to_owned(),
            (Element::Int8 | Element::Uint8, Data::Numbers(_), Some(quantisation)) => format!(
                "numbers are divided by the input's scale, {}, and {} is added (--quantised takes \
                 them as they are)",
                quantisation.scales[0], quantisation.zero_point
            ),
            (element, _, _) => bail!("the model takes {element}, which data can't be made into"),
        })
    }

    fn of(&self, data: &herringbone_dataset::Values, range: std::ops::Range<usize>) -> Values {
        use herringbone_dataset::Values as Data;
        let (scale, zero_point) = match self.quantisation {
            Some(quantisation) if !self.is_quantised => {
                (quantisation.scales[0], quantisation.zero_point as f32)
            }
            Some(_) | None => (1.0, 0.0),
        };
        let less = if self.is_quantised { 0 } else { 128 };
        let quantised = |number: &f32| (number / scale).round() + zero_point;
        match (self.element, data) {
            (Element::Float32, Data::Bytes(bytes)) => {
                Values::Float32(bytes[range].iter().map(|&byte| byte.into()).collect())
            }
            (Element::Float32, Data::Numbers(numbers)) => Values::Float32(numbers[range].to_vec()),
            (Element::Uint8, Data::Bytes(bytes)) => Values::Uint8(bytes[range].to_vec()),
            (Element::Uint8, Data::Numbers(numbers)) => Values::Uint8(
                numbers[range]
                    .iter()
                    .map(|it| quantised(it) as u8)
                    .collect(),
            ),
            (_, Data::Bytes(bytes)) => {
                let bytes = bytes[range].iter();
                let less = |&byte: &u8| (i16::from(byte) - less).clamp(-128, 127) as i8;
                Values::Int8(bytes.map(less).collect())
            }
            (_, Data::Numbers(numbers)) => Values::Int8(
                numbers[range]
                    .iter()
                    .map(|it| quantised(it) as i8)
                    .collect(),
            ),
        }
    }
}

/// The first class of the most; of a single output, whether it stands for more than a half.
fn class(results: &Values, quantisation: Option<&Quantisation>) -> usize {
    let real: Vec<f32> = match results {
        Values::Int8(values) => values.iter().map(|&it| it.into()).collect(),
        Values::Uint8(values) => values.iter().map(|&it| it.into()).collect(),
        Values::Int32(values) => values.iter().map(|&it| it as f32).collect(),
        Values::Float32(values) => values.clone(),
    };
    if let [only] = real[..] {
        let (scale, zero_point) = quantisation.map_or((1.0, 0.0), |quantisation| {
            (quantisation.scales[0], quantisation.zero_point as f32)
        });
        return usize::from(scale * (only - zero_point) > 0.5);
    }
    let mut best = 0;
    for (index, value) in real.iter().enumerate() {
        if *value > real[best] {
            best = index;
        }
    }
    best
}
