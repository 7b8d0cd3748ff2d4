//! `code: unrolled`.

herringbone::network! {
    N: [8, 8, 1] => < A, C1(2,3), D*(3) >,
    code: unrolled,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/right.safetensors"),
}

fn main() {
    assert_eq!(N::new().run(&[0; 64]), [1; 3]);
}
