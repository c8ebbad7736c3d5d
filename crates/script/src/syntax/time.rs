//! Times: absolute, relative, ranges, any, and the start and end of a blocking call.

use faultwire_base::Duration;

use super::SyntaxError;
use super::lexer::Kind;
use super::reader::Reader;
use super::tree::Time;

/// A time in any of its forms.
pub(super) fn time(reader: &mut Reader<'_>) -> Result<Time, SyntaxError> {
    if reader.takes('*')? {
        return Ok(Time::Any);
    }
    if !reader.takes('+')? {
        let start = seconds(reader, "a time")?;
        if reader.takes('~')? {
            return Ok(Time::AbsoluteRange(start, end(reader, start)?));
        }
        if reader.takes_ellipsis()? {
            return Ok(Time::AbsoluteBlocking(start, end(reader, start)?));
        }
        return Ok(Time::Absolute(start));
    }
    let start = seconds(reader, "a number of seconds after `+`")?;
    if reader.takes('~')? {
        reader.expect('+', "`+` at the end of a relative range, as in `+0.1~+0.2`")?;
        return Ok(Time::RelativeRange(start, end(reader, start)?));
    }
    if reader.takes_ellipsis()? {
        reader.takes('+')?;
        return Ok(Time::RelativeBlocking(start, end(reader, start)?));
    }
    Ok(Time::Relative(start))
}

/// The end of a range or call, not before its start.
fn end(reader: &mut Reader<'_>, start: Duration) -> Result<Duration, SyntaxError> {
    let span = reader.span()?;
    let end = seconds(reader, "a time")?;
    if end < start {
        return Err(reader.wrong(span, "an end that is not before the start", &[]));
    }
    Ok(end)
}

/// Seconds with a fraction; digits behind the nanoseconds do not count.
fn seconds(reader: &mut Reader<'_>, expected: &str) -> Result<Duration, SyntaxError> {
    let (whole, fraction) = match reader.peek()?.kind {
        Kind::Integer(whole) => (whole, ""),
        Kind::Decimal(digits) => digits.split_once('.').expect("a decimal has a point"),
        Kind::Mark('-') => return Err(reader.unexpected("a time, which is never negative")),
        Kind::Mark('#') => return Err(reader.unexpected("`#ifdef NAME` or `#endif` in a line of its own")),
        _ => return Err(reader.unexpected(expected)),
    };
    let nanos = nanoseconds(whole, fraction);
    match nanos {
        Some(nanos) => {
            reader.next()?;
            Ok(Duration::from_nanos(nanos))
        }
        None => Err(reader.unexpected("a time of at most 18446744073 seconds")),
    }
}

fn nanoseconds(whole: &str, fraction: &str) -> Option<u64> {
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut unit = 100_000_000;
    let mut nanos = 0;
    for digit in fraction.bytes().take(9) {
        nanos += u64::from(digit - b'0') * unit;
        unit /= 10;
    }
    whole.checked_mul(1_000_000_000)?.checked_add(nanos)
}
