//! What both SYNs agreed on: segment sizes, window scales, SACK, timestamps (RFC 9293 §3.7.1, 7323, 2018).

use faultwire_wire::{Options, TcpOption};

use crate::config::{BufferConfig, OptionOrder, OptionsConfig};

/// Where a connection leads, as far as TCP has to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathInfo {
    /// Our port.
    pub local_port: u16,
    /// The peer's port.
    pub remote_port: u16,
    /// IPv6 rather than IPv4.
    pub ipv6: bool,
    /// The MTU of the outgoing interface in octets.
    pub mtu: u32,
    /// What is added to the clock in TSval; the same for all connections between two addresses, so that an incarnation
    /// follows on the one before (RFC 7323 §5.4, 6191).
    pub timestamp_offset: u32,
    /// The largest segment that the user wants, in octets without options, announced and sent (TCP_MAXSEG); 0: any.
    pub segment_size_limit: u16,
    /// The receive buffer that the user asked for before the SYN, in octets (SO_RCVBUF); 0: the configured one.
    pub receive_buffer: u32,
}

impl PathInfo {
    /// Octets of the receive buffer at first, bookkeeping included.
    pub(crate) fn receive_size(self, config: &BufferConfig) -> u64 {
        if self.receive_buffer == 0 {
            config.receive
        } else {
            config.asked.receive(self.receive_buffer.into())
        }
    }

    /// The window that the shift is chosen for: Linux reckons with a buffer whose size the user fixed.
    pub(crate) fn greatest_window(self, config: &BufferConfig) -> u64 {
        let fixed = self.receive_buffer > 0 && config.receive_parts;
        if fixed { self.receive_size(config) / config.receive_overhead.max(1) } else { config.receive_max }
    }

    /// The segment size that fits the MTU: without IP and TCP headers, with all options counted as data. The length field
    /// of IP bounds it too (RFC 9293 §3.7.1, MUST-67).
    pub(crate) fn segment_size_for(self, mtu: u32) -> u16 {
        let (headers, most) = if self.ipv6 { (60, 65_535 - 20) } else { (40, 65_535 - 40) };
        let limit = if self.segment_size_limit == 0 { u16::MAX } else { self.segment_size_limit };
        (mtu.saturating_sub(headers).min(most) as u16).min(limit).max(LEAST_SEGMENT_SIZE)
    }

    /// The MSS that we announce (RFC 9293 §3.7.1, SHLD-6, MUST-67).
    pub(crate) fn announced_segment_size(self) -> u16 {
        self.segment_size_for(self.mtu)
    }

    /// The MSS to assume if the peer announces none (RFC 9293 §3.7.1, MUST-15).
    fn default_segment_size(self, config: &OptionsConfig) -> u16 {
        config.default_segment_size[usize::from(self.ipv6)]
    }
}

/// No path makes segments smaller than this (68 octets of MTU, RFC 791).
pub(crate) const LEAST_SEGMENT_SIZE: u16 = 28;

/// The greatest window scale (RFC 7323 §2.3).
const SHIFT_MAX: u8 = 14;

/// Octets of the timestamps option with its NOPs.
pub(crate) const TIMESTAMPS_OCTETS: u32 = 12;

/// Whether there is a signature: MD5 (RFC 2385, kind 19), or the authentication option (RFC 5925, kind 29).
pub fn is_signed(options: &Options) -> bool {
    let signs = |option| matches!(option, TcpOption::Unknown { kind: 19 | 29, .. });
    !options.is_empty() && !options.is_plain_timestamps() && options.iter().any(signs)
}

/// What the peer's SYN said.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Offer {
    maximum_segment_size: Option<u16>,
    window_scale: Option<u8>,
    sack_permitted: bool,
    timestamps: Option<(u32, u32)>,
}

impl Offer {
    /// Reads the options of a SYN (RFC 9293 §3.7.1, MUST-14); of a doubled option the last counts.
    pub(crate) fn read(options: &Options) -> Self {
        let mut offer = Self::default();
        for option in options.iter() {
            match option {
                TcpOption::MaximumSegmentSize(octets) => offer.maximum_segment_size = Some(octets),
                TcpOption::WindowScale(shift) => offer.window_scale = Some(shift),
                TcpOption::SackPermitted => offer.sack_permitted = true,
                TcpOption::Timestamps { value, echo } => offer.timestamps = Some((value, echo)),
                TcpOption::Sack(_)
                | TcpOption::UserTimeout(_)
                | TcpOption::FastOpen { .. }
                | TcpOption::Unknown { .. } => {}
            }
        }
        offer
    }

    /// Whether it said how large segments may be.
    pub(crate) fn has_segment_size(self) -> bool {
        self.maximum_segment_size.is_some()
    }

