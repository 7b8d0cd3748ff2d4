//! Weights by an environment variable that is the whole path.

herringbone::network! {
    N: [8, 8, 1] => < A, C1(2,3), D*(3) >,
    weights: env!("HERRINGBONE_UI_RIGHT"),
}

fn main() {
    assert_eq!(N::default().run(&[0; 64]), [1; 3]);
}
