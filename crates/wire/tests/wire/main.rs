//! Laws of packets and their bytes: against hand-checked bytes, independent decoders and exhaustive damage.

mod capture;
mod damage;
mod garbage;
mod golden;
mod laws;
mod oracle;
mod quote;
mod refused;
mod samples;
mod tcp_options;
