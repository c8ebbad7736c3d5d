//! System calls of a run in the notation of scripts.

use faultwire_base::Duration;
use faultwire_host::{Errno, How, SocketOption};
use faultwire_sim::call::{Call, CallKind};
use faultwire_tcp::WriteFlags;

/// The calls that a script makes for one of a run, as text; none for one that leaves no trace.
///
/// # Errors
/// Why a script can't make it.
pub(crate) fn text(call: &Call, fd: u32, ipv6: bool) -> Result<Vec<String>, String> {
    let result = result(call.result);
    let one = |text: String| Ok(vec![text]);
    match call.kind {
        CallKind::Socket => Ok(vec![
            format!("socket(..., SOCK_STREAM, IPPROTO_TCP) = {fd}"),
            format!("fcntl({fd}, F_SETFL, O_RDWR|O_NONBLOCK) = 0"),
        ]),
        CallKind::Bind(_) => one(format!("bind({fd}, ..., ...) = {result}")),
        CallKind::Listen(backlog) => one(format!("listen({fd}, {backlog}) = {result}")),
        CallKind::Connect => one(format!("connect({fd}, ..., ...) = {result}")),
        CallKind::Accept { .. } => Ok(vec![
            format!("accept(3, ..., ...) = {fd}"),
            format!("fcntl({fd}, F_SETFL, O_RDWR|O_NONBLOCK) = 0"),
        ]),
        // It would have to wait: the app asks again.
        CallKind::Send { .. } | CallKind::Receive { .. } if call.result == Err(Errno::WouldBlock) => {
            Ok(Vec::new())
        }
        CallKind::Send { octets, flags } => one(send(fd, octets, flags, &result)?),
        CallKind::Receive { octets, peek: true } => {
            one(format!("recv({fd}, ..., {octets}, MSG_PEEK) = {result}"))
        }
        CallKind::Receive { octets, peek: false } => one(format!("read({fd}, ..., {octets}) = {result}")),
        CallKind::Shutdown(how) => {
            let how = match how {
                How::Read => "SHUT_RD",
                How::Write => "SHUT_WR",
                How::Both => "SHUT_RDWR",
            };
            one(format!("shutdown({fd}, {how}) = {result}"))
        }
        CallKind::Close if call.result == Err(Errno::WouldBlock) => Err("a close waits (SO_LINGER)".into()),
        CallKind::Close => one(format!("close({fd}) = {result}")),
        CallKind::Abort => Ok(vec![linger(fd, "onoff=1, linger=0", "0"), format!("close({fd}) = {result}")]),
        CallKind::TakeError(errno) => {
            let errno = errno.map_or("0", Errno::name);
            one(format!("getsockopt({fd}, SOL_SOCKET, SO_ERROR, [{errno}], [4]) = {result}"))
        }
        CallKind::Option(name) => {
            let (level, name) = level(name.as_str(), ipv6);
            match call.result {
                Ok(value) => one(format!("getsockopt({fd}, {level}, {name}, [{value}], [4]) = 0")),
                Err(errno) => one(format!("getsockopt({fd}, {level}, {name}, [0], [4]) = -1 {errno}")),
            }
        }
        CallKind::SetOption(option) => one(set_option(fd, option, ipv6, &result)?),
    }
}

/// One read for two that come right after each other, as far as the first asked for so much: how a stream is cut into pieces
/// inside a simulation is no matter of the kernel's.
pub(crate) fn joined(first: &Call, second: &Call) -> Option<Call> {
    let (CallKind::Receive { octets, peek: false }, CallKind::Receive { peek: false, .. }) =
        (first.kind, second.kind)
    else {
        return None;
    };
    let (one, other) = (first.result.ok()?, second.result.ok()?);
    let fits = one > 0 && other > 0 && (one + other) as u64 <= octets;
    fits.then(|| Call { result: Ok(one + other), ..*first })
}

/// The write that `first` and its continuation are: one that took less than was offered goes on with the rest.
pub(crate) fn continued(first: &Call, next: &Call) -> Option<Call> {
    let (CallKind::Send { octets, .. }, CallKind::Send { octets: rest, .. }) = (first.kind, next.kind) else {
        return None;
    };
    let taken = first.result.ok().filter(|&taken| taken > 0 && (taken as u64) < octets)?;
    match next.result {
        Ok(more) => (rest >= octets - taken as u64).then(|| Call { result: Ok(taken + more), ..*first }),
        Err(Errno::WouldBlock) => Some(*first),
        Err(_) => None,
    }
}

