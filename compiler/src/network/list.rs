//! The list of a declaration: items with labels, as written.

use super::kind::{Bonsai, Kind, Proto};
use super::shape::Kernel;
use std::fmt;

/// One item of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// `'name:` before it, without the apostrophe.
    pub label: Option<String>,
    /// What it is.
    pub entry: Entry,
}

/// What an item of the list is.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// `'name`: the list goes on from that map. It has no position in the weights
    /// file.
    From(String),
    /// A layer that reads the running map, and labelled ones.
    Layer {
        /// What it computes.
        kind: Kind,
        /// The labels that it reads: one of `add:` and `Add`, any of `Cat`.
        labels: Vec<String>,
    },
    /// `R(k)`: two convolutions with padding, of as many channels as they read, the
    /// second of which adds what the first one reads.
    Residual {
        /// The kernel of both.
        kernel: Kernel,
    },
    /// `Bonsai(depth,p,classes)`: a projection and a tree; it ends the list.
    Bonsai(Bonsai),
    /// `Proto(d,m,classes)`: a projection and prototypes; it ends the list.
    Proto(Proto),
}

/// The label of the network's input.
pub const INPUT_LABEL: &str = "input";

impl Item {
    /// A layer without labels.
    pub fn layer(kind: Kind) -> Self {
        Self {
            label: None,
            entry: Entry::Layer {
                kind,
                labels: Vec::new(),
            },
        }
    }

    /// Whether it has a position in the weights file.
    pub fn is_layer(&self) -> bool {
        match self.entry {
            Entry::From(_) => false,
            Entry::Layer { .. } | Entry::Residual { .. } | Entry::Bonsai(_) | Entry::Proto(_) => {
                true
            }
        }
    }
}

impl fmt::Display for Item {
    /// As the declaration writes it: `'skip: C1(8,3)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(label) = &self.label {
            write!(f, "'{label}: ")?;
        }
        self.entry.fmt(f)
    }
}

impl fmt::Display for Entry {
    /// As the declaration writes it: `Add('skip)`, `C1(8,3, add: 'skip)`; with `#`,
    /// without the arguments that have names, and one label at most.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Entry::From(label) => write!(f, "'{label}"),
            Entry::Residual { kernel } => write!(f, "R({})", kernel.written()),
            Entry::Bonsai(bonsai) => bonsai.fmt(f),
            Entry::Proto(proto) => proto.fmt(f),
            Entry::Layer { kind, labels } => {
                let written = match f.alternate() {
                    true => format!("{kind:#}"),
                    false => kind.to_string(),
                };
                let labels: Vec<String> = labels.iter().map(|label| format!("'{label}")).collect();
                match (&labels[..], written.strip_suffix(')')) {
                    ([], _) => f.write_str(&written),
                    (_, Some(_)) if f.alternate() => f.write_str(&written),
                    (labels, Some(before)) => write!(f, "{before}, add: {})", labels.join(", ")),
                    ([first, _, ..], None) if f.alternate() => write!(f, "{written}({first}, …)"),
                    (labels, None) => write!(f, "{written}({})", labels.join(", ")),
                }
            }
        }
    }
}
