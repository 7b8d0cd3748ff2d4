//! Networks of one chip, which it has room for, and two of them in one arena.

herringbone::network! {
    Digits: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, D*(10) >,
    target: atmega328p,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/digits.safetensors"),
}

herringbone::network! {
    Small: [8, 8, 1] => < A, C1(2,3), D*(3) >,
    target: atmega328p,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/right.safetensors"),
}

herringbone::network! {
    /// Each of which would take all of the chip for itself.
    Sized: [16, 16, 1] => < C1(4,3), M, D*(3) >,
    target: atmega328p,
}

herringbone::shared_arena! {
    pub(crate) Either: [Digits, Small]
}

herringbone::chip! { [Either, Sized] }
herringbone::chip! { [Digits, Small, Sized] }

fn main() {
    let mut either = Either::new();
    assert_eq!(
        size_of::<Either>(),
        size_of::<Digits>().max(size_of::<Small>()) + 1
    );
    let alone = Small::new().run(&[9; 64]);
    assert_eq!(either.begin::<Small>().run(&[9; 64]), alone);
    let digits = either.begin::<Digits>();
    assert_eq!(digits.push(1), None);
    // What was begun is left, and begins again.
    assert_eq!(either.begin::<Digits>().run(&[7; 784]), Digits::new().run(&[7; 784]));
    assert_eq!(either.begin::<Small>().run(&[9; 64]), alone);
}
