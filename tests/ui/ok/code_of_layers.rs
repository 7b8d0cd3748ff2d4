//! `code` of a layer.

herringbone::network! {
    N: [8, 8, 1] => < A, C1(2,3, code: unrolled), D*(code: table, 3) >,
    target: atmega328p,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/right.safetensors"),
}

herringbone::network! {
    ButOne: [8, 8, 1] => < A, C1(2,3), D*(3, code: table,) >,
    code: unrolled,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/right.safetensors"),
}

fn main() {
    assert_eq!(N::new().run(&[0; 64]), [1; 3]);
    assert_eq!(ButOne::new().run(&[0; 64]), [1; 3]);
}
