//! Fast Open (RFC 7413): its cookie, what one connection remembers of it, and what it tells its host.

use std::fmt;

use faultwire_wire::{Options, Payload, TcpOption};

use crate::config::OptionOrder;
use crate::event::Event;
use crate::tcb::Tcb;

/// A Fast Open cookie, or the request for one, with the kind of option that it stands in.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FastOpenCookie {
    octets: [u8; Self::LONGEST],
    length: u8,
    experimental: bool,
}

impl FastOpenCookie {
    /// Octets of the longest cookie (RFC 7413 §4.1.1).
    pub const LONGEST: usize = 16;
    /// Octets of the shortest.
    const SHORTEST: usize = 4;

    /// A cookie of these octets, or without any a request; `None` if no cookie has that length: 4 to 16 octets, an even
    /// number. `experimental` is for option kind 254 instead of 34.
    pub fn new(octets: &[u8], experimental: bool) -> Option<Self> {
        let legal = octets.is_empty()
            || octets.len().is_multiple_of(2) && (Self::SHORTEST..=Self::LONGEST).contains(&octets.len());
        let mut cookie = Self { octets: [0; Self::LONGEST], length: octets.len() as u8, experimental };
        cookie.octets.get_mut(..octets.len())?.copy_from_slice(octets);
        legal.then_some(cookie)
    }

    /// What a SYN asks for a cookie with.
    pub const fn request(experimental: bool) -> Self {
        Self { octets: [0; Self::LONGEST], length: 0, experimental }
    }

    /// What the options of a SYN or SYN-ACK say of Fast Open: `None` if nothing, or something illegal. The last of
    /// several counts.
    pub fn read(options: &Options) -> Option<Self> {
        let mut found = None;
        for option in options.iter() {
            if let TcpOption::FastOpen { cookie, experimental } = option {
                found = Self::new(cookie, experimental);
            }
        }
        found
    }

    /// The octets of the cookie; none for a request.
    pub fn octets(&self) -> &[u8] {
        &self.octets[..usize::from(self.length)]
    }

    /// Whether it asks for a cookie.
    pub const fn is_request(&self) -> bool {
        self.length == 0
    }

    /// Whether it stands in the experimental option.
    pub const fn is_experimental(&self) -> bool {
        self.experimental
    }

    /// Appends the option if there is room: with NOPs up to a multiple of four, or as FreeBSD before the end of the list,
    /// where it is padded.
    pub(crate) fn push(self, options: &mut Options, order: OptionOrder) {
        let length = usize::from(self.length) + if self.experimental { 4 } else { 2 };
        if options.padded_length() + length.next_multiple_of(4) > Options::CAPACITY {
            return;
        }
        if options.reopen() || order == OptionOrder::FreeBsd {
            options.push_fast_open(self.octets(), self.experimental);
            if !options.as_bytes().len().is_multiple_of(4) {
                options.push_end();
            }
            return;
        }
        options.push_fast_open(self.octets(), self.experimental);
        (length..length.next_multiple_of(4)).for_each(|_| options.push_nop());
    }
}

impl fmt::Debug for FastOpenCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.experimental { "FOEXP " } else { "FO " })?;
        self.octets().iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// How an active open uses Fast Open.
#[derive(Clone, Debug)]
pub struct FastOpenAttempt<'a> {
    /// The option of the SYN: a cookie, a request for one, or none.
    pub option: Option<FastOpenCookie>,
    /// What the SYN takes with it, as far as it fits: only with a cookie, or where none is needed.
    pub text: &'a Payload,
    /// The peer's MSS as it said it last.
    pub segment_size: Option<u16>,
}

/// What a connection tells its host of Fast Open, to remember for later ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FastOpenNews {
    /// A SYN that had the option, or text, was answered.
    Answered(FastOpenAnswer),
    /// Timeouts in a row: the path may be swallowing what Fast Open sends.
    BlackHole,
}

/// What the answer to a SYN says of Fast Open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FastOpenAnswer {
    /// The peer's MSS.
    pub segment_size: u16,
    /// A new cookie.
    pub cookie: Option<FastOpenCookie>,
    /// We asked for a cookie with this kind of option (`true`: the experimental one) and got none.
    pub refused: Option<bool>,
    /// The SYN with text seems to have been lost, and not the one without.
    pub syn_lost: bool,
}

/// What a connection remembers of Fast Open.
#[derive(Clone, Debug, Default)]
pub(crate) struct FastOpen {
    /// Our SYN carried the option.
    asked: bool,
    /// Our SYN carried text.
    text_sent: bool,
    /// All text of the SYN was acknowledged: ours by the peer, or the peer's by us.
    text_acknowledged: bool,
    news: Option<Box<FastOpenNews>>,
}

