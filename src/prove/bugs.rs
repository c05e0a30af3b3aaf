//! Bugs planted on purpose, to show that the invariants see them. All of them are made here and handed in:
//! nothing in the program knows of them. They change what is sent, what is understood of an answer, what is
//! written down, or how a process is started.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use jiff::SignedDuration;
use serde_json::Value;

use super::{host::Host, nemesis::Nemesis};
use crate::{
    domain::{
        operation::{OperationKind, OperationState},
        reason::Reason,
    },
    ledger::fact::Fact,
    twin::{wire::Call, world::Answer},
};

macro_rules! bugs {
    ($($(#[$doc:meta])* $name:ident = $words:literal;)+) => {
        /// One bug.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Bug { $($(#[$doc])* $name,)+ }

        impl Bug {
            /// All of them, in the order of the table that is printed.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The name, for the command line.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// In words.
            pub fn words(self) -> &'static str {
                match self { $(Self::$name => $words,)+ }
            }
        }
    };
}

bugs! {
    /// K1.
    FilterByCreation = "K1: changed incidents are asked for by their time of creation";
    /// K2.
    ForgetsClosed = "K2: an incident once seen closed is never looked at again";
    /// K3.
    GivesUpOn429 = "K3: a write that meets 429 is given up";
    /// K4.
    NewIdEveryTime = "K4: the last incident of a list counts as a new one each time";
    /// K5.
    ReopenedByEcho = "K5: our own closing of a ticket is read as its reopening";
    /// K6.
    TokenForEveryCall = "K6: a new token for every call";
    /// K7.
    StopsAtNull = "K7: the rows behind a null where text was expected are lost";
    /// Echo guard off, in Sentinel.
    EchoOfComments = "echo guard off: our own comments are taken for people's";
    /// Echo guard off, in Halo.
    EchoOfNotes = "echo guard off: our own notes are taken for people's";
    /// The cursor moves too far.
    CursorTooFar = "the cursor moves an hour too far";
    /// Unknown outcomes are sent again.
    LostWriteRetried = "a write whose answer was lost is sent again blindly";
    /// Sent before it is written down.
    SendsBeforeNoting = "a write is sent before it is written down";
    /// Pages beyond the first are dropped.
    SecondPageDropped = "the second page of a list is dropped";
    /// A merge is a closure.
    MergeIsClosure = "a merge is taken for a closure";
    /// Tickets of the next client.
    WrongClient = "a ticket is made for another client";
    /// The client is not compared.
    ClientNotCompared = "a ticket's client is not compared before a write";
    /// No etag.
    NoEtag = "an incident is written without its etag";
    /// Owner left out of a write.
    OwnerLeftOut = "a write of an incident leaves its owner out";
    /// Labels left out of a write.
    LabelsLeftOut = "a write of an incident leaves its labels out";
    /// Private notes become public.
    NotesShown = "our notes are shown to the end user";
    /// Private notes cross.
    PrivateCrosses = "private notes are read as public ones";
    /// Long texts are cut.
    TextCut = "texts are cut at 60 characters";
    /// The queue runs backwards.
    QueueBackwards = "a pair's queue is carried out backwards";
    /// Retry-After is not kept.
    IgnoresRetryAfter = "Retry-After is taken for any failure";
    /// Twice.
    WritesTwice = "every tenth note is written twice";
    /// One failure is enough.
    NoSecondTry = "a write that failed once is given up";
    /// Wrong zone.
    WrongZone = "Halo's times are read an hour off";
    /// The copy writes.
    CopyWrites = "a copied data directory writes";
    /// A restore remembers nothing.
    RestoreTrusted = "a restored backup is trusted at once";
    /// A planned write is lost.
    LosesPlans = "one planned write in twenty is lost";
}

impl Bug {
    /// Misfortunes of which it needs one to do harm; none: any world may give it away.
    pub fn needs(self) -> &'static [Nemesis] {
        match self {
            Self::SecondPageDropped => &[Nemesis::PageCap],
            Self::NoEtag => &[Nemesis::EtagConflict],
            Self::SendsBeforeNoting => &[Nemesis::Crash, Nemesis::FullDisk],
            Self::ClientNotCompared => &[Nemesis::ClientMoved],
            Self::MergeIsClosure => &[Nemesis::Merge],
            Self::RestoreTrusted => &[Nemesis::Restore],
            Self::CopyWrites => &[Nemesis::TwoInstances],
            _ => &[],
        }
    }
}

