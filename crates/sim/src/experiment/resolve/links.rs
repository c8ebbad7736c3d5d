//! Links: rate, delay, queue and impairments of each direction.

use faultwire_base::Probability;
use faultwire_link::{Corrupt, DirectionConfig, Distribution, Jitter, Loss, Queue, QueueLimit, Reorder};

use super::topology::Topology;
use crate::experiment::problem::Problem;
use crate::experiment::read::Item;
use crate::plan::DirectionPlan;

/// MTU of a link that gives none.
pub(crate) const MTU: u32 = 1_500;

/// All directions in ascending order of place, without faults.
pub(crate) fn directions(root: &Item<'_>, topology: &Topology) -> Result<Vec<DirectionPlan>, Problem> {
    let links = root.list("links");
    let mut configs: Vec<Option<DirectionConfig>> = vec![None; topology.courses.len()];
    for (wire, link) in links.iter().enumerate() {
        let mut both = DirectionConfig { mtu: Some(MTU), ..DirectionConfig::default() };
        apply(link, &mut both)?;
        for direction in topology.wires[wire].towards {
            configs[direction.0 as usize] = Some(both.clone());
        }
        for (end, item) in link.map("towards") {
            let direction = topology.end_named(wire, end).ok_or_else(|| {
                let [first, second] = topology.wires[wire].ends.map(|end| &topology.stations[end].name);
                item.problem(format!(
                    "this link joins {first:?} and {second:?}: no direction leads to {end:?}"
                ))
            })?;
            let config = configs[direction.0 as usize].as_mut().expect("set just now");
            apply(&item, config)?;
        }
    }
    let plans = topology.courses.iter().zip(configs).map(|(course, config)| DirectionPlan {
        place: course.place,
        link: topology.wires[course.wire].name.clone(),
        from: topology.stations[course.from].place,
        to: topology.stations[course.to].place,
        config: config.expect("every direction belongs to a link"),
    });
    Ok(plans.collect())
}

/// Overwrites what `item` gives: a link, one of its directions, or a change in time.
pub(crate) fn apply(item: &Item<'_>, config: &mut DirectionConfig) -> Result<(), Problem> {
    if let Some(rate) = item.get("rate") {
        config.rate = Some(rate.rate()?);
    }
    if let Some(delay) = item.get("delay") {
        config.delay = delay.time()?;
    }
    jitter(item, config)?;
    if let Some(loss) = item.get("loss") {
        config.loss = self::loss(&loss)?;
    }
    if let Some(ecn) = item.get("ecn") {
        if config.loss.is_none() {
            return Err(ecn.problem("without \"loss\" this does nothing: add it, like \"loss\": \"1%\""));
        }
        config.loss_marks = ecn.flag()?;
    }
    if let Some(duplicate) = item.get("duplicate") {
        config.duplicate = some(duplicate.probability()?);
    }
    if let Some(corrupt) = item.get("corrupt") {
        let (probability, bits) = probability_and(&corrupt, "bits")?;
        config.corrupt = some(probability).map(|probability| Corrupt { probability, bits });
    }
    if let Some(reorder) = item.get("reorder") {
        let (probability, gap) = probability_and(&reorder, "gap")?;
        config.reorder = some(probability).map(|probability| Reorder { probability, gap });
    }
    if let Some(limit) = item.get("queue").and_then(|queue| queue.get("limit")) {
        config.queue = Queue::DropTail { limit: queue_limit(&limit)? };
    }
    if let Some(mtu) = item.get("mtu") {
        config.mtu = Some(mtu.integer()?);
    }
    Ok(())
}

/// An impairment that never happens is none.
fn some(probability: Probability) -> Option<Probability> {
    (probability != Probability::NEVER).then_some(probability)
}

