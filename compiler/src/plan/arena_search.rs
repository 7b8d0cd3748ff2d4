//! Addresses: where in the arena each object is, of objects that live from one job
//! to another.
//!
//! Jobs are gone through in order, and what each of them brings is placed beside
//! what is alive: over an input that dies, as far as its readers allow, or at
//! either end of a gap. Arenas are tried from a lower bound on, and bisected once
//! one is large enough. Each try looks at a bounded number of places, so that the
//! answer may be larger than the best one; [`Found::least_cells`] says by how much
//! at most.

/// Something that takes cells from one job to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Object {
    /// Cells.
    pub(super) cells: u32,
    /// Its first cell is a multiple of that.
    pub(super) alignment: u32,
    /// The job that it is stored by.
    pub(super) first_job: usize,
    /// The last job that it is alive in.
    pub(super) last_job: usize,
}

/// An output that may overwrite an input, in the job in which that dies.
///
/// Computed from the first pixel on, the output may begin `lead_cells` or more
/// before the input; from the last one on, it may end that much after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InPlacePair {
    /// The job.
    pub(super) job: usize,
    /// The object that dies.
    pub(super) input: usize,
    /// The object that is stored.
    pub(super) output: usize,
    /// Cells between their beginnings, or their ends.
    pub(super) lead_cells: u32,
    /// Whether the job can run from the last pixel on.
    pub(super) may_run_backward: bool,
}

/// Where everything is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// By object.
    pub(super) first_cells: Vec<u32>,
    /// By job, whether it runs from the last pixel on.
    pub(super) backward: Vec<bool>,
    /// Cells of the arena.
    pub(super) cells: u32,
    /// Cells below which there is no arena.
    pub(super) least_cells: u32,
}

/// Places that are looked at for an arena of one size.
const LOOKS: usize = 20_000;

/// Sizes that are tried until one is large enough.
const SIZES: u32 = 48;

/// Places every object.
pub(super) fn search(jobs: usize, objects: &[Object], pairs: &[InPlacePair]) -> Found {
    let problem = Problem {
        jobs,
        objects,
        pairs,
        by_job: (0..jobs)
            .map(|job| {
                let mut born: Vec<usize> = (0..objects.len())
                    .filter(|&object| objects[object].first_job == job)
                    .collect();
                // The largest first: it has the fewest places.
                born.sort_by_key(|&object| std::cmp::Reverse(objects[object].cells));
                born
            })
            .collect(),
    };
    let least_cells = problem.least_cells();
    let step = (least_cells / 64).max(1);
    let sizes = (0..SIZES).map(|index| least_cells.saturating_add(index * step * (1 + index / 8)));
    let mut too_small = None;
    for cells in sizes {
        if let Some(placed) = problem.place(cells) {
            let best = problem.bisect(too_small, placed, cells);
            return best.found(least_cells);
        }
        too_small = Some(cells);
    }
    problem.apart().found(least_cells)
}

struct Problem<'a> {
    jobs: usize,
    objects: &'a [Object],
    pairs: &'a [InPlacePair],
    /// By job, the objects that it stores.
    by_job: Vec<Vec<usize>>,
}

/// The state of a search.
#[derive(Clone)]
struct Placed {
    first_cells: Vec<Option<u32>>,
    /// By job; `None` where either way does.
    backward: Vec<Option<bool>>,
    cells: u32,
}

impl Placed {
    fn found(self, least_cells: u32) -> Found {
        Found {
            first_cells: self
                .first_cells
                .into_iter()
                .map(Option::unwrap_or_default)
                .collect(),
            backward: self
                .backward
                .into_iter()
                .map(Option::unwrap_or_default)
                .collect(),
            cells: self.cells,
            least_cells,
        }
    }
}

