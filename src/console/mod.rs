//! What people see: pages drawn on the server, and the islands the browser wakes.
//!
//! A page is a pure function of its view ([`crate::domain::view`]) and a [`PageContext`]: no page
//! asks the time, a store or a service. `web` loads the view and calls [`platform::render`]; for live rows it
//! calls [`platform::render_fragment`] with the very same page. Start reading at [`page::Page`], then
//! [`shell`] and one of [`pages`]. Only [`islands`] run in the browser; everything works without.
//!
//! # Addresses
//!
//! | Page | GET | Query |
//! |--|--|--|
//! | [`Page::Dashboard`] | `/` | `q sync health client workspace severity status reason sort dir from` |
//! | the same pairs as a CSV file | `/pairs.csv` | as `/`, without `from` |
//! | [`Page::NotLinked`] | `/incidents` | `q reason workspace from` |
//! | [`Page::Approvals`] | `/approvals` | `from` |
//! | [`Page::Versions`] | `/configuration` | |
//! | [`Page::Drift`] | `/drift` | `class workspace from` |
//! | [`Page::Backfill`] | `/backfill` | |
//! | [`Page::Shadow`] | `/shadow` | `kind workspace from` |
//! | the same as a CSV file | `/shadow.csv` | as `/shadow`, without `from` |
//! | [`Page::Pair`], once taken apart [`Page::Unlinked`] | `/pairs/{id}` | `from` (older history), `at` (as it stood after that entry), `list` (the query of the list it was opened from) |
//! | [`Page::Problems`] | `/problems` | |
//! | [`Page::Runs`] | `/runs` | `source failed from` |
//! | [`Page::Connections`] | `/connections` | |
//! | [`Page::Disconnect`] | `/connections/{id}/disconnect` | |
//! | [`Page::Tickets`] | `/tickets` | `halo ticket` |
//! | [`Page::LookUp`] | `/look-up` | `workspace incident` |
//! | [`Page::Accounts`] | `/accounts`, `/accounts/{id}` | |
//! | [`Page::Tokens`] | `/tokens` | |
//! | [`Page::Errands`], [`Page::Errand`] | `/errands`, `/errands/{id}` | |
//! | [`Page::Views`] | `/views`, `/views/{id}` | `list query` (what is to be saved) |
//! | [`Page::Ledger`] | `/ledger` | `client fact from` |
//! | the same entries as JSON Lines | `/ledger.jsonl` | as `/ledger`, without `from` |
//! | [`Page::Account`] | `/account` | |
//! | [`Page::Help`] | `/help`, `/help/{page}` | |
//! | [`Page::Drop`] | `/operations/{id}/drop` | |
//! | [`Page::Palette`] | `/palette` | `q of` (the address of the page one comes from) |
//! | [`Page::Rebuild`] | `/pairs/{id}/rebuild` | |
//! | [`Page::Replay`] | `/operations/{id}/retry`, `/problems/replay` | `reason`, or `operation` (several) |
//! | [`Page::SignIn`] | `/sign-in` | `next` |
//! | [`Page::SetUp`], later [`Page::Steps`] | `/set-up` | |
//! | [`Page::Step`] | `/set-up/{step}` | `connection` (an id, or `new`), `again` (ask Azure and Halo anew) |
//! | the step of polling and webhooks | `/set-up/import` | `plan` (a workspace), `q from` (workspaces), `show errand_from` (workspaces of the errand) |
//! | workspaces and their clients as a CSV file | `/set-up/clients.csv` | |
//!
//! With `fragment=1` beside the other members of the query, `/`, `/incidents`, `/approvals`, `/drift`, `/backfill`, `/shadow`, `/pairs/{id}`,
//! `/errands`, `/errands/{id}`, `/problems`, `/runs`, `/connections` and, once there was an errand, `/set-up/import` answer [`platform::render_fragment`]'s HTML;
//! `/palette` answers its entries. With `kiosk=1` a page leaves out what is pressed: it hangs on a wall.
//!
//! # Forms
//!
//! All are `POST`, `application/x-www-form-urlencoded`, and end in 303, or in 422 with the same page.
//!
//! | Action | Fields | Ends at |
//! |--|--|--|
//! | `/set-up` | `code name password` | `/set-up/microsoft` |
//! | `/set-up/{step}` | as the step's view says (`domain::view::set_up`) | the next step |
//! | `/sign-in` | `name password next` | `next` or `/` |
//! | `/sign-out` | | `/sign-in` |
//! | `/preferences` | any of `theme` (`light dark system`), `density` (`compact roomy`), `keys` (`on off`), `zone` (IANA name, empty = UTC); `next` | `next` |
//! | `/pairs/{id}/look` | | `/pairs/{id}` |
//! | `/pairs/{id}/sync` | | `/pairs/{id}` |
//! | `/pairs/{id}/rebuild` | `next` | `next` |
//! | `/pairs/{id}/unlink` | | `/incidents?reason=unlinked` |
//! | `/pairs/{id}/pause`, `/clients/{id}/pause`, `/connections/{id}/pause` | `why next` | `next` |
//! | `/pairs/{id}/resume`, `/clients/{id}/resume`, `/connections/{id}/resume` | `next` | `next` |
//! | `/incidents/{workspace}/{incident}/link` | `ticket next` | `next` |
//! | `/incidents/{workspace}/{incident}/ticket` | `next` | `next` |
//! | `/push`, `/workspaces/{id}/push` | `workspace ticket anyway next` | `next` |
//! | `/accounts` | `name role sees client` (several) | the page itself, with the password once |
//! | `/accounts/{id}` | `role sees client` (several) | `/accounts` |
//! | `/accounts/{id}/password` | | the page itself, with the password once |
//! | `/accounts/{id}/off`, `/accounts/{id}/on` | | `/accounts` |
//! | `/tokens` | `name sees client` (several) | the page itself, with the token once |
//! | `/tokens/{id}/revoke` | | `/tokens` |
//! | `/errands` | `act` (`look sync pause resume`), `which` (`ticked all`), `pair` (several), `query` (the list's), `why` | `/errands/{id}` |
//! | `/errands/{id}/begin`, `/errands/{id}/stop` | | `/errands/{id}` |
//! | `/views` | `list query name shared` (`no yes`) | the list as it was saved |
//! | `/views/{id}` | `name shared` | `/views` |
//! | `/views/{id}/remove` | | `/views` |
//! | `/backfill` | `workspace from to cap per_hour closed next` | `next` |
//! | `/workspaces/{id}/backfill/start`, `/workspaces/{id}/backfill/stop` | `backfill` (the one that was shown) `next` | `next` |
//! | `/operations/{id}/retry` | `next dropped` | `next` |
//! | `/problems/replay` | `operation` (several) `next` | `next` |
//! | `/operations/{id}/drop` | `next` | `next` |
//! | `/workspaces/{id}/sync` | `next` | `next` |
//! | `/workspaces/{id}/log` | `next` | `next` (compares a workspace with its log) |
//! | `/connections/{id}/look` | `next` | `next` (reads a Halo instance now) |
//! | `/connections/{id}/test` | `next` | `next` (asks Microsoft what a connection reaches) |
//! | `/connections/{id}/sign-in` | `next` | Microsoft's sign-in, which comes back to `next` |
//! | `/account/password` | `current password` | `/account` |
//! | `/account/sessions` | | `/account` (signs out everywhere else) |
//!
//! # Live
//!
//! `GET /events` (`text/event-stream`): each message has the ledger's number as `id` and, as data,
//! the ids of the pairs it concerns (separated by blanks; empty for the installation). `Last-Event-ID`,
//! or `?after=N` on the first connection, says where to go on.

pub mod islands;
pub mod platform;
pub mod words;

// Drawn on the server alone; the bundle need not even be compiled with them.
#[cfg(feature = "ssr")]
pub mod components;
#[cfg(feature = "ssr")]
pub mod context;
#[cfg(feature = "ssr")]
pub mod hydration;
#[cfg(feature = "ssr")]
pub mod page;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod shell;

#[cfg(feature = "ssr")]
pub use self::{
    context::{Density, Flash, FlashKind, PageContext, Person, Theme},
    page::Page,
};
