//! The text of a replay file to its experiment and its runs, strictly.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::sync::Arc;

use faultwire_link::{ChanceAction, PacketKind};

use super::checkpoints::Checkpoints;
use super::file::{RecordedRun, Replay};
use super::grammar::{REPLAY, REPLAY_VERSION};
use super::{RecordedConversation, RecordedDecision, RecordedPacket, Recording};
use crate::experiment::check::check_object;
use crate::experiment::json::{Node, Value};
use crate::experiment::problem::{Place, Problem};
use crate::experiment::read::Item;
use crate::failure::Failure;
use crate::report::Outcome;

/// Whether a file is a replay file, perhaps a damaged one.
pub(crate) fn is_replay(root: &Node) -> bool {
    root.get("faultwire_replay").is_some() || (root.get("experiment").is_some() && root.get("runs").is_some())
}

/// A replay file before its experiment is read.
pub(crate) struct Parts {
    pub(crate) experiment: Node,
    pub(crate) replay: Replay,
    /// As the file has it.
    pub(crate) digest: String,
}

/// Reads everything but the experiment.
pub(crate) fn read(mut root: Node) -> Result<Parts, Problem> {
    refuse_other_versions(&root)?;
    refuse_no_runs(&root)?;
    check_object(&root, &REPLAY, "")?;
    let item = Item::root(&root);
    let digest = item.require("digest")?;
    let digest = hexadecimal(&digest, digest.text()?, 32)?.to_owned();
    let known = Known::of(&item.require("experiment")?);
    let mut runs: Vec<RecordedRun> = Vec::new();
    for item in item.list("runs") {
        let read = run(&item, &known)?;
        if runs.iter().any(|other| other.case == read.case) {
            return Err(item.require("case")?.problem(format!("case {:?} has a run already", read.case)));
        }
        runs.push(read);
    }
    let text = |key: &str| Ok(item.require(key)?.text()?.to_owned());
    let replay = Replay {
        faultwire_version: text("faultwire_version")?,
        command: text("command")?,
        changed: false,
        undrawn: Vec::new(),
        runs,
    };
    let experiment = root.remove("experiment").expect("it was required");
    Ok(Parts { experiment, replay, digest })
}

/// Another version may have other keys: it is refused before they are looked at.
fn refuse_other_versions(root: &Node) -> Result<(), Problem> {
    let Some(node @ Node { value: Value::Number(number), .. }) = root.get("faultwire_replay") else {
        return Ok(());
    };
    let is_whole = number.bytes().all(|byte| byte.is_ascii_digit());
    if !is_whole || number.parse::<u64>().is_ok_and(|version| version <= REPLAY_VERSION) {
        return Ok(());
    }
    let writer = root.get("faultwire_version").and_then(Node::text);
    let message = format!(
        "this is a replay file of version {number}{}; faultwire {} reads version {REPLAY_VERSION}: use a newer faultwire, or record the run again with this one",
        writer.map(|writer| format!(", written by faultwire {writer}")).unwrap_or_default(),
        env!("CARGO_PKG_VERSION")
    );
    Err(Problem::new(node.place.clone(), "faultwire_replay", message))
}

fn refuse_no_runs(root: &Node) -> Result<(), Problem> {
    match root.get("runs") {
        Some(node @ Node { value: Value::List(runs), .. }) if runs.is_empty() => Err(Problem::new(
            node.place.clone(),
            "runs",
            "there is no run to replay: record one again with `faultwire run FILE --record REPLAY`",
        )),
        _ => Ok(()),
    }
}

/// Names of the embedded experiment that the runs refer to.
struct Known {
    /// Cases, or the experiment itself.
    cases: BTreeSet<String>,
    directions: BTreeMap<String, Arc<str>>,
}

impl Known {
    fn of(experiment: &Item<'_>) -> Self {
        let name = |item: &Item<'_>| item.get("name").and_then(|name| Some(name.node().text()?.to_owned()));
        let mut cases: BTreeSet<String> = experiment.list("cases").iter().filter_map(name).collect();
        if cases.is_empty() {
            cases.extend(name(experiment));
        }
        let directions = experiment
            .list("links")
            .iter()
            .flat_map(|link| {
                let ends = link.list("between");
                let link = name(link).unwrap_or_default();
                let direction =
                    move |end: Item<'_>| format!("{link}>{}", end.node().text().unwrap_or_default());
                ends.into_iter().map(direction).collect::<Vec<_>>()
            })
            .map(|name| (name.clone(), name.into()))
            .collect();
        Self { cases, directions }
    }
}

