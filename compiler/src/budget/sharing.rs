//! Windows of a stream that share what their first layers compute: the network is planned in two
//! parts, one that runs on with the samples, and one that runs once a window.

use super::footprint::reserved_flash_bytes;
use super::{
    DEFAULT_RESERVE_BESIDE_STACK_BYTES, Design, Footprint, Resources, Sums, choose, features,
};
use crate::backend::WorstCase;
use crate::declaration::{CodeChoice, Declaration, PlanChoice, SlidingWindow, WeightsSource};
use crate::network::{LayerId, Network, Node, SharedPrefix, shared_prefixes};
use crate::plan::Strategy;
use crate::program::{self, Accumulators, Program};
use crate::weights::Weights;
use std::ops::Range;

/// Ways to cut a network that are planned, of those that promise the fewest multiplications.
const MOST_CUTS: usize = 4;

/// A network in two parts, and what both take.
#[derive(Clone, Debug)]
pub struct Sharing {
    /// Where it is cut.
    pub prefix: SharedPrefix,
    /// What runs on with the samples.
    pub leading: PartDesign,
    /// What runs once a window.
    pub trailing: PartDesign,
    /// Bytes in which a window's outputs of the first part are kept, with two positions.
    pub window_bytes: u32,
    /// Bytes of the samples that features are made of.
    pub features_bytes: u32,
    /// Kept for the stack and the rest of the firmware.
    pub reserve_bytes: u32,
    /// The deepest stack of both parts, `push` included.
    pub stack_bytes: u32,
    /// Code and tables of both parts and of features; where only tables are counted, those.
    pub flash_bytes: u64,
}

/// A part of a network, which is planned as a network of its own.
#[derive(Clone, Debug)]
pub struct PartDesign {
    /// Its layers, and what of the budget it may take.
    pub declaration: Declaration,
    weights: Option<Weights>,
    accumulators: Option<Accumulators>,
    /// Its plan, and what it takes.
    pub design: Design,
}

impl PartDesign {
    fn of(part: Part<'_>) -> Option<Self> {
        let Part {
            declaration,
            sums,
            nodes,
        } = part;
        let weights = sums.constants.map(|(weights, _)| weights.part(nodes));
        let accumulators = match &weights {
            Some(weights) => Some(program::prove(&declaration.network, weights).ok()?),
            None => None,
        };
        let own = Sums {
            widest: accumulators
                .as_ref()
                .map_or(sums.widest, Accumulators::widest),
            constants: weights.as_ref().zip(accumulators.as_ref()),
        };
        let design = choose(&declaration, &own);
        Some(Self {
            declaration,
            design,
            weights,
            accumulators,
        })
    }

    /// The program of its plan; where weights are not known, as if they came at run time.
    pub fn program(&self) -> Program {
        match (&self.weights, &self.accumulators) {
            (Some(weights), Some(accumulators)) => {
                program::lower(&self.declaration, weights, accumulators, &self.design.plan)
            }
            (_, _) => program::lower_runtime(&self.declaration, &self.design.plan),
        }
    }
}

/// What a part is planned from.
struct Part<'a> {
    declaration: Declaration,
    sums: &'a Sums<'a>,
    nodes: Range<usize>,
}

impl Sharing {
    /// Whether flash counts with the code of both parts.
    pub fn has_machine_code(&self) -> bool {
        let parts = [&self.leading, &self.trailing];
        parts
            .iter()
            .all(|part| part.design.footprint.code.is_some())
    }

    /// Bytes of the network's value.
    pub fn state_bytes(&self) -> u32 {
        [
            leading_bytes(&self.leading.design),
            self.trailing.design.state_bytes(),
            self.window_bytes,
            self.features_bytes,
        ]
        .into_iter()
        .fold(0, u32::saturating_add)
    }

    /// Bytes of both arenas.
    pub fn arena_bytes(&self) -> u32 {
        self.leading.design.plan.arena_bytes + self.trailing.design.plan.arena_bytes
    }

    /// Bytes of both cursors.
    pub fn cursor_bytes(&self) -> u32 {
        self.leading.design.plan.cursor_bytes() + self.trailing.design.plan.cursor_bytes()
    }

    /// SRAM that the design needs: its value and the reserve.
    pub fn sram_bytes(&self) -> u32 {
        self.state_bytes().saturating_add(self.reserve_bytes)
    }

    /// Whether the code of both parts is known.
    pub fn counts_code(&self) -> bool {
        self.leading.design.footprint.code.is_some()
            && self.trailing.design.footprint.code.is_some()
    }

    /// What a window is expected to cost, with what the samples since the one before it did: cycles
    /// on AVR; elsewhere what designs of whole windows are compared by.
    pub fn cycles(&self) -> f64 {
        self.leading_cycles() + cost(&self.trailing.declaration.network, &self.trailing.design)
    }

