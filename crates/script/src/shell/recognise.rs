//! Which commands are known, and what they ask for.

use faultwire_base::Duration;

use super::words::{Pipeline, Simple, pipelines};
use super::{Action, is_address, socket_table};

/// Reads a text, which may hold several commands.
pub(super) fn recognise(text: &str) -> Result<Vec<Action>, String> {
    nested(text, 0)
}

/// `sh -c` inside `sh -c`, at most.
const DEPTH_MAX: u32 = 3;

fn nested(text: &str, depth: u32) -> Result<Vec<Action>, String> {
    let mut actions = Vec::new();
    let mut before_asserts = false;
    for pipeline in pipelines(text)? {
        if pipeline.otherwise {
            if before_asserts {
                return Err("|| behind a state check".into());
            }
            // What is known succeeds, so this does not run.
            continue;
        }
        let asked = of_pipeline(&pipeline, depth)?;
        before_asserts = asked.iter().any(|action| matches!(action, Action::CountSockets(_)));
        actions.extend(asked);
    }
    Ok(actions)
}

/// Names that are known, for the nearest of them.
const KNOWN: &[&str] = &[
    "defaults.sh",
    "echo",
    "ethtool",
    "exit",
    "false",
    "ip",
    "kldload",
    "kldstat",
    "modprobe",
    "nstat",
    "printf",
    "set_sysctls.py",
    "sleep",
    "sockstat",
    "sysctl",
    "tc",
    "tcpdrop",
    "true",
];

fn unknown(what: &str) -> String {
    let name = what.split_whitespace().next().unwrap_or_default();
    let distance = |known: &&&str| strsim::damerau_levenshtein(known, name);
    // Further off it is no slip of the pen, and a name would only mislead.
    let near = |known: &&&str| distance(known) * 2 < name.len();
    match KNOWN.iter().filter(near).min_by_key(distance) {
        Some(nearest) => format!("the command {what:?} is not known here; the nearest is {nearest}"),
        None => format!("the command {what:?} is not known here"),
    }
}

fn of_pipeline(pipeline: &Pipeline, depth: u32) -> Result<Vec<Action>, String> {
    let (first, rest) = pipeline.commands.split_first().expect("a pipeline has a command");
    let written =
        || pipeline.commands.iter().map(|command| command.words.join(" ")).collect::<Vec<_>>().join(" | ");
    match (first.words[0].as_str(), rest) {
        ("sockstat", _) => socket_table::recognise(first, rest)
            .map(|count| vec![Action::CountSockets(count)])
            .ok_or_else(|| unknown(&written())),
        // Counters of the kernel: what a script looks up there is not judged.
        ("nstat", _) => Ok(Vec::new()),
        ("echo" | "printf", [tee]) if tee.words[0] == "tee" && tee.words.len() == 2 => {
            let output = Some(tee.words[1].clone());
            of_command(&Simple { output, ..first.clone() }, depth)
        }
        (_, []) => of_command(first, depth),
        _ => Err(unknown(&written())),
    }
}

