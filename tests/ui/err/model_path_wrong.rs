//! The path of a model is a path, and not empty.

mod empty {
    herringbone::network! {
        Empty: "",
    }
}

mod of_an_argument {
    herringbone::network! {
        Called: concat!("models/", 3),
    }
}

fn main() {}
