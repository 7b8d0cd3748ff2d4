//! Addresses: the smallest arena in which objects that are alive at the same time
//! are apart, but for outputs in place of inputs.
//!
//! Jobs run one after the other; an object is alive from one job to another. A
//! job's output may overlap an input that dies in it, where it is stored no
//! faster than the input is read: with its first cell a lead below the input's
//! (the job running forward), or its end a lead above the input's (backward).
//!
//! The search places the objects in the order of their first jobs, and goes back
//! where one finds no room: `search.rs` says at which cells it
//! looks, and why what it has found out about some objects holds for the rest.
//! It asks for
//!
//! 1. the lower bound, which [`least_cells`] proves and chains of maps reach, with
//!    half of the looks;
//! 2. sizes above it, in growing steps, up to what placing the objects one by one
//!    at the lowest cell takes, which never fails; then sizes between the last
//!    that failed and the first that did not;
//! 3. one granule less than the best, at every cell, as long as looks are left. If
//!    that is in vain to the end, no arena is smaller than the best.
//!
//! To place objects in the least room is NP-hard without overlaps already (it is
//! dynamic storage allocation), so looks are bounded; each takes time linear in
//! the objects that are alive together.

mod search;
#[cfg(test)]
mod tests;

use search::{Looks, Neighbours, SearchEnd, TriedCells, lowest};

/// Looks at cells that a placement may take: some hundredths of a second in an
/// unoptimised build.
pub const LOOKS: usize = 40_000;

/// What has a place in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArenaObject {
    pub cells: u32,
    /// What its first cell is a multiple of, not 0.
    pub alignment_cells: u32,
    /// The first job in which it is alive.
    pub first_job: usize,
    /// The last one, `first_job` or later.
    pub last_job: usize,
}

/// An output that may overlap an input.
///
/// The input is alive before the job in which it dies and the output is born: an
/// input of the network has a job of its own, in which it arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InPlacePair {
    /// The input's index among the objects.
    pub input: usize,
    /// The output's.
    pub output: usize,
    /// Cells by which the output begins before the input, at least, where both
    /// overlap and the job runs forward; `None` where it can't.
    pub forward_lead_cells: Option<u32>,
    /// Cells by which the output ends after the input, at least, where both overlap
    /// and the job runs backward; `None` where it can't.
    pub backward_lead_cells: Option<u32>,
}

/// What an arena must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArenaDemand {
    /// What has a place in it.
    pub objects: Vec<ArenaObject>,
    /// Of each two objects, one pair at the most.
    pub pairs: Vec<InPlacePair>,
    /// What the arena's size is a multiple of, not 0: the cells of a byte.
    pub granule_cells: u32,
}

/// The way in which a job goes through its inputs and outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobDirection {
    /// From the first cells to the last.
    Forward,
    /// From the last cells to the first.
    Backward,
}

/// Where everything is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArenaPlacement {
    /// By object.
    pub first_cells: Vec<u32>,
    /// By job. Forward where both directions do.
    pub directions: Vec<JobDirection>,
    /// The arena's size.
    pub arena_cells: u32,
    /// A size below which no arena holds the objects.
    pub least_cells: u32,
}

impl ArenaPlacement {
    /// Whether no arena is smaller.
    pub fn is_least(&self) -> bool {
        self.arena_cells == self.least_cells
    }
}

/// What is wrong with a placement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlacementFault {
    /// The arena's size is no multiple of the granule.
    Granule,
    /// The object of that index does not begin at a multiple of its alignment.
    Alignment(usize),
    /// The object ends after the arena.
    Outside(usize),
    /// Two objects are alive in the same job, and overlap in a way that its
    /// direction does not allow.
    Overlap(usize, usize),
}

