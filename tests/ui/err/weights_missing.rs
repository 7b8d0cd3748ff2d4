//! Every layer with weights has its tensors.

herringbone::network! {
    Missing: [8, 8, 1] => < A, C1(2,3), D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/missing.safetensors"),
}

fn main() {}
