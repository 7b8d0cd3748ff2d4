//! A model in place of shape and list.

herringbone::network! {
    /// Three scores of a map of 4×4.
    #[derive(Clone, Debug)]
    pub Branches: concat!(env!("HERRINGBONE_UI_MODELS"), "/branches.tflite"),
    target: rp2040,
    plan: smallest,
    reserve: 4096,
    code: table,
}

fn main() {
    let mut network = Branches::new();
    let input = [3; Branches::INPUT_LEN];
    let results: [i8; Branches::OUTPUT_LEN] = network.run(&input);
    let mut pushed = None;
    for value in input {
        pushed = network.push(value);
    }
    assert_eq!(pushed, Some(results));
    assert!(network.classify(&input) < 3);
    network.begin();
    assert_eq!(Branches::quantise(0.5), 8);
    assert_eq!(Branches::dequantise(8), 0.5);
    assert_eq!(Branches::INPUT_SHAPE, [1, 4, 4, 1]);
    assert_eq!((Branches::INPUT_SCALE, Branches::INPUT_ZERO_POINT), (0.0625, 0));
    assert_eq!((Branches::OUTPUT_SCALE, Branches::OUTPUT_ZERO_POINT), (0.0625, 0));
    assert_eq!(Branches::INPUT_NAME, "tensor0");
    assert!(Branches::PLAN.contains("CONV_2D 3"));
    assert!(Branches::SRAM_BYTES >= Branches::ARENA_BYTES + 4096);
}
