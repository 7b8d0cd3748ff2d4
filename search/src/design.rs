//! One network of a space.

use std::fmt;

use anyhow::{Result, bail};
use herringbone_compiler::network::{Bits, Entry, Item, Kind};
use herringbone_compiler::syntax;
use herringbone_compiler::weights::written_bits;
use proc_macro2::TokenStream;

/// A list of layers and the widths of its integers. It is shown as a declaration writes it:
/// `< A, C1(5,3), M, D*(10) >, bits: { weights: 4, biases: 16, activations: 4 }`, and
/// `sparsity: 0.5` where that is not 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Design {
    /// The layers, in order.
    pub items: Vec<Item>,
    /// The widths of its integers.
    pub bits: Bits,
    /// The share of its weights that training makes 0, 0 to below 1.
    pub sparsity: f64,
}

impl Design {
    /// The list alone, `< A, C1(5,3), M, D*(10) >`.
    pub fn list(&self) -> String {
        let items: Vec<String> = self.items.iter().map(ToString::to_string).collect();
        format!("< {} >", items.join(", "))
    }

    /// Reads what its [`Display`](std::fmt::Display) writes, of a network with that input, `[28, 28, 1]`.
    ///
    /// # Errors
    /// With everything that is wrong with the text.
    pub fn read(text: &str, input: &str) -> Result<Self> {
        let declaration = format!("N: {input} => {text}");
        let tokens: TokenStream = match declaration.parse() {
            Ok(tokens) => tokens,
            Err(error) => bail!("`{text}` is no list of layers: {error}"),
        };
        let parsed = syntax::parse(tokens);
        match parsed.declaration {
            Some(declaration) => Ok(Self {
                items: declaration.network.items().to_vec(),
                bits: declaration.network.bits(),
                sparsity: declaration.sparsity,
            }),
            None => {
                let problems: Vec<String> = parsed
                    .errors
                    .spanned()
                    .into_iter()
                    .map(|(_, it)| it)
                    .collect();
                bail!("`{text}`: {}", problems.join("; "))
            }
        }
    }

    /// The layers that compute something on the device.
    pub(crate) fn computing(items: &[Item]) -> impl Iterator<Item = &Item> {
        items.iter().filter(|item| !is_training_only(item))
    }
}

impl fmt::Display for Design {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.list(), written_bits(self.bits))?;
        if self.sparsity > 0.0 {
            write!(f, ", sparsity: {}", self.sparsity)?;
        }
        Ok(())
    }
}

/// Whether an item has a meaning in training alone.
pub(crate) fn is_training_only(item: &Item) -> bool {
    match &item.entry {
        Entry::Layer { kind, .. } => match kind {
            Kind::Dropout(_) | Kind::Noise(_) => true,
            Kind::Pool(_)
            | Kind::Convolution(_)
            | Kind::Depthwise(_)
            | Kind::Separable(_)
            | Kind::Dense(_)
            | Kind::Add(_)
            | Kind::Concat(_)
            | Kind::Recurrent(_)
            | Kind::Projection(_)
            | Kind::Tree(_)
            | Kind::Prototypes(_) => false,
        },
        Entry::From(_) | Entry::Residual { .. } | Entry::Bonsai(_) | Entry::Proto(_) => false,
    }
}
