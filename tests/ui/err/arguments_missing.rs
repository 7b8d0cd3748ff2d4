//! Arguments that a layer needs.

herringbone::network! {
    Missing: [28, 28, 1] => < A(), C1, C2(8), D, D*() >,
}

fn main() {}
