//! How strictly a script is judged: its options and the caller's settings, put together.

use faultwire_base::{Duration, Instant};

use crate::network::number;
use crate::settings::{Profile, PshRule, Settings};
use crate::syntax::tree::{Dialect, Script, ScriptOption};

/// How strictly a script is judged.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// How far times may be off.
    pub(crate) tolerance: Tolerance,
    /// What the original tool lets pass fails too.
    pub(crate) strict: bool,
    /// Whether the PSH bit is compared.
    pub(crate) psh: PshRule,
    /// Segments sent are not put together (`--strict_segments`).
    pub(crate) strict_segments: bool,
    /// A packet that differs does not end the script (`--non_fatal=packet`).
    pub(crate) lets_packets_differ: bool,
    /// A call that differs does not end the script (`--non_fatal=syscall`).
    pub(crate) lets_calls_differ: bool,
    /// What one tick of our timestamps takes; zero: their values are not compared (`--tcp_ts_tick_usecs`).
    pub(crate) timestamp_tick: Duration,
    /// A TSecr of the peer that nobody sent is counted from the first that was (`--tcp_ts_ecr_scaled`).
    pub(crate) scales_echoes: bool,
    /// Shell scripts to run before the first event (`--init_scripts`), as they are written.
    pub(crate) initial_scripts: Vec<String>,
}

/// How far times may be off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tolerance {
    least: Duration,
    /// Of the time since the event before.
    parts_per_million: u64,
}

impl Rules {
    /// What the script asks for under these settings.
    ///
    /// # Errors
    /// The option that is not known or can't be so, and why.
    pub(crate) fn of<'a>(
        script: &'a Script,
        settings: &Settings,
        profile: Profile,
    ) -> Result<Self, (&'a ScriptOption, String)> {
        // The tool of each suite has its own share, which for nplab's depends on the kernel that it was built for.
        let from_nplab = script.dialect == Dialect::Nplab && profile == Profile::Freebsd;
        let mut rules = Self {
            tolerance: Tolerance {
                least: Duration::from_millis(4),
                parts_per_million: if from_nplab { 50_000 } else { 125_000 },
            },
            strict: settings.strict,
            psh: settings.psh,
            strict_segments: false,
            lets_packets_differ: false,
            lets_calls_differ: false,
            timestamp_tick: Duration::ZERO,
            scales_echoes: false,
            initial_scripts: Vec::new(),
        };
        for option in &script.options {
            rules.apply(option).map_err(|message| (option, message))?;
        }
        if settings.exact {
            rules.tolerance = Tolerance::NONE;
        }
        Ok(rules)
    }

    fn apply(&mut self, option: &ScriptOption) -> Result<(), String> {
        let value = option.value.as_str();
        match option.name.as_str() {
            "tolerance_usecs" => self.tolerance.least = microseconds(value)?,
            "tolerance_percent" => self.tolerance.parts_per_million = parts_per_million(value)?,
            "tcp_ts_tick_usecs" => self.timestamp_tick = microseconds(value)?,
            "tcp_ts_ecr_scaled" => self.scales_echoes = switch(value)?,
            "strict_segments" => self.strict_segments = switch(value)?,
            "non_fatal" => self.let_differ(value)?,
            "init_scripts" => {
                self.initial_scripts.extend(value.split(',').map(|path| path.trim().to_owned()));
            }
            "udp_encapsulation" if value == "none" => {}
            "udp_encapsulation" | "tcp_md5_secret" => {
                return Err(format!("--{}={value}: this stack does not speak it", option.name));
            }
            "dry_run" if switch(value)? => return Err("--dry_run: nothing is to be played".into()),
            name if NETWORK.contains(&name) || INERT.contains(&name) => {}
            name => return Err(format!("--{name} is no option that is known here")),
        }
        Ok(())
    }

    fn let_differ(&mut self, kinds: &str) -> Result<(), String> {
        for kind in kinds.split(',') {
            match kind.trim() {
                "packet" => self.lets_packets_differ = true,
                "syscall" => self.lets_calls_differ = true,
                other => return Err(format!("{other:?} can't be non-fatal: packet or syscall can")),
            }
        }
        Ok(())
    }
}

