//! A tensor's name starts with its layer's position.

herringbone::network! {
    Misnamed: [8, 8, 1] => < A, C1(2,3), D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/misnamed.safetensors"),
}

fn main() {}
