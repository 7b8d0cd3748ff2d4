//! A change that makes a design fit, in words and as data.

use crate::network::LayerId;
use std::fmt;

/// A change of a declaration with which its design fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    words: String,
    /// What to change in the text, all of it; empty where only words can say it.
    pub changes: Vec<Change>,
}

/// A change of one part of a declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The key of that name.
    Key {
        key: &'static str,
        /// As it is written; `None` where the key is left out.
        value: Option<String>,
    },
    /// A layer, as it is written without its label.
    Layer { layer: LayerId, text: String },
    /// How many outputs a layer has.
    Outputs { layer: LayerId, outputs: u32 },
}

impl Remedy {
    /// The key with that value, as it is pasted in, and what to say of it.
    pub(super) fn set(setting: Setting, explanation: &str) -> Self {
        Self {
            words: format!("{setting}{explanation}"),
            changes: vec![Change::Key {
                key: setting.key,
                value: Some(setting.value),
            }],
        }
    }

    /// Without that key.
    pub(super) fn without(key: &'static str, words: String) -> Self {
        Self {
            words,
            changes: vec![Change::Key { key, value: None }],
        }
    }

    /// Changes that those words say.
    pub(super) fn of(words: String, changes: Vec<Change>) -> Self {
        Self { words, changes }
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

/// A key with its value, as they are pasted in.
pub(super) struct Setting {
    pub(super) key: &'static str,
    pub(super) value: String,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}: {}`", self.key, self.value)
    }
}
