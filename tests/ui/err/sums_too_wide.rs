//! A sum fits 32 bits.

herringbone::network! {
    Wide: [8, 8, 1] => < A, C1(2,3), D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/wide.safetensors"),
}

fn main() {}
