use super::*;
use proptest::prelude::*;

fn object(cells: u32, first_job: usize, last_job: usize) -> ArenaObject {
    ArenaObject {
        cells,
        alignment_cells: 1,
        first_job,
        last_job,
    }
}

/// A pair with the same lead in both directions.
fn pair(input: usize, output: usize, lead_cells: u32) -> InPlacePair {
    InPlacePair {
        input,
        output,
        forward_lead_cells: Some(lead_cells),
        backward_lead_cells: Some(lead_cells),
    }
}

fn demand(objects: Vec<ArenaObject>, pairs: Vec<InPlacePair>) -> ArenaDemand {
    ArenaDemand {
        objects,
        pairs,
        granule_cells: 1,
    }
}

/// The smallest arena of all cells of all objects, in all directions of all jobs.
fn least_of_all(demand: &ArenaDemand) -> u32 {
    /// Tries all cells of the objects from that one on, those before it being placed.
    fn fits(demand: &ArenaDemand, placement: &mut ArenaPlacement, object: usize) -> bool {
        // What is at fault already stays so.
        let placed = ArenaDemand {
            objects: demand.objects[..object].to_vec(),
            ..demand.clone()
        };
        if check(&placed, placement).is_err() {
            return false;
        }
        let Some(next) = demand.objects.get(object) else {
            return true;
        };
        (0..=placement.arena_cells.saturating_sub(next.cells)).any(|first| {
            placement.first_cells[object] = first;
            fits(demand, placement, object + 1)
        })
    }
    let mut sizes = (0..).step_by(demand.granule_cells as usize);
    let size = sizes.find(|&arena_cells| {
        (0..1_u32 << demand.jobs()).any(|directions| {
            let directions = (0..demand.jobs()).map(|job| match directions >> job & 1 {
                0 => JobDirection::Forward,
                _ => JobDirection::Backward,
            });
            let mut placement = ArenaPlacement {
                first_cells: vec![0; demand.objects.len()],
                directions: directions.collect(),
                arena_cells,
                least_cells: 0,
            };
            fits(demand, &mut placement, 0)
        })
    });
    size.unwrap()
}

/// Up to that many objects of up to that many cells, over as many jobs as half of
/// them, and every pair that there can be with a probability.
fn demands(objects: usize, cells: u32) -> impl Strategy<Value = ArenaDemand> {
    let lead = || prop::option::weighted(0.7, 0..=cells / 2);
    let object = (
        0..=cells,
        1..=2_u32,
        0..objects.div_ceil(2),
        0..2_usize,
        prop::bool::weighted(0.7),
        lead(),
        lead(),
    );
    let objects = prop::collection::vec(object, 1..=objects);
    (objects, 1..=2_u32).prop_map(|(parts, granule_cells)| {
        let objects = parts.iter().map(|part| ArenaObject {
            cells: part.0,
            alignment_cells: part.1,
            first_job: part.2,
            last_job: part.2 + part.3,
        });
        let objects: Vec<ArenaObject> = objects.collect();
        let mut pairs: Vec<InPlacePair> = Vec::new();
        for (output, part) in parts.iter().enumerate() {
            for input in 0..objects.len() {
                let job = objects[output].first_job;
                let dies = objects[input].first_job < job && objects[input].last_job == job;
                if part.4 && dies {
                    pairs.push(InPlacePair {
                        input,
                        output,
                        forward_lead_cells: part.5,
                        backward_lead_cells: part.6,
                    });
                }
            }
        }
        ArenaDemand {
            objects,
            pairs,
            granule_cells,
        }
    })
}

