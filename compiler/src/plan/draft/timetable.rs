//! When a segment's values are there, and how its nodes read them.

use super::SegmentOutline;
use super::outline::field_of_read;
use crate::network::{Kernel, Shape, ValueId};
use crate::plan::FlowNode;
use crate::plan::simulation::NodeReading;
use crate::plan::timing::{AxisTiming, Timing};
use std::collections::BTreeMap;

/// When every value that the segment makes is there.
pub(super) fn timings(
    outline: &SegmentOutline<'_>,
    used: &BTreeMap<ValueId, Shape>,
) -> Option<BTreeMap<ValueId, Timing>> {
    let flow = outline.flow;
    let mut timings: BTreeMap<ValueId, Timing> = BTreeMap::new();
    let input = flow.input_value();
    let averaged = outline.nodes().any(|node| flow.averages_raw_input(node.id));
    if outline.arriving && !averaged {
        let shape = used.get(&input).copied().unwrap_or(flow.input());
        let shape = if outline.is_stored(input) {
            flow.input()
        } else {
            shape
        };
        timings.insert(input, Timing::each(shape));
    }
    for (index, node) in outline.nodes().enumerate() {
        let output = used[&node.writes];
        let of_reads = node.reads.iter().enumerate().filter_map(|(index, value)| {
            let timing = timings.get(value)?;
            let shape = used[value];
            Some(timing.after(&field_of_read(node, index, shape), output))
        });
        let mut timing: Option<Timing> = None;
        for read in of_reads {
            timing = Some(match timing {
                None => read,
                Some(timing) => timing.later(read)?,
            });
        }
        let is_first = index == 0;
        // Of a running map that is there already, a pixel is taken in at each point.
        let value = node.reads[0];
        let takes_whole = !outline.makes(value) && node.takes_pixels();
        let taken = takes_whole.then(|| Timing::each(used[&value]).after(&node.field(), output));
        let timing = match (timing, taken) {
            (Some(timing), Some(taken)) => timing.later(taken)?,
            (Some(timing), None) => timing,
            (None, Some(taken)) if is_first && !outline.arriving => taken,
            (None, None) if is_first && (averaged || !outline.arriving) => Timing::each(output),
            (None, _) => return None,
        };
        timings.insert(node.writes, timing);
    }
    Some(timings)
}

/// How each node reads, in the order of nodes.
pub(super) fn readers(
    outline: &SegmentOutline<'_>,
    used: &BTreeMap<ValueId, Shape>,
    timings: &BTreeMap<ValueId, Timing>,
) -> Vec<NodeReading> {
    let flow = outline.flow;
    let reader = |node: &FlowNode| {
        let averages_bytes = outline.arriving && flow.averages_raw_input(node.id);
        let takes = !averages_bytes && node.takes_pixels();
        NodeReading {
            node: node.id,
            averages_bytes,
            takes,
            input_timing: input_timing(node, used, timings),
        }
    };
    outline.nodes().map(reader).collect()
}

/// When the pixels are there that a node reads of the running map; of a whole map, a
/// pixel is there at each point. Others may read more of it.
fn input_timing(
    node: &FlowNode,
    used: &BTreeMap<ValueId, Shape>,
    timings: &BTreeMap<ValueId, Timing>,
) -> Timing {
    let value = node.reads[0];
    let timing = timings.get(&value).copied();
    let timing = timing.unwrap_or_else(|| Timing::each(used[&value]));
    if let Some(steps) = node.steps() {
        let Kernel { height, width } = steps.taken.outputs;
        return timing.after(&steps.taken, Shape::new(height, width, 1));
    }
    let output = used[&node.writes];
    let reach = node.field().used_map(Kernel {
        height: output.height,
        width: output.width,
    });
    let axis = |axis: AxisTiming, reach: u32| AxisTiming {
        count: axis.count.min(reach),
        ..axis
    };
    Timing {
        rows: axis(timing.rows, reach.height),
        columns: axis(timing.columns, reach.width),
    }
}
