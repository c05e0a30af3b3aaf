//! Lists: a page of rows, the way to its neighbours, and what can be chosen in a filter.

use serde::{Deserialize, Serialize};

/// One page of a longer list, read by key (never by offset).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listed<T> {
    /// The rows, in the order asked for.
    pub rows: Vec<T>,
    /// How many rows match in all, if that is known cheaply.
    pub total: Option<u64>,
    /// The page's number, as far as the way to it tells.
    pub page: u32,
    /// Opaque `from=` token of the page before this one.
    pub newer: Option<String>,
    /// Opaque `from=` token of the page after this one.
    pub older: Option<String>,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), total: None, page: 1, newer: None, older: None }
    }
}

impl<T> Listed<T> {
    /// The page that the token `from` led to, with the keys at which its neighbours begin.
    pub fn at(from: &str, rows: Vec<T>, newer: Option<String>, older: Option<String>) -> Self {
        let (page, _) = numbered(from);
        let token = |page: u32, key: String| format!("{page}{NUMBERED}{key}");
        Self {
            rows,
            total: None,
            page,
            newer: newer.map(|key| token(page.saturating_sub(1).max(1), key)),
            older: older.map(|key| token(page.saturating_add(1), key)),
        }
    }
}

impl Listed<()> {
    /// The page of up to `size` rows with `from` of `all` before it, of which `shown` are drawn. Its tokens are numbers of
    /// rows: nothing moves in such a list.
    pub fn counted(from: usize, shown: usize, all: usize, size: usize) -> Self {
        Self {
            rows: vec![(); shown],
            total: Some(all as u64),
            page: u32::try_from(from.div_ceil(size.max(1)) + 1).unwrap_or(u32::MAX),
            newer: (from > 0).then(|| from.saturating_sub(size).to_string()),
            older: (from + shown < all).then(|| (from + size).to_string()),
        }
    }
}

/// Rows on one page of a list that is at hand as a whole.
pub const ROWS: usize = 50;

impl<'a, T> Listed<&'a T> {
    /// The page that the token `from` leads to, of rows that are all at hand. It begins at the row with its key; where
    /// that one is gone, or there is but one page, at the first.
    pub fn window(all: &'a [T], from: &str, key_of: impl Fn(&T) -> String) -> Self {
        let wanted = key(from);
        let found = all.iter().position(|row| all.len() > ROWS && !wanted.is_empty() && key_of(row) == wanted);
        let begin = found.unwrap_or(0);
        let key_at = |index: usize| all.get(index).map(&key_of);
        let newer = if begin > 0 { key_at(begin.saturating_sub(ROWS)) } else { None };
        let rows = all.iter().skip(begin).take(ROWS).collect();
        let from = if begin > 0 { from } else { "" };
        Self { total: Some(all.len() as u64), ..Self::at(from, rows, newer, key_at(begin + ROWS)) }
    }
}

/// Stands between a page's number and its key.
const NUMBERED: char = '~';

fn numbered(from: &str) -> (u32, &str) {
    let number = |(page, key): (&str, _)| Some((page.parse().ok()?, key));
    from.split_once(NUMBERED).and_then(number).unwrap_or((1, from))
}

/// The key at which the page begins that the token `from` leads to.
pub fn key(from: &str) -> &str {
    numbered(from).1
}

/// A part of a page that could not be read. The rest of the page stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// What happened, one sentence.
    pub what: String,
    /// What to do now, one sentence.
    pub remedy: String,
    /// Finds the line in the log.
    pub reference: Option<String>,
}

/// Rows, or why they cannot be read.
pub type Rows<T> = Result<Listed<T>, Trouble>;

/// One value of a filter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// As it stands in the address.
    pub value: String,
    /// For people.
    pub label: String,
    /// How many rows it would show, if counted.
    pub count: Option<u64>,
}

/// A record in an outside system, with its address if the host is a known one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutsideLink {
    /// What to show: a ticket number, an incident number.
    pub label: String,
    /// `https://…`; `None` when no safe address is known.
    pub url: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_at_hand_is_paged_by_its_rows_keys() {
        let all: Vec<usize> = (0..120).collect();
        let at = |from: &str| Listed::window(&all, from, ToString::to_string);
        let firsts = |listed: &Listed<&usize>| (listed.page, listed.rows.first().copied().copied(), listed.rows.len());
        let first = at("");
        assert_eq!((firsts(&first), first.newer.as_deref()), ((1, Some(0), 50), None));
        let last = at(at(&first.older.unwrap()).older.as_deref().unwrap());
        assert_eq!((firsts(&last), last.older.as_deref(), last.total), ((3, Some(100), 20), None, Some(120)));
        assert_eq!(firsts(&at(&last.newer.unwrap())), (2, Some(50), 50));
        let within = at("77");
        assert_eq!((firsts(&within), within.newer.as_deref()), ((1, Some(77), 43), Some("1~27")));
        assert_eq!(firsts(&at("2~gone")), (1, Some(0), 50));
        let few = [1, 2, 3];
        let shown = Listed::window(&few, "2", ToString::to_string);
        assert_eq!((shown.rows.len(), shown.newer, shown.older), (3, None, None));
    }

    #[test]
    fn a_page_that_is_counted_knows_its_number_and_its_neighbours() {
        let of = |from, shown| {
            let page = Listed::counted(from, shown, 120, 50);
            (page.page, page.newer, page.older)
        };
        let token = |number: usize| Some(number.to_string());
        assert_eq!(of(0, 50), (1, None, token(50)));
        assert_eq!(of(50, 50), (2, token(0), token(100)));
        assert_eq!(of(100, 20), (3, token(50), None));
        assert_eq!(of(10, 50), (2, token(0), token(60)), "an address that somebody typed");
        assert_eq!(Listed::counted(0, 0, 0, 50), Listed { total: Some(0), ..Listed::default() });
    }

    #[test]
    fn a_page_knows_its_number_by_the_way_to_it() {
        let at = |from: &str| Listed::at(from, vec![()], Some("n~1".to_owned()), Some("o".to_owned()));
        let first = at("");
        assert_eq!((first.page, first.older.as_deref()), (1, Some("2~o")));
        let second = at("2~o");
        assert_eq!((second.page, second.newer.as_deref(), second.older.as_deref()), (2, Some("1~n~1"), Some("3~o")));
        assert_eq!((key("2~o"), key("1~n~1"), key("o"), key("x~y")), ("o", "n~1", "o", "x~y"));
        assert_eq!(at("anything").page, 1, "a token from before pages were numbered");
    }
}
