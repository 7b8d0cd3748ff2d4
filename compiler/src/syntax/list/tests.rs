use super::letter::{Letter, Named};
use crate::network::{LayerId, Network};
use crate::syntax::parse;
use crate::syntax::tests::errors;
use proptest::prelude::*;

/// The messages about a declaration with this list.
fn list_errors(list: &str) -> Vec<String> {
    errors(&format!("N: [28, 28, 1] => < {list} >"))
}

/// The network of that list, over an input of 24×24×3.
fn network(list: &str) -> Network {
    let parsed = parse(format!("N: [24, 24, 3] => < {list} >").parse().unwrap());
    let messages = parsed.errors.messages();
    let declaration = parsed.declaration;
    declaration
        .unwrap_or_else(|| panic!("{list}: {messages:?}"))
        .network
}

/// A list as its network shows it.
fn shown(network: &Network) -> String {
    let items = network.items().iter().map(ToString::to_string);
    items.collect::<Vec<_>>().join(", ")
}

#[test]
fn a_list_is_shown_as_it_is_declared() {
    for list in [
        "A, A(1x2), M(2x1), C1(8,3), C1(8,1x3), C2*(6,3x1), D*(3)",
        "C1(8,4, stride: 2, padding: same), C2*(6,11x2, stride: 1x3, padding: 1, code: table), D(3)",
        "C1(8,3, padding: 2), T(5, stride: 3), T*(3x1, code: unrolled), M(3, stride: 1), A(all)",
        "M(7x8), A(1), 'x: C1(4,1), R(3), R(2x5), Add*('x), A(3, stride: 2x4), M(all), D*(2)",
        "'a: C1*(4,1), 'b: C1*(4,1, add: 'a), 'input, T*(3, padding: same), Cat('b, 'a), N(0.25)",
        "'x: D(4), Dr, D(4, add: 'x, code: table), Dr(0.25), D*(4)",
    ] {
        let plain = list
            .replace(", code: table", "")
            .replace(", code: unrolled", "");
        assert_eq!(shown(&network(list)), plain);
    }
    // What says nothing is left out.
    assert_eq!(
        shown(&network(
            "A(2x2), M(2, stride: 2), M(stride: 1), C1(8, 3x3, padding: 0, stride: 1x1)"
        )),
        "A, M, M(2, stride: 1), C1(8,3)"
    );
}

#[test]
fn a_label_alone_has_no_position_in_the_weights_file() {
    let network = network("'x: C1(4,1), 'half: M, 'x, R(3), M, Add('half), D(9)");
    assert_eq!(network.layer_count(), 6);
    assert_eq!(network.written(LayerId(2)), "R(3)");
}

#[test]
fn a_wrong_layer_is_one_error() {
    for (list, message) in [
        (
            "c1(8,3)",
            "unknown layer `c1`: did you mean `C1`? expected one of A, M, C1, C2, T, D, R, Add, Cat, G, Bonsai, Proto, Dr, N",
        ),
        (
            "3",
            "expected a layer, one of A, M, C1, C2, T, D, R, Add, Cat, G, Bonsai, Proto, Dr, N, found `3`",
        ),
        (
            "C1",
            "`C1` needs outputs n and kernel k, `C1(n,k)`, found none",
        ),
        (
            "C1(8)",
            "`C1` needs outputs n and kernel k, `C1(n,k)`, found only one",
        ),
        (
            "D(8,3)",
            "`D` takes one argument by position at most, `D(n)`, found 2",
        ),
        (
            "A()",
            "`A` needs a window, or no parentheses, `A` or `A(k)`, found none",
        ),
        (
            "C1[8,3]",
            "expected the arguments in parentheses, `C1(n,k)`",
        ),
        (
            "C1(8,3)*",
            "the star comes before the arguments: `C1*(8,3)`",
        ),
        ("D**(8)", "expected `,` or `>` after `D*`, found `*(8)`"),
        ("D(N)", "expected outputs from 1 to 65535, found `N`"),
        ("D(-3)", "expected outputs from 1 to 65535, found `-3`"),
        (
            "D(5u8)",
            "expected outputs from 1 to 65535, found `5u8`: write the number without a suffix",
        ),
        (
            "D(99999999999999999999999)",
            "`D` takes from 1 to 65535 outputs, found 99999999999999999999999",
        ),
        (
            "A(9)",
            "window 9 is not supported: expected 1 to 8, or `all` for the whole map",
        ),
        (
            "A(9x2)",
            "window 9x2 is not supported: expected rows and columns of 1 to 8, or `all` for the whole map",
        ),
        (
            "C1(8,0x3)",
            "expected a kernel of 1 to 11, or rows x columns such as `1x3`, found `0x3`, which is a number in hexadecimal",
        ),
        (
            "Dr(1), A",
            "expected a probability from 0 to below 1, such as `0.25`, found `1`",
        ),
        (
            "Dr(0.5f32), A",
            "expected a probability from 0 to below 1, such as `0.25`, found `0.5f32`",
        ),
        (
            "Dr",
            "no layer computes anything: expected at least one other than `Dr` and `N`, such as `D*(10)`",
        ),
    ] {
        let list = list_errors(list);
        // A letter without its arguments has a second mistake at most.
        assert_eq!(list, [message], "{list:?}");
    }
}

