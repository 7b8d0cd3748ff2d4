//! Of several ways to write each layer, the mix that takes the fewest cycles of those that fit.

/// What a layer takes in one of its ways.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub(crate) bytes: u32,
    pub(crate) cycles: f64,
}

/// What some layers take together, and the way of each.
#[derive(Clone, Debug, Default)]
struct Mix {
    bytes: u32,
    cycles: f64,
    ways: Vec<usize>,
}

/// The mix that was chosen.
#[derive(Clone, Debug)]
pub(crate) struct ChosenMix {
    /// The way of each layer.
    pub(crate) ways: Vec<usize>,
    /// Whether it fits; if not, it is the smallest.
    pub(crate) fits: bool,
}

/// The mix of the fewest cycles with which all layers and the other bytes take `most_bytes` at
/// most; where none fits, the smallest.
///
/// Layer by layer, every combination is kept that no other one beats in both bytes and cycles, so
/// the answer is the best there is.
pub(crate) fn fastest_mix(layers: &[Vec<Way>], other_bytes: u32, most_bytes: u32) -> ChosenMix {
    let mut front = vec![Mix {
        bytes: other_bytes,
        ..Mix::default()
    }];
    for ways in layers {
        let with_each = |mix: &Mix| {
            let mix = mix.clone();
            ways.iter().enumerate().map(move |(index, way)| {
                let mut mix = mix.clone();
                mix.bytes = mix.bytes.saturating_add(way.bytes);
                mix.cycles += way.cycles;
                mix.ways.push(index);
                mix
            })
        };
        let mut mixes: Vec<Mix> = front.iter().flat_map(with_each).collect();
        mixes.sort_by(|one, other| {
            let bytes = one.bytes.cmp(&other.bytes);
            bytes.then(one.cycles.total_cmp(&other.cycles))
        });
        front.clear();
        for mix in mixes {
            let is_faster = front.last().is_none_or(|last| mix.cycles < last.cycles);
            // The smallest is kept in any case.
            if is_faster && (front.is_empty() || mix.bytes <= most_bytes) {
                front.push(mix);
            }
        }
    }
    let fastest = front.iter().rfind(|mix| mix.bytes <= most_bytes);
    let mix = fastest.or(front.first()).cloned();
    ChosenMix {
        ways: mix.unwrap_or_default().ways,
        fits: fastest.is_some(),
    }
}
