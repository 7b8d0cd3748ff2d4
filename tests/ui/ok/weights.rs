//! Weights by a path of parts.

herringbone::network! {
    N: [8, 8, 1] => < A, C1(2,3), D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/right.safetensors"),
}

fn main() {
    let mut network = N::new();
    assert_eq!(network.run(&[0; 64]), [1; 3]);
    assert_eq!(network.classify(&[0; 64]), 0);
    network.begin();
    assert!((0..63).all(|_| network.push(0).is_none()));
    assert_eq!(network.push(0), Some([1; 3]));
}
