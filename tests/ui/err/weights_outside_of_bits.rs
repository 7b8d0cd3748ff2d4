//! A value fits its bits.

herringbone::network! {
    Values: [8, 8, 1] => < A, C1(2,3), D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/values.safetensors"),
}

fn main() {}
