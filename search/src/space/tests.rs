//! Do draws and mutations of lists with labels stay lists?

use std::collections::BTreeSet;

use herringbone_compiler::network::{Entry, Item, Network};

use crate::base::Base;
use crate::cost::{Limits, measure};
use crate::design::Design;
use crate::random::Random;
use crate::space::{Known, Space};

const PICTURES: &str = "Pictures: [32, 32, 3] => < A, C1(8,3), M, D*(10) >,
    sram: 8192, flash: 65536, weights: \"pictures.safetensors\"";
const SOUNDS: &str = "Sounds: [1, 128, 2] => < C1(8,1x3), M(1x2), D*(4) >,
    sram: 8192, flash: 65536, weights: \"sounds.safetensors\"";

fn has_branches(items: &[Item]) -> bool {
    items.iter().any(|item| item.label.is_some())
}

/// Designs of a space, each some changes from one that is drawn.
fn designs(space: &Space, count: u64) -> Vec<Design> {
    let mut designs = Vec::new();
    for index in 0..count {
        let mut random = Random::new(7, 0, index);
        let mut genes = space.any(&mut random);
        designs.push(space.design(&genes));
        for _ in 0..3 {
            genes = space.beside(&genes, &mut random);
            designs.push(space.design(&genes));
        }
    }
    designs
}

#[test]
fn labels_of_drawn_and_changed_lists_agree_and_are_read_as_they_are_written() {
    for (declaration, known) in [(PICTURES, Known::Images), (SOUNDS, Known::Series)] {
        let base = Base::read(declaration).unwrap();
        let space = Space::read(known.text(), &base.design()).unwrap();
        let input = base.declaration.network.input();
        let (mut with_branches, mut without_room) = (0, 0);
        for design in designs(&space, 1000) {
            with_branches += usize::from(has_branches(&design.items));
            let genes = space.genes_of(&design).unwrap();
            // Dropout alone is not found again.
            let computing = |design: &Design| -> Vec<Item> {
                Design::computing(&design.items).cloned().collect()
            };
            assert_eq!(computing(&space.design(&genes)), computing(&design));
            let Err(errors) = Network::of_list(input, design.bits, design.items.clone()) else {
                assert_eq!(
                    Design::read(&design.to_string(), &base.input()).unwrap(),
                    design
                );
                continue;
            };
            without_room += 1;
            // That maps end with no pixel left is all that can be wrong.
            for error in errors {
                let text = format!("{error:?}");
                assert!(text.starts_with("KernelLargerThanMap"), "{design}: {text}");
            }
        }
        assert!(with_branches > 1000, "{with_branches}");
        assert!(without_room < 3500, "{without_room}");
    }
}

#[test]
fn lists_with_branches_are_planned_or_refused() {
    let base = Base::read(PICTURES).unwrap();
    let space = Space::read(Known::Images.text(), &base.design()).unwrap();
    let designs = designs(&space, 60);
    let fitting = designs.iter().filter(|design| {
        let cost = measure(&base, &Limits::default(), design).fitting();
        cost.is_some() && has_branches(&design.items)
    });
    assert!(fitting.count() > 0);
}

