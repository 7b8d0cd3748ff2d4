//! Keys in any order, without a last comma.

herringbone::network! {
    N: [8, 8, 1] => < A, C1(2,3), D*(3) >,
    code: table, plan: smallest, reserve: 100,
    bits: {}, weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/right.safetensors"), flash: 32768, sram: 2048
}

fn main() {
    assert_eq!(N::new().run(&[0; 64]), [1; 3]);
}
