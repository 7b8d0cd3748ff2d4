//! Ways through a space: by number, at random, and from one design to those near it.

use std::collections::{BTreeMap, BTreeSet};

use herringbone_compiler::network::{Bits, Item};

use super::run::Labels;
use super::{Form, Slot, Space};
use crate::design::Design;
use crate::random::Random;

/// Which choices make a design of a space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genes {
    form: usize,
    /// One a slot of the form.
    choices: Vec<usize>,
    bits: usize,
    sparsity: usize,
}

/// Of changes of a slot, the share that goes to the choice beside: most sets list a layer's outputs
/// in order.
const SHARE_BESIDE: f64 = 0.5;
/// Of all changes, the share that goes to another form.
const SHARE_OF_FORMS: f64 = 0.25;

impl Space {
    /// The design of that number, from 0 on; forms come one after another, and of a form the last
    /// slot changes first.
    pub fn nth(&self, number: u128) -> Option<Genes> {
        let mut number = number;
        let mut of = |count: usize| {
            let index = number % count as u128;
            number /= count as u128;
            index as usize
        };
        let (bits, sparsity) = (of(self.bits.len()), of(self.sparsity.len()));
        for (index, form) in self.forms.iter().enumerate() {
            let count = form.count()?;
            if number >= count {
                number -= count;
                continue;
            }
            let mut choices = vec![0; form.slots.len()];
            for (slot, choice) in form.slots.iter().zip(&mut choices).rev() {
                let count = slot.choices.len() as u128;
                *choice = (number % count) as usize;
                number /= count;
            }
            return Some(Genes {
                form: index,
                choices,
                bits,
                sparsity,
            });
        }
        None
    }

    /// The design that those genes stand for.
    pub fn design(&self, genes: &Genes) -> Design {
        let slots = self.forms[genes.form].slots.iter().zip(&genes.choices);
        let mut labels = Labels::default();
        let items = slots.flat_map(|(slot, &choice)| labels.name(&slot.choices[choice]));
        Design {
            items: items.chain([self.last.clone()]).collect(),
            bits: self.bits[genes.bits],
            sparsity: self.sparsity[genes.sparsity],
        }
    }

    /// The genes of a design, if it is one of the space.
    pub fn genes_of(&self, design: &Design) -> Option<Genes> {
        let is_of = |bits: &Bits| *bits == design.bits;
        let bits = self.bits.iter().position(is_of)?;
        let shares = &mut self.sparsity.iter();
        let sparsity = shares.position(|&share| share == design.sparsity)?;
        let items: Vec<&Item> = Design::computing(&design.items).collect();
        let (last, items) = items.split_last()?;
        if **last != self.last {
            return None;
        }
        let forms = self.forms.iter().enumerate();
        forms
            .filter_map(|(form, slots)| {
                let mut choices = Vec::new();
                slots
                    .matches(items, &mut choices, &mut BTreeSet::new())
                    .then_some(Genes {
                        form,
                        choices,
                        bits,
                        sparsity,
                    })
            })
            .next()
    }

    /// Any design: each form is as likely, and of a form each design.
    pub(crate) fn any(&self, random: &mut Random) -> Genes {
        let form = random.below(self.forms.len());
        let slots = self.forms[form].slots.iter();
        Genes {
            form,
            choices: slots.map(|slot| random.below(slot.choices.len())).collect(),
            bits: random.below(self.bits.len()),
            sparsity: match self.sparsity.len() {
                // Spaces without that choice are drawn from as they were.
                1 => 0,
                count => random.below(count),
            },
        }
    }

    /// A design that differs in a choice, in its bits, in its share of zeros, or in its form and as
    /// little else as can be.
    pub(crate) fn beside(&self, genes: &Genes, random: &mut Random) -> Genes {
        let mut changed = genes.clone();
        if self.bits.len() > 1 && random.below(8) == 0 {
            changed.bits = random.below(self.bits.len());
            return changed;
        }
        if self.sparsity.len() > 1 && random.below(8) == 0 {
            changed.sparsity = random.below(self.sparsity.len());
            return changed;
        }
        if self.forms.len() > 1 && random.share() < SHARE_OF_FORMS {
            return self.reformed(genes, random);
        }
        let slots = &self.forms[genes.form].slots;
        let free: Vec<usize> = (0..slots.len())
            .filter(|&slot| slots[slot].choices.len() > 1)
            .collect();
        if free.is_empty() {
            return self.reformed(genes, random);
        }
        let slot = free[random.below(free.len())];
        let count = slots[slot].choices.len();
        let choice = &mut changed.choices[slot];
        *choice = match (random.share() < SHARE_BESIDE, random.below(2)) {
            (true, 0) if *choice > 0 => *choice - 1,
            (true, _) if *choice + 1 < count => *choice + 1,
            // Any of the others.
            _ => (*choice + 1 + random.below(count - 1)) % count,
        };
        changed
    }

    /// The choices as they are in another form, one of about as many slots: in slots of the same
    /// name in their order; what has no place is dropped, what is missing is drawn.
    fn reformed(&self, genes: &Genes, random: &mut Random) -> Genes {
        let former = &self.forms[genes.form].slots;
        let mut forms: Vec<usize> = (0..self.forms.len())
            .filter(|&form| form != genes.form)
            .collect();
        forms.sort_by_key(|&form| (self.forms[form].slots.len().abs_diff(former.len()), form));
        forms.truncate(4);
        let Some(form) = (!forms.is_empty()).then(|| forms[random.below(forms.len())]) else {
            return genes.clone();
        };
        let slots = &self.forms[form].slots;
        let mut choices = Vec::new();
        // A form with fewer slots of a name loses some anywhere, not always the last.
        let mut lost = BTreeMap::new();
        for (at, slot) in slots.iter().enumerate() {
            let of_name = |slots: &[Slot]| slots.iter().filter(|it| it.name == slot.name).count();
            let (here, there) = (of_name(slots), of_name(former));
            let lost_at = *lost
                .entry(slot.name.as_str())
                .or_insert_with(|| random.below(here + 1));
            let nth = of_name(&slots[..at]);
            let nth = match nth >= lost_at {
                true => nth + there.saturating_sub(here),
                false => nth,
            };
            let same = (0..former.len())
                .filter(|&other| former[other].name == slot.name)
                .nth(nth);
            choices.push(match same {
                Some(other) => genes.choices[other],
                None => random.below(slot.choices.len()),
            });
        }
        Genes {
            form,
            choices,
            bits: genes.bits,
            sparsity: genes.sparsity,
        }
    }
}

impl Form {
    /// Whether those layers are one of its lists; then `choices` says which. `dead` are pairs of
    /// slots that are filled and layers that are left from which there is no way.
    fn matches(
        &self,
        items: &[&Item],
        choices: &mut Vec<usize>,
        dead: &mut BTreeSet<(usize, usize)>,
    ) -> bool {
        let here = (choices.len(), items.len());
        let Some(slot) = self.slots.get(choices.len()) else {
            return items.is_empty();
        };
        if dead.contains(&here) {
            return false;
        }
        for (index, choice) in slot.choices.iter().enumerate() {
            let Some(count) = choice.begins(items) else {
                continue;
            };
            choices.push(index);
            if self.matches(&items[count..], choices, dead) {
                return true;
            }
            choices.pop();
        }
        dead.insert(here);
        false
    }
}
