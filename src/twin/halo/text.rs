//! Text and dates the way Halo treats them (sheet 3.5 and 4.4).

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// Cuts the tags out of HTML and puts nothing in their place, so words run together; decodes the five common entities.
pub fn strip_tags(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        let (text, tag) = rest.split_at(open);
        out.push_str(text);
        // A "<" that begins no tag is text.
        let begins_tag = tag.chars().nth(1).is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'));
        match tag.find('>') {
            Some(close) if begins_tag => rest = tag.get(close + 1..).unwrap_or(""),
            _ => {
                out.push('<');
                rest = tag.get(1..).unwrap_or("");
            }
        }
    }
    out.push_str(rest);
    if out.contains('&') {
        out = out
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&nbsp;", " ")
            .replace("&amp;", "&");
    }
    out
}

/// Plain text as the HTML Halo shows for it.
pub fn to_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => {}
            '\n' => out.push_str("<br>"),
            other => out.push(other),
        }
    }
    out
}

/// A moment in milliseconds, as Halo keeps it.
pub fn whole_ms(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

/// `YYYY-MM-DDTHH:MM:SS[.fff]` without a zone, meaning UTC.
pub fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.f").to_string()
}

/// Seven fractional digits and a `Z`, as in webhooks.
pub fn webhook_date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.7fZ").to_string()
}

/// Reads a date with or without a zone (zone-less means UTC; a bare date means its midnight); `None` for
/// what is no date and for Halo's empty dates.
pub fn parse_date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let at = text.parse::<Timestamp>().ok().or_else(|| {
        // A "+" of a zone that was not escaped in a query arrives as a space.
        let spaced = text.replacen(' ', "+", 1);
        let zoned = if text.contains('T') { spaced.parse::<Timestamp>().ok() } else { None };
        zoned.or_else(|| {
            let civil = text.parse::<DateTime>().ok()?;
            civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
        })
    })?;
    // Everything up to 1980 stands for "none" (sheet 3.5).
    (at.as_second() > 347_155_200).then_some(at)
}

/// A truth value in any letter case (sheet 7.3, 19).
pub fn truth(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on")
}

/// The whole numbers of a comma list; others are left out.
pub fn numbers(list: &str) -> Vec<i64> {
    list.split(',').filter_map(|part| part.trim().parse().ok()).collect()
}
