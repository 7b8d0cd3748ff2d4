//! A layer that reads the states of all rows has no results for one more.

herringbone::network! {
    Listener: [4, 3, 1] => < G(2, sequence: all), D*(2) >,
    weights: runtime,
    plan: streamed,
}

herringbone::network! {
    States: [4, 3, 1] => < G(2, sequence: all) >,
    weights: runtime,
    plan: streamed,
}

fn main() {
    let mut listener = Listener::new();
    let _ = listener.step(&[0; 3]);
    let mut states = States::new();
    let _ = states.step(&[0; 3]);
}
