//! Kinds of layers that no chain of convolutions has, each in a few shapes.

use anyhow::Result;
use herringbone_compiler::network::{
    Activation, Add, Bits, Concat, Convolution, Dense, Depthwise, Entry, Item, Kernel, Kind,
    Network, Padding, Pool, PoolFunction, PoolWindow, Separable, Shape, Stride, Window,
};
use herringbone_compiler::target::Target;
use herringbone_tests::networks::Case;

use crate::shapes::{every_form, judge_if_it_fits};

const RELU: Activation = Activation::Relu;
const LINEAR: Activation = Activation::Linear;

pub(crate) fn window(kernel: (u32, u32), stride: (u32, u32), padding: Padding) -> Window {
    Window {
        kernel: Kernel {
            height: kernel.0,
            width: kernel.1,
        },
        stride: Stride {
            rows: stride.0,
            columns: stride.1,
        },
        padding,
    }
}

pub(crate) fn convolution(outputs: u32, window: Window, activation: Activation) -> Kind {
    Kind::Convolution(Convolution {
        outputs,
        window,
        activation,
        adds: false,
    })
}

pub(crate) fn depthwise(window: Window, activation: Activation) -> Kind {
    Kind::Depthwise(Depthwise {
        window,
        activation,
        adds: false,
    })
}

fn separable(outputs: u32, window: Window, activation: Activation) -> Kind {
    Kind::Separable(Separable {
        outputs,
        window,
        activation,
        adds: false,
    })
}

fn dense(outputs: u32) -> Kind {
    Kind::Dense(Dense {
        outputs,
        activation: LINEAR,
        adds: false,
    })
}

fn pool(function: PoolFunction, kernel: (u32, u32), stride: (u32, u32)) -> Kind {
    let Window { kernel, stride, .. } = window(kernel, stride, Padding::NONE);
    Kind::Pool(Pool {
        function,
        window: PoolWindow::Sized { kernel, stride },
    })
}

fn pool_all(function: PoolFunction) -> Kind {
    Kind::Pool(Pool {
        function,
        window: PoolWindow::All,
    })
}

/// `kind` that reads labelled maps too, which it adds or concatenates.
fn joining(kind: Kind, labels: &[&str]) -> Item {
    let kind = match kind {
        Kind::Convolution(kind) => Kind::Convolution(Convolution { adds: true, ..kind }),
        Kind::Depthwise(kind) => Kind::Depthwise(Depthwise { adds: true, ..kind }),
        Kind::Separable(kind) => Kind::Separable(Separable { adds: true, ..kind }),
        Kind::Dense(kind) => Kind::Dense(Dense { adds: true, ..kind }),
        other => other,
    };
    Item {
        label: None,
        entry: Entry::Layer {
            kind,
            labels: labels.iter().map(|&label| label.to_owned()).collect(),
        },
    }
}

fn labelled(label: &str, item: Item) -> Item {
    Item {
        label: Some(label.to_owned()),
        ..item
    }
}

/// Judges a list in several widths of integers, on a part with and one without `mul`.
fn judge_list(input: (u32, u32, u32), items: &[Item]) -> Result<()> {
    let (mega, tiny) = (("atmega2560", 0x200), ("attiny85", 0x40));
    let each = [
        ((4, 4), mega),
        ((2, 8), tiny),
        ((8, 4), mega),
        ((4, 4), tiny),
        ((8, 8), mega),
    ];
    for (seed, ((weights, activations), (part, base_bytes))) in (3..).zip(each) {
        let bits = Bits {
            weights,
            activations,
            ..Bits::default()
        };
        let input = Shape::new(input.0, input.1, input.2);
        let network = Network::of_list(input, bits, items.to_vec());
        let case = Case::random(network.expect("the list is a network"), seed);
        let part = Target::named(part).expect("the part is known");
        for form in every_form(&case) {
            // At run time, sums that could pass their accumulator are refused.
            match judge_if_it_fits(part, base_bytes, &case, form) {
                Err(error) if error.to_string().contains("an accumulator has") => {}
                judged => _ = judged?,
            }
        }
    }
    Ok(())
}

fn judge_chain(input: (u32, u32, u32), kinds: &[Kind]) -> Result<()> {
    let items: Vec<Item> = kinds.iter().map(|&kind| Item::layer(kind)).collect();
    judge_list(input, &items)
}

#[test]
fn fields_beyond_the_map_read_zeros() -> Result<()> {
    let same = |side: u32| window((side, side), (1, 1), Padding::Same);
    judge_chain(
        (4, 5, 1),
        &[
            convolution(2, same(3), RELU),
            convolution(3, same(3), LINEAR),
        ],
    )?;
    judge_chain((3, 4, 2), &[convolution(3, same(5), LINEAR), dense(2)])?;
    judge_chain(
        (1, 5, 3),
        &[separable(3, same(3), RELU), convolution(2, same(4), RELU)],
    )?;
    judge_chain(
        (5, 3, 1),
        &[
            depthwise(window((3, 4), (1, 1), Padding::Each(2)), RELU),
            dense(2),
        ],
    )
}

#[test]
fn fields_may_be_several_pixels_apart() -> Result<()> {
    for stride in [(1, 2), (3, 1), (2, 2), (4, 3)] {
        let each = |kernel: (u32, u32), padding| window(kernel, stride, padding);
        let convolution = convolution(3, each((3, 3), Padding::Same), RELU);
        judge_chain(
            (7, 9, 2),
            &[
                convolution,
                depthwise(each((2, 2), Padding::Each(1)), LINEAR),
            ],
        )?;
        judge_chain(
            (9, 8, 1),
            &[separable(2, each((2, 3), Padding::NONE), RELU), dense(2)],
        )?;
    }
    Ok(())
}

