//! What compiles, what does not, and what the error says.
//!
//! `ui/ok` has a file a feature, `ui/err` a file a rule beside what the
//! compiler says; `TRYBUILD=overwrite cargo test --test ui` writes that again.
//! Their weights files are made here.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use herringbone_compiler::network::TensorDtype;
use herringbone_compiler::syntax;
use herringbone_compiler::weights::{Metadata, Normalisation, Role, Scale, expected_tensors};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

#[test]
fn errors_say_what_is_wrong() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ui");
    fs::create_dir_all(&directory).unwrap();
    for (name, bytes) in files() {
        let path = directory.join(name).with_extension("safetensors");
        // An unchanged file stays as old as it is, so nothing is built again. The entries of
        // metadata are in no order.
        if !fs::read(&path).is_ok_and(|old| old == bytes) {
            fs::write(path, bytes).unwrap();
        }
    }
    // SAFETY: this is the only test of the binary, and no other thread of it
    // reads the environment.
    unsafe {
        std::env::set_var("HERRINGBONE_UI_WEIGHTS", &directory);
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
        std::env::set_var("HERRINGBONE_UI_MODELS", models);
        std::env::set_var("HERRINGBONE_UI_RIGHT", directory.join("right.safetensors"));
    }
    let cases = trybuild::TestCases::new();
    cases.pass("ui/ok/*.rs");
    cases.compile_fail("ui/err/*.rs");
}

/// The files' names and bytes.
fn files() -> BTreeMap<&'static str, Vec<u8>> {
    let small = || Tensors::of("N: [8, 8, 1] => < A, C1(2,3), D*(3) >");
    let cells = || Tensors::of("N: [8, 4, 1] => < G(2), D*(3) >");
    let right = small().to_bytes();
    BTreeMap::from([
        ("right", right.clone()),
        (
            "large",
            Tensors::of("N: [28, 28, 1] => < A, C1(255,3), D*(10) >").to_bytes(),
        ),
        (
            "digits",
            Tensors::of("N: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, D*(10) >")
                .to_bytes(),
        ),
        ("named", named("N: [4, 4, 2] => < C1(2,3), Dr, D*(3) >")),
        ("empty", Vec::new()),
        ("short", right[..5].to_vec()),
        (
            "git_lfs",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 600\n".to_vec(),
        ),
        ("text", b"PK\x03\x04 is how an archive starts".to_vec()),
        ("header_cut", right[..40].to_vec()),
        ("not_json", b"\x05\0\0\0\0\0\0\0hello".to_vec()),
        ("truncated", right[..right.len() - 7].to_vec()),
        ("longer", [&right[..], &[0; 4]].concat()),
        (
            "missing",
            small().without("1.bias").without("2.shift").to_bytes(),
        ),
        (
            "surplus",
            small()
                .with("0.scale", Dtype::U8, &[1], &[1])
                .with("1.scale", Dtype::U8, &[1], &[1])
                .with("3.weight", Dtype::F32, &[1], &[0; 4])
                .with("loss", Dtype::F32, &[1], &[0; 4])
                .to_bytes(),
        ),
        (
            "misnamed",
            small()
                .renamed("1.weight", "conv1.weight")
                .renamed("2.bias", "3.bias")
                .to_bytes(),
        ),
        (
            "renumbered",
            ["weight", "bias", "shift"]
                .iter()
                .fold(small(), |file, tensor| {
                    file.renamed(&format!("1.{tensor}"), &format!("0.{tensor}"))
                        .renamed(&format!("2.{tensor}"), &format!("1.{tensor}"))
                })
                .to_bytes(),
        ),
        (
            "floats",
            small()
                .with("1.weight", Dtype::F32, &[2, 1, 3, 3], &[0; 72])
                .with("1.bias", Dtype::I32, &[2], &[0; 8])
                .to_bytes(),
        ),
        (
            "shapes",
            small()
                .with("1.weight", Dtype::I8, &[3, 3, 1, 2], &[0; 18])
                .with("2.weight", Dtype::I8, &[3, 18], &[0; 54])
                .with("2.shift", Dtype::U8, &[], &[0])
                .to_bytes(),
        ),
        (
            "values",
            small()
                .with("1.weight", Dtype::I8, &[2, 3, 3, 1], &[9; 18])
                .with("1.bias", Dtype::I16, &[2], &[0, 0, 200, 0])
                .with(
                    "2.weight",
                    Dtype::I8,
                    &[3, 8],
                    &[&[0; 20][..], &[128, 1, 1, 1]].concat(),
                )
                .to_bytes(),
        ),
        (
            "shifts",
            small()
                .with("1.shift", Dtype::U8, &[2], &[32, 200])
                .with("2.shift", Dtype::U8, &[2], &[0, 31])
                .to_bytes(),
        ),
        ("cells_missing", cells().without("0.mix").to_bytes()),
        (
            "cells_shapes",
            cells()
                .with("0.input.weight", Dtype::I8, &[4, 2], &[0; 8])
                .with("0.input.bias", Dtype::I16, &[2], &[0; 4])
                .to_bytes(),
        ),
        (
            "cells_shifts",
            cells()
                .with("0.shift", Dtype::U8, &[3], &[40, 8, 10])
                .to_bytes(),
        ),
        (
            "cells_fraction",
            cells()
                .with("0.shift", Dtype::U8, &[3], &[8, 8, 15])
                .to_bytes(),
        ),
        (
            "cells_mix",
            cells()
                .with("0.mix", Dtype::I16, &[2], &[1, 4, 0xFF, 0xFF])
                .to_bytes(),
        ),
        (
            "cells_state",
            cells()
                .with("0.shift", Dtype::U8, &[3], &[8, 8, 14])
                .with("0.mix", Dtype::I16, &[2], &[0, 0x40, 0, 0x10])
                .to_bytes(),
        ),
        (
            "cells_values",
            cells()
                .with("0.state.weight", Dtype::I8, &[2, 2], &[1, 9, 0, 0])
                .to_bytes(),
        ),
        (
            "wide",
            small()
                .with("1.shift", Dtype::U8, &[2], &[31, 0])
                .with("2.shift", Dtype::U8, &[2], &[30, 0])
                .to_bytes(),
        ),
    ])
}

