//! Files that are there whole or not at all.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::NamedTempFile;

/// Writes a file so that whoever reads it, after a crash too, has the old bytes or the
/// new ones.
///
/// # Errors
/// With the path, and what the system says.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let folder = folder(path);
        let mut file = new_file(&folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        // The new name lasts when the folder does.
        #[cfg(unix)]
        File::open(&folder)?.sync_all()?;
        Ok(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Checks that a file can be written there, without doing it.
///
/// # Errors
/// With the path, and why not.
pub(crate) fn check(path: &Path) -> Result<()> {
    let context = || format!("cannot write {}", path.display());
    if path.is_dir() {
        anyhow::bail!("{}: it is a folder", context());
    }
    new_file(&folder(path)).with_context(context)?;
    Ok(())
}

/// A file without a name that lasts, as readable to others as any new file.
fn new_file(folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Less what the process's umask takes away.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.prefix(".herringbone-").tempfile_in(folder)
}

fn folder(path: &Path) -> PathBuf {
    let parent = path.parent().filter(|it| !it.as_os_str().is_empty());
    parent.unwrap_or(Path::new(".")).to_owned()
}
