//! Two and more hosts over a wire with a delay and nothing else: what the socket layer promises its callers.

mod listen;
mod network;
mod open;
mod scale;
mod stray;
mod transfer;
mod udp;
