//! One thing to train, and what came of it.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::cost::Cost;
use crate::rung::Rung;

/// A line of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Which design of the study, from 0; 0 is the declaration's own list.
    pub design: u32,
    /// The design, as [`crate::Design`] writes it.
    pub text: String,
    /// What it takes.
    pub cost: Cost,
    /// What is to be done.
    pub task: Task,
}

/// What is done with a design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// It is trained up to that rung, in floating point, from where the rung below left it.
    Climb {
        /// Which rung.
        rung: Rung,
        /// What all that is drawn is drawn by.
        seed: u64,
    },
    /// It is trained by the full recipe, with the chip's integers.
    Finish {
        /// Epochs of all phases.
        epochs: u32,
        /// What all that is drawn is drawn by.
        seed: u64,
    },
}

/// What came of a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The share of the validation examples that are classified rightly, 0 to 1; `None` where the
    /// training diverged.
    pub accuracy: Option<f64>,
    /// The mean loss of the validation examples; `None` where the training diverged.
    pub loss: Option<f64>,
    /// What it took.
    pub seconds: f64,
    /// What it takes with its own weights: of a finished one.
    pub cost: Option<Cost>,
    /// Whether that is within the budget still.
    pub fits: bool,
}

impl Outcome {
    /// With as many digits as are read back to the bit: serde_json reads some longer numbers as
    /// the one beside them.
    fn rounded(&self) -> Self {
        let to = |value: f64, digits: f64| (value * digits).round() / digits;
        Self {
            accuracy: self.accuracy.map(|it| to(it, 1e9)),
            loss: self.loss.map(|it| to(it, 1e9)),
            seconds: to(self.seconds, 1e3),
            ..self.clone()
        }
    }
}

/// A result's file.
#[derive(Serialize, Deserialize)]
struct Sealed {
    version: u32,
    /// SHA-256 of the line of the plan.
    of: String,
    outcome: Outcome,
    /// SHA-256 of all this as JSON, with nothing here.
    seal: String,
}

/// The version of files of results.
pub(crate) const VERSION: u32 = 1;

impl Trial {
    /// The bytes of the file of its result.
    pub(crate) fn seal(&self, outcome: &Outcome) -> Vec<u8> {
        let mut sealed = Sealed {
            version: VERSION,
            of: self.digest(),
            outcome: outcome.rounded(),
            seal: String::new(),
        };
        sealed.seal = digest(&to_json(&sealed));
        let mut bytes = to_json(&sealed);
        bytes.push(b'\n');
        bytes
    }

    /// Reads them.
    ///
    /// # Errors
    /// With what is wrong: they are damaged, or of another trial.
    pub(crate) fn unseal(&self, bytes: &[u8]) -> Result<Outcome, String> {
        let mut sealed: Sealed =
            serde_json::from_slice(bytes).map_err(|error| format!("it is damaged: {error}"))?;
        if sealed.version != VERSION {
            return Err(format!(
                "it is of version {}, and this tool reads {VERSION}",
                sealed.version
            ));
        }
        let seal = std::mem::take(&mut sealed.seal);
        if seal != digest(&to_json(&sealed)) {
            return Err("it is damaged: its checksum is not that of its contents".to_owned());
        }
        if sealed.of != self.digest() {
            return Err("it is of another trial".to_owned());
        }
        Ok(sealed.outcome)
    }

    fn digest(&self) -> String {
        digest(&to_json(self))
    }
}

fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("it has no maps whose keys are no strings")
}

/// SHA-256 in hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
