//! Networks whose layers run together in ways that chains of tiles and kernels at
//! every pixel do not have: by strides, over windows of any size, with paddings and
//! joins.

use anyhow::{Result, ensure};
use herringbone_compiler::network::{
    Activation, Bits, Convolution, Item, Kernel, Kind, Network, Padding, Pool, PoolFunction,
    PoolWindow, Shape, Stride, Window,
};
use herringbone_compiler::target::Target;
use herringbone_tests::layers;
use herringbone_tests::networks::Case;

use crate::shapes::{every_form, judge_if_it_fits};

const NIBBLES: Bits = Bits {
    weights: 4,
    biases: 8,
    activations: 4,
};
const BYTES: Bits = Bits {
    weights: 8,
    biases: 16,
    activations: 8,
};

const fn kernel(height: u32, width: u32) -> Kernel {
    Kernel { height, width }
}

fn pool(function: PoolFunction, kernel: Kernel, rows: u32, columns: u32) -> Kind {
    let stride = Stride { rows, columns };
    Kind::Pool(Pool {
        function,
        window: PoolWindow::Sized { kernel, stride },
    })
}

fn average(kernel: Kernel, rows: u32, columns: u32) -> Kind {
    pool(PoolFunction::Average, kernel, rows, columns)
}

fn maximum(kernel: Kernel, rows: u32, columns: u32) -> Kind {
    pool(PoolFunction::Maximum, kernel, rows, columns)
}

fn all(function: PoolFunction) -> Kind {
    Kind::Pool(Pool {
        function,
        window: PoolWindow::All,
    })
}

fn convolution(outputs: u32, kernel: Kernel, rows: u32, columns: u32, padding: Padding) -> Kind {
    Kind::Convolution(Convolution {
        outputs,
        window: Window {
            kernel,
            stride: Stride { rows, columns },
            padding,
        },
        activation: Activation::Relu,
        adds: false,
    })
}

fn dense(outputs: u32) -> Kind {
    layers::dense(outputs, Activation::Linear)
}

/// By every plan and in every form, on parts with and without `mul`, `jmp` and `elpm`,
/// as far as they have room.
fn judge_all(shape: Shape, bits: Bits, items: &[Item]) -> Result<()> {
    let network = Network::of_list(shape, bits, items.to_vec());
    let network = network.unwrap_or_else(|errors| panic!("{errors:?}"));
    let case = Case::random(network, 3);
    let mut judged = 0;
    for (part, base_bytes) in [
        ("atmega328p", 0x100),
        ("attiny85", 0x40),
        ("atmega2560", 0x1_FE00),
    ] {
        let part = Target::named(part).expect("the part is known");
        for form in every_form(&case) {
            judged += u32::from(judge_if_it_fits(part, base_bytes, &case, form)?);
        }
    }
    ensure!(judged > 0, "{}: no part has room", case.list());
    Ok(())
}

fn judge_chain(shape: Shape, bits: Bits, kinds: &[Kind]) -> Result<()> {
    let items: Vec<Item> = kinds.iter().map(|&kind| Item::layer(kind)).collect();
    judge_all(shape, bits, &items)
}

/// Windows that overlap, leave bytes out, are no powers of two or the whole input;
/// sums of two and of four bytes.
#[test]
fn a_leading_average_may_have_any_windows() -> Result<()> {
    let rest = [
        layers::convolution(3, kernel(1, 1), Activation::Relu),
        dense(2),
    ];
    for (shape, first) in [
        (Shape::new(10, 13, 1), average(kernel(3, 3), 3, 3)),
        (Shape::new(11, 7, 2), average(kernel(5, 2), 5, 2)),
        (Shape::new(9, 8, 3), average(kernel(3, 2), 1, 1)),
        (Shape::new(9, 10, 1), average(kernel(4, 5), 2, 3)),
        (Shape::new(8, 9, 2), average(kernel(1, 2), 3, 4)),
        (Shape::new(19, 17, 1), average(kernel(8, 8), 8, 8)),
        (Shape::new(19, 18, 1), average(kernel(8, 8), 1, 4)),
        (Shape::new(5, 7, 3), all(PoolFunction::Average)),
        (Shape::new(21, 23, 1), all(PoolFunction::Average)),
    ] {
        for bits in [NIBBLES, BYTES] {
            judge_chain(shape, bits, &[&[first], &rest[..]].concat())?;
            judge_chain(shape, bits, &[first])?;
        }
    }
    Ok(())
}

