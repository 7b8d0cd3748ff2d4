//! What a file is not is said as far as it could be read.

herringbone::network! {
    NoModel: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/right.safetensors"),
}

fn main() {}
