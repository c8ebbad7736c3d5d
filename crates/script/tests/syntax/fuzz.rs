//! A million random and mutated scripts: none makes the parser panic, and every error has a place inside its text.

use faultwire_base::{SeedTree, Stream};
use faultwire_script::syntax::{SyntaxError, parse};

use super::{corpus, defines};

const SCRIPTS: u32 = 1_000_000;

#[test]
fn a_million_scripts_without_a_panic() {
    let mut generator = Generator::new();
    let defines =
        defines(&[("TFO_COOKIE", "abcdef0123456789"), ("STANDARD", ""), ("CODE", "`true`"), ("N", "3")]);
    let mut text = String::new();
    let (mut read, mut refused, mut octets) = (0, 0, 0);
    for _ in 0..SCRIPTS {
        generator.write(&mut text);
        octets += text.len();
        match parse(&text, &defines, Some("FreeBSD")) {
            Ok(_) => read += 1,
            Err(error) => {
                refused += 1;
                check(&text, &error);
            }
        }
    }
    println!("{read} read, {refused} refused, {octets} octets");
    assert!(
        read > SCRIPTS / 20 && refused > SCRIPTS / 20,
        "{read} read, {refused} refused: both must be tried"
    );
}

#[test]
fn long_scripts_take_time_in_proportion() {
    // Each would take minutes if any place of the parser looked at all the text again.
    let long = |part: &str| format!("0 {}", part.repeat(400_000 / part.len()));
    for part in [
        "(",
        "[",
        "{",
        "~",
        "/* a */",
        "// a\n",
        "f(a,",
        "`",
        "\"\" ",
        "\\",
        "gre a ",
        "(( ) ",
        "é",
        "\n#ifdef A\n#endif",
    ] {
        for source in [long(part), format!("0 f() = 0 {}", long(part)), part.repeat(400_000 / part.len())] {
            if let Err(error) = parse(&source, &[], None) {
                check(&source, &error);
            }
        }
    }
    let notes = format!("0 f() = 0 {}", "((a) ".repeat(100_000));
    assert!(parse(&notes, &[], None).is_ok() || notes.len() == 500_010);
    let events =
        format!("0 close(3) = 0\n{}", "+0 > . 1:1(0) ack 1 <nop,nop,sack 1:2> // a\n".repeat(50_000));
    assert_eq!(parse(&events, &[], None).expect("a script").events.len(), 50_001);
}

/// The place of an error is in the text or right behind it, and the message is one line.
fn check(text: &str, error: &SyntaxError) {
    let line = text.split('\n').nth(error.at.line as usize - 1);
    let line = line.unwrap_or_else(|| panic!("{error}: no such line in {text:?}"));
    assert!(error.at.column >= 1, "{error}: {text:?}");
    assert!(error.at.column as usize <= line.chars().count() + 1, "{error}: no such column in {text:?}");
    assert!(!error.message.is_empty() && !error.message.contains('\n'), "{error:?}: {text:?}");
}

/// Writes scripts out of the lines of the corpus, most of them broken in a few places.
struct Generator {
    random: Stream,
    lines: Vec<&'static str>,
    tokens: Vec<&'static str>,
}

impl Generator {
    fn new() -> Self {
        let all = || corpus::SCRIPTS.iter().map(|(_, source)| *source).chain([corpus::ODD_LINES]);
        let lines = all().flat_map(str::lines).filter(|line| !line.is_empty()).collect();
        let words = all().flat_map(|source| source.split([' ', ',', '\n', '(', ')', '|', '<', '>', '=']));
        let mut tokens: Vec<&str> = words.filter(|word| !word.is_empty()).chain(MARKS).collect();
        tokens.sort_unstable();
        tokens.dedup();
        Self { random: SeedTree::new(20_261_123).stream("syntax", "fuzz"), lines, tokens }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.random.below(bound as u64) as usize
    }

    fn write(&mut self, text: &mut String) {
        text.clear();
        match self.below(8) {
            0 => {
                for _ in 0..self.below(24) {
                    let index = self.below(self.tokens.len());
                    text.push_str(self.tokens[index]);
                    text.push_str(["", " ", " ", "\n"][self.below(4)]);
                }
            }
            _ => {
                text.push_str(["0 close(3) = 0\n", "0 close(3) = 0\n", "", "--mtu=1500\n"][self.below(4)]);
                for _ in 0..self.below(5) {
                    let index = self.below(self.lines.len());
                    text.push_str(self.lines[index]);
                    text.push('\n');
                }
            }
        }
        for _ in 0..self.below(4) {
            self.mutate(text);
        }
    }

    /// One change: an octet, a token, a cut, a copy.
    fn mutate(&mut self, text: &mut String) {
        let at = self.border(text);
        let until = (at + self.below(12)).min(text.len());
        let until = (until..=text.len()).find(|&end| text.is_char_boundary(end)).unwrap_or(text.len());
        let change = self.below(7);
        match change {
            0 => text.insert(at, char::from(32 + self.below(95) as u8)),
            1 => text.replace_range(at..until, ""),
            2 | 3 => {
                let index = self.below(self.tokens.len());
                let until = if change == 2 { at } else { until };
                text.replace_range(at..until, self.tokens[index]);
            }
            4 => text.truncate(at),
            5 => {
                let copy = text[at..until].to_owned();
                let place = self.border(text);
                text.insert_str(place, &copy);
            }
            _ => text
                .insert(at, ['\n', '\t', '\0', 'é', '\u{2028}', '🦀', '\r', '"', '`', '#'][self.below(10)]),
        }
    }

    /// A place between two characters.
    fn border(&mut self, text: &str) -> usize {
        let at = self.below(text.len() + 1);
        (at..=text.len()).find(|&end| text.is_char_boundary(end)).unwrap_or(text.len())
    }
}

const MARKS: [&str; 34] = [
    "<",
    ">",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "=",
    ",",
    "|",
    "~",
    "*",
    "+",
    "-",
    "...",
    "`",
    "\"",
    "%{",
    "}%",
    "//",
    "/*",
    "*/",
    "\n#ifdef A\n",
    "\n#endif\n",
    "4294967296",
    "18446744073709551616",
    "0x",
    ".5",
    "1.2.3.4",
    "::1",
    "!",
    "\\",
    "N",
];
