//! Facts are split and put together again, and a chain says what does not fit.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    entry::{Broken, Chain, Entry, Hash, Head, Seq, body_hash, chained, follow, hash, join, split},
    fact::Fact,
};
use crate::domain::{
    ids::{ClientId, PairId},
    time,
};

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn fact(name: &str, members: &Value) -> Fact {
    let mut whole = members.clone();
    whole["fact"] = name.into();
    serde_json::from_value(whole).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A fact's name, its members, its pair, and what the entry says beside what is kept apart; `None` if nothing is.
type Row = (&'static str, Value, Option<u128>, Option<Value>);

fn incident() -> Value {
    json!({
        "id": "i", "resource_id": "/i", "etag": "\"1\"", "number": 7, "title": "T", "severity": "High", "status": "New",
        "owner": {}, "labels": [], "modified": "2026-03-01T11:00:00Z", "alerts_count": 1, "comments_count": 0,
        "raw": { "properties": { "b": 1, "a": null } },
    })
}

fn ticket() -> Value {
    json!({
        "id": 70, "summary": "T", "status_id": 2, "closed": false, "deleted": false,
        "last_update": "2026-03-01T11:00:05Z", "custom_fields": [], "raw": { "id": 70 },
    })
}

fn operation() -> Value {
    json!({
        "id": id(5), "client": id(2), "pair": id(4), "position": 3,
        "kind": { "kind": "update-ticket", "change": { "status_id": 9 } }, "reason": { "code": "new-incident" },
        "state": { "state": "planned", "ready": "2026-03-01T12:00:00Z" }, "attempts": 0, "last_failure": null,
        "planned": "2026-03-01T12:00:00Z",
    })
}

fn pair() -> Value {
    json!({
        "id": id(4), "client": id(2), "workspace": id(1), "incident": "i", "halo": id(3), "halo_client_id": 12,
        "ticket": null, "reference": "HB-1", "base": {}, "sync": "behind", "health": "waiting", "reason": null,
        "created": "2026-03-01T12:00:00Z", "changed": "2026-03-01T12:00:00Z",
    })
}

fn pause(scope: &Value) -> Value {
    json!({ "scope": scope, "cause": { "by": "person", "who": null, "why": "moving" }, "since": "2026-03-01T12:00:00Z" })
}

/// Those whose large contents are kept apart.
fn in_two() -> Vec<Row> {
    let action = json!({
        "key": { "ticket": 70, "action": 3 }, "system": false, "note": "words", "private": true, "important": false,
        "sync_to_sentinel": false,
    });
    let source = json!({ "kind": "halo", "connection": id(3) });
    vec![
        (
            "incident-read",
            json!({ "workspace": id(1), "client": id(2), "incident": incident() }),
            None,
            Some(json!({ "workspace": id(1), "client": id(2), "id": "i", "number": 7, "etag": "\"1\"",
                "modified": "2026-03-01T11:00:00Z" })),
        ),
        (
            "unreadable",
            json!({ "workspace": id(1), "raw": { "b": 1, "a": [null, 0.5] } }),
            None,
            Some(json!({ "workspace": id(1) })),
        ),
        (
            "comments-read",
            json!({ "pair": id(4), "comments": [{ "id": "c", "message": "words" }] }),
            Some(4),
            Some(json!({ "pair": id(4), "count": 1 })),
        ),
        (
            "evidence-read",
            json!({ "workspace": id(1), "incident": "i", "evidence": { "alerts": [1], "entities": [2, 3] } }),
            None,
            Some(json!({ "workspace": id(1), "incident": "i", "alerts": 1, "entities": 2 })),
        ),
        (
            "ticket-read",
            json!({ "pair": id(4), "ticket": ticket() }),
            Some(4),
            Some(json!({ "pair": id(4), "id": 70, "status": 2, "closed": false, "updated": "2026-03-01T11:00:05Z" })),
        ),
        (
            "actions-read",
            json!({ "pair": id(4), "actions": [action] }),
            Some(4),
            Some(json!({ "pair": id(4), "count": 1 })),
        ),
        (
            "operation-planned",
            json!({ "operation": operation() }),
            Some(4),
            Some(json!({ "id": id(5), "pair": id(4), "position": 3, "kind": "update-ticket",
                "reason": { "code": "new-incident" } })),
        ),
        (
            "delivery-received",
            json!({ "delivery": id(6), "source": source, "body": "{\"a\":1}" }),
            None,
            Some(json!({ "delivery": id(6), "source": source, "bytes": 7 })),
        ),
    ]
}

/// Those that stand in the entry whole.
fn whole() -> Vec<Row> {
    let scoped = |name: &str, n: u128| json!({ "scope": name, "id": id(n) });
    let link = json!({
        "pair": id(4), "comment": "c", "action": { "ticket": 70, "action": 3 }, "edit": 0, "part": 0, "said": null,
        "written_in": "halo",
    });
    let rows = [
        ("delivery-handled", json!({ "delivery": id(6) }), None),
        ("ticket-linked", json!({ "pair": id(4), "ticket": 70 }), Some(4)),
        ("pair-opened", json!({ "pair": pair() }), Some(4)),
        ("note-linked", json!({ "link": link }), Some(4)),
        ("paused", json!({ "pause": pause(&scoped("pair", 4)) }), Some(4)),
        ("paused", json!({ "pause": pause(&scoped("client", 2)) }), None),
        ("resumed", json!({ "scope": scoped("pair", 4), "automatic": true }), Some(4)),
        ("resumed", json!({ "scope": scoped("connection", 3), "automatic": false }), None),
        ("human-act", json!({ "user": null, "act": "retry", "pair": id(4), "detail": {} }), Some(4)),
        ("human-act", json!({ "user": id(9), "act": "sign-in", "pair": null, "detail": { "n": 1 } }), None),
    ];
    rows.into_iter().map(|(name, members, pair)| (name, members, pair, None)).collect()
}

/// All that is written of a fact, but for its name.
fn without_name(fact: &Fact) -> Value {
    let mut whole = serde_json::to_value(fact).unwrap();
    whole.as_object_mut().unwrap().shift_remove("fact");
    whole
}

#[test]
fn a_fact_says_its_name_and_its_pair() {
    for (name, members, pair, _) in in_two().into_iter().chain(whole()) {
        let fact = fact(name, &members);
        assert_eq!(fact.name(), name);
        assert_eq!(fact.pair(), pair.map(|n| PairId(id(n))), "{name} {members}");
    }
}

#[test]
fn what_is_large_is_kept_apart_and_the_rest_says_what_it_was() {
    for (name, members, _, detail) in in_two().into_iter().chain(whole()) {
        let fact = fact(name, &members);
        let (said, body) = split(&fact).unwrap();
        let apart = detail.is_some();
        assert_eq!(body.is_some(), apart, "{name}");
        let read = serde_json::from_str::<Value>(&said).unwrap();
        assert_eq!(read, detail.unwrap_or_else(|| without_name(&fact)), "{name}");
        assert_eq!(join(name, &said, body.as_deref()).unwrap(), Some(fact), "{name}");
        if apart {
            assert_eq!(join(name, &said, None).unwrap(), None, "{name}: erased");
        }
    }
    assert!(join("paused", "{}", None).is_err() && join("unreadable", "[]", Some("1")).is_err());
}

fn act(n: i64) -> Fact {
    fact("human-act", &json!({ "user": null, "act": "retry", "pair": id(4), "detail": { "n": n } }))
}

fn entry() -> Entry {
    Entry {
        seq: Seq(258),
        chain: Chain::Client(ClientId(id(2))),
        chain_seq: 3,
        at: time::from_ms(1_772_366_400_123),
        fact: "human-act".into(),
        pair: Some(PairId(id(4))),
        detail: "{\"n\":1}".into(),
        body: Some(Hash([1; 32])),
        prev: Hash([2; 32]),
        hash: Hash::NONE,
    }
}

#[test]
fn the_encoding_of_an_entry_never_changes() {
    assert_eq!(hash(&entry()).to_string(), "6c3fdb27b055e48bd2534a29b08b7497f14f0f3c75570aac06ed274b773f35b4");
    let bare = Entry { chain: Chain::Installation, pair: None, body: None, prev: Hash::NONE, ..entry() };
    assert_eq!(hash(&bare).to_string(), "0fe06e4488ca410b4922c64fed3e34b5e76246d54062f50b3d164b6d7c89b24a");
    assert_eq!(
        body_hash(Chain::Installation, "{}").to_string(),
        "f5238b35bcb821438f4012c79d338842ed07a363386fb27801941b0b0cecf0f5"
    );
}

#[test]
fn an_entry_follows_the_end_of_its_chain() {
    let (chain, at) = (Chain::Client(ClientId(id(2))), "2026-03-01T12:00:00.1239Z".parse().unwrap());
    let (first, none) = chained(Head::EMPTY, Seq(5), chain, at, &act(1)).unwrap();
    assert_eq!((first.chain_seq, first.prev, first.body, none), (1, Hash::NONE, None, None));
    assert_eq!((first.seq, first.pair, first.fact.as_str()), (Seq(5), Some(PairId(id(4))), "human-act"));
    assert_eq!(time::iso(first.at), "2026-03-01T12:00:00.123Z", "whole milliseconds, as stored");
    assert_eq!(first.hash, hash(&first));
    let head = follow(Head::EMPTY, &first).unwrap();
    assert_eq!(head, Head { chain_seq: 1, hash: first.hash });

    let raw = fact("unreadable", &json!({ "workspace": null, "raw": 1 }));
    let (second, body) = chained(head, Seq(6), chain, at, &raw).unwrap();
    assert_eq!((second.chain_seq, second.prev, body.as_deref()), (2, first.hash, Some("1")));
    assert_eq!(second.body, Some(body_hash(chain, "1")));
    assert_eq!(follow(head, &second), Ok(Head { chain_seq: 2, hash: second.hash }));

    let gap = Err(Broken::Gap { seq: Seq(6), chain });
    assert_eq!(follow(Head::EMPTY, &second), gap, "the first is missing");
    assert_eq!(follow(Head { hash: Hash([9; 32]), ..head }, &second), gap, "it follows another");
    assert_eq!(follow(Head { chain_seq: 2, ..head }, &second), gap, "its number was there already");
    let changed = Entry { detail: "{}".into(), ..second };
    assert_eq!(follow(head, &changed), Err(Broken::Changed { seq: Seq(6), chain }));
}

#[test]
fn chains_and_hashes_are_read_as_they_are_written() {
    let client = ClientId(id(2));
    let table = [
        (None, Chain::Installation, "installation"),
        (Some(client), Chain::Client(client), "00000000-0000-0000-0000-000000000002"),
    ];
    for (of, chain, text) in table {
        assert_eq!((Chain::of(of), chain.client(), chain.to_string().as_str()), (chain, of, text));
        assert_eq!(Chain::parse(text), Some(chain));
    }
    assert_eq!(Chain::parse("nobody"), None);
    assert_eq!(Seq(-7).to_string(), "-7");
    let hash = Hash([0xab; 32]);
    assert_eq!((hash.to_string(), format!("{hash:?}")), ("ab".repeat(32), "ab".repeat(32)));
    assert_eq!((Hash::from_slice(&hash.0), Hash::from_slice(&[1; 31])), (Some(hash), None));
}