fn result(result: Result<i64, Errno>) -> String {
    match result {
        Ok(number) => number.to_string(),
        Err(errno) => format!("-1 {errno}"),
    }
}

fn send(fd: u32, octets: u64, flags: WriteFlags, result: &str) -> Result<String, String> {
    if flags.push {
        return Err("a write asks to be pushed, for which no kernel has a flag".into());
    }
    let names: Vec<&str> =
        [(flags.more, "MSG_MORE"), (flags.record_end, "MSG_EOR"), (flags.urgent, "MSG_OOB")]
            .into_iter()
            .filter(|(set, _)| *set)
            .map(|(_, name)| name)
            .collect();
    Ok(match names[..] {
        [] => format!("write({fd}, ..., {octets}) = {result}"),
        _ => format!("send({fd}, ..., {octets}, {}) = {result}", names.join("|")),
    })
}

fn linger(fd: u32, fields: &str, result: &str) -> String {
    format!("setsockopt({fd}, SOL_SOCKET, SO_LINGER, {{{fields}}}, 8) = {result}")
}

fn set_option(fd: u32, option: SocketOption, ipv6: bool, result: &str) -> Result<String, String> {
    if let SocketOption::Linger(time) = option {
        let seconds = time.map_or(0, seconds);
        let fields = format!("onoff={}, linger={seconds}", i64::from(time.is_some()));
        return Ok(linger(fd, &fields, result));
    }
    let Some(value) = value(option) else {
        return Err(format!("the value of {option} has no notation here"));
    };
    let (level, name) = level(option.name(), ipv6);
    Ok(format!("setsockopt({fd}, {level}, {name}, [{value}], 4) = {result}"))
}

/// Level and name of an option for one version of IP.
fn level(name: &str, ipv6: bool) -> (&'static str, &str) {
    match name {
        "IP_TOS" if ipv6 => ("IPPROTO_IPV6", "IPV6_TCLASS"),
        "IP_TTL" if ipv6 => ("IPPROTO_IPV6", "IPV6_UNICAST_HOPS"),
        "IP_RECVERR" if ipv6 => ("IPPROTO_IPV6", "IPV6_RECVERR"),
        _ if name.starts_with("SO_") => ("SOL_SOCKET", name),
        _ if name.starts_with("IP_") => ("IPPROTO_IP", name),
        _ if name.starts_with("IPV6_") => ("IPPROTO_IPV6", name),
        _ => ("IPPROTO_TCP", name),
    }
}

/// The number that the option was set to, in the kernel's units.
fn value(option: SocketOption) -> Option<i64> {
    use SocketOption as Of;
    Some(match option {
        Of::ReuseAddress(on)
        | Of::UrgentInline(on)
        | Of::KeepAlive(on)
        | Of::NoDelay(on)
        | Of::NoOptions(on)
        | Of::Cork(on)
        | Of::QuickAck(on)
        | Of::FastOpenConnect(on)
        | Of::FastOpenNoCookie(on)
        | Of::ErrorReports(on) => on.into(),
        Of::ReceiveBuffer(number)
        | Of::SendBuffer(number)
        | Of::FastOpen(number)
        | Of::DeferAccept(number)
        | Of::UnsentLimit(number) => number.into(),
        Of::TrafficClass(class) => class.into(),
        Of::HopLimit(hops) => hops.map_or(-1, i64::from),
        Of::KeepIdle(time) | Of::KeepInterval(time) | Of::OpeningLimit(time) => seconds(time),
        Of::KeepCount(count) => count.into(),
        Of::OrphanLinger(time) => time.map_or(-1, seconds),
        Of::SegmentSize(octets) => octets.into(),
        Of::SynCount(count) => count.into(),
        Of::UserTimeout(time) => time.map_or(0, |time| (time.as_nanos() / 1_000_000) as i64),
        #[allow(unreachable_patterns, reason = "an option that came later is refused by name, not forgotten")]
        _ => return None,
    })
}

fn seconds(time: Duration) -> i64 {
    (time.as_nanos() / 1_000_000_000) as i64
}