    /// The part of [`cycles`](Self::cycles) that is spent as samples come.
    pub fn leading_cycles(&self) -> f64 {
        let network = &self.prefix.leading;
        let design = &self.leading.design;
        let share = |node: &Node| {
            let (in_period, in_field) = self.prefix.outputs_in_period(node.id);
            f64::from(in_period) / f64::from(in_field)
        };
        let in_period = match &design.footprint.code {
            Some(code) => {
                let layers = design.footprint.layers.iter();
                let layers = layers.map(|(&id, layer)| layer.cycles * share(network.node(id)));
                let of_intake = f64::from(self.prefix.repeat.period) / f64::from(self.prefix.field);
                code.intake().cycles * of_intake + layers.sum::<f64>()
            }
            None => {
                let nodes = network.computing_nodes();
                let products = nodes.map(|node| node.multiply_accumulates() as f64 * share(node));
                design.footprint.effort + products.sum::<f64>()
            }
        };
        in_period * f64::from(self.prefix.outputs_per_stride)
    }

    /// The most cycles of a window, with those of the samples since the one before it, and of the
    /// longest `push`, in which a whole window is computed from what is kept.
    pub fn worst_case(&self, steps: u64) -> Option<WorstCase> {
        let leading = self.leading.design.footprint.code.as_ref()?;
        let trailing = self.trailing.design.footprint.code.as_ref()?;
        let (leading, trailing) = (leading.worst_case(steps)?, trailing.worst_case(steps)?);
        let periods = u64::from(self.prefix.outputs_per_stride);
        Some(WorstCase {
            cycles: periods * leading.cycles + trailing.cycles,
            push_cycles: leading.push_cycles + trailing.cycles,
        })
    }

    /// Flash with what is kept of as much as is given.
    pub fn needed_flash_bytes(&self, declaration: &Declaration, given_bytes: u32) -> u64 {
        let reserve_bytes = reserved_flash_bytes(declaration, given_bytes);
        self.flash_bytes + u64::from(reserve_bytes)
    }

    fn fits(&self, declaration: &Declaration) -> bool {
        let budget = &declaration.budget;
        budget
            .sram_bytes
            .is_none_or(|given| self.sram_bytes() <= given)
            && budget
                .flash_bytes
                .is_none_or(|given| self.needed_flash_bytes(declaration, given) <= given.into())
    }

    /// Multiply-accumulates of a window, with those of the samples since the one before it.
    pub fn multiply_accumulates(&self) -> u64 {
        self.prefix.multiply_accumulates()
    }
}

/// The network in two parts, where that is what the declaration asks for: faster than whole
/// windows, which are `whole`, or smaller where the smallest is wanted; or because whole windows
/// do not fit. `None` where windows share nothing, weights come at run time, or a plan is named.
pub fn share(declaration: &Declaration, sums: &Sums<'_>, whole: &Design) -> Option<Sharing> {
    let window = declaration.window?;
    let is_smallest = match (declaration.plan, declaration.weights) {
        (_, WeightsSource::Runtime) | (PlanChoice::Named(_) | PlanChoice::Streamed { .. }, _) => {
            return None;
        }
        (PlanChoice::Fastest, _) => false,
        (PlanChoice::Smallest, _) => true,
    };
    let mut cuts = shared_prefixes(&declaration.network, window.stride);
    cuts.sort_by_key(promise);
    let candidates = cuts
        .into_iter()
        .take(MOST_CUTS)
        .filter_map(|prefix| Sharing::of(declaration, sums, prefix));
    let value = |sharing: &Sharing| match is_smallest {
        true => f64::from(sharing.sram_bytes()),
        false => sharing.cycles(),
    };
    let best = candidates.min_by(|one, other| value(one).total_cmp(&value(other)))?;
    let value_of_whole = match is_smallest {
        true => f64::from(whole.sram_bytes()),
        false => cost(&declaration.network, whole),
    };
    let is_better = value(&best) < value_of_whole;
    (is_better || !Resources::ALL.fit(declaration, whole)).then_some(best)
}

/// Every way in which the windows of a declaration can share something, and fit: to look at.
pub fn every_sharing(declaration: &Declaration, sums: &Sums<'_>) -> Vec<Sharing> {
    let cuts = declaration.window.map_or_else(Vec::new, |window| {
        shared_prefixes(&declaration.network, window.stride)
    });
    cuts.into_iter()
        .filter_map(|prefix| Sharing::of(declaration, sums, prefix))
        .collect()
}

/// Bytes of what the first layers keep, whose outputs are kept elsewhere.
fn leading_bytes(design: &Design) -> u32 {
    design.plan.arena_bytes + design.plan.cursor_bytes()
}

