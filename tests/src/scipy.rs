//! What Python's scipy computes.

use std::path::Path;
use std::process::{Command, Stdio};

/// The rows that a script of `fixtures` makes of a design; `None` where scipy is not installed. The
/// variable `HERRINGBONE_PYTHON` names another Python than `python3`.
pub fn rows(script: &str, design: &serde_json::Value) -> Option<Vec<Vec<f64>>> {
    let python = std::env::var_os("HERRINGBONE_PYTHON").unwrap_or_else(|| "python3".into());
    let has_scipy = Command::new(&python)
        .args(["-c", "import scipy"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !has_scipy {
        println!("skipped: {} has no scipy", python.display());
        return None;
    }
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut child = Command::new(&python)
        .arg(fixtures.join(script))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python runs");
    let input = child.stdin.take().expect("its input is piped");
    serde_json::to_writer(input, design).expect("the script reads all");
    let output = child.wait_with_output().expect("the script ends");
    assert!(output.status.success(), "{script} fails");
    Some(serde_json::from_slice(&output.stdout).expect("the script writes rows"))
}
