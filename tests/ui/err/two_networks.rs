//! One `network!` declares one network.

herringbone::network! {
    First: [8, 8, 1] => < D*(3) >;
    Second: [8, 8, 1] => < D*(3) >;
}

herringbone::network! {
    /// Of today.
    pub Old: [8, 8, 1] => < D*(3) >,
    target: atmega328p,

    /// Of tomorrow.
    pub New: [8, 8, 1] => < D*(4) >,
    target: atmega328p,
}

fn main() {}
