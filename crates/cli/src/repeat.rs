//! Commands ready to paste into a shell: those that repeat a run or look at it, and the one that was given.

use std::path::Path;

use faultwire_sim::experiment::Overrides;

use crate::arguments::Hazards;

/// The command that does this (`run`, `explain`, ...) with the experiment or replay in `file` and with these changes, judged
/// as it was.
pub(crate) fn command(subcommand: &str, file: &Path, overrides: &Overrides, hazards: Hazards) -> String {
    let mut words = vec!["faultwire".to_owned(), subcommand.to_owned(), named(file)];
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

/// The path so that it can't be taken for an option.
fn named(file: &Path) -> String {
    let name = file.display().to_string();
    if name.starts_with('-') { format!("./{name}") } else { name }
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
    use std::path::Path;

    use faultwire_sim::experiment::Overrides;

    use super::{command, quoted};
    use crate::arguments::Hazards;

    #[test]
    fn a_command_has_everything_that_the_result_depends_on() {
        let overrides = Overrides {
            set: vec!["links.wire.loss=1%".into()],
            without: vec!["late copy".into()],
            case: Some("linux".into()),
            seed: Some(7),
        };
        assert_eq!(
            command("run", Path::new("a b.json"), &overrides, Hazards::Fail),
            "faultwire run 'a b.json' --case linux --seed 7 --set links.wire.loss=1% --without 'late copy' --hazards fail"
        );
    }

    #[test]
    fn a_file_whose_name_begins_with_a_dash_is_no_option() {
        let command =
            |file: &str| command("explain", Path::new(file), &Overrides::default(), Hazards::Report);
        assert_eq!(command("-dash.json"), "faultwire explain ./-dash.json");
        assert_eq!(command("/tmp/-dash.json"), "faultwire explain /tmp/-dash.json");
    }

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
