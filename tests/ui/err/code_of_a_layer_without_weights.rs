//! Only layers with weights have a form of code.

herringbone::network! {
    Without: [28, 28, 1] => < A(code: table), C1(4,3), M(2, code: unrolled), Dr(code: tables), D*(10) >,
}

fn main() {}