fn jitter(item: &Item<'_>, config: &mut DirectionConfig) -> Result<(), Problem> {
    if let Some(jitter) = item.get("jitter") {
        let amount = jitter.time()?;
        let before = config.jitter.take();
        let reorders = before.as_ref().is_some_and(|jitter| jitter.reorders);
        let distribution = before.map_or(Distribution::Uniform, |jitter| jitter.distribution);
        config.jitter = (!amount.is_zero()).then_some(Jitter { amount, distribution, reorders });
    }
    for key in ["distribution", "jitter_reorders"] {
        let Some(value) = item.get(key) else { continue };
        let Some(jitter) = &mut config.jitter else {
            return Err(
                value.problem("without \"jitter\" this does nothing: add it, like \"jitter\": \"5ms\"")
            );
        };
        if key == "jitter_reorders" {
            jitter.reorders = value.flag()?;
            continue;
        }
        jitter.distribution = match value.text()? {
            "normal" => Distribution::Normal,
            "pareto" => Distribution::Pareto,
            "paretonormal" => Distribution::ParetoNormal,
            _ => Distribution::Uniform,
        };
    }
    Ok(())
}

/// A bare probability, or an object with one and a number.
fn probability_and(item: &Item<'_>, number: &str) -> Result<(Probability, u32), Problem> {
    if item.is_text() {
        return Ok((item.probability()?, 1));
    }
    Ok((item.require("probability")?.probability()?, item.integer_or(number, 1)?))
}

fn loss(item: &Item<'_>) -> Result<Option<Loss>, Problem> {
    if item.is_text() {
        let probability = some(item.probability()?);
        return Ok(probability.map(|probability| Loss::Random { probability, max_burst: None }));
    }
    let model = item.require("model")?.text()?;
    let keys: &[&str] = match model {
        "gemodel" => &["p", "r", "one_minus_h", "one_minus_k", "max_burst"],
        "state" => &["p13", "p31", "p32", "p23", "p14", "max_burst"],
        "pattern" => &["pattern"],
        _ => &["probability", "max_burst"],
    };
    if let Some((key, foreign)) =
        item.entries().into_iter().find(|(key, _)| *key != "model" && !keys.contains(key))
    {
        let list = crate::experiment::problem::quoted_list(keys.iter().copied());
        return Err(foreign.problem(format!("{key:?} is no key of the model {model:?}, which has {list}")));
    }
    let needed =
        |key: &str| item.get(key).ok_or_else(|| item.problem(format!("the model {model:?} needs {key:?}")));
    let max_burst = item.get("max_burst").map(|burst| burst.integer()).transpose()?;
    let or = |key: &str, default| item.probability_or(key, default);
    Ok(Some(match model {
        "gemodel" => {
            let p = needed("p")?.probability()?;
            Loss::GilbertElliott {
                p,
                r: or("r", p.complement())?,
                one_minus_h: or("one_minus_h", Probability::ALWAYS)?,
                one_minus_k: or("one_minus_k", Probability::NEVER)?,
                max_burst,
            }
        }
        "state" => {
            let p13 = needed("p13")?.probability()?;
            Loss::State {
                p13,
                p31: or("p31", p13.complement())?,
                p32: or("p32", Probability::NEVER)?,
                p23: or("p23", Probability::ALWAYS)?,
                p14: or("p14", Probability::NEVER)?,
                max_burst,
            }
        }
        "pattern" => Loss::Pattern(pattern(&needed("pattern")?)?.into()),
        _ => Loss::Random { probability: needed("probability")?.probability()?, max_burst },
    }))
}

fn pattern(item: &Item<'_>) -> Result<Vec<bool>, Problem> {
    let text = item.text()?;
    let form = || {
        item.problem(format!(
            "{text:?} is not a pattern: write \".\" for a packet that passes and \"x\" for one that is lost"
        ))
    };
    if text.is_empty() {
        return Err(form());
    }
    text.chars()
        .map(|c| match c {
            '.' => Ok(false),
            'x' => Ok(true),
            _ => Err(form()),
        })
        .collect()
}

fn queue_limit(item: &Item<'_>) -> Result<QueueLimit, Problem> {
    if item.text()?.trim_end().ends_with('p') {
        return item.packets().map(QueueLimit::Packets);
    }
    item.size().map(|size| QueueLimit::Bytes(size.as_u64()))
}
