//! How often a trained network's values are 0: by that the compiler expects cycles.

use burn::tensor::Device;
use herringbone_compiler::network::{ByNode, ByValue, Element, Network, Node, ValueId};
use herringbone_compiler::weights::Activity;
use herringbone_dataset::Examples;

use crate::arithmetic::Arithmetic;
use crate::evaluate::{Place, Results, for_each_batch};
use crate::model::{Model, Watch};
use crate::ops::Maps;
use crate::quantise::Scales;

/// More examples change no share by a thousandth.
const MOST_EXAMPLES: usize = 2048;

/// What every node that computes reads and makes of the first examples, as a model with scales, which
/// is on `device`, computes it.
pub fn activities(
    network: &Network,
    (model, device): (&Model, &Device),
    scales: &Scales,
    examples: &Examples,
) -> ByNode<Option<Activity>> {
    let mut counts = Counts {
        network,
        exponents: scales.exponents(network),
        nodes: network.nodes().iter().map(NodeCounts::new).collect(),
        examples: 0,
    };
    let place = Place::exact(network, model, Some(scales), device);
    let model = place.model.as_ref().unwrap_or(model);
    let most = MOST_EXAMPLES.min(examples.len());
    for_each_batch(network, (examples, most), &place, |maps, count| {
        counts.examples = count;
        model.run(
            network,
            Arithmetic::Integers(scales),
            maps,
            None,
            &mut counts,
        );
    });
    let nodes = network.nodes().iter().zip(&counts.nodes);
    ByNode::new(
        nodes
            .map(|(node, counts)| (!node.is_training_only()).then(|| counts.shares()))
            .collect(),
    )
}

/// What was counted so far.
struct Counts<'a> {
    network: &'a Network,
    exponents: ByValue<i32>,
    nodes: Vec<NodeCounts>,
    /// Examples of the batch that is computed.
    examples: usize,
}

struct NodeCounts {
    /// How many outputs read each pixel.
    reads: Vec<u64>,
    /// Of each channel, values that are read, those that are 0, those that are 0 as the value after
    /// them is, and those that are 0 as they are in the next pixel.
    read: Vec<u64>,
    zeros: Vec<u64>,
    zero_pairs: Vec<u64>,
    zero_columns: Vec<u64>,
    /// Values that are made, and those of them between the ends.
    made: u64,
    between: u64,
}

impl NodeCounts {
    fn new(node: &Node) -> Self {
        let channels = node.input.channels as usize;
        Self {
            reads: reads_of_pixels(node),
            read: vec![0; channels],
            zeros: vec![0; channels],
            zero_pairs: vec![0; channels],
            zero_columns: vec![0; channels],
            made: 0,
            between: 0,
        }
    }

    /// Counts an example's map that the node reads.
    fn count_read(&mut self, map: &[f64]) {
        let channels = self.read.len();
        for (pixel, &times) in self.reads.iter().enumerate() {
            for channel in 0..channels {
                let index = pixel * channels + channel;
                self.read[channel] += times;
                if map[index] == 0.0 {
                    self.zeros[channel] += times;
                    let is_zero = |after: usize| map.get(index + after) == Some(&0.0);
                    self.zero_pairs[channel] += times * u64::from(is_zero(1));
                    self.zero_columns[channel] += times * u64::from(is_zero(channels));
                }
            }
        }
    }

    fn shares(&self) -> Activity {
        let of_channels = |counts: &[u64]| {
            let counts = counts.iter().zip(&self.read);
            counts
                .map(|(&count, &all)| Activity::share(count, all))
                .collect()
        };
        Activity {
            zeros: of_channels(&self.zeros),
            zero_pairs: of_channels(&self.zero_pairs),
            zero_columns: of_channels(&self.zero_columns),
            between: Activity::share(self.between, self.made),
        }
    }
}

/// How many outputs read each pixel of the running map, row by row.
fn reads_of_pixels(node: &Node) -> Vec<u64> {
    let field = node.field();
    let mut rows = vec![0; node.input.height as usize];
    for output in 0..field.outputs.height {
        let taps = field.rows(output);
        for row in (taps.first..).take(taps.inside.len()) {
            rows[row as usize] += 1;
        }
    }
    let mut columns = vec![0; node.input.width as usize];
    for output in 0..field.outputs.width {
        let taps = field.columns(output);
        for column in (taps.first..).take(taps.inside.len()) {
            columns[column as usize] += 1;
        }
    }
    let of_row = |row: &u64| {
        let row = *row;
        columns
            .iter()
            .map(move |column| row * column)
            .collect::<Vec<_>>()
    };
    rows.iter().flat_map(of_row).collect()
}

impl Watch for Counts<'_> {
    fn value(&mut self, id: ValueId, maps: &Maps) {
        let numbers = Results::of_maps(maps, self.examples);
        let value = self.network.value(id);
        for &reader in &value.readers {
            if self.network.node(reader).reads[0] == id {
                let examples = numbers.logits.chunks_exact(numbers.classes);
                examples.for_each(|map| self.nodes[reader.index()].count_read(map));
            }
        }
        let nodes = self.network.computing_nodes();
        let writer = nodes.into_iter().find(|node| node.writes == id);
        let Some(writer) = writer else {
            return;
        };
        let counts = &mut self.nodes[writer.id.index()];
        if value.element == Element::Wide || self.network.is_exact(writer.id) {
            // Nothing is clamped.
            (counts.made, counts.between) = (1, 1);
            return;
        }
        let bits = self.network.bits().activations;
        let (least, greatest) = match value.signed {
            true => (-(1 << (bits - 1)), (1 << (bits - 1)) - 1),
            false => (0, (1 << bits) - 1),
        };
        let unit = f64::from(self.exponents[id]).exp2();
        let (least, greatest) = (f64::from(least) * unit, f64::from(greatest) * unit);
        let all = &numbers.logits;
        let between = all
            .iter()
            .filter(|&&it| least < it && it < greatest)
            .count();
        counts.made += all.len() as u64;
        counts.between += between as u64;
    }
}
