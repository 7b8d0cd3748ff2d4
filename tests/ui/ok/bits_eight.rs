//! Weights of 8 bits, biases of 16 and activations of 8.

herringbone::network! {
    N: [8, 8, 1] => < A, C1(2,3), D*(3) >,
    bits: { weights: 8, biases: 16, activations: 8 },
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/right.safetensors"),
}

fn main() {
    assert_eq!(N::new().run(&[0; 64]), [1; 3]);
}
