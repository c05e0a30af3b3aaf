//! K7: null, or any other type, where something was expected stops nothing and loses nothing.

use std::sync::Arc;

use bytes::Bytes;
use halobridge::{
    domain::{failure::Side, ids::TicketId, incident::Severity},
    halo_itsm,
    outbound::{
        budget::{Budget, Class},
        exchange::{Ask, Exchange},
    },
    sentinel,
};
use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::adapters_support::{Script, clock, halo_connection, json as answer};

/// Anything JSON can hold.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ -~ä\u{0}\u{7}]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec(("[a-zA-Z_]{1,12}", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Puts `with` in the place of the member at `path`.
fn replaced(mut whole: Value, path: &str, with: Value) -> Value {
    if let Some(place) = whole.pointer_mut(path) {
        *place = with;
    }
    whole
}

/// Every path of a value, without the root.
fn paths(value: &Value) -> Vec<String> {
    let mut all = Vec::new();
    let mut open = vec![(String::new(), value)];
    while let Some((path, value)) = open.pop() {
        let children: Vec<(String, &Value)> = match value {
            Value::Object(members) => members.iter().map(|(k, v)| (format!("{path}/{k}"), v)).collect(),
            Value::Array(items) => items.iter().enumerate().map(|(n, v)| (format!("{path}/{n}"), v)).collect(),
            _ => Vec::new(),
        };
        all.extend(children.iter().map(|(path, _)| path.clone()));
        open.extend(children);
    }
    all
}

fn incident() -> Value {
    json!({
        "id": "/subscriptions/a/x/Incidents/i-1", "name": "I-1", "etag": "\"1\"",
        "properties": {
            "title": "t", "description": "d", "severity": "High", "status": "New", "incidentNumber": 3,
            "classification": "Undetermined", "classificationReason": null, "classificationComment": "c",
            "owner": {"objectId": null, "email": "a@b", "assignedTo": "A", "userPrincipalName": null, "ownerType": "User"},
            "labels": [{"labelName": "x", "labelType": "User"}],
            "firstActivityTimeUtc": "2026-05-04T07:31:39.4396217Z", "createdTimeUtc": "2026-05-04T07:31:39Z",
            "lastModifiedTimeUtc": "2026-05-04T07:31:39Z", "incidentUrl": "https://portal.azure.com/x",
            "providerName": "Azure Sentinel", "providerIncidentId": "3",
            "additionalData": {"alertsCount": 1, "commentsCount": 0, "providerIncidentUrl": null}
        }
    })
}

fn ticket() -> Value {
    json!({
        "id": 12, "summary": "s", "client_id": 3.0, "client_name": "C", "site_id": "4", "user_id": 5, "tickettype_id": 29,
        "status_id": 2, "priority_id": 1, "sla_id": 2, "agent_id": 1, "team": "SOC", "category_1": "a>b",
        "hasbeenclosed": false, "dateclosed": "1900-01-01T00:00:00", "closure_note": null, "merged_into_id": 0,
        "deleted": false, "last_update": "2026-05-04T07:31:39.43", "lastactiondate": "2026-05-04T07:31:39",
        "customfields": [{"id": 170, "name": "CFx", "value": "1", "display": "One"}], "_warning": null
    })
}

fn action() -> Value {
    json!({
        "id": 2, "ticket_id": 12, "outcome": "Note", "outcome_id": "8", "action_systemid": 0, "who": "A", "who_agentid": 4,
        "actionby_application_id": "app", "datetime": "2026-05-04T07:31:39", "note": "n", "note_html": "<p>n</p>",
        "hiddenfromuser": true, "important": false, "new_status": 0
    })
}

