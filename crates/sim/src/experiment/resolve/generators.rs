//! Generators: bulk, request_response, on_off and churn, expanded to steps on both ends.

use std::net::SocketAddr;

use faultwire_base::{BitRate, ByteCount, Duration, Instant};
use faultwire_host::SocketOption;
use faultwire_link::NameId;
use faultwire_tcp::WriteFlags;

use super::sockets::{SocketKind, Sockets};
use super::steps::{BACKLOG, Scene, options};
use crate::experiment::problem::Problem;
use crate::experiment::read::Item;
use crate::plan::{AppPlan, Direction, ReadUntil, Step, StepPlan};

/// The apps that a generator stands for.
pub(crate) fn expand(
    app: &Item<'_>,
    scene: &Scene<'_>,
    sockets: &mut Sockets,
) -> Result<Vec<AppPlan>, Problem> {
    let mut stage = Stage::new(app, scene, sockets)?;
    if let Some(bulk) = app.get("bulk") {
        stage.bulk(&bulk)?;
    } else if let Some(item) = app.get("request_response") {
        stage.request_response(&item)?;
    } else if let Some(item) = app.get("on_off") {
        stage.on_off(&item)?;
    } else if let Some(item) = app.get("churn") {
        stage.churn(&item)?;
    }
    Ok(stage.apps)
}

struct Stage<'a, 's> {
    scene: &'a Scene<'a>,
    sockets: &'s mut Sockets,
    app: &'a Item<'a>,
    name: &'a str,
    start: Instant,
    may_be_unfinished: bool,
    apps: Vec<AppPlan>,
}

/// Both ends of one generated conversation.
struct Pair {
    to: SocketAddr,
    server: usize,
    client_socket: NameId,
    server_socket: NameId,
    listener: NameId,
}

/// Which ends of a transfer send.
#[derive(Clone, Copy)]
struct Senders {
    client: bool,
    server: bool,
}

impl<'a, 's> Stage<'a, 's> {
    fn new(app: &'a Item<'a>, scene: &'a Scene<'a>, sockets: &'s mut Sockets) -> Result<Self, Problem> {
        Ok(Self {
            scene,
            sockets,
            app,
            name: app.require("name")?.text()?,
            start: app.get("start").map_or(Ok(Instant::ZERO), |start| start.instant())?,
            may_be_unfinished: app.flag_or("may_be_unfinished", false)?,
            apps: Vec::new(),
        })
    }

    fn bulk(&mut self, item: &Item<'_>) -> Result<(), Problem> {
        let size = item.require("size")?.size()?;
        let direction = item.get("direction").map_or(Ok("send"), |direction| direction.text())?;
        let senders = Senders { client: direction != "receive", server: direction != "send" };
        let flows: u16 = item.integer_or("flows", 1)?;
        for flow in 0..flows {
            let name = if flows == 1 { self.name.to_owned() } else { format!("{}.{}", self.name, flow + 1) };
            let pair = self.pair(item, &name, flow, false)?;
            let connect = self.connect(item, &pair, false)?;
            let client = transfer(pair.client_socket, size, senders.client, senders.server);
            let server = transfer(pair.server_socket, size, senders.server, senders.client);
            self.client(&name, &[&[connect], &client.main[..]].concat());
            let opening =
                [listen(&pair, false), Step::Accept { on: pair.listener, name: pair.server_socket }];
            self.server(&name, &pair, &[&opening, &server.main[..]].concat());
            if let (Some(client), Some(server)) = (client.beside, server.beside) {
                self.push(format!("{name}.read"), self.scene.host, &client);
                self.push(format!("{}.read", self.server_name(&name, &pair)), pair.server, &server);
            }
        }
        Ok(())
    }

    fn request_response(&mut self, item: &Item<'_>) -> Result<(), Problem> {
        let request = item.require("request")?.size()?;
        let response = item.require("response")?.size()?;
        let count = item.integer_or("count", 1)?;
        let think = item.time_or("think", Duration::ZERO)?;
        let name = self.name.to_owned();
        let pair = self.pair(item, &name, 0, false)?;
        let on = pair.client_socket;
        let mut client = vec![self.connect(item, &pair, false)?];
        client.extend([write(on, request), read(on, response)]);
        client.extend((!think.is_zero()).then_some(Step::Sleep { time: think }));
        client.extend([Step::Repeat { to: 1, times: count }, Step::Close { on }]);
        self.client(&name, &client);
        let on = pair.server_socket;
        let server = [
            listen(&pair, false),
            Step::Accept { on: pair.listener, name: on },
            read(on, request),
            write(on, response),
            Step::Repeat { to: 2, times: count },
            read_to_end(on),
            Step::Close { on },
        ];
        self.server(&name, &pair, &server);
        Ok(())
    }

