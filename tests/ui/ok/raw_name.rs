//! A name that is a keyword elsewhere.

herringbone::network! {
    r#type: [8, 8, 1] => < A, D*(3) >,
}

fn main() {
    assert_eq!(r#type::CLASSES, 3);
}
