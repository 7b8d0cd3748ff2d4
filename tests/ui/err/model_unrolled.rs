//! Weights are instructions only where there is assembly for each operator of a model.

herringbone::network! {
    Unrolled: concat!(env!("HERRINGBONE_UI_MODELS"), "/branches.tflite"),
    target: atmega328p,
    code: unrolled,
}

fn main() {
    let results: [i8; 3] = Unrolled::new().run(&[0; 16]);
    println!("{results:?} {}", Unrolled::PLAN);
}
