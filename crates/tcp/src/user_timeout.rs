//! The user timeout option: what each end says of how long it would wait, and what becomes of it (RFC 5482).

use faultwire_base::{Duration, Instant};
use faultwire_wire::{Options, TcpOption};

use crate::tcb::Tcb;
use crate::timer::Timer;

/// How a connection uses the user timeout option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserTimeoutOption {
    /// What is told the peer: ADV_UTO (RFC 5482 §3). Whole seconds, at most 32,767; above that whole minutes.
    pub advertised: Duration,
    /// L_LIMIT: never shorter, whatever the peer says. It has to be above the RTO.
    pub lower: Duration,
    /// U_LIMIT: never longer.
    pub upper: Duration,
}

/// The bit that makes the number one of minutes.
const MINUTES: u16 = 0x8000;

impl UserTimeoutOption {
    /// The option's field; never 0, which is reserved.
    pub(crate) fn field(&self) -> u16 {
        let seconds = self.advertised.as_nanos() / 1_000_000_000;
        if seconds < u64::from(MINUTES) {
            return (seconds as u16).max(1);
        }
        MINUTES | (seconds / 60).min(u64::from(MINUTES - 1)) as u16
    }

    /// `USER_TIMEOUT = min(U_LIMIT, max(ADV_UTO, REMOTE_UTO, L_LIMIT))` (RFC 5482 §3.1).
    fn adopted(&self, remote: Duration) -> Duration {
        self.advertised.max(remote).max(self.lower).min(self.upper)
    }
}

/// What the peer's options say of its timeout, if anything that counts.
pub(crate) fn read(options: &Options) -> Option<Duration> {
    if options.is_empty() || options.is_plain_timestamps() {
        return None;
    }
    let field = options.iter().find_map(|option| match option {
        TcpOption::UserTimeout(field) => Some(field),
        _ => None,
    })?;
    let unit = if field & MINUTES == 0 { 1 } else { 60 };
    let number = u64::from(field & !MINUTES);
    (number > 0).then(|| Duration::from_secs(number * unit))
}

/// The peer said how long it would wait: adopted, unless the user set a timeout, or the option is not in use.
pub(crate) fn learn(tcb: &mut Tcb, now: Instant, remote: Duration) {
    let Some(option) = tcb.config.handshake.user_timeout_option else { return };
    if tcb.user.timeout_fixed {
        return;
    }
    tcb.user.timeout = option.adopted(remote);
    if tcb.timers.is_armed(Timer::User) {
        tcb.timers.arm(Timer::User, now.saturating_add(tcb.user.timeout));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(advertised: u64) -> UserTimeoutOption {
        let of = Duration::from_secs;
        UserTimeoutOption { advertised: of(advertised), lower: of(100), upper: of(7200) }
    }

    /// RFC 5482 §3: seconds or minutes in 15 bits; 0 is reserved and counts for nothing.
    #[test]
    fn fields() {
        assert_eq!(
            [0, 1, 32_767, 32_768, 36_000].map(|it| option(it).field()),
            [1, 1, 32_767, 0x8222, 0x8258]
        );
        let of = |field| {
            let mut options = Options::EMPTY;
            options.push_user_timeout(field);
            read(&options)
        };
        assert_eq!(
            [of(0), of(0x8000), of(30), of(0x8002)],
            [None, None, Some(Duration::from_secs(30)), Some(Duration::from_secs(120))]
        );
    }

    /// RFC 5482 §3.1.
    #[test]
    fn adoption_is_bounded() {
        let adopted = |advertised, remote| option(advertised).adopted(Duration::from_secs(remote));
        assert_eq!(adopted(300, 200), Duration::from_secs(300));
        assert_eq!(adopted(300, 400), Duration::from_secs(400));
        assert_eq!(adopted(10, 20), Duration::from_secs(100), "L_LIMIT");
        assert_eq!(adopted(300, 100_000), Duration::from_secs(7200), "U_LIMIT");
    }
}
