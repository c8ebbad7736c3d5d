//! The text of a ticket, for a maintainer who has never heard of this program: what failed, how to see it, why.

use super::{Evidence, Found};
use crate::explain::Voice;
use crate::output::Legend;
use crate::output::ladder::elide::thousands;
use crate::output::ladder::{LadderOptions, Marks, marked_ladder};
use crate::shrink::Measure;
use faultwire_base::Duration;

/// Where a failure comes from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// What the experiment says that it is about.
    pub description: String,
    /// Its quirks, like `no_paws at server`.
    pub quirks: Vec<String>,
    /// Digest of the experiment.
    pub digest: String,
    /// Which search found it.
    pub hunt: String,
    /// Which command runs the original again.
    pub original: String,
    /// Commands for the files beside the ticket, in its folder.
    pub steps: Vec<TicketStep>,
}

/// A command for a file that lies beside the ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketStep {
    /// The command, ready to paste.
    pub command: String,
    /// What it shows, and the exit status that says so.
    pub what: String,
}

/// A file that lies beside the ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketFile {
    /// Its name.
    pub name: String,
    /// What it is, in a few words.
    pub what: String,
}

/// Columns of the ladder and of explanations: what a web page shows without a scroll bar.
const WIDTH: usize = 110;
/// Decisions of chance without a name that are told one by one.
const DECISIONS_SHOWN: usize = 20;
/// Lines of the smallest experiment up to which it stands on the page.
const LINES_SHOWN: usize = 80;
/// Where the program is.
const HOME: &str = env!("CARGO_PKG_REPOSITORY");

/// What failed, in a few words: the heading of a ticket.
pub fn title(found: &Found) -> String {
    let failures = &found.smallest.failures;
    let is_hazard = |name: &str| failures.iter().any(|failure| failure.name == name && failure.is_hazard());
    let names: Vec<String> = found.cluster.names().map(|name| named(name, is_hazard(name))).collect();
    match &names[..] {
        [one] => one.clone(),
        [one, other] => format!("{one} and {other}"),
        [one, rest @ ..] => format!("{one} and {} more", rest.len()),
        [] => "nothing".to_owned(),
    }
}

/// The names of what failed, for the name of a folder.
pub fn short_title(found: &Found) -> String {
    let names: Vec<&str> = found.cluster.names().collect();
    names.join(" and ")
}

/// A failing name in words.
fn named(name: &str, is_hazard: bool) -> String {
    match name.split_once(':') {
        Some(("app", app)) => format!("app \"{app}\" does not finish as it should"),
        Some(("oracle", oracle)) if is_hazard => format!("oracle {oracle} met a hazard"),
        Some(("oracle", oracle)) => format!("oracle {oracle} is broken"),
        Some(("fault", fault)) => format!("fault \"{fault}\" never acts"),
        Some(("must_fail", name)) => format!("\"{name}\" holds where it must fail"),
        _ if name == crate::failure::Failure::ERROR => "the run can't go on".to_owned(),
        _ => format!("\"{name}\" does not hold"),
    }
}

/// The ticket as Markdown. `files` are those beside it, scripts and capture among them.
pub fn ticket(found: &Found, evidence: &Evidence, from: &Origin, files: &[TicketFile]) -> String {
    let mut out = format!("# {}: {}\n", evidence.shrunk.name, title(found));
    what_failed(&mut out, found, evidence, from);
    repeat(&mut out, found, evidence, from);
    needed(&mut out, evidence);
    explained(&mut out, evidence);
    packets(&mut out, evidence);
    versions(&mut out, found, evidence, from, files);
    out
}

fn what_failed(out: &mut String, found: &Found, evidence: &Evidence, from: &Origin) {
    let Origin { description, quirks, .. } = from;
    if !description.is_empty() {
        out.push_str(&format!("\n{}\n", sentence(description)));
    }
    out.push_str("\n## What failed\n\n");
    for failure in &evidence.watched.run.failures {
        out.push_str(&format!("- {}\n", sentence(&failure.sentence)));
    }
    out.push_str(
        "\nThese are the words of the smallest run that fails in this way; the rest of this page is about that run. A \
         name like `HOST/NAME` is the end at that host of the connection to which its application gave that name.\n",
    );
    let seeds = found.seeds;
    let interval = seeds.interval().map_or_else(String::new, |interval| {
        let [share, low, high] = [seeds.value(), Some(interval.low), Some(interval.high)].map(percent);
        format!(" ({share}; 95 % interval {low} to {high})")
    });
    let cases = match &found.cases[..] {
        [case] if *case == evidence.shrunk.name => String::new(),
        [case] => format!(", in its case {}", code(case)),
        cases => {
            format!(", in its cases {}", cases.iter().map(|case| code(case)).collect::<Vec<_>>().join(", "))
        }
    };
    out.push_str(&format!(
        "\nThe experiment that it comes from, {}, fails in this way for {} of {} seeds{interval}{cases}, first for seed \
         {}. A seed stands for one draw of everything that is left to chance: which packets are lost, late, doubled or \
         damaged, and the numbers that hosts choose.\n",
        code(&evidence.shrunk.name),
        thousands(seeds.count),
        thousands(seeds.of),
        found.first.seed,
    ));
    out.push_str(&format!(
        "\nThe hosts are simulated by [faultwire]({HOME}), which runs whole TCP stacks over a network of its own in \
         virtual time: the same file gives the same run to the bit, on any machine, whatever its speed.\n\n",
    ));
    hosts(out, evidence, quirks);
}

