//! Words for numbers, moments and reasons. Shared with the browser: no time zones in here.

use crate::domain::{
    connection::HaloProduct,
    failure::Side,
    pair::{Health, SyncState},
    run::RunCause,
    shadow::{Carriage, LapseKind},
    workspace::Mode,
};

/// Who has the buttons that a viewer lacks.
pub const OPERATORS: &str = "an operator or an admin";

/// Name, address and shortcut (`g` and this letter) of the pages in the bar.
pub const PLACES: [(&str, &str, char); 6] = [
    ("Linked", "/", 'd'),
    ("Not linked", "/incidents", 'n'),
    ("Problems", "/problems", 'p'),
    ("Runs", "/runs", 'r'),
    ("Connections", "/connections", 'c'),
    ("Ledger", "/ledger", 'l'),
];

/// `12 s ago`, `3 min ago`, `5 h ago`, `2 d ago`; with a moment to come `in 12 s`, `in a moment`. Milliseconds since 1970.
pub fn relative(now_ms: i64, then_ms: i64) -> String {
    let seconds = now_ms.saturating_sub(then_ms) / 1000;
    let (size, unit) = match seconds.unsigned_abs() {
        0..5 if seconds < 0 => return "in a moment".into(),
        0..5 => return "just now".into(),
        s @ 5..60 => (s, "s"),
        s @ 60..3_600 => (s / 60, "min"),
        s @ 3_600..172_800 => (s / 3_600, "h"),
        s => (s / 86_400, "d"),
    };
    if seconds < 0 { format!("in {size} {unit}") } else { format!("{size} {unit} ago") }
}

