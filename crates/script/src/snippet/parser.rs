//! From lines of tokens to statements: the part of Python that is known here. All else is named and refused.

use super::token::{Line, Token, TokenKind, lines};
use super::tree::{Binary, Comparison, Expression, Kind, Statement, Unary};
use crate::problem::Problem;

/// Brackets, signs and bodies that stand inside each other.
const DEPTH_MAX: usize = 60;
/// Operators with two operands in one line: each stands inside the next one.
const OPERATORS_MAX: usize = 300;

/// Words that begin what is not known here, or can't be a name.
const REFUSED: &[&str] = &[
    "import", "from", "for", "while", "def", "class", "try", "except", "finally", "raise", "with", "return",
    "yield", "lambda", "global", "nonlocal", "del", "is", "async", "await", "exec", "break", "continue",
];

/// Reads a snippet.
pub(super) fn parse(text: &str) -> Result<Vec<Statement>, Problem> {
    let lines = lines(text)?;
    let mut blocks = Blocks { text, lines: &lines, next: 0 };
    let statements = blocks.block(None, 0)?;
    match blocks.lines.get(blocks.next) {
        None => Ok(statements),
        Some(line) => Err(unknown(text, line.tokens.first())),
    }
}

/// Names what is not known.
fn unknown(text: &str, token: Option<&Token>) -> Problem {
    match token {
        Some(token) => {
            Problem::Unknown(format!("{:?} is not known here in a snippet", &text[token.start..token.end]))
        }
        None => Problem::Unknown("a statement of a snippet has no end".into()),
    }
}

struct Blocks<'a> {
    text: &'a str,
    lines: &'a [Line],
    next: usize,
}

impl<'a> Blocks<'a> {
    /// Statements that stand at least so far in.
    fn block(&mut self, least: Option<usize>, depth: usize) -> Result<Vec<Statement>, Problem> {
        let mut statements = Vec::new();
        while let Some(line) = self.lines.get(self.next) {
            if least.is_some_and(|least| line.indent < least) || starts_with(line, &["elif", "else"]) {
                break;
            }
            if starts_with(line, &["if"]) {
                statements.push(self.branches(line, depth + 1)?);
            } else {
                self.next += 1;
                statements.extend(Parser::new(self.text, &line.tokens).simple_statements()?);
            }
        }
        Ok(statements)
    }

    fn branches(&mut self, header: &'a Line, depth: usize) -> Result<Statement, Problem> {
        if depth > DEPTH_MAX {
            return Err(Problem::Unknown("a snippet with so many bodies inside each other".into()));
        }
        let first = self.next == 0;
        let mut branches = Vec::new();
        let mut body_indent = header.indent;
        while let Some(line) = self.lines.get(self.next) {
            let continues = starts_with(line, &["elif", "else"])
                && (line.indent == header.indent || first && line.indent < body_indent);
            if !(branches.is_empty() || continues) {
                break;
            }
            self.next += 1;
            let last = starts_with(line, &["else"]);
            let mut parser = Parser { next: 1, ..Parser::new(self.text, &line.tokens) };
            let condition = if last { None } else { Some(parser.expression()?) };
            parser.expect(":")?;
            let body = if parser.is_done() {
                let body = self.lines.get(self.next).filter(|body| body.indent > header.indent);
                let body = body.ok_or_else(|| Problem::Unknown("an if without a body".into()))?;
                body_indent = body.indent;
                self.block(Some(body.indent), depth)?
            } else {
                parser.simple_statements()?
            };
            branches.push((condition, body));
            if last {
                break;
            }
        }
        Ok(Statement::If(branches))
    }
}

fn starts_with(line: &Line, words: &[&str]) -> bool {
    matches!(&line.tokens[0].kind, TokenKind::Name(name) if words.contains(&name.as_str()))
}

struct Parser<'a> {
    text: &'a str,
    tokens: &'a [Token],
    next: usize,
    depth: usize,
    operators: usize,
}

/// Statements of one line.
impl<'a> Parser<'a> {
    fn new(text: &'a str, tokens: &'a [Token]) -> Self {
        Self { text, tokens, next: 0, depth: 0, operators: 0 }
    }

    fn simple_statements(&mut self) -> Result<Vec<Statement>, Problem> {
        let mut statements = Vec::new();
        while !self.is_done() {
            if let Some(statement) = self.statement()? {
                statements.push(statement);
            }
            if !self.is_done() {
                self.expect(";")?;
            }
        }
        Ok(statements)
    }