/// Places the objects in the smallest arena that the looks suffice to find.
///
/// Deterministic. Whatever the looks are, the placement is valid.
///
/// # Panics
///
/// Where all objects together have 2³¹ cells or more, and where the demand breaks
/// what its fields ask for.
pub fn place(demand: &ArenaDemand, looks: usize) -> ArenaPlacement {
    demand.assert_valid();
    let neighbours = Neighbours::of(demand);
    let granule = demand.granule_cells;
    let least = least_cells(demand);
    let mut looks = Looks::new(looks);
    let try_share = |looks: &mut Looks, arena_cells: u32, share: usize| {
        let mut part = looks.take(share);
        let mut few = part.take(share / 3 * 2);
        let placed = neighbours.place(demand, arena_cells, &mut few, TriedCells::Edges);
        part.give_back(few);
        let placed = placed.placement().or_else(|| {
            let placed = neighbours.place(demand, arena_cells, &mut part, TriedCells::Rooms);
            placed.placement()
        });
        looks.give_back(part);
        placed
    };
    let half = looks.left() / 2;
    let mut best = match try_share(&mut looks, least, half) {
        Some(first_cells) => first_cells,
        None => lowest(demand, &neighbours),
    };
    let size = |first_cells: &[u32]| {
        let ends = demand.objects.iter().zip(first_cells);
        let end = ends.map(|(object, &first)| first + object.cells).max();
        end.unwrap_or(0).next_multiple_of(granule)
    };
    let share = looks.left() / 24;
    // The largest size that was in vain, and steps of 1, 2, 3, 5, 8, … granules.
    let mut failed = least;
    let mut steps = 1;
    while failed + granule * steps < size(&best) {
        let arena_cells = failed + granule * steps;
        match try_share(&mut looks, arena_cells, share) {
            Some(first_cells) => best = first_cells,
            None => failed = arena_cells,
        }
        steps += steps.div_ceil(2);
    }
    // Between the last in vain and the best.
    while failed < size(&best) && size(&best) - failed > granule && looks.left() > share {
        let middle = failed + (size(&best) - failed) / granule / 2 * granule;
        match try_share(&mut looks, middle, share) {
            Some(first_cells) => best = first_cells,
            None => failed = middle,
        }
    }
    let mut proven = least;
    while size(&best) > proven {
        let smaller = size(&best) - granule;
        match neighbours.place(demand, smaller, &mut looks, TriedCells::Everywhere) {
            SearchEnd::Placed(first_cells) => best = first_cells,
            SearchEnd::NoRoom => proven = size(&best),
            SearchEnd::NoLooks => break,
        }
    }
    let placement = ArenaPlacement {
        arena_cells: size(&best),
        directions: directions(demand, &best),
        first_cells: best,
        least_cells: proven,
    };
    debug_assert_eq!(check(demand, &placement), Ok(()));
    placement
}

/// Whether every object is where it may be.
///
/// # Errors
///
/// The first fault: of the size, of objects in their order, of two of them.
pub fn check(demand: &ArenaDemand, placement: &ArenaPlacement) -> Result<(), PlacementFault> {
    if !placement.arena_cells.is_multiple_of(demand.granule_cells) {
        return Err(PlacementFault::Granule);
    }
    for (index, (object, &first)) in demand
        .objects
        .iter()
        .zip(&placement.first_cells)
        .enumerate()
    {
        if !first.is_multiple_of(object.alignment_cells) {
            return Err(PlacementFault::Alignment(index));
        }
        if u64::from(first) + u64::from(object.cells) > u64::from(placement.arena_cells) {
            return Err(PlacementFault::Outside(index));
        }
    }
    for (b, later) in demand.objects.iter().enumerate() {
        for (a, object) in demand.objects[..b].iter().enumerate() {
            let cells = |index: usize| {
                let first = placement.first_cells[index];
                (first, first + demand.objects[index].cells)
            };
            let together = object.first_job <= later.last_job && later.first_job <= object.last_job;
            if !together || apart(cells(a), cells(b)) {
                continue;
            }
            let pair = demand.pairs.iter().find(|pair| pair.is_of(a, b));
            let allowed = pair.is_some_and(|pair| {
                let job = demand.objects[pair.output].first_job;
                pair.allows(
                    placement.directions[job],
                    cells(pair.input),
                    cells(pair.output),
                )
            });
            if !allowed {
                return Err(PlacementFault::Overlap(a, b));
            }
        }
    }
    Ok(())
}

/// Whether two ranges of cells (from, to) share none.
fn apart(a: (u32, u32), b: (u32, u32)) -> bool {
    a.1 <= b.0 || b.1 <= a.0 || a.0 == a.1 || b.0 == b.1
}

impl InPlacePair {
    fn is_of(&self, a: usize, b: usize) -> bool {
        (self.input, self.output) == (a, b) || (self.input, self.output) == (b, a)
    }

    /// Whether a job of that direction can have both at cells that overlap.
    fn allows(&self, direction: JobDirection, input: (u32, u32), output: (u32, u32)) -> bool {
        let reaches = |from: u32, lead: Option<u32>, to: u32| {
            lead.is_some_and(|lead| u64::from(from) + u64::from(lead) <= u64::from(to))
        };
        match direction {
            JobDirection::Forward => reaches(output.0, self.forward_lead_cells, input.0),
            JobDirection::Backward => reaches(input.1, self.backward_lead_cells, output.1),
        }
    }
}

impl ArenaDemand {
    fn jobs(&self) -> usize {
        let last = self.objects.iter().map(|object| object.last_job).max();
        last.map_or(0, |last| last + 1)
    }

    fn assert_valid(&self) {
        assert!(self.granule_cells > 0, "a granule has cells");
        let mut cells = u64::from(self.granule_cells);
        for object in &self.objects {
            assert!(object.alignment_cells > 0, "an alignment has cells");
            assert!(object.first_job <= object.last_job, "an object is alive");
            cells += u64::from(object.cells) + u64::from(object.alignment_cells);
        }
        assert!(
            i32::try_from(cells).is_ok(),
            "the objects have 2³¹ cells or more"
        );
        for pair in &self.pairs {
            let (input, output) = (self.objects[pair.input], self.objects[pair.output]);
            assert!(
                input.first_job < input.last_job && input.last_job == output.first_job,
                "an input dies in the job in which its output is born"
            );
        }
    }
}

