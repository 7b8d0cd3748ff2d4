use super::*;
use crate::declaration::{CodeChoice, PlanChoice, WeightsSource};
use crate::network::{Bits, Dropout, Kind, LayerId, Network, NodeId, Shape};

fn parse_text(text: &str) -> Parsed {
    parse(text.parse().unwrap())
}

/// The messages about a declaration.
pub(super) fn errors(text: &str) -> Vec<String> {
    let parsed = parse_text(text);
    assert_eq!(
        parsed.declaration.is_some(),
        parsed.errors.is_empty(),
        "{text}"
    );
    parsed.errors.messages()
}

/// Every layer as it is shown.
fn written(network: &Network) -> Vec<String> {
    network.nodes().iter().map(ToString::to_string).collect()
}

/// The messages about a declaration with these keys.
fn key_errors(keys: &str) -> Vec<String> {
    errors(&format!("N: [28, 28, 1] => < A, D*(10) >, {keys}"))
}

#[test]
fn a_whole_declaration_is_read() {
    let parsed = parse_text(
        r#"
        /// Digits.
        #[derive(Clone)]
        pub(crate) Digits: [28, 27, 1] => <A,C1(5,3), C2*(8,1), M(4), Dr(0.25), Dr, D*(10)>,
        weights: concat!(env!("OUT_DIR"), "/digits.safetensors"),
        target: "atmega328p", reserve: 0x100,
        bits: { activations: 8, weights: 2 }, plan: smallest, code: table,
        "#,
    );
    assert_eq!(parsed.errors.messages(), [""; 0]);
    let outline = Outline {
        samples: None,
        input_len: Some(756),
        classes: Some(10),
        weights: WeightsSource::File,
        parameter_bytes: None,
    };
    assert_eq!(parsed.outline, outline);
    let (ast, declaration) = (parsed.ast.unwrap(), parsed.declaration.unwrap());
    assert_eq!(ast.attributes.len(), 2);
    assert_eq!(ast.name, "Digits");
    assert_eq!(
        ast.layer_tokens(LayerId(2)).to_string().replace(' ', ""),
        "C2*(8,1)"
    );
    assert_eq!(ast.outputs_tokens(LayerId(1)).to_string(), "5");
    assert!(ast.weights_file().is_some());
    let network = &declaration.network;
    assert_eq!(network.input(), Shape::new(28, 27, 1));
    assert_eq!(
        written(network),
        [
            "A", "C1(5,3)", "C2*(8,1)", "M(4)", "Dr(0.25)", "Dr", "D*(10)"
        ]
    );
    let dropout = |id| network.node(NodeId::new(id)).kind;
    let share = |probability| Kind::Dropout(Dropout { probability });
    assert_eq!((dropout(4), dropout(5)), (share(0.25), share(0.5)));
    assert_eq!(
        network.bits(),
        Bits {
            weights: 2,
            biases: 16,
            activations: 8
        }
    );
    assert_eq!(declaration.budget.sram_bytes, Some(2048));
    assert_eq!(declaration.budget.flash_bytes, Some(32768));
    assert_eq!(declaration.reserve.sram_bytes, Some(256));
    assert_eq!(declaration.reserve.flash_bytes, None);
    assert_eq!(
        (declaration.plan, declaration.code),
        (PlanChoice::Smallest, CodeChoice::Table)
    );
}

