//! Weights that are loaded at run time are no constants in code.

herringbone::network! {
    Loaded: [28, 28, 1] => < A, D*(10) >,
    weights: runtime,
    code: unrolled,
}

herringbone::network! {
    InPart: [28, 28, 1] => < A, C1(4, 3, code: unrolled), D*(10, code: table) >,
    weights: runtime,
}

fn main() {
    let mut network = Loaded::new();
    network.params_mut()[0] = 1;
    network.run(&[0; Loaded::INPUT_LEN]);
}
