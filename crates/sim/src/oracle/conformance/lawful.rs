//! What a host may do, as its profile, its sysctls and the options of its sockets say: what the laws hold it to.

use std::sync::Arc;

use faultwire_base::{Duration, PlaceId};
use faultwire_host::SocketOption;
use faultwire_tcp::Config;

use crate::plan::{HostPlan, Plan, Step};

/// What the laws allow one host.
#[derive(Clone, Debug)]
pub(super) struct Lawful {
    /// The settings of its stack.
    pub(super) tcp: Arc<Config>,
    /// A socket has a user timeout, which cuts the last wait short (Linux `tcp_clamp_rto_to_user_timeout`).
    pub(super) user_timeout: bool,
    /// Least idle time before a keep-alive probe, and least time between two.
    pub(super) keep_alive: (Duration, Duration),
    /// ACKs may wait for the reader: a Linux receiver lets two full segments wait where the window would fall
    /// (`__tcp_ack_snd_check`), and its reader is slow or its buffer small.
    pub(super) waits_for_reader: bool,
}

/// What each host may do, by place.
pub(super) fn of_hosts(plan: &Plan) -> Vec<Option<Lawful>> {
    let mut all: Vec<Option<Lawful>> = vec![None; plan.places.len()];
    for host in &plan.hosts {
        all[host.place.index()] = Some(Lawful::of(host, plan));
    }
    all
}

impl Lawful {
    fn of(host: &HostPlan, plan: &Plan) -> Self {
        let tcp = Arc::clone(&host.lawful);
        let options = options_at(plan, host.place);
        let idle = options.iter().filter_map(|option| match option {
            SocketOption::KeepIdle(time) => Some(*time),
            _ => None,
        });
        let interval = options.iter().filter_map(|option| match option {
            SocketOption::KeepInterval(time) => Some(*time),
            _ => None,
        });
        Self {
            user_timeout: tcp.give_up.user_timeout.is_some()
                || options.iter().any(|option| matches!(option, SocketOption::UserTimeout(_))),
            keep_alive: (
                idle.fold(tcp.keep_alive.idle, Duration::min),
                interval.fold(tcp.keep_alive.interval, Duration::min),
            ),
            waits_for_reader: tcp.acknowledgment.adaptive && has_slow_reader(host, plan, &options),
            tcp,
        }
    }
}

fn steps_at(plan: &Plan, host: PlaceId) -> impl Iterator<Item = &Step> {
    plan.apps
        .iter()
        .filter(move |app| app.host == host)
        .flat_map(|app| &app.steps)
        .map(|planned| &planned.step)
}

fn options_at(plan: &Plan, host: PlaceId) -> Vec<SocketOption> {
    steps_at(plan, host)
        .flat_map(|step| match step {
            Step::Connect { options, .. } => options.clone(),
            Step::SetSocketOption { option, .. } => vec![*option],
            _ => Vec::new(),
        })
        .collect()
}

fn has_slow_reader(host: &HostPlan, plan: &Plan, options: &[SocketOption]) -> bool {
    host.stack.sysctls.iter().any(|(name, _)| name == "tcp_rmem")
        || options.iter().any(|option| matches!(option, SocketOption::ReceiveBuffer(_)))
        || steps_at(plan, host.place).any(|step| {
            matches!(step, Step::Sleep { .. } | Step::Wait { .. } | Step::Read { rate: Some(_), .. })
        })
}
