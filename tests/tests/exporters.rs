//! The exporters of `docs/from-other-frameworks.md`: what a framework computes,
//! the integers that its exporter writes give too, bit for bit.
//!
//! They run where Python has the framework: `python3`, or what
//! `HERRINGBONE_PYTHON` names. Keras takes the first backend that is there, or
//! `KERAS_BACKEND`.

use herringbone_compiler::network::{
    Activation, Add, Convolution, Dense, Depthwise, Kind, Network, Node, Padding, Pool,
    PoolFunction, Separable, Window,
};
use herringbone_compiler::{syntax, weights};
use herringbone_tests::reference::evaluate;
use safetensors::SafeTensors;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

/// Every letter with weights, with ReLU and without; inputs that an `A` takes
/// and that are shifted, dense layers after maps, a dense layer and the input;
/// strides, paddings, and maps that are added.
const NETWORKS: [&str; 8] = [
    "[25, 34, 1] => < A, C1(4,3), M, C1*(5,1x3), Dr, C2(6,3), D*(3) >",
    "[9, 14, 3] => < C1(5,3), M(1x2), C2*(6,3x1), A, D(8), D*(4) >",
    "[11, 8, 2] => < C2(7,3), C1(4,3x5), D(5) >, bits: { weights: 8, activations: 8 }",
    "[16, 12, 3] => < A(4), C1*(6,1), D*(5) >, bits: { weights: 2 }",
    "[4, 6, 3] => < M, D*(10) >",
    "[20, 17, 2] => < C1(6,3, stride: 2, padding: same), T(3, padding: 1), T*(3x2, stride: 1x2), \
     C2(8,5, stride: 2, padding: same), A, D*(4) >",
    "[16, 16, 3] => < 'stem: C1(8,3, padding: same), C1*(8,1, add: 'stem), R(3), M(3, stride: 2), \
     'half: T(3, padding: same), C2*(8,3, padding: same), Add('half), D*(5) >",
    "[12, 12, 1] => < 'a: C1(4,3, stride: 2), 'input, M(2), C1*(4,2), Add*('a) >",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn page() -> String {
    fs::read_to_string(root().join("docs/from-other-frameworks.md")).unwrap()
}

fn network(declaration: &str) -> Network {
    let parsed = syntax::parse(declaration.parse().unwrap());
    let told = || panic!("{}", parsed.errors.messages().join("; "));
    parsed.declaration.unwrap_or_else(told).network
}

/// What stands in the page's blocks of that language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let after = page.split(&fence).skip(1);
    let block = |text: &str| text.split("```").next().map(str::to_owned);
    after.filter_map(block).collect()
}

/// The network that the page declares, and its examples export.
fn declared() -> Network {
    let rust = blocks(&page(), "rust").remove(0);
    let (_, after) = rust.split_once("network! {").unwrap();
    let (inside, _) = after.rsplit_once('}').unwrap();
    network(inside)
}

/// The network as the Python side reads it: maps have numbers, the input's is 0.
fn described(network: &Network) -> Value {
    let of = |node: &Node, letter: &str, own: Value| {
        let field = node.field();
        let mut layer = json!({
            "letter": letter,
            "name": format!("{}.{}", node.layer, node.part.prefix()).trim_end_matches('.'),
            "reads": node.reads.iter().map(|it| it.index()).collect::<Vec<_>>(),
            "writes": node.writes.index(),
            "channels": node.input.channels,
            "kernel": [field.kernel.height, field.kernel.width],
            "stride": [field.stride.rows, field.stride.columns],
            "pads": [field.top, field.bottom(), field.left, field.right()],
        });
        let (layer_entries, own) = (layer.as_object_mut().unwrap(), own.as_object().unwrap());
        layer_entries.extend(own.clone());
        layer
    };
    let relu = |activation| activation == Activation::Relu;
    let padding = |window: Window| match window.padding {
        Padding::Same => json!("same"),
        Padding::Each(pixels) => json!(pixels),
    };
    let layer = |node: &Node| match node.kind {
        Kind::Pool(Pool {
            function,
            window: _,
        }) => {
            let letter = match function {
                PoolFunction::Average => "A",
                PoolFunction::Maximum => "M",
            };
            let field = node.field();
            of(
                node,
                letter,
                json!({ "window": [field.kernel.height, field.kernel.width] }),
            )
        }
        Kind::Convolution(Convolution {
            outputs,
            window,
            activation,
            adds,
        }) => of(
            node,
            "C1",
            json!({
                "outputs": outputs, "padding": padding(window), "relu": relu(activation),
                "adds": adds,
            }),
        ),
        Kind::Depthwise(Depthwise {
            window,
            activation,
            adds,
        }) => of(
            node,
            "T",
            json!({
                "outputs": node.output.channels, "padding": padding(window),
                "relu": relu(activation), "adds": adds,
            }),
        ),
        Kind::Separable(Separable {
            outputs,
            window,
            activation,
            adds,
        }) => of(
            node,
            "C2",
            json!({
                "outputs": outputs, "padding": padding(window), "relu": relu(activation),
                "adds": adds,
            }),
        ),
        Kind::Dense(Dense {
            outputs,
            activation,
            adds,
        }) => of(
            node,
            "D",
            json!({ "outputs": outputs, "relu": relu(activation), "adds": adds }),
        ),
        Kind::Add(Add { activation }) => of(node, "Add", json!({ "relu": relu(activation) })),
        Kind::Dropout(_) => of(node, "Dr", json!({})),
        Kind::Concat(_)
        | Kind::Recurrent(_)
        | Kind::Projection(_)
        | Kind::Tree(_)
        | Kind::Prototypes(_)
        | Kind::Noise(_) => panic!("no exporter knows {}", node.kind),
    };
    let input = network.input();
    json!({
        "input": [input.height, input.width, input.channels],
        "weights": network.bits().weights,
        "activations": network.bits().activations,
        "layers": network.nodes().iter().map(layer).collect::<Vec<_>>(),
    })
}