/// What runs at each host. `known` are the quirks of the experiment that it comes from.
fn hosts(out: &mut String, evidence: &Evidence, known: &[String]) {
    for host in &evidence.case.plan.hosts {
        let name = &evidence.case.plan.places[host.place.index()];
        let addresses: Vec<String> =
            host.config.interfaces.iter().map(|interface| interface.address.to_string()).collect();
        out.push_str(&format!(
            "- **{name}** ({}) behaves as {}\n",
            addresses.join(", "),
            stack(&host.stack.profile)
        ));
    }
    let quirks = &evidence.watched.run.report.quirks;
    if quirks.is_empty() && !known.is_empty() {
        out.push_str(&format!(
            "\nBugs were put into stacks of the experiment on purpose (quirks: {}); this failure needs none of them.\n",
            known.join(", ")
        ));
    }
    if !quirks.is_empty() {
        out.push_str("\n**Bugs were put into these stacks on purpose (quirks):**\n\n");
    }
    for quirk in quirks {
        out.push_str(&format!(
            "- **{}** at {}: {} Source: {}\n",
            quirk.name,
            quirk.host,
            sentence(quirk.what),
            sentence(quirk.source)
        ));
    }
}

fn stack(profile: &str) -> String {
    match profile {
        "linux" => "Linux 6.x does (profile `linux`)".into(),
        "freebsd" => "FreeBSD 15 does (profile `freebsd`)".into(),
        "rfc" => "the standards say to the letter (profile `rfc`)".into(),
        other => format!("profile `{other}` says"),
    }
}

fn repeat(out: &mut String, found: &Found, evidence: &Evidence, from: &Origin) {
    out.push_str(&format!(
        "\n## How to see it\n\nWith faultwire {} (`cargo install --git {HOME} faultwire-cli`), in this folder:\n\n```sh\n",
        env!("CARGO_PKG_VERSION")
    ));
    let width = from.steps.iter().map(|step| step.command.chars().count()).max().unwrap_or(0);
    for TicketStep { command, what } in &from.steps {
        out.push_str(&format!("{command:<width$}  # {what}\n"));
    }
    out.push_str(&format!(
        "```\n\nThe original experiment with seed {}, from where the hunt was:\n\n```sh\n{}\n```\n",
        found.smallest.seed, from.original
    ));
    if evidence.minimal_is_replay {
        out.push_str(
            "\nThe smallest form is a replay file and not an experiment: something that chance did there has no name \
             among faults. Every command takes it as it takes an experiment; run again, its exit status is 0 if it is \
             what was recorded, failures included.\n",
        );
    }
}

