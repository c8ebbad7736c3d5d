//! The text of an experiment: it means what the tree means, and reads as the files of the house do.

use std::fs;
use std::path::Path;

use super::pretty;
use crate::experiment::{Overrides, parse, parse_tree};

/// Every file of the house, through its canonical form and back.
#[test]
fn every_file_means_the_same_when_laid_out_anew() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs");
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        files += 1;
        let text = fs::read_to_string(&path).unwrap();
        let before = parse(&text, "file", &Overrides::default()).unwrap();
        for case in &before.cases {
            let tree = parse_tree(&before.effective, &case.name, case.plan.seed).unwrap();
            let page = pretty(&tree);
            let only = Overrides { case: Some(case.name.clone()), ..Overrides::default() };
            let again =
                parse(&page, "page", &Overrides::default()).unwrap_or_else(|error| panic!("{error}\n{page}"));
            assert_eq!(again.digest, parse(&text, "file", &only).unwrap().digest, "{page}");
            let longest = page.lines().filter(|line| !line.contains("\"description\"")).map(str::len).max();
            assert!(longest <= Some(115), "{page}");
        }
    }
    assert!(files >= 7, "{files} files");
}

#[test]
fn a_small_file_reads_as_a_person_writes_it() {
    let text = r#"{"name":"n","description":"d","seed":1,"hosts":{"a":{"stack":"rfc","address":"10.0.0.1"},"b":{}},
      "links":[{"delay":"5ms","between":["a","b"],"name":"wire"}],"apps":[
      {"on":"b","run":[{"accept":"x"},{"read":"eof"}],"listen":80,"name":"web"},
      {"on":"a","run":[{"as":"x","connect":"b:80"},{"write":"1B"},{"close":"x"}],"name":"user"}],
      "faults":[{"do":"drop","match":{"nth":1,"kind":"data","conn":"a/x"},"towards":"b","on":"wire","name":"lost"},
      {"name":"cut","do":"cut","until":"2s","at":"1s"}],
      "expect":[{"counter":"timeouts","at":"a/x","value":{"max":3,"min":1},"name":"timer"}]}"#;
    let page = pretty(&parse_tree(text, "n", 1).unwrap());
    let expected = r#"{
  "name": "n",
  "description": "d",
  "seed": 1,
  "hosts": {
    "a": { "stack": "rfc", "address": "10.0.0.1" },
    "b": {}
  },
  "links": [
    { "name": "wire", "between": ["a", "b"], "delay": "5ms" }
  ],
  "apps": [
    { "name": "web", "on": "b", "listen": 80, "run": [ { "accept": "x" }, { "read": "eof" } ] },
    { "name": "user", "on": "a", "run": [
      { "connect": "b:80", "as": "x" }, { "write": "1B" }, { "close": "x" } ] }
  ],
  "faults": [
    { "name": "lost", "on": "wire", "towards": "b", "match": { "conn": "a/x", "kind": "data", "nth": 1 },
      "do": "drop" },
    { "name": "cut", "at": "1s", "until": "2s", "do": "cut" }
  ],
  "expect": [
    { "name": "timer", "at": "a/x", "counter": "timeouts", "value": { "min": 1, "max": 3 } }
  ]
}
"#;
    assert_eq!(page, expected);
}