fn of_command(command: &Simple, depth: u32) -> Result<Vec<Action>, String> {
    let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
    let (name, arguments) = words.split_first().expect("a command has a name");
    let written = || words.join(" ");
    if let Some(file) =
        command.output.as_deref().filter(|file| *file != "/dev/null" && *file != "/dev/stderr")
    {
        return match *name {
            "echo" | "printf" => Ok(vec![written_to(file, arguments)?]),
            _ => Err(format!("the output of {:?} into {file}", written())),
        };
    }
    if is_restore_script(name) {
        return Ok(Vec::new());
    }
    if words.iter().any(|word| word.contains('$')) {
        return Err(format!("a variable of the shell in {:?}", written()));
    }
    let base = name.rsplit('/').next().unwrap_or_default();
    let settled = match (base, arguments) {
        ("defaults.sh", []) => vec![Action::Defaults],
        ("set_sysctls.py", [_, ..]) => settings(arguments)?,
        ("sysctl", _) => sysctl(arguments)?,
        ("sh" | "bash", ["-c", text]) if depth < DEPTH_MAX => nested(text, depth + 1)?,
        ("sudo" | "sh" | "bash" | "python" | "python3" | "." | "source" | "env", [inner, ..])
            if !inner.starts_with('-') && depth < DEPTH_MAX =>
        {
            let inner = Simple { words: command.words[1..].to_vec(), output: None };
            of_command(&inner, depth + 1)?
        }
        ("ip", ["tcp_metrics", "flush", ..]) => vec![Action::FlushMetrics],
        ("ip", ["route" | "r", "change" | "replace", target, metrics @ ..]) if is_target(target) => {
            route(metrics).ok_or_else(|| unknown(&written()))?
        }
        ("ip", ["link", "set", "dev", "tun0", "up"] | ["link", "set", "tun0", "up"]) => Vec::new(),
        ("tc", ["qdisc", verb, arguments @ ..]) => {
            queue_discipline(verb, arguments).ok_or_else(|| unknown(&written()))?
        }
        // TCP builds bursts whatever the device can do (Linux 4.17 and later), and a burst is segments on this wire anyway.
        ("ethtool", ["-K", _, features @ ..]) if are_offloads(features) => Vec::new(),
        ("sleep", [time]) => vec![Action::Sleep(seconds(time).ok_or_else(|| unknown(&written()))?)],
        ("tcpdrop", ["-s", "TIME_WAIT"]) => vec![Action::DropTimeWait],
        ("kldload" | "kldunload", _) if is_known_module(arguments) => Vec::new(),
        ("modprobe", _) if is_known_module(arguments) => Vec::new(),
        ("kldstat", _) => Vec::new(),
        ("true" | ":" | "echo" | "printf" | "date", _) | ("exit", [] | ["0"]) => Vec::new(),
        _ => return Err(unknown(&written())),
    };
    Ok(settled)
}

/// The script that undoes what `set_sysctls.py` did: each script has a host of its own.
fn is_restore_script(name: &str) -> bool {
    let base = name.rsplit('/').next().unwrap_or_default();
    base.starts_with("sysctl_restore") && base.ends_with(".sh")
}

/// `k=v ...`, and switches that change nothing here.
fn sysctl(arguments: &[&str]) -> Result<Vec<Action>, String> {
    let mut actions = Vec::new();
    for argument in arguments {
        match argument.strip_prefix('-') {
            Some(letters)
                if !letters.is_empty() && letters.chars().all(|letter| "qwneN".contains(letter)) => {}
            Some(_) => return Err(format!("sysctl {argument}")),
            // What is only read changes nothing.
            None if !argument.contains('=') => {
                dotted(argument)?;
            }
            None => actions.extend(settings(&[argument])?),
        }
    }
    Ok(actions)
}

fn settings(arguments: &[&str]) -> Result<Vec<Action>, String> {
    let of = |argument: &&str| {
        let (name, value) =
            argument.split_once('=').ok_or_else(|| format!("{argument:?} without a value"))?;
        let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(Action::Sysctl { name: dotted(name.trim())?, value })
    };
    arguments.iter().map(of).collect()
}

/// The name with dots, of a name with dots or slashes or of a path below /proc/sys.
fn dotted(name: &str) -> Result<String, String> {
    let name = name.strip_prefix("/proc/sys/").unwrap_or(name).replace('/', ".");
    let roots = ["net.", "kern.", "vm.", "kernel.", "fs.", "hw.", "debug.", "security."];
    if roots.iter().any(|root| name.starts_with(root)) {
        Ok(name)
    } else {
        Err(format!("{name:?} is no sysctl"))
    }
}

/// `echo value > file`.
fn written_to(file: &str, words: &[&str]) -> Result<Action, String> {
    let words = words.strip_prefix(&["-n"]).unwrap_or(words);
    let value = words.join(" ").trim_end_matches("\\n").split_whitespace().collect::<Vec<_>>().join(" ");
    if value.is_empty() || value.contains('$') {
        return Err(format!("{value:?} into {file}"));
    }
    if file.starts_with("/proc/sys/") {
        return Ok(Action::Sysctl { name: dotted(file)?, value });
    }
    match file.strip_prefix("/sys/module/").and_then(|path| path.split_once("/parameters/")) {
        Some((module, parameter)) => Ok(Action::Setting { name: format!("{module}.{parameter}"), value }),
        None => Err(format!("echo into {file}")),
    }
}

