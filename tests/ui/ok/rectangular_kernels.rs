//! Kernels and windows of rows x columns, as a time series needs them.

herringbone::network! {
    Series: [1, 64, 3] => < C1(8,1x5), M(1x2), C2*(6,1x7), A(1x4), D*(4) >,
}

herringbone::network! {
    Column: [64, 1, 3] => < A(2x1), C2(6,5x1), M(4x1), C1(8, 3x1), D*(4) >,
}

herringbone::network! {
    Image: [16, 16, 1] => < A(2x4), C1(4,3x1), M(4x2), D*(4) >,
}

herringbone::network! {
    Squares: [16, 16, 1] => < A(2x2), C1(4,3x3), M(2x2), D*(4) >,
}

herringbone::network! {
    TheSame: [16, 16, 1] => < A, C1(4,3), M, D*(4) >,
}

fn main() {
    let separable = 24 * 8 * (7 + 6);
    assert_eq!(Series::MACS, 60 * 5 * 3 * 8 + separable + 6 * 6 * 4);
    assert_eq!(Column::CLASSES, 4);
    assert_eq!(Image::MACS, 6 * 4 * 3 * 4 + 2 * 4 * 4);
    assert_eq!(Squares::MACS, TheSame::MACS);
    assert_eq!(Squares::ARENA_BYTES, TheSame::ARENA_BYTES);
}
