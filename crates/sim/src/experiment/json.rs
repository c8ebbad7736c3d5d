//! Text to a tree of values that know their places. Strict JSON (RFC 8259), and no doubled keys.

use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::{CollectOptions, ParseOptions, ParseStringErrorKind, parse_to_ast};
use serde::de::IgnoredAny;
use std::cell::Cell;

use super::problem::{Place, Problem};

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

/// A JSON value; a number is kept as it was written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Node>),
    Object(Vec<Member>),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member {
    pub(crate) key: String,
    pub(crate) key_place: Place,
    pub(crate) node: Node,
}

/// Files beyond this are refused without being read as a whole.
pub(crate) const SIZE_MAX: usize = 16 << 20;

/// Replay files beyond this many octets are refused: a link with jitter decides on every packet.
pub const REPLAY_SIZE_MAX: usize = 256 << 20;

/// How large the file that begins so may be.
pub(crate) fn size_max(bytes: &[u8]) -> usize {
    if begins_as_replay(bytes) { REPLAY_SIZE_MAX } else { SIZE_MAX }
}

fn begins_as_replay(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(HEAD)];
    head.windows(KEY.len()).any(|window| window == KEY)
}

const KEY: &[u8] = b"\"faultwire_replay\"";
/// Octets in which a replay file's first key stands.
const HEAD: usize = 256;

/// Objects and lists inside one another.
const NESTING_MAX: usize = 64;

/// Reads strict JSON.
pub(crate) fn parse(bytes: &[u8]) -> Result<Node, Problem> {
    let size_max = size_max(bytes);
    if bytes.len() > size_max {
        return Err(Problem::new(Place::START, "", too_large(size_max)));
    }
    tree(bytes)
        .map_err(|problem| if begins_as_replay(bytes) { problem.adding(PERHAPS_DAMAGED) } else { problem })
}

/// What a replay file that is no JSON may be, besides edited wrongly.
const PERHAPS_DAMAGED: &str =
    " (a replay file that nobody edited is cut off or damaged: record the run again)";

fn tree(bytes: &[u8]) -> Result<Node, Problem> {
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        let message = "the file starts with a byte order mark: save it as UTF-8 without one";
        return Err(Problem::new(Place::START, "", message));
    }
    if let Some(at) = bytes.iter().position(|&byte| byte == 0) {
        let before = String::from_utf8_lossy(&bytes[..at]);
        let message = "a zero byte: this is no text in UTF-8";
        return Err(Problem::new(Lines::of(&before).place(before.len()), "", message));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let valid = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
        let message =
            format!("byte {:#04x} is not valid UTF-8: save the file as UTF-8", bytes[error.valid_up_to()]);
        Problem::new(Lines::of(valid).place(valid.len()), "", message)
    })?;
    if text.trim().is_empty() {
        let message = "the file is empty: `faultwire example` prints an experiment to start from";
        return Err(Problem::new(Place::START, "", message));
    }
    let lines = Lines::of(text);
    bound_nesting(text, &lines)?;
    let parsed = parse_to_ast(text, &CollectOptions::default(), &STRICT)
        .map_err(|error| syntax_problem(&error, &lines))?;
    gate(text, &lines)?;
    let root = parsed.value.ok_or_else(|| Problem::new(Place::START, "", "there is no JSON value"))?;
    Reader { lines: &lines, path: Vec::new() }.node(&root)
}

fn too_large(size_max: usize) -> String {
    let what = if size_max == SIZE_MAX { "experiment" } else { "recording that can be read" };
    format!("the file is larger than {} MiB: no {what} is", size_max >> 20)
}