#[test]
fn arguments_have_names_where_other_libraries_count_them() {
    for (list, message) in [
        (
            "C1(8,3,2), D*(10)",
            "`C1` takes two arguments by position at most, `C1(n,k)`, found 3: other arguments have names, `stride: 2`",
        ),
        (
            "C1(8,3,same), D*(10)",
            "`C1` takes two arguments by position at most, `C1(n,k)`, found 3: other arguments have names, `padding: same`",
        ),
        (
            "C2(8,3,1x2,1), D*(10)",
            "`C2` takes two arguments by position at most, `C2(n,k)`, found 4: other arguments have names, `stride: 1x2, padding: 1`",
        ),
        (
            "C1(8,3,valid), D*(10)",
            "`C1` takes two arguments by position at most, `C1(n,k)`, found 3: there is no padding where none is asked for, leave `valid` out",
        ),
        (
            "'a: M, C1(1,1,'a), D*(10)",
            "`C1` takes two arguments by position at most, `C1(n,k)`, found 3: other arguments have names, `add: 'a`",
        ),
        (
            "M(3,2)",
            "`M` takes one argument by position at most, `M` or `M(k)`, found 2: other arguments have names, `stride: 2`",
        ),
        (
            "R(8,3,same)",
            "`R` takes one argument by position at most, `R(k)`, found 3: it makes as many channels as it reads",
        ),
        (
            "T(8,3)",
            "`T` takes one argument by position at most, `T(k)`, found 2: it makes as many channels as it reads",
        ),
        (
            "T(3,same)",
            "`T` takes one argument by position at most, `T(k)`, found 2: other arguments have names, `padding: same`",
        ),
        (
            "C1(8,3, stride: 5)",
            "stride 5 is not supported: expected 1 to 4",
        ),
        (
            "C1(8,3, stride: two)",
            "expected a stride of 1 to 4, or rows x columns such as `1x2`, found `two`",
        ),
        (
            "C1(8,3, padding: valid)",
            "there is no padding where none is asked for: leave `padding` out",
        ),
        (
            "C1(8,3, padding: 1x2)",
            "expected `same`, or pixels on each side, such as `1`, found `1x2`: write the number without a suffix",
        ),
        (
            "C1(8,3, stride 2)",
            "expected `:` after `stride`, found `2`",
        ),
        (
            "C1(8,3, pading: same)",
            "unknown argument `pading` of `C1`: did you mean `padding`? expected `C1(n,k)`, and by name `stride`, `padding`, `add` or `code`",
        ),
        (
            "M(2, padding: same)",
            "`M` takes no `padding`: it has no kernel over a map's edge",
        ),
        (
            "D(2, stride: 2)",
            "`D` takes no `stride`: it has no window that moves",
        ),
        (
            "'a: M, M(all, add: 'a)",
            "`M` takes no `add`: it has no sum to which a map could be added",
        ),
        (
            "A(all, stride: 2)",
            "`A(all)` has one window, over the whole map: leave `stride` out",
        ),
        (
            "R*(3)",
            "`R` takes no star: a ReLU follows both of its convolutions",
        ),
        ("T", "`T` needs kernel k, `T(k)`, found none"),
        (
            "Cat()",
            "`Cat` needs the label of a map, `Cat('name, …)`, found none",
        ),
        (
            "N(-1), A",
            "expected a standard deviation, as a share of the range of values from 0 to below 1, such as `0.1`, found `-1`",
        ),
    ] {
        assert_eq!(list_errors(list), [message], "{list}");
    }
}

