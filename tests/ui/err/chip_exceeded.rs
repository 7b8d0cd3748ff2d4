//! Networks that the chip holds alone and not together, for different chips, for none,
//! and what is no list of types.

mod large {
    herringbone::network! {
        pub(crate) First: [28, 28, 1] => < A, C1(14,3), M, D*(10) >,
        target: atmega328p,
        plan: row_major,
    }

    herringbone::network! {
        pub(crate) Second: [28, 28, 1] => < A, C1(14,3), M, D*(12) >,
        target: atmega328p,
        plan: row_major,
    }

    herringbone::chip! { [First, Second] }
}

mod without_multiplier {
    herringbone::network! {
        pub(crate) Third: [8, 8, 1] => < A, C1(2,3), D*(3) >,
        target: attiny85,
    }

    herringbone::chip! { [super::large::First, Third] }
}

mod tables_alone {
    herringbone::network! {
        First: [14, 14, 1] => < C1(4,3), M, D(128), D*(10) >,
        target: stm32f030f4,
    }

    herringbone::network! {
        Second: [14, 14, 1] => < C1(4,3), M, D(120), D*(10) >,
        target: stm32f030f4,
    }

    herringbone::chip! { [First, Second] }
}

mod host {
    herringbone::network! {
        Fourth: [8, 8, 1] => < A, C1(2,3), D*(3) >,
    }

    herringbone::chip! { [Fourth] }
    herringbone::chip! { Fourth }
    herringbone::shared_arena! { pub Either: [Fourth] }
}

mod wrong {
    herringbone::network! {
        Fifth: [8, 8, 1] => < A, C1(0,3), D*(3) >,
    }

    herringbone::chip! { [Fifth] }
}

fn main() {}
