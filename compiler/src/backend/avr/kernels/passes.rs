//! How many sums are computed at once, and in which registers.

use crate::backend::avr::isa::registers::Register;

/// Outputs that are summed up together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SumPass {
    /// Its first output.
    pub(crate) first: usize,
    /// The registers of each sum, the lowest byte first.
    pub(crate) accumulators: Vec<Vec<Register>>,
}

/// The passes of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Passes {
    pub(crate) all: Vec<SumPass>,
    /// Where the outputs are after the last pass; `None` if they are to be
    /// pushed.
    pub(crate) results: Option<Vec<Register>>,
}

/// What is to be computed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PassDemand {
    pub(crate) outputs: usize,
    /// Bytes of a sum.
    pub(crate) width: usize,
    /// All passes but the last compute a multiple of that many outputs.
    pub(crate) multiple: usize,
    /// Whether outputs are to stay in registers.
    pub(crate) keeps_results: bool,
}

impl Passes {
    /// Divides outputs evenly into the fewest passes whose sums the registers
    /// hold. A pass leaves its outputs in the first registers of its sums, one
    /// each; where the later passes can do without those, they stay there.
    pub(crate) fn new(demand: PassDemand, registers: &[Register]) -> Self {
        let PassDemand {
            outputs,
            width,
            multiple,
            ..
        } = demand;
        let most = registers.len() / width / multiple * multiple;
        let count = outputs.div_ceil(most);
        let units = outputs.div_ceil(multiple);
        // The larger passes first: they find more registers free.
        let first = |pass: usize| ((units * pass).div_ceil(count) * multiple).min(outputs);
        let ends = (0..count).map(|pass| (first(pass), first(pass + 1)));
        let keeps_results = demand.keeps_results
            && ends
                .clone()
                .all(|(first, end)| first + (end - first) * width <= registers.len());
        let all = ends.map(|(first, end)| {
            let kept = if keeps_results { first } else { 0 };
            let sums = registers[kept..].chunks_exact(width).take(end - first);
            SumPass {
                first,
                accumulators: sums.map(<[Register]>::to_vec).collect(),
            }
        });
        Self {
            all: all.collect(),
            results: (keeps_results || count == 1).then(|| registers[..outputs].to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::avr::isa::registers::{R2, R8, R9, R17};

    fn passes(outputs: usize, keeps_results: bool) -> Passes {
        let registers: Vec<Register> = R2.to(R17).collect();
        let demand = PassDemand {
            outputs,
            width: 2,
            multiple: 2,
            keeps_results,
        };
        Passes::new(demand, &registers)
    }

    fn sizes(passes: &Passes) -> Vec<usize> {
        let sums = passes.all.iter().map(|pass| pass.accumulators.len());
        sums.collect()
    }

    #[test]
    fn outputs_are_divided_evenly() {
        assert_eq!(sizes(&passes(8, true)), [8]);
        assert_eq!(sizes(&passes(9, true)), [6, 3]);
        assert_eq!(sizes(&passes(30, false)), [8, 8, 8, 6]);
    }

    #[test]
    fn results_stay_where_later_sums_do_not_need_their_registers() {
        let kept = passes(11, true);
        assert_eq!(sizes(&kept), [6, 5]);
        assert_eq!(kept.results.map(|results| results.len()), Some(11));
        assert_eq!(kept.all[1].accumulators[0], [R8, R9]);
        assert_eq!(passes(16, true).results, None);
        assert_eq!(passes(11, false).results, None);
    }
}
