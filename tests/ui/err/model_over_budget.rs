//! A model that does not fit is an error with what would.

mod sram {
    herringbone::network! {
        /// The stack alone takes more.
        Sram: concat!(env!("HERRINGBONE_UI_MODELS"), "/branches.tflite"),
        target: attiny85,
    }
}

mod plan {
    herringbone::network! {
        Plan: concat!(env!("HERRINGBONE_UI_MODELS"), "/branches.tflite"),
        sram: 170,
        flash: 10000,
        reserve: 20,
        plan: row_major,
    }
}

mod flash {
    herringbone::network! {
        Flash: concat!(env!("HERRINGBONE_UI_MODELS"), "/branches.tflite"),
        sram: 4096,
        flash: 200,
    }
}

fn main() {}