    /// TSval of the SYN.
    pub(crate) fn timestamp(self) -> Option<u32> {
        self.timestamps.map(|(value, _)| value)
    }
}

/// What holds for a connection after both SYNs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Negotiated {
    /// The MSS option of the peer, or the default.
    pub(crate) peer_segment_size: u16,
    /// The least that such an option counts for.
    pub(crate) least_segment_size: u16,
    /// By how much the peer's window fields are shifted (Snd.Wind.Shift).
    pub(crate) send_shift: u8,
    /// By how much ours are (Rcv.Wind.Shift).
    pub(crate) receive_shift: u8,
    /// Whether windows are scaled at all.
    pub(crate) window_scaling: bool,
    /// SYNs carry no options, and those of the peer count for nothing but its MSS (FreeBSD `TCP_NOOPT`).
    pub(crate) bare: bool,
    /// SACK may be sent.
    pub(crate) sack: bool,
    /// Every segment carries timestamps.
    pub(crate) timestamps: bool,
}

impl Negotiated {
    /// Before the peer's SYN: what we would offer.
    pub(crate) fn offered(config: &OptionsConfig, path: PathInfo, receive_max: u64) -> Self {
        Self {
            peer_segment_size: path.default_segment_size(config),
            least_segment_size: config.least_segment_size,
            send_shift: 0,
            receive_shift: if config.window_scaling { scale_for(receive_max) } else { 0 },
            window_scaling: config.window_scaling,
            bare: false,
            sack: config.sack,
            timestamps: config.timestamps,
        }
    }

    /// What both sides agreed on: an option holds if both SYNs carried it (RFC 7323 §2.2, §3.2; RFC 2018 §2).
    pub(crate) fn agreed(self, offer: Offer) -> Self {
        let scaling = self.window_scaling && offer.window_scale.is_some();
        Self {
            // FreeBSD takes a size of 0 for none.
            peer_segment_size: offer
                .maximum_segment_size
                .filter(|&octets| octets > 0 || self.least_segment_size == LEAST_SEGMENT_SIZE)
                .unwrap_or(self.peer_segment_size)
                .max(self.least_segment_size),
            least_segment_size: self.least_segment_size,
            // RFC 7323 §2.3: a shift above 14 counts as 14.
            send_shift: if scaling { offer.window_scale.unwrap_or(0).min(SHIFT_MAX) } else { 0 },
            receive_shift: if scaling { self.receive_shift } else { 0 },
            window_scaling: scaling,
            bare: self.bare,
            sack: self.sack && offer.sack_permitted,
            timestamps: self.timestamps && offer.timestamps.is_some(),
        }
    }

    /// Without any options (FreeBSD `TCP_NOOPT`).
    pub(crate) fn without_options(self) -> Self {
        Self {
            bare: true,
            send_shift: 0,
            receive_shift: 0,
            window_scaling: false,
            sack: false,
            timestamps: false,
            ..self
        }
    }

    /// Octets of data in a full segment: Eff.snd.MSS (RFC 9293 §3.7.1, MUST-16) for this MTU.
    pub(crate) fn effective_segment_size(self, path: PathInfo, mtu: u32) -> u32 {
        let size = u32::from(self.peer_segment_size.min(path.segment_size_for(mtu)));
        let options = if self.timestamps { TIMESTAMPS_OCTETS } else { 0 };
        size.saturating_sub(options).max(1)
    }

    /// The options of a SYN or SYN-ACK which offers or agrees to all this. The MSS is always among them (RFC 9293
    /// §3.7.1: MUST-14, SHLD-5, MAY-3), and on no other segment (§3.2, MUST-65).
    pub(crate) fn syn_options(
        self,
        order: OptionOrder,
        segment_size: u16,
        timestamps: (u32, u32),
    ) -> Options {
        let mut options = Options::EMPTY;
        if self.bare {
            return options;
        }
        options.push_maximum_segment_size(segment_size);
        match order {
            OptionOrder::ByKind => {
                self.push_window_scale(&mut options);
                if self.sack {
                    options.push_raw(&[1, 1]);
                    options.push_sack_permitted();
                }
                if self.timestamps {
                    options.push_raw(&[1, 1]);
                    options.push_timestamps(timestamps.0, timestamps.1);
                }
            }
            OptionOrder::Linux => {
                if self.sack && self.timestamps {
                    options.push_sack_permitted();
                } else if self.timestamps || self.sack {
                    options.push_raw(&[1, 1]);
                }
                if self.timestamps {
                    options.push_timestamps(timestamps.0, timestamps.1);
                } else if self.sack {
                    options.push_sack_permitted();
                }
                self.push_window_scale(&mut options);
            }
            OptionOrder::FreeBsd => self.push_as_freebsd(&mut options, timestamps),
        }
        options
    }

