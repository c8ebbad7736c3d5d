//! The folder that a hunt leaves: claimed empty, a ticket whole or not there.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::evidence::Ticket;

/// The folder.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Whether it was made for this hunt.
    is_new: bool,
}

/// The longest name of a ticket's folder behind its number.
const SLUG_MAX: usize = 40;

impl Folder {
    /// Makes the folder, or makes sure that it is empty, so that nothing is overwritten.
    ///
    /// # Errors
    /// If there is something in it, or it can't be made.
    pub(crate) fn claim(path: &Path) -> anyhow::Result<Self> {
        let cannot = || format!("can't write into {}", path.display());
        if path.exists() && !path.is_dir() {
            bail!("can't write into {}: it is a file; --out names a folder", path.display());
        }
        let is_new = !path.exists();
        if is_new {
            fs::create_dir_all(path).with_context(cannot)?;
        } else if fs::read_dir(path).with_context(cannot)?.next().is_some() {
            bail!(
                "{} is not empty: name a folder that is empty or does not exist, so that nothing is overwritten",
                path.display()
            );
        }
        // A hunt isn't done for nothing.
        let probe = path.join(".hunt.partial");
        fs::create_dir(&probe).and_then(|()| fs::remove_dir(&probe)).with_context(cannot)?;
        Ok(Self { path: path.to_owned(), is_new })
    }

    /// Writes a ticket and gives it its name, which is returned.
    ///
    /// # Errors
    /// Those of writing.
    pub(crate) fn write(&self, number: usize, ticket: &Ticket) -> anyhow::Result<String> {
        let name = format!("{number:02}-{}", slug(&ticket.title));
        let partial = self.path.join(format!(".{name}.partial"));
        let path = self.path.join(&name);
        let writing = || format!("writing {}", path.display());
        fs::create_dir(&partial).with_context(writing)?;
        for (file, content) in &ticket.files {
            fs::write(partial.join(file), content).with_context(writing)?;
        }
        fs::rename(&partial, &path).with_context(writing)?;
        Ok(name)
    }

    /// Writes the list of all that was found.
    ///
    /// # Errors
    /// Those of writing.
    pub(crate) fn index(&self, text: &str) -> anyhow::Result<()> {
        let path = self.path.join("README.md");
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    }

    /// Takes the folder away again if nothing came into it.
    pub(crate) fn give_back(&self) {
        if self.is_new {
            // It stays if somebody has put something into it.
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// A title as a short name of a folder: small letters, digits and hyphens.
fn slug(title: &str) -> String {
    let mut slug = String::new();
    for word in title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        if slug.len() + 1 + word.len() > SLUG_MAX && !slug.is_empty() {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(&word.to_ascii_lowercase());
    }
    slug.truncate(SLUG_MAX);
    if slug.is_empty() { "failure".to_owned() } else { slug }
}

#[cfg(test)]
mod tests {
    use super::{SLUG_MAX, slug};

    #[test]
    fn a_title_becomes_a_short_name() {
        assert_eq!(slug("app:photo and no timeout"), "app-photo-and-no-timeout");
        assert_eq!(slug("„…“"), "failure");
        let long = slug(&"word ".repeat(40));
        assert!(long.len() <= SLUG_MAX && long.ends_with("word"), "{long}");
        assert_eq!(slug(&"x".repeat(99)).len(), SLUG_MAX);
    }
}
