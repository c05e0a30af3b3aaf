//! Moments. Stored as whole milliseconds UTC; compared with slack, never by two sides' clocks alone.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// Parses a time as Microsoft and Halo write it: RFC 3339 with any number of fraction digits, or
/// without a zone (Halo), which means UTC. Years up to 1980 are Halo's "none" (halo-api sheet 3.5).
pub fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let moment = match text.parse::<Timestamp>() {
        Ok(moment) => moment,
        Err(_) => text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp(),
    };
    (moment.to_zoned(TimeZone::UTC).year() > 1980).then_some(moment)
}

/// Milliseconds since 1970, as stored.
pub fn to_ms(moment: Timestamp) -> i64 {
    moment.as_millisecond()
}

/// From milliseconds since 1970; a value out of range becomes 1970.
pub fn from_ms(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The moment as it is stored: services may tell it finer.
pub fn as_stored(moment: Timestamp) -> Timestamp {
    from_ms(to_ms(moment))
}

/// `2026-01-01T00:00:00.123Z`: what goes into a Sentinel `$filter` and our own texts.
pub fn iso(moment: Timestamp) -> String {
    moment.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_both_sides_write() {
        let table: [(&str, Option<&str>); 8] = [
            ("2026-03-25T07:31:39.439621Z", Some("2026-03-25T07:31:39.439Z")),
            ("2026-03-25T07:31:39.4396217Z", Some("2026-03-25T07:31:39.439Z")),
            ("2026-03-25T07:31:39Z", Some("2026-03-25T07:31:39.000Z")),
            ("2026-03-25T09:31:39+02:00", Some("2026-03-25T07:31:39.000Z")),
            ("2026-03-25T07:31:39.43", Some("2026-03-25T07:31:39.430Z")),
            ("1899-12-30T00:00:00", None),
            ("1900-01-01T00:00:00", None),
            ("soon", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text).map(iso).as_deref(), expected, "{text}");
        }
    }
}