    /// `tcp_addoptions`: NOPs before an option that has to be aligned, an end-of-list if the sum isn't (RFC 9293 §3.1,
    /// MUST-69: zeros after it).
    fn push_as_freebsd(self, options: &mut Options, timestamps: (u32, u32)) {
        self.push_window_scale(options);
        if self.sack {
            options.push_sack_permitted();
        }
        if self.timestamps {
            while options.as_bytes().len() % 4 != 2 {
                options.push_nop();
            }
            options.push_timestamps(timestamps.0, timestamps.1);
        }
        if !options.as_bytes().len().is_multiple_of(4) {
            options.push_end();
        }
    }

    fn push_window_scale(self, options: &mut Options) {
        if self.window_scaling {
            options.push_nop();
            options.push_window_scale(self.receive_shift);
        }
    }
}

/// The least shift with which a window field can say `octets`.
fn scale_for(octets: u64) -> u8 {
    (0..SHIFT_MAX).find(|&shift| u64::from(u16::MAX) << shift >= octets).unwrap_or(SHIFT_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    const PATH: PathInfo = PathInfo {
        local_port: 1,
        remote_port: 2,
        ipv6: false,
        mtu: 1500,
        timestamp_offset: 0,
        segment_size_limit: 0,
        receive_buffer: 0,
    };

    fn agreed(config: &Config, options: &Options) -> Negotiated {
        Negotiated::offered(&config.options, PATH, config.buffers.receive_max).agreed(Offer::read(options))
    }

    /// RFC 9293 §3.7.1, MUST-15 and MUST-16.
    #[test]
    fn segment_sizes() {
        let config = Config::rfc();
        let stripped = agreed(&config, &Options::EMPTY);
        assert_eq!(stripped.effective_segment_size(PATH, 1500), 536);
        let six = PathInfo { ipv6: true, ..PATH };
        let offered = Negotiated::offered(&config.options, six, 1 << 20).agreed(Offer::default());
        assert_eq!(offered.effective_segment_size(six, 1500), 1220);

        let full = offered_by(&config, OptionOrder::ByKind);
        assert_eq!(agreed(&config, &full).effective_segment_size(PATH, 1500), 1448);
        assert_eq!(agreed(&config, &full).effective_segment_size(PATH, 1400), 1348);
        assert_eq!(PathInfo { mtu: 9000, ..six }.announced_segment_size(), 8940);
    }

    fn offered_by(config: &Config, order: OptionOrder) -> Options {
        Negotiated::offered(&config.options, PATH, config.buffers.receive_max).syn_options(
            order,
            1460,
            (7, 0),
        )
    }

    /// The option bytes of both profiles, and Linux's without timestamps (as captured from a kernel).
    #[test]
    fn option_order() {
        let mut linux = Config::linux();
        assert_eq!(
            offered_by(&linux, OptionOrder::Linux).as_bytes(),
            [2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 7, 0, 0, 0, 0, 1, 3, 3, 10]
        );
        linux.options.timestamps = false;
        assert_eq!(
            offered_by(&linux, OptionOrder::Linux).as_bytes(),
            [2, 4, 5, 180, 1, 1, 4, 2, 1, 3, 3, 10]
        );
        linux.options.sack = false;
        assert_eq!(offered_by(&linux, OptionOrder::Linux).as_bytes(), [2, 4, 5, 180, 1, 3, 3, 10]);
        linux.options.timestamps = true;
        assert_eq!(
            offered_by(&linux, OptionOrder::Linux).as_bytes(),
            [2, 4, 5, 180, 1, 1, 8, 10, 0, 0, 0, 7, 0, 0, 0, 0, 1, 3, 3, 10]
        );
        assert_eq!(
            offered_by(&Config::rfc(), OptionOrder::ByKind).as_bytes(),
            [2, 4, 5, 180, 1, 3, 3, 5, 1, 1, 4, 2, 1, 1, 8, 10, 0, 0, 0, 7, 0, 0, 0, 0]
        );
    }

    /// RFC 7323 §2.3: a shift above 14 counts as 14; an option in one SYN only counts for nothing.
    #[test]
    fn window_scale() {
        let mut options = Options::EMPTY;
        options.push_window_scale(15);
        let rfc = agreed(&Config::rfc(), &options);
        assert_eq!((rfc.send_shift, rfc.receive_shift), (14, 5));
        assert!(!rfc.sack && !rfc.timestamps);
        let none = agreed(&Config::rfc(), &Options::EMPTY);
        assert_eq!((none.send_shift, none.receive_shift), (0, 0));
        assert_eq!((scale_for(65_535), scale_for(65_536), scale_for(u64::MAX)), (0, 1, 14));
    }
}
