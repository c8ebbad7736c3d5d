//! The symbols of C that scripts use, with the numbers of the kernel under test.

mod table;

use crate::settings::Profile;

/// Whose numbers a script's symbols have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Flavour {
    /// Linux's; the profile `rfc` has them too, and FreeBSD's where Linux has none.
    Linux {
        /// Whether what only FreeBSD has is known too.
        and_freebsd: bool,
    },
    /// FreeBSD's.
    FreeBsd,
}

impl Flavour {
    /// That of a stack.
    pub(super) fn of(profile: Profile) -> Self {
        match profile {
            Profile::Rfc => Self::Linux { and_freebsd: true },
            Profile::Linux => Self::Linux { and_freebsd: false },
            Profile::Freebsd => Self::FreeBsd,
        }
    }

    /// Whether calls behave as FreeBSD's.
    pub(super) fn is_freebsd(self) -> bool {
        self == Self::FreeBsd
    }

    /// The number of a symbol, if there is such a symbol.
    pub(super) fn number(self, symbol: &str) -> Option<i64> {
        let (_, number) = table::TABLE.iter().find(|(name, _)| *name == symbol)?;
        self.pick(*number)
    }

    /// The number of a symbol that is in the table.
    pub(super) fn known(self, symbol: &str) -> i64 {
        self.number(symbol).expect("the symbol is in the table")
    }

    /// The name of an option of a level, by its number: as the kernel, which sees no names.
    pub(super) fn option(self, level: i64, number: i64) -> Option<&'static str> {
        let prefix = self.prefix(level)?;
        let named = |&&(name, value): &&(&'static str, Number)| {
            name.starts_with(prefix) && self.pick(value) == Some(number)
        };
        table::TABLE.iter().find(named).map(|&(name, _)| name)
    }

    /// The number of an errno, 0 if it is not known.
    pub(super) fn errno(self, name: &str) -> i64 {
        self.number(name).unwrap_or(0)
    }

    /// What the names of a level's options begin with.
    fn prefix(self, level: i64) -> Option<&'static str> {
        let levels = [
            ("SOL_SOCKET", "SO_"),
            ("IPPROTO_TCP", "TCP_"),
            ("IPPROTO_IP", "IP_"),
            ("IPPROTO_IPV6", "IPV6_"),
        ];
        levels.into_iter().find(|(name, _)| self.known(name) == level).map(|(_, prefix)| prefix)
    }

    fn pick(self, number: Number) -> Option<i64> {
        match (number, self) {
            (Number::Both(number), _)
            | (Number::Linux(number) | Number::Each(number, _), Self::Linux { .. })
            | (Number::FreeBsd(number), Self::FreeBsd | Self::Linux { and_freebsd: true })
            | (Number::Each(_, number), Self::FreeBsd) => Some(number),
            (Number::Linux(_), Self::FreeBsd) | (Number::FreeBsd(_), Self::Linux { and_freebsd: false }) => {
                None
            }
        }
    }
}

/// A symbol's number.
#[derive(Clone, Copy, Debug)]
enum Number {
    /// The same in both kernels.
    Both(i64),
    /// Only Linux has it.
    Linux(i64),
    /// Only FreeBSD has it.
    FreeBsd(i64),
    /// Linux's, FreeBSD's.
    Each(i64, i64),
}

#[cfg(test)]
mod tests;