fn needed(out: &mut String, evidence: &Evidence) {
    let shrunk = &evidence.shrunk;
    out.push_str("\n## What it takes\n\n");
    let by_chance = shrunk.by_chance();
    match shrunk.faults.len() + by_chance.len() {
        0 => out.push_str("No fault has to be put into the network: it fails without any.\n"),
        1 => out.push_str("One thing has to go wrong in the network:\n\n"),
        count => out.push_str(&format!("{} things have to go wrong in the network:\n\n", in_words(count))),
    }
    for (index, (name, what)) in shrunk.faults.iter().enumerate() {
        out.push_str(&format!("{}. **{name}**: {}\n", index + 1, sentence(what)));
    }
    for (index, what) in by_chance.iter().take(DECISIONS_SHOWN).enumerate() {
        let number = shrunk.faults.len() + index + 1;
        out.push_str(&format!("{number}. **by chance**: {}\n", sentence(what)));
    }
    if by_chance.len() > DECISIONS_SHOWN {
        let more = by_chance.len() - DECISIONS_SHOWN;
        out.push_str(&format!(
            "\n{more} more things that chance did are in `{}`.\n",
            evidence.minimal_name()
        ));
    }
    out.push_str("\n| | as found | smallest form |\n|---|---:|---:|\n");
    for (what, was, left) in measures(&shrunk.before, &shrunk.after) {
        out.push_str(&format!("| {what} | {was} | {left} |\n"));
    }
    let lines = evidence.minimal.lines().count();
    if !evidence.minimal_is_replay && lines <= LINES_SHOWN {
        out.push_str(&format!(
            "\nThis is all of `minimal.json`:\n\n```json\n{}\n```\n",
            evidence.minimal.trim_end()
        ));
    }
    if let Some(cut) = &shrunk.cut {
        out.push_str(&format!(
            "\nThe search for a smaller form ended early after {} tries ({}); a smaller one may exist.\n",
            thousands(shrunk.tried),
            match cut {
                crate::shrink::Cut::Tries => "no more were allowed",
                crate::shrink::Cut::Interrupted => "it was interrupted",
            }
        ));
    }
}

fn measures(before: &Measure, after: &Measure) -> Vec<(&'static str, String, String)> {
    let rows = [
        ("decisions of chance (losses, delays, copies…)", before.decisions, after.decisions),
        ("faults with a name", before.faults, after.faults),
        ("hosts and routers", before.nodes, after.nodes),
        ("apps", before.apps, after.apps),
        ("packets", before.packets, after.packets),
    ];
    let time = |nanos: u64| Duration::from_nanos(nanos / 1_000 * 1_000).to_string();
    let rows = rows.into_iter().filter(|(_, was, left)| was + left > 0);
    rows.map(|(what, was, left)| (what, thousands(was), thousands(left)))
        .chain([("virtual time", time(before.end_ns), time(after.end_ns))])
        .collect()
}

fn explained(out: &mut String, evidence: &Evidence) {
    if evidence.answers.is_empty() {
        return;
    }
    let legend = Legend::of(&evidence.case.plan);
    out.push_str(
        "\n## Why it fails\n\nFrom the failure back to its causes: when, where, what, and by which rule. Packets have the \
         numbers (#) that they have below and in the capture's comments.\n\n```text\n",
    );
    let texts: Vec<String> = (evidence.answers.iter().chain(&evidence.inevitable))
        .map(|answer| answer.tell(&legend, Voice { width: WIDTH }))
        .collect();
    out.push_str(texts.join("\n").trim_end());
    out.push_str("\n```\n");
}

fn packets(out: &mut String, evidence: &Evidence) {
    let legend = Legend::of(&evidence.case.plan);
    let options = LadderOptions { width: WIDTH, ..LadderOptions::default() };
    let marks = Marks {
        packets: evidence.answers.iter().flat_map(|answer| answer.chain.packets()).collect(),
        meaning: "what the explanation above is about".to_owned(),
        ..Marks::default()
    };
    let text = marked_ladder(&legend, &evidence.watched.trace, options, &marks);
    out.push_str(&format!("\n## The packets\n\n```text\n{}\n```\n", text.trim_end()));
}

fn versions(out: &mut String, found: &Found, evidence: &Evidence, from: &Origin, files: &[TicketFile]) {
    out.push_str("\n## Files\n\n");
    for file in files {
        out.push_str(&format!("- `{}`: {}\n", file.name, file.what));
    }
    out.push_str(&format!(
        "\nfaultwire {}, cluster {}, experiment {}; fingerprint of the smallest form `{}`, of the run as found `{}`. Found by\n\n```sh\n{}\n```\n",
        env!("CARGO_PKG_VERSION"),
        found.cluster.id(),
        from.digest,
        evidence.watched.run.report.fingerprint,
        evidence.recorded.fingerprint,
        from.hunt,
    ));
}

/// A small number at the beginning of a sentence.
fn in_words(count: usize) -> String {
    let words = ["No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten"];
    words.get(count).map_or_else(|| count.to_string(), |word| (*word).to_owned())
}

/// A sentence ends with a full stop.
fn sentence(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with('.') { text.to_owned() } else { format!("{text}.") }
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

/// A share as a percentage with two significant digits.
fn percent(share: Option<f64>) -> String {
    let percent = share.unwrap_or(0.0) * 100.0;
    match percent {
        p if p == 0.0 || p >= 10.0 => format!("{p:.0} %"),
        p if p >= 1.0 => format!("{p:.1} %"),
        p => format!("{p:.2} %"),
    }
}

#[cfg(test)]
mod tests;
