//! Plans are held against the model.

herringbone::network! {
    Plan: concat!(env!("HERRINGBONE_UI_MODELS"), "/branches.tflite"),
    plan: streamed(9),
}

fn main() {}
