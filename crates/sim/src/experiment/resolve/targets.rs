//! Targeted faults: which packets on which directions, and what is done to them.

use faultwire_link::{Action, FieldMatch, HeaderField, HoldUntil, Match, Nth, TargetedFault};

use super::Names;
use super::expectations::packet_kind;
use super::steps::state;
use crate::experiment::problem::Problem;
use crate::experiment::read::Item;
use crate::plan::{AwaitedState, DirectionId, DirectionPlan, FaultPlan};

/// Puts the fault into the directions that it applies to.
pub(crate) fn read(
    item: &Item<'_>,
    names: &Names<'_>,
    fault: &mut FaultPlan,
    directions: &mut [DirectionPlan],
) -> Result<(), Problem> {
    let matching = item.require("match")?;
    let (action, awaits) = action(&item.require("do")?, names)?;
    let targeted = TargetedFault {
        name: fault.name.clone(),
        matching: read_match(&matching, names)?,
        nth: matching.get("nth").map_or(Ok(Nth::Every), |nth| self::nth(&nth))?,
        action,
    };
    for direction in links_of(item, names)? {
        let faults = &mut directions[direction.0 as usize].config.faults;
        fault.targets.push((direction, faults.len() as u32));
        faults.push(targeted.clone());
    }
    fault.awaits = awaits;
    Ok(())
}

/// The directions that `on` and `towards` mean: of all links named, or of the only link there is.
pub(crate) fn links_of(item: &Item<'_>, names: &Names<'_>) -> Result<Vec<DirectionId>, Problem> {
    let topology = names.topology;
    let wires: Vec<usize> = match item.get("on") {
        Some(on) => on.one_or_many().iter().map(|link| topology.wire(link)).collect::<Result<_, _>>()?,
        None if topology.wires.len() == 1 => vec![0],
        None => {
            let links = topology.wires.iter().map(|wire| &*wire.name);
            let list = crate::experiment::problem::quoted_list(links);
            let found =
                if list.is_empty() { "there is no link".to_owned() } else { format!("there are {list}") };
            return Err(item.problem(format!("say \"on\" which link: {found}")));
        }
    };
    let mut directions: Vec<DirectionId> = match item.get("towards") {
        Some(end) => wires.iter().map(|&wire| topology.towards(wire, &end)).collect::<Result<_, _>>()?,
        None => wires.iter().flat_map(|&wire| topology.wires[wire].towards).collect(),
    };
    directions.sort_unstable();
    let count = directions.len();
    directions.dedup();
    if directions.len() < count {
        return Err(item.require("on")?.problem("a link is named twice"));
    }
    Ok(directions)
}

fn read_match(item: &Item<'_>, names: &Names<'_>) -> Result<Match, Problem> {
    let (from, until) = (item.get("after"), item.get("before"));
    let matching = Match {
        conn: item.get("conn").map(|conn| names.sockets.find(&conn)).transpose()?.map(|socket| socket.id),
        kind: item.get("kind").map(|kind| packet_kind(&kind)).transpose()?,
        byte: item
            .get("byte")
            .map(|byte| if byte.is_number() { byte.integer() } else { byte.size().map(|size| size.as_u64()) })
            .transpose()?,
        transmission: item.get("transmission").map(|which| which.integer()).transpose()?,
        from: from.map(|from| from.instant()).transpose()?,
        until: until.as_ref().map(|until| until.instant()).transpose()?,
        fields: item
            .map("fields")
            .iter()
            .map(|(name, value)| field(name, value))
            .collect::<Result<_, _>>()?,
    };
    if let (Some(from), Some(end), Some(until)) = (matching.from, matching.until, until)
        && from >= end
    {
        return Err(until.problem("\"before\" is not later than \"after\": nothing can match"));
    }
    Ok(matching)
}

fn field(name: &str, item: &Item<'_>) -> Result<FieldMatch, Problem> {
    let field: HeaderField =
        name.parse().map_err(|()| item.problem(format!("{name:?} is no header field")))?;
    let bounds = item.integer_bounds()?;
    if bounds.min > field.largest() {
        return Err(item.problem(format!(
            "{} is more than this field can hold, {}",
            bounds.min,
            field.largest()
        )));
    }
    Ok(FieldMatch { field, range: bounds.min..=bounds.max })
}

fn nth(item: &Item<'_>) -> Result<Nth, Problem> {
    let mut counts: Vec<u64> =
        item.one_or_many().iter().map(|count| count.integer()).collect::<Result<_, _>>()?;
    counts.sort_unstable();
    if counts.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(item.problem("a number stands twice in this list"));
    }
    Ok(Nth::Ranges(counts.into_iter().map(|count| count..=count).collect()))
}

fn action(item: &Item<'_>, names: &Names<'_>) -> Result<(Action, Option<AwaitedState>), Problem> {
    if item.has("send_at_once") || item.is_text() && item.text()? == "send_at_once" {
        return Ok((Action::SendAtOnce, None));
    }
    if item.is_text() || item.has("drop") {
        return Ok((Action::Drop, None));
    }
    if let Some(delay) = item.get("delay") {
        return Ok((Action::Delay(delay.time()?), None));
    }
    if let Some(hold) = item.get("hold") {
        return self::hold(&hold.require("until")?, names);
    }
    if let Some(copy) = item.get("duplicate") {
        let action = Action::Duplicate {
            copies: copy.integer_or("copies", 1)?,
            delay: copy.time_or("delay", faultwire_base::Duration::ZERO)?,
            impaired: copy.flag_or("impaired", false)?,
        };
        return Ok((action, None));
    }
    if let Some(corrupt) = item.get("corrupt") {
        let bits = corrupt.list("bits").iter().map(|bit| bit.integer()).collect::<Result<_, _>>()?;
        return Ok((Action::Corrupt { bits }, None));
    }
    let rewrite = item.require("rewrite")?;
    let fields = rewrite.entries();
    let [(name, value)] = &fields[..] else {
        return Err(rewrite.problem("a fault rewrites exactly one header field: write one fault for each"));
    };
    let field: HeaderField =
        name.parse().map_err(|()| value.problem(format!("{name:?} is no header field")))?;
    let new: u64 = value.integer()?;
    if !field.can_be_rewritten() || new > field.largest() {
        return Err(
            value.problem(format!("{name} can't be set to {new}: it holds at most {}", field.largest()))
        );
    }
    Ok((Action::Rewrite { field, value: new }, None))
}

fn hold(until: &Item<'_>, names: &Names<'_>) -> Result<(Action, Option<AwaitedState>), Problem> {
    if until.is_text() {
        return Ok((Action::Hold(HoldUntil::Time(until.instant()?)), None));
    }
    let host = names.topology.host(&until.require("host")?)?;
    let conn = until.get("conn");
    let socket = conn.as_ref().map(|conn| names.sockets.find(conn)).transpose()?;
    if let (Some(conn), Some(socket)) = (&conn, socket)
        && socket.host != host
    {
        return Err(conn.problem("this is not a socket of that host"));
    }
    let awaited = AwaitedState {
        host: names.topology.stations[host].place,
        name: socket.map(|socket| socket.id),
        state: state(&until.require("state")?)?,
        plus: until.time_or("plus", faultwire_base::Duration::ZERO)?,
    };
    Ok((Action::Hold(HoldUntil::State), Some(awaited)))
}
