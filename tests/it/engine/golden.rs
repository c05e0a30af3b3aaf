//! Nothing that Microsoft sends is lost: every non-null member of every sample body is in the ticket, in its
//! evidence, in the stored observation or in the stored delivery, and a table says where.

use std::{collections::BTreeMap, path::Path};

use halobridge::{domain::ids::IncidentId, twin::options::Product};
use serde_json::{Value, json};

use super::bridge::*;

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/sentinel-samples");
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/golden/sentinel-samples.txt");
/// Microsoft's own examples are read where they lie beside the project, and never copied.
fn examples() -> Option<std::path::PathBuf> {
    const INSIDE: &str = "shared/sentinel-openapi/specification/securityinsights/resource-manager/Microsoft.SecurityInsights/stable/2024-03-01/examples/incidents";
    let around = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join(INSIDE));
    around.into_iter().find(|folder| folder.is_dir())
}

/// What a body holds of an incident.
#[derive(Default, Clone)]
struct Case {
    incident: Option<Value>,
    comments: Vec<Value>,
    alerts: Vec<Value>,
    entities: Vec<Value>,
    delivery: Option<Value>,
}

fn leaves(value: &Value, at: &str, into: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(name, inner)| {
            leaves(inner, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), into);
        }),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(n, inner)| leaves(inner, &format!("{at}/{n}"), into));
        }
        Value::Null => {}
        leaf => into.push((at.to_owned(), leaf.clone())),
    }
}

fn plain(html: &str) -> String {
    let text = html
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&#x27;", "'");
    text.replace("&amp;", "&")
}

/// Whether people find a value in the ticket. Short ones are found only under their name.
fn in_ticket(ticket: &str, path: &str, value: &Value) -> bool {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.chars().count() >= 8 {
        return ticket.contains(&text);
    }
    let names: Vec<&str> = path.split('/').filter(|part| part.parse::<usize>().is_err()).collect();
    let last = names.last().copied().unwrap_or_default();
    ticket.contains(&format!("{last}</b></td><td>{text}</td>"))
}

