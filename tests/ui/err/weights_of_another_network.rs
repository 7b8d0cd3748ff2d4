//! A weights file that knows what it was trained for is taken for nothing else.

herringbone::network! {
    OtherBits: [4, 4, 2] => < C1(2,3), Dr, D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/named.safetensors"),
    bits: { activations: 8 },
}

herringbone::network! {
    OtherActivation: [4, 4, 2] => < C1(2,3), Dr, D(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/named.safetensors"),
}

herringbone::network! {
    OtherFeatures: [4, 4, 2] => < C1(2,3), Dr, D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/named.safetensors"),
    features: log_mel { rate: 8000, frame: 256, bands: 8 },
}

fn main() {
    // No error follows from these.
    let _ = (OtherBits::LABELS, OtherActivation::new().push_raw(0));
}
