//! `cargo herringbone search` as its users call it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use herringbone_tests::halves;
use serde_json::Value;
use tempfile::TempDir;

const TINY: &str = "herringbone::network! {
    /// Which half is bright.
    pub Tiny: [8, 8, 1] => < C1(4,3), M, D*(2) >,
    target: atmega328p,
    weights: \"tiny.safetensors\",
}";

/// Networks that are trained in no time.
const SPACE: &str = r#"
lists = ["C; M", "C; C; M"]
[sets]
C = ["C1({2,3,4,6,8},{1,3})", "T(3)", "'x: C1({c=2,4},3), C1({c},3, padding: same, add: 'x)"]
"#;

/// The search of most tests: seconds.
const SHORT: &str = "main.rs --data data --space space.toml --trials 7 --steps 8 --rungs 1,2 \
                     --batch 3 --finalists 2 --seeds 2 --final-epochs 4";

/// A package with a declaration, data for it, and a space.
struct Package(TempDir);

impl Package {
    fn new() -> Self {
        let package = Self(tempfile::tempdir().unwrap());
        fs::write(package.path("Cargo.toml"), "[package]\nname = \"tiny\"\n").unwrap();
        fs::write(package.path("main.rs"), TINY).unwrap();
        fs::write(package.path("space.toml"), SPACE).unwrap();
        halves::write(&package.path("data"), 240, 60);
        package
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-herringbone"));
        command
            .current_dir(self.0.path())
            .args(["herringbone", "search"])
            .args(arguments.split_whitespace());
        command
    }

    fn run(&self, arguments: &str) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What is printed by one that succeeds.
    fn printed(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What is said by one that fails.
    fn failure(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments}");
        String::from_utf8(output.stderr).unwrap()
    }

    /// Every plan of a study, and what was right in every result.
    fn study(&self, name: &str) -> Vec<(String, Vec<Value>)> {
        let mut stages = Vec::new();
        for stage in 0.. {
            let folder = self.path(&format!("{name}/stages/{stage:04}"));
            let Ok(plan) = fs::read_to_string(folder.join("plan.jsonl")) else {
                break;
            };
            let results = (0..plan.lines().count()).map(|line| {
                let path = folder.join(format!("results/{line}.json"));
                let bytes = fs::read(&path).unwrap_or_else(|_| panic!("{}", path.display()));
                let mut result: Value = serde_json::from_slice(&bytes).unwrap();
                result["outcome"]["seconds"] = Value::Null;
                result["outcome"].take()
            });
            stages.push((plan.clone(), results.collect()));
        }
        stages
    }
}

#[test]
fn a_search_leaves_a_winner_that_fits_and_the_same_study_however_it_is_run() {
    let package = Package::new();
    let printed = package.printed(&format!("{SHORT} --study whole"));
    assert!(printed.contains("validation: "), "{printed}");
    assert!(printed.contains("test: "), "{printed}");
    for name in [
        "pareto.svg",
        "pareto.png",
        "table.txt",
        "results.json",
        "log.txt",
    ] {
        assert!(package.path("whole").join(name).is_file(), "{name}");
    }
    let has_branches = |(plan, _): &(String, Vec<Value>)| plan.contains("add: 'a");
    assert!(package.study("whole").iter().any(has_branches));
    let svg = fs::read_to_string(package.path("whole/pareto.svg")).unwrap();
    roxmltree::Document::parse(&svg).unwrap();
    let plan = Command::new(env!("CARGO_BIN_EXE_cargo-herringbone"))
        .current_dir(package.path("whole/winner"))
        .args(["plan", "tiny.rs", "--weights", "tiny.safetensors"])
        .output()
        .unwrap();
    assert!(
        plan.status.success(),
        "{}",
        String::from_utf8_lossy(&plan.stderr)
    );

    // Once more: nothing is trained again.
    let again = package.printed(&format!("{SHORT} --study whole"));
    assert!(!again.contains("rung 0 "), "{again}");

    // Killed again and again.
    for _ in 0..40 {
        let mut child = package
            .command(&format!("{SHORT} --study killed --workers 1"))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(700));
        let ended = child.try_wait().unwrap();
        if ended.is_some_and(|status| status.success()) {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    package.printed(&format!("{SHORT} --study killed"));
    assert_eq!(package.study("killed"), package.study("whole"));

    // By workers that share the folder, one of which runs twice.
    package.printed(&format!("{SHORT} --study shared --plan-only"));
    loop {
        match package.run("next shared").status.code() {
            Some(0) => {}
            Some(3) => break,
            other => panic!("{other:?}"),
        }
        for index in [1, 0, 1] {
            package.printed(&format!("run shared --index {index} --stride 2"));
        }
    }
    assert_eq!(package.study("shared"), package.study("whole"));
    let winner =
        |study: &str| fs::read(package.path(study).join("winner/tiny.safetensors")).unwrap();
    assert_eq!(winner("shared"), winner("whole"));

    fs::write(package.path("others.csv"), "100,0.5\n4000,0.02\n").unwrap();
    package.printed("picture whole bytes.svg --beside others.csv --others published");
    let picture = fs::read_to_string(package.path("bytes.svg")).unwrap();
    assert!(picture.contains(">published<"), "{picture}");
    // Two in the legend, two of the others, and at least one of the study.
    let discs = picture.matches("<circle").count();
    assert!(discs >= 5, "{discs}");

    package.printed("export optuna journal.log --study whole");
    let journal = fs::read_to_string(package.path("journal.log")).unwrap();
    let lines: Vec<Value> = journal
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(lines.iter().filter(|line| line["op_code"] == 4).count() >= 7);
    for scheduler in ["slurm", "pbs", "hyperqueue", "kubernetes", "parallel"] {
        let script = package.printed(&format!("script {scheduler} whole --workers 5"));
        assert!(
            script.contains("search run") && script.contains("--stride 5"),
            "{script}"
        );
        if scheduler != "kubernetes" {
            let mut shell = Command::new("sh")
                .args(["-n"])
                .stdin(Stdio::piped())
                .spawn()
                .unwrap();
            std::io::Write::write_all(&mut shell.stdin.take().unwrap(), script.as_bytes()).unwrap();
            assert!(shell.wait().unwrap().success(), "{script}");
        }
    }
}

#[test]
fn mistakes_are_told_before_anything_is_trained() {
    let package = Package::new();
    let dry = package.printed("main.rs --data data --space space.toml --dry");
    assert!(
        dry.contains("182 networks") && dry.contains("all of them"),
        "{dry}"
    );
    let published = package.printed("main.rs --data data --space mueksch --dry=10");
    assert!(published.contains("276,196 networks"), "{published}");

    let nothing_fits = package.failure(&format!("{SHORT} --study none --weights-bytes 3"));
    assert!(
        nothing_fits.contains("no design of the space fits"),
        "{nothing_fits}"
    );
    let wrong = package.failure("main.rs --data data --trials 0 --rungs 3,2");
    assert!(
        wrong.contains("--trials 0") && wrong.contains("[3, 2] rounds"),
        "{wrong}"
    );
    assert!(package.failure("next main.rs").contains("is no study"));

    package.printed(&format!("{SHORT} --study one --plan-only"));
    let other = package.failure(&format!("{SHORT} --study one --seed 2"));
    assert!(other.contains("seed: 1 there, 2 wanted"), "{other}");
}
