//! Two endpoints in virtual time, without host and scheduler.

mod close;
mod figures;
mod hostile;
mod loss;
mod pair;
mod pathway;
mod states;
mod time_wait;
mod timers;
mod transfer;
mod windows;