#[test]
fn a_run_of_layers_is_one_choice_and_its_labels_are_its_own() {
    let base = Base::read(PICTURES).unwrap();
    let text = r#"
        lists = ["C; C"]
        [sets]
        C = ["'x: C1({c=4,8},1), C1({c},3, padding: same, add: 'x)", "M"]
    "#;
    let space = Space::read(text, &base.design()).unwrap();
    let count = space.count().unwrap();
    assert_eq!(count, 9);
    let lists: BTreeSet<String> = (0..count)
        .map(|number| space.design(&space.nth(number).unwrap()).list())
        .collect();
    assert_eq!(lists.len(), 9);
    let twice = "< 'a: C1(4,1), C1(4,3, padding: same, add: 'a), \
                 'b: C1(8,1), C1(8,3, padding: same, add: 'b), D*(10) >";
    assert!(lists.contains(twice), "{lists:#?}");
    for number in 0..count {
        let design = space.design(&space.nth(number).unwrap());
        let text = base.text_of(&design, "best.safetensors").unwrap();
        assert_eq!(Base::read(&text).unwrap().design(), design);
    }
    // Whatever labels are called.
    let renamed = twice.replace("'a", "'stem").replace("'b", "'a");
    let design = |list: &str| Design::read(list, &base.input()).unwrap();
    assert!(space.contains(&design(&renamed)));
    // Another label is another network.
    let crossed = twice
        .replace("add: 'b", "add: 'c")
        .replace("C1(4,3,", "'c: C1(4,3,");
    assert!(!space.contains(&design(&crossed.replace("(8,", "(4,").replace("'b: ", ""))));
    let alone = Space::read(&text.replace("add: 'x", "add: 'y"), &base.design());
    let error = alone.unwrap_err().to_string();
    assert!(error.contains("set `C`") && error.contains("'y"), "{error}");
}

#[test]
fn the_declarations_own_branches_join_a_space_that_has_some() {
    let own = "< 'stem: C1(7,3), T(3, padding: same), C1(7,1, add: 'stem), 'half: C1(9,3, stride: 2), \
               'narrow: C1(5,1), 'half, C1(9,3, padding: same), Cat('narrow), A, D*(10) >";
    for (own, joins) in [
        (own.to_owned(), true),
        (own.replace("'half", "'x"), true),
        // What the last layer reads is read by none of a set.
        (
            "< C1(7,3), A, 'x: D(10), D(16), D*(10, add: 'x) >".to_owned(),
            false,
        ),
    ] {
        let own = Design::read(&own, "[32, 32, 3]").unwrap();
        let images = Space::read(Known::Images.text(), &own).unwrap();
        assert!(!images.contains(&own));
        assert_eq!(images.with_layers_of(&own).contains(&own), joins);
        // Some layers that are chosen together are no branch.
        let text = "lists = [\"C; C; P\"]\nsets = { C = [\"C1(4,3), C1(8,1)\", \"T(3)\"], P = [\"\", \"A\"] }";
        let space = Space::read(text, &own).unwrap().with_layers_of(&own);
        assert!(!space.contains(&own));
        let designs = designs(&space, 100);
        let without_last = |it: &Design| it.items[..it.items.len() - 1].to_vec();
        assert!(!designs.iter().any(|it| has_branches(&without_last(it))));
    }
}

#[test]
fn labels_of_a_long_list_are_all_different() {
    let base = Base::read(PICTURES).unwrap();
    let branch = "'x: C1(2,1), 'y: C1(3,1), 'x, C1(3,1, add: 'y)";
    let text = format!("lists = [\"{}\"]", [branch; 30].join("; "));
    let space = Space::read(&text, &base.design()).unwrap();
    let design = space.design(&space.nth(0).unwrap());
    let labels = design.items.iter().filter_map(|it| it.label.as_deref());
    let labels: BTreeSet<&str> = labels.collect();
    assert_eq!(labels.len(), 60);
    assert!(labels.contains("z") && labels.contains("a1") && labels.contains("h2"));
    assert_eq!(
        Design::read(&design.to_string(), &base.input()).unwrap(),
        design
    );
}

#[test]
fn a_space_without_labels_has_none() {
    let base = Base::read(PICTURES).unwrap();
    for known in [Known::Gural, Known::Mueksch] {
        let space = Space::read(known.text(), &base.design()).unwrap();
        let designs = designs(&space, 300);
        assert!(designs.iter().all(|it| !has_branches(&it.items)));
        let goes_back = |item: &Item| matches!(item.entry, Entry::From(_));
        assert!(!designs.iter().flat_map(|it| &it.items).any(goes_back));
    }
}
