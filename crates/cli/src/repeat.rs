//! The command that repeats a run, ready to paste into a shell.

use std::path::Path;

use faultwire_sim::experiment::Overrides;

use crate::arguments::Hazards;

/// The command that runs `file` with these changes again.
pub(crate) fn command(file: &Path, overrides: &Overrides, hazards: Hazards) -> String {
    let mut words = vec!["faultwire".to_owned(), "run".to_owned(), file.display().to_string()];
    let mut option = |name: &str, value: &str| words.extend([name.to_owned(), value.to_owned()]);
    if let Some(case) = &overrides.case {
        option("--case", case);
    }
    if let Some(seed) = overrides.seed {
        option("--seed", &seed.to_string());
    }
    overrides.set.iter().for_each(|set| option("--set", set));
    overrides.without.iter().for_each(|name| option("--without", name));
    if hazards == Hazards::Fail {
        option("--hazards", "fail");
    }
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// The command line that is being carried out.
pub(crate) fn own_command() -> String {
    let words = std::env::args_os().skip(1).map(|word| quoted(&word.to_string_lossy()));
    std::iter::once("faultwire".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

/// The word as a POSIX shell reads it back.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_are_quoted_where_a_shell_would_take_them_apart() {
        for (word, expected) in [
            ("links.wire.delay=20ms", "links.wire.delay=20ms"),
            ("late copy", "'late copy'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
            ("$HOME", "'$HOME'"),
            ("a>b", "'a>b'"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}