/// `1,234,567`
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 incident`, `2 incidents`
pub fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(n), if n == 1 { one } else { many })
}

/// A length of time: `20 s`, `15 min`, `6 h`.
pub fn every(seconds: u32) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}

/// A stretch of time: `40 s`, `17 min`, `5 h`, `3 d`.
pub fn span(seconds: u64) -> String {
    match seconds {
        s @ 0..120 => format!("{s} s"),
        s @ 120..7_200 => format!("{} min", s / 60),
        s @ 7_200..172_800 => format!("{} h", s / 3_600),
        s => format!("{} d", s / 86_400),
    }
}

/// How another integration failed.
pub fn lapse(kind: LapseKind) -> &'static str {
    match kind {
        LapseKind::Missed => "Missed",
        LapseKind::Doubled => "Doubled",
        LapseKind::Delayed => "Late",
    }
}

/// A side, for people.
pub fn side(side: Side) -> &'static str {
    match side {
        Side::Sentinel => "Sentinel",
        Side::Halo => "Halo",
    }
}

/// What was to be carried over.
pub fn carriage(what: Carriage, from: Side) -> &'static str {
    match (what, from) {
        (Carriage::Ticket, _) => "the ticket for",
        (Carriage::Comment, _) => "the comment",
        (Carriage::Note, _) => "the note",
        (Carriage::Closure, Side::Sentinel) => "the incident's closure,",
        (Carriage::Closure, Side::Halo) => "the ticket's closure,",
    }
}

/// How long something took: `12 ms`, `1.4 s`, `80 s`.
pub fn took(ms: i64) -> String {
    match ms.max(0) {
        ms @ 0..1_000 => format!("{ms} ms"),
        ms @ 1_000..10_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        ms => format!("{} s", ms / 1_000),
    }
}

/// For people.
pub fn sync(state: SyncState) -> &'static str {
    match state {
        SyncState::InStep => "In step",
        SyncState::Behind => "Behind",
        SyncState::Unknown => "Unknown",
    }
}

/// For people.
pub fn health(health: Health) -> &'static str {
    match health {
        Health::Healthy => "Healthy",
        Health::Waiting => "Waiting",
        Health::NeedsYou => "Needs you",
    }
}

/// Both axes in one: what asks for a person first, else how far apart.
pub fn standing(state: SyncState, axis: Health) -> &'static str {
    match axis {
        Health::NeedsYou => health(axis),
        Health::Healthy | Health::Waiting => sync(state),
    }
}

/// For people.
pub fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Off => "Off",
        Mode::Observe => "Observe",
        Mode::CommentOnly => "Comments only",
        Mode::SentinelToHalo => "Sentinel to Halo",
        Mode::TwoWay => "Two-way",
    }
}

/// What a mode means, one sentence.
pub fn mode_meaning(mode: Mode) -> &'static str {
    match mode {
        Mode::Off => "Nothing is read.",
        Mode::Observe => "Reads and plans, writes nothing.",
        Mode::CommentOnly => "Only comments and notes cross.",
        Mode::SentinelToHalo => "Changes cross from Sentinel to Halo only.",
        Mode::TwoWay => "Changes cross both ways.",
    }
}

/// Why a run began.
pub fn cause(cause: RunCause) -> &'static str {
    match cause {
        RunCause::Schedule => "Schedule",
        RunCause::Webhook => "Webhook",
        RunCause::Person => "A person",
        RunCause::Full => "Full list",
    }
}

/// The product's name.
pub fn halo(product: HaloProduct) -> &'static str {
    match product {
        HaloProduct::Itsm => "HaloITSM",
        HaloProduct::Psa => "HaloPSA",
    }
}

/// A short title for a group of items with the same reason.
pub fn reason_title(code: &str) -> &'static str {
    match code {
        "new-incident" => "New incident",
        "comment-added" => "Comment added",
        "note-added" => "Note added",
        "comment-edited" => "Comment edited",
        "comment-deleted" => "Comment deleted",
        "note-edited" => "Note edited",
        "note-deleted" => "Note deleted",
        "notes-digested" => "Notes in one comment",
        "ticket-made" => "Ticket made",
        "pushed" => "Ticket pushed to Sentinel",
        "changed-in-sentinel" => "Changed in Sentinel",
        "changed-in-halo" => "Changed in Halo",
        "incident-closed" => "Incident closed",
        "ticket-closed" => "Ticket closed",
        "incident-reopened" => "Incident opened again",
        "ticket-reopened" => "Ticket opened again",
        "in-step" => "In step",
        "mode-off" => "Workspace switched off",
        "mode-observe" => "Observe mode",
        "mode-one-way" => "Mode doesn't carry this direction",
        "older-than-start" => "Older than start",
        "redirected" => "Merged in Defender",
        "filtered" => "Held by a filter",
        "storm-held" => "Held by the storm brake",
        "entities-awaited" => "Waits for its entities",
        "storm-released" => "Released from the storm brake",
        "unlinked" => "Unlinked by a person",
        "link-asked" => "Being linked",
        "link-refused" => "Could not be linked",
        "ticket-asked" => "Ticket asked for",
        "rehomed" => "Client's place in Halo changed",
        "client-not-bound" => "Client has no Halo client",
        "unmapped" => "No mapping",
        "record-gone" => "Record deleted or merged",
        "wrong-client" => "Ticket of another client",
        "verdict-missing" => "Classification missing",
        "verdict-refused" => "Classification not allowed",
        "comments-unread" => "Comments can't be read",
        "ticket-unread" => "Ticket can't be read",
        "note-held-back" => "Note held back",
        "comments-full" => "No room for comments",
        "conflict" => "Changed on both sides",
        "reopened" => "Opened again on one side",
        "written-elsewhere" => "Notes about another client",
        "left-apart" => "Closed on one side only",
        "after-closing" => "Changed after closing",
        "flapping" => "Status changes too often",
        "grouped" => "Shares a ticket",
        "group-waits" => "Waits for the ticket it will share",
        "group-open" => "Closed, others of its ticket are open",
        "alerts-joined" => "Alerts joined",
        "copied-over" => "Copied to the ticket in its place",
        "merged" | "merged-into" => "Merged in Defender",
        "survivor-unknown" => "Merged, not known into which",
        "tickets-meet" => "Two tickets of merged incidents",
        "copy-lost" => "Copy of a comment lost",
        "awaits-approval" => "Waits for approval",
        "rejected" => "Rejected by a person",
        "outcome-unknown" => "Outcome not known",
        "refused" => "Refused by the other side",
        _ => "Other",
    }
}

/// A kind of ledger entry, by the fact's name.
pub fn fact(name: &str) -> &str {
    match name {
        "actions-read" => "Actions of a ticket read",
        "base-agreed" => "Both sides agreed on values",
        "comments-read" => "Comments of an incident read",
        "cursor-moved" => "Workspace read up to a moment",
        "decided" => "Decision of a person",
        "survivor-found" => "Survivor of a merge found",
        "delivery-handled" => "Webhook taken up",
        "delivery-received" => "Webhook received",
        "evidence-read" => "Alerts and entities read",
        "halo-cursor-moved" => "Halo read up to a moment",
        "human-act" => "Something a person did",
        "incident-held" => "Incident held back, or no longer",
        "incident-read" => "Incident read",
        "note-linked" => "Note and comment joined",
        "operation-moved" => "Operation sent, done or failed",
        "operation-planned" => "Operation planned",
        "pair-judged" => "Pair judged",
        "paused" => "Paused",
        "resumed" => "Resumed",
        "record-gone" => "Record gone or back",
        "drift-found" => "Drift found",
        "shadow-compared" => "Other integration compared",
        "backfill-moved" => "Backfill",
        "unlinked" => "Pair taken apart",
        "pair-opened" => "Pair opened",
        "run-ended" => "Run ended",
        "ticket-linked" => "Ticket joined to a pair",
        "ticket-read" => "Ticket read",
        "unreadable" => "Record that can't be read",
        other => other,
    }
}
