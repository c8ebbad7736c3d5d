//! What a grammar is made of. One table of shapes gives the checker its errors, `--set` its types and `faultwire schema`
//! its JSON Schema, so that they can't disagree.

/// What may stand at one place of the file.
#[derive(Debug)]
pub(crate) enum Kind {
    /// Any text; the words say what for.
    Text(&'static str),
    /// A name that is given here; the characters listed can't be part of it.
    Name(&'static str),
    /// The name of something that is defined elsewhere (`"a host"`); whether it exists is seen in the second stage.
    Reference(&'static str),
    /// `true` or `false`.
    Flag,
    /// `true` and nothing else.
    True,
    /// A whole number in a range.
    Integer { what: &'static str, min: i64, max: u64 },
    /// A text with a unit.
    Quantity(Quantity),
    /// One of some words.
    Word(&'static [Word]),
    /// A list of at least `min` elements, all alike.
    List { item: &'static Kind, min: usize, max: usize },
    /// An object with fixed keys.
    Object(&'static Object),
    /// An object whose keys are names given here.
    Map { what: &'static str, item: &'static Object, forbidden: &'static str },
    /// An object from the kernel's words to bare numbers, texts or lists of numbers.
    KernelWords { what: &'static str, example: &'static str },
    /// An object from dotted paths to any JSON.
    Settings,
    /// An object from dotted paths to the values that each may take: `{min, max}` or a list.
    Ranges,
    /// A value, or an object with `min`, `max` or both.
    Bounds(&'static Kind),
    /// Any of several, told apart by their JSON type first.
    OneOf(&'static [Kind]),
}

/// Quantities written as text with a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantity {
    Time,
    Size,
    Rate,
    Probability,
    /// A number of packets: `"100p"`.
    Packets,
    /// A time that may be negative.
    Deviation,
}

/// One word of a closed set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
}

/// An object: its fixed keys and, if it has verbs, exactly one of them.
#[derive(Debug)]
pub(crate) struct Object {
    /// Name in the schema, unique.
    pub(crate) id: &'static str,
    /// With its article, for messages.
    pub(crate) what: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) fields: &'static [Field],
    pub(crate) verbs: &'static [Verb],
}

/// One key of an object.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    /// What holds when the key is left out, in the file's words; empty if nothing can be said.
    pub(crate) default: &'static str,
}

/// A key that says what its object does, and the keys that go with it.
#[derive(Debug)]
pub(crate) struct Verb {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) kind: Kind,
    pub(crate) with: &'static [Field],
}

impl Object {
    /// One that can be written: its required keys, or if it has none, the first that takes a quantity or a number.
    pub(crate) fn example(&self) -> Option<String> {
        if !self.verbs.is_empty() {
            return None;
        }
        let pair = |field: &Field| Some(format!("\"{}\": {}", field.name, field.kind.example()?));
        let required = self.fields.iter().filter(|field| field.required);
        let pairs: Option<Vec<String>> = required.map(pair).collect();
        let pairs = match pairs?.join(", ") {
            none if none.is_empty() => self.fields.iter().find_map(pair)?,
            pairs => pairs,
        };
        Some(format!("{{{pairs}}}"))
    }
}

impl Kind {
    /// A value, where one is as good as any other.
    fn example(&self) -> Option<String> {
        match self {
            Self::Quantity(quantity) => Some(format!("\"{}\"", quantity.example())),
            Self::Integer { min, .. } => Some((*min).max(1).to_string()),
            Self::OneOf(kinds) => kinds.iter().find_map(Self::example),
            _ => None,
        }
    }
}

impl Quantity {
    pub(crate) const fn what(self) -> &'static str {
        match self {
            Self::Time => "a time",
            Self::Size => "a size",
            Self::Rate => "a rate",
            Self::Probability => "a probability",
            Self::Packets => "a number of packets",
            Self::Deviation => "a time that may be negative",
        }
    }

    pub(crate) const fn example(self) -> &'static str {
        match self {
            Self::Time => "10ms",
            Self::Size => "64KiB",
            Self::Rate => "10Mbit",
            Self::Probability => "1%",
            Self::Packets => "100p",
            Self::Deviation => "-10ms",
        }
    }

    /// A regular expression for the schema.
    pub(crate) const fn pattern(self) -> &'static str {
        match self {
            Self::Time => "^[0-9]+(\\.[0-9]+)? ?(ns|us|ms|s|min|h|d)$",
            Self::Size => "^[0-9]+(\\.[0-9]+)? ?(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)$",
            Self::Rate => "^[0-9]+(\\.[0-9]+)? ?((k|M|G|T)?bit|(k|M|G)bps)$",
            Self::Probability => "^[0-9]+(\\.[0-9]+)? ?%$",
            Self::Packets => "^[0-9]+ ?p$",
            Self::Deviation => "^-?[0-9]+(\\.[0-9]+)? ?(ns|us|ms|s|min|h|d)$",
        }
    }
}

impl Word {
    pub(crate) const fn new(name: &'static str, doc: &'static str) -> Self {
        Self { name, doc }
    }
}

impl Field {
    pub(crate) const fn required(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self { name, doc, kind, required: true, default: "" }
    }

    pub(crate) const fn optional(
        name: &'static str,
        kind: Kind,
        default: &'static str,
        doc: &'static str,
    ) -> Self {
        Self { name, doc, kind, required: false, default }
    }
}

impl Verb {
    pub(crate) const fn new(
        name: &'static str,
        kind: Kind,
        with: &'static [Field],
        doc: &'static str,
    ) -> Self {
        Self { name, doc, kind, with }
    }
}

impl Object {
    /// All keys that some form of the object has.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'static str> {
        let (fields, verbs) = (self.fields, self.verbs);
        let mut seen = std::collections::BTreeSet::new();
        let with = verbs.iter().flat_map(|verb| verb.with.iter().map(|field| field.name));
        verbs
            .iter()
            .map(|verb| verb.name)
            .chain(fields.iter().map(|field| field.name))
            .chain(with)
            .filter(move |name| seen.insert(*name))
    }

    /// The verb among `keys`: the one with which all other verbs found go as its modifiers (`setsockopt` is a verb of
    /// its own and a modifier of `connect`). The second of two that don't go together is the error.
    pub(crate) fn verb<'k>(&self, keys: impl Iterator<Item = &'k str> + Clone) -> Found<'k> {
        let verbs = || {
            keys.clone()
                .filter_map(|key| self.verbs.iter().find(|verb| verb.name == key).map(|verb| (key, verb)))
        };
        let leads = |leader: &Verb| {
            verbs().all(|(key, _)| key == leader.name || leader.with.iter().any(|field| field.name == key))
        };
        match (verbs().find(|(_, verb)| leads(verb)), verbs().next(), verbs().nth(1)) {
            (Some((_, verb)), ..) => Found::Verb(verb),
            (None, Some((first, _)), Some((second, _))) => Found::Two(first, second),
            _ => Found::None,
        }
    }

    /// The verb among `keys`, if there is one and no other that does not go with it.
    pub(crate) fn verb_of<'k>(&self, keys: impl Iterator<Item = &'k str> + Clone) -> Option<&'static Verb> {
        if let Found::Verb(verb) = self.verb(keys) { Some(verb) } else { None }
    }

    /// The kind of the value of `key` in the form that has `verb`.
    pub(crate) fn kind_of(&self, key: &str, verb: Option<&'static Verb>) -> Option<&'static Kind> {
        let with = verb.map_or(&[][..], |verb| verb.with);
        let field = self.fields.iter().chain(with).find(|field| field.name == key).map(|field| &field.kind);
        field.or_else(|| verb.filter(|verb| verb.name == key).map(|verb| &verb.kind))
    }
}

