//! Every letter counts in a layer's position.

herringbone::network! {
    Renumbered: [8, 8, 1] => < A, C1(2,3), D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/renumbered.safetensors"),
}

fn main() {}
