//! Paging by `nextLink` alone (rule 7): same origin only; a repeated link ends the list.
//!
//! The links seen so far travel inside the cursor (as short hashes), so that the guard needs no memory.
//! A link that may not be followed fails the call that would follow it: the page that named it is kept.

use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

use crate::domain::failure::{Failure, FailureKind, Side};

/// Pages after which a list is given up: a million incidents at the usual page size.
const PAGES_MAX: usize = 1000;

/// What stands in a cursor for a link into another workspace: its incidents are another client's.
const ANOTHER_WORKSPACE: &str = "another-workspace";

/// Where a list stands.
#[derive(Debug, Clone, Default)]
pub struct Trail {
    seen: Vec<String>,
}

fn stop(text: &str) -> Failure {
    Failure::new(Side::Sentinel, FailureKind::Unreadable, text)
}

impl Trail {
    /// Takes a cursor apart: the address to read, and the trail behind it. The first page's address is
    /// ours; every other one is checked here, before anything is sent there.
    ///
    /// # Errors
    /// The link leads to another host, or there are too many pages.
    pub fn resume(base: &str, cursor: &str) -> Result<(String, Self), Failure> {
        Self::resume_smaller(base, cursor, 1)
    }

    /// The same of a list whose pages are so many times smaller than usual: it may have as many times more of them.
    ///
    /// # Errors
    /// See [`Self::resume`].
    pub fn resume_smaller(base: &str, cursor: &str, times: u32) -> Result<(String, Self), Failure> {
        let Some((link, seen)) = cursor.split_once(' ') else { return Ok((cursor.to_owned(), Self::default())) };
        if link == ANOTHER_WORKSPACE {
            return Err(stop(
                "Azure's list goes on in another workspace, which is not followed. It is read again later.",
            ));
        }
        let origin = |text: &str| Url::parse(text).map(|url| url.origin()).ok();
        if origin(link).is_none() || origin(link) != origin(base) {
            return Err(stop("Azure's list goes on at another host, which is not followed. Check the ARM address."));
        }
        let seen: Vec<String> = seen.split(',').map(str::to_owned).collect();
        if seen.len() >= PAGES_MAX.saturating_mul(usize::try_from(times).unwrap_or(1)) {
            return Err(stop("Azure's list has too many pages. It is read again later."));
        }
        Ok((link.to_owned(), Self { seen }))
    }

    /// The cursor of the next page by the answer's `nextLink`; `None` when this was the last page, or
    /// when the link names a page that was read: then there is nothing more to be had.
    pub fn next(mut self, here: &str, page: &Value) -> Option<String> {
        // In whatever case a proxy or a sovereign cloud writes it: a page that is overlooked is the worst.
        let is_link = |name: &str| ["nextLink", "@odata.nextLink"].iter().any(|known| name.eq_ignore_ascii_case(known));
        let named = page.as_object()?.iter().filter(|(name, _)| is_link(name));
        let link = named.filter_map(|(_, link)| link.as_str()).map(str::trim).find(|link| !link.is_empty())?;
        // Used as it came: only a raw blank, which no request line can carry, is written out.
        let link = link.replace(' ', "%20");
        // A link without a host goes on where this page lies.
        let link = match Url::parse(&link) {
            Err(url::ParseError::RelativeUrlWithoutBase) if link.starts_with(['/', '?']) => {
                Url::parse(here).ok()?.join(&link).map_or(link, |whole| whole.to_string())
            }
            _ => link,
        };
        self.seen.push(mark(here));
        if matches!((workspace(here), workspace(&link)), (Some(own), Some(other)) if own != other) {
            return Some(format!("{ANOTHER_WORKSPACE} {}", self.seen.join(",")));
        }
        if self.seen.contains(&mark(&link)) {
            tracing::warn!("Azure named a page of its list twice; the list ends there");
            return None;
        }
        Some(format!("{link} {}", self.seen.join(",")))
    }
}

/// The workspace that an address names.
fn workspace(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let mut parts = url.path_segments()?;
    parts.find(|part| part.eq_ignore_ascii_case("workspaces"))?;
    parts.next().filter(|name| !name.is_empty()).map(str::to_lowercase)
}

fn mark(link: &str) -> String {
    let digest = Sha256::digest(link.as_bytes());
    hex::encode(digest.get(..6).unwrap_or(&digest))
}
