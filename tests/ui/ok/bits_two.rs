//! Weights of 2 bits, biases of 8 and activations of 4.

herringbone::network! {
    N: [8, 8, 1] => < A, C1(2,3), D*(3) >,
    bits: { weights: 2, biases: 8, activations: 4 },
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/right.safetensors"),
}

fn main() {
    assert_eq!(N::new().run(&[0; 64]), [1; 3]);
}
