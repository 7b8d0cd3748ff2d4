use crate::syntax::tests::errors;

/// The messages about a list over an input of 12×12×3.
fn list_errors(list: &str) -> Vec<String> {
    errors(&format!("N: [12, 12, 3] => < {list} >"))
}

#[test]
fn a_kernel_larger_than_its_map_names_the_map_and_what_fits() {
    assert_eq!(
        errors("N: [10, 12, 1] => < A, C1(11,1), Dr, C1(8,7), D(10) >"),
        [
            "the 7×7 kernel does not fit the 5×6×11 map that `C1(11,1)` makes: use a kernel of at most 5 or 5x6, or `padding: same`"
        ]
    );
    assert_eq!(
        errors("N: [4, 2, 1] => < C1(8,3), M, M >"),
        [
            "the 3×3 kernel does not fit the 4×2×1 input: use a kernel of at most 2 or 3x2, or `padding: same`"
        ]
    );
    assert_eq!(
        errors("N: [4, 4, 1] => < A, A, A >"),
        ["the 2×2 window does not fit the 1×1×1 map that `A` makes: leave the layer out"]
    );
}

#[test]
fn a_mistake_of_the_graph_is_one_error() {
    for (list, message) in [
        (
            "'skip: M, Add('skp)",
            "unknown label `'skp`: did you mean `'skip`?",
        ),
        (
            "C1(3,1), Add('left)",
            "unknown label `'left`: before it is `'input`; write `'left:` before the layer that is meant",
        ),
        (
            "'a: C1(3,1), Add('shortcut)",
            "unknown label `'shortcut`: before it are `'input`, `'a`; write `'shortcut:` before the layer that is meant",
        ),
        (
            "C1(3,1), Add('later), 'later: C1(3,1)",
            "label `'later` is used before the layer that has it: use it after that layer",
        ),
        (
            "'x: Add('x)",
            "label `'x` is used before the layer that has it: use it after that layer",
        ),
        (
            "'a: C1(3,1), M",
            "label `'a` is never used: use it, as in `Add('a)`, or leave it out",
        ),
        (
            "'a: C1(3,1), 'a: C1(3,1), Add('a)",
            "duplicate label `'a`: `C1(3,1)` has it already",
        ),
        (
            "'input: C1(3,1), Add('input)",
            "`'input` is the network's input: choose another label",
        ),
        (
            "'a: C1(3,1), D(4), 'a, M",
            "nothing reads what `D(4)` makes: the list continues from another map; label it, `'name: D(4)`, and read it, as in `Add('name)`, or leave it out",
        ),
        (
            "'a: C1(3,1), D(4), 'b: D(5), 'a, M",
            "label `'b` is never used: use it, as in `Add('b)`, or leave it out",
        ),
        (
            "'a: C1(3,1), 'b: M, 'a, C1(3,1), Dr, 'b",
            "nothing reads `'b` here: expected a layer after it",
        ),
        (
            "'a: C1(3,1), Dr, 'input, Dr, 'a, Dr, 'input, Dr",
            "nothing reads what `C1(3,1)` makes: the list continues from another map, and nothing is computed from `'a`",
        ),
        (
            "'a: C1(3,1), C1*(3,1), Cat('a)",
            "the map before it may be negative, `'a` is not, and concatenated maps must have the same sign: give both layers a star, or neither",
        ),
        (
            "'a: C1(200,1), C1(100,1), Cat('a), C1(1,1)",
            "`Cat('a)` makes 300 channels, and a map has at most 255: concatenate fewer",
        ),
        (
            "D(300), T(1)",
            "`T(1)` reads 300 channels, and a layer over pixels reads at most 255: use fewer outputs before it",
        ),
        (
            "D(300), R(3)",
            "`R(3)` reads 300 channels, and a layer over pixels reads at most 255: use fewer outputs before it",
        ),
        (
            "C1(8,3, padding: 3)",
            "with a padding of 3, outputs of the 3×3 kernel at the edge read only zeros: use at most 2, or `padding: same`",
        ),
        (
            "C1(8,1x3, padding: 99999999999)",
            "with a padding of 4294967295, outputs of the 1×3 kernel at the edge read only zeros: use `padding: same`",
        ),
        (
            "'half: A, 'input, M, Add('half)",
            "`A` averages whole bytes of the input, and others read the input too: put `M(1)` before it, so that it averages what they read",
        ),
        (
            "'input, 'input, M",
            "nothing reads `'input` here: expected a layer after it",
        ),
        (
            "'input",
            "nothing reads `'input` here: expected a layer after it",
        ),
    ] {
        assert_eq!(list_errors(list), [message], "{list}");
    }
}

