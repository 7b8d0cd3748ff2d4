//! A comma stands between two keys.

herringbone::network! {
    Commas: [28, 28, 1] => < A, D*(10) >,
    sram: 2048
    flash: 32768,,
}

fn main() {}
