//! How often the values that a layer reads are 0, as measured on data. Zeros are skipped at run
//! time, so that expected cycles go by it.

use serde_json::{Value, json};

use crate::network::{ByNode, Network};

/// Shares are written in thousandths.
const WHOLE: u64 = 1000;

/// What was measured of a node. All shares are thousandths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// Of each channel that it reads, the share that is 0. A value counts as often as the node
    /// reads it.
    pub zeros: Vec<u16>,
    /// Of each channel, the share that is 0 as the value after it is too: that of the next channel,
    /// after the last one that of the next pixel's first.
    pub zero_pairs: Vec<u16>,
    /// Of each channel, the share that is 0 as it is in the next pixel too.
    pub zero_columns: Vec<u16>,
    /// The share of what it makes that is neither the least nor the greatest activation.
    pub between: u16,
}

impl Activity {
    /// How many of `all` are `count`, in thousandths, rounded; 0 of none.
    pub fn share(count: u64, all: u64) -> u16 {
        let rounded = (count * WHOLE + all / 2).checked_div(all);
        rounded.unwrap_or(0) as u16
    }

    fn json(&self) -> Value {
        json!({
            "zeros": self.zeros,
            "zero_pairs": self.zero_pairs,
            "zero_columns": self.zero_columns,
            "between": self.between,
        })
    }

    /// Of a node that reads that many channels.
    fn of_json(value: &Value, channels: usize) -> Option<Self> {
        let share = |value: &Value| {
            let share = value.as_u64().filter(|&share| share <= WHOLE)?;
            u16::try_from(share).ok()
        };
        let shares = |name: &str| {
            let all: Option<Vec<u16>> = value[name].as_array()?.iter().map(share).collect();
            all.filter(|all| all.len() == channels)
        };
        Some(Self {
            zeros: shares("zeros")?,
            zero_pairs: shares("zero_pairs")?,
            zero_columns: shares("zero_columns")?,
            between: share(&value["between"])?,
        })
    }
}

/// As an entry of the metadata has it: one each node that computes.
pub(super) fn written(activities: &ByNode<Option<Activity>>) -> String {
    let measured = activities.entries().iter().flatten();
    Value::from(measured.map(Activity::json).collect::<Vec<_>>()).to_string()
}

/// What such an entry says of the nodes of `network`.
pub(super) fn read(network: &Network, entry: &Value) -> Result<ByNode<Option<Activity>>, String> {
    let count = network.computing_nodes().count();
    let entries = entry.as_array().filter(|it| it.len() == count);
    let entries = entries.ok_or(format!("expected {count} entries: one each layer"))?;
    let mut activities = ByNode::new(vec![None; network.nodes().len()]);
    for (node, entry) in network.computing_nodes().zip(entries) {
        let channels = node.input.channels as usize;
        let activity = Activity::of_json(entry, channels).ok_or(format!(
            "expected of layer {}: `zeros`, `zero_pairs` and `zero_columns` of {channels} channels, \
             and `between`, all thousandths",
            node.layer
        ))?;
        activities[node.id] = Some(activity);
    }
    Ok(activities)
}
