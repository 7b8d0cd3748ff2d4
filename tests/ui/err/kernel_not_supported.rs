//! A kernel is 1, 3, 5 or 7.

herringbone::network! {
    Kernels: [28, 28, 1] => < C1(5,4), C2(5,9), C1*(5,0), D*(10) >,
}

fn main() {}
