//! Weights that the program loads.

herringbone::network! {
    N: [8, 8, 1] => < A, C1(2,3), D*(3) >,
    bits: { biases: 8 },
    weights: runtime,
}

fn main() {
    // Two shifts, a bias an output, rows of packed weights: 9 of 2, 8 of 3.
    assert_eq!(N::PARAMS_LEN, (2 + 2 + 9) + (2 + 3 + 8 * 2));
    assert_eq!(size_of::<N>(), N::ARENA_BYTES + 3 + N::PARAMS_LEN);
    let mut network = N::new();
    assert_eq!(network.params(), &[0; N::PARAMS_LEN]);
    assert_eq!(network.run(&[255; 64]), [0; 3]);
    // The biases of the last layer.
    network.params_mut()[15..18].copy_from_slice(&[7, 0xFF, 0x80]);
    assert_eq!(network.run(&[255; 64]), [7, -1, -128]);
    assert_eq!(network.classify(&[255; 64]), 0);
}
