//! Data that does not ship with the repository: `../shared`.

use std::path::PathBuf;

/// A path in `../shared`, or `None` and a printed line where it is absent.
pub fn shared(path: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    if !folder.exists() {
        println!("skipped: {} is absent", folder.display());
        return None;
    }
    let path = folder.join(path);
    assert!(
        path.exists(),
        "{} is missing from ../shared",
        path.display()
    );
    Some(path)
}
