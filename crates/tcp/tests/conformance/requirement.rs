//! The list of requirements, and which of them are left out for which reason.

use std::fmt;

/// The name of a requirement, like `MUST-17`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Label {
    pub(crate) level: &'static str,
    pub(crate) number: u16,
}

impl Label {
    pub(crate) const LEVELS: [&'static str; 4] = ["MUST", "SHLD", "MAY", "REC"];

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (level, number) = text.split_once('-')?;
        let level = Self::LEVELS.into_iter().find(|known| *known == level)?;
        Some(Self { level, number: number.parse().ok()? })
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.level, self.number)
    }
}

/// One line of the list.
#[derive(Clone, Debug)]
pub(crate) struct Requirement {
    pub(crate) label: Label,
    pub(crate) level: &'static str,
    pub(crate) section: &'static str,
    pub(crate) statement: &'static str,
    pub(crate) group: &'static str,
    /// What it is excused from, and why.
    pub(crate) excuse: Option<(&'static str, &'static str)>,
}

impl Requirement {
    /// Whether it needs no `what`, which is `place` or `test`.
    pub(crate) fn is_excused(&self, what: &str) -> bool {
        self.excuse.is_some_and(|(from, _)| from == what || from == "both")
    }

    /// Why it is not done, if the product says so with an error.
    pub(crate) fn refusal(&self) -> Option<&'static str> {
        self.excuse.filter(|(from, _)| *from == "refused").map(|(_, reason)| reason)
    }
}

/// The whole list, in the order of Appendix B.
#[derive(Clone, Debug)]
pub(crate) struct Requirements {
    list: Vec<Requirement>,
}

impl Requirements {
    /// Reads the tables.
    pub(crate) fn read() -> Self {
        let excuses: Vec<(Label, &str, &str)> = rows(include_str!("../rules/left_out.txt"))
            .map(|(_, row)| {
                let [label, from, reason] = columns(row);
                assert!(["place", "test", "both", "refused"].contains(&from), "{row}: from what?");
                (Label::parse(label).unwrap_or_else(|| panic!("{row}: no label")), from, reason)
            })
            .collect();
        let list = rows(include_str!("../rules/requirements.txt"))
            .map(|(group, row)| {
                let [label, level, section, statement] = columns(row);
                let label = Label::parse(label).unwrap_or_else(|| panic!("{row}: no label"));
                let excuse = excuses.iter().find(|(of, ..)| *of == label).map(|&(_, from, why)| (from, why));
                Requirement { label, level, section, statement, group, excuse }
            })
            .collect();
        Self { list }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Requirement> {
        self.list.iter()
    }

    pub(crate) fn labels(&self) -> impl Iterator<Item = Label> {
        self.list.iter().map(|requirement| requirement.label)
    }
}

/// The rows of a table, each with the heading that it stands under.
fn rows(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut group = "";
    text.lines().filter_map(move |line| {
        if let Some(heading) = line.strip_prefix("## ") {
            group = heading;
        }
        (!line.is_empty() && !line.starts_with('#')).then_some((group, line))
    })
}

fn columns<const N: usize>(row: &'static str) -> [&'static str; N] {
    let parts: Vec<&str> = row.splitn(N, '|').map(str::trim).collect();
    parts.try_into().unwrap_or_else(|_| panic!("{row}: {N} columns"))
}
