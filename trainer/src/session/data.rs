//! The examples of a training.

use std::path::PathBuf;

use anyhow::{Result, bail};
use herringbone_compiler::features::Features;
use herringbone_compiler::network::Network;
use herringbone_dataset::augment::InputKind;
use herringbone_dataset::survey::{self, Seen};
use herringbone_dataset::{
    Background, Examples, Expected, Fit, Normalisation, Options, Part, Recordings, Source, split,
};

use crate::EXAMPLES;
use crate::features;
use crate::recipe::Recipe;

/// Which examples a network is trained on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DataOptions {
    /// Where they are: what [`Source`] reads.
    pub path: PathBuf,
    /// The share that validates, of those for training: above 0, at most 0.5. `None`: what
    /// [`Recipe::validation_share`] says, or the data's own part for it.
    pub validation_share: Option<f64>,
    /// How they are read.
    pub reading: Options,
    /// How they become bytes.
    pub fit: Fit,
    /// What an input is, where the user says it.
    pub input: Option<InputKind>,
    /// By what it is drawn which examples validate, where that is not the recipe's seed.
    pub split_seed: Option<u64>,
}

/// Examples that were read and split. Those for testing are not read yet.
pub struct Data {
    pub(super) options: DataOptions,
    pub(super) source: Source,
    /// The training examples.
    pub training: Examples,
    /// The examples by which the best epoch is chosen.
    pub validation: Examples,
    /// How recordings became their bytes, and will on the chip.
    pub normalisation: Normalisation,
    /// What an input is.
    pub kind: InputKind,
    /// The share that was split off for validation, unless the data have a part for it.
    pub validation_share: Option<f64>,
    /// What was left out, assumed and done, for the user.
    pub notes: Vec<String>,
    /// What is likely to be wrong with the data, for the user.
    pub warnings: Vec<String>,
    /// SHA-256 of the files of training data, in hexadecimal.
    pub checksum: String,
}

impl Data {
    /// Reads the examples for training, which must be those of `network`'s input and
    /// classes. `seed` decides which of them validate, unless the options have a seed for that.
    ///
    /// # Errors
    /// With everything that is wrong with the data.
    pub fn open(options: DataOptions, network: &Network, seed: u64) -> Result<Self> {
        if let Some(share) = options.validation_share
            && !(share > 0.0 && share <= 0.5)
        {
            bail!("a share of {share} for validation: it must be above 0 and at most 0.5");
        }
        let expected = Expected {
            shape: Some(features::recorded_shape(network)),
            classes: Some(network.output().values() as usize),
        };
        let source = Source::open(
            &options.path,
            expected,
            &features::reading(network, &options.reading),
        )?;
        let path = options.path.display().to_string();
        let mut notes = source.notes().to_vec();
        let Some(recordings) = source.read(Part::Training)? else {
            bail!("{path} has nothing to learn from");
        };
        notes.extend(recordings.notes.iter().cloned());
        let (normalisation, values) = features::fit(network, recordings, options.fit);
        notes.extend(scaled(network, &normalisation, &values));
        let examples = features::scaled(network, &normalisation, values);
        let mut validation_share = None;
        let (training, validation) = match source.read(Part::Validation)? {
            Some(validation) => {
                if options.validation_share.is_some() {
                    notes.push(format!(
                        "{path} has a part for validation: no share is split off for it"
                    ));
                }
                notes.extend(validation.notes.iter().cloned());
                let validation = features::examples(network, &normalisation, validation);
                (examples, validation)
            }
            None => {
                let default = Recipe::validation_share(examples.len());
                let share = options.validation_share.unwrap_or(default);
                validation_share = Some(share);
                split(examples, share, options.split_seed.unwrap_or(seed))
            }
        };
        if training.len() < EXAMPLES {
            bail!(
                "{path}: {} examples are left for training: expected at least {EXAMPLES}",
                training.len()
            );
        }
        if validation.is_empty() {
            let why = match training.groups.is_empty() {
                true => "give more of them",
                false => "give more groups, or keep them together by something smaller",
            };
            bail!(
                "{path}: of {} examples, none is left for validation: {why}",
                training.len()
            );
        }
        let kind = match (options.input, network.features()) {
            (Some(kind), _) => kind,
            (None, Some(Features::Mel(_))) => InputKind::Spectrogram,
            (None, Some(Features::Statistics(_))) => InputKind::Series,
            (None, None) => {
                let kind = source.input_kind();
                if kind == InputKind::Spectrogram {
                    notes.push(
                        "the inputs are taken for spectrograms, of a row a moment, and changed as \
                         such: --input says otherwise"
                            .to_owned(),
                    );
                }
                kind
            }
        };
        let seen = Seen::of(&training, network.bits().activations);
        let mut warnings = seen.warnings();
        warnings.extend(missing(&source, &training, &validation));
        Ok(Self {
            checksum: source.checksum()?,
            options,
            source,
            training,
            validation,
            normalisation,
            kind,
            validation_share,
            notes,
            warnings,
        })
    }