#[test]
fn each_channel_may_be_summed_up_alone() -> Result<()> {
    let valid = |side: u32| Window::valid(Kernel::square(side));
    for channels in [1, 3, 4, 13] {
        let kinds = [depthwise(valid(3), RELU), depthwise(valid(2), LINEAR)];
        judge_chain((5, 4, channels), &kinds)?;
        judge_chain((5, 4, channels), &[depthwise(valid(1), LINEAR), dense(1)])?;
    }
    Ok(())
}

#[test]
fn maps_may_be_added() -> Result<()> {
    for activation in [RELU, LINEAR] {
        for channels in [2, 3] {
            let valid = |side: u32| Window::valid(Kernel::square(side));
            let same = window((3, 3), (1, 1), Padding::Same);
            let first = labelled(
                "x",
                Item::layer(convolution(channels, valid(1), activation)),
            );
            let between = Item::layer(convolution(channels, same, RELU));
            for last in [
                Kind::Add(Add { activation }),
                convolution(channels, same, activation),
                depthwise(same, activation),
                separable(channels, valid(1), activation),
            ] {
                let items = [first.clone(), between.clone(), joining(last, &["x"])];
                judge_list((4, 3, 2), &items)?;
                let then = Item::layer(dense(2));
                judge_list((4, 3, 2), &[&items[..], &[then]].concat())?;
            }
        }
    }
    Ok(())
}

#[test]
fn maps_may_be_added_to_dense_layers() -> Result<()> {
    let pooled = labelled("x", Item::layer(pool_all(PoolFunction::Maximum)));
    let add = joining(dense(3), &["x"]);
    let input = Entry::From("input".to_owned());
    let from = Item {
        label: None,
        entry: input,
    };
    judge_list((3, 3, 3), &[pooled, from, add])?;
    let pooled = Item::layer(pool_all(PoolFunction::Maximum));
    let same = window((2, 3), (1, 2), Padding::Same);
    let convolution = labelled("x", Item::layer(convolution(3, same, RELU)));
    judge_list((6, 9, 1), &[pooled, convolution, joining(dense(3), &["x"])])
}

/// Its pixels come from a row of windows, and its sums are completed by what comes later.
#[test]
fn a_dense_layer_may_read_windows_and_add_what_is_computed_after_them() -> Result<()> {
    let from = |label: &str| Item {
        label: None,
        entry: Entry::From(label.to_owned()),
    };
    let single = Window::valid(Kernel::square(1));
    judge_list(
        (4, 4, 3),
        &[
            labelled("pixels", Item::layer(convolution(1, single, RELU))),
            labelled(
                "pooled",
                Item::layer(pool(PoolFunction::Maximum, (2, 2), (2, 2))),
            ),
            from("pixels"),
            labelled("later", Item::layer(dense(2))),
            from("pooled"),
            joining(dense(2), &["later"]),
        ],
    )
}

#[test]
fn maps_may_be_concatenated() -> Result<()> {
    let valid = |side: u32| Window::valid(Kernel::square(side));
    for (a, b) in [(2, 4), (3, 2), (1, 3), (12, 10)] {
        let items = [
            labelled("a", Item::layer(convolution(a, valid(2), RELU))),
            labelled("b", Item::layer(convolution(b, valid(1), RELU))),
            joining(Kind::Concat(Concat), &["a", "b"]),
            Item::layer(dense(2)),
        ];
        judge_list((4, 4, 1), &items)?;
        judge_list((4, 4, 1), &items[..3])?;
    }
    Ok(())
}

/// More maps than the registers of a loop find places for.
#[test]
fn any_number_of_maps_may_be_concatenated() -> Result<()> {
    const LABELS: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
    let single = Window::valid(Kernel::square(1));
    for channels in [[1, 2], [2, 4]] {
        let mut items = Vec::new();
        for (label, channels) in LABELS.into_iter().zip(channels.into_iter().cycle()) {
            let item = Item::layer(convolution(channels, single, RELU));
            items.push(labelled(label, item));
            items.push(Item {
                label: None,
                entry: Entry::From("input".to_owned()),
            });
        }
        items.push(joining(Kind::Concat(Concat), &LABELS));
        judge_list((2, 3, 1), &items)?;
        items.push(Item::layer(dense(2)));
        judge_list((3, 2, 1), &items)?;
    }
    Ok(())
}

#[test]
fn windows_may_overlap_skip_and_have_any_size() -> Result<()> {
    let valid = Window::valid(Kernel::square(2));
    for function in [PoolFunction::Average, PoolFunction::Maximum] {
        for activation in [RELU, LINEAR] {
            let before = convolution(3, valid, activation);
            for (kernel, stride) in [((3, 3), (2, 1)), ((2, 2), (3, 3)), ((5, 7), (1, 2))] {
                judge_chain((9, 9, 1), &[before, pool(function, kernel, stride)])?;
            }
            judge_chain((9, 9, 1), &[before, pool_all(function), dense(2)])?;
        }
    }
    Ok(())
}

#[test]
fn maps_may_be_longer_than_a_byte_counts() -> Result<()> {
    let row = |width: u32, padding| window((1, width), (1, 1), padding);
    judge_chain(
        (1, 300, 1),
        &[convolution(2, row(3, Padding::Same), RELU), dense(1)],
    )?;
    judge_chain(
        (1, 290, 1),
        &[depthwise(row(4, Padding::NONE), LINEAR), dense(1)],
    )?;
    judge_chain(
        (280, 1, 1),
        &[
            depthwise(window((3, 3), (1, 1), Padding::Same), RELU),
            dense(1),
        ],
    )
}
