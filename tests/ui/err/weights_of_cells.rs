//! What a weights file says of recurrent cells.

herringbone::network! {
    Missing: [8, 4, 1] => < G(2), D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/cells_missing.safetensors"),
}

herringbone::network! {
    Shapes: [8, 4, 1] => < G(2), D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/cells_shapes.safetensors"),
}

herringbone::network! {
    Shifts: [8, 4, 1] => < G(2), D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/cells_shifts.safetensors"),
}

herringbone::network! {
    Fraction: [8, 4, 1] => < G(2), D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/cells_fraction.safetensors"),
}

herringbone::network! {
    Mix: [8, 4, 1] => < G(2), D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/cells_mix.safetensors"),
}

herringbone::network! {
    State: [8, 4, 1] => < G(2), D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/cells_state.safetensors"),
}

herringbone::network! {
    Values: [8, 4, 1] => < G(2), D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/cells_values.safetensors"),
}

fn main() {}