fn is_target(word: &str) -> bool {
    word == "default" || is_address(word)
}

/// Metrics of the route to the peer; there is only that route.
fn route(words: &[&str]) -> Option<Vec<Action>> {
    let mut actions = Vec::new();
    let mut words = words.iter();
    while let Some(&word) = words.next() {
        let value = *words.next()?;
        let metric = |value: String| Action::Setting { name: format!("route.{word}"), value };
        match word {
            "dev" | "proto" | "scope" | "table" | "metric" => {}
            "via" | "src" if is_address(value) => {}
            "initcwnd" | "hoplimit" | "congctl" => actions.push(metric(value.to_owned())),
            "rto_min" => actions.push(metric(millis(value)?.to_string())),
            _ => return None,
        }
    }
    Some(actions)
}

/// `200ms`, `1s`, `5` (milliseconds).
fn millis(word: &str) -> Option<u64> {
    if let Some(seconds) = word.strip_suffix('s').filter(|rest| !rest.ends_with('m')) {
        return seconds.parse::<u64>().ok()?.checked_mul(1_000);
    }
    word.strip_suffix("ms").unwrap_or(word).parse().ok()
}

/// A queue without room loses everything; one with room changes nothing, for the wire is never busy.
fn queue_discipline(verb: &str, arguments: &[&str]) -> Option<Vec<Action>> {
    if verb == "show" {
        return Some(Vec::new());
    }
    let arguments = match arguments {
        ["dev", _, rest @ ..] => rest,
        _ => return None,
    };
    match (verb, arguments) {
        ("del" | "delete", ["root", ..]) => Some(vec![Action::LoseEgress(false)]),
        ("replace" | "add" | "change", ["root", rest @ ..]) => {
            let rest = if let ["handle", _, rest @ ..] = rest { rest } else { rest };
            match rest {
                ["pfifo" | "bfifo", "limit", limit] => {
                    Some(vec![Action::LoseEgress(limit.parse::<u64>().ok()? == 0)])
                }
                // One that is there already keeps its limit.
                ["pfifo" | "bfifo"] => Some(Vec::new()),
                ["pfifo_fast" | "fq" | "fq_codel" | "noqueue" | "mq"] => {
                    Some(vec![Action::LoseEgress(false)])
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn are_offloads(words: &[&str]) -> bool {
    let known =
        ["tso", "gso", "gro", "lro", "sg", "tx", "rx", "tx-checksumming", "generic-segmentation-offload"];
    !words.is_empty()
        && words.chunks(2).all(|pair| matches!(pair, [name, "on" | "off"] if known.contains(name)))
}

fn is_known_module(arguments: &[&str]) -> bool {
    let known =
        ["cc_newreno", "cc_cubic", "tcp_cubic", "tcp_reno", "cc_newreno.ko", "cc_cubic.ko", "tun", "if_tun"];
    let mut modules = arguments.iter().filter(|argument| !argument.starts_with('-')).peekable();
    modules.peek().is_some() && modules.all(|module| known.contains(module))
}

/// A decimal number of seconds.
fn seconds(word: &str) -> Option<Duration> {
    let word = word.strip_suffix('s').unwrap_or(word);
    let (whole, fraction) = word.split_once('.').unwrap_or((word, ""));
    if fraction.len() > 9
        || !fraction.bytes().all(|digit| digit.is_ascii_digit())
        || word.starts_with(['+', '-'])
    {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { whole.parse::<u32>().ok()? };
    let nanos = format!("{fraction:0<9}").parse::<u64>().ok()?;
    Some(Duration::from_secs(whole.into()) + Duration::from_nanos(nanos))
}
