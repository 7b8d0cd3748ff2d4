//! What no stride and no padding is.

herringbone::network! {
    pub A: [28, 28, 1] => < C1(8,3, stride: 5), T(3, stride: 2x), M(2, padding: same), D(4, stride: 2) >
}

herringbone::network! {
    pub B: [28, 28, 1] => < C1(8,3, padding: 3), T(5x1, padding: valid), C2(4,3, padding: -1), A(all, stride: 2) >
}

herringbone::network! {
    pub C: [28, 28, 1] => < C1(8,3, strid: 2), C1(8,3, stride 2), C1(8,3, padding:), C1(8,3, stride: 1, stride: 2) >
}

fn main() {}
