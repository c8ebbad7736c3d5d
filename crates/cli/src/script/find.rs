//! Which scripts are meant by the paths of the command line, and what they say.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Octets that no script has.
const SIZE_MAX: u64 = 16 << 20;

/// Something that was named and is to be played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A file.
    File(PathBuf),
    /// `-`.
    StandardInput,
    /// A path at which there is nothing to play, and why.
    Nothing(PathBuf, String),
}

/// Why a source can't be read: the line, if it is one, and the message with its remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// Line and column in it.
    pub(crate) place: Option<(u32, u32)>,
    /// What is wrong and what to do about it.
    pub(crate) message: String,
}

impl Source {
    /// Its name in what is printed.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::File(path) | Self::Nothing(path, _) => path.display().to_string(),
            Self::StandardInput => "-".into(),
        }
    }

    /// The script's text.
    ///
    /// # Errors
    /// If it can't be read, is too long for a script, or is not UTF-8.
    pub(crate) fn read(&self) -> Result<String, Unreadable> {
        let octets = match self {
            Self::Nothing(_, why) => return Err(Unreadable { place: None, message: why.clone() }),
            Self::StandardInput => octets_of(io::stdin().lock()),
            Self::File(path) => File::open(path).and_then(octets_of),
        };
        let octets = octets.map_err(|error| Unreadable { place: None, message: words(&error) })?;
        if octets.len() as u64 > SIZE_MAX {
            let message = format!("it is longer than {} MiB: no script is", SIZE_MAX >> 20);
            return Err(Unreadable { place: None, message });
        }
        String::from_utf8(octets).map_err(|error| {
            let good = error.utf8_error().valid_up_to();
            not_utf8(&error.into_bytes(), good)
        })
    }
}

/// All scripts that are meant, in the order of the paths; those of a folder in the order of their paths. One that is
/// named twice counts once.
pub(crate) fn sources(paths: &[PathBuf]) -> Vec<Source> {
    let mut found: Vec<Source> = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            found.push(Source::StandardInput);
            continue;
        }
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => folder(path, &mut found),
            Ok(_) => found.push(Source::File(path.clone())),
            Err(error) => found.push(Source::Nothing(path.clone(), words(&error))),
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|source| seen.insert(source.name()));
    found
}

/// The scripts below a folder.
fn folder(path: &Path, found: &mut Vec<Source>) {
    let mut below = Vec::new();
    walk(path, &mut Vec::new(), &mut below);
    if below.is_empty() {
        let why = "no script is in this folder; scripts have names that end with .pkt".to_owned();
        below.push(Source::Nothing(path.to_owned(), why));
    }
    below.sort_by_cached_key(|source| match source {
        Source::File(path) | Source::Nothing(path, _) => path.clone(),
        Source::StandardInput => PathBuf::new(),
    });
    found.append(&mut below);
}

/// Goes through a folder; `above` are the folders that lead to it, so that a link back to one of them is no way.
fn walk(path: &Path, above: &mut Vec<PathBuf>, found: &mut Vec<Source>) {
    let entries = fs::canonicalize(path).and_then(|real| Ok((real, fs::read_dir(path)?)));
    let (real, entries) = match entries {
        Ok(entries) => entries,
        Err(error) => return found.push(Source::Nothing(path.to_owned(), words(&error))),
    };
    if above.contains(&real) {
        return;
    }
    above.push(real);
    for entry in entries {
        match entry.map(|entry| entry.path()) {
            Ok(path) if path.is_dir() => walk(&path, above, found),
            Ok(path) if path.extension() == Some(OsStr::new("pkt")) => found.push(Source::File(path)),
            Ok(_) => {}
            Err(error) => found.push(Source::Nothing(path.to_owned(), words(&error))),
        }
    }
    above.pop();
}

/// At most one octet more than a script may have.
fn octets_of(from: impl Read) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    from.take(SIZE_MAX + 1).read_to_end(&mut octets)?;
    Ok(octets)
}

/// What is wrong and what to do about it.
fn words(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file or folder; check the path".into(),
        ErrorKind::PermissionDenied => "it may not be read; give yourself the right to read it".into(),
        ErrorKind::IsADirectory => "it is a folder".into(),
        _ => format!("it can't be read: {error}"),
    }
}

/// Where the first octet stands that is not UTF-8.
fn not_utf8(octets: &[u8], good: usize) -> Unreadable {
    let before = String::from_utf8_lossy(&octets[..good]);
    let line = before.matches('\n').count() as u32 + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() as u32 + 1;
    let message = format!("octet {:#04x} is no UTF-8; save the script as UTF-8", octets[good]);
    Unreadable { place: Some((line, column)), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_what_is_no_text_is_told() {
        let octets = b"0 \xc3\xa4\n+0 \xff".to_vec();
        let error = String::from_utf8(octets).unwrap_err();
        let good = error.utf8_error().valid_up_to();
        let unreadable = not_utf8(&error.into_bytes(), good);
        assert_eq!(unreadable.place, Some((2, 4)));
        assert!(unreadable.message.contains("0xff"), "{}", unreadable.message);
    }

    #[test]
    fn a_path_that_leads_nowhere_is_kept_to_be_told_of() {
        let missing = PathBuf::from("/nowhere/at/all.pkt");
        let found = sources(&[missing.clone(), PathBuf::from("-"), missing.clone(), PathBuf::from("-")]);
        assert_eq!(found.len(), 2, "named twice, played once: {found:?}");
        assert!(
            matches!(&found[0], Source::Nothing(path, why) if *path == missing && why.contains("no such"))
        );
        assert_eq!(found[1], Source::StandardInput);
    }
}
