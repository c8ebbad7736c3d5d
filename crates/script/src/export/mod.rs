//! Scripts out of runs of the simulator: what one end of a connection saw and did, to be played again, here or on a kernel.
//!
//! A [`Recorder`] watches the run; [`exports`] then writes a script for each end of each connection that an app has named,
//! and plays it: what is given out passes, strictly and to the nanosecond.

mod calls;
mod connection;
mod heading;
mod numbers;
mod recorder;
mod writer;

use faultwire_sim::plan::Plan;

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
    let text = Writer::new(heading, recorder, end).write()?;
    let settings = Settings { profile: Some(profile), exact: true, strict: true, ..Settings::default() };
    let again = |line: u32, message: &str| {
        let first = message.lines().next().unwrap_or("");
        let wanted = text.lines().nth(line.saturating_sub(1) as usize).unwrap_or("the end");
        format!("alone it goes another way at {wanted:?}: {first}")
    };
    match crate::run(&text, &settings) {
        Ok(report) => match report.verdict {
            Verdict::Pass => Ok(text),
            Verdict::Fail(finding) | Verdict::Skip(finding) => Err(again(finding.line, &finding.message)),
        },
        Err(error) => Err(again(error.at.line, &error.message)),
    }
}

fn profile(name: &str) -> Profile {
    let all = [Profile::Linux, Profile::Freebsd, Profile::Rfc];
    all.into_iter().find(|profile| profile.name() == name).expect("experiments have the same profiles")
}
