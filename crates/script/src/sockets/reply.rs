//! What a call gave, compared with what the script says.

use crate::problem::Problem;
use crate::sockets::file::{File, Files};
use crate::sockets::symbols::Flavour;
use crate::sockets::value::{Value, unknown};
use crate::syntax::tree::Call;

/// What a call gave.
#[derive(Debug)]
pub(super) struct Reply {
    outcome: Outcome,
    /// What it wrote into the caller's memory, if that is not what the script says.
    differs: Option<String>,
}

#[derive(Debug)]
enum Outcome {
    Value(i64),
    /// A descriptor, whose number the script chooses.
    File(Box<File>),
    /// -1, and this errno.
    Failed(&'static str),
}

/// What the script says of a call's result.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    name: String,
    /// `None`: anything.
    result: Option<i64>,
    errno: Option<String>,
}

impl Reply {
    pub(super) fn value(value: i64) -> Self {
        Self { outcome: Outcome::Value(value), differs: None }
    }

    /// Octets.
    pub(super) fn octets(octets: u64) -> Self {
        Self::value(i64::try_from(octets).unwrap_or(i64::MAX))
    }

    pub(super) fn file(file: File) -> Self {
        Self { outcome: Outcome::File(Box::new(file)), differs: None }
    }

    pub(super) fn failed(errno: &'static str) -> Self {
        Self { outcome: Outcome::Failed(errno), differs: None }
    }

    /// With something that it wrote into the caller's memory.
    pub(super) fn wrote(mut self, differs: Option<String>) -> Self {
        self.differs = self.differs.or(differs);
        self
    }
}

impl Expected {
    /// What `call` says.
    pub(super) fn of(call: &Call, flavour: Flavour) -> Result<Self, Problem> {
        let result = match &call.result {
            None => None,
            Some(expression) => Value::of(expression, flavour)?.pointed()?,
        };
        if let Some(errno) = &call.errno
            && flavour.number(errno).is_none()
        {
            return unknown(format!("the errno {errno}"));
        }
        Ok(Self { name: call.name.clone(), result, errno: call.errno.clone() })
    }

    /// Compares; a descriptor gets the number that the script gives it.
    pub(super) fn compare(&self, reply: Reply, files: &mut Files) -> Result<(), Problem> {
        let Reply { outcome, differs } = reply;
        match (outcome, self.result) {
            (Outcome::Value(value), expected) => {
                self.agree(expected.is_none_or(|expected| expected == value), || value.to_string())?;
            }
            (Outcome::Failed(errno), expected) => {
                let same = expected.is_none_or(|expected| expected == -1)
                    && self.errno.as_deref().is_none_or(|expected| canonical(expected) == canonical(errno));
                self.agree(same, || format!("-1 {errno}"))?;
            }
            (Outcome::File(_), None) => {}
            (Outcome::File(file), Some(number)) => {
                self.agree(number >= 0, || "a descriptor".into())?;
                if !files.bind(number, *file) {
                    return Err(Problem::Differs(format!(
                        "{} = {number}: the script has that descriptor open already",
                        self.name
                    )));
                }
            }
        }
        match differs {
            Some(text) => Err(Problem::Differs(format!("{}: {text}", self.name))),
            None => Ok(()),
        }
    }

    fn agree(&self, same: bool, actual: impl Fn() -> String) -> Result<(), Problem> {
        if same {
            return Ok(());
        }
        let result = self.result.map_or("?".into(), |result| result.to_string());
        let errno = self.errno.as_ref().map_or(String::new(), |errno| format!(" {errno}"));
        Err(Problem::Differs(format!("{} returned {}, and not {result}{errno}", self.name, actual())))
    }
}

/// One name for each error.
fn canonical(errno: &str) -> &str {
    match errno {
        "EWOULDBLOCK" => "EAGAIN",
        "ENOTSUP" => "EOPNOTSUPP",
        other => other,
    }
}
