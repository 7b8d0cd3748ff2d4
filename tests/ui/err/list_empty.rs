//! A network has layers.

herringbone::network! {
    Empty: [28, 28, 1] => < >,
    target: atmega328p,
}

fn main() {}
