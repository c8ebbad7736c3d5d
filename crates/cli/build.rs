//! Puts every experiment of `configs/` and `configs/scenarios/` into the program, for `faultwire example`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../configs").canonicalize()?;
    let mut files = experiments_in(&root)?;
    files.extend(experiments_in(&root.join("scenarios"))?);
    let mut table = String::from("&[\n");
    for file in &files {
        println!("cargo:rerun-if-changed={}", file.display());
        let name = file.file_stem().and_then(|name| name.to_str()).expect("names of experiments are UTF-8");
        writeln!(table, "    ({name:?}, include_str!({:?})),", file.display().to_string())
            .expect("a string takes all");
    }
    table.push_str("]\n");
    let out = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR for build scripts");
    fs::write(Path::new(&out).join("examples.rs"), table)
}

/// In the order of names.
fn experiments_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?
        .into_iter()
        .filter(|path| is_experiment(path))
        .collect();
    files.sort();
    Ok(files)
}

/// `NAME.json`, but not `NAME.schema.json`.
fn is_experiment(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
    name.ends_with(".json") && !name.ends_with(".schema.json")
}
