//! The importer of EdgeML's models, `docs/exporters/import_edgeml.py`: what they compute, the
//! integers that it writes give too; and those of published models give what was published, by
//! the naive evaluator and by generated code.
//!
//! The tests run where `python3`, or what `HERRINGBONE_PYTHON` names, has numpy and safetensors.

use herringbone_tests::crates::Crates;
use herringbone_tests::edgeml::{BITS, IN_FLOATING_POINT, Model, PUBLISHED, driven, published};
use herringbone_tests::reference::evaluate;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Models of random numbers, and the lists that they are imported as.
const RANDOM: [(&str, &str); 6] = [
    ("random_bonsai", "[1, 24, 1] => < Bonsai(2, 8, 4) >"),
    ("random_proto", "[1, 24, 1] => < Proto(6, 9, 4) >"),
    ("random_fastgrnn", "[6, 4, 1] => < G(8), D*(4) >"),
    (
        "random_low_rank_fastgrnn",
        "[6, 4, 1] => < G(8, rank: 3x5), D*(4) >",
    ),
    (
        "random_sigmoid_fastgrnn",
        "[6, 4, 1] => < G(8, gate: sigmoid), D*(4) >",
    ),
    (
        "random_tanh_fastgrnn",
        "[6, 4, 1] => < G(8, gate: tanh), D*(4) >",
    ),
];

/// Images of the test set of USPS.
const IMAGES: usize = 2007;

const TEMPORARY: &str = env!("CARGO_TARGET_TMPDIR");

#[test]
fn imported_models_give_the_classes_that_they_gave_in_floating_point() {
    let Some(folder) = driven(&Path::new(TEMPORARY).join("edgeml"), &[]) else {
        return;
    };
    for (name, list) in RANDOM {
        let model = Model::read(&folder, name, list);
        let of = |input: &Vec<u8>| evaluate(&model.network, &model.weights, input).class();
        let pairs = model.inputs.iter().zip(&model.classes);
        let same = pairs.filter(|(input, class)| of(input) == usize::from(**class));
        let same = same.count();
        assert!(10 * same >= 9 * model.inputs.len(), "{name}: {same}");
        let most = (0..4).map(|class| model.classes.iter().filter(|&&it| it == class).count());
        assert!(most.max().unwrap() < 180, "{name} gives one class alone");
    }
}

#[test]
#[cfg_attr(not(shared_models), ignore = "../shared is not there")]
fn published_models_give_the_published_integers() {
    let Some(folder) = published(Path::new(TEMPORARY)) else {
        return;
    };
    for (name, list) in PUBLISHED {
        let model = Model::read(&folder, name, list);
        assert_eq!(model.inputs.len(), IMAGES);
        let images = model.inputs.iter().zip(&model.classes).enumerate();
        for (image, (input, &class)) in images {
            let trace = evaluate(&model.network, &model.weights, input);
            assert_eq!(trace.class(), usize::from(class), "{name}, image {image}");
            if let Some(results) = model.results.get(image) {
                assert_eq!(trace.results(), results, "{name}, image {image}");
            }
        }
    }
}

#[test]
#[cfg_attr(not(shared_models), ignore = "../shared is not there")]
fn models_of_floating_point_keep_99_of_100_classes() {
    let Some(folder) = published(Path::new(TEMPORARY)) else {
        return;
    };
    for (name, list) in IN_FLOATING_POINT {
        let model = Model::read(&folder, name, list);
        let of = |input: &Vec<u8>| evaluate(&model.network, &model.weights, input).class();
        let pairs = model.inputs.iter().zip(&model.classes);
        let same = pairs.filter(|(input, class)| of(input) == usize::from(**class));
        let same = same.count();
        println!("{name}: {same} of {IMAGES}");
        assert!(100 * same >= 99 * IMAGES, "{name}: {same}");
    }
}

#[test]
#[cfg_attr(not(shared_models), ignore = "../shared is not there")]
fn published_models_as_declared_give_every_published_class() {
    let Some(folder) = published(Path::new(TEMPORARY)) else {
        return;
    };
    let mut main = "#![forbid(unsafe_code)]\n".to_owned();
    let (mut calls, mut expected) = (String::new(), String::new());
    let mut files = Vec::new();
    for (name, list) in PUBLISHED {
        let Model {
            inputs, classes, ..
        } = Model::read(&folder, name, list);
        writeln!(
            main,
            "mod {name} {{
    herringbone::network! {{
        Imported: {list}, {BITS}, weights: \"{name}.safetensors\"
    }}
    pub(crate) fn report() {{
        let mut net = Box::new(Imported::new());
        let images = include_bytes!(\"{name}.images\").chunks_exact(Imported::INPUT_LEN);
        for image in images {{
            println!(\"{name} {{}}\", net.classify(image.try_into().unwrap()));
        }}
    }}
}}"
        )
        .unwrap();
        writeln!(calls, "    {name}::report();").unwrap();
        for class in classes {
            writeln!(expected, "{name} {class}").unwrap();
        }
        let weights = fs::read(folder.join(format!("{name}.safetensors"))).unwrap();
        files.push((format!("{name}.safetensors"), weights));
        files.push((format!("src/{name}.images"), inputs.concat()));
    }
    writeln!(main, "fn main() {{\n{calls}}}").unwrap();
    files.push(("src/main.rs".to_owned(), main.into_bytes()));
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(path, bytes)| (&path[..], &bytes[..]))
        .collect();
    let crates = Crates::new(Path::new(TEMPORARY).join("edgeml_declared"));
    crates.add("edgeml", "2024", "herringbone", &files);
    let printed = crates.cargo(&["run", "--quiet"]);
    for (line, (printed, expected)) in printed.lines().zip(expected.lines()).enumerate() {
        assert_eq!(printed, expected, "line {line}");
    }
    assert_eq!(printed.lines().count(), expected.lines().count());
}