proptest! {
    #[test]
    fn k7_any_member_of_an_incident_may_be_anything(pick in any::<prop::sample::Index>(), with in anything()) {
        let all = paths(&incident());
        let path = pick.get(&all);
        let whole = replaced(incident(), path, with);
        let read = sentinel::read::incident(whole.clone());
        // Its name or its id is all that must be there.
        let read = read.map_err(|_| TestCaseError::fail(path.clone()))?;
        prop_assert_eq!(&read.raw, &whole, "the whole resource is kept");
        let body = sentinel::body::incident_body(&read, &Default::default());
        prop_assert!(body.get("properties").is_some());
    }

    #[test]
    fn k7_any_member_of_a_ticket_or_action_may_be_anything(pick in any::<prop::sample::Index>(), with in anything()) {
        let all = paths(&ticket());
        let path = pick.get(&all);
        let whole = replaced(ticket(), path, with.clone());
        match halo_itsm::read::ticket(whole.clone()) {
            Ok(read) => prop_assert_eq!(&read.raw, &whole),
            Err(raw) => {
                prop_assert_eq!(path.as_str(), "/id");
                prop_assert_eq!(raw, whole);
            }
        }
        let all = paths(&action());
        let path = pick.get(&all);
        let read = halo_itsm::read::action(&replaced(action(), path, with), TicketId(12));
        prop_assert!(read.is_some() || path == "/id" || path == "/ticket_id");
    }

    #[test]
    fn k7_no_answer_at_all_stops_a_reader(with in anything()) {
        let _ = sentinel::read::incident(with.clone());
        let _ = sentinel::read::comment(&with);
        let _ = sentinel::error::code_and_message(&with);
        let _ = halo_itsm::read::ticket(with.clone());
        let _ = halo_itsm::read::action(&with, TicketId(1));
        let _ = halo_itsm::error::sentence(&with);
        let _ = halo_itsm::webhook::ticket_ids(&with);
        let _ = halo_itsm::paging::rows(with, "tickets");
    }

    #[test]
    fn k7_no_body_of_halo_stops_a_call(status in 200_u16..600, with in anything(), cut in 0_usize..40) {
        let mut body = with.to_string();
        body.truncate((0..=cut.min(body.len())).rev().find(|at| body.is_char_boundary(*at)).unwrap_or(0));
        for body in [with.to_string(), body] {
            let script = Script::new(move |sent| if sent.path().ends_with("/token") {
                answer(200, &json!({"access_token": "t", "expires_in": 3600}))
            } else {
                crate::adapters_support::text(status, &body)
            });
            let (clock, budget) = (Arc::new(clock()), Budget::halo(10_000));
            let halo = halo_itsm::Halo::new(halo_connection("", "id"), SecretString::from("s"), script, clock, budget);
            let run = async {
                let _ = halo.ticket(TicketId(12), Class::New).await;
                let _ = halo.actions(TicketId(12), Class::New).await;
                let _ = halo.changed_tickets("2026-05-04T07:31:39Z".parse().unwrap(), 1, Class::New).await;
                let _ = halo.catalogue(Class::New).await;
            };
            tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(run);
        }
    }
}

#[test]
fn unknown_words_are_kept() {
    let whole = replaced(incident(), "/properties/severity", json!("Catastrophic"));
    let read = sentinel::read::incident(whole).unwrap();
    assert_eq!(read.severity, Severity::Other("Catastrophic".into()));
    assert_eq!(sentinel::body::incident_body(&read, &Default::default())["properties"]["severity"], "Catastrophic");
    let whole = replaced(incident(), "/properties/severity", json!("high"));
    assert_eq!(sentinel::read::incident(whole).unwrap().severity, Severity::High, "however it is written");
}

#[test]
fn what_has_no_id_comes_back_whole() {
    let nameless = json!({"properties": {"title": "x"}});
    assert_eq!(sentinel::read::incident(nameless.clone()), Err(nameless));
    let comment = sentinel::read::comment(&json!({"properties": {"message": "kept"}}));
    assert_eq!(comment.message, "kept");
    let broken = sentinel::read::comment(&json!("just text"));
    assert!(broken.message.contains("just text"));
}

