//! An experiment as text, laid out as a person writes it: known keys in their usual order, one host, link, app, fault or
//! expectation a line, lines that are not long.

use super::json::{Node, Value};

/// Columns of a line.
const WIDTH: usize = 110;

/// Keys in the order in which a person writes them; others follow as they stand.
const ORDER: [&str; 80] = [
    "$schema",
    "name",
    "description",
    "seed",
    "stop",
    "swarm",
    "hosts",
    "routers",
    "links",
    "apps",
    "faults",
    "heal",
    "stack",
    "quirks",
    "address",
    "sysctl",
    "tcp",
    "between",
    "model",
    "type",
    "connect",
    "accept",
    "write",
    "read",
    "wait",
    "sleep",
    "getsockopt",
    "shutdown",
    "close",
    "abort",
    "send_to",
    "recv_from",
    "on",
    "start",
    "listen",
    "protocol",
    "from_port",
    "as",
    "setsockopt",
    "to",
    "size",
    "request",
    "response",
    "count",
    "think",
    "rate",
    "delay",
    "jitter",
    "towards",
    "match",
    "inject",
    "conn",
    "kind",
    "byte",
    "transmission",
    "nth",
    "when",
    "app",
    "fault",
    "oracle",
    "host",
    "at",
    "until",
    "within",
    "do",
    "state",
    "info",
    "reaches",
    "leaves",
    "states",
    "sent",
    "delivered",
    "counter",
    "result",
    "since",
    "after",
    "min",
    "max",
    "run",
    "expect",
];

/// Lists and maps of the file whose elements have a line each.
const SECTIONS: [&str; 7] = ["hosts", "routers", "links", "apps", "faults", "expect", "cases"];

/// The experiment inside another text: lines after the first begin with `indent`.
pub(crate) fn experiment(root: &Node, indent: &str) -> String {
    pretty(root).trim_end().replace('\n', &format!("\n{indent}"))
}

/// The experiment as a file.
pub(crate) fn pretty(root: &Node) -> String {
    let mut page = Page { text: String::from("{\n"), column: 0 };
    let mut members = sorted(root);
    // Cases stand at the end, whatever else there is.
    members.sort_by_key(|(key, _)| *key == "cases");
    for (index, (key, node)) in members.iter().enumerate() {
        page.push(if index == 0 { "  " } else { ",\n  " });
        page.push(&format!("{}: ", text(key)));
        if SECTIONS.contains(key) { page.section(node) } else { page.fill(node, 2) }
    }
    page.push("\n}\n");
    page.text
}

struct Page {
    text: String,
    column: usize,
}

impl Page {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        match text.rsplit_once('\n') {
            Some((_, last)) => self.column = last.chars().count(),
            None => self.column += text.chars().count(),
        }
    }

    fn break_line(&mut self, indent: usize) {
        self.push("\n");
        self.push(&" ".repeat(indent));
    }

    /// A list or map with one element a line.
    fn section(&mut self, node: &Node) {
        let (elements, open, close) = match &node.value {
            Value::List(items) => (items.iter().map(|item| (None, item)).collect(), "[", "]"),
            Value::Object(members) => {
                let members = members.iter().map(|member| (Some(member.key.as_str()), &member.node));
                (members.collect::<Vec<_>>(), "{", "}")
            }
            _ => return self.fill(node, 2),
        };
        self.push(open);
        for (index, (key, element)) in elements.iter().enumerate() {
            self.push(if index == 0 { "" } else { "," });
            self.break_line(4);
            if let Some(key) = key {
                self.push(&format!("{}: ", text(key)));
            }
            self.fill(element, 4);
        }
        if !elements.is_empty() {
            self.break_line(2);
        }
        self.push(close);
    }

    /// A value in one line if it has room, else as many members or elements a line as have.
    fn fill(&mut self, node: &Node, indent: usize) {
        let whole = inline(node);
        if self.column + whole.chars().count() < WIDTH {
            return self.push(&whole);
        }
        match &node.value {
            Value::Object(_) => {
                self.push("{ ");
                for (index, (key, value)) in sorted(node).into_iter().enumerate() {
                    self.part(index, &format!("{}: ", text(key)), value, indent + 2);
                }
                self.push(" }");
            }
            Value::List(items) => {
                self.push("[");
                self.break_line(indent);
                for (index, item) in items.iter().enumerate() {
                    self.part(index, "", item, indent);
                }
                self.push(" ]");
            }
            _ => self.push(&whole),
        }
    }

    /// A member or element, behind the one before it or on a line of its own.
    fn part(&mut self, index: usize, key: &str, value: &Node, indent: usize) {
        let width = key.chars().count() + inline(value).chars().count();
        if index > 0 {
            self.push(",");
            let fits_here = self.column + width + 3 < WIDTH;
            // What is too long for any line may as well begin here, and steps begin beside the head of their app.
            let may_begin = indent + width >= WIDTH || key == "\"run\": ";
            if fits_here || (may_begin && self.column + key.chars().count() + 2 < WIDTH) {
                self.push(" ");
            } else {
                self.break_line(indent);
            }
        }
        self.push(key);
        self.fill(value, indent);
    }
}

/// A value in one line.
fn inline(node: &Node) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.clone(),
        Value::Text(word) => text(word),
        Value::List(items) if items.is_empty() => "[]".to_owned(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            let scalar = !items.iter().any(|item| item.starts_with(['{', '[']));
            if scalar { format!("[{}]", items.join(", ")) } else { format!("[ {} ]", items.join(", ")) }
        }
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Object(_) => {
            let members: Vec<String> = sorted(node)
                .into_iter()
                .map(|(key, value)| format!("{}: {}", text(key), inline(value)))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
    }
}

/// Members in the order of a person; what is unknown to it keeps its place at the end.
fn sorted(node: &Node) -> Vec<(&str, &Node)> {
    let mut members: Vec<(&str, &Node)> =
        node.members().iter().map(|member| (member.key.as_str(), &member.node)).collect();
    let rank = |key: &str| ORDER.iter().position(|known| *known == key).unwrap_or(ORDER.len());
    members.sort_by_key(|(key, _)| rank(key));
    members
}

/// A text in quotes.
pub(crate) fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests;
