//! TCP options as the exact bytes that stand in the header, with typed access (RFC 9293 §3.1, 7323, 2018, 5482, 7413).

use crate::seq::Seq;

/// The option bytes of one segment, in their order on the wire, padding included: at most 40 octets.
#[derive(Clone, Copy)]
pub struct Options {
    length: u8,
    /// What lies beyond `length` means nothing.
    bytes: [u8; Self::CAPACITY],
}

/// One option as read from [`Options`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Option<'a> {
    /// Maximum segment size (RFC 9293 §3.7.1).
    MaximumSegmentSize(u16),
    /// Window scale shift (RFC 7323 §2.2), as written, also above 14.
    WindowScale(u8),
    /// SACK permitted (RFC 2018 §2).
    SackPermitted,
    /// SACK blocks, eight octets each: left edge, right edge (RFC 2018 §3).
    Sack(&'a [u8]),
    /// Timestamps (RFC 7323 §3.2).
    Timestamps {
        /// TSval.
        value: u32,
        /// TSecr.
        echo: u32,
    },
    /// User timeout: the top bit set for minutes, else seconds, then 15 bits (RFC 5482 §3).
    UserTimeout(u16),
    /// Fast Open: a cookie, or none to ask for one (RFC 7413 §4.1.1). Its length is as written.
    FastOpen {
        /// The cookie.
        cookie: &'a [u8],
        /// In the experimental option, kind 254 with the magic number 0xF989 (RFC 6994).
        experimental: bool,
    },
    /// Any other kind that carries a length; it is ignored (RFC 9293 §3.1, MUST-6).
    Unknown {
        /// The kind octet.
        kind: u8,
        /// The octets after the length.
        data: &'a [u8],
    },
}

/// The octets of option kinds.
mod kind {
    pub(super) const END: u8 = 0;
    pub(super) const NOP: u8 = 1;
    pub(super) const MSS: u8 = 2;
    pub(super) const WINDOW_SCALE: u8 = 3;
    pub(super) const SACK_PERMITTED: u8 = 4;
    pub(super) const SACK: u8 = 5;
    pub(super) const TIMESTAMPS: u8 = 8;
    pub(super) const USER_TIMEOUT: u8 = 28;
    pub(super) const FAST_OPEN: u8 = 34;
    pub(super) const EXPERIMENT: u8 = 254;
    /// What tells Fast Open from other experiments (RFC 7413 appendix).
    pub(super) const FAST_OPEN_EXPERIMENT: [u8; 2] = [0xF9, 0x89];
}

impl Options {
    /// The most octets that a header has room for.
    pub const CAPACITY: usize = 40;
    /// No option.
    pub const EMPTY: Self = Self { length: 0, bytes: [0; Self::CAPACITY] };

    /// NOP, NOP, timestamps: the options of nearly every segment, made in one go.
    #[inline]
    pub fn aligned_timestamps(value: u32, echo: u32) -> Self {
        let mut options = Self::EMPTY;
        options.set_aligned_timestamps(value, echo);
        options
    }

    /// As [`aligned_timestamps`](Self::aligned_timestamps), in place of whatever is here.
    #[inline]
    pub fn set_aligned_timestamps(&mut self, value: u32, echo: u32) {
        self.bytes[..4].copy_from_slice(&[kind::NOP, kind::NOP, kind::TIMESTAMPS, 10]);
        self.bytes[4..8].copy_from_slice(&value.to_be_bytes());
        self.bytes[8..12].copy_from_slice(&echo.to_be_bytes());
        self.length = 12;
    }

    /// Takes all options out.
    #[inline]
    pub fn clear(&mut self) {
        self.length = 0;
    }

    /// The bytes as received; `None` if there are more than 40.
    pub fn from_bytes(bytes: &[u8]) -> core::option::Option<Self> {
        let mut options = Self::EMPTY;
        options.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        options.length = bytes.len() as u8;
        Some(options)
    }

