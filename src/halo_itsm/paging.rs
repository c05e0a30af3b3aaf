//! Pages of Halo lists (rule 6): stop on empty, short, full count, or a repeated page; what moves between two pages is
//! looked for.

use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::outbound::read;

/// Rows asked for per page: Halo trims more without a word.
pub const PAGE: usize = 100;
/// A page of more rows is no page. An instance that does not page at all gives up to a thousand.
pub const ROWS_MAX: usize = 50 * PAGE;

/// Whether page `page_no` may lack rows that slipped to the end of the page before it: where a ticket leaves the list
/// between two calls (deleted, closed, given to another client), all behind it move up by one. The page before is then
/// read once more. `before` are that page's rows, and how many Halo counted in all: of a short page that was all of
/// them nothing can have moved.
pub fn may_have_slipped(page_no: u32, rows: usize, before: (usize, Option<i64>)) -> bool {
    let (held, counted) = before;
    let all_held = held < PAGE && counted.is_none_or(|counted| usize::try_from(counted).is_ok_and(|all| all <= held));
    page_no > 1 && (rows > 0 || !all_held)
}

/// Members of a page that say what kind of thing it is, whether or not it holds rows.
const PAGE_MEMBERS: [&str; 2] = ["page_no", "page_size"];

/// Members that hold lists and no rows.
const NO_ROWS: [&str; 3] = ["columns", "error", "errors"];

/// Rows of an answer: under the expected name, a bare array, or the first list found (sheet section 5). A list under another
/// name is taken for rows only if it holds records, or if what stands beside it tells that this is a page: else the list of
/// what went wrong would be one.
pub fn rows(mut body: Value, name: &str) -> Option<(Vec<Value>, Option<i64>)> {
    let total = read::int_at(&body, "record_count");
    if let Value::Array(rows) = body {
        return Some((rows, None)).filter(|(rows, _)| rows.is_empty() || rows.iter().any(Value::is_object));
    }
    let members = body.as_object_mut()?;
    let key = match members.get(name) {
        Some(Value::Array(_)) => name.to_owned(),
        named => {
            // An empty list may be left out or `null`: then a page's other members alone tell that this is one.
            let none =
                named.is_some_and(Value::is_null) || PAGE_MEMBERS.iter().any(|member| members.contains_key(*member));
            let told = none || total.is_some();
            let records = |rows: &Vec<Value>| told || !rows.is_empty() && rows.iter().all(Value::is_object);
            let other = |key: &str| !NO_ROWS.iter().any(|word| key.eq_ignore_ascii_case(word));
            let beside =
                |(key, value): &(&String, &Value)| other(key.as_str()) && value.as_array().is_some_and(records);
            match (members.iter().find(beside).map(|(key, _)| key.clone()), total) {
                (_, Some(0)) => return Some((Vec::new(), total)),
                (Some(key), _) => key,
                (None, None) if none => return Some((Vec::new(), total)),
                (None, Some(_)) if named.is_some_and(Value::is_null) => return Some((Vec::new(), total)),
                (None, _) => return None,
            }
        }
    };
    match members.get_mut(&key).map(Value::take) {
        Some(Value::Array(rows)) => Some((rows, total)),
        _ => None,
    }
}

/// How far a list has been read.
#[derive(Debug, Default)]
pub struct Sweep {
    since: Option<Timestamp>,
    page_no: u32,
    first_len: usize,
    collected: usize,
    last: [u8; 32],
    /// The longest page that came so far: the server's own limit is not below it.
    longest: usize,
    /// Halo has counted more rows than a page held: its count is one of all.
    counts_all: bool,
}

/// What to do with a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Take its rows and ask for the next.
    More,
    /// Take its rows; it was the last.
    Last,
    /// It is the page before, handed out again: leave its rows.
    Repeated,
}

impl Sweep {
    /// Weighs page `page_no` (from 1) of the list that starts at `since`.
    pub fn turn(&mut self, since: Option<Timestamp>, page_no: u32, rows: &[Value], total: Option<i64>) -> Turn {
        let digest = digest(rows);
        let (longest, counts_all) = (self.longest, self.counts_all);
        if page_no <= 1 {
            let collected = rows.len();
            *self = Self { since, page_no: 1, first_len: collected, collected, last: digest, longest, counts_all };
        } else if self.since != since || page_no != self.page_no.saturating_add(1) {
            // Another sweep came in between, or a restart: count what must have been read.
            let before = PAGE.saturating_mul(usize::try_from(page_no.saturating_sub(1)).unwrap_or(0));
            let collected = before + rows.len();
            *self = Self { since, page_no, first_len: PAGE, collected, last: digest, longest, counts_all };
        } else {
            if !rows.is_empty() && self.last == digest {
                return Turn::Repeated;
            }
            self.page_no = page_no;
            self.collected += rows.len();
            self.last = digest;
        }
        // A count below what is in hand is no count.
        let total = total.and_then(|total| usize::try_from(total).ok()).filter(|total| *total >= rows.len());
        self.longest = longest.max(rows.len());
        self.counts_all = counts_all || total.is_some_and(|total| total > rows.len());
        // A count equal to a full page may be that page's own: then only the next page tells. How long a full page is the
        // server decides: no shorter than any that came, and a round number.
        let capped = !counts_all && rows.len() >= longest && may_be_a_limit(rows.len());
        let own = (rows.len() == PAGE || capped) && total == Some(rows.len());
        let full = total.is_some_and(|total| self.collected >= total && !own);
        // A first page that is short although more rows are counted was trimmed by the server.
        let trimmed = page_no <= 1 && total.is_some_and(|total| total > rows.len());
        // Without a count a short page proves nothing (the server may hand out less than was asked for):
        // only an empty page or a repeated one ends the list.
        let short = total.is_some() && rows.len() < self.first_len;
        if rows.is_empty() || full || (short && !trimmed) { Turn::Last } else { Turn::More }
    }
}

/// Whether a server may hand out no more rows than this at once.
pub fn may_be_a_limit(rows: usize) -> bool {
    rows >= 20 && rows.is_multiple_of(5)
}

/// A page's fingerprint: its ids in order (not whole rows, whose clocks may tick).
fn digest(rows: &[Value]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for row in rows {
        hash.update(row.get("id").map(Value::to_string).unwrap_or_default().as_bytes());
        hash.update(b",");
    }
    hash.finalize().into()
}
