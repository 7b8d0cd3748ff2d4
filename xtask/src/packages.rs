//! Installing Debian packages.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// Installs those of `packages` that are missing, after saying so.
///
/// # Errors
/// When there is no apt, or it fails; the message has the command to run by hand.
pub(crate) fn install(purpose: &str, packages: &[&str]) -> Result<()> {
    let missing: Vec<_> = packages
        .iter()
        .copied()
        .filter(|package| !is_installed(package))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }

    let by_hand = format!("sudo apt-get install {}", missing.join(" "));
    ensure!(
        found("apt-get"),
        "{purpose} needs the packages that Debian calls {}; there is no apt-get here to install \
         them (there, it would be: {by_hand})",
        missing.join(", ")
    );
    eprintln!("installing what {purpose} needs: {}", missing.join(" "));
    let arguments = ["install", "--yes", "--no-install-recommends"];
    // A machine's lists of packages may be old, or not there at all.
    apt_get(&["update", "--quiet"])
        .and_then(|()| apt_get(&[&arguments[..], &missing].concat()))
        .with_context(|| format!("cannot install what {purpose} needs; by hand: {by_hand}"))
}

/// Whether the program `name` can be started.
pub(crate) fn found(name: &str) -> bool {
    Command::new(name)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn is_installed(package: &str) -> bool {
    Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Status}", package])
        .stderr(Stdio::null())
        .output()
        .is_ok_and(|output| output.stdout == b"installed")
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let mut command = if is_root() {
        Command::new("apt-get")
    } else {
        ensure!(
            found("sudo"),
            "apt-get wants to be run by root, and there is no sudo"
        );
        let mut sudo = Command::new("sudo");
        sudo.arg("apt-get");
        sudo
    };
    // apt talks to standard output, where a command's own result belongs.
    let status = command
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdout(std::io::stderr())
        .status()?;
    if !status.success() {
        bail!("apt-get {} failed: {status}", arguments.join(" "));
    }
    Ok(())
}

fn is_root() -> bool {
    Command::new("id")
        .arg("--user")
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