const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Byte offsets to lines and columns.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
    /// Where the last place was, as (offset, characters before it in its line): places are asked for in ascending
    /// order, so that a file of one long line is still read once.
    latest: Cell<(usize, usize)>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let after_breaks = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(after_breaks).collect(), latest: Cell::new((0, 0)) }
    }

    fn place(&self, offset: usize) -> Place {
        let offset = offset.min(self.text.len());
        let line = self.starts.partition_point(|&start| start <= offset);
        let start = self.starts[line - 1];
        let (known, before) = self.latest.get();
        let (from, before) = if (start..=offset).contains(&known) { (known, before) } else { (start, 0) };
        let before =
            before + self.text[from..].char_indices().take_while(|&(at, _)| from + at < offset).count();
        self.latest.set((offset, before));
        let column = before + 1;
        Place::File { line: line as u32, column: column as u32 }
    }
}

/// Refuses deep nesting before anything recurses.
fn bound_nesting(text: &str, lines: &Lines<'_>) -> Result<(), Problem> {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > NESTING_MAX {
            let message = format!("more than {NESTING_MAX} lists and objects inside one another");
            return Err(Problem::new(lines.place(at), "", message));
        }
    }
    Ok(())
}

/// What the reference parser refuses is refused, whatever the parser that keeps places lets through.
fn gate(text: &str, lines: &Lines<'_>) -> Result<(), Problem> {
    serde_json::from_str::<IgnoredAny>(text).map(drop).map_err(|error| {
        let start = lines.starts.get(error.line().saturating_sub(1)).copied().unwrap_or(0);
        let mut offset = (start + error.column().saturating_sub(1)).min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or(&message);
        Problem::new(lines.place(offset), "", format!("not valid JSON: {message}"))
    })
}

fn syntax_problem(error: &ParseError, lines: &Lines<'_>) -> Problem {
    use ParseErrorKind as Kind;
    let message = match error.kind() {
        Kind::CommentsNotAllowed => "JSON has no comments: put the text into \"description\"",
        Kind::TrailingCommasNotAllowed => "a comma before the closing bracket: remove it",
        Kind::ExpectedComma => "a comma is missing here",
        Kind::SingleQuotedStringsNotAllowed => "text stands in double quotes",
        Kind::ExpectedStringObjectProperty | Kind::UnexpectedTokenInObject => {
            "expected a key in double quotes or \"}\""
        }
        Kind::ExpectedColonAfterObjectKey => "a colon is missing after the key",
        Kind::ExpectedObjectValue => "a value is missing after the key",
        Kind::String(ParseStringErrorKind::UnterminatedStringLiteral) => {
            "this text never ends: a double quote is missing"
        }
        Kind::UnterminatedObject => "this \"{\" is never closed: a \"}\" is missing",
        Kind::UnterminatedArray => "this \"[\" is never closed: a \"]\" is missing",
        Kind::MultipleRootJsonValues => "something follows the end of the experiment: remove it",
        Kind::UnexpectedWord => "a bare word: text stands in double quotes",
        Kind::UnexpectedCloseBrace => "a \"}\" that nothing opened",
        Kind::UnexpectedCloseBracket => "a \"]\" that nothing opened",
        Kind::UnexpectedComma => "a value is missing before this comma",
        Kind::UnexpectedColon => "a colon where none belongs: is a \"]\" or a comma missing before?",
        Kind::UnexpectedToken => "this is no JSON value: text stands in double quotes",
        other => {
            let message = other.to_string();
            let mut letters = message.chars();
            let first = letters.next().map(|c| c.to_ascii_lowercase()).into_iter();
            let message = format!("not valid JSON: {}", first.chain(letters).collect::<String>());
            return Problem::new(lines.place(error.range().start), "", message);
        }
    };
    Problem::new(lines.place(error.range().start), "", message)
}

/// Turns the parser's tree into ours, and refuses doubled keys.
struct Reader<'a> {
    lines: &'a Lines<'a>,
    path: Vec<String>,
}