/// What is compared: cycles, or where code is not known, multiplications and accesses to pixels.
fn cost(network: &Network, design: &Design) -> f64 {
    match &design.footprint.code {
        Some(code) => code.cycles(),
        None => design.footprint.effort + network.multiply_accumulates() as f64,
    }
}

/// Roughly what a window costs: multiplications, and for each value that is kept, what it takes to
/// bring it to the second part.
fn promise(prefix: &SharedPrefix) -> u64 {
    const OF_A_KEPT_VALUE: u64 = 4;
    prefix.multiply_accumulates() + OF_A_KEPT_VALUE * u64::from(prefix.trailing.input().values())
}

impl Sharing {
    /// The two parts of a cut, if they fit together: the first with the fastest code, or else
    /// with tables, which leave the second one more flash.
    fn of(declaration: &Declaration, sums: &Sums<'_>, prefix: SharedPrefix) -> Option<Self> {
        let forms = [None, Some(CodeChoice::Table)];
        let mut sharings = forms
            .into_iter()
            .filter_map(|form| Self::with_form(declaration, sums, prefix.clone(), form));
        sharings.find(|sharing| sharing.fits(declaration))
    }

    fn with_form(
        declaration: &Declaration,
        sums: &Sums<'_>,
        prefix: SharedPrefix,
        form: Option<CodeChoice>,
    ) -> Option<Self> {
        let nodes = prefix.nodes;
        let all_nodes = declaration.network.nodes().len();
        let mut first = part(declaration, prefix.leading.clone(), 0..nodes);
        first.plan = PlanChoice::Named(Strategy::STREAMED);
        if let Some(form) = form {
            first.code = form;
            first.layer_code.clear();
        }
        let leading = PartDesign::of(Part {
            declaration: first,
            sums,
            nodes: 0..nodes,
        })?;
        let program = leading.program();
        if !program.completed().is_empty() || !program.arriving().is_chain() {
            return None;
        }
        let features_bytes = features::state_bytes(declaration);
        let window_bytes = SlidingWindow::kept_bytes(prefix.trailing.input());
        if window_bytes > 0xFFFF {
            return None;
        }
        let mut second = part(declaration, prefix.trailing.clone(), nodes..all_nodes);
        let taken_bytes = leading_bytes(&leading.design) + window_bytes + features_bytes;
        let budget = &mut second.budget;
        budget.sram_bytes = budget.sram_bytes.map(|it| it.saturating_sub(taken_bytes));
        // What is kept of the flash depends on all of it.
        if let Some(given_bytes) = declaration.budget.flash_bytes {
            second.reserve.flash_bytes = Some(reserved_flash_bytes(declaration, given_bytes));
            let taken_bytes =
                leading.design.footprint.flash_bytes + features::features_flash_bytes(declaration);
            second.budget.flash_bytes =
                Some(u64::from(given_bytes).saturating_sub(taken_bytes) as u32);
        }
        let trailing = PartDesign::of(Part {
            declaration: second,
            sums,
            nodes: nodes..all_nodes,
        })?;
        let is_as_wide = match (sums.constants, &trailing.accumulators) {
            (Some((_, all)), Some(own)) => {
                program::results_accumulator(&declaration.network, all)
                    == program::results_accumulator(&prefix.trailing, own)
            }
            (_, _) => true,
        };
        if !is_as_wide {
            return None;
        }
        let (one, other) = (&leading.design.footprint, &trailing.design.footprint);
        let mut both = Footprint {
            stack_bytes: one.stack_bytes.max(other.stack_bytes),
            flash_bytes: one.flash_bytes + other.flash_bytes,
            ..other.clone()
        };
        features::add_to(declaration, &mut both);
        let default_reserve_bytes = both.stack_bytes + DEFAULT_RESERVE_BESIDE_STACK_BYTES;
        let reserve_bytes = declaration.reserve.sram_bytes;
        Some(Self {
            reserve_bytes: reserve_bytes.unwrap_or(default_reserve_bytes),
            stack_bytes: both.stack_bytes,
            flash_bytes: both.flash_bytes,
            prefix,
            leading,
            trailing,
            window_bytes,
            features_bytes,
        })
    }
}

/// The declaration of some of a network's nodes.
fn part(declaration: &Declaration, network: Network, nodes: Range<usize>) -> Declaration {
    let layer_of = |node: usize| {
        let node = declaration.network.nodes().get(node);
        node.map_or(usize::MAX, |node| node.layer.0)
    };
    let layers = layer_of(nodes.start)..layer_of(nodes.end);
    let layer_code = declaration.layer_code.iter();
    let layer_code = layer_code.filter(|(layer, _)| layers.contains(&layer.0));
    Declaration {
        network,
        window: None,
        layer_code: layer_code
            .map(|(layer, &code)| (LayerId(layer.0 - layers.start), code))
            .collect(),
        ..declaration.clone()
    }
}
