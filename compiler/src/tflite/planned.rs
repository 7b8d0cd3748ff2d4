//! Plans of a model.

use super::Model;
use crate::network::NodeId;
use crate::plan::{self, Arrival, JobPlan, MemoryPlan, Strategy};

/// A model with all of its plans.
#[derive(Clone, Debug)]
pub struct PlannedModel {
    /// The plans, each once, those that hold the input whole first.
    pub plans: Vec<Plan>,
    /// The plan with the smallest arena, the first of equals.
    pub smallest: usize,
}

/// A plan by its name.
#[derive(Clone, Debug)]
pub struct Plan {
    /// As the key `plan` has it.
    pub name: String,
    /// Where everything is.
    pub memory: MemoryPlan,
}

/// What is computed in one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// As the input arrives.
    Arriving,
    /// With others, pixel by pixel, when that is complete.
    Segment(usize),
    /// Alone.
    Layer,
}

/// A node of a plan: how it is computed, and what that needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeRow {
    /// The node.
    pub node: NodeId,
    /// In which job.
    pub job: Job,
    /// Bytes that it keeps of what it reads and of what it makes; of a node that is computed
    /// alone, those of its maps that are alive with it.
    pub kept_bytes: u32,
    /// Bytes from the first to the last that its job needs of the arena.
    pub needed_bytes: u32,
}

impl PlannedModel {
    /// Plans a model in every way that there is; `progress` gets each plan's name before it is made.
    pub fn of(model: &Model, mut progress: impl FnMut(&str)) -> Self {
        let flow = &model.dataflow;
        let mut plans: Vec<Plan> = Vec::new();
        for strategy in Strategy::all(flow) {
            let name = strategy.name(flow);
            progress(&name);
            let memory = plan::plan(flow, &model.sum_bytes, strategy);
            if plans.iter().all(|other| other.memory != memory) {
                plans.push(Plan { name, memory });
            }
        }
        let arenas = plans.iter().enumerate();
        let smallest = arenas.min_by_key(|(index, plan)| (plan.memory.arena_bytes, *index));
        let smallest = smallest.map_or(0, |(index, _)| index);
        Self { plans, smallest }
    }

    /// The plan with the smallest arena.
    pub fn smallest(&self) -> &Plan {
        &self.plans[self.smallest]
    }
}

impl Plan {
    /// Every node in the order of computing.
    pub fn rows(&self) -> Vec<NodeRow> {
        let per_byte = self.memory.cells_per_byte;
        let mut rows = Vec::new();
        for (index, job) in self.memory.jobs.iter().enumerate() {
            let needed_bytes = self.memory.bytes(job.need().cells);
            match job {
                JobPlan::Segment(segment) => {
                    let computing = segment
                        .stages
                        .iter()
                        .filter(|stage| stage.arrival != Arrival::Bytes);
                    rows.extend(computing.map(|stage| NodeRow {
                        node: stage.node,
                        job: match segment.arriving {
                            true => Job::Arriving,
                            false => Job::Segment(index),
                        },
                        kept_bytes: self.memory.bytes(stage.cells(per_byte)),
                        needed_bytes,
                    }));
                }
                JobPlan::Layer(layer) => rows.push(NodeRow {
                    node: layer.node,
                    job: Job::Layer,
                    kept_bytes: self
                        .memory
                        .bytes(layer.need.live_input_cells + layer.need.live_output_cells),
                    needed_bytes,
                }),
            }
        }
        rows
    }
}
