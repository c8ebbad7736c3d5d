//! Traces as JSON lines: one object a record, in order, in a schema that [`Line`] documents.

use std::io::{self, Write};

use faultwire_wire::{Body, Cause, EcnCodepoint, Flags, Flow, Packet, Segment, TcpOption};
use serde::Serialize;

use super::legend::Legend;
use super::trace::{Entry, PacketNumber, Trace, What};
use super::words;
use crate::plan::HostChange;

/// One line. Fields that say nothing about an event are left out.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Line<'a> {
    /// The case.
    pub case: &'a str,
    /// Virtual time in nanoseconds.
    pub at_ns: u64,
    /// Host, router or link direction (`LINK>NODE`) where it happened.
    pub place: &'a str,
    /// `sent`, `forwarded`, `link`, `arrived`, `discarded`, `opened`, `state`, `named`, `step`, `host` or `injected`.
    pub event: &'static str,
    /// Number of the packet, as in the ladder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packet: Option<u32>,
    /// The link direction a packet enters or leaves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<&'a str>,
    /// `link`: what was done to the packet, in words. `host`: `crash`, `restart`, `pause`, `resume`. `discarded`: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// `link`: number of the copy that was made. The copy has no `sent` line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copy: Option<u32>,
    /// Source address, with the port after the last colon where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Destination address, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// `tcp`, `udp`, `icmp` or `raw`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<&'static str>,
    /// Octets from the IP header on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<u32>,
    /// Octets of data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<u32>,
    /// TCP flags, as in `SYN,ACK`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flags: Option<String>,
    /// Sequence number as it stands in the header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u32>,
    /// Acknowledgment number as it stands in the header, if the ACK flag is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack: Option<u32>,
    /// Window field as it stands in the header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<u16>,
    /// ECN codepoint of the IP header, if it is not Not-ECT: `ECT(0)`, `ECT(1)` or `CE` (RFC 3168 §5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ecn: Option<&'static str>,
    /// The TCP options; left out where a segment has none.
    #[serde(flatten)]
    pub options: Options,
    /// What an ICMP message says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icmp: Option<String>,
    /// The conversation: `OPENER.ORDINAL`, with `.BOOT` after a restart of the opener.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow: Option<String>,
    /// Offset of the first octet of data in its stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_offset: Option<u64>,
    /// Which sending of this data, SYN or FIN it is, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transmission: Option<u16>,
    /// Why it was sent, as one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// What provoked it: `packet N`, `timer NAME`, `call` or `injected`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The host's number for the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<u32>,
    /// State before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<&'static str>,
    /// State after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<&'static str>,
    /// Name of a socket, `HOST/NAME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// Name of the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<&'a str>,
    /// Which of the app's steps ended, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
    /// The errno that the step ended with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errno: Option<String>,
    /// Name of the fault that injects the packet sent next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<&'a str>,
}

/// The TCP options of a segment, as they stand in its header. Those that it does not have are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Options {
    /// Maximum segment size in octets (RFC 9293 §3.7.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mss: Option<u16>,
    /// Shift of the window scale (RFC 7323 §2.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wscale: Option<u8>,
    /// `true` if SACK is permitted (RFC 2018 §2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sack_permitted: Option<bool>,
    /// Left and right edges of the SACK blocks, as sequence numbers (RFC 2018 §3).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sack: Vec<[u32; 2]>,
    /// TSval (RFC 7323 §3.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tsval: Option<u32>,
    /// TSecr (RFC 7323 §3.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tsecr: Option<u32>,
    /// Octets of a Fast Open cookie; 0 asks for one (RFC 7413 §4.1.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fast_open_cookie: Option<usize>,
}

impl Options {
    fn of(segment: &Segment) -> Self {
        let mut options = Self::default();
        for option in segment.options.iter() {
            match option {
                TcpOption::MaximumSegmentSize(octets) => options.mss = Some(octets),
                TcpOption::WindowScale(shift) => options.wscale = Some(shift),
                TcpOption::SackPermitted => options.sack_permitted = Some(true),
                TcpOption::Timestamps { value, echo } => {
                    (options.tsval, options.tsecr) = (Some(value), Some(echo));
                }
                TcpOption::FastOpen { cookie, .. } => options.fast_open_cookie = Some(cookie.len()),
                TcpOption::Sack(_) | TcpOption::UserTimeout(_) | TcpOption::Unknown { .. } => {}
            }
        }
        options.sack = segment.options.sack_blocks().map(|(left, right)| [left.0, right.0]).collect();
        options
    }
}

