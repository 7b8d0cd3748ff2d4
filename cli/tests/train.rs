//! `cargo herringbone train` as its users call it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use herringbone_tests::halves;
use serde_json::Value;
use tempfile::TempDir;

/// A package with a declaration, and data for it.
struct Package(TempDir);

const TINY: &str = "herringbone::network! {
    pub Tiny: [8, 8, 1] => < C1(4,3), M, D*(2) >,
    target: atmega328p,
    weights: \"tiny.safetensors\",
}";

impl Package {
    fn new(source: &str) -> Self {
        let package = Self(tempfile::tempdir().unwrap());
        fs::write(package.path("Cargo.toml"), "[package]\nname = \"tiny\"\n").unwrap();
        fs::write(package.path("main.rs"), source).unwrap();
        halves::write(&package.path("data"), 240, 60);
        package
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn train(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-herringbone"));
        command
            .current_dir(self.0.path())
            .args(["herringbone", "train", "main.rs"])
            .args(arguments.split_whitespace());
        command
    }

    /// What is printed by one that succeeds.
    fn trained(&self, arguments: &str) -> String {
        let output = self.train(arguments).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What is said by one that fails.
    fn failure(&self, arguments: &str) -> String {
        let output = self.train(arguments).output().unwrap();
        assert!(!output.status.success(), "{arguments}");
        stderr(&output)
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Runs it until it has printed a line that has `mark`.
fn run_until(mut command: Command, mark: &str) -> Child {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let found = lines.map(Result::unwrap).find(|line| line.contains(mark));
    assert!(found.is_some(), "no {mark}");
    child
}

/// The recipe of most tests: seconds.
const SHORT: &str = "--data data --epochs 10 --batch-size 32";

#[test]
fn a_training_leaves_weights_that_fit_their_declaration_pictures_and_a_report() {
    let package = Package::new(TINY);
    let printed = package.trained(SHORT);
    let epochs = (1..=10).filter(|epoch| printed.contains(&format!(" {epoch}/10  ")));
    assert_eq!(epochs.count(), 10, "a line an epoch: {printed}");
    assert!(!printed.contains('\u{1b}'), "no colours but to a terminal");

    let plan = Command::new(env!("CARGO_BIN_EXE_cargo-herringbone"))
        .args(["plan", "--json"])
        .arg(package.path("main.rs"))
        .output()
        .unwrap();
    assert!(plan.status.success(), "{}", stderr(&plan));
    let plan: Value = serde_json::from_slice(&plan.stdout).unwrap();
    let report = String::from_utf8(package.bytes("tiny.report.md")).unwrap();
    assert!(
        report.contains(&format!("| {} bytes of 2,048", plan["sram_bytes"])),
        "{report}"
    );
    assert!(report.contains("ms on atmega328p at 16 MHz"), "{report}");
    assert!(
        report.contains("180 for training, 60 for validation, 60 for testing"),
        "{report}"
    );
    let command = "cargo herringbone train main.rs --data data \
                   --validation 0.25 --epochs 10 --seed 1 --batch-size 32 ";
    assert!(report.contains(command), "{report}");

    let (_, test) = printed.split_once("test: ").unwrap();
    let percent: f64 = test.split(' ').next().unwrap().parse().unwrap();
    assert!(percent >= 95.0, "{printed}");
    assert!(
        report.contains(&format!("accuracy, test | {percent:.2} %")),
        "{report}"
    );

    for picture in ["curves", "confusion"] {
        let svg = String::from_utf8(package.bytes(&format!("tiny.{picture}.svg"))).unwrap();
        roxmltree::Document::parse(&svg).unwrap();
    }
    for picture in ["curves", "confusion", "worst"] {
        let png = package.bytes(&format!("tiny.{picture}.png"));
        assert!(png.starts_with(b"\x89PNG"), "{picture}");
    }
    assert!(!package.path("tiny.safetensors.checkpoint").exists());
}

#[test]
fn the_report_s_command_gives_the_same_weights_and_another_seed_others() {
    let package = Package::new(TINY);
    package.trained(SHORT);
    let report = String::from_utf8(package.bytes("tiny.report.md")).unwrap();
    let (_, again) = report.split_once("herringbone train main.rs ").unwrap();
    let again = again.lines().next().unwrap();
    package.trained(&format!("{again} --out again.safetensors"));
    package.trained(&format!("{SHORT} --seed 2 --out other.safetensors"));
    let weights = package.bytes("tiny.safetensors");
    assert_eq!(weights, package.bytes("again.safetensors"));
    assert_ne!(weights, package.bytes("other.safetensors"));
}

#[test]
fn a_trained_network_of_the_same_input_and_classes_can_teach() {
    let declaration = |name: &str, list: &str| {
        format!(
            "herringbone::network! {{ {name}: {list}, weights: \"{}.safetensors\" }}\n",
            name.to_lowercase()
        )
    };
    let source = [
        ("Tiny", "[8, 8, 1] => < A, C1(2,3), D*(2) >"),
        ("Large", "[8, 8, 1] => < C1(8,3), M, D*(2) >"),
        ("Other", "[8, 9, 1] => < C1(8,3), M, D*(2) >"),
    ]
    .map(|(name, list)| declaration(name, list));
    let package = Package::new(&source.concat());
    let teach =
        |name: &str| format!("--network Tiny {SHORT} --teacher main.rs --teacher-network {name}");
    let message = package.failure(&teach("Large"));
    assert!(
        message.contains("large.safetensors: train it first"),
        "{message}"
    );
    let message = package.failure(&teach("Missing"));
    assert!(message.contains("no network `Missing`"), "{message}");

    package.trained(&format!("--network Large {SHORT}"));
    fs::copy(
        package.path("large.safetensors"),
        package.path("other.safetensors"),
    )
    .unwrap();
    let message = package.failure(&teach("Other"));
    assert!(message.contains("8×9×1"), "{message}");
    package.trained(&teach("Large"));
    let report = String::from_utf8(package.bytes("tiny.report.md")).unwrap();
    let layers = "| teacher | `[8, 8, 1] => < C1(8,3), M, D*(2) >` |";
    assert!(report.contains(layers), "{report}");
    let command = "--data data --teacher main.rs --teacher-network Large --validation ";
    assert!(report.contains(command), "{report}");
}

#[test]
fn a_training_that_was_killed_goes_on_as_if_it_had_not_been() {
    let package = Package::new(TINY);
    let arguments = "--data data --epochs 30 --batch-size 32";
    let out = "--out parts.safetensors";
    package.trained(arguments);

    let mut child = run_until(package.train(&format!("{arguments} {out}")), " 2/30 ");
    child.kill().unwrap(); // SIGKILL, on unix
    child.wait().unwrap();
    assert!(!package.path("parts.safetensors").exists());
    let message = package.failure(&format!("{arguments} {out}"));
    assert!(message.contains("--resume"), "{message}");
    let message = package.failure(&format!("{arguments} {out} --seed 3 --resume"));
    assert!(
        message.contains("--seed: 1 in the checkpoint, 3 given"),
        "{message}"
    );

    let printed = package.trained(&format!("{arguments} {out} --resume"));
    assert!(!printed.contains(" 1/30 "), "{printed}");
    let whole = package.bytes("tiny.safetensors");
    assert_eq!(whole, package.bytes("parts.safetensors"));
}

#[cfg(unix)]
#[test]
fn an_interrupt_keeps_the_best_so_far_and_leaves_the_test_for_the_end() {
    let package = Package::new(TINY);
    // The first best epoch is the first with integers, of 70.
    let child = run_until(
        package.train("--data data --epochs 100 --batch-size 32"),
        " s  best",
    );
    let id = child.id().to_string();
    Command::new("kill").args(["-INT", &id]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(package.path("tiny.safetensors").exists());
    assert!(package.path("tiny.safetensors.checkpoint").exists());
    let report = String::from_utf8(package.bytes("tiny.report.md")).unwrap();
    assert!(report.contains("not looked at"), "{report}");
    let printed = package.trained("--data data --epochs 100 --batch-size 32 --resume");
    assert!(printed.contains("test: "), "{printed}");
}

#[test]
fn what_cannot_be_trained_is_refused_before_it_begins() {
    let package = Package::new(TINY);
    let message = package.failure("--data nowhere --epochs 0 --batch-size 30 --shear 80");
    for problem in [
        "nowhere does not exist",
        "0 epochs: ",
        "a batch of 30 examples",
        "the shear in degrees",
    ] {
        assert!(message.contains(problem), "{problem}: {message}");
    }
    let message = package.failure("--data data --out nowhere/tiny.safetensors");
    assert!(message.contains("cannot write "), "{message}");
    let message = package.failure("--data data --validation 0.6");
    assert!(
        message.contains("a share of 0.6 for validation"),
        "{message}"
    );

    for (declaration, problem) in [
        ("Wide: [8, 9, 1] => < C1(4,3), D*(2) >", "8×9×1"),
        ("Many: [8, 8, 1] => < C1(4,3), D*(3) >", "3 classes"),
        ("None: [8, 8, 1] => < A, A(4) >", "no weights to train"),
        ("Bad: [8, 8, 1] => < C1(4,3), D*(2), X >", "main.rs:1:"),
    ] {
        let package = Package::new(&format!("herringbone::network! {{ {declaration} }}"));
        let message = package.failure("--data data --out out.safetensors");
        assert!(message.contains(problem), "{problem}: {message}");
        let left = fs::read_dir(package.0.path()).unwrap().count();
        assert_eq!(left, 3, "nothing is written");
    }
}

#[test]
fn a_design_over_its_budget_is_refused_whatever_its_weights_file_is() {
    let source = TINY.replace("C1(4,3)", "C1(200,3), C1(250,3)");
    let package = Package::new(&source);
    fs::write(package.path("tiny.safetensors"), "").unwrap();
    let message = package.failure("--data data");
    assert!(message.contains("over budget"), "{message}");
    assert!(message.contains("main.rs:2:"), "{message}");
    assert!(!message.contains("weights file"), "{message}");
}

#[test]
fn the_weights_file_is_the_declaration_s_or_has_to_be_given() {
    let with = |weights: &str| {
        let line = "    weights: \"tiny.safetensors\",\n";
        Package::new(&TINY.replace(line, weights))
    };
    for weights in [
        "",
        "    weights: runtime,\n",
        "    weights: env!(\"HERRINGBONE_TEST_UNSET_WEIGHTS\"),\n",
    ] {
        let package = with(weights);
        let message = package.failure(SHORT);
        assert!(message.contains("--out FILE"), "{message}");
        package.trained("--data data --batch-size 32 --epochs 2 --out out.safetensors");
        assert!(Path::new(&package.path("out.report.md")).exists());
    }
}

#[test]
fn a_variable_of_cargo_s_configuration_names_the_weights_file_as_it_does_for_a_build() {
    let variable = "HERRINGBONE_TEST_CONFIGURED_WEIGHTS";
    let source = TINY.replace("\"tiny.safetensors\"", &format!("env!(\"{variable}\")"));
    let package = Package::new(&source);
    fs::create_dir(package.path(".cargo")).unwrap();
    let config =
        format!("[env]\n{variable} = {{ value = \"own.safetensors\", relative = true }}\n");
    fs::write(package.path(".cargo/config.toml"), config).unwrap();

    let train = || package.train("--data data --batch-size 32 --epochs 2");
    assert!(train().output().unwrap().status.success());
    assert!(package.path("own.safetensors").exists());
    let plan = Command::new(env!("CARGO_BIN_EXE_cargo-herringbone"))
        .arg("plan")
        .arg(package.path("main.rs"))
        .output()
        .unwrap();
    assert!(
        !stderr(&plan).contains("design to size"),
        "{}",
        stderr(&plan)
    );

    let given = package.path("given.safetensors");
    let output = train().env(variable, &given).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(given.exists());
}
