//! House rules: arrows between crates go down only, files stay short, nothing lies at the top level without a reason.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Which crates each crate may use: the house, floor by floor.
fn house() -> BTreeMap<&'static str, Vec<&'static str>> {
    BTreeMap::from([
        ("base", vec![]),
        ("engine", vec!["base"]),
        ("wire", vec!["base"]),
        ("link", vec!["wire", "base"]),
        ("tcp", vec!["wire", "base"]),
        ("host", vec!["tcp", "wire", "engine", "base"]),
        ("sim", vec!["host", "tcp", "link", "wire", "engine", "base"]),
        ("script", vec!["sim", "host", "tcp", "wire", "base"]),
        ("cli", vec!["script", "sim", "base"]),
    ])
}

#[test]
fn arrows_between_crates_go_down_only() {
    let house = house();
    let mut crates: Vec<String> = fs::read_dir(root().join("crates"))
        .expect("crates/ is there")
        .map(|entry| entry.expect("a readable entry").file_name().to_string_lossy().into_owned())
        .collect();
    crates.sort();
    assert_eq!(
        crates,
        house.keys().map(|name| name.to_string()).collect::<Vec<_>>(),
        "a crate without a floor"
    );
    for (name, allowed) in &house {
        let manifest = root().join("crates").join(name).join("Cargo.toml");
        let text = fs::read_to_string(&manifest).expect("a manifest");
        let product = text.split("[dev-dependencies]").next().expect("the part before dev-dependencies");
        for line in product.lines().filter(|line| line.starts_with("faultwire-")) {
            let used = line.trim_start_matches("faultwire-").split(['.', ' ', '=']).next().expect("a name");
            assert!(allowed.contains(&used), "{name} uses {used}: no arrow leads there");
        }
    }
}

/// Rust files of the product, tests left out.
fn product_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "tests" && name != "target" {
                product_files(&path, found);
            }
        } else if name.ends_with(".rs") && name != "tests.rs" {
            found.push(path);
        }
    }
}

/// Files that are tables, which may be longer.
const TABLES: [&str; 1] = [
    // Every knob of the stack, with its unit and source.
    "crates/tcp/src/config.rs",
];

#[test]
fn files_stay_under_five_hundred_lines_and_say_what_they_own() {
    let mut files = Vec::new();
    product_files(&root().join("crates"), &mut files);
    assert!(files.len() > 50, "{} files found", files.len());
    for path in files {
        let text = fs::read_to_string(&path).expect("a readable file");
        let product = text.split("#[cfg(test)]\nmod tests {").next().expect("the part before the tests");
        let lines = product.lines().count();
        let table = TABLES.iter().any(|table| path.ends_with(table));
        assert!(lines <= 500 || table, "{} has {lines} product lines", path.display());
        assert!(text.starts_with("//!"), "{}: the first line says what the file owns", path.display());
    }
}

#[test]
fn the_top_level_holds_only_what_belongs_there() {
    let known = [
        "Cargo.toml",
        "Cargo.lock",
        "README.md",
        "CHANGELOG.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "benches",
        "configs",
        "crates",
        "target",
    ];
    for entry in fs::read_dir(root()).expect("a readable root") {
        let name = entry.expect("a readable entry").file_name().to_string_lossy().into_owned();
        assert!(
            name.starts_with('.') || known.contains(&name.as_str()),
            "{name} does not belong at the top level"
        );
    }
}