/// Puts a case through the bridge; gives for each member where it is.
async fn through(case: &Case, product: Product) -> BTreeMap<String, &'static str> {
    let bridge = Bridge::with(Setup { since_secs: -20 * 365 * 86_400, notes: "all", ..Setup::new(product) }).await;
    let mut given = case.incident.clone().unwrap_or_else(|| json!({ "properties": {} }));
    let name = match given.get("name").and_then(Value::as_str) {
        Some(name) => name.to_owned(),
        None => "5a000000-0000-4000-8000-0000000000ff".to_owned(),
    };
    let asked = bridge.raise(json!({ "name": name }));
    if !case.comments.is_empty() {
        bridge.comment(&asked, "stands for the sample's");
    }
    // A body that holds no whole incident is one's children or a part of one.
    let whole = bridge.incident(&asked);
    for member in ["id", "name", "etag", "type"] {
        if given.get(member).is_none() {
            given[member] = whole[member].clone();
        }
    }
    for member in ["title", "severity", "status", "owner", "createdTimeUtc", "incidentNumber", "additionalData"] {
        if given["properties"].get(member).is_none() {
            given["properties"][member] = whole["properties"][member].clone();
        }
    }
    let mut shown = given.clone();
    if !case.comments.is_empty() && case.incident.is_none() {
        shown["properties"]["additionalData"]["commentsCount"] = case.comments.len().into();
    }
    let answers = (asked.clone(), shown, case.clone());
    bridge.mutate(move |request, body| {
        let (name, shown, case) = &answers;
        let path = request.uri().path().to_lowercase();
        if path.ends_with("/incidents") || path.ends_with(&format!("/incidents/{name}")) {
            if let Some(rows) = body.get_mut("value").and_then(Value::as_array_mut) {
                rows.iter_mut().filter(|row| row["name"] == name.as_str()).for_each(|row| *row = shown.clone());
            } else if body["name"] == name.as_str() {
                *body = shown.clone();
            }
        }
        for (ending, list, rows) in [
            ("/comments", "value", &case.comments),
            ("/alerts", "value", &case.alerts),
            ("/entities", "entities", &case.entities),
        ] {
            if path.ends_with(ending) && !rows.is_empty() {
                body[list] = Value::Array(rows.clone());
            }
        }
    });
    let mut kept_as = None;
    if let Some(body) = &case.delivery {
        bridge.receive(bridge.sentinel_source(0).await, body.to_string().as_bytes()).await;
        let waiting = bridge.store.deliveries_waiting(10).await.unwrap();
        kept_as = waiting.last().map(|delivery| delivery.id);
    }
    bridge.pass(300).await;
    bridge.mutate_no_more();

    let mut found = BTreeMap::new();
    let subject = bridge.subject_of(&asked).await.expect("it was seen");
    let pair = bridge.pair_of(&asked).await;
    let situation = match &pair {
        Some(pair) => bridge.store.situation(pair.id).await.unwrap(),
        None => None,
    };
    let ticket = match pair.and_then(|pair| pair.ticket) {
        Some(ticket) => plain(&bridge.ticket(ticket.0).to_string().replace("\\\"", "\"").replace("\\n", "\n")),
        None => {
            assert!(subject.held.is_some());
            String::new()
        }
    };
    let stored = match kept_as {
        Some(id) => {
            let delivery = bridge.store.delivery(id).await.unwrap().expect("it is kept");
            serde_json::from_slice(&delivery.body).unwrap()
        }
        None => Value::Null,
    };
    let mut members = Vec::new();
    if let Some(incident) = &case.incident {
        leaves(incident, "/incident", &mut members);
    }
    for (name, list) in [("comments", &case.comments), ("alerts", &case.alerts), ("entities", &case.entities)] {
        leaves(&json!(list), &format!("/{name}"), &mut members);
    }
    if let Some(body) = &case.delivery {
        leaves(body, "/body", &mut members);
    }
    for (path, value) in members {
        let (root, rest) =
            path[1..].split_once('/').map_or((path.as_str(), String::new()), |(root, rest)| (root, format!("/{rest}")));
        let observed = match (root, &situation) {
            ("incident", _) => subject.incident.raw.pointer(&rest) == Some(&value),
            ("comments", Some(situation)) => {
                let raw: Vec<&Value> = situation.comments.iter().flatten().map(|comment| comment.raw.value()).collect();
                raw.iter().any(|raw| {
                    rest[1..].split_once('/').is_some_and(|(_, rest)| raw.pointer(&format!("/{rest}")) == Some(&value))
                })
            }
            _ => false,
        };
        let evidence = situation.as_ref().and_then(|s| s.evidence.as_ref());
        let proven = match (root, evidence) {
            ("alerts", Some(evidence)) => json!(evidence.alerts).pointer(&rest) == Some(&value),
            ("entities", Some(evidence)) => json!(evidence.entities).pointer(&rest) == Some(&value),
            _ => false,
        };
        let delivered = root == "body" && stored.pointer(&rest) == Some(&value);
        let kept = proven || observed || delivered;
        let place = if kept && in_ticket(&ticket, &path, &value) {
            "ticket"
        } else if proven {
            "evidence"
        } else if observed {
            "observation"
        } else if delivered {
            "delivery"
        } else {
            "NOWHERE"
        };
        found.insert(path, place);
    }
    bridge.finish().await;
    found
}

