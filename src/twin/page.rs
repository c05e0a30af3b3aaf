//! The twin's own page: both sides, and forms by which a person acts on either. Works without
//! JavaScript; refreshes itself when asked to.

use serde_json::{Map, Value, json};

use super::{
    Twin,
    halo::Halo,
    microsoft::workspace::Workspace,
    wire::{Call, Reply},
    world::World,
};

/// Rows shown of each side.
const ROWS: usize = 50;

/// Text made safe for HTML, also within attributes.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// Answers `/` and `/act/{verb}`.
pub fn handle(twin: &Twin, call: &Call) -> Reply {
    match (call.method.as_str(), call.path.trim_matches('/').split_once('/')) {
        ("GET", None) if call.path.trim_matches('/').is_empty() => {
            let refresh =
                call.query("refresh").and_then(|text| text.parse::<u32>().ok()).filter(|seconds| *seconds > 0);
            let wanted = call.query("workspace").unwrap_or("").to_owned();
            let said = call.query("said").unwrap_or("").to_owned();
            Reply::html(200, twin.with(|world, now| draw(world, &now.to_string(), &wanted, refresh, &said)))
        }
        ("POST", Some(("act", verb))) => act(twin, call, verb),
        _ => Reply::html(
            404,
            "<!doctype html><html lang=en><title>Not found</title><p>There is no such page. <a href=/>Back</a>".into(),
        ),
    }
}

