//! What a snippet says as a tree.

/// One thing that a snippet does.
#[derive(Clone, Debug)]
pub(super) enum Statement {
    /// `assert condition, message`.
    Assert { condition: Expression, message: Option<Expression> },
    /// `name = value`.
    Assign { name: String, value: Expression },
    /// `name += value` and the like.
    Augment { name: String, operator: Binary, value: Expression },
    /// An expression for what it does: `print(...)`.
    Evaluate(Expression),
    /// `if`, `elif`: the first branch whose condition holds; the last may have none.
    If(Vec<(Option<Expression>, Vec<Statement>)>),
}

/// A value to be computed, and where it stands in the snippet, in octets.
#[derive(Clone, Debug)]
pub(super) struct Expression {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Integer(i128),
    Float(f64),
    Text(String),
    Name(String),
    Unary(Unary, Box<Expression>),
    Binary(Binary, Box<Expression>, Box<Expression>),
    /// `a < b <= c`.
    Compare(Box<Expression>, Vec<(Comparison, Expression)>),
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Not(Box<Expression>),
    /// `value if condition else other`: the condition stands first here.
    Conditional(Box<[Expression; 3]>),
    Call(String, Vec<Expression>),
    /// `(a, b)` or, if the flag is set, `[a, b]`.
    Sequence(Vec<Expression>, bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unary {
    Minus,
    Plus,
    Invert,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
    Power,
    ShiftLeft,
    ShiftRight,
    And,
    Or,
    ExclusiveOr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
    In,
    NotIn,
}

impl Binary {
    /// The operator of this sign.
    pub(super) fn of(sign: &str) -> Option<Self> {
        Some(match sign {
            "+" => Self::Add,
            "-" => Self::Subtract,
            "*" => Self::Multiply,
            "/" => Self::Divide,
            "//" => Self::FloorDivide,
            "%" => Self::Remainder,
            "**" => Self::Power,
            "<<" => Self::ShiftLeft,
            ">>" => Self::ShiftRight,
            "&" => Self::And,
            "|" => Self::Or,
            "^" => Self::ExclusiveOr,
            _ => return None,
        })
    }

    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::FloorDivide => "//",
            Self::Remainder => "%",
            Self::Power => "**",
            Self::ShiftLeft => "<<",
            Self::ShiftRight => ">>",
            Self::And => "&",
            Self::Or => "|",
            Self::ExclusiveOr => "^",
        }
    }
}

impl Comparison {
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::In => "in",
            Self::NotIn => "not in",
        }
    }
}
