//! Arguments of calls: expressions to numbers, addresses, buffers and structures.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use faultwire_wire::Payload;

use crate::network::Network;
use crate::problem::Problem;
use crate::sockets::symbols::Flavour;
use crate::syntax::tree::{Call, Expression, ExpressionKind, Field};

/// What an expression comes to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// `...`.
    Any,
    /// A number.
    Integer(i64),
    /// A string.
    Text(String),
    /// An address.
    Address(IpAddr),
    /// `[a, b]`.
    List(Vec<Value>),
    /// `{a = 1, ..., 1000}`.
    Structure(Vec<Member>),
}

/// One field of a structure.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Member {
    /// Empty for a bare value.
    pub(super) name: String,
    pub(super) value: Value,
}

/// The arguments of one call.
#[derive(Debug)]
pub(super) struct Arguments<'a> {
    call: &'a Call,
    values: Vec<Value>,
}

/// An address as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// `...`: that of the call.
    Default,
    /// This one.
    Given(SocketAddr),
    /// One of AF_UNSPEC.
    Unspecified,
    /// None at all.
    Null,
}

impl Value {
    /// What `expression` comes to.
    pub(super) fn of(expression: &Expression, flavour: Flavour) -> Result<Self, Problem> {
        Ok(match &expression.kind {
            ExpressionKind::Ellipsis => Self::Any,
            &ExpressionKind::Integer(number) => Self::Integer(number),
            ExpressionKind::Decimal(number) => {
                return unknown(format!("{number} where a whole number belongs"));
            }
            ExpressionKind::Symbol(symbol) => match flavour.number(symbol) {
                Some(number) => Self::Integer(number),
                None => return unknown(format!("the symbol {symbol}")),
            },
            ExpressionKind::Text(text) => Self::Text(text.clone()),
            &ExpressionKind::Address(address) => Self::Address(address),
            ExpressionKind::Or(parts) => {
                let mut numbers = parts.iter().map(|part| Self::of(part, flavour)?.integer());
                Self::Integer(numbers.try_fold(0, |bits, next| Ok(bits | next?))?)
            }
            ExpressionKind::Not(inner) => Self::Integer(!Self::of(inner, flavour)?.integer()?),
            ExpressionKind::List(parts) => {
                Self::List(parts.iter().map(|part| Self::of(part, flavour)).collect::<Result<_, _>>()?)
            }
            ExpressionKind::Structure(fields) => {
                let member = |field: &Field| {
                    Ok(Member { name: field.name.clone(), value: Self::of(&field.value, flavour)? })
                };
                Self::Structure(fields.iter().map(member).collect::<Result<_, _>>()?)
            }
            ExpressionKind::Function { name, arguments } => function(name, arguments, flavour)?,
        })
    }

    /// The number that it must be.
    pub(super) fn integer(&self) -> Result<i64, Problem> {
        match self {
            &Self::Integer(number) => Ok(number),
            other => unknown(format!("{other} where a number belongs")),
        }
    }

    /// The number in `[n]`, or the number itself; `None` for `...`.
    pub(super) fn pointed(&self) -> Result<Option<i64>, Problem> {
        match self {
            Self::Any => Ok(None),
            &Self::Integer(number) => Ok(Some(number)),
            Self::List(items) if items.len() == 1 => items[0].pointed(),
            other => unknown(format!("{other} where one number belongs")),
        }
    }

    /// Whether it is a null pointer.
    pub(super) fn is_null(&self) -> bool {
        *self == Self::Integer(0)
    }

    /// The elements of a list.
    pub(super) fn items(&self) -> Result<&[Self], Problem> {
        match self {
            Self::List(items) => Ok(items),
            other => unknown(format!("{other} where a list belongs")),
        }
    }

    /// The fields of a structure; one in brackets is as good.
    pub(super) fn members(&self) -> Result<&[Member], Problem> {
        match self {
            Self::Structure(members) => Ok(members),
            Self::List(items) if items.len() == 1 => items[0].members(),
            other => unknown(format!("{other} where a structure belongs")),
        }
    }

    /// The field with one of these names.
    pub(super) fn member(&self, names: &[&str]) -> Result<Option<&Self>, Problem> {
        let found = self.members()?.iter().find(|member| names.contains(&member.name.as_str()));
        Ok(found.map(|member| &member.value))
    }

    /// Fields that are none of these are not known.
    pub(super) fn has_only(&self, names: &[&str]) -> Result<(), Problem> {
        match self.members()?.iter().find(|member| !names.contains(&member.name.as_str())) {
            Some(member) => unknown(format!("the field {:?}", member.name)),
            None => Ok(()),
        }
    }

    /// `octets` of a buffer: zeros, or those of a string. `None` for a null pointer.
    pub(super) fn buffer(&self, octets: u32) -> Result<Option<Payload>, Problem> {
        Ok(match self {
            Self::Any => Some(Payload::Zeros { len: octets }),
            Self::Text(text) => {
                let mut bytes = latin(text);
                bytes.resize(octets as usize, 0);
                Some(Payload::from_bytes(bytes))
            }
            value if value.is_null() => None,
            other => return unknown(format!("{other} where a buffer belongs")),
        })
    }

