//! The lists that a search chooses from.

mod brace;
mod file;
mod run;
#[cfg(test)]
mod tests;
mod walk;

use anyhow::{Result, bail};
use herringbone_compiler::budget::zeros_can_be_free;
use herringbone_compiler::network::{Bits, Item, Shape};

use crate::base::Base;
use crate::cost::Limits;
use crate::design::{Design, is_training_only};
use run::Run;

pub use walk::Genes;

/// Lists of layers: each form is a row of slots, each slot a choice among runs of layers, most of
/// which are one layer, or none. The last layer, that of the classes, is the declaration's.
#[derive(Clone, Debug, PartialEq)]
pub struct Space {
    pub(crate) forms: Vec<Form>,
    /// The widths of integers to choose from.
    pub(crate) bits: Vec<Bits>,
    /// The shares of weights that are 0 to choose from, each 0 to below 1.
    pub(crate) sparsity: Vec<f64>,
    /// The declaration's last layer.
    pub(crate) last: Item,
}

/// Lists of one make.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Form {
    pub(crate) slots: Vec<Slot>,
}

/// A place in a list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Slot {
    /// The set that it is filled from: slots of one name play the same part in other forms.
    pub(crate) name: String,
    /// What it may be.
    pub(crate) choices: Vec<Run>,
}

/// A space that comes with the tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Lists of all layers over images, with branches.
    Images,
    /// The same over inputs of one row.
    Series,
    /// Gural & Murmann's sweep (2019): 182,957 lists.
    Gural,
    /// Müksch et al. (2020), tables 1 and 2: 276,196 lists.
    Mueksch,
}

impl Known {
    /// What is taken for inputs of that shape where nothing else is asked for.
    pub fn default_for(input: Shape) -> Self {
        match input.height {
            1 => Self::Series,
            _ => Self::Images,
        }
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Images => "images",
            Self::Series => "series",
            Self::Gural => "gural",
            Self::Mueksch => "mueksch",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Images, Self::Series, Self::Gural, Self::Mueksch];
        all.into_iter().find(|known| known.name() == name)
    }

    /// The file that describes it, as one's own would.
    pub fn text(self) -> &'static str {
        match self {
            Self::Images => include_str!("../spaces/images.toml"),
            Self::Series => include_str!("../spaces/series.toml"),
            Self::Gural => include_str!("../spaces/gural.toml"),
            Self::Mueksch => include_str!("../spaces/mueksch.toml"),
        }
    }

    /// Whether the declaration's own layers belong to it: published spaces stay what they are.
    pub fn takes_in_the_declaration(self) -> bool {
        match self {
            Self::Images | Self::Series => true,
            Self::Gural | Self::Mueksch => false,
        }
    }
}

impl Space {
    /// Reads the text of a file that describes a space, for networks that end like `design`, whose
    /// bits are taken where the file names none.
    ///
    /// # Errors
    /// With everything that is wrong with the text.
    pub fn read(text: &str, design: &Design) -> Result<Self> {
        let Some(last) = design.items.iter().rfind(|item| !is_training_only(item)) else {
            bail!("the declaration has no layer");
        };
        file::read(text, last.clone(), design)
    }

    /// What a study of that declaration looks through: the space of that text, with the
    /// declaration's own layers if `takes_in_the_declaration`, and without shares of zeros where
    /// these would be paid for all the same.
    ///
    /// # Errors
    /// With everything that is wrong with the text.
    pub fn of_study(
        text: &str,
        takes_in_the_declaration: bool,
        base: &Base,
        limits: &Limits,
    ) -> Result<Self> {
        let own = base.design();
        let mut space = Self::read(text, &own)?;
        if takes_in_the_declaration {
            space = space.with_layers_of(&own);
        }
        if !(zeros_can_be_free(&base.declaration) && limits.leave_zeros_free()) {
            space.sparsity = vec![own.sparsity];
        }
        Ok(space)
    }

    /// The same with those layers among the choices: each joins the sets that have one of its
    /// letter, and layers that are bound by labels those that have such. Its share of zeros joins too.
    pub fn with_layers_of(mut self, design: &Design) -> Self {
        if !self.sparsity.contains(&design.sparsity) {
            self.sparsity.push(design.sparsity);
        }
        let mut items: Vec<&Item> = Design::computing(&design.items).collect();
        // The last one is in none of the sets.
        items.pop();
        for run in Run::parted(&items) {
            for slot in self.forms.iter_mut().flat_map(|form| &mut form.slots) {
                let choices = || slot.choices.iter();
                let is_new = !choices().any(|choice| choice.is(&run));
                if is_new && choices().any(|choice| choice.is_like(&run)) {
                    slot.choices.push(run.clone());
                }
            }
        }
        self
    }

    /// How many lists it describes, times the bits and the shares of zeros to choose from; lists too whose maps end up with
    /// no pixel. `None` where there are more than 2¹²⁸.
    pub fn count(&self) -> Option<u128> {
        let mut all: u128 = 0;
        for form in &self.forms {
            all = all.checked_add(form.count()?)?;
        }
        all.checked_mul(self.bits.len() as u128)?
            .checked_mul(self.sparsity.len() as u128)
    }

    /// Whether that is one of its designs; layers that only mean something in training count for
    /// nothing.
    pub fn contains(&self, design: &Design) -> bool {
        self.genes_of(design).is_some()
    }
}

impl Form {
    fn count(&self) -> Option<u128> {
        self.slots.iter().try_fold(1_u128, |count, slot| {
            count.checked_mul(slot.choices.len() as u128)
        })
    }
}
