//! Placing objects one by one, in the order of their first jobs.

use super::{ArenaDemand, ArenaObject, InPlacePair, JobDirection, apart};
use std::collections::HashSet;

/// Looks at cells that are left.
pub(super) struct Looks(usize);

impl Looks {
    pub(super) fn new(looks: usize) -> Self {
        Self(looks)
    }

    pub(super) fn left(&self) -> usize {
        self.0
    }

    /// That many of them, or all.
    pub(super) fn take(&mut self, looks: usize) -> Self {
        let taken = looks.min(self.0);
        self.0 -= taken;
        Self(taken)
    }

    pub(super) fn give_back(&mut self, looks: Self) {
        self.0 += looks.0;
    }
}

/// Cells at which an object is tried.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TriedCells {
    /// At the ends of the arena, over an input, and next to what is alive.
    Edges,
    /// There, and with room in between for a later object or a later lead.
    Rooms,
    /// At every cell: what has no room then has none.
    Everywhere,
}

/// How a search ended.
pub(super) enum SearchEnd {
    /// The first cells, by object.
    Placed(Vec<u32>),
    /// At none of the cells that were looked at.
    NoRoom,
    NoLooks,
}

impl SearchEnd {
    pub(super) fn placement(self) -> Option<Vec<u32>> {
        match self {
            SearchEnd::Placed(first_cells) => Some(first_cells),
            SearchEnd::NoRoom | SearchEnd::NoLooks => None,
        }
    }
}

/// An object that is alive in a job of another one, and the pair of both.
#[derive(Clone, Copy)]
struct Neighbour {
    object: usize,
    pair: Option<InPlacePair>,
}

/// Which objects are alive together.
pub(super) struct Neighbours {
    /// The order of placing them: by first job, the largest first.
    order: Vec<usize>,
    /// By object: those that are placed before it.
    earlier: Vec<Vec<Neighbour>>,
    /// By object: those that are placed after it.
    later: Vec<Vec<Neighbour>>,
}

impl Neighbours {
    pub(super) fn of(demand: &ArenaDemand) -> Self {
        let objects = &demand.objects;
        let mut order: Vec<usize> = (0..objects.len()).collect();
        let key = |object: &ArenaObject| (object.first_job, u32::MAX - object.cells);
        order.sort_by_key(|&index| key(&objects[index]));
        let mut earlier = vec![Vec::new(); objects.len()];
        let mut later = vec![Vec::new(); objects.len()];
        let mut alive: Vec<usize> = Vec::new();
        for &object in &order {
            let first_job = objects[object].first_job;
            alive.retain(|&other| objects[other].last_job >= first_job);
            for &other in &alive {
                let neighbour = |object| Neighbour { object, pair: None };
                earlier[object].push(neighbour(other));
                later[other].push(neighbour(object));
            }
            alive.push(object);
        }
        for &pair in &demand.pairs {
            for lists in [&mut earlier, &mut later] {
                for (object, other) in [(pair.input, pair.output), (pair.output, pair.input)] {
                    let mut list = lists[object].iter_mut();
                    if let Some(neighbour) = list.find(|neighbour| neighbour.object == other) {
                        neighbour.pair = Some(pair);
                    }
                }
            }
        }
        Self {
            order,
            earlier,
            later,
        }
    }

    /// Places the objects in an arena of that size.
    pub(super) fn place(
        &self,
        demand: &ArenaDemand,
        arena_cells: u32,
        looks: &mut Looks,
        reach: TriedCells,
    ) -> SearchEnd {
        let mut depth = Depth {
            demand,
            neighbours: self,
            arena_cells,
            looks,
            reach,
            first_cells: vec![0; demand.objects.len()],
            directions: vec![Directions::BOTH; demand.jobs()],
            vain: HashSet::new(),
        };
        match depth.place_all() {
            Some(true) => SearchEnd::Placed(depth.first_cells),
            Some(false) => SearchEnd::NoRoom,
            None => SearchEnd::NoLooks,
        }
    }
}

/// Directions that a job can still run in.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Directions {
    forward: bool,
    backward: bool,
}

impl Directions {
    const BOTH: Self = Self {
        forward: true,
        backward: true,
    };

    fn any(self) -> bool {
        self.forward || self.backward
    }
}

/// The directions in which a pair's job can run with both at those cells.
fn directions_of(pair: &InPlacePair, input: (u32, u32), output: (u32, u32)) -> Directions {
    Directions {
        forward: pair.allows(JobDirection::Forward, input, output),
        backward: pair.allows(JobDirection::Backward, input, output),
    }
}