impl Reader<'_> {
    fn node(&mut self, value: &ast::Value<'_>) -> Result<Node, Problem> {
        let place = self.lines.place(value.range().start);
        let value = match value {
            ast::Value::NullKeyword(_) => Value::Null,
            ast::Value::BooleanLit(literal) => Value::Bool(literal.value),
            ast::Value::NumberLit(literal) => Value::Number(literal.value.to_owned()),
            ast::Value::StringLit(literal) => Value::Text(literal.value.to_string()),
            ast::Value::Array(list) => {
                let mut items = Vec::with_capacity(list.elements.len());
                for (index, element) in list.elements.iter().enumerate() {
                    self.path.push(label(element).unwrap_or_else(|| index.to_string()));
                    items.push(self.node(element)?);
                    self.path.pop();
                }
                Value::List(items)
            }
            ast::Value::Object(object) => Value::Object(self.members(object)?),
        };
        Ok(Node { place, value })
    }

    fn members(&mut self, object: &ast::Object<'_>) -> Result<Vec<Member>, Problem> {
        let mut members: Vec<Member> = Vec::with_capacity(object.properties.len());
        let mut seen = std::collections::BTreeMap::new();
        for property in &object.properties {
            let key = property.name.as_str().to_owned();
            let key_place = self.lines.place(property.name.range().start);
            if let Some(Place::File { line, .. }) = seen.insert(key.clone(), key_place.clone()) {
                self.path.push(key);
                let message = format!("this key is doubled: it stands in line {line} already");
                return Err(Problem::new(key_place, self.path.join("."), message));
            }
            self.path.push(key.clone());
            let node = self.node(&property.value)?;
            self.path.pop();
            members.push(Member { key, key_place, node });
        }
        Ok(members)
    }
}

fn label(element: &ast::Value<'_>) -> Option<String> {
    let name = element.as_object()?.get_string("name")?;
    Some(name.value.to_string())
}

impl Node {
    /// A value that nobody wrote; for trees that are built and not read.
    pub(crate) fn made(value: Value) -> Self {
        Self { place: Place::START, value }
    }

    /// The value of `key`, if this is an object that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let Value::Object(members) = &self.value else { return None };
        members.iter().find(|member| member.key == key).map(|member| &member.node)
    }

    /// The value of `key`, to change.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        let Value::Object(members) = &mut self.value else { return None };
        members.iter_mut().find(|member| member.key == key).map(|member| &mut member.node)
    }

    /// Takes `key` out of an object.
    pub(crate) fn remove(&mut self, key: &str) -> Option<Self> {
        let Value::Object(members) = &mut self.value else { return None };
        let at = members.iter().position(|member| member.key == key)?;
        Some(members.remove(at).node)
    }

    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }

    /// The elements, if it is a list; else none.
    pub(crate) fn items(&self) -> &[Self] {
        if let Value::List(items) = &self.value { items } else { &[] }
    }

    /// The members, if it is an object; else none.
    pub(crate) fn members(&self) -> &[Member] {
        if let Value::Object(members) = &self.value { members } else { &[] }
    }

    /// How the element at `index` of a list is called in a path: by its name, else by its index from 0.
    pub(crate) fn label(&self, index: usize) -> String {
        self.get("name").and_then(Self::text).map_or_else(|| index.to_string(), str::to_owned)
    }

    /// What was found, for messages: `the number 10`.
    pub(crate) fn found(&self) -> String {
        match &self.value {
            Value::Null => "null".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Number(number) => format!("the number {}", shorten(number)),
            Value::Text(text) => format!("the text {:?}", shorten(text)),
            Value::List(_) => "a list".to_owned(),
            Value::Object(_) => "an object".to_owned(),
        }
    }
}

/// The start of a text that may be long.
fn shorten(text: &str) -> String {
    if text.chars().count() <= SHOWN_MAX {
        return text.to_owned();
    }
    text.chars().take(SHOWN_MAX).chain("...".chars()).collect()
}

const SHOWN_MAX: usize = 60;

#[cfg(test)]
mod tests;
