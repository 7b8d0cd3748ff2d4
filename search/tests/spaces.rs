//! Are spaces as large as they say, and is every way through them one of their designs?

use std::collections::BTreeSet;

use herringbone_compiler::declaration::PlanChoice;
use herringbone_search::cost::measure;
use herringbone_search::space::Known;
use herringbone_search::{Base, Limits, Space};

const DIGITS: &str =
    "pub Digits: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, Dr(0), D*(10) >,
    target: atmega328p,
    weights: \"digits.safetensors\"";

fn base() -> Base {
    Base::read(DIGITS).unwrap()
}

fn known(known: Known) -> Space {
    Space::read(known.text(), &base().design()).unwrap()
}

#[test]
fn published_spaces_have_as_many_lists_as_their_papers_say() {
    // Gural & Murmann 2019: two or three layers of 35 convolutions and two dense ones.
    assert_eq!(known(Known::Gural).count(), Some(182_957));
    // Müksch et al. 2020, the sum of table 2 with table 1's 40 convolutions and three dense ones.
    assert_eq!(known(Known::Mueksch).count(), Some(276_196));
}

#[test]
fn every_number_is_a_list_of_its_own_and_is_found_again() {
    for known in [Known::Gural, Known::Mueksch].map(known) {
        let count = known.count().unwrap();
        let mut lists = BTreeSet::new();
        for number in 0..count {
            let genes = known.nth(number).unwrap();
            let design = known.design(&genes);
            if number % 997 == 0 {
                assert_eq!(known.genes_of(&design).as_ref(), Some(&genes), "{design}");
            }
            lists.insert(design.list());
        }
        assert_eq!(known.nth(count), None);
        assert_eq!(lists.len() as u128, count);
    }
}

#[test]
fn a_file_of_ones_own_is_what_its_braces_and_sets_say() {
    let text = r#"
        lists = ["lead; C; C; M", "C; A(3)"]
        bits = [{ weights = 2 }, { weights = 8, activations = 8 }]
        sparsity = [0, 0.5, 0.75]
        [sets]
        lead = ["", "A"]
        C = ["C1({2, 4},{1,3}, stride: 2)", "T(3)"]
    "#;
    let space = Space::read(text, &base().design()).unwrap();
    // Brute force: five choices of C.
    assert_eq!(space.count(), Some(3 * 2 * (2 * 5 * 5 + 5)));
    let designs: BTreeSet<String> = (0..space.count().unwrap())
        .map(|number| space.design(&space.nth(number).unwrap()).to_string())
        .collect();
    assert_eq!(designs.len(), 330);
    let has = |design: &str| assert!(designs.contains(design), "{design}: {designs:#?}");
    has(
        "< A, C1(4,3, stride: 2), T(3), M, D*(10) >, bits: { weights: 2, biases: 16, activations: 4 }",
    );
    has("< T(3), A(3), D*(10) >, bits: { weights: 8, biases: 16, activations: 8 }");
    has("< T(3), A(3), D*(10) >, bits: { weights: 8, biases: 16, activations: 8 }, sparsity: 0.75");
}

#[test]
fn everything_that_is_wrong_with_a_file_is_said_at_once() {
    let text = r#"
        lists = ["C; M(99)", "C"]
        bits = [{ weights = 3 }]
        sparsity = [0.5, 1]
        [sets]
        C = ["C1(0,3)", "C3(4,3)"]
    "#;
    let error = Space::read(text, &base().design()).unwrap_err().to_string();
    for part in [
        "set `C`",
        "list `C; M(99)`",
        "bits of 3, 16 and 4",
        "a sparsity of 1",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    let unknown = Space::read("list = []", &base().design()).unwrap_err();
    assert!(
        format!("{unknown:#}").contains("unknown field `list`"),
        "{unknown:#}"
    );
}

#[test]
fn the_declarations_own_layers_join_a_space() {
    let base = Base::read("N: [28, 28, 1] => < A, C1(7,3), M, C1(9,1), D*(10) >").unwrap();
    let images = Space::read(Known::Images.text(), &base.design()).unwrap();
    assert!(!images.contains(&base.design()));
    let with = images.clone().with_layers_of(&base.design());
    assert!(with.contains(&base.design()));
    assert!(with.count() > images.count());
    // Dropout of no values is no layer.
    assert!(known(Known::Images).contains(&self::base().design()));
}

#[test]
fn zeros_are_a_choice_where_they_are_free() {
    let limits = Limits::default();
    let counted = Limits {
        weights_bytes: Some(4096),
        ..limits
    };
    let choices = |keys: &str, limits: &Limits| {
        let text = format!("N: [28, 28, 1] => < A, D*(10) >, sparsity: 0.3, {keys}");
        let base = Base::read(&text).unwrap();
        let space = Space::of_study(Known::Images.text(), true, &base, limits).unwrap();
        let lists = Space::read(Known::Images.text(), &base.design()).unwrap();
        // `images` has none and a half.
        2 * space.count().unwrap() / lists.count().unwrap()
    };
    assert_eq!(choices("target: atmega328p", &limits), 3);
    assert_eq!(choices("target: rp2040", &limits), 3);
    // A Cortex-M4 has tables alone.
    assert_eq!(choices("target: nrf52833", &limits), 1);
    assert_eq!(choices("target: atmega328p, code: table", &limits), 1);
    assert_eq!(choices("target: atmega328p, weights: runtime", &limits), 1);
    assert_eq!(choices("target: atmega328p", &counted), 1);
}

#[test]
fn a_design_is_read_as_it_is_written_and_goes_into_the_declaration() {
    let base = base();
    let space = known(Known::Images);
    for number in 0..200 {
        let count = space.count().unwrap();
        let design = space.design(&space.nth(count / 200 * number).unwrap());
        let read = herringbone_search::Design::read(&design.to_string(), &base.input());
        let Ok(read) = read else {
            // Maps without pixels.
            assert!(base.declaration_of(&design).is_none(), "{design}");
            continue;
        };
        assert_eq!(read, design);
        let text = base.text_of(&design, "best.safetensors").unwrap();
        assert!(text.starts_with("pub Digits: [28, 28, 1] => < "), "{text}");
        assert!(text.contains("weights: \"best.safetensors\""), "{text}");
        assert_eq!(Base::read(&text).unwrap().design(), design);
    }
}

#[test]
fn a_declaration_without_a_plan_takes_the_smallest_where_the_arena_is_limited() {
    let base = base().with_the_smallest_plan().unwrap();
    assert!(base.text.contains("plan: smallest"), "{}", base.text);
    assert_eq!(base.declaration.plan, PlanChoice::Smallest);
    let design = base.design();
    let arena = |base: &Base| measure(base, &Limits::default(), &design).fitting();
    let [smallest, fastest] = [arena(&base), arena(&self::base())].map(|cost| cost.unwrap());
    assert!(smallest.activations_bytes < fastest.activations_bytes);

    let streamed = Base::read(&format!("{DIGITS}, plan: streamed")).unwrap();
    let text = streamed.text.clone();
    assert_eq!(streamed.with_the_smallest_plan().unwrap().text, text);
}

#[test]
fn a_design_whose_cycles_are_not_known_is_within_no_limit_of_them() {
    let base =
        Base::read("Any: [8, 8, 1] => < C1(4,3), M, D*(2) >, sram: 2000, flash: 8000").unwrap();
    let limits = Limits {
        cycles: Some(u64::MAX),
        ..Limits::default()
    };
    let design = base.design();
    assert!(
        measure(&base, &Limits::default(), &design)
            .fitting()
            .is_some()
    );
    assert!(measure(&base, &limits, &design).fitting().is_none());
}
