//! Values of snippets and what Python's operators make of them.

use std::cmp::Ordering;
use std::fmt::{self, Write as _};

use super::tree::{Binary, Comparison, Unary};
use crate::problem::Problem;

#[derive(Clone, Debug)]
pub(super) enum Value {
    None,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    /// A tuple or, if the flag is set, a list.
    Sequence(Vec<Value>, bool),
}

impl Value {
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::None => false,
            Self::Bool(is) => *is,
            Self::Integer(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::Sequence(items, _) => !items.is_empty(),
        }
    }

    /// The number that a number or a truth value is.
    pub(super) fn integer(&self) -> Option<i128> {
        match *self {
            Self::Integer(number) => Some(number),
            Self::Bool(is) => Some(is.into()),
            _ => None,
        }
    }

    pub(super) fn float(&self) -> Option<f64> {
        match *self {
            Self::Float(number) => Some(number),
            _ => self.integer().map(|number| number as f64),
        }
    }

    /// As Python's `repr` shows it.
    pub(super) fn quoted(&self) -> String {
        match self {
            Self::Text(text) => format!("{text:?}"),
            other => other.to_string(),
        }
    }

    pub(super) fn unary(self, sign: Unary) -> Result<Self, Problem> {
        match (sign, &self) {
            (Unary::Minus, Self::Float(number)) => return Ok(Self::Float(-number)),
            (Unary::Plus, Self::Float(_)) => return Ok(self),
            _ => {}
        }
        let Some(number) = self.integer() else { return Err(type_error(&format!("a sign before {self}"))) };
        let value = match sign {
            Unary::Minus => number.checked_neg(),
            Unary::Plus => Some(number),
            Unary::Invert => Some(!number),
        };
        value.map(Self::Integer).ok_or_else(too_large)
    }

    pub(super) fn binary(self, operator: Binary, right: &Self) -> Result<Self, Problem> {
        match (&self, right) {
            (Self::Text(text), _) if operator == Binary::Remainder => {
                return super::format::percent(text, right).map(Self::Text);
            }
            (Self::Text(left), Self::Text(right)) if operator == Binary::Add => {
                return Ok(Self::Text(format!("{left}{right}")));
            }
            _ => {}
        }
        if let (Some(left), Some(right)) = (self.integer(), right.integer())
            && operator != Binary::Divide
        {
            return integers(left, operator, right);
        }
        match (self.float(), right.float()) {
            (Some(left), Some(right)) => floats(left, operator, right),
            _ => Err(type_error(&format!("{} {} {}", self.quoted(), operator.sign(), right.quoted()))),
        }
    }

    pub(super) fn compare(&self, comparison: Comparison, right: &Self) -> Result<bool, Problem> {
        match comparison {
            Comparison::Equal => return Ok(self.equals(right)),
            Comparison::NotEqual => return Ok(!self.equals(right)),
            Comparison::In | Comparison::NotIn => {
                let within = match (self, right) {
                    (_, Self::Sequence(items, _)) => items.iter().any(|item| item.equals(self)),
                    (Self::Text(part), Self::Text(text)) => text.contains(part.as_str()),
                    _ => return Err(type_error(&format!("{} in {}", self.quoted(), right.quoted()))),
                };
                return Ok(within == (comparison == Comparison::In));
            }
            _ => {}
        }
        let ordering = match (self, right) {
            (Self::Text(left), Self::Text(right)) => Some(left.cmp(right)),
            _ => match (self.integer(), right.integer()) {
                (Some(left), Some(right)) => Some(left.cmp(&right)),
                _ => self.float().zip(right.float()).and_then(|(left, right)| left.partial_cmp(&right)),
            },
        };
        let Some(ordering) = ordering else {
            return Err(type_error(&format!("{} {} {}", self.quoted(), comparison.sign(), right.quoted())));
        };
        Ok(match comparison {
            Comparison::Less => ordering == Ordering::Less,
            Comparison::AtMost => ordering != Ordering::Greater,
            Comparison::Greater => ordering == Ordering::Greater,
            _ => ordering != Ordering::Less,
        })
    }

    fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) => true,
            (Self::Text(left), Self::Text(right)) => left == right,
            (Self::Sequence(left, a), Self::Sequence(right, b)) => {
                a == b
                    && left.len() == right.len()
                    && left.iter().zip(right).all(|(left, right)| left.equals(right))
            }
            _ => match (self.integer(), other.integer()) {
                (Some(left), Some(right)) => left == right,
                _ => self.float().zip(other.float()).is_some_and(|(left, right)| left == right),
            },
        }
    }
}

