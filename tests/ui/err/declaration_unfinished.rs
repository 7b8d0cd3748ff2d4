//! A declaration has an input and layers.

herringbone::network! {
    Name
}

herringbone::network! {
    Colon:
}

herringbone::network! {
    Input: [28, 28, 1]
}

herringbone::network! {
    Arrow: [28, 28, 1] =>
}

fn main() {}