/// The direction in which each job may have its overlaps.
fn directions(demand: &ArenaDemand, first_cells: &[u32]) -> Vec<JobDirection> {
    let mut directions = vec![JobDirection::Forward; demand.jobs()];
    for pair in &demand.pairs {
        let cells = |index: usize| {
            let first = first_cells[index];
            (first, first + demand.objects[index].cells)
        };
        let (input, output) = (cells(pair.input), cells(pair.output));
        if !apart(input, output) && !pair.allows(JobDirection::Forward, input, output) {
            directions[demand.objects[pair.output].first_job] = JobDirection::Backward;
        }
    }
    directions
}

/// A size below which no arena holds the objects: the most cells of any job, with
/// the outputs as far over the inputs as they can be, in whole granules.
///
/// Where an output overlaps some of its inputs and runs forward, the cells between
/// its first one and the first of the lowest of them are in none of the inputs;
/// of the highest, likewise, where it runs backward. So the inputs and the
/// output have the cells of all inputs and the least lead together, or more.
pub fn least_cells(demand: &ArenaDemand) -> u32 {
    let mut alive = vec![Vec::new(); demand.jobs()];
    for (index, object) in demand.objects.iter().enumerate() {
        for job in &mut alive[object.first_job..=object.last_job] {
            job.push(index);
        }
    }
    let mut pairs = vec![Vec::new(); demand.jobs()];
    for pair in &demand.pairs {
        pairs[demand.objects[pair.output].first_job].push(pair);
    }
    let jobs = alive.into_iter().zip(&pairs);
    let most = jobs.map(|(alive, pairs)| job_cells(demand, alive, pairs));
    most.max()
        .unwrap_or(0)
        .next_multiple_of(demand.granule_cells)
}

/// Cells of all that is alive in a job that has those pairs, at least.
fn job_cells(demand: &ArenaDemand, mut rest: Vec<usize>, pairs: &[&InPlacePair]) -> u32 {
    let cells = |index: &usize| demand.objects[*index].cells;
    // What is apart begins at a multiple of that; only the last one needs no padding.
    let alignments = (rest.iter()).map(|&index| demand.objects[index].alignment_cells);
    let common = alignments.fold(0, greatest_divisor).max(1);
    let mut exact_total = 0;
    let mut padded_total = 0;
    // Objects that pairs connect, group by group.
    while let Some(first) = rest.pop() {
        let mut group = vec![first];
        let mut next = 0;
        while let Some(&member) = group.get(next) {
            let paired = |other: &mut usize| pairs.iter().any(|pair| pair.is_of(member, *other));
            group.extend(rest.extract_if(.., paired));
            next += 1;
        }
        let pairs = pairs.iter().filter(|pair| group.contains(&pair.output));
        let mut outputs: Vec<usize> = pairs.clone().map(|pair| pair.output).collect();
        outputs.sort_unstable();
        outputs.dedup();
        let apart: u32 = group.iter().map(cells).sum();
        let padded = group
            .iter()
            .map(|index| cells(index).next_multiple_of(common));
        let made: u32 = outputs.iter().map(cells).sum();
        let read = apart - made;
        let lead = if outputs.len() > 1 {
            Some(0)
        } else {
            pairs.filter_map(|pair| least_lead(demand, pair)).min()
        };
        let over = lead.map_or(u32::MAX, |lead| made.max(read.saturating_add(lead)));
        let padded_over = over.checked_next_multiple_of(common).unwrap_or(u32::MAX);
        exact_total += over.min(apart);
        padded_total += padded_over.min(padded.sum());
    }
    exact_total.max(padded_total.saturating_sub(common - 1))
}

/// Cells of an output that overlaps its input beyond the input's end on the side
/// of the lead, in the better direction; the alignment of both may add some.
fn least_lead(demand: &ArenaDemand, pair: &InPlacePair) -> Option<u32> {
    let (input, output) = (demand.objects[pair.input], demand.objects[pair.output]);
    // The first cells differ by a multiple of that.
    let common = greatest_divisor(input.alignment_cells, output.alignment_cells);
    let forward = (pair.forward_lead_cells)
        .map(|lead| lead.checked_next_multiple_of(common).unwrap_or(u32::MAX));
    let backward = pair.backward_lead_cells.map(|lead| {
        let [lead, input, output] = [lead, input.cells, output.cells].map(i64::from);
        let common = i64::from(common);
        // The output's first cell is at least that far after the input's.
        let after = input + lead - output;
        let aligned = after + (-after).rem_euclid(common);
        u32::try_from(aligned + output - input).unwrap_or(u32::MAX)
    });
    forward.into_iter().chain(backward).min()
}

fn greatest_divisor(a: u32, b: u32) -> u32 {
    if b == 0 {
        a
    } else {
        greatest_divisor(b, a % b)
    }
}
