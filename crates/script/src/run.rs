//! A script from its text to its report: which stack it is for, then playing it.

use crate::play::play;
use crate::report::Report;
use crate::settings::{Profile, Settings};
use crate::syntax::tree::{Dialect, Position};
use crate::syntax::{SyntaxError, parse};

/// Reads a script and plays it. The stack is that of the settings; otherwise the first that the script's head names (see
/// [`profiles_named`]); otherwise Linux for Google's notation and FreeBSD for nplab's.
///
/// # Errors
/// The first place where the text is no script.
pub fn run(source: &str, settings: &Settings) -> Result<Report, SyntaxError> {
    let asked = match settings.profile {
        Some(profile) => Some(profile),
        None => profiles_named(source)?.first().copied(),
    };
    // Conditional text is nplab's, so where there is any the platform matters only to that dialect.
    let platform = asked.unwrap_or(Profile::Freebsd).platform();
    let script = parse(source, &settings.defines, Some(platform))?;
    let profile = asked.unwrap_or(match script.dialect {
        Dialect::Google => Profile::Linux,
        Dialect::Nplab => Profile::Freebsd,
    });
    Ok(play(&script, &Settings { profile: Some(profile), ..settings.clone() }))
}

/// The stacks that a script says it is for, in a comment line at its head: `// profile: linux, freebsd`. Words after the
/// names stand in parentheses.
///
/// # Errors
/// A name that is none.
pub fn profiles_named(source: &str) -> Result<Vec<Profile>, SyntaxError> {
    let head = (1..).zip(source.lines()).take_while(|(_, line)| {
        let line = line.trim_start();
        line.is_empty() || line.starts_with("//")
    });
    for (number, line) in head {
        let Some(names) = line.trim_start().trim_start_matches('/').trim_start().strip_prefix("profile:")
        else {
            continue;
        };
        let names = names.split('(').next().expect("a split has a first part");
        let words = names.split([',', ' ', '\t']).filter(|word| !matches!(*word, "" | "or" | "and"));
        return words.map(|word| profile(word, line, number)).collect();
    }
    Ok(Vec::new())
}

fn profile(name: &str, line: &str, number: u32) -> Result<Profile, SyntaxError> {
    let name = name.trim_end_matches('.');
    [Profile::Linux, Profile::Freebsd, Profile::Rfc]
        .into_iter()
        .find(|profile| profile.name() == name)
        .ok_or_else(|| {
            let before = line.find(name).map_or(0, |octets| line[..octets].chars().count());
            SyntaxError {
                at: Position { line: number, column: before as u32 + 1 },
                message: format!("expected linux, freebsd or rfc, found {name:?}"),
            }
        })
}

#[cfg(test)]
mod tests;
