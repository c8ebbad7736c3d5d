use faultwire_base::{Duration, Instant};
use faultwire_link::{Change, Loss, NameId};

use crate::experiment::{Overrides, parse};
use crate::plan::{AppPlan, HostChange, Plan, ReadUntil, Step};

/// The plan of a file with these hosts, links and further keys.
fn plan(rest: &str) -> Plan {
    let text = format!("{{ \"name\": \"x\", {rest} }}");
    let experiment =
        parse(text.as_bytes(), "x", &Overrides::default()).unwrap_or_else(|error| panic!("{error}"));
    (*experiment.cases[0].plan).clone()
}

fn problem(rest: &str) -> String {
    let text = format!("{{ \"name\": \"x\", {rest} }}");
    parse(text.as_bytes(), "x", &Overrides::default()).unwrap_err().to_string()
}

const PAIR: &str = "\"hosts\": { \"a\": {}, \"b\": {} }, \"links\": [ { \"name\": \"w\", \"between\": [\"a\", \"b\"], \"delay\": \"1ms\" } ]";

fn with_apps(apps: &str) -> Plan {
    plan(&format!("{PAIR}, \"apps\": [ {apps} ]"))
}

fn with_faults(faults: &str) -> Plan {
    plan(&format!("{PAIR}, \"faults\": [ {faults} ]"))
}

fn app<'p>(plan: &'p Plan, name: &str) -> &'p AppPlan {
    plan.apps.iter().find(|app| &*app.name == name).unwrap_or_else(|| panic!("no app {name}"))
}

fn name(plan: &Plan, full: &str) -> NameId {
    let index =
        plan.names.iter().position(|name| &**name == full).unwrap_or_else(|| panic!("no socket {full}"));
    NameId(index as u32)
}

fn at(millis: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(millis)
}