    fn on_off(&mut self, item: &Item<'_>) -> Result<(), Problem> {
        let rate = item.require("rate")?.rate()?;
        let on_time = item.require("on")?.time()?;
        let off_time = item.require("off")?.time()?;
        let count: u64 = item.integer_or("count", 1)?;
        let name = self.name.to_owned();
        if item.get("protocol").map_or(Ok("udp"), |protocol| protocol.text())? == "udp" {
            return self.on_off_datagrams(item, &name, (rate, on_time, off_time), count);
        }
        if let Some(size) = item.get("size") {
            return Err(size.problem("a TCP stream has no datagrams: leave \"size\" out"));
        }
        let pair = self.pair(item, &name, 0, false)?;
        let on = pair.client_socket;
        let burst = octets(rate, on_time).filter(|burst| *burst > 0);
        let burst = burst.ok_or_else(|| self.app.problem("rate times on gives no octets, or too many"))?;
        let client = [
            self.connect(item, &pair, false)?,
            Step::Write { on, size: ByteCount::new(burst), rate: Some(rate), flags: WriteFlags::default() },
            Step::Sleep { time: off_time },
            Step::Repeat { to: 1, times: count },
            Step::Close { on },
        ];
        self.client(&name, &client);
        let on = pair.server_socket;
        let server = [
            listen(&pair, false),
            Step::Accept { on: pair.listener, name: on },
            read_to_end(on),
            Step::Close { on },
        ];
        self.server(&name, &pair, &server);
        Ok(())
    }

    fn on_off_datagrams(
        &mut self,
        item: &Item<'_>,
        name: &str,
        (rate, on_time, off_time): (BitRate, Duration, Duration),
        count: u64,
    ) -> Result<(), Problem> {
        let size = item.size_or("size", ByteCount::new(1_000))?;
        if size.as_u64() == 0 {
            return Err(item.require("size")?.problem("datagrams without payload have no rate: at least 1B"));
        }
        let pair = self.pair(item, name, 0, true)?;
        let interval = rate.time_for(size);
        let burst = on_time.as_nanos().div_ceil(interval.as_nanos().max(1)).max(1);
        let total = burst.checked_mul(count).ok_or_else(|| item.problem("more than 2^64 datagrams"))?;
        let pause = Duration::from_nanos(interval.as_nanos().saturating_add(off_time.as_nanos()));
        let from_port = item.get("from_port").map(|port| port.integer()).transpose()?;
        let client = [
            Step::SendTo { on: pair.client_socket, from_port, to: pair.to, size, count: burst, interval },
            Step::Sleep { time: pause },
            Step::Repeat { to: 0, times: count },
            Step::Close { on: pair.client_socket },
        ];
        self.client(name, &client);
        let receive = Step::RecvFrom { on: pair.listener, count: Some(total), within: None, echo: false };
        self.server(name, &pair, &[listen(&pair, true), receive]);
        // Some may get lost, so the receiver can't know when it is over.
        self.apps.last_mut().expect("the server was added just now").may_be_unfinished = true;
        Ok(())
    }

    fn churn(&mut self, item: &Item<'_>) -> Result<(), Problem> {
        let connections: u64 = item.require("connections")?.integer()?;
        let sizes =
            [item.size_or("send", ByteCount::new(1_024))?, item.size_or("receive", ByteCount::new(1_024))?];
        let think = item.time_or("think", Duration::ZERO)?;
        let lanes: u64 = item.integer_or("parallel", 1)?;
        if lanes > connections {
            return Err(item.require("parallel")?.problem("more clients than connections"));
        }
        let server_closes = item.get("closes").map_or(Ok("client"), |closes| closes.text())? == "server";
        let (to, server) = self.target(item, 0)?;
        let listener = self.listener(item, server, to.port())?;
        for lane in 0..lanes {
            let times = connections / lanes + u64::from(lane < connections % lanes);
            let name = if lanes == 1 { self.name.to_owned() } else { format!("{}.{}", self.name, lane + 1) };
            let (client_socket, server_socket) =
                self.sockets_of(item, &name, server, SocketKind::Connection)?;
            let pair = Pair { to, server, client_socket, server_socket, listener };
            let mut client = vec![self.connect(item, &pair, false)?];
            client.extend(exchange(client_socket, sizes, true));
            client.extend(server_closes.then(|| read_to_end(client_socket)));
            client.push(Step::Close { on: client_socket });
            client.extend((!think.is_zero()).then_some(Step::Sleep { time: think }));
            client.push(Step::Repeat { to: 0, times });
            self.client(&name, &client);
            let mut steps: Vec<Step> = (lane == 0).then(|| listen(&pair, false)).into_iter().collect();
            let first = steps.len() as u32;
            steps.push(Step::Accept { on: listener, name: server_socket });
            steps.extend(exchange(server_socket, sizes, false));
            steps.extend((!server_closes).then(|| read_to_end(server_socket)));
            steps.extend([Step::Close { on: server_socket }, Step::Repeat { to: first, times }]);
            self.server(&name, &pair, &steps);
        }
        Ok(())
    }

