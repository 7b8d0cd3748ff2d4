//! The declaration that a search begins with, and what becomes of it.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use herringbone_compiler::budget::Change;
use herringbone_compiler::declaration::{Declaration, PlanChoice, WeightsSource};
use herringbone_compiler::network::Network;
use herringbone_compiler::syntax::{self, NetworkAst};
use herringbone_compiler::weights::written_bits;
use proc_macro2::TokenStream;

use crate::design::Design;

/// What every network of a study has in common: input, classes, target, budget. Its own list is
/// the first trial.
#[derive(Clone, Debug)]
pub struct Base {
    /// What is in the braces of `network! { … }`.
    pub text: String,
    /// What that says.
    pub declaration: Declaration,
}

impl Base {
    /// Reads what is in the braces of a declaration.
    ///
    /// # Errors
    /// With everything that is wrong with it.
    pub fn read(text: &str) -> Result<Self> {
        let (_, declaration) = parse(text)?;
        Ok(Self {
            text: text.to_owned(),
            declaration,
        })
    }

    /// The same with `plan: smallest`, unless it says which plan.
    ///
    /// # Errors
    /// Where the text was not found in itself again.
    pub fn with_the_smallest_plan(self) -> Result<Self> {
        if self.declaration.plan != PlanChoice::Fastest {
            return Ok(self);
        }
        let (ast, _) = parse(&self.text)?;
        let plan = Change::Key {
            key: "plan",
            value: Some("smallest".to_owned()),
        };
        let text = ast.with_list(&self.text, &list_of(&ast), &[plan]);
        Self::read(&text.context("the list is not in the declaration's text")?)
    }

    /// Its own list.
    pub fn design(&self) -> Design {
        let network = &self.declaration.network;
        Design {
            items: network.items().to_vec(),
            bits: network.bits(),
            sparsity: self.declaration.sparsity,
        }
    }

    /// `[28, 28, 1]`.
    pub fn input(&self) -> String {
        let input = self.declaration.network.input();
        format!("[{}, {}, {}]", input.height, input.width, input.channels)
    }

    /// The declaration with another list, whose weights are a file's; `None` where its maps would
    /// have no pixels or too many.
    pub fn declaration_of(&self, design: &Design) -> Option<Declaration> {
        let network = &self.declaration.network;
        let own = network.items() == design.items;
        let changed = Network::of_list(network.input(), design.bits, design.items.clone()).ok()?;
        let weights = match self.declaration.weights {
            WeightsSource::Runtime => WeightsSource::Runtime,
            WeightsSource::File | WeightsSource::Nowhere => WeightsSource::File,
        };
        let declaration = Declaration {
            network: changed.with_features(network.features().copied()),
            weights,
            sparsity: design.sparsity,
            ..self.declaration.clone()
        };
        Some(match own {
            true => declaration,
            // What it says of some of its layers, it says of none of another list's.
            false => Declaration {
                layer_code: BTreeMap::new(),
                plan: match self.declaration.plan {
                    PlanChoice::Smallest => PlanChoice::Smallest,
                    PlanChoice::Fastest | PlanChoice::Named(_) | PlanChoice::Streamed { .. } => {
                        PlanChoice::Fastest
                    }
                },
                ..declaration
            },
        })
    }

    /// What is in the braces of that design's declaration, with its weights in that file.
    ///
    /// # Errors
    /// Where the text was not found in itself again.
    pub fn text_of(&self, design: &Design, weights_file: &str) -> Result<String> {
        let (ast, declaration) = parse(&self.text)?;
        let mut keys = Vec::new();
        if declaration.weights != WeightsSource::Runtime {
            keys.push(Change::Key {
                key: "weights",
                value: Some(format!("{weights_file:?}")),
            });
        }
        if declaration.network.bits() != design.bits {
            keys.push(Change::Key {
                key: "bits",
                value: written_bits(design.bits)
                    .strip_prefix("bits: ")
                    .map(str::to_owned),
            });
        }
        if declaration.sparsity != design.sparsity {
            keys.push(Change::Key {
                key: "sparsity",
                value: (design.sparsity > 0.0).then(|| design.sparsity.to_string()),
            });
        }
        let plan = declaration.plan;
        let is_of_layers = match plan {
            PlanChoice::Fastest | PlanChoice::Smallest => false,
            PlanChoice::Named(_) | PlanChoice::Streamed { .. } => true,
        };
        if is_of_layers && declaration.network.items() != design.items {
            keys.push(Change::Key {
                key: "plan",
                value: None,
            });
        }
        let mut text = self.text.clone();
        // One change after another: each finds its place in the text as it is then.
        for key in keys {
            let (ast, _) = parse(&text)?;
            let list = list_of(&ast);
            text = ast
                .with_list(&text, &list, &[key])
                .context("the list is not in the declaration's text")?;
        }
        let (ast, _) = match text == self.text {
            true => (ast, declaration),
            false => parse(&text)?,
        };
        ast.with_list(&text, &design.list(), &[])
            .context("the list is not in the declaration's text")
    }
}

/// The list as it was written.
fn list_of(ast: &NetworkAst) -> String {
    let items: Vec<String> = ast
        .list
        .items
        .iter()
        .map(|item| match &item.label {
            Some(label) if !item.goes_on => format!("'{}: {}", label.name, item.text),
            Some(_) | None => item.text.clone(),
        })
        .collect();
    format!("< {} >", items.join(", "))
}

fn parse(text: &str) -> Result<(NetworkAst, Declaration)> {
    let tokens: TokenStream = match text.parse() {
        Ok(tokens) => tokens,
        Err(error) => bail!("cannot read the declaration: {error}"),
    };
    let parsed = syntax::parse(tokens);
    match parsed.ast.zip(parsed.declaration) {
        Some(both) => Ok(both),
        None => {
            let problems: Vec<String> = parsed
                .errors
                .spanned()
                .into_iter()
                .map(|(_, message)| message)
                .collect();
            bail!("the declaration is wrong: {}", problems.join("; "))
        }
    }
}
