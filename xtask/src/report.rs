//! What `cargo xtask test` ran.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use console::style;

/// Runs a command, which must succeed.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    if !status.success() {
        let line: Vec<_> = std::iter::once(command.get_program())
            .chain(command.get_args())
            .map(|word| word.to_string_lossy())
            .collect();
        bail!("{}: {status}", line.join(" "));
    }
    Ok(())
}

/// What has run so far, and how it went.
#[derive(Default)]
pub(crate) struct Report {
    passed: Vec<(String, Duration)>,
    failed: Option<String>,
    ignored: Vec<(String, String)>,
}

impl Report {
    pub(crate) fn check(&mut self, name: &str, check: impl FnOnce() -> Result<()>) -> Result<()> {
        eprintln!("{}", style(format!("— {name}")).bold().for_stderr());
        let start = Instant::now();
        match check() {
            Ok(()) => {
                self.passed.push((name.to_owned(), start.elapsed()));
                Ok(())
            }
            Err(error) => {
                self.failed = Some(name.to_owned());
                Err(error.context(format!("{name} failed")))
            }
        }
    }

    pub(crate) fn ignore(&mut self, name: &str, reason: &str) {
        self.ignored.push((name.to_owned(), reason.to_owned()));
    }

    /// Prints what ran, in the words of cargo's own tests.
    pub(crate) fn print(&self, total: Duration) {
        let count = self.passed.len() + usize::from(self.failed.is_some());
        println!("\nrunning {count} checks");
        for (name, duration) in &self.passed {
            println!("test {name} ... ok <{:.1}s>", duration.as_secs_f32());
        }
        for (name, reason) in &self.ignored {
            println!("test {name} ... ignored, {reason}");
        }
        if let Some(name) = &self.failed {
            println!("test {name} ... FAILED");
        }
        println!(
            "\ntest result: {}. {} passed; {} failed; {} ignored; 0 measured; 0 filtered out; \
             finished in {:.2}s\n",
            if self.failed.is_some() {
                "FAILED"
            } else {
                "ok"
            },
            self.passed.len(),
            u8::from(self.failed.is_some()),
            self.ignored.len(),
            total.as_secs_f32()
        );
    }
}
