//! The sources of all crates, parted into product and tests.

use std::fs;
use std::path::{Path, PathBuf};

/// A run of lines that is either product code or test code.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Like `tcp/transmit.rs`; of a test, `tcp/tests/endpoint/close.rs`.
    pub(crate) name: String,
    pub(crate) is_test: bool,
    pub(crate) lines: Vec<String>,
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All of them, in the order of their names.
pub(crate) fn all() -> Vec<Source> {
    let mut sources = Vec::new();
    for crate_folder in entries(&root().join("crates")) {
        let krate = file_name(&crate_folder);
        for (folder, is_test) in [("src", false), ("tests", true)] {
            let top = crate_folder.join(folder);
            if top.is_dir() {
                read(&top, &format!("{krate}{}", if is_test { "/tests" } else { "" }), is_test, &mut sources);
            }
        }
    }
    assert!(sources.len() > 150, "{} sources found", sources.len());
    sources
}

fn read(folder: &Path, prefix: &str, is_test: bool, sources: &mut Vec<Source>) {
    for path in entries(folder) {
        let file = file_name(&path);
        let name = format!("{prefix}/{file}");
        if path.is_dir() {
            read(&path, &name, is_test || file == "tests", sources);
        } else if file.ends_with(".rs") {
            let text = fs::read_to_string(&path).expect("a readable source");
            let is_test = is_test || file == "tests.rs";
            let (product, tests) = text.split_once("#[cfg(test)]\nmod tests {").unwrap_or((&text, ""));
            sources.push(source(&name, is_test, product));
            if !tests.is_empty() {
                sources.push(source(&name, true, tests));
            }
        }
    }
}

fn source(name: &str, is_test: bool, text: &str) -> Source {
    Source { name: name.into(), is_test, lines: text.lines().map(String::from).collect() }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a readable folder")
        .map(|entry| entry.expect("a readable entry").path())
        .collect();
    paths.sort();
    paths
}

fn file_name(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}
