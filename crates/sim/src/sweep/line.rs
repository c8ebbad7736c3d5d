//! A seed's result as one line of JSON, and back.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{CaseResult, Cell, Metric, SeedResult, worst};
use crate::failure::Cluster;
use crate::fingerprint::Fingerprint;
use crate::report::Outcome;

/// One seed in one cell, as it stands in a line. With several cases `cases` has them one by one, and the fields of the
/// line are about all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The seed.
    pub seed: u64,
    /// Stands for the experiment and for all else that decides what the lines of this sweep say.
    pub sweep: String,
    /// The cell: its paths with their values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub param: Option<Pairs<String>>,
    /// What this seed drew, as for `--set`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<Vec<String>>,
    /// What this seed left out, as for `--without`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without: Option<Vec<String>>,
    /// How it ended, the worst of all cases.
    pub outcome: Outcome,
    /// Of the run, or of all cases together if there are several; as in the report. `null` if a simulation panicked.
    pub fingerprint: Option<String>,
    /// Semantic events of all cases.
    pub events: u64,
    /// Names of what failed in any case.
    pub failed: Vec<String>,
    /// [`Cluster::id`] of the first case that failed.
    pub cluster: Option<String>,
    /// The chosen metrics, if there is only one case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Pairs<Option<u64>>>,
    /// Each case, if there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cases: Option<Vec<CaseLine>>,
}

/// One of several cases of a seed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseLine {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Of its run; `null` if the simulation panicked.
    pub fingerprint: Option<String>,
    /// Semantic events.
    pub events: u64,
    /// Names of what failed.
    pub failed: Vec<String>,
    /// [`Cluster::id`], if it failed.
    pub cluster: Option<String>,
    /// The chosen metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Pairs<Option<u64>>>,
}

impl Line {
    /// The line of a result.
    pub fn of(sweep: &str, result: &SeedResult, cell: &Cell, metrics: &[Metric]) -> Self {
        let names = cell.experiment.cases.iter().map(|case| case.name.as_str());
        let mut cases: Vec<CaseLine> =
            names.zip(&result.cases).map(|(name, case)| CaseLine::of(name, case, metrics)).collect();
        let fingerprint = fingerprint(&cases, &result.cases);
        let mut failed: Vec<String> = cases.iter().flat_map(|case| &case.failed).cloned().collect();
        failed.sort();
        failed.dedup();
        Self {
            seed: result.seed,
            sweep: sweep.to_owned(),
            param: (!cell.parameters.is_empty()).then(|| Pairs(cell.parameters.clone())),
            set: result.drawn.as_ref().map(|drawn| drawn.set.clone()),
            without: result.drawn.as_ref().map(|drawn| drawn.without.clone()),
            outcome: worst(result.cases.iter().map(|case| case.outcome)),
            fingerprint: fingerprint.map(|fingerprint| fingerprint.to_string()),
            events: result.cases.iter().map(|case| case.events).sum(),
            failed,
            cluster: cases.iter().find_map(|case| case.cluster.clone()),
            metrics: if cases.len() == 1 { cases[0].metrics.take() } else { None },
            cases: (cases.len() > 1).then_some(cases),
        }
    }

    /// How the line of `seed` in `cell` begins, whatever its run does.
    pub fn beginning(sweep: &str, seed: u64, cell: &Cell) -> String {
        #[derive(Serialize)]
        struct Beginning<'a> {
            seed: u64,
            sweep: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            param: Option<Pairs<String>>,
        }
        let param = (!cell.parameters.is_empty()).then(|| Pairs(cell.parameters.clone()));
        let text = serde_json::to_string(&Beginning { seed, sweep, param });
        let mut text = text.expect("numbers and texts are JSON");
        // More follows.
        text.pop();
        text.push(',');
        text
    }

    /// How each case ended, in the order of the file.
    pub fn outcomes(&self) -> Vec<CaseOutcome<'_>> {
        match &self.cases {
            Some(cases) => cases.iter().map(CaseLine::outcome).collect(),
            None => vec![CaseOutcome {
                outcome: self.outcome,
                events: self.events,
                cluster: self.cluster.as_deref(),
                metrics: values(self.metrics.as_ref()),
            }],
        }
    }
}

/// Of the run itself if there is one, else of all of them together.
fn fingerprint(lines: &[CaseLine], cases: &[CaseResult]) -> Option<Fingerprint> {
    if let [case] = cases {
        return case.fingerprint;
    }
    let named = lines.iter().zip(cases).map(|(line, case)| Some((line.name.as_str(), case.fingerprint?)));
    let named: Option<Vec<(&str, Fingerprint)>> = named.collect();
    Some(Fingerprint::of_cases(named?.into_iter()))
}

impl CaseLine {
    fn of(name: &str, case: &CaseResult, metrics: &[Metric]) -> Self {
        let mut failed: Vec<String> = case.failures.iter().map(|failure| failure.name.clone()).collect();
        failed.sort();
        failed.dedup();
        let values =
            || metrics.iter().zip(&case.metrics).map(|(metric, value)| (metric.name().to_owned(), *value));
        Self {
            name: name.to_owned(),
            outcome: case.outcome,
            fingerprint: case.fingerprint.map(|fingerprint| fingerprint.to_string()),
            events: case.events,
            failed,
            cluster: Cluster::of(&case.failures).map(|cluster| cluster.id()),
            metrics: (!metrics.is_empty()).then(|| Pairs(values().collect())),
        }
    }

    fn outcome(&self) -> CaseOutcome<'_> {
        CaseOutcome {
            outcome: self.outcome,
            events: self.events,
            cluster: self.cluster.as_deref(),
            metrics: values(self.metrics.as_ref()),
        }
    }
}

fn values(metrics: Option<&Pairs<Option<u64>>>) -> Vec<Option<u64>> {
    metrics.map_or_else(Vec::new, |metrics| metrics.0.iter().map(|(_, value)| *value).collect())
}

/// What a summary needs of one case of one seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseOutcome<'a> {
    /// How it ended.
    pub outcome: Outcome,
    /// Semantic events.
    pub events: u64,
    /// [`Cluster::id`], if it failed.
    pub cluster: Option<&'a str>,
    /// The chosen metrics.
    pub metrics: Vec<Option<u64>>,
}

/// Names with their values: a JSON object that keeps its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairs<V>(pub Vec<(String, V)>);

impl<V: Serialize> Serialize for Pairs<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Pairs<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for InOrder<V> {
            type Value = Pairs<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<V>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(InOrder(PhantomData))
    }
}
