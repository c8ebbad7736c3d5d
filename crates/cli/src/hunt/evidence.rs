//! The files of one ticket, made from what was gathered: texts, replay, capture, scripts.

use std::collections::BTreeSet;
use std::path::Path;

use faultwire_script::export::{Recorder, exports};
use faultwire_sim::experiment::Overrides;
use faultwire_sim::hunt::{Evidence, Found, Origin, TicketFile, TicketStep, short_title, ticket as text};
use faultwire_sim::output::{Legend, Vantage, write_capture};
use faultwire_sim::plan::Experiment;
use faultwire_sim::run::{Judging, run_case};

use super::index::quirks;
use crate::arguments::Hazards;
use crate::outputs::{file_name, first_to_connect};
use crate::repeat;

/// A ticket, ready to be written.
pub(crate) struct Ticket {
    /// What failed, for the name of its folder.
    pub(crate) title: String,
    /// What failed in the smallest form, one sentence each.
    pub(crate) failures: Vec<String>,
    /// Faults that are left, decisions of chance included.
    pub(crate) faults: usize,
    /// Decisions of chance and named faults that there were.
    pub(crate) faults_before: u64,
    pub(crate) files: Vec<(String, Vec<u8>)>,
}

impl Ticket {
    /// How small it became, in words.
    pub(crate) fn left(&self) -> String {
        let faults = if self.faults == 1 { "1 fault".to_owned() } else { format!("{} faults", self.faults) };
        format!("{faults} left of {} faults and decisions of chance", self.faults_before)
    }
}

/// Makes the files. `commands` are that of the hunt and that of the original run.
pub(crate) fn ticket(
    experiment: &Experiment,
    found: &Found,
    evidence: &Evidence,
    hazards: Hazards,
    (hunt, original): (&str, &str),
) -> Ticket {
    let mut beside = Beside::default();
    let minimal = if evidence.minimal_is_replay {
        "the smallest form that fails, a replay file"
    } else {
        "the smallest experiment that fails; nothing in it is left to chance"
    };
    beside.add(evidence.minimal_name(), minimal, evidence.minimal.clone().into_bytes());
    let replay = evidence.replay(experiment, original);
    beside.add("replay.json", "the run as it was found, with every decision of chance", replay.into_bytes());
    capture(&mut beside, evidence);
    scripts(&mut beside, evidence, Judging { hazards_fail: hazards == Hazards::Fail });
    let origin = Origin {
        description: experiment.description.clone(),
        quirks: quirks(experiment),
        digest: experiment.digest.clone(),
        hunt: hunt.to_owned(),
        original: original.to_owned(),
        steps: steps(&beside, evidence, hazards),
    };
    let page = text(found, evidence, &origin, &beside.told);
    let mut files = beside.files;
    files.insert(0, ("TICKET.md".to_owned(), page.into_bytes()));
    let shrunk = &evidence.shrunk;
    Ticket {
        title: short_title(found),
        failures: evidence.watched.run.failures.iter().map(|failure| failure.sentence.clone()).collect(),
        faults: shrunk.faults.len() + shrunk.by_chance().len(),
        faults_before: shrunk.before.decisions + shrunk.before.faults,
        files,
    }
}

/// What to type in the folder of the ticket. A replay ends with status 0 if it is what was recorded.
fn steps(beside: &Beside, evidence: &Evidence, hazards: Hazards) -> Vec<TicketStep> {
    let smallest = evidence.minimal_name();
    let run = if evidence.minimal_is_replay {
        "the smallest form, a replay; exit status 0: it fails as it did here"
    } else {
        "the smallest form; exit status 1: it fails"
    };
    let on = |subcommand: &str, file: &str| {
        repeat::command(subcommand, Path::new(file), &Overrides::default(), hazards)
    };
    let mut steps = vec![
        (format!("{} --timeline", on("run", smallest)), run),
        (on("explain", smallest), "why it fails"),
        (on("run", "replay.json"), "the run as it was found; exit status 0: it is the same here"),
    ];
    let has = |name: &str| beside.told.iter().any(|file| file.name == name);
    if has("script.pkt") {
        let play = "faultwire script script.pkt".to_owned();
        steps.push((play, "one end alone, as a packetdrill script"));
    }
    if has("capture.pcapng") {
        let read = "tshark -r capture.pcapng".to_owned();
        steps.push((read, "or open it in Wireshark; no faultwire is needed"));
    }
    let step = |(command, what): (String, &str)| TicketStep { command, what: what.to_owned() };
    steps.into_iter().map(step).collect()
}

/// Files beside the page, and what is said of them.
#[derive(Default)]
struct Beside {
    files: Vec<(String, Vec<u8>)>,
    told: Vec<TicketFile>,
}

impl Beside {
    fn add(&mut self, name: &str, what: &str, content: Vec<u8>) {
        self.files.push((name.to_owned(), content));
        self.told.push(TicketFile { name: name.to_owned(), what: what.to_owned() });
    }
}

/// What the host of the first app that connects sees of the smallest form.
fn capture(beside: &mut Beside, evidence: &Evidence) {
    let plan = &evidence.case.plan;
    let Some(host) = first_to_connect(plan) else { return };
    let legend = Legend::of(plan);
    let vantage = Vantage { host, link: None };
    let mut bytes = Vec::new();
    let written = write_capture(&mut bytes, &legend, &evidence.watched.trace, &vantage);
    if written.is_ok_and(|packets| packets > 0) {
        let what = format!(
            "the packets of the smallest form as {} sees them, for Wireshark; comments tell what faults did",
            legend.place(host)
        );
        beside.add("capture.pcapng", &what, bytes);
    }
}

/// What each end of a connection saw and did, where that can be a script. The end with a quirk is the first, since it is
/// the one to look at.
fn scripts(beside: &mut Beside, evidence: &Evidence, judging: Judging) {
    let case = &evidence.case;
    let mut recorder = Recorder::new(&case.plan);
    run_case(case, judging, &mut recorder);
    let one_line: String =
        evidence.shrunk.name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let (mut ends, _) = exports(&case.plan, &recorder, &format!("{one_line}, smallest form of a failure"));
    let quirky: BTreeSet<String> =
        evidence.watched.run.report.quirks.iter().map(|quirk| quirk.host.to_string()).collect();
    let host = |name: &str| name.split('/').next().unwrap_or_default().to_owned();
    ends.sort_by_key(|end| !quirky.contains(&host(&end.name)));
    let mut taken = BTreeSet::new();
    for end in ends {
        let Ok(script) = end.script else { continue };
        let name = if taken.is_empty() {
            "script.pkt".to_owned()
        } else {
            format!("script-{}.pkt", file_name(&end.name.replace(['/', '#'], "-")))
        };
        if taken.insert(name.clone()) {
            let what = format!("what {} sees and does, to be played against another stack", end.name);
            beside.add(&name, &what, script.into_bytes());
        }
    }
}