/// The cases of one file: its incidents, or the children it lists.
fn cases(file: &str, body: &Value) -> Vec<(String, Case)> {
    let incident = |value: &Value| Case { incident: Some(value.clone()), ..Case::default() };
    let rows = |list: &str| body.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
    let low = file.to_lowercase();
    if low.contains("comment") {
        let mut comments = rows("value");
        if comments.is_empty() && body.get("properties").is_some() {
            let mut one = body.clone();
            // A request names its comment in the address.
            if one.get("name").is_none() {
                one["name"] = "c0000000-0000-4000-8000-0000000000ff".into();
            }
            comments.push(one);
        }
        return if comments.is_empty() { vec![] } else { vec![(file.into(), Case { comments, ..Case::default() })] };
    }
    if low.contains("alerts") {
        return vec![(file.into(), Case { alerts: rows("value"), ..Case::default() })];
    }
    if low.contains("entities") {
        return vec![(file.into(), Case { entities: rows("entities"), ..Case::default() })];
    }
    if low.contains("logic-app") {
        let object = body.get("object").cloned().filter(|object| object.get("properties").is_some());
        return vec![(file.into(), Case { incident: object, delivery: Some(body.clone()), ..Case::default() })];
    }
    match body.get("value").and_then(Value::as_array) {
        Some(list) => list.iter().enumerate().map(|(n, one)| (format!("{file} [{n}]"), incident(one))).collect(),
        None if body.pointer("/properties/title").is_some() => vec![(file.into(), incident(body))],
        None => vec![],
    }
}

fn files(folder: &Path) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let mut list: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    list.sort();
    for path in list {
        if path.extension().is_some_and(|ending| ending == "json") {
            let text = std::fs::read_to_string(&path).unwrap();
            if let Ok(body) = serde_json::from_str(&text) {
                let parent = path.parent().unwrap().file_name().unwrap().to_string_lossy();
                found.push((format!("{parent}/{}", path.file_name().unwrap().to_string_lossy()), body));
            }
        }
    }
    found
}

async fn table(product: Product) -> String {
    let mut table =
        String::from("# Where each non-null member of a sample is found after it went through the bridge.\n");
    for folder in ["arm", "logic-app"] {
        for (file, body) in files(&Path::new(SAMPLES).join(folder)) {
            let found = cases(&file, &body);
            if found.is_empty() {
                table.push_str(&format!("\n## {file}\n(no member of an incident, its comments or its evidence; the bridge does not read this)\n"));
            }
            for (name, case) in found {
                table.push_str(&format!("\n## {name}\n"));
                for (path, place) in through(&case, product).await {
                    table.push_str(&format!("{place:<12}{path}\n"));
                }
            }
        }
    }
    table
}

both! {
    async fn every_member_of_every_sample_is_somewhere(product) {
        let table = table(product).await;
        let lost: Vec<&str> = table.lines().filter(|line| line.starts_with("NOWHERE")).collect();
        assert!(lost.is_empty(), "{lost:#?}");
        if std::env::var_os("HALOBRIDGE_WRITE_GOLDEN").is_some() && product == Product::Itsm {
            std::fs::write(GOLDEN, &table).unwrap();
            return;
        }
        let golden = std::fs::read_to_string(GOLDEN).unwrap();
        let differing = golden.lines().zip(table.lines()).find(|(old, new)| old != new);
        assert!(differing.is_none() && golden.lines().count() == table.lines().count(), "the table moved: {differing:?}; set HALOBRIDGE_WRITE_GOLDEN and look at the difference");
    }

    async fn every_member_of_microsofts_examples_is_somewhere(product) {
        let Some(folder) = examples() else {
            eprintln!("skipped: ../shared/sentinel-openapi is not here");
            return;
        };
        let mut examples = files(&folder);
        examples.extend(files(&folder.join("comments")));
        let mut seen = 0;
        for (file, example) in examples {
            let answers = example["responses"].as_object().into_iter().flatten();
            for (status, answer) in answers {
                for (name, case) in cases(&format!("{file} {status}"), &answer["body"]) {
                    let found = through(&case, product).await;
                    let lost: Vec<&String> = found.iter().filter(|(_, place)| **place == "NOWHERE").map(|(path, _)| path).collect();
                    assert!(lost.is_empty(), "{name}: {lost:#?}");
                    seen += found.len();
                }
            }
        }
        assert!(seen > 100, "{seen} members");
    }
}

#[test]
fn incident_ids_are_compared_without_case() {
    assert_eq!(
        IncidentId::new("5A000000-0000-4000-8000-0000000000FF"),
        IncidentId::new("5a000000-0000-4000-8000-0000000000ff")
    );
}