#[test]
fn every_sample_body_is_read_with_nothing_lost() {
    let folder = std::path::Path::new("../shared/sentinel-samples/arm");
    let Ok(entries) = std::fs::read_dir(folder) else {
        eprintln!("skipped: {} is not there", folder.display());
        return;
    };
    let mut read = 0;
    for entry in entries {
        let path = entry.unwrap().path();
        let Ok(body) = std::fs::read_to_string(&path) else { continue };
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let body: Value = serde_json::from_str(&body).unwrap();
        let incidents = match &body {
            Value::Object(m) if name.starts_with("incidents-list") => m["value"].as_array().unwrap().clone(),
            _ if name.starts_with("incident-get")
                || (name.starts_with("incident-put") && !name.contains("request")) =>
            {
                vec![body]
            }
            _ => continue,
        };
        for whole in incidents {
            let incident = sentinel::read::incident(whole.clone()).unwrap();
            assert_eq!(incident.raw, whole);
            assert!(!incident.title.is_empty() && incident.etag.is_some() && incident.modified.is_some(), "{name}");
            assert!(!matches!(incident.severity, Severity::Other(_)), "{name}");
            read += 1;
        }
    }
    assert!(read >= 8, "{read}");
}

#[test]
fn what_strict_json_forbids_inside_a_text_costs_those_characters_only() {
    use halobridge::outbound::read;
    let cases: [(&[u8], Value); 9] = [
        (b"\xef\xbb\xbf{\"a\":1}", json!({ "a": 1 })),
        (br#"{"t":"half \ud83d emoji"}"#, json!({ "t": "half \u{fffd} emoji" })),
        (br#"{"t":"half \ude00","u":"\ud83d"}"#, json!({ "t": "half \u{fffd}", "u": "\u{fffd}" })),
        (br#"{"t":"whole \ud83d\ude00, half \uD83D\ud83d\ude00"}"#, json!({ "t": "whole 😀, half \u{fffd}😀" })),
        (br#"{"t":"\ud83d no escape: \\ud83d \\\ud83d"}"#, json!({ "t": "\u{fffd} no escape: \\ud83d \\\u{fffd}" })),
        (b"{\"t\":\"bytes \xff\xfe\"}", json!({ "t": "bytes \u{fffd}\u{fffd}" })),
        (b"{\"t\":\"a\tb\nc\x00\"}", json!({ "t": "a\tb\nc\u{0}" })),
        (b"{\n\t\"t\": \"\\\"q\\\" \xc3\xa4\x01\"\n}", json!({ "t": "\"q\" ä\u{1}" })),
        (br#"{"\ud83d":"\\"}"#, json!({ "\u{fffd}": "\\" })),
    ];
    for (bytes, value) in cases {
        assert_eq!(read::json(bytes), Some(value), "{}", String::from_utf8_lossy(bytes));
    }
    for bytes in [&b""[..], b"<html>", b"{\"a\":", b"{\"a\":\"\\u12", b"{\"a\":\"\\", b"\"\\u\xc3\xa412\""] {
        assert_eq!(read::json(bytes), None, "{}", String::from_utf8_lossy(bytes));
    }
}

#[tokio::test]
async fn an_answer_in_western_characters_loses_none_of_them() {
    let western = b"{\"t\":\"M\xfcller \x80 5 \x96 \x93ok\x94\"}";
    let read_so = json!({ "t": "Müller € 5 – “ok”" });
    let lost = json!({ "t": "M\u{fffd}ller \u{fffd} 5 \u{fffd} \u{fffd}ok\u{fffd}" });
    let unicode = read_so.to_string().into_bytes();
    let cases: [(&str, &[u8], &Value); 8] = [
        ("application/json; charset=iso-8859-1", western, &read_so),
        ("application/json;odata=verbose; Charset=\"Windows-1252\"", western, &read_so),
        ("application/json; charset=latin1", western, &read_so),
        // What is UTF-8 stays so, whatever is said of it.
        ("application/json; charset=iso-8859-1", &unicode, &read_so),
        ("application/json; charset=utf-8", &unicode, &read_so),
        ("application/json", &unicode, &read_so),
        ("application/json", western, &lost),
        ("application/json; charset=koi8-r", western, &lost),
    ];
    for (kind, body, value) in cases {
        let body = Bytes::copy_from_slice(body);
        let script = Script::new(move |_| {
            let response = http::Response::builder().status(200).header("content-type", kind);
            Ok(response.body(body.clone()).unwrap())
        });
        let ask = Ask::read(http::Method::GET, "https://acme.haloitsm.example/api/Tickets");
        let answer = Exchange::new(script, Side::Halo).send(ask).await.unwrap();
        assert_eq!(&answer.json().unwrap(), value, "{kind}");
    }
}