/// Rows and columns that take two bytes of the cursor.
#[test]
fn an_input_may_have_more_than_255_rows_or_columns() -> Result<()> {
    for (shape, kinds) in [
        (
            Shape::new(700, 1, 3),
            vec![
                convolution(2, kernel(5, 1), 3, 1, Padding::NONE),
                maximum(kernel(4, 1), 4, 1),
            ],
        ),
        (
            Shape::new(1, 600, 1),
            vec![
                convolution(3, kernel(1, 4), 1, 2, Padding::NONE),
                average(kernel(1, 3), 1, 3),
            ],
        ),
        (
            Shape::new(2, 300, 1),
            vec![
                average(kernel(1, 7), 1, 7),
                convolution(2, kernel(2, 2), 1, 1, Padding::NONE),
            ],
        ),
        (
            Shape::new(1, 290, 1),
            vec![average(kernel(1, 3), 1, 1), maximum(kernel(1, 3), 1, 2)],
        ),
        (
            Shape::new(1, 290, 1),
            vec![
                layers::convolution(1, kernel(1, 3), Activation::Relu),
                maximum(kernel(1, 3), 1, 3),
            ],
        ),
        (Shape::new(520, 1, 1), vec![all(PoolFunction::Average)]),
    ] {
        for bits in [NIBBLES, BYTES] {
            judge_chain(shape, bits, &[&kinds[..], &[dense(2)]].concat())?;
        }
    }
    Ok(())
}

/// Strides whose product is no power of two.
#[test]
fn strides_need_not_be_powers_of_two() -> Result<()> {
    let strided = |outputs, side, stride| {
        convolution(outputs, Kernel::square(side), stride, stride, Padding::NONE)
    };
    for kinds in [
        vec![strided(3, 3, 2), strided(2, 2, 3), dense(3)],
        vec![strided(4, 2, 3), maximum(kernel(3, 2), 3, 2), dense(3)],
        vec![strided(3, 1, 2), average(kernel(3, 3), 3, 3), dense(2)],
        vec![strided(5, 3, 1), maximum(kernel(5, 3), 5, 3), dense(2)],
    ] {
        for bits in [NIBBLES, BYTES] {
            judge_chain(Shape::new(19, 22, 1), bits, &kinds)?;
        }
    }
    Ok(())
}

/// Two bytes a sum of more than 127 channels: the distance of two windows of a row is
/// no byte.
#[test]
fn a_window_may_have_more_than_255_bytes() -> Result<()> {
    let convolution = layers::convolution(129, kernel(1, 1), Activation::Relu);
    let pool = average(kernel(1, 2), 1, 2);
    judge_chain(Shape::new(1, 4, 1), BYTES, &[convolution, pool, dense(1)])?;
    judge_chain(Shape::new(1, 4, 129), BYTES, &[pool, dense(1)])
}

/// Windows in the middle: over the whole map, of sums of one, two and four bytes.
#[test]
fn a_pooling_may_have_any_tiles() -> Result<()> {
    let signed = layers::convolution(3, kernel(2, 2), Activation::Linear);
    let unsigned = layers::convolution(4, kernel(2, 2), Activation::Relu);
    for first in [signed, unsigned] {
        for pool in [
            average(kernel(3, 3), 3, 3),
            average(kernel(7, 1), 7, 1),
            average(kernel(8, 8), 8, 8),
            maximum(kernel(6, 7), 6, 7),
            all(PoolFunction::Average),
            all(PoolFunction::Maximum),
        ] {
            for bits in [NIBBLES, BYTES] {
                judge_chain(Shape::new(17, 18, 1), bits, &[first, pool, dense(2)])?;
            }
        }
    }
    Ok(())
}