/// A form's act, then back to the page with what came of it.
fn act(twin: &Twin, call: &Call, verb: &str) -> Reply {
    let mut body = Map::new();
    let mut back = String::new();
    for (name, value) in call.form() {
        if name == "back" {
            back = value;
        } else if !value.is_empty() {
            let value = match (name.as_str(), value.parse::<i64>()) {
                ("ticket_id" | "from" | "into", Ok(number)) => json!(number),
                ("private", _) => json!(value == "on" || value == "true"),
                _ => json!(value),
            };
            body.insert(name, value);
        }
    }
    let reply = twin.act(verb, &Value::Object(body));
    let said = if reply.status < 300 {
        format!("Done: {verb}")
    } else {
        let answer: Value = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
        format!("Refused: {}", answer.get("error").and_then(Value::as_str).unwrap_or("see the log"))
    };
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("workspace", &back)
        .append_pair("said", &said)
        .finish();
    Reply::empty(303).with("location", format!("/?{query}"))
}

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;margin:0;padding:1rem;color-scheme:light dark}main{display:grid;gap:1.5rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,32rem),1fr))}section>h2{margin:.2rem 0}details{border:1px solid #8886;border-radius:6px;margin:.4rem 0;padding:.4rem .6rem}summary{cursor:pointer}form{display:flex;flex-wrap:wrap;gap:.4rem;margin:.4rem 0}input,select,button{font:inherit;max-width:100%}ul{margin:.3rem 0;padding-left:1.2rem}.said{border-left:4px solid #48f;padding:.3rem .6rem}small{opacity:.75}";

fn draw(world: &World, now: &str, wanted: &str, refresh: Option<u32>, said: &str) -> String {
    let place = world.microsoft.workspace_named(wanted).unwrap_or(0);
    let again = refresh.map(|seconds| format!("<meta http-equiv=refresh content={seconds}>")).unwrap_or_default();
    let said = if said.is_empty() { String::new() } else { format!("<p class=said role=status>{}", escape(said)) };
    let options: String = world
        .microsoft
        .workspaces
        .iter()
        .enumerate()
        .filter(|(_, workspace)| workspace.onboarded)
        .map(|(at, workspace)| {
            format!("<option{}>{}</option>", if at == place { " selected" } else { "" }, escape(&workspace.name))
        })
        .collect();
    let sentinel = world.microsoft.workspaces.get(place).map(sentinel).unwrap_or_default();
    let halos: String =
        world.halos.iter().map(|one| halo(&one.name, &one.halo, world.microsoft.workspaces.get(place))).collect();
    format!(
        "<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport content=\"width=device-width\"><title>The twin</title>{again}<style>{STYLE}</style></head><body><h1>The twin</h1>\
         <p>Both outside systems, as they are now ({}). <a href=\"/?workspace={}&amp;refresh=5\">Refresh every five seconds</a> · <a href=/admin>Admin routes</a>{said}\
         <form method=get><label>Workspace <select name=workspace>{options}</select></label><button>Show</button></form><main>{sentinel}{halos}</main></body></html>",
        escape(now),
        escape(wanted)
    )
}

fn hidden(workspace: &str, incident: &str) -> String {
    format!(
        "<input type=hidden name=workspace value=\"{0}\"><input type=hidden name=back value=\"{0}\"><input type=hidden name=incident value=\"{1}\">",
        escape(workspace),
        escape(incident)
    )
}

fn sentinel(workspace: &Workspace) -> String {
    let name = escape(&workspace.name);
    let rows: String = workspace
        .modified()
        .iter()
        .rev()
        .take(ROWS)
        .filter_map(|(_, place)| workspace.at(*place))
        .map(|incident| {
            let comments: String = incident
                .comments
                .iter()
                .map(|comment| format!("<li><b>{}</b>: {}", escape(&comment.author.name), escape(&comment.message)))
                .collect();
            let class = incident.classification.as_deref().map(|class| format!(" · {}", escape(class))).unwrap_or_default();
            let labels: String = incident.labels.iter().map(|label| format!(" #{}", escape(&label.name))).collect();
            let owner = incident.owner.assigned_to.as_deref().unwrap_or("nobody");
            let keys = hidden(&workspace.name, &incident.name);
            format!(
                "<details><summary>{number} · {title} <small>{severity} · {status}{class} · {owner}{labels} · {count} comments</small></summary><ul>{comments}</ul>\
                 <form method=post action=/act/incident.comment>{keys}<input name=message required placeholder=Comment aria-label=Comment><button>Comment</button></form>\
                 <form method=post action=/act/incident.update>{keys}{severities}{statuses}<button>Change</button></form>\
                 <form method=post action=/act/incident.close>{keys}<select name=classification aria-label=Classification><option>TruePositive<option>BenignPositive<option>FalsePositive<option>Undetermined</select><input name=classificationComment placeholder=Reason aria-label=Reason><button>Close</button></form>\
                 <form method=post action=/act/incident.merge>{keys}<input name=target required placeholder=\"Into number\" aria-label=\"Into number\"><button>Merge</button></form></details>",
                number = incident.number,
                title = escape(&incident.title),
                severity = escape(&incident.severity),
                status = escape(&incident.status),
                owner = escape(owner),
                count = incident.comments.len(),
                severities = choice("severity", "Severity", &["High", "Medium", "Low", "Informational"], &incident.severity),
                statuses = choice("status", "Status", &["New", "Active"], &incident.status),
            )
        })
        .collect();
    format!(
        "<section><h2>Microsoft Sentinel: {name}</h2><p>{} incidents, the {ROWS} last changed:\
         <form method=post action=/act/incident.create><input type=hidden name=workspace value=\"{name}\"><input type=hidden name=back value=\"{name}\"><input name=title placeholder=\"Title (empty: a made-up story)\" aria-label=Title>{}<button>Raise an incident</button></form>{rows}</section>",
        workspace.len(),
        choice("severity", "Severity", &["", "High", "Medium", "Low", "Informational"], "")
    )
}

fn choice(name: &str, label: &str, all: &[&str], chosen: &str) -> String {
    let options: String = all
        .iter()
        .map(|one| format!("<option{}>{one}</option>", if *one == chosen { " selected" } else { "" }))
        .collect();
    format!("<select name={name} aria-label={label}>{options}</select>")
}

fn halo(name: &str, halo: &Halo, workspace: Option<&Workspace>) -> String {
    let back = workspace.map(|workspace| escape(&workspace.name)).unwrap_or_default();
    let mut tickets: Vec<_> = halo.tickets().filter(|ticket| !ticket.deleted).collect();
    tickets.reverse();
    let total = tickets.len();
    let pick = |what: &str, name: &str, label: &str, empty: bool| {
        let options: String = halo
            .choices(what)
            .iter()
            .map(|(id, text)| format!("<option value={id}>{}</option>", escape(text)))
            .collect();
        let first = if empty { "<option value=\"\">unchanged</option>" } else { "" };
        format!("<select name={name} aria-label={label}>{first}{options}</select>")
    };
    let statuses = pick("statuses", "status", "Status", false);
    let rows: String = tickets
        .into_iter()
        .take(ROWS)
        .map(|ticket| {
            let keys = format!(
                "<input type=hidden name=halo value=\"{}\"><input type=hidden name=back value=\"{back}\"><input type=hidden name=ticket_id value={}>",
                escape(name),
                ticket.id
            );
            let notes: String = halo
                .actions(ticket.id)
                .map(|action| format!("<li><b>{}</b> <small>{}</small>: {}", escape(&action.who), escape(&action.outcome), escape(&action.note)))
                .collect();
            format!(
                "<details><summary>{id} · {summary} <small>{client} · {priority} · {status} · {agent}</small></summary><ul>{notes}</ul>\
                 <form method=post action=/act/ticket.note>{keys}<input name=text required placeholder=Note aria-label=Note><label><input type=checkbox name=private> private</label><button>Add note</button></form>\
                 <form method=post action=/act/ticket.status>{keys}{statuses}<button>Set status</button></form>\
                 <form method=post action=/act/ticket.close>{keys}<input name=text placeholder=\"Closing note\" aria-label=\"Closing note\"><button>Close</button></form>\
                 <form method=post action=/act/ticket.merge><input type=hidden name=halo value=\"{halo_name}\"><input type=hidden name=back value=\"{back}\"><input type=hidden name=from value={id}><input name=into required inputmode=numeric placeholder=\"Into ticket\" aria-label=\"Into ticket\"><button>Merge</button></form></details>",
                id = ticket.id,
                summary = escape(&ticket.summary),
                client = escape(halo.name_of("client", ticket.client_id)),
                priority = escape(halo.priority_name(ticket)),
                status = escape(halo.name_of("status", ticket.status_id)),
                agent = escape(halo.name_of("agent", ticket.agent_id)),
                halo_name = escape(name),
            )
        })
        .collect();
    format!(
        "<section><h2>Halo: {0}</h2><p>{total} tickets, the {ROWS} newest:\
         <form method=post action=/act/ticket.create><input type=hidden name=halo value=\"{0}\"><input type=hidden name=back value=\"{back}\"><input name=summary required placeholder=Summary aria-label=Summary>{1}<button>Open a ticket</button></form>{rows}</section>",
        escape(name),
        pick("clients", "client", "Client", false)
    )
}
