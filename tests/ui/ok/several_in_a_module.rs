//! Several networks in one module, two of them alike.

herringbone::network! {
    First: [8, 8, 1] => < A, C1(2,3), D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/right.safetensors"),
}

herringbone::network! {
    Second: [8, 8, 1] => < A, C1(2,3), D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/right.safetensors"),
}

herringbone::network! {
    Third: [9, 8, 1] => < M, D*(4) >,
}

fn main() {
    assert_eq!(First::new().run(&[0; 64]), Second::new().run(&[0; 64]));
    assert_eq!(Third::CLASSES, 4);
}
