//! Quirks of hosts: how they are written, what is refused, and that nobody overlooks them.

use faultwire_sim::experiment::{self, Overrides};
use faultwire_sim::fingerprint::Fingerprint;
use faultwire_sim::plan::Experiment;
use faultwire_sim::record::Silent;
use faultwire_sim::report::CaseReport;
use faultwire_sim::run::{Judging, run_case};
use faultwire_tcp::Quirk;

fn text(server: &str) -> String {
    format!(
        r#"{{
  "name": "quirks",
  "hosts": {{ "client": {{}}, "server": {{ {server} }} }},
  "links": [ {{ "name": "wire", "between": ["client", "server"], "delay": "10ms" }} ],
  "apps": [ {{ "name": "transfer", "on": "client", "bulk": {{ "to": "server:80", "size": "20KiB" }} }} ],
  "expect": [ {{ "name": "nothing again", "at": "client/transfer", "counter": "retransmissions", "value": 0 }} ]
}}"#
    )
}

fn read(server: &str, set: &[&str]) -> Result<Experiment, String> {
    let set = set.iter().map(|assignment| (*assignment).to_owned()).collect();
    let overrides = Overrides { set, ..Overrides::default() };
    experiment::parse(text(server).as_bytes(), "quirks.json", &overrides)
        .map_err(|problem| problem.to_string())
}

fn run(server: &str, set: &[&str]) -> (CaseReport, Fingerprint) {
    let experiment = read(server, set).unwrap();
    let run = run_case(&experiment.cases[0], Judging::default(), &mut Silent);
    (run.report, run.fingerprint)
}

fn refused(server: &str) -> String {
    read(server, &[]).unwrap_err()
}

/// One or several, in the file or by `--set`; the table's order, whatever the file's.
#[test]
fn quirks_are_words_or_lists_of_words() {
    let of = |server, set: &[&str]| read(server, set).unwrap().cases[0].plan.hosts[1].stack.quirks.clone();
    assert_eq!(of("", &[]), []);
    assert_eq!(of(r#""quirks": "no_paws""#, &[]), [Quirk::NoPaws]);
    let both = [Quirk::StretchAcks, Quirk::NoPaws];
    assert_eq!(of(r#""quirks": ["no_paws", "stretch_acks"]"#, &[]), both);
    assert_eq!(of("", &["hosts.server.quirks=no_paws"]), [Quirk::NoPaws]);
    assert_eq!(of("", &[r#"hosts.server.quirks=["no_paws","stretch_acks"]"#]), both);
    assert_eq!(of(r#""quirks": "no_paws""#, &["hosts.server.quirks=[]"]), []);
}

/// The report names host, quirk and source; without quirks it says nothing of them, and is as it always was.
#[test]
fn the_report_is_loud() {
    let (clean, _) = run("", &[]);
    assert!(!serde_json::to_string(&clean).unwrap().contains("\"quirks\":"));
    let (report, _) = run(r#""quirks": "no_paws""#, &[]);
    let json: serde_json::Value = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    let quirk = &json["quirks"][0];
    assert_eq!((quirk["host"].as_str(), quirk["name"].as_str()), (Some("server"), Some("no_paws")));
    assert_eq!(quirk["what"].as_str(), Some(Quirk::NoPaws.what()));
    assert_eq!(quirk["source"].as_str(), Some(Quirk::NoPaws.source()));
}

/// A quirk that makes no difference to the packets still makes one to the fingerprint, and another one for each host.
#[test]
fn the_fingerprint_tells_of_a_quirk() {
    let (_, clean) = run("", &[]);
    let (_, empty) = run(r#""quirks": []"#, &[]);
    let (_, server) = run("", &["hosts.server.quirks=no_paws"]);
    let (_, client) = run("", &["hosts.client.quirks=no_paws"]);
    assert_eq!(clean, empty);
    assert!(clean != server && clean != client && server != client);
    assert_eq!(server, run("", &["hosts.server.quirks=no_paws"]).1);
}

/// `check` says which host has what.
#[test]
fn check_notes_a_quirk() {
    let experiment = read(r#""quirks": "no_paws""#, &[]).unwrap();
    let notes = experiment::notes(&experiment);
    assert!(
        notes[0].starts_with("the host \"server\" has a quirk: no_paws. A timestamp of long ago"),
        "{notes:?}"
    );
}

#[test]
fn mistakes_are_told_with_their_remedy() {
    let unknown = refused(r#""quirks": ["no_zero_window_prob"]"#);
    assert!(unknown.contains("did you mean \"no_zero_window_probe\"?"), "{unknown}");
    assert!(unknown.contains("hosts.server.quirks"), "{unknown}");
    let unknown = refused(r#""quirks": "karn""#);
    assert!(unknown.contains("karn_ignored"), "{unknown}");
    let twice = refused(r#""quirks": ["no_paws", "no_paws"]"#);
    assert!(twice.contains("written twice"), "{twice}");
    let both = refused(r#""quirks": ["old_duplicate_reset", "old_duplicate_unanswered"]"#);
    assert!(both.contains("are two ways of one rule"), "{both}");
    let number = refused(r#""quirks": 3"#);
    assert!(number.contains("expected"), "{number}");
    let same = refused(
        r#""stack": "freebsd", "quirks": "reset_anywhere_in_window", "sysctl": { "net.inet.tcp.insecure_rst": 1 }"#,
    );
    assert!(same.contains("changes nothing here"), "{same}");
}

/// Every word of the table is in the grammar and in its schema, with what it means.
#[test]
fn the_schema_has_every_quirk() {
    let schema = experiment::schema().to_string();
    for quirk in Quirk::ALL {
        let (report, _) = run(&format!(r#""quirks": "{quirk}""#), &[]);
        assert_eq!(report.quirks[0].name, quirk.as_str());
        assert!(schema.contains(quirk.as_str()) && schema.contains(quirk.what()), "{quirk}");
    }
}
