//! Our own small scripts, to read and to break.

pub(crate) const SCRIPTS: [(&str, &str); 5] = [
    (
        "request and reply",
        "// A passive open, data both ways, and a close that the peer begins.
--ip_version=ipv4
0.000 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
+0 bind(3, ..., ...) = 0
+0 listen(3, 5) = 0
+0.020 < S 0:0(0) win 40000 <mss 1100>
+0 > S. 0:0(0) ack 1 <...>
+0.040 < . 1:1(0) ack 1 win 40000
+0 accept(3, ..., ...) = 4
+0.010 < P. 1:251(250) ack 1 win 40000
+0 read(4, ..., 2000) = 250
+0 write(4, ..., 900) = 900
+0 > P. 1:901(900) ack 251
+0.040 < F. 251:251(0) ack 901 win 40000
+0 > . 901:901(0) ack 252
+0.100 close(4) = 0
+0 > F. 901:901(0) ack 252
+0.040 < . 252:252(0) ack 902 win 40000
",
    ),
    (
        "lost SYNs",
        "// Two SYNs are lost; the third is answered.
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS (under way)
+0~+.01 > S 0:0(0) <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 8,FO,nop,nop>
+1 > S 0:0(0) <...>
* > S 0:0(0) <...>
+.05 < S. 0:0(0) ack 1 win 30000 <mss 900,nop,nop,sackOK,FO TFO_COOKIE>
+0 > . 1:1(0) ack 1
+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0
+0 %{ assert tcpi_state == TCP_ESTABLISHED, tcpi_state
assert tcpi_snd_cwnd <= 10 }%
+0...0.2 sendto(3, ..., 500, MSG_NOSIGNAL, ..., ...) = 500
+0 > P. 1:501(500) ack 1
+0 epoll_wait(5, {events=EPOLLIN|EPOLLOUT, ptr=3}, 1, 0) = 1
+0 poll([{fd=3, events=POLLIN, revents=0}], 1, 0) = 0
",
    ),
    (
        "holes",
        "// SACK blocks: the newest first, a duplicate before all.
`sysctl -w net.inet.tcp.sack.enable=1
sysctl -w net.inet.tcp.ecn.enable=2`
 0.00 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0.00 bind(3, ..., ...) = 0
+0.00 listen(3, 1) = 0
+0.00 < (ttl 64, tos 0x02) S 0:0(0) win 65535 <mss 1000,sackOK,eol,eol>
+0.00 > [noecn] S. 0:0(0) ack 1 win 65535 <mss 1460,sackOK,eol,eol>
+0.05 < . 1:1(0) ack 1 win 65535
+0.00 accept(3, ..., ...) = 4
+0.00 < . 1001:2001(1000) ack 1 win 65535 <nop,nop,TS val 7 ecr 100>
+0.00 > . 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:2001>
+0.00 < . 3001:4001(1000) ack 1 win 65535
+0.00 > . 1:1(0) ack 1 win 65535 <nop,nop,sack 3001:4001 1001:2001>
+0.00 recv(4, ..., 5000, MSG_PEEK) = -1 EAGAIN (hole)
`sysctl -w net.inet.tcp.sack.enable=1`
",
    ),
    (
        "time-wait",
        "--tolerance_usecs=75000
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 connect(3, ..., ...) = -1 EINPROGRESS (under way)
+0 > S 0:0(0) win 65535 <mss 1460,nop,wscale 6,sackOK,TS val 100 ecr 0>
+0 < S. 0:0(0) ack 1 win 30000 <mss 1000>
+0 > . 1:1(0) ack 1
#ifdef STANDARD
+0 shutdown(3, SHUT_WR) = 0
#endif
#ifdef FreeBSD
+0 shutdown(3, SHUT_WR) = 0 (the same)
#endif
+0 > F. 1:1(0) ack 1
+0.04 < F. 1:1(0) ack 2 win 30000
+0 > . 2:2(0) ack 2
+60.1 `sockstat -4 -P tcp -s | grep packetdril | grep -c TIME_WAIT | grep 0`
+0 close(3) = 0
",
    ),
    (
        "resets and ICMP",
        "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0
+0 connect(3, {sa_family = AF_INET, sin_port = htons(8080), sin_addr = inet_addr(\"192.0.2.1\")}, ...) = -1 EINPROGRESS
+0 > SEWA 0:0(0) <...>
+0 < icmp unreachable frag_needed mtu 1200 [0:0(0)]
+0 < [4294967295:4294967295(0)] icmp unreachable host_unreachable
+0 < R 2000:2000(0) win 0
+0 > R 0:0(0)! win 0
+0 > .5 ...(0) ack 1 <ECN e1b 1 ceb 0 e0b 1,nop>
+0 < 40000 > 8080 U. 1:11(10) ack 1 win 100 urg 3 <md5 valid,nop,nop>
+0 > udp (100)
+0 sendmsg(3, {msg_name(...)=..., msg_iov(2)=[{..., 1000}, {..., 500}], msg_flags=0}, MSG_DONTWAIT) = ? /* any */
+0 write(3, \"one\\n\" \"two\", 7) = -1 ECONNRESET (reset (by the peer))
+0 > . 1:1(0) ack 1 /udp(9811 > 9899)
",
    ),
];

/// Lines that stand in no script above.
pub(crate) const ODD_LINES: &str = "
+0 setsockopt(3, SOL_TCP, TCP_CONGESTION, [\"cubic\"], [16]) = ~0x7f
+0 f(192.0.2.1, fd3d:fa7b:d17d::1, -0.5, 'x') = N
+0 CODE
+0 > ipv4 192.0.2.1 > 192.0.2.2: gre: mpls (label 1, tc 0, [S], ttl 64): . 1:1(0) ack 1
+0 > S 0:0(0) <FOEXP abcdef,kind 253 0102>
1.0~1.2 > . 1:1(0) ack 1
1.00...6.00 read(3, ..., 10) = 10
--define A=1
#else
+ 0.10 < [ce][flowlabel 0x1] - 1:11(10) win 10
/* a comment
*/ // another
";
