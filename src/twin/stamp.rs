//! Microsoft's ways to write a moment.

use jiff::{SignedDuration, Timestamp};

use crate::clock::IdSource;

/// RFC 3339 in UTC with up to seven fraction digits, trailing zeros cut (`…39.439621Z`), as
/// recordings of the real service show.
pub fn seven_digits(at: Timestamp) -> String {
    let whole = at.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let ticks = at.subsec_nanosecond().rem_euclid(1_000_000_000) / 100;
    if ticks == 0 {
        return format!("{whole}Z");
    }
    let fraction = format!("{ticks:07}");
    format!("{whole}.{}Z", fraction.trim_end_matches('0'))
}

/// As in the header `Date`.
pub fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// An etag as the service makes it: quotes inside, unix seconds in hexadecimal in the last group.
pub fn etag(at: Timestamp, ids: &dyn IdSource) -> String {
    let mut random = [0_u8; 4];
    ids.fill(&mut random);
    let seconds = u32::try_from(at.as_second()).unwrap_or(u32::MAX);
    format!("\"{}-0000-0100-0000-{seconds:08x}0000\"", hex::encode(random))
}

/// Reads a time the way the service's filters do: RFC 3339 with any fraction, also without a zone
/// (UTC then), also a bare date.
pub fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim().trim_matches('\'').trim_start_matches("datetime'");
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    if let Ok(at) = text.parse::<jiff::civil::DateTime>() {
        return at.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    }
    let date: jiff::civil::Date = text.parse().ok()?;
    date.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// Gives moments that never repeat and never go back: records written in the same millisecond keep
/// their order, and times have all seven digits.
#[derive(Debug, Clone, Default)]
pub struct Ticker {
    last: Option<Timestamp>,
}

impl Ticker {
    /// The moment to write on a record changed at `now`.
    pub fn next(&mut self, now: Timestamp, ids: &dyn IdSource) -> Timestamp {
        let mut random = [0_u8; 2];
        ids.fill(&mut random);
        let jitter = i64::from(u16::from_le_bytes(random) % 10_000) * 100;
        let whole = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
        let drawn = whole.checked_add(SignedDuration::from_nanos(jitter)).unwrap_or(now);
        let at = match self.last {
            Some(last) if drawn <= last => last.checked_add(SignedDuration::from_nanos(100)).unwrap_or(last),
            _ => drawn,
        };
        self.last = Some(at);
        at
    }

    /// Forgets the past (the clock was set back on purpose).
    pub fn rewind(&mut self) {
        self.last = None;
    }
}
