//! A network is made at compile time.

use std::sync::Mutex;

herringbone::network! {
    N: [8, 8, 1] => < A, C1(2,3), D*(3) >,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/right.safetensors"),
}

static NETWORK: Mutex<N> = Mutex::new(N::new());
const IMAGE: [u8; N::INPUT_LEN] = [0; N::INPUT_LEN];

fn main() {
    assert_eq!(NETWORK.lock().unwrap().run(&IMAGE), [1; N::CLASSES]);
}