fn run(item: &Item<'_>, known: &Known) -> Result<RecordedRun, Problem> {
    let case = item.require("case")?;
    let name = case.text()?.to_owned();
    if !known.cases.contains(&name) {
        return Err(case.unknown("case", known.cases.iter().map(String::as_str)));
    }
    let failure = |item: &Item<'_>| {
        Ok(Failure::new(item.require("failed")?.text()?, item.require("sentence")?.text()?))
    };
    let fingerprint = item.require("fingerprint")?;
    let decisions = decisions(item, known)?;
    let run = RecordedRun {
        case: name,
        outcome: match item.require("outcome")?.text()? {
            "passed" => Outcome::Passed,
            "failed" => Outcome::Failed,
            _ => Outcome::Error,
        },
        failures: item.list("failures").iter().map(failure).collect::<Result<_, Problem>>()?,
        fingerprint: self::fingerprint(&fingerprint)?,
        events: item.require("events")?.integer()?,
        virtual_time_ns: item.require("virtual_time_ns")?.integer()?,
        recording: Arc::new(Recording { decisions }),
        checkpoints: item
            .get("checkpoints")
            .map_or_else(|| Ok(Checkpoints::default()), |item| checkpoints(&item))?,
    };
    refuse_damage(item, &run)?;
    Ok(run)
}

/// What the run came to neither contradicts itself nor differs from what was written.
fn refuse_damage(item: &Item<'_>, run: &RecordedRun) -> Result<(), Problem> {
    if run.checkpoints.covered() > run.events {
        let every = item.require("checkpoints")?.require("every")?;
        return Err(every.problem(format!(
            "the last checkpoint is after event {}, and the run had {} events: {DAMAGED}",
            run.checkpoints.covered(),
            run.events
        )));
    }
    let has_passed = run.outcome == Outcome::Passed;
    if has_passed != run.failures.is_empty() {
        let what =
            if has_passed { "a run that passed has no failures" } else { "it failed, and nothing says why" };
        return Err(item.require("outcome")?.problem(format!("{what}: {DAMAGED}")));
    }
    let digest = item.require("digest")?;
    if hexadecimal(&digest, digest.text()?, 32)? != run.digest() {
        let what = "outcome, failures, fingerprint, events, virtual time or checkpoints of this run are not what was recorded";
        return Err(digest.problem(format!("{what}: {DAMAGED}")));
    }
    Ok(())
}

/// The remedy for what nobody may edit.
const DAMAGED: &str =
    "the file is damaged, so record the run again (experiment and decisions may be edited, results may not)";

/// `fw1-` and 32 digits; another number is of a version whose fingerprints can't be compared.
fn fingerprint(item: &Item<'_>) -> Result<String, Problem> {
    let text = item.text()?;
    let parts = text.strip_prefix("fw").and_then(|rest| rest.split_once('-'));
    let Some((_, digits)) = parts.filter(|(version, _)| version.parse::<u32>().is_ok()) else {
        return Err(item.problem(format!("{text:?} is no fingerprint: it begins with \"fw1-\"")));
    };
    hexadecimal(item, digits, 32)?;
    Ok(text.to_owned())
}

fn hexadecimal<'t>(item: &Item<'_>, text: &'t str, digits: usize) -> Result<&'t str, Problem> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() == digits && text.bytes().all(is_digit) {
        return Ok(text);
    }
    Err(item.problem(format!("expected {digits} hexadecimal digits: the file is damaged here")))
}

fn checkpoints(item: &Item<'_>) -> Result<Checkpoints, Problem> {
    let digest = |item: &Item<'_>| {
        let digits = hexadecimal(item, item.text()?, 16)?;
        Ok(u64::from_str_radix(digits, 16).expect("these are hexadecimal digits"))
    };
    Ok(Checkpoints {
        every: item.require("every")?.integer()?,
        digests: item.list("digests").iter().map(digest).collect::<Result<_, Problem>>()?,
    })
}

