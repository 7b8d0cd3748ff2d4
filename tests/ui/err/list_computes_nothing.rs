//! Dropout is of meaning in training alone.

herringbone::network! {
    Nothing: [28, 28, 1] => < Dr, Dr(0.25) >,
}

fn main() {}