fn python() -> Command {
    let name = env::var_os("HERRINGBONE_PYTHON").unwrap_or(OsString::from("python3"));
    let mut python = Command::new(name);
    python.env("PYTHONDONTWRITEBYTECODE", "1");
    python
}

/// Whether Python has those modules; else why not.
fn has(modules: &str, backend: &str) -> Result<(), String> {
    let mut python = python();
    python.args(["-c", &format!("import {modules}")]);
    python.env("KERAS_BACKEND", backend);
    let output = python.output().map_err(|error| {
        let name = python.get_program().display();
        format!("{name} cannot be started: {error}; HERRINGBONE_PYTHON names another")
    })?;
    let errors = String::from_utf8_lossy(&output.stderr);
    match errors.lines().last() {
        _ if output.status.success() => Ok(()),
        reason => Err(reason.unwrap_or("Python fails").to_owned()),
    }
}

/// The named network's weights, which the exporter wrote, give the framework's results.
fn agrees(folder: &Path, name: &str, network: &Network) {
    let read = |file: String| fs::read(folder.join(file)).unwrap();
    let file = read(format!("{name}.safetensors"));
    let weights = weights::read(network, &file).unwrap_or_else(|errors| {
        let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
        panic!("{name}: {}", told.join("; "))
    });
    let file = read(format!("{name}.results.safetensors"));
    let file = SafeTensors::deserialize(&file).unwrap();
    let inputs = file.tensor("inputs").unwrap();
    let results: Vec<i64> = file
        .tensor("results")
        .unwrap()
        .data()
        .chunks_exact(8)
        .map(|bytes| i64::from_le_bytes(bytes.try_into().unwrap()))
        .collect();
    let inputs = inputs
        .data()
        .chunks_exact(network.input().values() as usize);
    let results = results.chunks_exact(network.output().values() as usize);
    assert!(inputs.len() > 1 && inputs.len() == results.len());
    let first = results.clone().next();
    assert!(
        results.clone().any(|it| Some(it) != first),
        "{name}: constant"
    );
    for (index, (input, results)) in inputs.zip(results).enumerate() {
        let trace = evaluate(network, &weights, input);
        assert_eq!(trace.results(), results, "{name}, image {index}");
    }
}

/// Tells what ran and what did not, where `eprintln` is kept from view by the test harness.
fn say(what: &str) {
    let line = format!("\nexporters: {what}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// Exports networks from a framework on one of the backends that Keras may have.
fn export(framework: &str, modules: &str, backends: &[String]) {
    let mut skipped = BTreeSet::new();
    let there = |backend: &&String| {
        let found = has(modules, backend);
        found.map_err(|reason| skipped.insert(reason)).is_ok()
    };
    let Some(backend) = backends.iter().find(there) else {
        let reasons: Vec<_> = skipped.into_iter().collect();
        say(&format!("skipped: {framework}: {}", reasons.join("; ")));
        return;
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("exporters");
    let folder = folder.join(framework);
    fs::create_dir_all(&folder).unwrap();
    let networks = NETWORKS.map(|list| network(&format!("Exported: {list}")));
    let mut drive = python()
        .arg(root().join("tests/fixtures/exporters/drive.py"))
        .args([framework.as_ref(), folder.as_os_str()])
        .env("KERAS_BACKEND", backend)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let lists = Value::from(networks.iter().map(described).collect::<Vec<_>>());
    let mut input = drive.stdin.take().unwrap();
    input.write_all(lists.to_string().as_bytes()).unwrap();
    drop(input);
    assert!(
        drive.wait().unwrap().success(),
        "{framework}: drive.py fails"
    );
    for (index, network) in networks.iter().enumerate() {
        agrees(&folder, &index.to_string(), network);
    }
    agrees(&folder, "example", &declared());
    say(&format!("ran: {framework}"));
}

#[test]
fn weights_from_pytorch_give_what_pytorch_computes() {
    let modules = "torch, numpy, safetensors.numpy";
    export("pytorch", modules, &["torch".to_owned()]);
}

#[test]
fn weights_from_keras_give_what_keras_computes() {
    let backends = match env::var("KERAS_BACKEND") {
        Ok(backend) => vec![backend],
        Err(_) => ["torch", "jax", "tensorflow"].map(str::to_owned).to_vec(),
    };
    export("keras", "keras, numpy, safetensors.numpy", &backends);
}

#[test]
fn the_page_shows_the_exporters_that_are_tested() {
    let files = [
        "export_pytorch",
        "example_pytorch",
        "export_keras",
        "example_keras",
    ];
    let read = |name| fs::read_to_string(root().join(format!("docs/exporters/{name}.py")));
    assert_eq!(
        blocks(&page(), "python"),
        files.map(|name| read(name).unwrap())
    );
}
