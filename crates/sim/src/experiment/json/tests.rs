use super::*;

fn problem(text: &str) -> String {
    parse(text.as_bytes()).unwrap_err().in_file("f").to_string()
}

#[test]
fn places_are_lines_and_characters() {
    let root = parse("{\n  \"ä\": [1, \"x\"]\n}".as_bytes()).unwrap();
    let member = &root.members()[0];
    assert_eq!(member.key_place, Place::File { line: 2, column: 3 });
    assert_eq!(member.node.place, Place::File { line: 2, column: 8 });
    assert_eq!(member.node.items()[1].place, Place::File { line: 2, column: 12 });
}

#[test]
fn doubled_keys_say_where_the_first_is() {
    let text = "{\"links\": [\n{\"name\": \"wire\",\n\"a\": 1, \"a\": 2}]}";
    assert_eq!(problem(text), "f:3:9: links.wire.a: this key is doubled: it stands in line 3 already");
}

#[test]
fn only_strict_json_passes() {
    for text in [
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "['a']",
        "[1 2]",
        "[{}{}]",
        "[{} []]",
        "[01]",
        "[+1]",
        "[.5]",
        "[5.]",
        "[0x1]",
        "[NaN]",
        "[1]//",
        "[1]/**/",
        "[\"\u{1}\"]",
        "[\"\\ud800\"]",
        "[\"\\x41\"]",
        "[1][2]",
        "[",
        "{",
        "\"",
        "]",
        "}",
        ",",
        ":",
        "nul",
        "[1\u{a0}]",
        "{\"a\"}",
        "{\"a\":}",
        "[-]",
        "[1e]",
        "[1,,2]",
        "[\"a\nb\"]",
        "\u{0}\u{0}",
    ] {
        assert!(parse(text.as_bytes()).is_err(), "{text:?} passed");
    }
}

#[test]
fn depth_is_bounded_before_recursion() {
    let deep = "[".repeat(1_000_000);
    assert!(problem(&deep).starts_with("f:1:65: more than 64"));
    let good = format!("{}{}", "[".repeat(64), "]".repeat(64));
    assert!(parse(good.as_bytes()).is_ok());
    assert!(
        parse(b"[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[\"]").is_ok()
    );
}
