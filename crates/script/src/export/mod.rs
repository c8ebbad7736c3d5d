//! Scripts out of runs of the simulator: what one end of a connection saw and did, to be played again, here or on a kernel.
//!
//! A [`Recorder`] watches the run; [`exports`] then writes a script for each end of each connection that an app has named,
//! and plays it: what is given out passes, to the nanosecond.

mod calls;
mod connection;
mod heading;
mod numbers;
mod recorder;
mod writer;

use faultwire_sim::plan::{HostPlan, Plan};

use self::connection::End;
use self::writer::Writer;
use crate::report::Verdict;
use crate::settings::{Profile, Settings};

pub use self::recorder::Recorder;

/// Scripts that are written of one run at most.
pub const EXPORTS_MAX: usize = 256;

/// One end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// `HOST/CONNECTION`; a name that was given again has `#2` and so on behind it.
    pub name: String,
    /// The script, or why there is none.
    pub script: Result<String, String>,
}

/// A script for each end of each named connection of a run, in the order in which they got their names; and how many
/// more there are than are written. `title` says in one line where they come from.
pub fn exports(plan: &Plan, recorder: &Recorder, title: &str) -> (Vec<Export>, usize) {
    let ends = connection::ends(plan, recorder);
    let more = ends.len().saturating_sub(EXPORTS_MAX);
    let written = ends.iter().take(EXPORTS_MAX);
    let exports =
        written.map(|end| Export { name: end.name.clone(), script: script(plan, recorder, end, title) });
    (exports.collect(), more)
}

fn script(plan: &Plan, recorder: &Recorder, end: &End, title: &str) -> Result<String, String> {
    let host =
        plan.hosts.iter().find(|host| host.place == end.place).expect("a named connection is at a host");
    let profile = profile(&host.stack.profile);
    let heading = heading::heading(host, end, title)?;
    let writer = Writer::new(heading, recorder, end);
    let excuse = excuse(host, &writer);
    let text = writer.write()?;
    let strictly = Settings { profile: Some(profile), exact: true, strict: true, ..Settings::default() };
    let settings = Settings { strict: false, ..strictly.clone() };
    let differs = |line: u32, message: &str| excuse.unwrap_or_else(|| another_way(&text, line, message));
    if crate::run(&text, &strictly).is_ok_and(|report| report.verdict == Verdict::Pass) {
        return Ok(text);
    }
    // What is exactly as it was passes, also where a law of strict play is broken in both.
    match crate::run(&text, &settings) {
        Ok(report) => match report.verdict {
            Verdict::Pass => Ok(text),
            Verdict::Fail(finding) | Verdict::Skip(finding) => Err(differs(finding.line, &finding.message)),
        },
        Err(error) => Err(differs(error.at.line, &error.message)),
    }
}

/// Why it may be that a script does not pass: what a run has that no script can have.
fn excuse(host: &HostPlan, writer: &Writer<'_>) -> Option<String> {
    if let Some(at) = writer.arrive_at_once() {
        return Some(format!(
            "packets reach it at the same nanosecond, first at {at}, which no script can say; give the links a rate"
        ));
    }
    if &*host.stack.profile == "linux" && writer.writes_much() {
        let why = "an app writes more at once than Linux takes before it transmits; a simulated host takes it whole";
        return Some(why.into());
    }
    let own_key = host.config.fast_open.keys.is_none() && writer.has_own_cookie();
    own_key.then(|| "its Fast Open cookies are made by a key of this run; set tcp_fastopen_key".into())
}

/// In one line, what is otherwise when the connection is alone.
fn another_way(text: &str, line: u32, message: &str) -> String {
    if let Some(at) = timer_meets_packet(message) {
        return format!(
            "a timer is due at the nanosecond at which a packet arrives, {at}, which no script can say"
        );
    }
    let wanted = text.lines().nth(line.saturating_sub(1) as usize).unwrap_or("the end");
    let mut findings = message.lines().take_while(|line| !line.starts_with("the last that happened"));
    let findings: Vec<&str> =
        findings.by_ref().filter(|line| !wanted.ends_with(line.trim())).take(3).collect();
    format!("alone it goes another way at {wanted:?}: {}", findings.join("; "))
}

/// When a timer made something be sent at the very time at which a packet arrived, as the last lines of a finding tell. A
/// host of a simulation has both before it sends; a script takes one after the other.
fn timer_meets_packet(message: &str) -> Option<&str> {
    let rungs = message.lines().skip_while(|line| !line.starts_with("the last that happened")).skip(1);
    let rungs: Vec<(&str, &str)> = rungs.filter_map(|line| line.trim().split_once(' ')).collect();
    let (at, _) = *rungs.last()?;
    let now = || rungs.iter().filter(|(time, _)| *time == at);
    let timer = now().any(|(_, what)| what.starts_with("> ") && what.ends_with(" timer)"));
    (timer && now().any(|(_, what)| what.starts_with("< "))).then_some(at)
}

fn profile(name: &str) -> Profile {
    let all = [Profile::Linux, Profile::Freebsd, Profile::Rfc];
    all.into_iter().find(|profile| profile.name() == name).expect("experiments have the same profiles")
}
