//! A weights file is a whole safetensors file.

herringbone::network! {
    Empty: [8, 8, 1] => < A, C1(2,3), D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/empty.safetensors"),
}

herringbone::network! {
    Short: [8, 8, 1] => < A, C1(2,3), D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/short.safetensors"),
}

herringbone::network! {
    Text: [8, 8, 1] => < A, C1(2,3), D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/text.safetensors"),
}

herringbone::network! {
    HeaderCut: [8, 8, 1] => < A, C1(2,3), D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/header_cut.safetensors"),
}

herringbone::network! {
    NotJson: [8, 8, 1] => < A, C1(2,3), D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/not_json.safetensors"),
}

herringbone::network! {
    Truncated: [8, 8, 1] => < A, C1(2,3), D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/truncated.safetensors"),
}

herringbone::network! {
    Longer: [8, 8, 1] => < A, C1(2,3), D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/longer.safetensors"),
}

fn main() {}
