//! A file to be written when a run is over: claimed before it, complete or absent after it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// A claimed file.
#[derive(Debug)]
pub(crate) struct PendingFile {
    path: PathBuf,
    /// What is written until it takes the place of `path`; `None` for a device or pipe, which is written itself.
    partial: Option<PathBuf>,
    file: File,
}

/// Makes sure that there is a folder for `path`.
///
/// # Errors
/// If there is none.
pub(crate) fn expect_folder(path: &Path) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder.filter(|folder| !folder.is_dir()) {
        Some(folder) if folder.exists() => {
            bail!("can't write {}: {} is no folder", path.display(), folder.display())
        }
        Some(folder) => {
            bail!("can't write {}: there is no folder {}; make it first", path.display(), folder.display())
        }
        None => Ok(()),
    }
}

impl PendingFile {
    /// Makes sure that `path` can be written, without touching what is there.
    ///
    /// # Errors
    /// If it can't.
    pub(crate) fn claim(path: &Path) -> anyhow::Result<Self> {
        let cannot = || format!("can't write {}", path.display());
        expect_folder(path)?;
        let is_special = fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir());
        if is_special {
            let file = OpenOptions::new().write(true).open(path).with_context(cannot)?;
            return Ok(Self { path: path.to_owned(), partial: None, file });
        }
        if path.is_dir() {
            bail!("can't write {}: it is a directory", path.display());
        }
        if path.exists() {
            // A file that must not be written must not be replaced either.
            OpenOptions::new().append(true).open(path).with_context(cannot)?;
        }
        let name = path.file_name().with_context(cannot)?.to_string_lossy();
        let partial = path.with_file_name(format!(".{name}.{}.partial", std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).open(&partial).with_context(cannot)?;
        Ok(Self { path: path.to_owned(), partial: Some(partial), file })
    }

    /// The file itself, for a writer that has to own it.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn handle(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// What is there until it has its name, which nobody wants if the program ends before.
    pub(crate) fn partial(&self) -> Option<&Path> {
        self.partial.as_deref()
    }

    /// Whether it is a device or pipe.
    pub(crate) fn is_special(&self) -> bool {
        self.partial.is_none()
    }

    /// Writes the content.
    ///
    /// # Errors
    /// Those of writing.
    pub(crate) fn write(
        &mut self,
        content: impl FnOnce(&mut io::BufWriter<&File>) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        let mut out = io::BufWriter::new(&self.file);
        content(&mut out)
            .and_then(|()| out.flush())
            .with_context(|| format!("writing {}", self.path.display()))
    }

    /// Gives it its name.
    ///
    /// # Errors
    /// Those of renaming.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        match self.partial.take() {
            None => Ok(()),
            Some(partial) => {
                fs::rename(&partial, &self.path).with_context(|| format!("writing {}", self.path.display()))
            }
        }
    }
}

impl Drop for PendingFile {
    fn drop(&mut self) {
        if let Some(partial) = &self.partial {
            // Nothing can be done about a left-over that can't be removed.
            let _ = fs::remove_file(partial);
        }
    }
}

/// Whether two paths name one file, also if it does not exist yet.
pub(crate) fn same_file(one: &Path, other: &Path) -> bool {
    let resolved = |path: &Path| -> io::Result<PathBuf> {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::canonicalize(path)
            .or_else(|_| Ok(fs::canonicalize(parent)?.join(path.file_name().unwrap_or_default())))
    };
    match (resolved(one), resolved(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}
