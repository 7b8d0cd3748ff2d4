//! A model's file says what other keys would.

herringbone::network! {
    Keys: concat!(env!("HERRINGBONE_UI_MODELS"), "/branches.tflite"),
    weights: "weights.safetensors",
    bits: { weights: 8 },
    results: i16,
    code: unrolled,
    window: { length: 4, stride: 1 },
}

fn main() {}