impl FastOpen {
    /// Our SYN is to carry the option, or text.
    pub(crate) fn attempt(&mut self, asked: bool, text: bool) {
        (self.asked, self.text_sent) = (asked, text);
    }

    /// Our SYN carried the option.
    pub(crate) fn asked(&self) -> bool {
        self.asked
    }

    /// Our SYN carried text.
    pub(crate) fn text_sent(&self) -> bool {
        self.text_sent
    }

    /// Whether Fast Open was tried, or took place.
    pub(crate) fn is_in_use(&self) -> bool {
        self.asked || self.text_sent || self.text_acknowledged
    }

    /// All text of the SYN was acknowledged, or not.
    pub(crate) fn set_text_acknowledged(&mut self, acknowledged: bool) {
        self.text_acknowledged = acknowledged;
    }

    /// Whether all text of the SYN was acknowledged.
    pub(crate) fn text_acknowledged(&self) -> bool {
        self.text_acknowledged
    }

    /// Takes the news.
    pub(crate) fn take_news(&mut self) -> Option<FastOpenNews> {
        self.news.take().map(|news| *news)
    }

    /// Octets of heap.
    pub(crate) fn heap_octets(&self) -> usize {
        self.news.as_ref().map_or(0, |news| size_of_val(&**news))
    }
}

/// Tells the host something.
pub(crate) fn tell(tcb: &mut Tcb, news: FastOpenNews) {
    tcb.fast_open.news = Some(Box::new(news));
    tcb.events.push(Event::FastOpen);
}

/// A retransmission timeout, after `before` others in a row: at the third one, or an earlier one that is the last, the
/// path may be a black hole (RFC 7413 §4.1.3; Linux `tcp_fastopen_active_detect_blackhole`).
pub(crate) fn on_timeout(tcb: &mut Tcb, before: u32, last: bool) {
    if tcb.fast_open.is_in_use() && (before == 2 || before < 2 && last) {
        tell(tcb, FastOpenNews::BlackHole);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7413 §4.1.1: 4 to 16 octets, an even number; anything else counts for nothing.
    #[test]
    fn lengths_of_cookies() {
        let legal: Vec<usize> =
            (0..=20).filter(|&length| FastOpenCookie::new(&[7; 20][..length], false).is_some()).collect();
        assert_eq!(legal, [0, 4, 6, 8, 10, 12, 14, 16]);
        assert!(FastOpenCookie::new(&[], true).unwrap().is_request());
    }

    /// Kind 34 and kind 254 with its magic number, with NOPs behind up to a multiple of four.
    #[test]
    fn options_of_both_kinds() {
        let bytes = |octets: &[u8], experimental| {
            let mut options = Options::EMPTY;
            FastOpenCookie::new(octets, experimental).unwrap().push(&mut options, OptionOrder::Linux);
            options.as_bytes().to_vec()
        };
        assert_eq!(bytes(&[], false), [34, 2, 1, 1]);
        assert_eq!(bytes(&[1, 2, 3, 4, 5, 6, 7, 8], false), [34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1]);
        assert_eq!(bytes(&[], true), [254, 4, 0xf9, 0x89]);
        assert_eq!(bytes(&[1, 2, 3, 4], true), [254, 8, 0xf9, 0x89, 1, 2, 3, 4]);

        let mut full = Options::EMPTY;
        full.push_raw(&[1; 32]);
        let before = full;
        FastOpenCookie::new(&[1; 8], false).unwrap().push(&mut full, OptionOrder::Linux);
        assert_eq!(full, before, "no room");
    }

    /// FreeBSD ends the list before it pads it, with timestamps too.
    #[test]
    fn freebsd_pads_behind_the_end() {
        let mut options = Options::EMPTY;
        options.push_raw(&[1; 20]);
        FastOpenCookie::request(false).push(&mut options, OptionOrder::FreeBsd);
        assert_eq!(options.as_bytes()[20..], [34, 2, 0]);
        assert_eq!(options.padded_length(), 24);
    }

    #[test]
    fn the_last_option_counts_and_an_illegal_one_is_none() {
        let read = |bytes: &[u8]| FastOpenCookie::read(&Options::from_bytes(bytes).unwrap());
        assert_eq!(read(&[2, 4, 5, 180]), None);
        assert_eq!(read(&[34, 2]), Some(FastOpenCookie::request(false)));
        assert_eq!(read(&[254, 4, 0xf9, 0x89]), Some(FastOpenCookie::request(true)));
        assert_eq!(read(&[254, 4, 0xf9, 0x88]), None, "another experiment");
        assert_eq!(read(&[34, 6, 1, 2, 3, 4, 34, 5, 1, 2, 3]), None);
        assert_eq!(read(&[34, 2, 34, 6, 1, 2, 3, 4]), FastOpenCookie::new(&[1, 2, 3, 4], false));
    }
}
