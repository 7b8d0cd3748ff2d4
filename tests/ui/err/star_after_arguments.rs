//! The star stands before the arguments, and once.

herringbone::network! {
    Stars: [28, 28, 1] => < C1(5,3)*, D**(10) >,
}

fn main() {}
