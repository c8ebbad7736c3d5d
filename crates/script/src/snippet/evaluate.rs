//! What the statements of a snippet do.

use std::collections::BTreeMap;

use super::tree::{Comparison, Expression, Kind, Statement};
use super::value::{Value, type_error};
use crate::problem::Problem;

/// Where names that no snippet assigned get their values from.
pub(super) trait Names {
    /// The value of `name` now.
    fn value(&self, name: &str) -> Result<Value, Problem>;
}

/// A snippet that runs.
pub(super) struct Run<'a, N> {
    pub(super) text: &'a str,
    pub(super) variables: &'a mut BTreeMap<String, Value>,
    pub(super) names: N,
    /// What it printed.
    pub(super) lines: Vec<String>,
}

impl<N: Names> Run<'_, N> {
    pub(super) fn statements(&mut self, statements: &[Statement]) -> Result<(), Problem> {
        statements.iter().try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Statement) -> Result<(), Problem> {
        match statement {
            Statement::Assert { condition, message } => self.assert(condition, message.as_ref()),
            Statement::Assign { name, value } => {
                let value = self.evaluate(value)?;
                self.variables.insert(name.clone(), value);
                Ok(())
            }
            Statement::Augment { name, operator, value } => {
                let right = self.evaluate(value)?;
                let value = self.named(name)?.binary(*operator, &right)?;
                self.variables.insert(name.clone(), value);
                Ok(())
            }
            Statement::Evaluate(expression) => self.evaluate(expression).map(|_| ()),
            Statement::If(branches) => {
                for (condition, body) in branches {
                    let holds = match condition {
                        Some(condition) => self.evaluate(condition)?.is_true(),
                        None => true,
                    };
                    if holds {
                        return self.statements(body);
                    }
                }
                Ok(())
            }
        }
    }

    fn assert(&mut self, condition: &Expression, message: Option<&Expression>) -> Result<(), Problem> {
        if self.evaluate(condition)?.is_true() {
            return Ok(());
        }
        let mut text = format!("assert {} does not hold", self.source(condition));
        if let Some(values) = self.values(condition) {
            text.push_str(": ");
            text.push_str(&values);
        }
        if let Some(message) = message {
            // That it fails is known, whatever becomes of the words for it.
            let message =
                self.evaluate(message).map_or_else(|problem| problem.to_string(), |value| value.to_string());
            text.push_str("; ");
            text.push_str(&message);
        }
        Err(Problem::Differs(text.replace(['\n', '\r'], " ")))
    }

    /// What a condition that does not hold compares, as values; of several, the first that does not hold.
    fn values(&mut self, condition: &Expression) -> Option<String> {
        match &condition.kind {
            Kind::Compare(first, rest) => {
                let mut text = self.evaluate(first).ok()?.quoted();
                for (comparison, right) in rest {
                    let right = self.evaluate(right).ok()?.quoted();
                    text.push_str(&format!(" {} {right}", comparison.sign()));
                }
                Some(text)
            }
            Kind::And(parts) => {
                for part in parts {
                    if !self.evaluate(part).ok()?.is_true() {
                        return self.values(part);
                    }
                }
                None
            }
            Kind::Or(parts) => {
                let values: Vec<String> = parts.iter().filter_map(|part| self.values(part)).collect();
                (!values.is_empty()).then(|| values.join(", "))
            }
            Kind::Not(inner) => Some(format!("not {}", self.evaluate(inner).ok()?.quoted())),
            _ => Some(self.evaluate(condition).ok()?.quoted()),
        }
    }

    fn source(&self, expression: &Expression) -> String {
        let words: Vec<&str> = self.text[expression.start..expression.end].split_whitespace().collect();
        words.join(" ")
    }

    fn named(&self, name: &str) -> Result<Value, Problem> {
        match name {
            "True" => Ok(Value::Bool(true)),
            "False" => Ok(Value::Bool(false)),
            "None" => Ok(Value::None),
            _ => match self.variables.get(name) {
                Some(value) => Ok(value.clone()),
                None => self.names.value(name),
            },
        }
    }

    fn evaluate(&mut self, expression: &Expression) -> Result<Value, Problem> {
        Ok(match &expression.kind {
            &Kind::Integer(number) => Value::Integer(number),
            &Kind::Float(number) => Value::Float(number),
            Kind::Text(text) => Value::Text(text.clone()),
            Kind::Name(name) => self.named(name)?,
            Kind::Unary(sign, operand) => self.evaluate(operand)?.unary(*sign)?,
            Kind::Binary(operator, left, right) => {
                let left = self.evaluate(left)?;
                let right = self.evaluate(right)?;
                left.binary(*operator, &right)?
            }
            Kind::Compare(first, rest) => Value::Bool(self.compare(first, rest)?),
            Kind::And(parts) => self.first(parts, false)?,
            Kind::Or(parts) => self.first(parts, true)?,
            Kind::Not(operand) => Value::Bool(!self.evaluate(operand)?.is_true()),
            Kind::Conditional(parts) => {
                let [condition, value, other] = &**parts;
                if self.evaluate(condition)?.is_true() {
                    self.evaluate(value)?
                } else {
                    self.evaluate(other)?
                }
            }
            Kind::Call(name, arguments) => {
                let values = arguments.iter().map(|argument| self.evaluate(argument));
                let values = values.collect::<Result<Vec<_>, _>>()?;
                self.call(name, values)?
            }
            Kind::Sequence(items, list) => {
                let items = items.iter().map(|item| self.evaluate(item)).collect::<Result<_, _>>()?;
                Value::Sequence(items, *list)
            }
        })
    }

    /// Each is evaluated once, and none behind the first that does not hold.
    fn compare(&mut self, first: &Expression, rest: &[(Comparison, Expression)]) -> Result<bool, Problem> {
        let mut left = self.evaluate(first)?;
        for (comparison, right) in rest {
            let right = self.evaluate(right)?;
            if !left.compare(*comparison, &right)? {
                return Ok(false);
            }
            left = right;
        }
        Ok(true)
    }

    /// The value of the first part that is as true as `wanted`, or of the last.
    fn first(&mut self, parts: &[Expression], wanted: bool) -> Result<Value, Problem> {
        let mut value = Value::None;
        for part in parts {
            value = self.evaluate(part)?;
            if value.is_true() == wanted {
                break;
            }
        }
        Ok(value)
    }

    fn call(&mut self, name: &str, values: Vec<Value>) -> Result<Value, Problem> {
        let wrong = || type_error(&format!("{name}() of these values"));
        Ok(match (name, values.as_slice()) {
            ("print", values) => {
                let words: Vec<String> = values.iter().map(Value::to_string).collect();
                self.lines.push(words.join(" "));
                Value::None
            }
            ("abs", [Value::Float(number)]) => Value::Float(number.abs()),
            ("abs", [value]) => {
                let number = value.integer().ok_or_else(wrong)?;
                Value::Integer(number.checked_abs().ok_or_else(wrong)?)
            }
            ("int", [Value::Float(number)]) => Value::Integer(*number as i128),
            ("int", [Value::Text(text)]) => Value::Integer(text.trim().parse().map_err(|_| wrong())?),
            ("int", [value]) => Value::Integer(value.integer().ok_or_else(wrong)?),
            ("float", [value]) => Value::Float(value.float().ok_or_else(wrong)?),
            ("bool", [value]) => Value::Bool(value.is_true()),
            ("str", [value]) => Value::Text(value.to_string()),
            ("hex", [value]) => {
                let number = value.integer().ok_or_else(wrong)?;
                let sign = if number < 0 { "-" } else { "" };
                Value::Text(format!("{sign}{:#x}", number.unsigned_abs()))
            }
            ("len", [Value::Text(text)]) => Value::Integer(text.chars().count() as i128),
            ("len", [Value::Sequence(items, _)]) => Value::Integer(items.len() as i128),
            ("min" | "max", [Value::Sequence(items, _)]) => extreme(name, items)?,
            ("min" | "max", values) if values.len() > 1 => extreme(name, values)?,
            ("abs" | "int" | "float" | "bool" | "str" | "hex" | "len" | "min" | "max", _) => {
                return Err(wrong());
            }
            _ => return Err(Problem::Unknown(format!("{name}() in a snippet is not known here"))),
        })
    }
}

fn extreme(name: &str, values: &[Value]) -> Result<Value, Problem> {
    let better = if name == "min" { Comparison::Less } else { Comparison::Greater };
    let Some((first, rest)) = values.split_first() else {
        return Err(type_error(&format!("{name}() of nothing")));
    };
    let mut best = first;
    for value in rest {
        if value.compare(better, best)? {
            best = value;
        }
    }
    Ok(best.clone())
}