    fn target(&self, item: &Item<'_>, offset: u16) -> Result<(SocketAddr, usize), Problem> {
        let to = item.require("to")?;
        let (mut address, server) = self.scene.destination(&to)?;
        let server =
            server.ok_or_else(|| to.problem("a generator needs a host of the experiment as server"))?;
        if server == self.scene.host {
            return Err(to.problem("a generator's server is another host than its client"));
        }
        let port = address.port().checked_add(offset);
        address.set_port(port.ok_or_else(|| to.problem("the ports of all flows don't fit below 65536"))?);
        Ok((address, server))
    }

    fn pair(&mut self, item: &Item<'_>, name: &str, offset: u16, udp: bool) -> Result<Pair, Problem> {
        let (to, server) = self.target(item, offset)?;
        if udp {
            let (client, server_socket) = self.sockets_of(item, name, server, SocketKind::Datagrams)?;
            return Ok(Pair { to, server, client_socket: client, server_socket, listener: server_socket });
        }
        let listener = self.listener(item, server, to.port())?;
        let (client_socket, server_socket) = self.sockets_of(item, name, server, SocketKind::Connection)?;
        Ok(Pair { to, server, client_socket, server_socket, listener })
    }

    fn listener(&mut self, item: &Item<'_>, server: usize, port: u16) -> Result<NameId, Problem> {
        let name = format!("{}:{port}", self.name);
        self.sockets.open((self.scene.topology, server), self.name, &name, SocketKind::Listener, item)
    }

    fn sockets_of(
        &mut self,
        item: &Item<'_>,
        name: &str,
        server: usize,
        kind: SocketKind,
    ) -> Result<(NameId, NameId), Problem> {
        let client =
            self.sockets.open((self.scene.topology, self.scene.host), self.name, name, kind, item)?;
        let server = self.sockets.open((self.scene.topology, server), self.name, name, kind, item)?;
        Ok((client, server))
    }

    fn connect(&self, item: &Item<'_>, pair: &Pair, udp: bool) -> Result<Step, Problem> {
        let options: Vec<SocketOption> = options(item, "setsockopt")?;
        let from_port = item.get("from_port").map(|port| port.integer()).transpose()?;
        Ok(Step::Connect { to: pair.to, from_port, udp, no_wait: false, name: pair.client_socket, options })
    }

    fn client(&mut self, name: &str, steps: &[Step]) {
        self.push(name.to_owned(), self.scene.host, steps);
        self.apps.last_mut().expect("added just now").start = self.start;
    }

    fn server(&mut self, name: &str, pair: &Pair, steps: &[Step]) {
        self.push(self.server_name(name, pair), pair.server, steps);
    }

    fn server_name(&self, name: &str, pair: &Pair) -> String {
        format!("{name}@{}", self.scene.topology.stations[pair.server].name)
    }

    fn push(&mut self, name: String, host: usize, steps: &[Step]) {
        self.apps.push(AppPlan {
            name: name.into(),
            host: self.scene.topology.stations[host].place,
            start: Instant::ZERO,
            may_be_unfinished: self.may_be_unfinished,
            steps: steps.iter().map(|step| StepPlan { step: step.clone(), fails: None }).collect(),
        });
    }
}

/// What one end of a bulk transfer does once it is connected.
struct Transfer {
    main: Vec<Step>,
    /// Reads while `main` writes.
    beside: Option<Vec<Step>>,
}

fn transfer(on: NameId, size: ByteCount, sends: bool, receives: bool) -> Transfer {
    match (sends, receives) {
        (true, true) => Transfer {
            main: vec![write(on, size), Step::Shutdown { on, how: Direction::Write }],
            beside: Some(vec![read_to_end(on)]),
        },
        (true, false) => Transfer { main: vec![write(on, size), Step::Close { on }], beside: None },
        (false, _) => Transfer { main: vec![read_to_end(on), Step::Close { on }], beside: None },
    }
}

/// One exchange of a short connection; the client writes first.
fn exchange(on: NameId, [sent, received]: [ByteCount; 2], is_client: bool) -> impl Iterator<Item = Step> {
    let steps = if is_client {
        [(sent, write(on, sent)), (received, read(on, received))]
    } else {
        [(sent, read(on, sent)), (received, write(on, received))]
    };
    steps.into_iter().filter(|(size, _)| *size != ByteCount::ZERO).map(|(_, step)| step)
}

fn listen(pair: &Pair, udp: bool) -> Step {
    Step::Listen { port: pair.to.port(), udp, backlog: BACKLOG, name: pair.listener, ipv6: pair.to.is_ipv6() }
}

fn write(on: NameId, size: ByteCount) -> Step {
    Step::Write { on, size, rate: None, flags: WriteFlags::default() }
}

fn read(on: NameId, size: ByteCount) -> Step {
    Step::Read { on, until: ReadUntil::Bytes(size), rate: None, peek: false }
}

fn read_to_end(on: NameId) -> Step {
    Step::Read { on, until: ReadUntil::Eof, rate: None, peek: false }
}

/// Octets at a rate in a time, rounded down.
fn octets(rate: BitRate, time: Duration) -> Option<u64> {
    let octets = u128::from(rate.bits_per_second()) * u128::from(time.as_nanos()) / 8_000_000_000;
    u64::try_from(octets).ok()
}