    /// The bytes on the wire without the final padding to a multiple of four.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// Octets in the header: the bytes padded with zeros to a multiple of four (RFC 9293 §3.1, MUST-69).
    #[inline]
    pub fn padded_length(&self) -> usize {
        usize::from(self.length).next_multiple_of(4)
    }

    /// Whether there is no option.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Appends raw octets; they must fit.
    #[inline]
    pub fn push_raw(&mut self, octets: &[u8]) {
        let start = usize::from(self.length);
        self.bytes[start..start + octets.len()].copy_from_slice(octets);
        self.length += octets.len() as u8;
    }

    /// Appends a no-operation octet.
    pub fn push_nop(&mut self) {
        self.push_raw(&[kind::NOP]);
    }

    /// Appends an end-of-list octet.
    pub fn push_end(&mut self) {
        self.push_raw(&[kind::END]);
    }

    /// Takes the end of the list away, so that more can follow; says whether there was one.
    pub fn reopen(&mut self) -> bool {
        let mut options = self.iter();
        while options.next().is_some() {}
        let end = self.as_bytes().len() - options.rest.len();
        let ended = options.rest.first() == Some(&kind::END);
        if ended {
            self.length = end as u8;
        }
        ended
    }

    /// Appends the maximum segment size (RFC 9293 §3.1, MUST-4).
    pub fn push_maximum_segment_size(&mut self, octets: u16) {
        let [high, low] = octets.to_be_bytes();
        self.push_raw(&[kind::MSS, 4, high, low]);
    }

    /// Appends the window scale.
    pub fn push_window_scale(&mut self, shift: u8) {
        self.push_raw(&[kind::WINDOW_SCALE, 3, shift]);
    }

    /// Appends SACK-permitted.
    pub fn push_sack_permitted(&mut self) {
        self.push_raw(&[kind::SACK_PERMITTED, 2]);
    }

    /// Appends timestamps.
    #[inline]
    pub fn push_timestamps(&mut self, value: u32, echo: u32) {
        let mut octets = [kind::TIMESTAMPS, 10, 0, 0, 0, 0, 0, 0, 0, 0];
        octets[2..6].copy_from_slice(&value.to_be_bytes());
        octets[6..].copy_from_slice(&echo.to_be_bytes());
        self.push_raw(&octets);
    }

    /// Appends SACK blocks (left edge, right edge); they must fit.
    pub fn push_sack(&mut self, blocks: &[(Seq, Seq)]) {
        self.push_raw(&[kind::SACK, (2 + 8 * blocks.len()) as u8]);
        for (left, right) in blocks {
            self.push_raw(&left.0.to_be_bytes());
            self.push_raw(&right.0.to_be_bytes());
        }
    }

    /// Appends a user timeout as it stands in the header (RFC 5482 §3).
    pub fn push_user_timeout(&mut self, field: u16) {
        let [high, low] = field.to_be_bytes();
        self.push_raw(&[kind::USER_TIMEOUT, 4, high, low]);
    }

    /// Appends Fast Open with a cookie, an empty one to ask for one; it must fit.
    pub fn push_fast_open(&mut self, cookie: &[u8], experimental: bool) {
        if experimental {
            self.push_raw(&[kind::EXPERIMENT, (4 + cookie.len()) as u8]);
            self.push_raw(&kind::FAST_OPEN_EXPERIMENT);
        } else {
            self.push_raw(&[kind::FAST_OPEN, (2 + cookie.len()) as u8]);
        }
        self.push_raw(cookie);
    }

    /// The timestamps, found at once in the layout that nearly every segment has (NOP, NOP, timestamps).
    #[inline]
    pub fn timestamps(&self) -> core::option::Option<(u32, u32)> {
        if self.length >= 12 && self.bytes[..4] == [kind::NOP, kind::NOP, kind::TIMESTAMPS, 10] {
            let word = |at: usize| {
                u32::from_be_bytes([
                    self.bytes[at],
                    self.bytes[at + 1],
                    self.bytes[at + 2],
                    self.bytes[at + 3],
                ])
            };
            return Some((word(4), word(8)));
        }
        if self.length == 0 {
            return None;
        }
        self.iter().find_map(|option| match option {
            Option::Timestamps { value, echo } => Some((value, echo)),
            _ => None,
        })
    }

