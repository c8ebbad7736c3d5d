//! One sans-io TCP endpoint: no clock, no socket, no event queue of its own.
//!
//! Start with [`Connection`], which is an active open, or with [`Embryo`], which is SYN-RECEIVED of a listener and
//! becomes a connection; [`TimeWait`] is what is left of one at its end. All speak the same five verbs. [`Config`]
//! holds every knob; its profiles are [`Config::rfc`], [`Config::linux`] and
//! [`Config::freebsd`], and a [`Quirk`] puts a historical bug into one.
//!
//! Inside, from the top: `connection` (the face); `arrive` with `acceptable`, `trim`, `acknowledged`, `transmit`, `handshake`, `close`,
//! `timeout`, `path_error` (what RFC 9293 §3.10 calls event processing, as functions over the control block); `tcb` (a struct of rooms); the
//! rooms, each with private fields; `offset`, the only place where sequence numbers wrap.
//!
//! Left out: the security check of §3.10.7.4 (third), PUSH flags of the user (so MUST-60 and MUST-61 apply), urgent
//! data outside the stream (RFC 6093), signatures (RFC 2385, 5925).
//!
//! ```
//! use std::sync::Arc;
//!
//! use faultwire_base::Instant;
//! use faultwire_tcp::{Config, Connection, Embryo, EmbryoVerdict, PathInfo, State};
//! use faultwire_wire::{Cause, Seq};
//!
//! let config = Arc::new(Config::rfc());
//! let path = PathInfo {
//!     local_port: 40_000,
//!     remote_port: 80,
//!     ipv6: false,
//!     mtu: 1500,
//!     timestamp_offset: 0,
//!     segment_size_limit: 0,
//!     receive_buffer: 0,
//! };
//! let back = PathInfo { local_port: 80, remote_port: 40_000, ..path };
//! let now = Instant::ZERO;
//!
//! let mut client = Connection::connect(&config, path, Seq(100), now);
//! let syn = client.transmit(now).unwrap().segment;
//! let mut embryo = Embryo::new(&config, back, &syn, Seq(300), now, Cause::Unknown);
//! let syn_ack = embryo.transmit(now).unwrap().segment;
//! let _ = client.receive(now, &syn_ack, Cause::Unknown);
//! let ack = client.transmit(now).unwrap().segment;
//! assert_eq!(embryo.receive(now, &ack, Cause::Unknown), EmbryoVerdict::Accept);
//! let mut server = Connection::from_embryo(&embryo, &ack, now, Cause::Unknown);
//! let _ = server.receive(now, &ack, Cause::Unknown);
//! assert_eq!((client.state(), server.state()), (State::Established, State::Established));
//! ```

mod acceptable;
mod ack_policy;
mod acknowledged;
mod arrive;
mod arriving;
mod burst;
mod chronograph;
mod close;
mod config;
mod congestion;
mod connection;
mod ecn;
mod embryo;
mod event;
mod expected;
mod fast_open;
mod handshake;
mod handshake_config;
mod hold;
mod info;
mod keepalive;
mod negotiate;
mod offset;
mod old_duplicate;
mod options;
mod path_error;
mod paws;
mod payload_queue;
mod persist;
mod quirk;
mod reassembly;
mod receive_buffer;
mod receive_memory;
mod recovery;
mod reset;
mod rtt;
mod sack_list;
mod sack_option;
mod send_buffer;
mod send_units;
mod send_window;
mod sent_queue;
mod state;
mod tcb;
mod time_wait;
mod timeout;
mod timer;
mod timestamp;
mod transmit;
mod trim;
mod urgent;
mod user_timeout;

pub use config::{
    AckAtOnce, AckOfUnsent, AcknowledgmentConfig, ArrivalConfig, AskedSizes, BackOff, BufferConfig,
    ChallengeLimit, ClosingConfig, Config, CongestionAlgorithm, CongestionConfig, DataAhead, DelayOver,
    EcnConfig, EmptyFlight, GiveUp, GiveUpConfig, HalfOpenErrors, HalfOpenRule, IcmpConfig, IcmpErrors,
    InitialWindow, KeepAliveConfig, KeepAliveProbe, LossDetection, LossRecoveryConfig, LossResponse,
    MeasuredSegments, Nagle, OldDuplicate, OldTimestamp, OpeningConfig, OptionOrder, OptionsConfig,
    OrphanProbing, PartialAck, PersistConfig, ProbeContent, RackConfig, RepeatedFin, ResetInCloseWait,
    ResetRule, RetransmissionConfig, RightEdge, SackReport, SackedData, SendParts, SendingConfig,
    SequenceCheck, SequenceOrder, SlowStartExit, TailLossProbe, TimeWaitConfig, TimeWaitRule, TimeWaitShare,
    TimerRestart, UnknownCongestionAlgorithm, UrgentRule, UserTimeoutFrom, VariancePolicy, WhenHeld,
    WindowReduction, WindowUnit, WindowUpdate, WithoutSack,
};
pub use connection::{Arrival, Connection, UrgentRead, WriteFlags};
pub use embryo::{Embryo, EmbryoVerdict};
pub use event::{ConnectionError, DropReason, Envelope, Event, Label, Outgoing, SoftError};
pub use fast_open::{FastOpenAnswer, FastOpenAttempt, FastOpenCookie, FastOpenNews};
pub use handshake_config::{
    HandshakeConfig, PortChoice, SimultaneousOpen, SynCookiePolicy, deferred_timeouts,
};
pub use info::{Counters, History, INFO_FIELDS, Info, RecoveryState};
pub use keepalive::KeepAliveSetting;
pub use negotiate::{PathInfo, is_signed};
pub use quirk::{Quirk, UnknownQuirk};
pub use reset::reset_for;
pub use state::{State, TRANSITIONS, UnknownState};
pub use time_wait::{Successor, TimeWait, TimeWaitVerdict};
pub use user_timeout::UserTimeoutOption;
