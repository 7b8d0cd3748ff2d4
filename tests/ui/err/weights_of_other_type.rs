//! A tensor's type and shape are those of the layer.

herringbone::network! {
    Floats: [8, 8, 1] => < A, C1(2,3), D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/floats.safetensors"),
}

herringbone::network! {
    Shapes: [8, 8, 1] => < A, C1(2,3), D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/shapes.safetensors"),
}

fn main() {}