/// What a planted bug needs to remember.
#[derive(Debug, Default)]
struct Memory {
    closed: BTreeSet<String>,
    count: u64,
}

/// The bugs of a world; none unless somebody asks.
#[derive(Debug, Clone, Default)]
pub struct Bugs {
    planted: Option<Bug>,
    memory: Arc<Mutex<Memory>>,
}

impl Bugs {
    /// One bug.
    pub fn one(bug: Bug) -> Self {
        Self { planted: Some(bug), memory: Arc::default() }
    }

    /// The same for another world.
    pub fn fresh(&self) -> Self {
        Self { planted: self.planted, memory: Arc::default() }
    }

    /// Whether this one is planted.
    pub fn has(&self, bug: Bug) -> bool {
        self.planted == Some(bug)
    }

    fn remember<T>(&self, f: impl FnOnce(&mut Memory) -> T) -> T {
        f(&mut self.memory.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Every `n`-th time.
    fn every(&self, n: u64) -> bool {
        self.remember(|memory| {
            memory.count += 1;
            memory.count % n == 0
        })
    }

    /// Those that change what is sent.
    pub fn on_call(&self, call: &mut Call, kind: &str) {
        let Some(bug) = self.planted else { return };
        match (bug, kind) {
            (Bug::FilterByCreation, "sentinel.incident.list") => {
                for (_, value) in call.query.iter_mut().filter(|(name, _)| name == "$filter") {
                    *value = value.replace("properties/lastModifiedTimeUtc", "properties/createdTimeUtc");
                }
            }
            (Bug::WrongClient, "halo.tickets.post") => edit(&mut call.body, |body| {
                if body.pointer("/0/id").is_none()
                    && let Some(client) = body.pointer_mut("/0/client_id")
                {
                    *client = Value::from(client.as_i64().unwrap_or_default() + 1);
                }
            }),
            (Bug::NoEtag, "sentinel.incident.put") => edit(&mut call.body, |body| {
                body.as_object_mut().map(|members| members.remove("etag"));
            }),
            (Bug::OwnerLeftOut | Bug::LabelsLeftOut, "sentinel.incident.put") => edit(&mut call.body, |body| {
                let member = if bug == Bug::OwnerLeftOut { "owner" } else { "labels" };
                let properties = body.get_mut("properties").and_then(Value::as_object_mut);
                properties.map(|properties| properties.remove(member));
            }),
            (Bug::NotesShown, "halo.actions.post") => edit(&mut call.body, |body| {
                if let Some(hidden) = body.pointer_mut("/0/hiddenfromuser") {
                    *hidden = Value::Bool(false);
                }
            }),
            (Bug::TextCut, "sentinel.comment.put") => edit(&mut call.body, |body| {
                if let Some(Value::String(text)) = body.pointer_mut("/properties/message") {
                    *text = text.chars().take(60).collect();
                }
            }),
            _ => {}
        }
    }

    /// Whether this call is made twice.
    pub fn repeats(&self, kind: &str) -> bool {
        self.has(Bug::WritesTwice) && kind == "halo.actions.post" && self.every(10)
    }

    /// Those that change what is understood of an answer. `client` gives the client a ticket was made for.
    pub fn on_answer(&self, kind: &str, answer: &mut Answer, client: impl Fn(i64) -> Option<i64>) {
        let Some(bug) = self.planted else { return };
        let write = kind.ends_with(".put") || kind.ends_with(".post");
        let body = &mut answer.reply.body;
        match bug {
            Bug::GivesUpOn429 if answer.reply.status == 429 && write => {
                answer.reply.status = 400;
                answer.reply.headers.retain(|(name, _)| name != "retry-after");
            }
            Bug::IgnoresRetryAfter if answer.reply.status == 429 => {
                answer.reply.status = if write { 409 } else { 503 };
                answer.reply.headers.retain(|(name, _)| name != "retry-after");
            }
            Bug::SecondPageDropped => edit(body, |body| {
                if let Some(members) = body.as_object_mut() {
                    members.remove("nextLink");
                    members.remove("record_count");
                }
            }),
            Bug::ForgetsClosed if kind == "sentinel.incident.list" => edit(body, |body| self.forget_closed(body)),
            Bug::NewIdEveryTime if kind == "sentinel.incident.list" => edit(body, |body| {
                let number = self.remember(|memory| {
                    memory.count += 1;
                    memory.count
                });
                let last = body.get_mut("value").and_then(Value::as_array_mut).and_then(|rows| rows.last_mut());
                if let Some(name) = last.and_then(|row| row.get_mut("name")) {
                    *name = format!("00000000-0000-4000-8000-{number:012x}").into();
                }
            }),
            Bug::StopsAtNull if kind == "sentinel.incident.list" => edit(body, |body| {
                if let Some(rows) = body.get_mut("value").and_then(Value::as_array_mut) {
                    let null = |row: &Value| row.pointer("/properties/owner/assignedTo").is_some_and(Value::is_null);
                    if let Some(at) = rows.iter().position(null) {
                        rows.truncate(at + 1);
                    }
                }
            }),
            Bug::MergeIsClosure if kind.starts_with("sentinel.incident.") => edit(body, |body| {
                for_rows(body, "value", |row| {
                    if let Some(labels) = row.pointer_mut("/properties/labels").and_then(Value::as_array_mut) {
                        labels.retain(|label| label.get("labelName").and_then(Value::as_str) != Some("Redirected"));
                    }
                });
            }),
            Bug::EchoOfComments if kind == "sentinel.comment.list" => edit(body, |body| {
                for_rows(body, "value", |row| {
                    // A derived id (version 5) becomes one like a person's.
                    if let Some(Value::String(name)) = row.get_mut("name")
                        && name.as_bytes().get(14) == Some(&b'5')
                    {
                        name.replace_range(14..15, "4");
                    }
                });
            }),
            Bug::EchoOfNotes if kind == "halo.actions.list" => edit(body, |body| {
                for_rows(body, "actions", |row| {
                    if row.get("who_agentid") == Some(&Value::from(2)) {
                        shift(row, "id", 1_000);
                        set(row, "who_agentid", 5.into());
                        set(row, "actionby_agent_id", 5.into());
                        set(row, "hiddenfromuser", false.into());
                        for name in ["note", "note_html"] {
                            if let Some(Value::String(text)) = row.get_mut(name) {
                                *text = text.replace("HB-", "HX-");
                            }
                        }
                    }
                });
            }),
            Bug::PrivateCrosses if kind == "halo.actions.list" => edit(body, |body| {
                for_rows(body, "actions", |row| set(row, "hiddenfromuser", false.into()));
            }),
            Bug::WrongZone if kind == "halo.actions.list" => edit(body, |body| {
                for_rows(body, "actions", |row| {
                    let text = row.get("datetime").and_then(Value::as_str).unwrap_or_default().to_owned();
                    let zoned = if text.ends_with('Z') { text } else { format!("{text}Z") };
                    if let Ok(at) = zoned.parse::<jiff::Timestamp>() {
                        let off = at + SignedDuration::from_hours(1);
                        set(row, "datetime", off.strftime("%Y-%m-%dT%H:%M:%S").to_string().into());
                    }
                });
            }),
            Bug::ReopenedByEcho if kind.starts_with("halo.tickets.") && !write => edit(body, |body| {
                for_rows(body, "tickets", |row| {
                    // Closed by our own agent.
                    if row.get("closure_agent_id") == Some(&Value::from(2)) {
                        set(row, "status_id", 2.into());
                        set(row, "dateclosed", "1900-01-01T00:00:00".into());
                        set(row, "date_fully_closed", "1900-01-01T00:00:00".into());
                        set(row, "hasbeenclosed", false.into());
                    }
                });
            }),
            Bug::ClientNotCompared if kind.starts_with("halo.tickets.") && !write => edit(body, |body| {
                for_rows(body, "tickets", |row| {
                    let made_for = row.get("id").and_then(Value::as_i64).and_then(&client);
                    if let Some(made_for) = made_for {
                        set(row, "client_id", made_for.into());
                    }
                });
            }),
            _ => {}
        }
    }

    fn forget_closed(&self, body: &mut Value) {
        let Some(rows) = body.get_mut("value").and_then(Value::as_array_mut) else { return };
        rows.retain(|row| {
            let name = row.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            let closed = row.pointer("/properties/status").and_then(Value::as_str) == Some("Closed");
            let known = self.remember(|memory| memory.closed.contains(&name));
            if closed {
                self.remember(|memory| memory.closed.insert(name));
            }
            !known
        });
    }

    /// Plants those that change what is written down. `anew`: the process keeps nothing in memory.
    pub fn plant(&self, host: &Host, anew: bool) {
        // Nor what a planted bug does not write down.
        if anew || self.planted.is_some() {
            host.engine.keep_nothing();
        }
        if let Some(bug) = self.planted {
            let own = self.clone();
            host.store.look_through(Arc::new(move |fact| own.on_fact(bug, fact)));
        }
    }

    /// What is written down instead; `None` = nothing.
    fn on_fact(&self, bug: Bug, fact: Fact) -> Option<Fact> {
        match (bug, fact) {
            (Bug::CursorTooFar, Fact::CursorMoved { workspace, modified, number }) => {
                Some(Fact::CursorMoved { workspace, modified: modified + SignedDuration::from_hours(1), number })
            }
            (Bug::SendsBeforeNoting, Fact::OperationMoved { state: OperationState::Sending { .. }, .. }) => None,
            (
                Bug::LostWriteRetried,
                Fact::OperationMoved {
                    operation,
                    pair,
                    state: OperationState::OutcomeUnknown { look, .. },
                    attempts,
                    failure,
                },
            ) => {
                let state = OperationState::Planned { ready: look };
                Some(Fact::OperationMoved { operation, pair, state, attempts, failure })
            }
            (
                Bug::NoSecondTry,
                Fact::OperationMoved {
                    operation,
                    pair,
                    state: OperationState::Planned { ready },
                    attempts,
                    failure: Some(failure),
                },
            ) => {
                let state =
                    OperationState::Dead { at: ready, reason: Reason::Refused { why: failure.message.clone() } };
                Some(Fact::OperationMoved { operation, pair, state, attempts, failure: Some(failure) })
            }
            (Bug::QueueBackwards, Fact::OperationPlanned { mut operation }) => {
                if !operation.kind.makes_ticket() {
                    operation.position = 1_000_000 - operation.position;
                }
                Some(Fact::OperationPlanned { operation })
            }
            (Bug::LosesPlans, Fact::OperationPlanned { mut operation }) => {
                if matches!(operation.kind, OperationKind::AddNote { .. }) && self.every(20) {
                    operation.state = OperationState::Dead { at: operation.planned, reason: Reason::NoteHeldBack };
                }
                Some(Fact::OperationPlanned { operation })
            }
            (_, fact) => Some(fact),
        }
    }
}

fn edit(bytes: &mut Bytes, change: impl FnOnce(&mut Value)) {
    let Ok(mut body) = serde_json::from_slice::<Value>(bytes) else { return };
    change(&mut body);
    *bytes = Bytes::from(body.to_string());
}

/// The rows of a list under `name`, or the one record that the answer is.
fn for_rows(body: &mut Value, name: &str, mut each: impl FnMut(&mut Value)) {
    match body.get_mut(name) {
        Some(Value::Array(rows)) => rows.iter_mut().for_each(each),
        _ => each(body),
    }
}

fn set(row: &mut Value, name: &str, value: Value) {
    if let Some(found) = row.get_mut(name) {
        *found = value;
    }
}

fn shift(row: &mut Value, name: &str, by: i64) {
    if let Some(number) = row.get(name).and_then(Value::as_i64) {
        set(row, name, (number + by).into());
    }
}