/// The directions that `before` leaves where an object has those cells; `None` if
/// it can't be there. The directions are those of the job of every pair.
fn allowed(
    demand: &ArenaDemand,
    neighbours: &[Neighbour],
    first_cells: &[u32],
    object: usize,
    cells: (u32, u32),
    before: Directions,
) -> Option<Directions> {
    let mut directions = before;
    for neighbour in neighbours {
        let first = first_cells[neighbour.object];
        let other = (first, first + demand.objects[neighbour.object].cells);
        if apart(cells, other) {
            continue;
        }
        let pair = neighbour.pair?;
        let these = if pair.output == object {
            directions_of(&pair, other, cells)
        } else {
            directions_of(&pair, cells, other)
        };
        directions.forward &= these.forward;
        directions.backward &= these.backward;
        if !directions.any() {
            return None;
        }
    }
    Some(directions)
}

/// A search in depth.
///
/// What later objects find depends on the cells of those that are still alive, and
/// on the direction of the running job, alone. So what was in vain once is not
/// looked at again, whatever the dead ones were.
pub(super) struct Depth<'a> {
    demand: &'a ArenaDemand,
    neighbours: &'a Neighbours,
    arena_cells: u32,
    looks: &'a mut Looks,
    reach: TriedCells,
    first_cells: Vec<u32>,
    directions: Vec<Directions>,
    vain: HashSet<Situation>,
}

/// What the search knows before it places an object.
#[derive(PartialEq, Eq, Hash)]
struct Situation {
    object: usize,
    /// First cells of those that are alive in its first job.
    alive: Vec<u32>,
    /// Directions that those born in this job leave it.
    directions: Directions,
}

/// An object that is being placed.
struct Attempt {
    situation: Situation,
    /// Cells at which it was not tried yet.
    firsts: std::vec::IntoIter<u32>,
}

impl Depth<'_> {
    /// Places the objects, if they have room; `None` where the looks don't suffice.
    fn place_all(&mut self) -> Option<bool> {
        let mut attempts: Vec<Attempt> = Vec::new();
        loop {
            let Some(&object) = self.neighbours.order.get(attempts.len()) else {
                return Some(true);
            };
            let situation = self.situation(object);
            if !self.vain.contains(&situation) {
                let firsts = self.first_cells_of(object).into_iter();
                attempts.push(Attempt { situation, firsts });
            }
            // The last object that finds another cell goes there.
            loop {
                let Some(attempt) = attempts.last_mut() else {
                    return Some(false);
                };
                if self.goes_on(attempt)? {
                    break;
                }
                if let Some(Attempt { situation, .. }) = attempts.pop() {
                    let job = self.demand.objects[situation.object].first_job;
                    self.directions[job] = situation.directions;
                    self.vain.insert(situation);
                }
            }
        }
    }

    fn situation(&self, object: usize) -> Situation {
        let alive = self.neighbours.earlier[object].iter();
        Situation {
            object,
            alive: alive
                .map(|neighbour| self.first_cells[neighbour.object])
                .collect(),
            directions: self.directions[self.demand.objects[object].first_job],
        }
    }

    /// Whether the object has another cell to go to; if so, it is there.
    fn goes_on(&mut self, attempt: &mut Attempt) -> Option<bool> {
        let object = attempt.situation.object;
        let ArenaObject {
            cells,
            alignment_cells: _,
            first_job,
            last_job: _,
        } = self.demand.objects[object];
        for first in attempt.firsts.by_ref() {
            self.looks.0 = self.looks.0.checked_sub(1)?;
            let after = allowed(
                self.demand,
                &self.neighbours.earlier[object],
                &self.first_cells,
                object,
                (first, first + cells),
                attempt.situation.directions,
            );
            if let Some(after) = after {
                self.first_cells[object] = first;
                self.directions[first_job] = after;
                return Some(true);
            }
        }
        Some(false)
    }

    /// Cells at which the object is tried.
    ///
    /// The ends of the arena come first: maps at its two ends in turn are the best
    /// placement of a chain.
    fn first_cells_of(&self, object: usize) -> Vec<u32> {
        let ArenaObject {
            cells,
            alignment_cells: alignment,
            first_job: _,
            last_job: _,
        } = self.demand.objects[object];
        let Some(last) = self.arena_cells.checked_sub(cells) else {
            return Vec::new();
        };
        if self.reach == TriedCells::Everywhere {
            return (0..=last).step_by(alignment as usize).collect();
        }
        let [cells, alignment, last] = [cells, alignment, last].map(i64::from);
        let down = |first: i64| first.div_euclid(alignment) * alignment;
        let up = |first: i64| down(first + alignment - 1);
        let mut firsts = vec![0, down(last)];
        let mut edges = vec![(0, i64::from(self.arena_cells))];
        for neighbour in &self.neighbours.earlier[object] {
            let first = i64::from(self.first_cells[neighbour.object]);
            let end = first + i64::from(self.demand.objects[neighbour.object].cells);
            // An object may follow the end of another one, and end before its start.
            edges.push((end, first));
            let pair = neighbour.pair.filter(|pair| pair.output == object);
            let forward = pair.and_then(|pair| pair.forward_lead_cells);
            firsts.extend(forward.map(|lead| down(first - i64::from(lead))));
            let backward = pair.and_then(|pair| pair.backward_lead_cells);
            firsts.extend(backward.map(|lead| up(end + i64::from(lead) - cells)));
        }
        let mut rooms = vec![0];
        let later = match self.reach {
            TriedCells::Edges => &[],
            TriedCells::Rooms | TriedCells::Everywhere => &self.neighbours.later[object][..],
        };
        for neighbour in later {
            let other = i64::from(self.demand.objects[neighbour.object].cells);
            rooms.push(other);
            if let Some(pair) = neighbour.pair {
                for lead in [pair.forward_lead_cells, pair.backward_lead_cells] {
                    let lead = i64::from(lead.unwrap_or(0));
                    rooms.extend([lead, other - cells, other - cells - lead]);
                }
            }
        }
        for room in rooms {
            for &(after, before) in &edges {
                firsts.extend([up(after + room), down(before - room - cells)]);
            }
        }
        let mut seen = HashSet::new();
        firsts.retain(|first| (0..=last).contains(first) && seen.insert(*first));
        firsts.into_iter().map(|first| first as u32).collect()
    }
}

