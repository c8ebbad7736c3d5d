//! Events: a time, then a packet, a system call, a command or code; and the order of their times.

use faultwire_base::Duration;

use super::SyntaxError;
use super::call;
use super::lexer::Kind;
use super::packet::{self, Direction};
use super::reader::{Reader, not_found};
use super::time;
use super::tree::{Action, Command, Event, Position, Time};

/// One event.
pub(super) fn event(reader: &mut Reader<'_>, clock: &mut Clock) -> Result<Event, SyntaxError> {
    let token = reader.peek()?;
    let (start, at) = (token.start.offset, token.start.at);
    if token.kind == Kind::Mark('-') && reader.raw()?.rest().starts_with("--") {
        return Err(not_found(at, "an event (options stand before the first one)", "--", &[]));
    }
    let time = time::time(reader)?;
    let written = reader.slice_since(start);
    clock.check(time, written, at)?;
    let action = action(reader)?;
    check_time(time, &action, written, at)?;
    Ok(Event { at, time, action, text: reader.text_since(start) })
}

/// The text of the command that an event is.
pub(super) fn command_text(event: &Event) -> Option<&str> {
    match &event.action {
        Action::Command(command) => Some(&command.text),
        _ => None,
    }
}

/// How far the times of the events are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    /// The earliest time of the newest event; none before the first one.
    reached: Option<Duration>,
}

impl Clock {
    /// The first event is at 0, and no event is before the one above it.
    fn check(&mut self, time: Time, written: &str, at: Position) -> Result<(), SyntaxError> {
        let Some(reached) = self.reached else {
            let zero = matches!(
                time,
                Time::Absolute(start) | Time::Relative(start)
                    | Time::AbsoluteBlocking(start, _) | Time::RelativeBlocking(start, _)
                    | Time::AbsoluteRange(start, _) | Time::RelativeRange(start, _) if start.is_zero()
            );
            self.reached = Some(Duration::ZERO);
            return if zero { Ok(()) } else { Err(not_found(at, "time 0 at the first event", written, &[])) };
        };
        let (start, earliest) = match time {
            Time::Any => return Ok(()),
            Time::Absolute(start) | Time::AbsoluteRange(start, _) | Time::AbsoluteBlocking(start, _) => {
                (start, reached)
            }
            Time::Relative(start) | Time::RelativeRange(start, _) | Time::RelativeBlocking(start, _) => {
                (reached.saturating_add(start), reached)
            }
        };
        if start < earliest {
            let seconds = earliest.as_nanos() / 1_000_000_000;
            let fraction = earliest.as_nanos() % 1_000_000_000;
            let expected = format!("a time not before {seconds}.{fraction:09}, the time of the event above");
            return Err(not_found(at, &expected, written, &[]));
        }
        self.reached = Some(start);
        Ok(())
    }
}

fn action(reader: &mut Reader<'_>) -> Result<Action, SyntaxError> {
    match reader.peek()?.kind {
        Kind::Mark('<') => Ok(Action::Inbound(packet::packet(reader, Direction::Inbound)?)),
        Kind::Mark('>') => Ok(Action::Outbound(packet::packet(reader, Direction::Outbound)?)),
        Kind::Word(_) => Ok(Action::Call(call::call(reader)?)),
        Kind::Backtick(_) | Kind::Code(_) => {
            let token = reader.next()?;
            let at = token.start.at;
            Ok(match token.kind {
                Kind::Backtick(text) => Action::Command(Command { at, text }),
                Kind::Code(text) => Action::Code(Command { at, text }),
                _ => unreachable!("one of the two was seen"),
            })
        }
        _ => Err(reader.unexpected("`<`, `>`, a system call, a command or code after the time")),
    }
}

/// Only outbound packets come at any time or in a range, and only calls block.
fn check_time(time: Time, action: &Action, written: &str, at: Position) -> Result<(), SyntaxError> {
    let expected = match (time, action) {
        (Time::Any | Time::AbsoluteRange(..) | Time::RelativeRange(..), Action::Outbound(_)) => return Ok(()),
        (Time::AbsoluteBlocking(..) | Time::RelativeBlocking(..), Action::Call(_)) => return Ok(()),
        (Time::Absolute(_) | Time::Relative(_), _) => return Ok(()),
        (Time::AbsoluteBlocking(..) | Time::RelativeBlocking(..), _) => {
            "one time: only a system call has a start and an end"
        }
        (Time::Any, _) => "a time: only an outbound packet comes at any",
        _ => "one time: only an outbound packet has a range",
    };
    Err(not_found(at, expected, written, &[]))
}
