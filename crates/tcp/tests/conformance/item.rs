//! Which item of a source a line belongs to, judged by the shape that rustfmt gives it.

/// The item that a comment on line `at` is about, like `Connection::write`; `None` for one about the whole file.
pub(crate) fn of_comment(lines: &[String], at: usize) -> Option<String> {
    if text(lines, at).starts_with("//!") {
        return None;
    }
    let mut next = at;
    while next < lines.len() && is_between(text(lines, next)) {
        next += 1;
    }
    if next == lines.len() {
        return None;
    }
    let owner = enclosing(lines, next);
    let name = declared(text(lines, next)).or_else(|| {
        // A field, a variant or a method of a trait is an item too; a statement is not.
        let inside_type = owner.as_ref().is_some_and(|owner| owner.is_type);
        inside_type.then(|| first_word(text(lines, next)))
    });
    match (owner, name) {
        (Some(owner), Some(name)) => Some(format!("{}::{}", owner.path, name.name)),
        (Some(owner), None) => Some(owner.path),
        (None, name) => name.map(|name| name.name),
    }
}

/// The name in a line that declares a function, if it does.
pub(crate) fn function(line: &str) -> Option<String> {
    declared(line.trim_start()).filter(|it| it.keyword == "fn").map(|it| it.name)
}

struct Declared {
    keyword: &'static str,
    name: String,
}

struct Owner {
    path: String,
    is_type: bool,
}

const KEYWORDS: [&str; 9] =
    ["fn", "struct", "enum", "trait", "type", "const", "static", "impl", "macro_rules!"];

/// What a line declares.
fn declared(line: &str) -> Option<Declared> {
    let mut rest = line;
    loop {
        let before = rest;
        for prefix in ["pub(crate) ", "pub(super) ", "pub ", "unsafe ", "async "] {
            rest = rest.strip_prefix(prefix).unwrap_or(rest);
        }
        if rest.starts_with("const fn ") {
            rest = &rest["const ".len()..];
        }
        if rest == before {
            break;
        }
    }
    KEYWORDS.into_iter().find_map(|keyword| {
        let tail = rest.strip_prefix(keyword)?;
        if !tail.starts_with([' ', '<']) {
            return None;
        }
        let tail = if keyword == "impl" { implemented(tail) } else { tail };
        let name = word(tail.trim_start());
        (!name.is_empty()).then_some(Declared { keyword, name })
    })
}

/// The type in `<..> Trait for Type {`.
fn implemented(tail: &str) -> &str {
    let tail = match tail.strip_prefix('<') {
        Some(generics) => generics.split_once("> ").map_or("", |(_, rest)| rest),
        None => tail,
    };
    tail.split_once(" for ").map_or(tail, |(_, of)| of)
}

/// The declarations around line `at`.
fn enclosing(lines: &[String], at: usize) -> Option<Owner> {
    let mut limit = indentation(&lines[at]);
    let mut path: Vec<String> = Vec::new();
    let mut is_type = false;
    for line in lines[..at].iter().rev() {
        let trimmed = line.trim_start();
        if is_between(trimmed) || indentation(line) >= limit {
            continue;
        }
        limit = indentation(line);
        if trimmed.starts_with(')') || trimmed == "{" || trimmed == "where" {
            // The end of a head of several lines, which begins as far to the left.
            limit += 1;
        } else if let Some(it) = declared(trimmed) {
            if path.is_empty() {
                is_type = matches!(it.keyword, "struct" | "enum" | "trait");
            }
            path.insert(0, it.name);
        }
        if limit == 0 {
            break;
        }
    }
    (!path.is_empty()).then(|| Owner { path: path.join("::"), is_type })
}

/// A line that says nothing by itself: a comment, an attribute, nothing.
fn is_between(trimmed: &str) -> bool {
    trimmed.is_empty() || trimmed.starts_with("//") || trimmed.starts_with("#[")
}

fn first_word(line: &str) -> Declared {
    let line = line.strip_prefix("pub(crate) ").or_else(|| line.strip_prefix("pub ")).unwrap_or(line);
    Declared { keyword: "", name: word(line) }
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn text(lines: &[String], at: usize) -> &str {
    lines[at].trim_start()
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[test]
fn comments_find_their_items() {
    let lines: Vec<String> = include_str!("../rules/sample.txt").lines().map(String::from).collect();
    let found: Vec<String> = (0..lines.len())
        .filter(|&at| lines[at].contains("here"))
        .map(|at| of_comment(&lines, at).unwrap_or_default())
        .collect();
    assert_eq!(
        found,
        [
            "",
            "Window",
            "Window::edge",
            "Probe::Nothing",
            "Window::update",
            "Window::update",
            "Window::set",
            "Window::limit",
            "arrives",
            "LIMIT"
        ]
    );
}
