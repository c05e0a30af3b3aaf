//! The twin's own page: both sides, and forms by which a person acts on either. Works without
//! JavaScript; refreshes itself when asked to.

mod parts;
mod sides;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

pub use self::parts::escape;
use self::{
    parts::{hidden, pick},
    sides::Back,
};
use super::{
    Twin,
    wire::{Call, Reply},
    world::World,
};

const STYLE: &str = include_str!("page/style.css");
/// Halo's field for the verdict, as the stock set-up has it.
const VERDICT: &str = "CFSentinelClassification";

/// Answers `/` and `/act/{verb}`.
pub fn handle(twin: &Twin, call: &Call) -> Reply {
    match (call.method.as_str(), call.path.trim_matches('/').split_once('/')) {
        ("GET", None) if call.path.trim_matches('/').is_empty() => {
            let text = |name: &str| call.query(name).unwrap_or("").to_owned();
            let refresh = text("refresh").parse::<u32>().ok().filter(|seconds| *seconds > 0);
            let (workspace, open, said) = (text("workspace"), text("open"), text("said"));
            let back = Back { workspace: &workspace, open: &open, refresh };
            Reply::html(200, twin.with(|world, now| draw(world, now, &back, &said)))
        }
        ("POST", Some(("act", verb))) => act(twin, call, verb),
        _ => Reply::html(
            404,
            "<!doctype html><html lang=\"en\"><title>Not found</title><p>There is no such page. <a href=\"/\">Back</a>"
                .into(),
        ),
    }
}

/// A form's act, then back to the page with what came of it, the record still open.
fn act(twin: &Twin, call: &Call, verb: &str) -> Reply {
    let mut body = Map::new();
    let (mut back, mut open, mut refresh) = (String::new(), String::new(), String::new());
    for (name, value) in call.form() {
        match name.as_str() {
            "back" => back = value,
            "open" => open = value,
            "refresh" => refresh = value,
            _ if value.is_empty() => {}
            "verdict" => {
                let chosen = json!([{ "name": VERDICT, "value": value.parse::<i64>().unwrap_or(0) }]);
                body.insert("customfields".into(), chosen);
            }
            _ => {
                let value = match (name.as_str(), value.parse::<i64>()) {
                    ("ticket_id" | "from" | "into", Ok(number)) => json!(number),
                    ("private", _) => json!(value == "on" || value == "true"),
                    _ => json!(value),
                };
                body.insert(name, value);
            }
        }
    }
    let reply = twin.act(verb, &Value::Object(body));
    let said = if reply.status < 300 {
        done(verb).to_owned()
    } else {
        let answer: Value = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
        format!("Refused: {}", answer.get("error").and_then(Value::as_str).unwrap_or("see the log"))
    };
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("workspace", &back).append_pair("said", &said);
    for (name, value) in [("refresh", &refresh), ("open", &open)] {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    let anchor = if open.is_empty() { String::new() } else { format!("#{}", escape(&open)) };
    Reply::empty(303).with("location", format!("/?{}{anchor}", query.finish()))
}

fn done(verb: &str) -> &'static str {
    match verb {
        "incident.create" => "The incident was raised.",
        "incident.comment" => "The comment was added.",
        "incident.close" => "The incident was closed.",
        "incident.merge" => "The incidents were merged.",
        "ticket.create" => "The ticket was opened.",
        "ticket.note" => "The note was added.",
        "ticket.close" => "The ticket was closed.",
        "ticket.merge" => "The tickets were merged.",
        _ => "Done.",
    }
}

fn draw(world: &World, now: Timestamp, back: &Back<'_>, said: &str) -> String {
    let place = world.microsoft.workspace_named(back.workspace).unwrap_or(0);
    let shown = world.microsoft.workspaces.get(place);
    let name = shown.map(|workspace| workspace.name.clone()).unwrap_or_default();
    let back = Back { workspace: &name, ..*back };
    let again =
        back.refresh.map(|seconds| format!("<meta http-equiv=\"refresh\" content=\"{seconds}\">")).unwrap_or_default();
    let said =
        if said.is_empty() { String::new() } else { format!("<p class=\"said\" role=\"status\">{}</p>", escape(said)) };
    let named = |name: &String| (name.clone(), name.clone());
    let workspaces: Vec<(String, String)> =
        world.microsoft.workspaces.iter().filter(|one| one.onboarded).map(|one| named(&one.name)).collect();
    let query = |refresh: &str| {
        url::form_urlencoded::Serializer::new(String::new())
            .append_pair("workspace", back.workspace)
            .append_pair("open", back.open)
            .append_pair("refresh", refresh)
            .finish()
    };
    let refresh = match back.refresh {
        Some(seconds) => format!("refreshes every {seconds} s · <a href=\"/?{}\">Stop</a>", escape(&query(""))),
        None => format!("<a href=\"/?{}\">Refresh every 5 s</a>", escape(&query("5"))),
    };
    let kept = back.refresh.map(|seconds| hidden("refresh", &seconds.to_string())).unwrap_or_default();
    let sentinel = shown.map(|workspace| sides::sentinel(workspace, &back)).unwrap_or_default();
    let halos: String = world.halos.iter().map(|one| sides::halo(&one.name, &one.halo, &back)).collect();
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Stand-in for Sentinel and Halo</title>{again}<style>{STYLE}</style></head><body><header>\
         <h1>Stand-in for Sentinel and Halo</h1>\
         <p>Nothing here is real: this is what the console sees instead of Microsoft’s and Halo’s clouds. Act as an analyst \
         on the left and as an agent on the right, and watch it cross.</p>{said}\
         <div class=\"tools\"><form method=\"get\">{kept}{pick}<button>Show</button></form>\
         <p>As of {now} UTC · {refresh} · <a href=\"/admin\">Admin routes</a></p></div></header>\
         <main>{sentinel}{halos}</main></body></html>",
        pick = pick("workspace", "Workspace", &workspaces, back.workspace),
        now = now.strftime("%Y-%m-%d %H:%M:%S"),
    )
}
