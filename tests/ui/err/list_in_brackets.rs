//! The list stands between `<` and `>`.

herringbone::network! {
    Brackets: [28, 28, 1] => [A, C1(5,3), D*(10)],
    target: atmega328p,
}

fn main() {}
