//! The arguments of `G`.

herringbone::network! {
    Cells: [8, 8, 3] => <
        G(0),
        G(16, feed: columns),
        G(16, feed: channel_maior),
        G(16, rank: 0x8),
        G(16, rank: 8x300),
        G(16, rank: wide),
        G(16, gate: relu),
        G(16, gate: sigmoid),
        G(16, sequence: last),
        G(16, sparsity: 1.0),
        G(16, sparsity: most),
        G(16, stride: 2),
        G(16, 8),
        G*(16),
        G,
        D*(10, feed: rows),
        C1(8,3, sparsity: 0.5)
    >,
}

fn main() {}