#[test]
fn what_other_libraries_call_a_layer_finds_it() {
    for (name, meant) in [
        ("GAP", "did you mean `A(all)`?"),
        ("GlobalAvgPool", "did you mean `A(all)`?"),
        ("MaxPool2d", "did you mean `M`?"),
        ("Depthwise", "did you mean `T(k)`?"),
        ("add", "did you mean `Add('name)`?"),
        ("residual", "did you mean `R(k)`?"),
        ("Concatenate", "did you mean `Cat('name, …)`?"),
        ("gaussian_noise", "did you mean `N(sigma)`?"),
        (
            "ReLU",
            "a ReLU follows every layer with weights that has no star",
        ),
        ("Flatten", "`D` reads a map of any shape: leave it out"),
        ("BatchNorm", "training folds it into weights and biases"),
        ("Pad", "such as `C1(8,3, padding: same)`"),
    ] {
        let messages = list_errors(&format!("C1(8,3), {name}, D*(10)"));
        let [message] = &messages[..] else {
            panic!("{name}: {messages:?}");
        };
        assert!(message.contains(meant), "{name}: {message}");
    }
}

#[test]
fn a_label_that_is_written_wrong_is_one_error() {
    for (list, message) in [
        (
            "a: C1(1,1), Add('a)",
            "a label has an apostrophe before it: `'a:`",
        ),
        (
            "'a: C1(1,1), Add(a)",
            "a label has an apostrophe before it: `'a`",
        ),
        (
            "'a': C1(1,1), Add('a)",
            "a label has one apostrophe, `'a`, found the character `'a'`",
        ),
        (
            "'a C1(1,1), Add('a)",
            "expected `:` or `,` after `'a`: `'a: C1(1,1)` labels that layer, and `'a, C1(1,1)` goes on from the map of that label",
        ),
        (
            "'a: , Add('a)",
            "expected a layer after `'a:`, the label of what it makes",
        ),
        (
            "'a: 'b: M, Add('a)",
            "a layer has one label, and this one is called `'a` already",
        ),
        (
            "'b: M, 'a: 'b, Add('b)",
            "a label is that of a layer, and `'b` is none: leave `'a:` out",
        ),
        (
            "'a: M, Add(3), Add('a)",
            "expected the label of a map, such as `'skip`, found `3`",
        ),
        ("'a: M Add('a)", "expected `,` between `M` and `Add('a)`"),
        (
            "'a: M(1) 'b: M(1), Add('a), Add('b)",
            "expected `,` between `M(1)` and `'b: M(1)`",
        ),
    ] {
        let messages = list_errors(list);
        assert_eq!(messages.len(), 1, "{list}: {messages:?}");
        assert_eq!(messages, [message], "{list}");
    }
}

#[test]
fn the_documents_name_every_letter_and_argument() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    for path in ["README.md", "runtime/src/lib.rs"] {
        let text = std::fs::read_to_string(format!("{root}/{path}")).unwrap();
        let rows: Vec<&str> = text.lines().filter(|line| line.contains("| `")).collect();
        let has_row = |what: &str| rows.iter().any(|row| row.contains(what));
        for letter in Letter::ALL {
            let form = letter.longest_form();
            assert!(has_row(&form), "{path}: no row of {form}");
            let has_star = has_row(&format!("`{}*", letter.name()))
                || text.contains(&format!("`{}*(", letter.name()));
            assert_eq!(
                has_star,
                letter.signature().has_star,
                "{path}: the star of {form}"
            );
        }
        for named in Named::ALL {
            let name = format!("`{}: ", named.name());
            assert!(has_row(&name), "{path}: no row of {name}");
        }
    }
}

