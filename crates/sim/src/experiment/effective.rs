//! The effective experiment: what was written, with `--set`, `--without` and `--case` applied, in canonical form.

use xxhash_rust::xxh3::xxh3_128;

use super::json::{Member, Node, Value};

/// The effective experiment as JSON with sorted keys, and its digest (32 hexadecimal digits). Both leave out `$schema`,
/// which is for editors, and `swarm`, which is for sweeps: what a seed drew from it stands in its place already. The
/// digest leaves out the seed too, which stands beside it in every report.
pub(crate) fn of(root: &Node) -> (String, String) {
    let mut whole = root.clone();
    whole.remove("$schema");
    whole.remove("swarm");
    let mut effective = String::new();
    write(&whole, &mut effective);
    whole.remove("seed");
    let mut digested = String::new();
    write(&whole, &mut digested);
    (effective, format!("{:032x}", xxh3_128(digested.as_bytes())))
}

/// A value as JSON with sorted keys, on one line.
pub(crate) fn text_of(node: &Node) -> String {
    let mut text = String::new();
    write(node, &mut text);
    text
}

fn write(node: &Node, out: &mut String) {
    match &node.value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => out.push_str(number),
        Value::Text(text) => write_text(text, out),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut sorted: Vec<&Member> = members.iter().collect();
            sorted.sort_by(|a, b| a.key.cmp(&b.key));
            out.push('{');
            for (index, member) in sorted.into_iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                write_text(&member.key, out);
                out.push(':');
                write(&member.node, out);
            }
            out.push('}');
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}
