//! A kernel is 1 to 11.

herringbone::network! {
    Kernels: [28, 28, 1] => < C1(5,12), C2(5,0), T*(99), R(12), D*(10) >,
}

fn main() {}