#[test]
fn maps_that_differ_are_shown_with_what_makes_them_equal() {
    for (list, message) in [
        (
            "'a: C1(8,1), C1(8,3), Add('a)",
            "`'a` is 12×12×8, and `C1(8,3)` makes 10×10×8: they must be equal; write `padding: same` in `C1(8,3)`",
        ),
        (
            "'a: C1(8,1), C1(8,3, padding: same), C1(8,3, add: 'a)",
            "`'a` is 12×12×8, and `C1(8,3, add: 'a)` makes 10×10×8: they must be equal; write `padding: same` here",
        ),
        (
            "'a: C1(8,1), C1(16,3, padding: same, add: 'a)",
            "`'a` is 12×12×8, and `C1(16,3, padding: same, add: 'a)` makes 12×12×16: they must be equal; write `C1(8,3, padding: same)` here, or bring `'a` to 12×12×16 by a `C1*(16,1)` of its own",
        ),
        (
            "'a: C1(8,1), C1(16,3, stride: 2, padding: same), C1(16,3, padding: same, add: 'a)",
            "`'a` is 12×12×8, and `C1(16,3, padding: same, add: 'a)` makes 6×6×16: they must be equal; bring `'a` to 6×6×16 by a `C1*(16,1, stride: 2)` of its own",
        ),
        (
            "'a: C1(8,1, stride: 2), 'input, T(3, padding: same), Cat('a)",
            "`'a` is 6×6 pixels, and `T(3, padding: same)` makes 12×12 pixels: they must be equal; write `stride: 2` in `T(3, padding: same)`",
        ),
        (
            "'a: D(4), D(5, add: 'a)",
            "`'a` is 1×1×4, and `D(5, add: 'a)` makes 1×1×5: they must be equal; write `D(4)` here, or bring `'a` to 1×1×5 by a `C1*(5,1)` of its own",
        ),
        (
            "M, Add('input)",
            "`'input` is 12×12×3, and `M` makes 6×6×3: they must be equal; bring `'input` to 6×6×3 by a `C1*(3,1, stride: 2)` of its own",
        ),
    ] {
        assert_eq!(list_errors(list), [message], "{list}");
    }
}

#[test]
fn mistakes_of_branches_are_reported_at_once_and_none_follows_from_another() {
    assert_eq!(
        list_errors(
            "'a: C1(8,13), C1(8,13), 'b: M, 'input, C1(8,1, padding: 1), C1(8,3, add: 'b), \
             Cat('a, 'nobody), D(4)"
        ),
        [
            "kernel 13 is not supported: expected 1 to 11",
            "kernel 13 is not supported: expected 1 to 11",
            "unknown label `'nobody`: before it are `'input`, `'a`, `'b`; write `'nobody:` before the layer that is meant",
        ]
    );
    assert_eq!(
        list_errors(
            "'a: C1(8,11), C1(8,11), 'b: M, 'input, C1(8,1, padding: 1), C1(8,3, add: 'b), \
             Cat('a, 'nobody), D(4)"
        ),
        [
            "the 11×11 kernel does not fit the 2×2×8 map that `C1(8,11)` makes: use a kernel of at most 2, or `padding: same`",
            "with a padding of 1, outputs of the 1×1 kernel at the edge read only zeros: use `padding: same`",
            "unknown label `'nobody`: before it are `'input`, `'a`, `'b`; write `'nobody:` before the layer that is meant",
        ]
    );
}

#[test]
fn a_map_has_no_more_pixels_than_a_build_has_time_for() {
    assert_eq!(
        errors("N: [65535, 65535, 1] => < C1(8,3), M(all) >"),
        [
            "an input of 65535×65535×1 has more than the 131072 pixels that a map can have: use a smaller input"
        ]
    );
    assert_eq!(
        errors("N: [2, 65535, 128] => < M(1x2), C1(255,1), C1(255,1), M(all) >"),
        [""; 0]
    );
    assert_eq!(
        errors("N: [2, 65535, 1] => < C1(8,2, padding: 1), M(all) >"),
        [
            "an output of 3×65536×8 has more than the 131072 pixels that a map can have: use less padding, or pool earlier"
        ]
    );
}