/// Every object at the lowest cell that those before it leave, the largest first
/// or in the order of their jobs, whichever takes less.
pub(super) fn lowest(demand: &ArenaDemand, neighbours: &Neighbours) -> Vec<u32> {
    let mut by_size = neighbours.order.clone();
    by_size.sort_by_key(|&object| u32::MAX - demand.objects[object].cells);
    let placed = [&neighbours.order, &by_size].map(|order| {
        let mut first_cells = vec![0; demand.objects.len()];
        let mut directions = vec![Directions::BOTH; demand.jobs()];
        let mut is_placed = vec![false; demand.objects.len()];
        let mut end = 0;
        for &object in order {
            let ArenaObject {
                cells,
                alignment_cells: alignment,
                first_job: _,
                last_job: _,
            } = demand.objects[object];
            let all = [&neighbours.earlier[object], &neighbours.later[object]];
            let near = all.into_iter().flatten().copied();
            let near: Vec<Neighbour> = near
                .filter(|neighbour| is_placed[neighbour.object])
                .collect();
            let ends = near.iter().map(|neighbour| {
                let cells = demand.objects[neighbour.object].cells;
                (first_cells[neighbour.object] + cells).next_multiple_of(alignment)
            });
            let mut firsts: Vec<u32> = ends.chain([0]).collect();
            firsts.sort_unstable();
            let found = firsts.iter().find_map(|&first| {
                let taken = (first, first + cells);
                // An object is the output in its first job and an input in its last.
                let mut after: Vec<(usize, Directions)> = Vec::new();
                for neighbour in &near {
                    let output = neighbour.pair.map_or(object, |pair| pair.output);
                    let job = demand.objects[output].first_job;
                    let known = after.iter().rev().find(|known| known.0 == job);
                    let before = known.map_or(directions[job], |known| known.1);
                    let one = std::slice::from_ref(neighbour);
                    let these = allowed(demand, one, &first_cells, object, taken, before)?;
                    after.push((job, these));
                }
                Some((first, after))
            });
            let Some((first, after)) = found else {
                unreachable!("there is room after the last neighbour");
            };
            for (job, these) in after {
                directions[job] = these;
            }
            first_cells[object] = first;
            is_placed[object] = true;
            end = end.max(first + cells);
        }
        (end, first_cells)
    });
    let [by_job, by_size] = placed;
    if by_size.0 < by_job.0 {
        by_size.1
    } else {
        by_job.1
    }
}
