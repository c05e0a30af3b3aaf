//! Paging by `nextLink` alone (rule 7): same origin only, a repeated link stops, so do too many pages.
//!
//! The links seen so far travel inside the cursor (as short hashes), so that the guard needs no memory.

use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

use crate::domain::failure::{Failure, FailureKind, Side};

/// Pages after which a list is given up: a million incidents at the usual page size.
const PAGES_MAX: usize = 1000;

/// Where a list stands.
#[derive(Debug, Clone, Default)]
pub struct Trail {
    seen: Vec<String>,
}

fn stop(text: &str) -> Failure {
    Failure::new(Side::Sentinel, FailureKind::Unreadable, text)
}

impl Trail {
    /// Takes a cursor apart: the address to read, and the trail behind it.
    pub fn resume(cursor: &str) -> (String, Self) {
        match cursor.split_once(' ') {
            Some((link, seen)) => (link.to_owned(), Self { seen: seen.split(',').map(str::to_owned).collect() }),
            None => (cursor.to_owned(), Self::default()),
        }
    }

    /// Checks the answer's `nextLink` and gives the next cursor; `None` when this was the last page.
    ///
    /// # Errors
    /// The link leads elsewhere, repeats, or there are too many pages.
    pub fn next(mut self, base: &str, here: &str, page: &Value) -> Result<Option<String>, Failure> {
        let Some(link) = page.get("nextLink").and_then(Value::as_str).filter(|link| !link.trim().is_empty()) else {
            return Ok(None);
        };
        // Used as it came: only a raw blank, which no request line can carry, is written out.
        let link = link.trim().replace(' ', "%20");
        let origin = |text: &str| Url::parse(text).map(|url| url.origin()).ok();
        if origin(&link).is_none() || origin(&link) != origin(base) {
            return Err(stop("Azure's list goes on at another host, which is not followed. Check the ARM address."));
        }
        self.seen.push(mark(here));
        if self.seen.contains(&mark(&link)) {
            return Err(stop("Azure's list runs in a circle: the same page was named twice. It is read again later."));
        }
        if self.seen.len() >= PAGES_MAX {
            return Err(stop("Azure's list has too many pages. It is read again later."));
        }
        Ok(Some(format!("{link} {}", self.seen.join(","))))
    }
}

fn mark(link: &str) -> String {
    let digest = Sha256::digest(link.as_bytes());
    hex::encode(digest.get(..6).unwrap_or(&digest))
}