impl Tolerance {
    /// None at all.
    pub(crate) const NONE: Self = Self { least: Duration::ZERO, parts_per_million: 0 };

    /// Whether short times have none.
    pub(crate) fn is_none(&self) -> bool {
        self.least.is_zero()
    }

    /// How far something may be off that is due `gap` after what was before.
    pub(crate) fn over(&self, gap: Duration) -> Duration {
        let share = u128::from(gap.as_nanos()) * u128::from(self.parts_per_million) / 1_000_000;
        self.least.max(Duration::from_nanos(u64::try_from(share).unwrap_or(u64::MAX)))
    }
}

/// When an event is due, in the host's time, which begins with the script's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    /// Then, or from then on.
    pub(crate) from: Instant,
    /// Up to then; as `from` if it is no range.
    pub(crate) to: Instant,
    /// How far it may be off; `None`: it may be at any time.
    pub(crate) tolerance: Option<Duration>,
}

impl Due {
    /// Whether `at` is a time for it.
    pub(crate) fn allows(&self, at: Instant) -> bool {
        let Some(tolerance) = self.tolerance else { return true };
        let earliest = self.from.as_nanos().saturating_sub(tolerance.as_nanos());
        earliest <= at.as_nanos() && at <= self.to.saturating_add(tolerance)
    }
}

impl std::fmt::Display for Due {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(tolerance) = self.tolerance else { return f.write_str("any time") };
        write!(f, "{}", Seconds(self.from.as_nanos()))?;
        if self.to != self.from {
            write!(f, "~{}", Seconds(self.to.as_nanos()))?;
        }
        if tolerance.is_zero() {
            f.write_str(" exactly")
        } else {
            write!(f, " (give or take {})", Seconds(tolerance.as_nanos()))
        }
    }
}

/// Nanoseconds as seconds with all digits that say something, six at least.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seconds(pub(crate) u64);

impl Seconds {
    pub(crate) fn of(at: Instant) -> Self {
        Self(at.as_nanos())
    }
}

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (seconds, rest) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        if rest.is_multiple_of(1_000) {
            write!(f, "{seconds}.{:06}", rest / 1_000)
        } else {
            write!(f, "{seconds}.{rest:09}")
        }
    }
}

fn microseconds(text: &str) -> Result<Duration, String> {
    // A day is more than any script takes.
    number::<u64>(text, 0)
        .and_then(
            |micros| if micros <= 86_400_000_000 { Ok(micros) } else { Err(format!("{text} is too much")) },
        )
        .map(Duration::from_micros)
}

/// A percentage with up to four decimals.
fn parts_per_million(text: &str) -> Result<u64, String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{fraction:0<4}");
    let parsed = whole.parse::<u32>().ok().zip(digits.parse::<u64>().ok().filter(|_| digits.len() == 4));
    parsed
        .map(|(whole, fraction)| u64::from(whole) * 10_000 + fraction)
        .ok_or_else(|| format!("{text:?} is no percentage"))
}

/// `--name`, `--name=1` or `--name=0`.
fn switch(value: &str) -> Result<bool, String> {
    match value {
        "" | "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        other => Err(format!("{other:?} is neither 0 nor 1")),
    }
}

/// What the network takes from the options.
const NETWORK: [&str; 7] = ["ip_version", "local_ip", "remote_ip", "bind_port", "connect_port", "mtu", "mss"];

/// What has nothing to act on here: the peer's gateway and the link's speed, how much the tool prints, and definitions,
/// which were replaced when the script was read.
const INERT: [&str; 8] =
    ["gateway_ip", "netmask_ip", "speed", "verbose", "define", "D", "send_omit_free", "dry_run"];

#[cfg(test)]
mod tests;
