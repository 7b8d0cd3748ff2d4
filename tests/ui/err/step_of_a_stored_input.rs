//! A network whose input is stored first takes no steps.

herringbone::network! {
    Listener: [4, 3, 1] => < G(2), D*(2) >,
    weights: runtime,
    plan: row_major,
}

fn main() {
    let mut listener = Listener::new();
    let _ = listener.step(&[0; 3]);
}