/// Result of looking for the verb.
pub(crate) enum Found<'k> {
    Verb(&'static Verb),
    None,
    Two(&'k str, &'k str),
}

impl Kind {
    /// What is expected, for messages: `a time in quotes, like "10ms"`.
    pub(crate) fn expects(&self) -> String {
        match self {
            Self::Text(what) => format!("{what} in quotes"),
            Self::Name(_) => "a name in quotes".to_owned(),
            Self::Reference(what) => format!("the name of {what} in quotes"),
            Self::Flag => "true or false".to_owned(),
            Self::True => "true".to_owned(),
            Self::Integer { what, .. } => format!("{what} (a whole number)"),
            Self::Quantity(quantity) => {
                format!("{} in quotes, like {:?}", quantity.what(), quantity.example())
            }
            Self::Word(words) if words.len() == 1 => format!("{:?}", words[0].name),
            Self::Word(words) => {
                format!("one of {}", super::problem::quoted_list(words.iter().map(|word| word.name)))
            }
            Self::List { item, .. } => format!("a list [...], each element {}", item.expects()),
            Self::Object(object) => format!("{} {{...}}", object.what),
            Self::Map { what, .. } => format!("an object {{...}} from names to {what}"),
            Self::KernelWords { what, example } => format!("an object of {what}, like {example}"),
            Self::Settings => {
                "an object from paths to values, like {\"links.wire.delay\": \"20ms\"}".to_owned()
            }
            Self::Ranges => "an object from paths to ranges {\"min\": ..., \"max\": ...} or lists of values, like {\"links.wire.loss\": {\"min\": \"0.1%\", \"max\": \"10%\"}}".to_owned(),
            Self::Bounds(kind) => format!("{}, or {{\"min\": ..., \"max\": ...}}", kind.expects()),
            Self::OneOf(kinds) => {
                let all: Vec<String> = kinds.iter().map(Self::expects).collect();
                all.join(", or ")
            }
        }
    }
}
