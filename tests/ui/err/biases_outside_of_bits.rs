//! A bias fits its bits though the file holds 16.

herringbone::network! {
    Biases: [8, 8, 1] => < A, C1(2,3), D*(3) >,
    bits: { biases: 8 },
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/values.safetensors"),
}

fn main() {}
