//! Fast Open drills (RFC 7413): both sides, and every way back to the ordinary handshake, as Linux does it.

mod drill;

#[path = "fast_open_drills/client.rs"]
mod client;
#[path = "fast_open_drills/server.rs"]
mod server;

use drill::Drill;
use faultwire_base::Duration;
use faultwire_host::{Errno, Fd, HostConfig};
use faultwire_tcp::Config;
use faultwire_wire::Payload;

/// The key of Google's packetdrill suite, and the cookie that it gives 192.0.2.1 at 192.168.0.1.
const KEY: &str = "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4";
const COOKIE: &str = "3021b9d889017eeb";

/// Linux without timestamps, with these bits of `tcp_fastopen`.
fn linux(modes: u32) -> Drill {
    with(Config::linux(), modes, |_| ())
}

fn with(mut tcp: Config, modes: u32, change: impl FnOnce(&mut HostConfig)) -> Drill {
    tcp.options.timestamps = false;
    let mut t = Drill::with(tcp, |host| {
        host.fast_open.modes = modes;
        host.fast_open.keys = Some(KEY.parse().unwrap());
        host.fast_open.black_hole_timeout = Duration::ZERO;
        change(host);
    });
    // Nothing begins with the clock.
    t.pass_ms(1000);
    t
}

impl Drill {
    /// A socket and `sendto` with `MSG_FASTOPEN`.
    fn send_fast_open(&mut self, octets: u32) -> (Fd, Result<u64, Errno>) {
        let fd = self.host.socket(faultwire_host::SocketKind::Tcp, false);
        let sent = self.send_fast_open_on(fd, octets);
        (fd, sent)
    }

    fn send_fast_open_on(&mut self, fd: Fd, octets: u32) -> Result<u64, Errno> {
        self.remote.set_port(8080);
        let sent = self.host.send_fast_open(self.now, fd, self.remote, &Payload::Zeros { len: octets });
        self.local.set_port(self.host.local_address(fd).unwrap().port());
        self.drain();
        sent
    }

    /// Gets the cookie 0102030405060708 and an MSS of 1040 from the peer, and closes the connection again.
    fn get_cookie(&mut self) {
        let (fd, sent) = self.send_fast_open(0);
        assert_eq!(sent, Err(Errno::InProgress));
        self.play(
            "> S 0:0(0) <mss 1460,nop,nop,sackOK,nop,wscale 10,FO,nop,nop>
             +.01 < S. 123:123(0) ack 1 win 5840 <mss 1040,nop,nop,sackOK,nop,wscale 6,FO 0102030405060708,nop,nop>
             > . 1:1(0) ack 1",
        );
        self.host.abort(self.now, fd).unwrap();
        self.drain();
        self.expect("R. 1:1(0) ack 1");
    }
}
