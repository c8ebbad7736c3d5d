//! The options at the head of a script: `--name=value`, `--name value` or `--name`.

use super::SyntaxError;
use super::lexer::{Kind, Place, is_word};
use super::reader::Reader;
use super::tree::{Position, ScriptOption};

/// All of them.
pub(super) fn script_options(reader: &mut Reader<'_>) -> Result<Vec<ScriptOption>, SyntaxError> {
    let mut options = Vec::new();
    while reader.raw()?.rest().starts_with("--") {
        options.push(script_option(reader)?);
    }
    Ok(options)
}

fn script_option(reader: &mut Reader<'_>) -> Result<ScriptOption, SyntaxError> {
    let lexer = reader.raw()?;
    let at = lexer.here().at;
    lexer.advance(2);
    let name = lexer.take_while(|octet| is_word(octet) || octet == b'-').to_owned();
    if name.is_empty() {
        return Err(reader.unexpected("the name of an option, such as `--ip_version=ipv4`"));
    }
    let behind = lexer.here();
    let value = if reader.takes('=')? { value(reader, at)? } else { value_of_line(reader, behind) };
    Ok(ScriptOption { at, name, value })
}

/// What stands behind `=`.
fn value(reader: &mut Reader<'_>, option: Position) -> Result<String, SyntaxError> {
    let token = reader.peek()?;
    if let Kind::Text(text) = &token.kind {
        let text = text.clone();
        reader.next()?;
        return Ok(text);
    }
    if token.start.at.line != option.line || token.kind == Kind::End {
        return Ok(String::new());
    }
    let lexer = reader.raw()?;
    let value = value_ahead(lexer.rest()).to_owned();
    lexer.advance(value.len());
    reader.taken_raw();
    Ok(value)
}

/// `--name value`: one word that ends its line; anything longer is the first event.
fn value_of_line(reader: &mut Reader<'_>, behind_name: Place) -> String {
    let lexer = reader.raw_from(behind_name);
    lexer.take_while(|octet| matches!(octet, b' ' | b'\t'));
    let value = value_ahead(lexer.rest()).to_owned();
    let behind = &lexer.rest()[value.len()..];
    let behind = behind.trim_start_matches([' ', '\t', '\r']);
    let ends = behind.is_empty() || behind.starts_with('\n') || behind.starts_with("//");
    let plain = value.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '/');
    if !ends || !plain {
        return String::new();
    }
    lexer.advance(value.len());
    reader.taken_raw();
    value
}

/// The text up to white space or a comment.
fn value_ahead(rest: &str) -> &str {
    let mut end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    for comment in ["//", "/*"] {
        end = rest[..end].find(comment).unwrap_or(end);
    }
    &rest[..end]
}
