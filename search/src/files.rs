//! Files that are there whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Writes a file so that a reader, after a crash too, has the old bytes or the new ones.
///
/// # Errors
/// With the path, and what the system says.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || -> io::Result<()> {
        let new = whole(path, bytes)?;
        fs::rename(&new, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Writes a file that is not there yet; one that somebody else wrote meanwhile stays as it is.
/// Says whether this one is there now.
///
/// # Errors
/// With the path, and what the system says.
pub(crate) fn write_first(path: &Path, bytes: &[u8]) -> Result<bool> {
    let write = || -> io::Result<bool> {
        let new = whole(path, bytes)?;
        // Of two links, one comes first, on network file systems too.
        let linked = fs::hard_link(&new, path);
        fs::remove_file(&new)?;
        match linked {
            Ok(()) => Ok(true),
            Err(_) if path.exists() => Ok(false),
            // A file system without links.
            Err(_) => {
                let new = whole(path, bytes)?;
                fs::rename(&new, path).map(|()| true)
            }
        }
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// The bytes in a file of their own beside it, which nobody else writes.
fn whole(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let mut new = path.to_owned().into_os_string();
    let host = fs::read_to_string("/etc/hostname").unwrap_or_default();
    let thread = format!("{:?}", std::thread::current().id());
    let thread: String = thread.chars().filter(char::is_ascii_digit).collect();
    new.push(format!(
        ".{}.{}.{thread}.new",
        host.trim(),
        std::process::id()
    ));
    let new = PathBuf::from(new);
    let mut file = File::create(&new)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if let Err(error) = written {
        // A full disk should not be kept full.
        let _ = fs::remove_file(&new);
        return Err(error);
    }
    Ok(new)
}
