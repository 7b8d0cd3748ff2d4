//! Crates that a test writes, builds and runs as a user of `herringbone`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

/// A folder of crates that share a lock file; with its neighbours, a target folder too.
pub struct Crates {
    folder: PathBuf,
}

impl Crates {
    /// An empty workspace in `folder`, locked as this one is.
    pub fn new(folder: PathBuf) -> Self {
        fs::create_dir_all(&folder).expect("the folder can be made");
        let manifest = "[workspace]\nresolver = \"2\"\nmembers = [\"*\"]\n\n\
                        [profile.dev]\nopt-level = 0\ndebug = false\n";
        write(&folder.join("Cargo.toml"), manifest);
        let lock = root().join("Cargo.lock");
        fs::copy(lock, folder.join("Cargo.lock")).expect("the workspace is locked");
        Self { folder }
    }

    /// Adds a crate that knows `herringbone` as `dependency`.
    ///
    /// `files` are paths in the crate and what they hold.
    pub fn add(&self, name: &str, edition: &str, dependency: &str, files: &[(&str, &[u8])]) {
        let folder = self.folder.join(name);
        let manifest = format!(
            "[package]\nname = {name:?}\nversion = \"0.0.0\"\nedition = {edition:?}\n\n\
             [dependencies]\n{dependency} = {{ package = \"herringbone\", path = {:?} }}\n",
            root().join("runtime")
        );
        write(&folder.join("Cargo.toml"), manifest);
        for (path, bytes) in files {
            write(&folder.join(path), bytes);
        }
    }

    /// What `cargo` with those arguments prints.
    ///
    /// # Panics
    /// With the errors that it prints where it fails.
    pub fn cargo(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert!(
            output.status.success(),
            "cargo {arguments:?} in {}\n{}",
            self.folder.display(),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("UTF-8 is printed")
    }

    /// The errors that `cargo` with those arguments ends with.
    ///
    /// # Panics
    /// Where it succeeds.
    pub fn cargo_fails(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        let folder = self.folder.display();
        assert!(!output.status.success(), "cargo {arguments:?} in {folder}");
        String::from_utf8(output.stderr).expect("UTF-8 is printed")
    }

    /// Where they are built: what they all depend on is built once for all folders beside this one.
    pub fn target(&self) -> PathBuf {
        self.folder.with_file_name("built")
    }

    fn output(&self, arguments: &[&str]) -> Output {
        Command::new(env::var_os("CARGO").unwrap_or(OsString::from("cargo")))
            .args(arguments)
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", self.target())
            .env_remove("RUSTFLAGS")
            .output()
            .expect("cargo can be started")
    }
}

fn root() -> &'static Path {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    root.expect("the tests are a member of the workspace")
}

/// Writes a file; one that holds just that keeps its date, and is not built again.
fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    let folder = path.parent().expect("a file is in a folder");
    fs::create_dir_all(folder).expect("the folder can be made");
    if fs::read(path).ok().as_deref() != Some(bytes.as_ref()) {
        fs::write(path, bytes).expect("the file can be written");
    }
}
