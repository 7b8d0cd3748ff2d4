//! Labels, joins, strides, paddings, and layers that keep their channels.

herringbone::network! {
    /// A residual network.
    Residual: [16, 16, 3] => <
        'stem: C1(8,3, padding: same),
        C1(8,3, padding: same),
        C1(8,3, padding: same, add: 'stem),
        R(3),
        'half: C1(12,3, stride: 2, padding: same),
        T(3, padding: 1),
        C1*(12,1), Add('half),
        A(all), D*(10)
    >
}

herringbone::network! {
    Branched: [9, 12, 1] => <
        'left: C1(4,2, stride: 1x2, padding: same),
        'input, M(2, stride: 1x2), N(0.1), T(2x1, padding: same), 'deep: D(3, code: table),
        'left, C2(4,3), Dr(0.2), M(7x4, stride: 1), D*(3, add: 'deep)
    >
}

herringbone::network! {
    /// A time series.
    Concatenated: [1, 1000, 1] => <
        'small: M(1x8), 'a: C1*(2,1x11, stride: 1x4), 'small, T*(1x11, stride: 4), 'both: Cat('a),
        T*(1), Add('both), D*(2)
    >
}

fn main() {
    assert_eq!((Residual::CLASSES, Branched::CLASSES, Concatenated::CLASSES), (10, 3, 2));
}