    /// What each class is called.
    pub fn class_names(&self) -> Vec<String> {
        self.source.class_names()
    }

    /// How many examples for training each class has.
    pub fn counts(&self) -> Vec<u64> {
        self.training.counts(self.source.class_names().len())
    }

    /// The examples for testing, where there are some.
    ///
    /// # Errors
    /// With everything that is wrong with them.
    pub fn test(&self, network: &Network) -> Result<Option<Examples>> {
        let test = self.source.read(Part::Test)?;
        Ok(test.map(|test| features::examples(network, &self.normalisation, test)))
    }

    /// Each option of the command line with its value (empty where it has none), so that
    /// together they give these data.
    pub fn written_options(&self) -> Vec<(&'static str, String)> {
        let mut written = Vec::new();
        let mut option = |name: &'static str, value: Option<String>| {
            written.extend(value.map(|value| (name, value)));
        };
        let set = |is_set: bool| is_set.then(String::new);
        let DataOptions {
            path: _,
            validation_share: _,
            reading,
            fit,
            input,
            split_seed,
        } = &self.options;
        let Options {
            resize,
            background,
            group_by,
            label_column,
            sample_rate_hertz,
        } = reading;
        option(
            "--validation",
            self.validation_share.map(|it| it.to_string()),
        );
        option("--split-seed", split_seed.map(|it| it.to_string()));
        option("--resize", set(*resize));
        let background = match background {
            Background::Contrast => None,
            Background::White => Some("white".to_owned()),
            Background::Black => Some("black".to_owned()),
        };
        option("--background", background);
        option("--group-by", group_by.clone());
        option("--label-column", label_column.clone());
        option("--sample-rate", sample_rate_hertz.map(|it| it.to_string()));
        option(
            "--counts-per-unit",
            fit.counts_per_unit.map(|it| it.to_string()),
        );
        option("--bytes-as-they-are", set(fit.bytes_as_they_are));
        option("--input", input.map(|it| it.name().to_owned()));
        written
    }
}

/// That values do not stay what they are.
fn scaled(
    network: &Network,
    normalisation: &Normalisation,
    recordings: &Recordings,
) -> Option<String> {
    let (least, greatest) = recordings.values.range()?;
    (!normalisation.is_identity()).then(|| {
        let (what, given) = match network.features() {
            None => ("values", "counts"),
            Some(_) => ("features", "samples"),
        };
        format!(
            "{what} of {least} to {greatest} are scaled to bytes: {normalisation}; firmware gives \
             {given} to `run_raw` or `push_raw`"
        )
    })
}

/// Classes without examples.
fn missing(source: &Source, training: &Examples, validation: &Examples) -> Vec<String> {
    let names = source.class_names();
    let mut warnings = Vec::new();
    for (part, examples) in [("training", training), ("validation", validation)] {
        let counts = examples.counts(names.len());
        for (name, _) in names.iter().zip(counts).filter(|(_, count)| *count == 0) {
            warnings.push(format!("class {name} has no example for {part}"));
        }
    }
    if survey::are_unequal(&training.counts(names.len())) {
        let counts = training.counts(names.len());
        let parts = names.iter().zip(counts);
        let parts: Vec<String> = parts
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        // Of many classes the list would be long.
        let listed = match parts.len() {
            0..=12 => format!(" ({})", parts.join(", ")),
            _ => String::new(),
        };
        warnings.push(format!(
            "the classes are unequal{listed}: by default each counts as much as every other \
             (--balance)"
        ));
    }
    warnings
}