    fn statement(&mut self) -> Result<Option<Statement>, Problem> {
        if self.take_word("pass") {
            return Ok(None);
        }
        if self.take_word("assert") {
            let condition = self.expression()?;
            let message = if self.take(",") { Some(self.expression()?) } else { None };
            return Ok(Some(Statement::Assert { condition, message }));
        }
        if let (Some(TokenKind::Name(name)), Some(&TokenKind::Operator(sign))) = (self.kind(0), self.kind(1))
        {
            let name = name.clone();
            if sign == "=" {
                let name = self.target(&name)?;
                let value = self.expressions()?;
                return Ok(Some(Statement::Assign { name, value }));
            }
            if let Some(operator) = sign.strip_suffix('=').and_then(Binary::of) {
                let name = self.target(&name)?;
                let value = self.expressions()?;
                return Ok(Some(Statement::Augment { name, operator, value }));
            }
        }
        Ok(Some(Statement::Evaluate(self.expression()?)))
    }

    fn target(&mut self, name: &str) -> Result<String, Problem> {
        if is_keyword(name) {
            return Err(self.unknown());
        }
        self.next += 2;
        Ok(name.to_owned())
    }
}

/// Expressions, from the loosest to the tightest.
impl Parser<'_> {
    /// One, or several with commas between, which are a tuple.
    fn expressions(&mut self) -> Result<Expression, Problem> {
        let first = self.expression()?;
        if !self.is(",") {
            return Ok(first);
        }
        let start = first.start;
        let mut items = vec![first];
        while self.take(",") && !self.is_done() && !self.is(")") {
            items.push(self.expression()?);
        }
        Ok(self.from(start, Kind::Sequence(items, false)))
    }

    fn expression(&mut self) -> Result<Expression, Problem> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Problem::Unknown("an expression that stands too deep inside others".into()));
        }
        let value = self.disjunction()?;
        let value = if self.take_word("if") {
            let condition = self.disjunction()?;
            if !self.take_word("else") {
                return Err(self.unknown());
            }
            let other = self.expression()?;
            self.from(value.start, Kind::Conditional(Box::new([condition, value, other])))
        } else {
            value
        };
        self.depth -= 1;
        Ok(value)
    }

    fn disjunction(&mut self) -> Result<Expression, Problem> {
        let first = self.conjunction()?;
        if !self.is_word("or") {
            return Ok(first);
        }
        let start = first.start;
        let mut parts = vec![first];
        while self.take_word("or") {
            parts.push(self.conjunction()?);
        }
        Ok(self.from(start, Kind::Or(parts)))
    }

    fn conjunction(&mut self) -> Result<Expression, Problem> {
        let first = self.negation()?;
        if !self.is_word("and") {
            return Ok(first);
        }
        let start = first.start;
        let mut parts = vec![first];
        while self.take_word("and") {
            parts.push(self.negation()?);
        }
        Ok(self.from(start, Kind::And(parts)))
    }

    fn negation(&mut self) -> Result<Expression, Problem> {
        let start = self.start();
        let mut times = 0;
        while self.take_word("not") {
            times += 1;
        }
        let mut value = self.comparison()?;
        for _ in 0..if times == 0 { 0 } else { 2 - times % 2 } {
            value = self.from(start, Kind::Not(Box::new(value)));
        }
        Ok(value)
    }

    fn comparison(&mut self) -> Result<Expression, Problem> {
        let first = self.binary(0)?;
        let mut rest = Vec::new();
        while let Some(comparison) = self.take_comparison()? {
            rest.push((comparison, self.binary(0)?));
        }
        Ok(if rest.is_empty() { first } else { self.from(first.start, Kind::Compare(Box::new(first), rest)) })
    }

    fn take_comparison(&mut self) -> Result<Option<Comparison>, Problem> {
        let known = [
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::AtMost),
            (">=", Comparison::AtLeast),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        for (sign, comparison) in known {
            if self.take(sign) {
                return Ok(Some(comparison));
            }
        }
        if self.take_word("in") {
            return Ok(Some(Comparison::In));
        }
        if self.take_word("not") {
            return if self.take_word("in") { Ok(Some(Comparison::NotIn)) } else { Err(self.unknown()) };
        }
        Ok(None)
    }

    /// Operators with two operands, all but `**`; those of a level bind equally.
    fn binary(&mut self, level: usize) -> Result<Expression, Problem> {
        const LEVELS: [&[&str]; 6] =
            [&["|"], &["^"], &["&"], &["<<", ">>"], &["+", "-"], &["*", "//", "/", "%"]];
        let Some(signs) = LEVELS.get(level) else { return self.unary() };
        let mut value = self.binary(level + 1)?;
        while let Some(sign) = signs.iter().find(|sign| self.is(sign)) {
            self.next += 1;
            self.operators += 1;
            if self.operators > OPERATORS_MAX {
                return Err(Problem::Unknown("a line with so many operators".into()));
            }
            let right = self.binary(level + 1)?;
            let operator = Binary::of(sign).expect("a sign of the table");
            value = self.from(value.start, Kind::Binary(operator, Box::new(value), Box::new(right)));
        }
        Ok(value)
    }

    fn unary(&mut self) -> Result<Expression, Problem> {
        let start = self.start();
        let mut signs = Vec::new();
        while let Some(&TokenKind::Operator(sign @ ("-" | "+" | "~"))) = self.kind(0) {
            self.next += 1;
            signs.push(match sign {
                "-" => Unary::Minus,
                "+" => Unary::Plus,
                _ => Unary::Invert,
            });
        }
        if signs.len() > DEPTH_MAX {
            return Err(Problem::Unknown("an expression with so many signs".into()));
        }
        let mut value = self.atom()?;
        if self.take("**") {
            self.depth += 1;
            if self.depth > DEPTH_MAX {
                return Err(Problem::Unknown("an expression that stands too deep inside others".into()));
            }
            let power = self.unary()?;
            self.depth -= 1;
            value = self.from(value.start, Kind::Binary(Binary::Power, Box::new(value), Box::new(power)));
        }
        while let Some(sign) = signs.pop() {
            value = self.from(start, Kind::Unary(sign, Box::new(value)));
        }
        Ok(value)
    }

    fn atom(&mut self) -> Result<Expression, Problem> {
        let start = self.start();
        let kind = match self.kind(0).cloned() {
            Some(TokenKind::Integer(number)) => Kind::Integer(number),
            Some(TokenKind::Float(number)) => Kind::Float(number),
            Some(TokenKind::Text(text)) => Kind::Text(text),
            Some(TokenKind::Name(name)) if !is_keyword(&name) => {
                self.next += 1;
                if !self.take("(") {
                    return Ok(self.from(start, Kind::Name(name)));
                }
                let arguments = self.items(")")?.0;
                return Ok(self.from(start, Kind::Call(name, arguments)));
            }
            Some(TokenKind::Operator("(")) => {
                self.next += 1;
                let (mut items, comma) = self.items(")")?;
                return Ok(match items.pop() {
                    // The brackets belong to what is shown of it.
                    Some(item) if items.is_empty() && !comma => self.from(start, item.kind),
                    last => {
                        items.extend(last);
                        self.from(start, Kind::Sequence(items, false))
                    }
                });
            }
            Some(TokenKind::Operator("[")) => {
                self.next += 1;
                let items = self.items("]")?.0;
                return Ok(self.from(start, Kind::Sequence(items, true)));
            }
            _ => return Err(self.unknown()),
        };
        self.next += 1;
        // Strings side by side are one.
        if let (Kind::Text(text), Some(TokenKind::Text(more))) = (&kind, self.kind(0)) {
            let mut text = format!("{text}{more}");
            self.next += 1;
            while let Some(TokenKind::Text(more)) = self.kind(0) {
                text.push_str(more);
                self.next += 1;
            }
            return Ok(self.from(start, Kind::Text(text)));
        }
        Ok(self.from(start, kind))
    }

    /// Values with commas between up to `close`; says whether there was a comma.
    fn items(&mut self, close: &str) -> Result<(Vec<Expression>, bool), Problem> {
        let mut items = Vec::new();
        let mut comma = false;
        while !self.take(close) {
            items.push(self.expression()?);
            if self.take(",") {
                comma = true;
            } else if !self.is(close) {
                return Err(self.unknown());
            }
        }
        Ok((items, comma))
    }
}