/// Maps of a chain, each made from the one before it with that lead.
fn chain(maps: &[(u32, u32)], alignment_cells: u32) -> ArenaDemand {
    let objects = maps
        .iter()
        .enumerate()
        .map(|(index, &(cells, _))| ArenaObject {
            cells,
            alignment_cells,
            first_job: index,
            last_job: index + 1,
        });
    let pairs = (1..maps.len()).map(|index| pair(index - 1, index, maps[index].1));
    ArenaDemand {
        objects: objects.collect(),
        pairs: pairs.collect(),
        granule_cells: alignment_cells,
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_arena_of_a_few_objects_is_smaller(demand in demands(4, 5)) {
        let placement = place(&demand, LOOKS);
        prop_assert_eq!(check(&demand, &placement), Ok(()));
        prop_assert_eq!(placement.arena_cells, least_of_all(&demand));
        prop_assert!(placement.is_least());
    }

    #[test]
    fn a_placement_is_valid_however_few_the_looks_are(
        demand in demands(24, 300),
        looks in prop_oneof![0..10_usize, 0..2_000_usize],
    ) {
        let placement = place(&demand, looks);
        prop_assert_eq!(check(&demand, &placement), Ok(()));
        prop_assert!(least_cells(&demand) <= placement.least_cells);
        prop_assert!(placement.least_cells <= placement.arena_cells);
    }

    /// Input at one end, output at the other: nothing but the largest layer counts.
    #[test]
    fn a_chain_needs_what_its_largest_layer_needs(
        maps in prop::collection::vec((1..2_000_u32, 0..100_u32), 1..40),
    ) {
        let needs = maps.windows(2).map(|layer| {
            let (input, (output, lead)) = (layer[0].0, layer[1]);
            output.max(input + lead).min(input + output)
        });
        let largest = needs.fold(maps[0].0, u32::max);
        let placement = place(&chain(&maps, 1), LOOKS);
        prop_assert_eq!(placement.arena_cells, largest);
        prop_assert!(placement.is_least());
    }

    /// Cells of a nibble, maps that begin on a byte.
    #[test]
    fn a_chain_of_nibbles_fits_the_bound_in_whole_bytes(
        maps in prop::collection::vec((1..500_u32, 0..50_u32), 1..20),
    ) {
        let placement = place(&chain(&maps, 2), LOOKS);
        prop_assert!(placement.is_least());
    }
}

#[test]
fn a_skipped_map_stays_apart_from_what_is_made_beside_it() {
    // A residual block: the input is read by both convolutions, and the second one
    // stores over the first one's output.
    let objects = vec![object(100, 0, 2), object(100, 1, 2), object(100, 2, 3)];
    let placement = place(&demand(objects, vec![pair(1, 2, 8)]), LOOKS);
    assert_eq!((placement.arena_cells, placement.least_cells), (208, 208));
}

#[test]
fn a_job_runs_in_one_direction() {
    // Two outputs over an input each; one pair goes forward, the other backward.
    let objects = vec![
        object(4, 0, 1),
        object(4, 0, 1),
        object(4, 1, 1),
        object(4, 1, 1),
    ];
    let ways = |forward_lead_cells, backward_lead_cells, input, output| InPlacePair {
        input,
        output,
        forward_lead_cells,
        backward_lead_cells,
    };
    let both = vec![ways(Some(0), None, 0, 2), ways(None, Some(0), 1, 3)];
    assert_eq!(place(&demand(objects.clone(), both), LOOKS).arena_cells, 12);
    let same = vec![ways(None, Some(0), 0, 2), ways(None, Some(0), 1, 3)];
    let placement = place(&demand(objects, same), LOOKS);
    assert_eq!(placement.arena_cells, 8);
    assert_eq!(placement.directions[1], JobDirection::Backward);
}

#[test]
fn the_check_finds_every_kind_of_fault() {
    let mut demand = demand(vec![object(4, 0, 1), object(4, 1, 1)], vec![pair(0, 1, 2)]);
    demand.granule_cells = 2;
    demand.objects[0].alignment_cells = 2;
    let faults = |input, output, arena_cells, direction| {
        let placement = ArenaPlacement {
            first_cells: vec![input, output],
            directions: vec![JobDirection::Forward, direction],
            arena_cells,
            least_cells: 0,
        };
        check(&demand, &placement)
    };
    let (forward, backward) = (JobDirection::Forward, JobDirection::Backward);
    assert_eq!(faults(2, 0, 6, forward), Ok(()));
    assert_eq!(faults(0, 2, 6, backward), Ok(()));
    assert_eq!(faults(0, 4, 8, forward), Ok(()));
    assert_eq!(faults(2, 0, 7, forward), Err(PlacementFault::Granule));
    assert_eq!(faults(1, 5, 10, forward), Err(PlacementFault::Alignment(0)));
    assert_eq!(faults(2, 3, 6, forward), Err(PlacementFault::Outside(1)));
    assert_eq!(faults(2, 1, 6, forward), Err(PlacementFault::Overlap(0, 1)));
    assert_eq!(
        faults(2, 0, 6, backward),
        Err(PlacementFault::Overlap(0, 1))
    );
    assert_eq!(faults(0, 2, 6, forward), Err(PlacementFault::Overlap(0, 1)));
}

#[test]
fn nothing_takes_no_room() {
    let placement = place(&demand(Vec::new(), Vec::new()), LOOKS);
    assert_eq!((placement.arena_cells, placement.least_cells), (0, 0));
}