fn decisions(run: &Item<'_>, known: &Known) -> Result<Vec<RecordedDecision>, Problem> {
    let mut decisions = Vec::new();
    let mut names: BTreeMap<String, Arc<str>> = BTreeMap::new();
    let mut seen = BTreeMap::new();
    for item in run.list("decisions") {
        let decision = decision(&item, known, &mut names)?;
        let verb = std::mem::discriminant(&decision.action);
        let key = (Arc::clone(&decision.on), decision.packet.clone(), format!("{verb:?}"));
        if let Some(Place::File { line, .. }) = seen.insert(key, item.node().place.clone()) {
            return Err(item.problem(format!(
                "this was decided in line {line} already: a packet is lost, or copied, once"
            )));
        }
        decisions.push(decision);
    }
    Ok(decisions)
}

fn decision(
    item: &Item<'_>,
    known: &Known,
    names: &mut BTreeMap<String, Arc<str>>,
) -> Result<RecordedDecision, Problem> {
    let on = item.require("on")?;
    let Some(direction) = known.directions.get(on.text()?) else {
        return Err(on.unknown("link direction", known.directions.keys().map(String::as_str)));
    };
    let mut shared = |name: &str| Arc::clone(names.entry(name.to_owned()).or_insert_with(|| name.into()));
    let packet = item.require("packet")?;
    let decision = RecordedDecision {
        on: Arc::clone(direction),
        at: item.require("at")?.instant()?,
        packet: RecordedPacket {
            conversation: conversation(&packet, &mut shared)?,
            kind: packet.get("kind").map(|kind| self::kind(&kind)).transpose()?,
            byte: packet.get("byte").map(|byte| byte.integer()).transpose()?,
            transmission: packet.get("transmission").map(|which| which.integer()).transpose()?,
            nth: packet.integer_or("nth", 1)?,
            copy: packet.get("copy").map(|copy| copy.integer()).transpose()?,
        },
        action: action(&item.require("do")?)?,
    };
    if decision.packet.copy.is_some() && !decision.action.can_befall_copies() {
        return Err(item.require("do")?.problem(
            "chance never does this to a copy: write \"drop\", \"rewrite\" or \"corrupt\", or leave \"copy\" out to \
             mean the packet itself",
        ));
    }
    Ok(decision)
}

fn kind(item: &Item<'_>) -> Result<PacketKind, Problem> {
    let name = item.text()?;
    let kind = PacketKind::ALL.into_iter().find(|kind| kind.as_str() == name);
    kind.ok_or_else(|| item.problem(format!("there is no kind {name:?}")))
}

fn conversation(
    packet: &Item<'_>,
    shared: &mut impl FnMut(&str) -> Arc<str>,
) -> Result<RecordedConversation, Problem> {
    match (packet.get("conn"), packet.get("flow")) {
        (Some(_), Some(flow)) => Err(flow.problem("\"conn\" says which conversation: leave \"flow\" out")),
        (Some(conn), None) => Ok(RecordedConversation::Named(shared(conn.text()?))),
        (None, Some(flow)) => {
            let text = flow.text()?;
            let parsed = RecordedConversation::from_str(text);
            parsed.map_err(|()| {
                flow.problem(format!("{text:?} is no conversation: write it like \"client:1\""))
            })
        }
        (None, None) => Ok(RecordedConversation::None),
    }
}

fn action(item: &Item<'_>) -> Result<ChanceAction, Problem> {
    if item.is_text() {
        return Ok(if item.text()? == "drop" { ChanceAction::Drop } else { ChanceAction::SendAtOnce });
    }
    if let Some(delay) = item.get("delay") {
        return Ok(ChanceAction::Delay { deviation: delay.deviation()? });
    }
    if let Some(corrupt) = item.get("corrupt") {
        let items = corrupt.list("bits");
        let mut bits: Vec<u32> = Vec::with_capacity(items.len());
        let mut seen = BTreeSet::new();
        for item in items {
            let bit = item.integer()?;
            if !seen.insert(bit) {
                return Err(
                    item.problem("this bit stands here twice: to flip it twice is to leave it as it is")
                );
            }
            bits.push(bit);
        }
        return Ok(ChanceAction::Corrupt { bits });
    }
    Ok(if item.has("rewrite") { ChanceAction::Mark } else { ChanceAction::Duplicate })
}

/// Whether experiment, seed or decisions are not as they were written.
pub(crate) fn is_changed(parts: &Parts, experiment_digest: &str, seed: u64) -> bool {
    let runs = parts.replay.runs.iter().map(|run| (run.case.as_str(), &*run.recording));
    super::file::digest(experiment_digest, seed, runs) != parts.digest
}
