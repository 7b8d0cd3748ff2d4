//! Parameters that are loaded at run time are part of the SRAM.

herringbone::network! {
    Loaded: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, D*(10) >,
    sram: 1800,
    reserve: 64,
    weights: runtime,
}

fn main() {
    let mut network = Loaded::new();
    network.params_mut().fill(0);
    let length: usize = network.params().len() + Loaded::PARAMS_LEN;
    println!("{length}");
}