impl Problem<'_> {
    fn alive(&self, job: usize) -> impl Iterator<Item = usize> + '_ {
        let objects = 0..self.objects.len();
        objects.filter(move |&object| {
            let Object {
                first_job,
                last_job,
                ..
            } = self.objects[object];
            first_job <= job && job <= last_job
        })
    }

    /// Cells that some job has alive, however it is placed.
    fn least_cells(&self) -> u32 {
        let of_job = |job: usize| {
            let alive: u32 = self
                .alive(job)
                .map(|object| self.objects[object].cells)
                .sum();
            let pairs = self.pairs.iter().filter(|pair| pair.job == job);
            let saved = pairs.map(|pair| {
                let cells = |object: usize| self.objects[object].cells;
                let (input, output) = (cells(pair.input), cells(pair.output));
                (input + output).saturating_sub((input + pair.lead_cells).max(output))
            });
            alive.saturating_sub(saved.sum())
        };
        (0..self.jobs).map(of_job).max().unwrap_or(0)
    }

    /// A smaller arena between one that is too small and one that is not.
    fn bisect(&self, too_small: Option<u32>, placed: Placed, cells: u32) -> Placed {
        let Some(mut too_small) = too_small else {
            return placed;
        };
        let (mut best, mut enough) = (placed, cells);
        while enough - too_small > 1 {
            let middle = too_small + (enough - too_small) / 2;
            match self.place(middle) {
                Some(placed) => (best, enough) = (placed, middle),
                None => too_small = middle,
            }
        }
        best
    }

    fn place(&self, cells: u32) -> Option<Placed> {
        let mut placed = Placed {
            first_cells: vec![None; self.objects.len()],
            backward: vec![None; self.jobs],
            cells,
        };
        let mut looks = LOOKS;
        self.follow(&mut placed, 0, 0, &mut looks).then_some(placed)
    }

    /// Places what job `job` stores, from the `index`-th object on, and then what
    /// later ones do.
    fn follow(&self, placed: &mut Placed, job: usize, index: usize, looks: &mut usize) -> bool {
        let Some(born) = self.by_job.get(job) else {
            return true;
        };
        let Some(&object) = born.get(index) else {
            return self.follow(placed, job + 1, 0, looks);
        };
        let before = placed.backward[job];
        for (first, backward) in self.places(placed, job, object) {
            if *looks == 0 {
                return false;
            }
            *looks -= 1;
            if !self.fits(placed, object, first, backward) {
                continue;
            }
            placed.first_cells[object] = Some(first);
            placed.backward[job] = backward.or(before);
            if self.follow(placed, job, index + 1, looks) {
                return true;
            }
            placed.first_cells[object] = None;
            placed.backward[job] = before;
        }
        false
    }

    /// Where an object could be, and whether its job then runs backward: over an
    /// input first, then from the ends of the arena inwards.
    fn places(&self, placed: &Placed, job: usize, object: usize) -> Vec<(u32, Option<bool>)> {
        let Object {
            cells, alignment, ..
        } = self.objects[object];
        let down = |cell: u32| cell / alignment * alignment;
        let mut places = Vec::new();
        let highest = placed.cells.checked_sub(cells).map(down);
        let pairs = self.pairs.iter();
        for pair in pairs.filter(|pair| pair.job == job && pair.output == object) {
            let Some(input) = placed.first_cells[pair.input] else {
                continue;
            };
            let end = input + self.objects[pair.input].cells + pair.lead_cells;
            if placed.backward[job] != Some(true) {
                let first = input.checked_sub(pair.lead_cells).map(down);
                places.extend(first.map(|first| (first, Some(false))));
                places.push((0, Some(false)));
            }
            if pair.may_run_backward && placed.backward[job] != Some(false) {
                let first = end.saturating_sub(cells).next_multiple_of(alignment);
                places.push((first, Some(true)));
                places.extend(highest.map(|first| (first, Some(true))));
            }
        }
        let mut edges: Vec<u32> = [Some(0), highest].into_iter().flatten().collect();
        for other in self.alive(job) {
            let Some(first) = placed.first_cells[other] else {
                continue;
            };
            edges.push((first + self.objects[other].cells).next_multiple_of(alignment));
            edges.extend(first.checked_sub(cells).map(down));
        }
        edges.dedup();
        // Apart from everything, either way of running does.
        places.extend(edges.into_iter().map(|first| (first, None)));
        places
    }

    /// Whether an object can be there.
    fn fits(&self, placed: &Placed, object: usize, first: u32, backward: Option<bool>) -> bool {
        let it = self.objects[object];
        let end = first + it.cells;
        if end > placed.cells {
            return false;
        }
        (0..self.objects.len()).all(|other| {
            let Some(other_first) = placed.first_cells[other] else {
                return true;
            };
            let that = self.objects[other];
            let together = it.first_job <= that.last_job && that.first_job <= it.last_job;
            let other_end = other_first + that.cells;
            if !together || end <= other_first || other_end <= first {
                return true;
            }
            self.pairs.iter().any(|pair| {
                pair.output == object
                    && pair.input == other
                    && match backward {
                        None => false,
                        Some(false) => first + pair.lead_cells <= other_first,
                        Some(true) => pair.may_run_backward && end >= other_end + pair.lead_cells,
                    }
            })
        })
    }

    /// Everything apart, each object at the lowest place.
    fn apart(&self) -> Placed {
        let mut placed = Placed {
            first_cells: vec![None; self.objects.len()],
            backward: vec![None; self.jobs],
            cells: u32::MAX / 2,
        };
        let mut most = 0;
        for object in self.by_job.iter().flatten().copied() {
            let it = self.objects[object];
            let mut edges: Vec<u32> = (0..self.objects.len())
                .filter_map(|other| {
                    let first = placed.first_cells[other]?;
                    let end = first + self.objects[other].cells;
                    Some(end.next_multiple_of(it.alignment))
                })
                .chain([0])
                .collect();
            edges.sort_unstable();
            let no_pairs = Problem {
                pairs: &[],
                by_job: Vec::new(),
                ..*self
            };
            let first = edges
                .into_iter()
                .find(|&first| no_pairs.fits(&placed, object, first, Some(false)))
                .unwrap_or(most);
            placed.first_cells[object] = Some(first);
            most = most.max(first + it.cells);
        }
        placed.cells = most;
        placed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(cells: u32, first_job: usize, last_job: usize) -> Object {
        Object {
            cells,
            alignment: 1,
            first_job,
            last_job,
        }
    }

    fn in_place(job: usize, input: usize, output: usize, lead_cells: u32) -> InPlacePair {
        InPlacePair {
            job,
            input,
            output,
            lead_cells,
            may_run_backward: true,
        }
    }

    #[test]
    fn a_chain_lies_at_the_ends_in_turn() {
        let objects = [map(100, 0, 1), map(90, 1, 2), map(120, 2, 3), map(10, 3, 3)];
        let pairs = [
            in_place(1, 0, 1, 20),
            in_place(2, 1, 2, 15),
            in_place(3, 2, 3, 0),
        ];
        let found = search(4, &objects, &pairs);
        assert_eq!((found.cells, found.least_cells), (120, 120));
    }

    #[test]
    fn what_a_later_job_reads_is_not_overwritten() {
        let objects = [map(50, 0, 2), map(50, 1, 2), map(50, 2, 2)];
        let found = search(3, &objects, &[in_place(2, 1, 2, 0), in_place(2, 0, 2, 0)]);
        assert_eq!(found.cells, 100);
    }
}
