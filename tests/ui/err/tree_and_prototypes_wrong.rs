//! The arguments of `Bonsai` and `Proto`.

herringbone::network! {
    Trees: [8, 8, 3] => <
        Bonsai(9, 10, 10),
        Bonsai(2, 0, 10),
        Bonsai(2, 10, 300),
        Bonsai(2, 10),
        Bonsai(2, 10, 10, 10),
        Bonsai(2, 10, 10, gate: sigmoid),
        Bonsai*(2, 10, 10),
        Proto(10, 256, 10),
        Proto(ten, 20, 10),
        Proto(10),
        Proto(10, 20, 10, gate: hard)
    >,
}

fn main() {}
