//! Files that are there whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Writes a file so that a reader, after a crash too, has the old bytes or the
/// new ones.
///
/// # Errors
/// With the path, and what the system says.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || -> io::Result<()> {
        let new = beside(path);
        let mut file = File::create(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        // The new name lasts when the folder does.
        #[cfg(unix)]
        if let Some(folder) = path.parent().filter(|it| !it.as_os_str().is_empty()) {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Checks that a file can be written there, without doing it.
///
/// # Errors
/// With the path, and why not.
pub(crate) fn check(path: &Path) -> Result<()> {
    let check = || -> io::Result<()> {
        if path.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let new = beside(path);
        File::create(&new)?;
        fs::remove_file(&new)
    };
    check().with_context(|| format!("cannot write {}", path.display()))
}

/// Where new bytes are until they are whole.
fn beside(path: &Path) -> PathBuf {
    let mut new = path.to_owned().into_os_string();
    new.push(".new");
    new.into()
}