    /// All options in order, wherever they begin (RFC 9293 §3.2, MUST-64) and on whatever segment (§3.1, MUST-5); NOP and
    /// end-of-list, the only ones without a length (MUST-68), are skipped (MUST-4). An option with an illegal length ends the list: what
    /// follows can't be delimited (RFC 9293 §3.1, MUST-7).
    pub fn iter(&self) -> OptionsIter<'_> {
        OptionsIter { rest: self.as_bytes() }
    }

    /// SACK blocks of the first SACK option, as raw edges; incomplete blocks are left out.
    pub fn sack_blocks(&self) -> impl Iterator<Item = (Seq, Seq)> + '_ {
        let blocks = if self.length == 0 || self.is_plain_timestamps() {
            &[][..]
        } else {
            self.iter()
                .find_map(|option| if let Option::Sack(bytes) = option { Some(bytes) } else { None })
                .unwrap_or(&[])
        };
        blocks.chunks_exact(8).map(|block| {
            let edge =
                |at: usize| Seq(u32::from_be_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]]));
            (edge(0), edge(4))
        })
    }

    /// The eight octets of the timestamps' values if there is [nothing else](Self::is_plain_timestamps).
    #[inline]
    pub fn plain_timestamps(&self) -> core::option::Option<[u8; 8]> {
        if !self.is_plain_timestamps() {
            return None;
        }
        self.bytes[4..].first_chunk().copied()
    }

    /// Exactly NOP, NOP, timestamps: nothing else to look for.
    #[inline]
    pub fn is_plain_timestamps(&self) -> bool {
        self.length == 12 && self.bytes[..4] == [kind::NOP, kind::NOP, kind::TIMESTAMPS, 10]
    }
}

impl PartialEq for Options {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Options {}

impl std::hash::Hash for Options {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Iterator over [`Options`].
#[derive(Clone, Debug)]
pub struct OptionsIter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for OptionsIter<'a> {
    type Item = Option<'a>;

    fn next(&mut self) -> core::option::Option<Option<'a>> {
        loop {
            match *self.rest {
                [] | [kind::END, ..] => return None,
                [kind::NOP, ref rest @ ..] => self.rest = rest,
                [kind, length, ..] if length >= 2 && usize::from(length) <= self.rest.len() => {
                    let (option, rest) = self.rest.split_at(usize::from(length));
                    self.rest = rest;
                    return Some(parse(kind, &option[2..]));
                }
                _ => return None,
            }
        }
    }
}

/// Reads one option; a known kind with a wrong length is kept as unknown, hence ignored.
fn parse(kind: u8, data: &[u8]) -> Option<'_> {
    match (kind, data) {
        (kind::MSS, &[high, low]) => Option::MaximumSegmentSize(u16::from_be_bytes([high, low])),
        (kind::WINDOW_SCALE, &[shift]) => Option::WindowScale(shift),
        (kind::SACK_PERMITTED, []) => Option::SackPermitted,
        (kind::SACK, blocks) if !blocks.is_empty() && blocks.len().is_multiple_of(8) => Option::Sack(blocks),
        (kind::TIMESTAMPS, &[a, b, c, d, e, f, g, h]) => Option::Timestamps {
            value: u32::from_be_bytes([a, b, c, d]),
            echo: u32::from_be_bytes([e, f, g, h]),
        },
        (kind::USER_TIMEOUT, &[high, low]) => Option::UserTimeout(u16::from_be_bytes([high, low])),
        (kind::FAST_OPEN, cookie) => Option::FastOpen { cookie, experimental: false },
        (kind::EXPERIMENT, data) if data.starts_with(&kind::FAST_OPEN_EXPERIMENT) => {
            Option::FastOpen { cookie: &data[2..], experimental: true }
        }
        _ => Option::Unknown { kind, data },
    }
}