/// Tokens.
impl Parser<'_> {
    fn kind(&self, ahead: usize) -> Option<&TokenKind> {
        self.tokens.get(self.next + ahead).map(|token| &token.kind)
    }

    fn is_done(&self) -> bool {
        self.next >= self.tokens.len()
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.kind(0), Some(TokenKind::Operator(known)) if *known == sign)
    }

    fn take(&mut self, sign: &str) -> bool {
        let is = self.is(sign);
        self.next += usize::from(is);
        is
    }

    fn expect(&mut self, sign: &str) -> Result<(), Problem> {
        if self.take(sign) { Ok(()) } else { Err(self.unknown()) }
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.kind(0), Some(TokenKind::Name(name)) if name == word)
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is = self.is_word(word);
        self.next += usize::from(is);
        is
    }

    fn unknown(&self) -> Problem {
        unknown(self.text, self.tokens.get(self.next))
    }

    fn start(&self) -> usize {
        self.tokens.get(self.next).map_or(self.text.len(), |token| token.start)
    }

    /// An expression from `start` up to the last token that was taken.
    fn from(&self, start: usize, kind: Kind) -> Expression {
        Expression { start, end: self.tokens[self.next - 1].end, kind }
    }
}

fn is_keyword(name: &str) -> bool {
    REFUSED.contains(&name)
        || ["and", "or", "not", "in", "if", "elif", "else", "assert", "pass"].contains(&name)
}