#[test]
fn places_are_ranked_by_name() {
    let plan = plan(
        "\"hosts\": { \"z\": {}, \"a\": {} }, \"routers\": { \"m\": {} }, \"links\": [
           { \"name\": \"w2\", \"between\": [\"z\", \"m\"] }, { \"name\": \"w1\", \"between\": [\"m\", \"a\"] } ]",
    );
    let places: Vec<&str> = plan.places.iter().map(|place| &**place).collect();
    assert_eq!(places, ["a", "m", "w1>a", "w1>m", "w2>m", "w2>z", "z"]);
    let directions: Vec<&str> = plan.directions.iter().map(|it| &*plan.places[it.place.index()]).collect();
    assert_eq!(directions, ["w1>a", "w1>m", "w2>m", "w2>z"]);
    assert!(plan.hosts.is_sorted_by_key(|host| host.place));
    for direction in &plan.directions {
        assert!(
            plan.places[direction.place.index()]
                .ends_with(&format!(">{}", plan.places[direction.to.index()]))
        );
        assert_ne!(direction.from, direction.to);
    }
}

/// Fewest hops; of equals the direction with the first name; hosts don't forward.
#[test]
fn routes_are_shortest_and_stable() {
    let plan = plan(
        "\"hosts\": { \"a\": {}, \"b\": {}, \"h\": {} }, \"routers\": { \"r1\": {}, \"r2\": {}, \"r3\": {} },
         \"links\": [
           { \"name\": \"long\", \"between\": [\"a\", \"r3\"] }, { \"name\": \"l2\", \"between\": [\"r3\", \"r1\"] },
           { \"name\": \"y\", \"between\": [\"a\", \"r2\"] }, { \"name\": \"x\", \"between\": [\"a\", \"r1\"] },
           { \"name\": \"u\", \"between\": [\"r1\", \"b\"] }, { \"name\": \"v\", \"between\": [\"r2\", \"b\"] },
           { \"name\": \"s1\", \"between\": [\"a\", \"h\"] }, { \"name\": \"s2\", \"between\": [\"h\", \"b\"] } ]",
    );
    let host = |name: &str| plan.hosts.iter().find(|host| &*plan.places[host.place.index()] == name).unwrap();
    let address = |name: &str| host(name).config.interfaces[0].address;
    let (a, b) = (host("a"), address("b"));
    let next = a.routes.iter().find(|(to, _)| *to == b).unwrap().1;
    let direction = &plan.directions[next.0 as usize];
    // By h it would be two hops as well, but h is a host; x>r1 stands before y>r2.
    assert_eq!(&*plan.places[direction.place.index()], "x>r1");
    assert!(a.routes.is_sorted());
}

#[test]
fn addresses_come_from_names_alone() {
    let before = plan(PAIR);
    let after = plan(
        "\"hosts\": { \"0\": {}, \"a\": {}, \"b\": { \"address\": [\"ipv4\", \"ipv6\"] } },
         \"links\": [ { \"name\": \"w\", \"between\": [\"a\", \"b\"] } ]",
    );
    assert_eq!(before.hosts[0].config.interfaces[0].address, after.hosts[1].config.interfaces[0].address);
    let b: Vec<_> = after.hosts[2].config.interfaces.iter().map(|it| it.address).collect();
    assert_eq!(before.hosts[1].config.interfaces[0].address, b[0]);
    assert!(b[0].to_string().starts_with("10.") && b[1].to_string().starts_with("fd"), "{b:?}");
}

#[test]
fn a_direction_overrides_its_link() {
    let plan = plan(
        "\"hosts\": { \"a\": {}, \"b\": {} }, \"links\": [ { \"name\": \"w\", \"between\": [\"a\", \"b\"],
           \"delay\": \"5ms\", \"loss\": \"1%\", \"mtu\": 9000,
           \"towards\": { \"b\": { \"loss\": { \"model\": \"pattern\", \"pattern\": \"..x\" }, \"rate\": \"1Mbit\" } } } ]",
    );
    let [to_a, to_b] = &plan.directions[..] else { panic!() };
    assert!(matches!(to_a.config.loss, Some(Loss::Random { .. })) && to_a.config.rate.is_none());
    assert_eq!(to_b.config.loss, Some(Loss::Pattern(vec![false, false, true].into())));
    assert_eq!((to_b.config.delay, to_b.config.mtu), (Duration::from_millis(5), Some(9_000)));
    assert_eq!(plan.hosts[0].config.interfaces[0].mtu, 9_000);
}

#[test]
fn bulk_expands_to_both_ends() {
    let plan = with_apps(
        "{ \"name\": \"t\", \"on\": \"a\", \"start\": \"1s\", \"bulk\": { \"to\": \"b:5001\", \"size\": \"1MiB\" } }",
    );
    let (client, server) = (app(&plan, "t"), app(&plan, "t@b"));
    assert_eq!((client.start, server.start), (at(1_000), Instant::ZERO));
    let kinds = |app: &AppPlan| app.steps.iter().map(|it| verb(&it.step)).collect::<Vec<_>>();
    assert_eq!(kinds(client), ["connect", "write", "close"]);
    assert_eq!(kinds(server), ["listen", "accept", "read", "close"]);
    let Step::Accept { name: accepted, .. } = server.steps[1].step else { panic!() };
    assert_eq!(accepted, name(&plan, "b/t"));
    assert_ne!(name(&plan, "a/t"), accepted);
}

#[test]
fn bulk_in_other_directions_and_many_at_once() {
    let plan = with_apps(
        "{ \"name\": \"r\", \"on\": \"a\", \"bulk\": { \"to\": \"b:1\", \"size\": \"1B\", \"direction\": \"receive\" } },
         { \"name\": \"d\", \"on\": \"a\", \"bulk\": { \"to\": \"b:2\", \"size\": \"1B\", \"direction\": \"both\" } },
         { \"name\": \"m\", \"on\": \"a\", \"bulk\": { \"to\": \"b:10\", \"size\": \"1B\", \"flows\": 3 } }",
    );
    let kinds = |name: &str| app(&plan, name).steps.iter().map(|it| verb(&it.step)).collect::<Vec<_>>();
    assert_eq!(kinds("r"), ["connect", "read", "close"]);
    assert_eq!(kinds("r@b"), ["listen", "accept", "write", "close"]);
    assert_eq!(kinds("d"), ["connect", "write", "shutdown"]);
    assert_eq!(kinds("d.read"), ["read"]);
    assert_eq!(kinds("d@b.read"), ["read"]);
    let Step::Read { on, .. } = app(&plan, "d@b.read").steps[0].step else { panic!() };
    assert_eq!(on, name(&plan, "b/d"));
    for (flow, port) in [("m.1", 10), ("m.2", 11), ("m.3", 12)] {
        let Step::Connect { to, .. } = app(&plan, flow).steps[0].step else { panic!() };
        assert_eq!(to.port(), port);
    }
}

#[test]
fn other_generators_repeat() {
    let plan = with_apps(
        "{ \"name\": \"q\", \"on\": \"a\", \"request_response\": { \"to\": \"b:1\", \"request\": \"10B\", \"response\": \"20B\", \"count\": 5, \"think\": \"1s\" } },
         { \"name\": \"c\", \"on\": \"a\", \"churn\": { \"to\": \"b:2\", \"connections\": 7, \"parallel\": 3, \"closes\": \"server\" } },
         { \"name\": \"o\", \"on\": \"a\", \"on_off\": { \"to\": \"b:3\", \"rate\": \"8kbit\", \"on\": \"10s\", \"off\": \"5s\", \"count\": 4 } },
         { \"name\": \"p\", \"on\": \"a\", \"on_off\": { \"to\": \"b:4\", \"rate\": \"8kbit\", \"on\": \"10s\", \"off\": \"5s\", \"protocol\": \"tcp\" } }",
    );
    let steps = |name: &str| app(&plan, name).steps.iter().map(|it| it.step.clone()).collect::<Vec<_>>();
    let kinds = |name: &str| steps(name).iter().map(verb).collect::<Vec<_>>();
    assert_eq!(kinds("q"), ["connect", "write", "read", "sleep", "repeat", "close"]);
    assert_eq!(kinds("q@b"), ["listen", "accept", "read", "write", "repeat", "read", "close"]);
    assert!(matches!(steps("q")[4], Step::Repeat { to: 1, times: 5 }));
    assert_eq!(kinds("c.1"), ["connect", "write", "read", "read", "close", "repeat"]);
    assert_eq!(kinds("c.1@b"), ["listen", "accept", "read", "write", "close", "repeat"]);
    assert_eq!(kinds("c.2@b"), ["accept", "read", "write", "close", "repeat"]);
    assert!(matches!(steps("c.1")[5], Step::Repeat { to: 0, times: 3 }));
    assert!(matches!(steps("c.3@b")[4], Step::Repeat { to: 0, times: 2 }));
    // 8 kbit/s are one datagram of 1,000 octets a second.
    let Step::SendTo { count, interval, .. } = steps("o")[0] else { panic!() };
    assert_eq!((count, interval), (10, Duration::from_secs(1)));
    assert!(matches!(steps("o@b")[1], Step::RecvFrom { count: Some(40), .. }));
    assert!(app(&plan, "o@b").may_be_unfinished);
    let Step::Write { size, .. } = steps("p")[1] else { panic!() };
    assert_eq!(size.as_u64(), 10_000);
}

fn verb(step: &Step) -> &'static str {
    match step {
        Step::Listen { .. } => "listen",
        Step::Connect { .. } => "connect",
        Step::Accept { .. } => "accept",
        Step::Write { .. } => "write",
        Step::Read { .. } => "read",
        Step::Wait { .. } => "wait",
        Step::Sleep { .. } => "sleep",
        Step::SetSocketOption { .. } => "setsockopt",
        Step::GetSocketOption { .. } => "getsockopt",
        Step::Shutdown { .. } => "shutdown",
        Step::Close { .. } => "close",
        Step::Abort { .. } => "abort",
        Step::SendTo { .. } => "send_to",
        Step::RecvFrom { .. } => "recv_from",
        Step::Repeat { .. } => "repeat",
    }
}

#[test]
fn steps_use_the_latest_socket() {
    let plan = with_apps(
        "{ \"name\": \"s\", \"on\": \"b\", \"listen\": 80, \"as\": \"door\", \"run\": [
             { \"accept\": \"one\" }, { \"read\": \"eof\" }, { \"accept\": \"two\" }, { \"write\": \"1B\" },
             { \"write\": \"1B\", \"on\": \"one\" }, { \"close\": \"two\" }, { \"close\": \"one\" } ] },
         { \"name\": \"c\", \"on\": \"a\", \"run\": [ { \"connect\": \"b:80\" }, { \"setsockopt\": { \"TCP_NODELAY\": 1, \"TCP_QUICKACK\": 0 } },
             { \"read\": \"1B\", \"fails\": \"ECONNRESET\" } ] },
         { \"name\": \"u\", \"on\": \"a\", \"run\": [ { \"send_to\": \"b:9\", \"size\": \"1B\" }, { \"send_to\": \"b:9\", \"size\": \"2B\" },
             { \"send_to\": \"b:9\", \"size\": \"2B\", \"as\": \"other\" }, { \"recv_from\": 1 } ] }",
    );
    let sockets = |app: &AppPlan| app.steps.iter().filter_map(|it| it.step.socket()).collect::<Vec<_>>();
    let id = |full: &str| name(&plan, full);
    let server = app(&plan, "s");
    assert!(matches!(server.steps[0].step, Step::Listen { port: 80, name, .. } if name == id("b/door")));
    assert!(
        matches!(server.steps[2].step, Step::Read { on, until: ReadUntil::Eof, .. } if on == id("b/one"))
    );
    assert!(matches!(server.steps[4].step, Step::Write { on, .. } if on == id("b/two")));
    assert!(matches!(server.steps[5].step, Step::Write { on, .. } if on == id("b/one")));
    let client = app(&plan, "c");
    assert_eq!(client.steps.len(), 4);
    assert!(client.steps[3].fails.is_some() && client.steps[1].fails.is_none());
    assert_eq!(sockets(app(&plan, "u")), [id("a/u"), id("a/u"), id("a/other"), id("a/other")]);
}

#[test]
fn targeted_faults_sit_on_their_directions() {
    let plan = with_faults(
        "{ \"name\": \"one\", \"towards\": \"b\", \"match\": { \"kind\": \"data\", \"byte\": \"1KiB\" }, \"do\": { \"delay\": \"1s\" } },
         { \"name\": \"two\", \"match\": {}, \"do\": { \"hold\": { \"until\": { \"host\": \"a\", \"state\": \"TIME_WAIT\", \"plus\": \"1s\" } } } },
         { \"name\": \"three\", \"towards\": \"a\", \"match\": { \"fields\": { \"window\": 0 } }, \"do\": { \"rewrite\": { \"window\": 100 } } }",
    );
    let on = |direction: usize| {
        let faults = &plan.directions[direction].config.faults;
        faults.iter().map(|fault| &*fault.name).collect::<Vec<_>>()
    };
    assert_eq!((on(0), on(1)), (vec!["two", "three"], vec!["one", "two"]));
    assert_eq!(plan.directions[1].config.faults[0].matching.byte, Some(1_024));
    assert_eq!(plan.faults[1].targets.len(), 2);
    assert_eq!(plan.faults[1].awaits.as_ref().map(|awaits| awaits.plus), Some(Duration::from_secs(1)));
    for fault in &plan.faults {
        for &(direction, index) in &fault.targets {
            let placed = &plan.directions[direction.0 as usize].config.faults[index as usize];
            assert_eq!(placed.name, fault.name);
        }
    }
}

fn changes(plan: &Plan, direction: usize) -> Vec<(u64, String)> {
    let changes = plan.directions[direction].config.changes.iter();
    changes.map(|it| (it.at.as_nanos() / 1_000_000_000, format!("{:?}", it.change))).collect()
}

/// A cut that overlaps another lasts as long as the later of both.
#[test]
fn overlapping_cuts_end_with_the_last() {
    let plan = with_faults(
        "{ \"name\": \"x\", \"at\": \"1s\", \"until\": \"5s\", \"do\": \"cut\" },
         { \"name\": \"y\", \"at\": \"3s\", \"until\": \"8s\", \"do\": { \"partition\": { \"from\": \"a\", \"to\": \"b\" } }, \"in_flight\": \"drop\" }",
    );
    let cut = |drop: bool| format!("{:?}", Change::Cut { in_flight_drop: drop });
    assert_eq!(changes(&plan, 0), [(1, cut(false)), (5, "Uncut".to_owned())]);
    assert_eq!(changes(&plan, 1), [(1, cut(false)), (3, cut(true)), (8, "Uncut".to_owned())]);
}

#[test]
fn a_change_goes_back_to_what_was() {
    let plan = with_faults(
        "{ \"name\": \"slow\", \"towards\": \"b\", \"at\": \"1s\", \"until\": \"2s\", \"do\": { \"set\": { \"delay\": \"200ms\", \"loss\": \"5%\" } } },
         { \"name\": \"wait\", \"towards\": \"b\", \"at\": \"3s\", \"until\": \"4s\", \"do\": \"hold\" }",
    );
    assert!(changes(&plan, 0).is_empty());
    let changes = &plan.directions[1].config.changes;
    assert!(matches!(changes[0].change, Change::SetDelay(delay) if delay == Duration::from_millis(200)));
    assert!(matches!(changes[1].change, Change::SetLoss(Some(_))));
    assert!(matches!(changes[2].change, Change::SetDelay(delay) if delay == Duration::from_millis(1)));
    assert!(matches!(changes[3].change, Change::SetLoss(None)));
    assert!(matches!((&changes[4].change, &changes[5].change), (Change::HoldAll, Change::ReleaseAll)));
}

/// Healing ends every fault: what would come later does not, and hosts that are down come up.
#[test]
fn heal_ends_the_timeline() {
    let plan = plan(&format!(
        "{PAIR}, \"heal\": {{ \"at\": \"10s\", \"within\": \"1min\" }}, \"faults\": [
           {{ \"name\": \"x\", \"at\": \"1s\", \"until\": \"20s\", \"do\": \"cut\" }},
           {{ \"name\": \"down\", \"at\": \"2s\", \"on\": \"a\", \"do\": \"crash\" }},
           {{ \"name\": \"asleep\", \"at\": \"2s\", \"until\": \"3s\", \"on\": [\"b\"], \"do\": \"pause\" }} ]"
    ));
    assert_eq!(changes(&plan, 0).len(), 1);
    assert_eq!(plan.hosts[0].timeline, [(at(2_000), HostChange::Crash), (at(10_000), HostChange::Restart)]);
    assert_eq!(plan.hosts[1].timeline, [(at(2_000), HostChange::Pause), (at(3_000), HostChange::Resume)]);
}

#[test]
fn injections_are_relative_or_written_out() {
    let plan = plan(&format!(
        "{PAIR}, \"apps\": [ {{ \"name\": \"c\", \"on\": \"a\", \"run\": [ {{ \"connect\": \"b:80\", \"as\": \"s\" }} ] }} ],
         \"faults\": [ {{ \"name\": \"late\", \"at\": \"2s\", \"inject\": {{ \"from\": \"b:80\", \"to\": \"a:9\", \"flags\": \"SYN,ACK\", \"seq\": 7, \"payload\": \"3B\" }} }},
           {{ \"name\": \"rst\", \"at\": \"1s\", \"inject\": {{ \"to\": \"a/s\", \"flags\": \"RST\", \"seq\": \"rcv_nxt - 1\" }} }} ]"
    ));
    // In the order of time.
    let [first, second] = &plan.injections[..] else { panic!() };
    assert_eq!((first.at, second.at), (at(1_000), at(2_000)));
    let relative = first.relative.as_ref().unwrap();
    assert_eq!((relative.target, relative.seq_from_rcv_nxt), (name(&plan, "a/s"), Some(-1)));
    assert_eq!((relative.ack_from_snd_una, relative.ack_from_snd_nxt), (None, None));
    assert_eq!(&*plan.places[plan.directions[second.direction.0 as usize].place.index()], "w>a");
    assert_eq!(second.packet.length(), 43);
    assert!(second.relative.is_none());
}

#[test]
fn no_fault_begins_after_heal() {
    let late = problem(&format!(
        "{PAIR}, \"heal\": {{ \"at\": \"10s\", \"within\": \"1s\" }}, \"faults\": [ {{ \"name\": \"x\", \"at\": \"10s\", \"do\": \"cut\" }} ]"
    ));
    assert!(late.contains("faults.x.at: this is not before \"heal\" at 10s"), "{late}");
}

#[test]
fn what_would_do_nothing_is_refused() {
    let fault = |rest: &str| problem(&format!("{PAIR}, \"faults\": [ {{ \"name\": \"f\", {rest} }} ]"));
    for (rest, words) in [
        ("\"at\": \"1s\", \"until\": \"2s\", \"do\": \"heal\"", "does not go with"),
        ("\"at\": \"1s\", \"do\": \"crash\"", "say \"on\" which host"),
        ("\"at\": \"1s\", \"do\": \"restart\", \"on\": \"a\", \"until\": \"2s\"", "has no end"),
        ("\"at\": \"1s\", \"do\": { \"set\": {} }", "nothing is set"),
        ("\"at\": \"1s\", \"do\": { \"partition\": [[\"a\"], [\"a\"]] }", "two groups"),
        ("\"match\": { \"after\": \"2s\", \"before\": \"1s\" }, \"do\": \"drop\"", "nothing can match"),
        ("\"match\": {}, \"do\": { \"rewrite\": { \"seq\": 1, \"ack\": 2 } }", "exactly one header field"),
        ("\"match\": { \"fields\": { \"flags\": 600 } }, \"do\": \"drop\"", "more than this field can hold"),
    ] {
        let problem = fault(rest);
        assert!(problem.contains(words), "{rest}: {problem}");
    }
}
