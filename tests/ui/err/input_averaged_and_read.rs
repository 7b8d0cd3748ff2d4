//! An average of the input sums whole bytes, which nobody else has.

herringbone::network! {
    pub A: [12, 12, 3] => < 'a: A, 'input, M, Add('a), D*(10) >
}

fn main() {}
