//! Texts that are kept under `tests/`, to be read by a person whenever they change.

use std::fs;
use std::path::Path;

/// Compares a text with the kept one of this name below `tests/`, and shows the first line that differs. With
/// `UPDATE_GOLDEN=1` in the environment it writes it anew instead.
pub(crate) fn compare(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).unwrap();
        fs::write(&path, actual).unwrap();
        return;
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    if kept == actual {
        return;
    }
    let differs = kept.lines().zip(actual.lines()).position(|(kept, actual)| kept != actual);
    let line = differs.unwrap_or_else(|| kept.lines().count().min(actual.lines().count()));
    let part = |text: &str| text.lines().nth(line).unwrap_or("(nothing more)").to_owned();
    panic!(
        "{name}, line {}:\nkept:   {}\nactual: {}\nif this is meant: UPDATE_GOLDEN=1 cargo test -p faultwire-sim",
        line + 1,
        part(&kept),
        part(actual)
    );
}
