//! The file that describes a space.
//!
//! ```toml
//! lists = ["A; C; C; M; Dr(0.1)"]
//! bits = [{ weights = 4, activations = 4 }]
//! sparsity = [0, 0.5]
//!
//! [sets]
//! C = ["C1({4,8},{1,3})", "T(3)", "'x: C1({c=4,8},3), C1({c},3, padding: same, add: 'x)"]
//! ```
//! A list's slots are parted by semicolons. Each is the name of a set, or a layer, or some one after
//! the other, which are chosen together; labels are theirs alone. In a set, `""` is no layer, and
//! braces stand for a layer for each of their words, those of one name for the same word.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use herringbone_compiler::network::{Bits, Item};
use serde::Deserialize;

use super::run::Run;
use super::{Form, Slot, Space, brace};
use crate::design::Design;

/// More layers than that in a set, or slots in a list, no space needs.
const MOST_CHOICES: usize = 10_000;
const MOST_SLOTS: usize = 100;
/// The input that layers are read with: any of them has room on it.
const ROOMY: &str = "[64, 64, 4]";
const ROOMY_ROW: &str = "[1, 256, 4]";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    lists: Vec<String>,
    #[serde(default)]
    sets: BTreeMap<String, Vec<String>>,
    bits: Option<Vec<BitsInFile>>,
    sparsity: Option<Vec<f64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BitsInFile {
    weights: Option<u32>,
    biases: Option<u32>,
    activations: Option<u32>,
}

pub(super) fn read(text: &str, last: Item, default: &Design) -> Result<Space> {
    let file: File = toml::from_str(text).context("cannot read the space")?;
    let mut problems = Vec::new();
    let mut sets = BTreeMap::new();
    for (name, choices) in &file.sets {
        match set(choices) {
            Ok(choices) => {
                sets.insert(name.as_str(), choices);
            }
            Err(error) => problems.push(format!("set `{name}`: {error:#}")),
        }
    }
    let mut forms = Vec::new();
    for list in &file.lists {
        match form(list, &sets, &file.sets) {
            Ok(form) => forms.push(form),
            Err(error) => problems.push(format!("list `{list}`: {error:#}")),
        }
    }
    if file.lists.is_empty() {
        problems.push("`lists` is empty: give at least one, such as \"A; C1(8,3); M\"".to_owned());
    }
    let bits = match &file.bits {
        None => vec![default.bits],
        Some(bits) if bits.is_empty() => {
            problems.push("`bits` is empty: leave it out for the declaration's".to_owned());
            Vec::new()
        }
        Some(bits) => bits.iter().map(|it| it.or(default.bits)).collect(),
    };
    for Bits {
        weights,
        biases,
        activations,
    } in &bits
    {
        let are_known =
            [2, 4, 8].contains(weights) && [8, 16].contains(biases) && [4, 8].contains(activations);
        if !are_known {
            problems.push(format!(
                "bits of {weights}, {biases} and {activations}: weights have 2, 4 or 8, biases 8 \
                 or 16, activations 4 or 8"
            ));
        }
    }
    let sparsity = match file.sparsity {
        None => vec![default.sparsity],
        Some(shares) if shares.is_empty() => {
            problems.push("`sparsity` is empty: leave it out for the declaration's".to_owned());
            Vec::new()
        }
        Some(shares) => shares,
    };
    for share in sparsity.iter().filter(|it| !(0.0..1.0).contains(*it)) {
        problems.push(format!(
            "a sparsity of {share}: expected a share from 0 to below 1, such as 0.5"
        ));
    }
    if !problems.is_empty() {
        bail!("{}", problems.join("\n       "));
    }
    Ok(Space {
        forms,
        bits,
        sparsity,
        last,
    })
}

impl BitsInFile {
    fn or(&self, default: Bits) -> Bits {
        Bits {
            weights: self.weights.unwrap_or(default.weights),
            biases: self.biases.unwrap_or(default.biases),
            activations: self.activations.unwrap_or(default.activations),
        }
    }
}

fn set(choices: &[String]) -> Result<Vec<Run>> {
    let mut items = Vec::new();
    for text in choices {
        if text.trim().is_empty() {
            items.push(Run::of([]));
            continue;
        }
        for text in brace::expand(text) {
            items.push(run(&text)?);
        }
        if items.len() > MOST_CHOICES {
            bail!("more than {MOST_CHOICES} layers");
        }
    }
    if items.is_empty() {
        bail!("it is empty: give at least one layer, or \"\" for none");
    }
    Ok(items)
}

fn form(
    list: &str,
    sets: &BTreeMap<&str, Vec<Run>>,
    named: &BTreeMap<String, Vec<String>>,
) -> Result<Form> {
    let words: Vec<&str> = list.split(';').map(str::trim).collect();
    if words.len() > MOST_SLOTS {
        bail!("more than {MOST_SLOTS} slots");
    }
    let mut slots = Vec::new();
    for word in words.into_iter().filter(|word| !word.is_empty()) {
        let choices = match sets.get(word) {
            Some(choices) => choices.clone(),
            // What is wrong with the set was said already.
            None if named.contains_key(word) => continue,
            None => vec![run(word)?],
        };
        slots.push(Slot {
            name: word.to_owned(),
            choices,
        });
    }
    Ok(Form { slots })
}

/// A layer, or some one after the other, as a declaration writes them.
fn run(text: &str) -> Result<Run> {
    // Dropout alone would be no network.
    let design = |input| Design::read(&format!("< {text}, D*(2) >"), input);
    let design = design(ROOMY).or_else(|error| design(ROOMY_ROW).map_err(|_| error))?;
    match design.items.split_last() {
        Some((_, items)) if !items.is_empty() => Ok(Run::of(items)),
        _ => bail!("`{text}` must be a layer"),
    }
}
