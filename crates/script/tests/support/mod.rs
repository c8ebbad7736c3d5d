//! The scripts of this folder, and threads to play them on.
#![allow(dead_code, reason = "each test binary takes what it needs")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use faultwire_script::syntax::parse;
use faultwire_script::syntax::tree::{Dialect, Script};
use faultwire_script::{Profile, profiles_named};

/// A script and one of the stacks that it is for.
pub(crate) struct Cell {
    /// Relative to the folder of scripts.
    pub(crate) name: String,
    pub(crate) source: String,
    pub(crate) profile: Profile,
}

impl Cell {
    pub(crate) fn script(&self) -> Script {
        let platform = Some(self.profile.platform());
        parse(&self.source, &[], platform).unwrap_or_else(|error| panic!("{}:{error}", self.name))
    }
}

/// Every script with every stack that it names, or with that of its dialect, in the order of paths.
pub(crate) fn cells() -> Vec<Cell> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut paths = Vec::new();
    walk(&folder, &mut paths);
    paths.sort();
    paths.iter().flat_map(|path| cells_of(&folder, path)).collect()
}

fn cells_of(folder: &Path, path: &Path) -> Vec<Cell> {
    let name = path.strip_prefix(folder).expect("it was found there").display().to_string();
    let source = fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut profiles = profiles_named(&source).unwrap_or_else(|error| panic!("{name}:{error}"));
    if profiles.is_empty() {
        let platform = Some(Profile::Freebsd.platform());
        let script = parse(&source, &[], platform).unwrap_or_else(|error| panic!("{name}:{error}"));
        profiles.push(match script.dialect {
            Dialect::Google => Profile::Linux,
            Dialect::Nplab => Profile::Freebsd,
        });
    }
    let cell = |profile| Cell { name: name.clone(), source: source.clone(), profile };
    profiles.into_iter().map(cell).collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "pkt") {
            found.push(path);
        }
    }
}

/// What `work` makes of each item, in their order, whichever thread did it.
pub(crate) fn on_all_threads<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(items.len()));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { break };
                    let result = work(item);
                    results.lock().expect("no thread panicked").push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("no thread panicked");
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}