#[test]
fn fragments_of_macro_rules_are_opened() {
    use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
    let wrap = |text: &str| {
        let inner = text.parse::<TokenStream>().unwrap();
        TokenTree::from(Group::new(Delimiter::None, inner))
    };
    let (visibility, name, side) = (wrap("pub"), wrap("N"), wrap("28"));
    let (outputs, path) = (wrap("10"), wrap(r#"concat!("a", "b")"#));
    let tokens = quote::quote! {
        #visibility #name: [#side, #side, 1] => < A, D*(#outputs) >, weights: #path
    };
    assert_eq!(parse(tokens).errors.messages(), [""; 0]);
}

#[test]
fn a_sparsity_is_a_share_of_all_weights() {
    let sparsity = |value: &str| {
        let text = format!("N: [28, 28, 1] => < D*(10) >, {value}");
        parse(text.parse().unwrap())
            .declaration
            .map(|it| it.sparsity)
    };
    assert_eq!(sparsity(""), Some(0.0));
    assert_eq!(sparsity("sparsity: 0"), Some(0.0));
    assert_eq!(sparsity("sparsity: 0.55"), Some(0.55));
    for value in ["1", "1.0", "-0.5", "\"half\"", "0.5f32"] {
        let text = format!("N: [28, 28, 1] => < D*(10) >, sparsity: {value}");
        let message =
            format!("`sparsity` takes a share from 0 to below 1, such as `0.5`, found `{value}`");
        assert_eq!(errors(&text), [message]);
    }
}

#[test]
fn all_mistakes_are_reported_at_once_and_each_once() {
    assert_eq!(
        errors(
            "N: [28, 0, 1] => < A*, C3(5,3), C1(0,12), M, D(10) >, sram: 2k, wieghts: 1, \
             sram: 5, bits: { weights: 3, bias: 8 }, target: atmega382p"
        ),
        [
            "expected the input's width, from 1 to 65535, found `0`",
            "`A` takes no star: a star leaves out the activation, and `A` has none",
            "unknown layer `C3`: expected one of A, M, C1, C2, T, D, R, Add, Cat, G, Bonsai, Proto, Dr, N",
            "`C1` takes from 1 to 255 outputs, found 0",
            "kernel 12 is not supported: expected 1 to 11",
            "expected bytes for `sram`, from 1 to 4294967295, found `2k`: write the number without a suffix",
            "unknown key `wieghts`: did you mean `weights`? expected one of target, sram, flash, \
             weights, bits, reserve, results, plan, code, window, features, sparsity",
            "duplicate key `sram`: it is given above as `2k`",
            "expected 2, 4 or 8 bits for `weights`, found `3`",
            "unknown entry `bias` of `bits`: did you mean `biases`? expected weights, biases or activations",
            "unknown target `atmega382p`: did you mean `atmega328p`, `atmega32` or `atmega323`? \
             or give its `sram` and `flash` in bytes instead",
        ]
    );
}

#[test]
fn a_missing_mark_is_one_error_and_the_rest_is_read() {
    for (text, message) in [
        (
            "",
            "expected the network's name, `Name: [height, width, channels] => < layers >`, found the end of the declaration",
        ),
        (
            "pub",
            "expected the network's name, `Name: [height, width, channels] => < layers >`, found the end of the declaration",
        ),
        (
            "N",
            "expected `:` and the input's shape, `[height, width, channels]`, found the end of the declaration",
        ),
        (
            "N:",
            "expected the input's shape, `[height, width, channels]`, found the end of the declaration",
        ),
        (
            "N [8, 8, 1] => < A >",
            "expected `:` after the network's name, found `[8, 8, 1]`",
        ),
        (
            "N = [8, 8, 1] => < A >",
            "expected `:` after the network's name, found `=`",
        ),
        (
            "N: [8, 8, 1]",
            "expected `=>` and the layers, `=> < … >`, found the end of the declaration",
        ),
        (
            "N: [8, 8, 1] -> < A >",
            "expected `=>` between the input's shape and the layers, found `-`",
        ),
        (
            "N: [8, 8, 1] < A >",
            "expected `=>` between the input's shape and the layers, found `<`",
        ),
        (
            "N: [8, 8, 1], sram: 2048",
            "expected `=>` between the input's shape and the layers, found `,`",
        ),
        (
            "N: [8, 8, 1] =>",
            "expected `<` before the first layer, found the end of the declaration",
        ),
        (
            "N: [8, 8, 1] => A, M >, sram: 2048",
            "expected `<` before the first layer, found `A`",
        ),
        (
            "N: [8, 8, 1] => A, M, sram: 2048",
            "expected `<` before the first layer, found `A`",
        ),
        (
            "N: [8, 8, 1] => [A, M], sram: 2048",
            "expected the layers between `<` and `>`",
        ),
        (
            "N: [8, 8, 1] => < A, M, sram: 2048",
            "expected `>` after the last layer",
        ),
        (
            "N: [8, 8, 1] => < A, M sram: 2048",
            "expected `>` after the last layer",
        ),
        (
            "N: [8, 8, 1] => < >",
            "the list is empty: expected at least one layer, such as `D*(10)`",
        ),
        (
            "N: [8, 8, 1] => < A M >",
            "expected `,` between `A` and `M`",
        ),
        (
            "N: [8, 8, 1] => < A + M >",
            "expected `,` or `>` after `A`, found `+M`",
        ),
        (
            "N: [8, 8, 1] => < A >, sram: 2048; flash: 4096",
            "expected `,` between two keys, found `;`",
        ),
        (
            "N: 8, 8, 1 => < A >",
            "expected the input's shape, `[height, width, channels]`, found `8`",
        ),
        (
            "N: , sram: 2048",
            "expected the input's shape, `[height, width, channels]`, found `,`",
        ),
        (
            "#![a] N: [8, 8, 1] => < A >",
            "expected `#[…]`: an attribute of a network comes before its name, found `#!`",
        ),
        (
            "N: [8, 8, 1] => < A, , M >",
            "expected a layer before this comma, one of A, M, C1, C2, T, D, R, Add, Cat, G, Bonsai, Proto, Dr, N",
        ),
        (
            "N: [8, 8, 1] => < A, M > sram: 2048",
            "expected `,` after the layers, found `sram`",
        ),
        (
            "N: [8, 8, 1] => < A, M >; sram: 2048",
            "expected `,` after the layers, found `;`",
        ),
        (
            "N: [8, 8, 1] => < A >, sram: 2048 flash: 4096",
            "expected `,` before `flash`",
        ),
        (
            "N: [8, 8, 1] => < A >, sram = 2048, flash: 1",
            "expected `:` after `sram`, found `=`",
        ),
        (
            "N: [8, 8, 1] => < A >, sram:",
            "`sram` needs a value: bytes, such as `2048`",
        ),
        (
            "N: [8, 8] => < A >",
            "expected 3 dimensions, `[height, width, channels]`, found 2",
        ),
        (
            "N: (8, 8, 1) => < A >",
            "expected the input's shape in brackets, `[height, width, channels]`",
        ),
        (
            "struct N: [8, 8, 1] => < A >",
            "expected the network's name, found the keyword `struct`: leave it out, a network is `Name: [height, width, channels] => < layers >`",
        ),
        (
            "_: [8, 8, 1] => < A >",
            "expected the network's name, found the keyword `_`",
        ),
    ] {
        assert_eq!(errors(text), [message], "{text}");
    }
}

#[test]
fn a_wrong_value_is_one_error() {
    for (keys, message) in [
        (
            "target: 5",
            "`target` takes a microcontroller's name, such as `atmega328p`, found `5`",
        ),
        (
            "target: atmega328p, sram: 2048",
            "`target: atmega328p` says 2048 bytes of sram already: leave `sram` or `target` out",
        ),
        (
            "target: cortex_m0, sram: 2048",
            "`cortex_m0` is a core, which parts have with any memory: give `flash` in bytes too, or name a part",
        ),
        (
            "target: rv32ec",
            "`rv32ec` is a core, which parts have with any memory: give `sram` and `flash` in bytes too, or name a part",
        ),
        (
            "sram: 0",
            "expected bytes for `sram`, from 1 to 4294967295, found `0`",
        ),
        (
            "sram: 2 * 1024",
            "expected bytes for `sram`, from 1 to 4294967295, found `2*1024`",
        ),
        (
            "sram: 512, reserve: 512",
            "a reserve of 512 bytes leaves nothing of 512 bytes of SRAM: reserve less",
        ),
        (
            "code: unrolled, weights: runtime",
            "`unrolled` writes weights down as constants, and weights at `runtime` are none: leave `code` out, or give the path of a file",
        ),
        ("weights: \"\"", "the path of the weights file is empty"),
        (
            "weights: digits",
            "`weights` takes `runtime` or a path: a string literal, `env!(\"NAME\")` or `concat!(…)` of these, found `digits`",
        ),
        (
            "weights: concat!(env!(\"A\"), b)",
            "expected a string literal or `env!(\"NAME\")`, found `b`",
        ),
        (
            "bits: 4",
            "`bits` takes widths, such as `{ weights: 4, biases: 16, activations: 4 }`, found `4`",
        ),
        (
            "bits: { weights: 4, weights: 8 }",
            "duplicate entry `weights` of `bits`: it is given before",
        ),
        (
            "plan: 5",
            "`plan` takes `row_major`, `herringbone`, `segments`, `streamed`, `streamed(2)`, `streamed(2, row_major)` or `smallest`, found `5`",
        ),
        (
            "code: loops",
            "`code` takes `unrolled` or `table`, found `loops`",
        ),
    ] {
        assert_eq!(key_errors(keys), [message], "{keys}");
    }
}

#[test]
fn an_input_larger_than_an_avr_array_is_refused() {
    let with = |keys: &str| errors(&format!("N: [255, 255, 1] => < A, D*(10) >{keys}"));
    assert_eq!(
        with(", target: atmega2560"),
        [
            "an input of 255×255×1 takes 65025 bytes, but an array on atmega2560 takes at most 32767: use a smaller input"
        ]
    );
    assert_eq!(with(""), [""; 0]);
}

#[test]
fn the_outline_survives_mistakes() {
    let outline = |text: &str| {
        let Outline {
            input_len,
            classes,
            weights,
            ..
        } = parse_text(text).outline;
        (input_len, classes, weights)
    };
    assert_eq!(
        outline("N: [8, 8, 1] => < C3, D*(10), Dr >"),
        (Some(64), Some(10), WeightsSource::Nowhere)
    );
    assert_eq!(
        outline("N: [8, 8, x] => < D*(10) >, weights: 5"),
        (None, Some(10), WeightsSource::File)
    );
    assert_eq!(
        outline("N: [8, 8, 1] => < A, 3 >, weights: runtime"),
        (Some(64), None, WeightsSource::Runtime)
    );
    assert_eq!(
        outline("N: [8, 8, 1] => < A, M >, sram: x"),
        (Some(64), Some(4), WeightsSource::Nowhere)
    );
    assert_eq!(
        outline("N: [8, 8, 1] => < A, 3 >"),
        (Some(64), None, WeightsSource::Nowhere)
    );
}

#[test]
fn the_code_of_a_layer_overrides_that_of_the_network() {
    let parsed = parse_text(
        "N: [28, 28, 1] => < A, C1(5,3), C2*(code: table, 8, 3), D*(10, code: unrolled,) >, \
         code: table, target: atmega328p, reserve: { flash: 2048 }",
    );
    assert_eq!(parsed.errors.messages(), [""; 0]);
    let declaration = parsed.declaration.unwrap();
    let codes = [0, 1, 2, 3].map(|layer| declaration.code_of(LayerId(layer)));
    let (table, unrolled) = (CodeChoice::Table, CodeChoice::Unrolled);
    assert_eq!(codes, [table, table, table, unrolled]);
    let layers = written(&declaration.network);
    assert_eq!(layers, ["A", "C1(5,3)", "C2*(8,3)", "D*(10)"]);
    let reserve = declaration.reserve;
    assert_eq!(
        (reserve.sram_bytes, reserve.flash_bytes),
        (None, Some(2048))
    );
}

#[test]
fn one_mistake_is_one_error() {
    let one = |text: &str, part: &str| {
        let messages = errors(text);
        assert_eq!(messages.len(), 1, "{text}: {messages:#?}");
        assert!(messages[0].contains(part), "{text}: {messages:#?}");
    };
    one("N<T>: [28, 28, 1] => < D*(10) >", "no generic parameters");
    one(
        "N<'a, T>: [28, 28, 1] => < D*(10) >",
        "no generic parameters",
    );
    one("N: [28, 28, 1] => < C1::<5>(3), D*(10) >", "after `C1`");
    one(
        "A: [8, 8, 1] => < D*(3) >; pub M: [8, 8, 1] => < D*(3) >",
        "declare `M` in another",
    );
    one(
        "A: [8, 8, 1] => < D*(3) >, plan: smallest, pub(crate) M: [8, 8, 1] => < D*(3) >, code: table",
        "declare `M` in another",
    );
    one(
        "A: [8, 8, 1] => < D*(3) >, #[derive(Debug)] M: [8, 8, 1] => < D*(3) >",
        "declare `M` in another",
    );
    one("#[repr(align(64))] N: [8, 8, 1] => < D*(3) >", "no `repr`");
}

#[test]
fn a_core_has_the_memory_that_the_declaration_gives() {
    for core in ["cortex_m0", "cortex_m0plus", "rv32ec", "rv32imc"] {
        let text = format!("N: [8, 8, 1] => < D*(3) >, flash: 16384, target: {core}, sram: 2048");
        let declaration = parse(text.parse().unwrap()).declaration.unwrap();
        let budget = declaration.budget;
        assert_eq!(budget.target.map(|target| target.name), Some(core));
        assert_eq!(budget.sram_bytes, Some(2048));
        assert_eq!(budget.flash_bytes, Some(16384));
        assert!(crate::backend::lanes::Core::written_for(budget.target.unwrap()).is_some());
    }
}

#[test]
fn an_image_whose_channels_come_first_is_recognised() {
    let messages = errors("N: [1, 28, 28] => < C1(8,3), M, D*(10) >");
    assert!(
        messages[0].contains("did you mean `[28, 28, 1]`?"),
        "{messages:#?}"
    );
    let messages = errors("N: [1, 28, 3] => < C1(8,3), M, D*(10) >");
    assert!(!messages[0].contains("meant"), "{messages:#?}");
}

#[test]
fn a_window_is_of_the_inputs_samples() {
    let errors_of =
        |input: &str, window: &str| errors(&format!("N: {input} => < D*(4) >, window: {window}"));
    let series = "[1, 64, 3]";
    assert_eq!(errors_of(series, "{ stride: 16, length: 64 }"), [""; 0]);
    assert_eq!(
        errors_of("[32, 20, 1]", "{ length: 32, stride: 1 }"),
        [""; 0]
    );
    assert_eq!(
        errors_of(series, "{ length: 128, stride: 16 }"),
        ["a window of 128 samples is not the input, which has 64 columns: write `length: 64`"]
    );
    assert_eq!(
        errors_of(series, "{ length: 64, stride: 65 }"),
        ["a stride of 65 samples leaves some out of every window of 64: use at most 64"]
    );
    assert_eq!(
        errors_of(series, "{ length: 64, stride: 0 }"),
        ["expected samples for `stride`, from 1 to 65535, found `0`"]
    );
    assert_eq!(
        errors_of(series, "{ length: 64 }"),
        ["`window` takes samples, such as `{ length: 128, stride: 16 }`, found `{length: 64}`"]
    );
    let features = |length: u32| {
        format!(
            "{{ length: {length}, stride: 1 }}, \
             features: log_mel {{ rate: 8000, frame: 256, bands: 20 }}"
        )
    };
    for whole_rows in ["[32, 20, 1]", "[1, 32, 20]", "[32, 1, 20]"] {
        assert_eq!(errors_of(whole_rows, &features(32)), [""; 0]);
    }
    assert_eq!(
        errors_of("[1, 20, 1]", &features(20)),
        [
            "a sample of a window of features is a whole row of 20 values, and this input's samples \
          are its 20 columns of 1: make the input as many rows"
        ]
    );
    let parsed = parse_text("N: [1, 64, 3] => < D*(4) >, window: { length: 64, stride: 16 }");
    let declaration = parsed.declaration.unwrap();
    assert_eq!(declaration.window_bytes(), 64 * 3 + 4);
    let window = declaration.window.unwrap();
    assert_eq!(window.stride_bytes(declaration.network.input()), 48);
}
