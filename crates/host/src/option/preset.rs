//! What was set on a socket without a connection, for the connections to come.

use std::mem::discriminant;

use faultwire_base::Instant;
use faultwire_tcp::Connection;

use super::SocketOption;
use super::table::{Reading, Source, TABLE};
use crate::connections::SocketSettings;

/// The latest value of each option that was set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Preset {
    options: Vec<SocketOption>,
}

impl Preset {
    /// What was set on a socket that has, or had, a connection. Sizes of buffers are not read back: they would be doubled.
    pub(crate) fn of(reading: &Reading<'_>) -> Self {
        let fresh = Reading { source: Source::Preset(&Self::default()), ..*reading };
        let mut preset = Self::default();
        for known in TABLE
            .iter()
            .filter(|known| !matches!(known.name, "SO_RCVBUF" | "SO_SNDBUF" | "TCP_MAXSEG" | "TCP_QUICKACK"))
        {
            let value = (known.get)(reading);
            if let Some(set) = &known.set
                && value != (known.get)(&fresh)
            {
                preset.set((set.make)(value));
            }
        }
        if let Source::Connection(connection, _) = reading.source
            && connection.path().segment_size_limit > 0
        {
            preset.set(SocketOption::SegmentSize(connection.path().segment_size_limit));
        }
        preset
    }

    /// Keeps the latest value of each option.
    pub(crate) fn set(&mut self, option: SocketOption) {
        self.options.retain(|known| discriminant(known) != discriminant(&option));
        self.options.push(option);
    }

    pub(crate) fn apply(&self, connection: &mut Connection, now: Instant) {
        self.options.iter().for_each(|option| option.apply(connection, now));
    }

    /// Those that do not concern TCP.
    pub(crate) fn settings(&self) -> SocketSettings {
        let mut settings = SocketSettings::default();
        self.iter().for_each(|option| settings.set(option));
        settings
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = SocketOption> + '_ {
        self.options.iter().copied()
    }

    pub(crate) fn reuses_address(&self) -> bool {
        self.options.contains(&SocketOption::ReuseAddress(true))
    }

    /// `TCP_FASTOPEN`, 0 if it was not set.
    pub(crate) fn fast_open(&self) -> u32 {
        self.find(|option| if let SocketOption::FastOpen(backlog) = option { Some(backlog) } else { None })
            .unwrap_or(0)
    }

    pub(crate) fn has(&self, option: SocketOption) -> bool {
        self.options.contains(&option)
    }

    /// `TCP_DEFER_ACCEPT`, 0 if it was not set.
    pub(crate) fn deferred_seconds(&self) -> u32 {
        self.find(|option| if let SocketOption::DeferAccept(seconds) = option { Some(seconds) } else { None })
            .unwrap_or(0)
    }

    /// `TCP_SYNCNT`, 0 if it was not set.
    pub(crate) fn syn_count(&self) -> u8 {
        self.find(|option| if let SocketOption::SynCount(count) = option { Some(count) } else { None })
            .unwrap_or(0)
    }

    /// `TCP_MAXSEG`, 0 if it was not set.
    pub(crate) fn segment_size_limit(&self) -> u16 {
        self.find(|option| if let SocketOption::SegmentSize(octets) = option { Some(octets) } else { None })
            .unwrap_or(0)
    }

    /// `SO_RCVBUF`, 0 if it was not set.
    pub(crate) fn receive_buffer(&self) -> u32 {
        self.find(
            |option| {
                if let SocketOption::ReceiveBuffer(octets) = option { Some(octets.max(1)) } else { None }
            },
        )
        .unwrap_or(0)
    }

    fn find<T>(&self, read: impl Fn(SocketOption) -> Option<T>) -> Option<T> {
        self.options.iter().find_map(|&option| read(option))
    }

    pub(crate) fn traffic_class(&self) -> Option<u8> {
        self.iter().find_map(|option| match option {
            SocketOption::TrafficClass(class) => Some(class),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preset_keeps_the_latest_value() {
        let mut preset = Preset::default();
        preset.set(SocketOption::ReuseAddress(true));
        assert!(preset.reuses_address());
        preset.set(SocketOption::ReuseAddress(false));
        assert!(!preset.reuses_address());
    }
}
