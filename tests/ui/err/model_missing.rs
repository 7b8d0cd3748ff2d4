//! A model is read where it is.

herringbone::network! {
    Missing: concat!(env!("HERRINGBONE_UI_MODELS"), "/no_such.tflite"),
}

fn main() {
    let results: [i8; 3] = Missing::new().run(&[0; 16]);
    println!("{results:?} {}", Missing::PLAN);
}
