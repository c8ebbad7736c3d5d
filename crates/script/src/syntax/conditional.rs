//! Conditional text: `#ifdef NAME` to `#endif` at line starts, dropped unless the name is defined. Lines keep their numbers.

use std::borrow::Cow;

use super::SyntaxError;
use super::tree::Position;

/// A text without the parts that are not meant.
#[derive(Clone, Debug)]
pub(super) struct Resolved<'a> {
    pub(super) text: Cow<'a, str>,
    /// Whether there was any conditional text.
    pub(super) conditional: bool,
}

/// Drops what stands under names that are not defined. Dropped lines stay as empty ones.
pub(super) fn resolve<'a>(
    source: &'a str,
    defines: &[(String, String)],
    platform: Option<&str>,
) -> Result<Resolved<'a>, SyntaxError> {
    if !source.contains("#ifdef") && !source.contains("#endif") {
        return Ok(Resolved { text: Cow::Borrowed(source), conditional: false });
    }
    let is_defined =
        |name: &str| platform == Some(name) || defines.iter().any(|(defined, _)| defined == name);
    let mut text = String::with_capacity(source.len());
    let mut open: Option<Block> = None;
    let mut conditional = false;
    for (index, line) in source.split_inclusive('\n').enumerate() {
        let Some((directive, column)) = directive(line) else {
            let kept = open.is_none_or(|block| block.kept);
            text.push_str(if kept { line } else { line_end(line) });
            continue;
        };
        let at = Position { line: u32::try_from(index + 1).unwrap_or(u32::MAX), column };
        open = match (directive, open) {
            (Directive::If(name), None) => Some(Block { at, kept: is_defined(name) }),
            (Directive::If(_), Some(block)) => return Err(nested(at, block)),
            (Directive::Nameless, _) => return Err(error(at, "expected a name after `#ifdef`, found none")),
            (Directive::End, Some(_)) => None,
            (Directive::End, None) => {
                return Err(error(at, "expected an `#ifdef` before this `#endif`, found none"));
            }
        };
        conditional = true;
        text.push_str(line_end(line));
    }
    match open {
        Some(block) => Err(error(block.at, "expected `#endif` after this `#ifdef`, found none")),
        None => Ok(Resolved { text: Cow::Owned(text), conditional }),
    }
}

/// An `#ifdef` that waits for its `#endif`.
#[derive(Clone, Copy, Debug)]
struct Block {
    at: Position,
    /// Whether its text counts.
    kept: bool,
}

#[derive(Clone, Copy, Debug)]
enum Directive<'a> {
    If(&'a str),
    Nameless,
    End,
}

/// The directive that a line is, and the column of its `#`.
fn directive(line: &str) -> Option<(Directive<'_>, u32)> {
    let trimmed = line.trim_start_matches([' ', '\t', '\u{feff}']);
    let column = u32::try_from(line.chars().count() - trimmed.chars().count() + 1).unwrap_or(u32::MAX);
    let words = trimmed.strip_prefix('#')?.split("//").next().unwrap_or_default();
    let mut words = words.split_ascii_whitespace();
    let directive = match (words.next(), words.next()) {
        (Some("ifdef"), Some(name)) => Directive::If(name),
        (Some("ifdef"), None) => Directive::Nameless,
        (Some("endif"), _) => Directive::End,
        _ => return None,
    };
    Some((directive, column))
}

fn nested(at: Position, block: Block) -> SyntaxError {
    let line = block.at.line;
    error(
        at,
        &format!(
            "expected `#endif` for the `#ifdef` of line {line}, found another `#ifdef`: they do not nest"
        ),
    )
}

fn error(at: Position, message: &str) -> SyntaxError {
    SyntaxError { at, message: message.to_owned() }
}

fn line_end(line: &str) -> &str {
    if line.ends_with('\n') { "\n" } else { "" }
}