    /// The address that it is; `default` has what it leaves open.
    pub(super) fn address(
        &self,
        flavour: Flavour,
        network: &Network,
        default: SocketAddr,
    ) -> Result<Address, Problem> {
        match self {
            Self::Any => return Ok(Address::Default),
            Self::Integer(0) => return Ok(Address::Null),
            _ => {}
        }
        self.has_only(ADDRESS_FIELDS)?;
        let family = self.member(&["sa_family", "sin_family", "sin6_family"])?;
        if family.is_some_and(|family| *family == Self::Integer(flavour.known("AF_UNSPEC"))) {
            return Ok(Address::Unspecified);
        }
        let port = match self.member(&["sin_port", "sin6_port"])? {
            None | Some(Self::Any) => default.port(),
            Some(value) => {
                let port = value.integer()?;
                u16::try_from(port).or_else(|_| unknown(format!("the port {port}")))?
            }
        };
        let ip = match self.member(&["sin_addr", "sin6_addr"])? {
            None | Some(Self::Any) => default.ip(),
            Some(Self::Address(address)) => *address,
            Some(Self::Text(text)) => parse_address(text)?,
            Some(value) => Ipv4Addr::from(value.integer()? as u32).into(),
        };
        let ip = match ip {
            IpAddr::V6(any) if network.mapped && any.is_unspecified() => Ipv4Addr::UNSPECIFIED.into(),
            mapped if network.mapped => mapped.to_canonical(),
            literal => literal,
        };
        Ok(Address::Given(SocketAddr::new(ip, port)))
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("..."),
            Self::Integer(number) => number.fmt(f),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Address(address) => address.fmt(f),
            Self::List(items) => {
                f.write_str("[")?;
                separated(f, items)?;
                f.write_str("]")
            }
            Self::Structure(members) => {
                f.write_str("{")?;
                separated(f, members)?;
                f.write_str("}")
            }
        }
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.as_str() {
            "" => self.value.fmt(f),
            name => write!(f, "{name}={}", self.value),
        }
    }
}

fn separated<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: &[T]) -> fmt::Result {
    for (rank, item) in items.iter().enumerate() {
        write!(f, "{}{item}", if rank > 0 { ", " } else { "" })?;
    }
    Ok(())
}

impl<'a> Arguments<'a> {
    /// Those of `call`, evaluated.
    pub(super) fn of(call: &'a Call, flavour: Flavour) -> Result<Self, Problem> {
        let values = call.arguments.iter().map(|argument| Value::of(argument, flavour));
        Ok(Self { call, values: values.collect::<Result<_, _>>()? })
    }

    /// There must be so many.
    pub(super) fn count(&self, count: usize) -> Result<(), Problem> {
        self.between(count, count)
    }

    /// There must be so many.
    pub(super) fn between(&self, least: usize, most: usize) -> Result<(), Problem> {
        if (least..=most).contains(&self.values.len()) {
            return Ok(());
        }
        unknown(format!("{} with {} arguments", self.call.name, self.values.len()))
    }

    /// Argument number `rank`, from 0.
    pub(super) fn get(&self, rank: usize) -> &Value {
        &self.values[rank]
    }

    /// Argument number `rank`, which must be a number.
    pub(super) fn integer(&self, rank: usize) -> Result<i64, Problem> {
        self.values[rank].integer()
    }

    /// Argument number `rank` as a length.
    pub(super) fn length(&self, rank: usize) -> Result<u32, Problem> {
        let length = self.integer(rank)?;
        u32::try_from(length).or_else(|_| unknown(format!("the length {length}")))
    }
}

/// `htons` and its like: ports and addresses are kept as they are read.
fn function(name: &str, arguments: &[Expression], flavour: Flavour) -> Result<Value, Problem> {
    let values: Vec<Value> =
        arguments.iter().map(|argument| Value::of(argument, flavour)).collect::<Result<_, _>>()?;
    match (name, &values[..]) {
        ("htons" | "htonl" | "ntohs" | "ntohl", [number]) => Ok(Value::Integer(number.integer()?)),
        ("inet_addr", [Value::Text(text)]) | ("inet_pton", [_, Value::Text(text)]) => {
            Ok(Value::Address(parse_address(text)?))
        }
        ("inet_addr", [Value::Address(address)]) | ("inet_pton", [_, Value::Address(address)]) => {
            Ok(Value::Address(*address))
        }
        _ => unknown(format!("the function {name}")),
    }
}

fn parse_address(text: &str) -> Result<IpAddr, Problem> {
    text.parse().or_else(|_| unknown(format!("the address {text:?}")))
}

/// The octets of a string, whose escapes are characters below 256.
pub(super) fn latin(text: &str) -> Vec<u8> {
    text.chars().map(|character| character as u32 as u8).collect()
}

/// What is not known.
pub(super) fn unknown<T>(what: String) -> Result<T, Problem> {
    Err(Problem::Unknown(format!("{what} is not known here")))
}

const ADDRESS_FIELDS: &[&str] = &[
    "sa_family",
    "sin_family",
    "sin6_family",
    "sin_port",
    "sin6_port",
    "sin_addr",
    "sin6_addr",
    "sin6_flowinfo",
    "sin6_scope_id",
];