/// Writes all records of a case, one line each.
///
/// # Errors
/// Those of the writer.
pub fn write_trace(out: &mut impl Write, case: &str, legend: &Legend, trace: &Trace) -> io::Result<()> {
    for entry in trace.entries() {
        serde_json::to_writer(&mut *out, &line(case, legend, trace, entry))?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// The line of one entry.
pub fn line<'a>(case: &'a str, legend: &'a Legend, trace: &'a Trace, entry: &'a Entry) -> Line<'a> {
    let mut line =
        Line { case, at_ns: entry.at.as_nanos(), place: legend.place(entry.place), ..Line::default() };
    match entry.what {
        What::Sent { packet, direction, origin } => {
            line.event = if origin { "sent" } else { "forwarded" };
            line.link = Some(legend.direction_name(direction));
            line.describe(legend, trace, packet, origin);
        }
        What::Link { packet, direction, ref decision, copy } => {
            line.event = "link";
            line.packet = Some(packet.0);
            line.link = Some(legend.direction_name(direction));
            line.what = Some(words::decision(legend, direction, decision, None));
            line.copy = copy.map(|copy| copy.0);
        }
        What::Arrived { packet, direction } => {
            line.event = "arrived";
            line.packet = Some(packet.0);
            line.link = Some(legend.direction_name(direction));
        }
        What::Discarded { packet, reason } => {
            line.event = "discarded";
            line.packet = Some(packet.0);
            line.what = Some(reason.as_str().into());
        }
        What::Opened { connection, flow, .. } => {
            line.event = "opened";
            line.connection = Some(connection.0);
            line.flow = flow_name(legend, flow);
        }
        What::StateChanged { connection, flow, from, to } => {
            line.event = "state";
            line.connection = Some(connection.0);
            line.flow = flow_name(legend, flow);
            line.from = Some(from.as_str());
            line.to = Some(to.as_str());
        }
        What::Named(named) => {
            line.event = "named";
            line.connection = Some(named.connection.0);
            line.flow = flow_name(legend, named.flow);
            line.name = Some(legend.socket(named.name));
        }
        What::StepEnded { app, step, errno } => {
            line.event = "step";
            line.app = Some(legend.app(app));
            line.step = Some(step);
            line.errno = errno.map(|errno| errno.to_string());
        }
        What::HostChanged { change } => {
            line.event = "host";
            line.what = Some(change_word(change).into());
        }
        What::Injected { fault } => {
            line.event = "injected";
            line.fault = Some(legend.fault(fault));
        }
    }
    line
}

impl Line<'_> {
    /// Fills in the header of a packet and, where it is made, why.
    fn describe(&mut self, legend: &Legend, trace: &Trace, number: PacketNumber, origin: bool) {
        let packet = &trace.packet(number).packet;
        self.packet = Some(number.0);
        self.header(packet);
        if !origin {
            return;
        }
        let tag = &packet.tag;
        self.flow = flow_name(legend, tag.flow);
        self.transmission = (tag.transmission > 0).then_some(tag.transmission);
        self.stream_offset = (words::data_length(packet) > 0 && matches!(packet.body, Body::Tcp(_)))
            .then_some(tag.stream_offset);
        self.reason = Some(words::reason_word(tag.reason));
        self.cause = match tag.cause {
            Cause::Unknown => None,
            Cause::Arrival(id) => trace.number(id).map(|number| format!("packet {}", number.0)),
            Cause::Timer(timer) => Some(format!("timer {}", words::timer_word(timer))),
            Cause::Call => Some("call".into()),
            Cause::Injected => Some("injected".into()),
        };
    }

    fn header(&mut self, packet: &Packet) {
        let (source, destination) = (packet.ip.source, packet.ip.destination);
        self.length = Some(packet.length());
        self.ecn = match packet.ip.ecn() {
            EcnCodepoint::NotEct => None,
            EcnCodepoint::Ect0 => Some("ECT(0)"),
            EcnCodepoint::Ect1 => Some("ECT(1)"),
            EcnCodepoint::Ce => Some("CE"),
        };
        self.source = Some(source.to_string());
        self.destination = Some(destination.to_string());
        match &packet.body {
            Body::Tcp(segment) => {
                self.protocol = Some("tcp");
                self.source = Some(with_port(source, segment.source_port));
                self.destination = Some(with_port(destination, segment.destination_port));
                self.data = Some(segment.payload.len());
                self.flags = Some(segment.flags.to_string());
                self.seq = Some(segment.seq.0);
                self.ack = segment.flags.contains(Flags::ACK).then_some(segment.ack.0);
                self.window = Some(segment.window);
                self.options = Options::of(segment);
            }
            Body::Udp(datagram) => {
                self.protocol = Some("udp");
                self.source = Some(with_port(source, datagram.source_port));
                self.destination = Some(with_port(destination, datagram.destination_port));
                self.data = Some(datagram.payload.len());
            }
            Body::Icmp(message) => {
                self.protocol = Some("icmp");
                self.icmp = Some(words::icmp(message, source.is_ipv6()));
            }
            Body::Raw(_) => self.protocol = Some("raw"),
        }
    }
}

fn with_port(address: std::net::IpAddr, port: u16) -> String {
    std::net::SocketAddr::new(address, port).to_string()
}

fn flow_name(legend: &Legend, flow: Flow) -> Option<String> {
    let opener = legend.place(flow.opener?);
    Some(match flow.boot {
        0 | 1 => format!("{opener}.{}", flow.ordinal),
        boot => format!("{opener}.{}.{boot}", flow.ordinal),
    })
}

fn change_word(change: HostChange) -> &'static str {
    match change {
        HostChange::Crash => "crash",
        HostChange::Restart => "restart",
        HostChange::Pause => "pause",
        HostChange::Resume => "resume",
    }
}

#[cfg(test)]
mod tests {
    use faultwire_wire::Seq;

    use super::*;

    #[test]
    fn the_options_of_a_segment_are_told() {
        let mut segment = Segment::default();
        segment.options.push_maximum_segment_size(1460);
        segment.options.push_sack_permitted();
        segment.options.push_timestamps(7, 5);
        segment.options.push_window_scale(10);
        segment.options.push_sack(&[(Seq(u32::MAX), Seq(9))]);
        assert_eq!(
            serde_json::to_string(&Options::of(&segment)).unwrap(),
            r#"{"mss":1460,"wscale":10,"sack_permitted":true,"sack":[[4294967295,9]],"tsval":7,"tsecr":5}"#
        );
        assert_eq!(serde_json::to_string(&Options::of(&Segment::default())).unwrap(), "{}");
    }
}
