//! `weights` takes a path.

herringbone::network! {
    Name: [28, 28, 1] => < A, D*(10) >,
    weights: digits,
}

herringbone::network! {
    Empty: [28, 28, 1] => < A, D*(10) >,
    weights: "",
}

herringbone::network! {
    Include: [28, 28, 1] => < A, D*(10) >,
    weights: include_bytes!("digits.safetensors"),
}

herringbone::network! {
    Parts: [28, 28, 1] => < A, D*(10) >,
    weights: concat!(env!("OUT_DIR"), '/', digits),
}

herringbone::network! {
    NoParts: [28, 28, 1] => < A, D*(10) >,
    weights: concat!(),
}

herringbone::network! {
    Variable: [28, 28, 1] => < A, D*(10) >,
    weights: env!(OUT_DIR),
}

fn main() {}
