//! A network has a name.

herringbone::network! {
    pub: [28, 28, 1] => < A, D*(10) >,
}

herringbone::network! {
    [28, 28, 1] => < A, D*(10) >,
}

herringbone::network! {

}

fn main() {}
