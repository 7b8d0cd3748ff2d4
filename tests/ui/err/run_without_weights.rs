//! A design without weights is sized, and computes nothing.

herringbone::network! {
    Sized: [28, 28, 1] => < A, C1(5,3), D*(10) >,
    target: atmega328p,
}

fn main() {
    let mut network = Sized::new();
    network.run(&[0; Sized::INPUT_LEN]);
}
