//! Weights that know the names of their classes, and how a sensor's counts become bytes.

herringbone::network! {
    N: [4, 4, 2] => < C1(2,3), Dr, D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/named.safetensors"),
}

fn main() {
    assert_eq!(N::LABELS, ["idle", "größer", "→"]);
    let printed: Vec<String> = (0..4).map(|class| N::label(class).to_string()).collect();
    assert_eq!(printed, ["idle", "größer", "→", ""]);
    assert!(N::label(1).bytes().eq("größer".bytes()));

    let counts: [i16; 32] = std::array::from_fn(|at| 53 * at as i16 - 800);
    let byte = |at: usize| match (at % 2, i32::from(counts[at])) {
        (0, count) => ((count + 512).max(0) * 255 >> 10).min(255) as u8,
        (_, count) => (count.max(0) >> 2).min(255) as u8,
    };
    let mut network = N::new();
    let results = network.run(&std::array::from_fn(byte));
    assert_eq!(network.run_raw(&counts), results);
    assert_eq!(network.classify_raw(&counts), network.classify(&std::array::from_fn(byte)));
    network.begin();
    let pushed = counts.map(|count| network.push_raw(count));
    assert_eq!(pushed[31], Some(results));
}
