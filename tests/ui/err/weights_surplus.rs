//! A file has no other tensors.

herringbone::network! {
    Surplus: [8, 8, 1] => < A, C1(2,3), D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/surplus.safetensors"),
}

fn main() {}