/// The weights of a declaration whose file knows what its classes are called, and how counts of a
/// sensor become bytes.
fn named(declaration: &str) -> Vec<u8> {
    let parsed = syntax::parse(declaration.parse().unwrap());
    let network = parsed.declaration.unwrap().network;
    let scale = |offset, multiplier, shift| Scale {
        offset,
        multiplier,
        shift,
    };
    let metadata = Metadata {
        class_names: ["idle", "größer", "→"].map(str::to_owned).into(),
        normalisation: Some(Normalisation {
            counts_per_unit: 16384.0,
            scales: vec![scale(-512, 255, 10), scale(0, 1, 2)],
        }),
        activities: None,
    };
    Tensors::of(declaration).to_bytes_with(Some(metadata.entries(&network)))
}

/// The tensors of a weights file by name.
struct Tensors(BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>);

impl Tensors {
    /// Those of the declared network; every weight and bias is 1, every shift
    /// 0 to the left and 4 to the right.
    fn of(declaration: &str) -> Self {
        let declaration = syntax::parse(declaration.parse().unwrap())
            .declaration
            .unwrap();
        let tensors = expected_tensors(&declaration.network)
            .into_iter()
            .map(|tensor| {
                let value: &[u8] = match tensor.role {
                    Role::Weight => &[1],
                    Role::Bias => &[1, 0],
                    Role::WideBias | Role::Own(_, TensorDtype::I32) => &[1, 0, 0, 0],
                    Role::Own(_, TensorDtype::I8) => &[1],
                    Role::Own(_, TensorDtype::I16) => &[1, 0],
                    // The last of a cell's is its state's fraction.
                    Role::Own(_, TensorDtype::U8) => &[10],
                    Role::Shift => return (tensor.name, (Dtype::U8, vec![2], vec![0, 4])),
                };
                let data = value.repeat(tensor.shape.iter().product());
                (tensor.name, (tensor.role.dtype(), tensor.shape, data))
            });
        Self(tensors.collect())
    }

    fn with(mut self, name: &str, dtype: Dtype, shape: &[usize], data: &[u8]) -> Self {
        self.0
            .insert(name.to_owned(), (dtype, shape.to_vec(), data.to_vec()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.0.remove(name).unwrap();
        self
    }

    fn renamed(mut self, from: &str, to: &str) -> Self {
        let tensor = self.0.remove(from).unwrap();
        self.0.insert(to.to_owned(), tensor);
        self
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.to_bytes_with(None)
    }

    fn to_bytes_with(&self, metadata: Option<HashMap<String, String>>) -> Vec<u8> {
        let views = self.0.iter().map(|(name, (dtype, shape, data))| {
            (name, TensorView::new(*dtype, shape.clone(), data).unwrap())
        });
        safetensors::serialize(views, metadata).unwrap()
    }
}
