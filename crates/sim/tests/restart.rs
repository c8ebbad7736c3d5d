//! A host that crashes and comes back is in its next life, with the next boot number (DESIGN D3, §5).

use faultwire_sim::experiment::{Overrides, parse};
use faultwire_sim::record::{Event, Record, Sink};
use faultwire_sim::world::World;

/// Boot numbers of the conversations that were opened, each once, in order.
#[derive(Default)]
struct Boots(Vec<u16>);

impl Sink for Boots {
    fn record(&mut self, record: &Record<'_>) {
        if let Event::Opened { flow, .. } = record.event
            && self.0.last() != Some(&flow.boot)
        {
            self.0.push(flow.boot);
        }
    }
}

fn boots(faults: &str) -> Vec<u16> {
    let text = format!(
        r#"{{ "name": "t", "description": "d", "hosts": {{ "client": {{}}, "server": {{}} }},
          "links": [ {{ "name": "wire", "between": ["client", "server"], "delay": "10ms" }} ],
          "apps": [
            {{ "name": "sink", "on": "server", "listen": 80, "may_be_unfinished": true, "run": [
              {{ "accept": "one" }}, {{ "accept": "two" }}, {{ "accept": "three" }} ] }},
            {{ "name": "source", "on": "client", "may_be_unfinished": true, "run": [
              {{ "connect": "server:80", "as": "c" }}, {{ "sleep": "1h" }} ] }} ],
          "faults": [ {faults} ], "stop": {{ "at": "1min" }} }}"#
    );
    let experiment = parse(text, "test", &Overrides::default()).unwrap_or_else(|error| panic!("{error}"));
    let mut boots = Boots::default();
    World::new(&experiment.cases[0].plan).run(&mut boots);
    boots.0
}

#[test]
fn each_life_counts_once() {
    let crash = |name: &str, at: &str, word: &str| {
        format!(r#"{{ "name": "{name}", "on": "client", "at": "{at}", "do": "{word}" }}"#)
    };
    let twice = [
        crash("a", "1s", "crash"),
        crash("b", "2s", "restart"),
        crash("c", "3s", "crash"),
        crash("d", "4s", "restart"),
    ];
    assert_eq!(boots(&twice.join(", ")), [1, 2, 3]);
    // A restart without a crash before it is both at once.
    assert_eq!(boots(&crash("a", "1s", "restart")), [1, 2]);
}