/// Any item, as text.
fn any_item() -> impl Strategy<Value = String> {
    let label = prop::sample::select(vec!["'a", "'b", "'input"]);
    let labelled = prop::option::weighted(0.3, prop::sample::select(vec!["'a: ", "'b: "]));
    let size = |most: u32| {
        let side = 1..=most;
        prop_oneof![
            side.clone().prop_map(|side| side.to_string()),
            (side.clone(), side).prop_map(|(rows, columns)| format!("{rows}x{columns}")),
        ]
    };
    let stride = prop::option::weighted(0.3, size(4))
        .prop_map(|stride| stride.map_or_else(String::new, |stride| format!(", stride: {stride}")));
    let padding = prop_oneof![
        1 => Just(String::new()),
        3 => Just(", padding: same".to_owned()),
        1 => (0..4_u32).prop_map(|each| format!(", padding: {each}")),
    ];
    let add = prop::option::weighted(0.2, label.clone())
        .prop_map(|label| label.map_or_else(String::new, |label| format!(", add: {label}")));
    let star = prop::sample::select(vec!["", "*"]);
    let slides = (star.clone(), size(3), stride.clone(), padding, add.clone());
    let layer = prop_oneof![
        3 => (prop::sample::select(vec!["C1", "C2"]), 2..4_u32, slides.clone()).prop_map(
            |(letter, n, (star, k, stride, padding, add))| {
                format!("{letter}{star}({n},{k}{stride}{padding}{add})")
            }
        ),
        1 => slides.prop_map(|(star, k, stride, padding, add)| {
            format!("T{star}({k}{stride}{padding}{add})")
        }),
        1 => (star.clone(), 1..4_u32, add).prop_map(|(star, n, add)| format!("D{star}({n}{add})")),
        1 => (prop::sample::select(vec!["A", "M"]), size(3), stride)
            .prop_map(|(letter, k, stride)| format!("{letter}({k}{stride})")),
        1 => prop::sample::select(vec!["A(all)", "M(all)", "Dr", "Dr(0.3)", "N(0.1)", "M"])
            .prop_map(ToOwned::to_owned),
        1 => size(5).prop_map(|k| format!("R({k})")),
        1 => (star, label.clone()).prop_map(|(star, label)| format!("Add{star}({label})")),
        1 => (label.clone(), prop::option::of(label.clone())).prop_map(|(label, other)| {
            let other = other.map_or_else(String::new, |other| format!(", {other}"));
            format!("Cat({label}{other})")
        }),
    ];
    prop_oneof![
        9 => (labelled, layer).prop_map(|(label, layer)| label.unwrap_or_default().to_owned() + &layer),
        1 => label.prop_map(ToOwned::to_owned),
    ]
}

/// What lists are made of.
const WORDS: &[&str] = &[
    "A",
    "M",
    "C1",
    "C2",
    "T",
    "D",
    "R",
    "Add",
    "Cat",
    "Dr",
    "N",
    "*",
    ",",
    ",",
    ",",
    ":",
    ">",
    "'a",
    "'a:",
    "'b",
    "'b:",
    "'input",
    "'c'",
    "a:",
    "(8,3)",
    "(3)",
    "(2, stride: 2)",
    "(all)",
    "(4,3, padding: same, add: 'a)",
    "(3, padding: 1)",
    "('a)",
    "('a, 'b)",
    "(a)",
    "(0.5)",
    "[3]",
    "stride: 2",
    "padding",
    "same",
    "3",
    "1x5",
    "\"\"",
    "{}",
    "C1(2,1),",
    "'a: C1(2,1),",
    "Add('a),",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// Anything is a list, or at least one error.
    #[test]
    fn no_words_are_a_panic(words in prop::collection::vec(prop::sample::select(WORDS), 0..12)) {
        let text = format!("N: [9, 12, 2] => < {} >", words.join(" "));
        let parsed = parse(text.parse().unwrap());
        prop_assert_eq!(parsed.declaration.is_some(), parsed.errors.is_empty(), "{}", text);
    }

    /// Whatever a network shows of itself is read as that network; any list is a
    /// network or at least one error, and each error is of another place.
    #[test]
    fn what_is_shown_of_a_network_declares_it(items in prop::collection::vec(any_item(), 1..7)) {
        let list = items.join(", ");
        let text = format!("N: [9, 12, 2] => < {list} >");
        let parsed = parse(text.parse().unwrap());
        prop_assert_eq!(parsed.declaration.is_some(), parsed.errors.is_empty(), "{}", text);
        if let Some(declaration) = parsed.declaration {
            let list = shown(&declaration.network);
            let again = parse(format!("N: [9, 12, 2] => < {list} >").parse().unwrap());
            prop_assert_eq!(again.errors.messages(), [""; 0]);
            prop_assert_eq!(again.declaration.unwrap().network, declaration.network);
        }
    }
}
