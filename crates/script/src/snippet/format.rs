//! `"text %d" % values`, as far as snippets need it.

use super::value::{Value, type_error};
use crate::problem::Problem;

/// Puts `values` in the places that `text` has for them.
pub(super) fn percent(text: &str, values: &Value) -> Result<String, Problem> {
    let mut values = match values {
        Value::Sequence(items, false) => items.iter(),
        single => std::slice::from_ref(single).iter(),
    };
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        result.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(behind) = rest.strip_prefix('%') {
            result.push('%');
            rest = behind;
            continue;
        }
        let length = rest.find(|next: char| next.is_ascii_alphabetic()).unwrap_or(rest.len());
        let conversion = rest[length..].chars().next();
        let conversion = conversion.ok_or_else(|| type_error(&format!("the text {text:?} with values")))?;
        let value = values.next().ok_or_else(|| type_error(&format!("{text:?} with too few values")))?;
        let shape = Shape::of(&rest[..length])?;
        result.push_str(&shape.fill(conversion, value)?);
        rest = &rest[length + 1..];
    }
    if values.next().is_some() {
        return Err(type_error(&format!("{text:?} with too many values")));
    }
    result.push_str(rest);
    Ok(result)
}

/// What stands between `%` and the letter.
struct Shape {
    left: bool,
    zeros: bool,
    width: usize,
    precision: Option<usize>,
}

/// A width above it is no width.
const WIDTH_MAX: usize = 1_000;

impl Shape {
    fn of(text: &str) -> Result<Self, Problem> {
        let flags = text.trim_start_matches(['-', '0']);
        let (width, precision) = match flags.split_once('.') {
            Some((width, precision)) => (width, Some(precision)),
            None => (flags, None),
        };
        let number =
            |digits: &str| match digits {
                "" => Ok(0),
                _ => digits.parse().ok().filter(|&number: &usize| number <= WIDTH_MAX).ok_or_else(|| {
                    Problem::Unknown(format!("%{text} in a text with values is not known here"))
                }),
            };
        let signs = &text[..text.len() - flags.len()];
        Ok(Self {
            left: signs.contains('-'),
            zeros: signs.contains('0'),
            width: number(width)?,
            precision: precision.map(number).transpose()?,
        })
    }

    fn fill(&self, conversion: char, value: &Value) -> Result<String, Problem> {
        let number = || value.integer().or_else(|| value.float().map(|number| number as i128));
        let wrong = || type_error(&format!("%{conversion} of {}", value.quoted()));
        let text = match conversion {
            's' => value.to_string(),
            'r' => value.quoted(),
            'd' | 'i' | 'u' => number().ok_or_else(wrong)?.to_string(),
            'x' => format!("{:x}", value.integer().ok_or_else(wrong)?),
            'X' => format!("{:X}", value.integer().ok_or_else(wrong)?),
            'f' => format!("{:.*}", self.precision.unwrap_or(6), value.float().ok_or_else(wrong)?),
            _ => {
                return Err(Problem::Unknown(format!(
                    "%{conversion} in a text with values is not known here"
                )));
            }
        };
        let missing = self.width.saturating_sub(text.chars().count());
        Ok(if self.left {
            text + &" ".repeat(missing)
        } else if self.zeros && conversion != 's' {
            match text.strip_prefix('-') {
                Some(digits) => format!("-{}{digits}", "0".repeat(missing)),
                None => "0".repeat(missing) + &text,
            }
        } else {
            " ".repeat(missing) + &text
        })
    }
}