fn integers(left: i128, operator: Binary, right: i128) -> Result<Value, Problem> {
    let value = match operator {
        Binary::Add => left.checked_add(right),
        Binary::Subtract => left.checked_sub(right),
        Binary::Multiply => left.checked_mul(right),
        Binary::FloorDivide | Binary::Remainder if right == 0 => return Err(by_zero()),
        // Python rounds down, and the remainder has the sign of the divisor.
        Binary::FloorDivide => {
            let truncated = left.checked_div(right);
            truncated.map(|quotient| {
                quotient - i128::from(left.wrapping_rem(right) != 0 && (left < 0) != (right < 0))
            })
        }
        Binary::Remainder => {
            let rest = left.wrapping_rem(right);
            Some(if rest != 0 && (rest < 0) != (right < 0) { rest + right } else { rest })
        }
        Binary::Power if right < 0 => return floats(left as f64, operator, right as f64),
        Binary::Power => u32::try_from(right).ok().and_then(|power| left.checked_pow(power)),
        Binary::ShiftLeft | Binary::ShiftRight if right < 0 => {
            return Err(Problem::Differs("a shift by a negative number".into()));
        }
        Binary::ShiftLeft if left == 0 => Some(0),
        Binary::ShiftLeft => {
            let factor = u32::try_from(right).ok().filter(|&bits| bits < 127).map(|bits| 1_i128 << bits);
            factor.and_then(|factor| left.checked_mul(factor))
        }
        Binary::ShiftRight => Some(left >> right.min(127)),
        Binary::And => Some(left & right),
        Binary::Or => Some(left | right),
        Binary::ExclusiveOr => Some(left ^ right),
        Binary::Divide => unreachable!("of floating-point numbers"),
    };
    value.map(Value::Integer).ok_or_else(too_large)
}

fn floats(left: f64, operator: Binary, right: f64) -> Result<Value, Problem> {
    let zero = right == 0.0;
    Ok(Value::Float(match operator {
        Binary::Add => left + right,
        Binary::Subtract => left - right,
        Binary::Multiply => left * right,
        Binary::Divide | Binary::FloorDivide | Binary::Remainder if zero => return Err(by_zero()),
        Binary::Divide => left / right,
        Binary::FloorDivide => (left / right).floor(),
        Binary::Remainder => left - right * (left / right).floor(),
        Binary::Power => left.powf(right),
        _ => return Err(type_error(&format!("{left} {} {right}", operator.sign()))),
    }))
}

fn by_zero() -> Problem {
    Problem::Differs("a division by zero in the snippet".into())
}

fn too_large() -> Problem {
    Problem::Unknown("a number in a snippet is too large".into())
}

/// What Python refuses too.
pub(super) fn type_error(what: &str) -> Problem {
    Problem::Differs(format!("Python can't compute {what}"))
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Bool(true) => f.write_str("True"),
            Self::Bool(false) => f.write_str("False"),
            Self::Integer(number) => number.fmt(f),
            Self::Float(number) => write!(f, "{number:?}"),
            Self::Text(text) => f.write_str(text),
            Self::Sequence(items, list) => {
                f.write_char(if *list { '[' } else { '(' })?;
                for (index, item) in items.iter().enumerate() {
                    let separator = if index > 0 { ", " } else { "" };
                    write!(f, "{separator}{}", item.quoted())?;
                }
                f.write_str(match (list, items.len()) {
                    (true, _) => "]",
                    (false, 1) => ",)",
                    (false, _) => ")",
                })
            }
        }
    }
}
