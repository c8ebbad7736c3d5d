//! Captures: what one host's interfaces see, as pcapng with comments that name packets as the ladder does.

use std::io::{self, Write};
use std::net::IpAddr;
use std::sync::Arc;

use faultwire_base::PlaceId;
use faultwire_wire::CaptureWriter;

use super::legend::Legend;
use super::trace::{Entry, PacketNumber, Trace, TracedPacket, What};
use super::words;
use crate::plan::DirectionId;

/// Where a capture is taken. One vantage point a file: a packet seen twice in one file would look like a
/// retransmission.
#[derive(Clone, Debug)]
pub struct Vantage {
    /// The host.
    pub host: PlaceId,
    /// The link of the interface; `None`: all interfaces of the host.
    pub link: Option<Arc<str>>,
}

impl Vantage {
    /// Every interface of every host, in the order of names.
    pub fn all(legend: &Legend) -> Vec<Self> {
        let of = |host: PlaceId| {
            let out = legend.directions.iter().filter(move |direction| direction.from == host);
            out.map(move |direction| Self { host, link: Some(Arc::clone(&direction.link)) })
        };
        legend.hosts().flat_map(|host| of(host.place)).collect()
    }

    /// `HOST` or `HOST-LINK`.
    pub fn name(&self, legend: &Legend) -> String {
        let host = legend.place(self.host);
        self.link.as_ref().map_or_else(|| host.to_owned(), |link| format!("{host}-{link}"))
    }

    fn sees(&self, legend: &Legend, direction: DirectionId) -> bool {
        let Some(direction) = legend.direction(direction) else {
            return false;
        };
        let ours = direction.from == self.host || direction.to == self.host;
        ours && self.link.as_ref().is_none_or(|link| *link == direction.link)
    }
}

/// Writes what is seen from a vantage point, in order of time; returns how many packets that was.
///
/// # Errors
/// Those of the writer.
pub fn write_capture(out: impl Write, legend: &Legend, trace: &Trace, vantage: &Vantage) -> io::Result<u64> {
    let names: Vec<(IpAddr, String)> = (legend.nodes.iter())
        .flat_map(|node| node.addresses.iter().map(|&address| (address, legend.place(node.place).to_owned())))
        .collect();
    let mut writer = CaptureWriter::new(out, &vantage.name(legend), &names)?;
    let mut bytes = Vec::new();
    let mut written = 0;
    for entry in trace.entries() {
        let Some((packet, is_arrival)) = seen(legend, vantage, entry) else {
            continue;
        };
        let traced = trace.packet(packet);
        let shown = if is_arrival { traced.as_arrived() } else { &traced.packet };
        bytes.clear();
        shown.encode_into(&mut bytes);
        let comment = if is_arrival {
            comment_on_arrival(legend, trace, traced)
        } else {
            comment_on_sending(legend, trace, traced)
        };
        writer.write(entry.at, &bytes, Some(&comment))?;
        written += 1;
    }
    writer.finish()?;
    Ok(written)
}

/// The packet that the vantage point sees in an entry, and whether it arrives there.
fn seen(legend: &Legend, vantage: &Vantage, entry: &Entry) -> Option<(PacketNumber, bool)> {
    match entry.what {
        What::Sent { packet, direction, .. } if entry.place == vantage.host => {
            vantage.sees(legend, direction).then_some((packet, false))
        }
        What::Arrived { packet, direction } if entry.place == vantage.host => {
            vantage.sees(legend, direction).then_some((packet, true))
        }
        _ => None,
    }
}

/// What will happen to a packet that is sent here.
fn comment_on_sending(legend: &Legend, trace: &Trace, traced: &TracedPacket) -> String {
    let mut comment = traced.number.to_string();
    add(&mut comment, &words::why(trace, traced));
    if let Some(fault) = traced.injected_by {
        add(&mut comment, &format!("injected by \"{}\"", legend.fault(fault)));
    }
    for (direction, decision, copy) in &traced.decisions {
        add(&mut comment, &words::decision(legend, *direction, decision, *copy));
    }
    comment
}

/// What happened to a packet that arrives here.
fn comment_on_arrival(legend: &Legend, trace: &Trace, traced: &TracedPacket) -> String {
    let mut comment = traced.number.to_string();
    if let Some(original) = traced.copy_of {
        let made = &trace.packet(original).decisions;
        let decision = made.iter().find(|(_, _, copy)| *copy == Some(traced.number));
        let by = decision.map(|(direction, decision, _)| words::decision(legend, *direction, decision, None));
        add(&mut comment, &format!("copy of {original}"));
        add(&mut comment, &by.map_or_else(String::new, |by| format!("the original was {by}")));
    } else {
        add(&mut comment, &words::why(trace, traced));
    }
    if let Some(fault) = traced.injected_by {
        add(&mut comment, &format!("injected by \"{}\"", legend.fault(fault)));
    }
    for (direction, decision, copy) in &traced.decisions {
        add(&mut comment, &words::decision(legend, *direction, decision, *copy));
    }
    if let Some(reason) = traced.discarded {
        add(&mut comment, &format!("discarded on arrival: {}", reason.as_str()));
    }
    comment
}

/// Appends a remark, separated by a comma.
fn add(comment: &mut String, remark: &str) {
    if !remark.is_empty() {
        comment.push_str(", ");
        comment.push_str(remark);
    }
}
