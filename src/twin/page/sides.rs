//! The two columns of the twin's page.

use super::parts::{Item, act, escape, hidden, item, pick, plain, tag, talk, text};
use crate::twin::{
    halo::Halo,
    microsoft::{incident::Incident, workspace::Workspace},
};

/// Rows shown of each side.
const ROWS: usize = 50;

/// Where a form comes back to.
pub struct Back<'a> {
    /// The workspace that is shown.
    pub workspace: &'a str,
    /// Anchor of the record that stands open.
    pub open: &'a str,
    /// Seconds between refreshes, when asked for.
    pub refresh: Option<u32>,
}

impl Back<'_> {
    fn fields(&self, open: &str) -> String {
        let refresh = self.refresh.map(|seconds| hidden("refresh", &seconds.to_string())).unwrap_or_default();
        format!("{}{}{refresh}", hidden("back", self.workspace), hidden("open", open))
    }
}

/// Microsoft Sentinel: one workspace.
pub fn sentinel(workspace: &Workspace, back: &Back<'_>) -> String {
    let name = escape(&workspace.name);
    let severities = [
        ("", "by the story"),
        ("High", "High"),
        ("Medium", "Medium"),
        ("Low", "Low"),
        ("Informational", "Informational"),
    ];
    let severities: Vec<_> = severities.map(|(value, words)| (value.to_owned(), words.to_owned())).into();
    let keys = format!("{}{}", hidden("workspace", &workspace.name), back.fields(""));
    let fields = format!(
        "{}{}",
        text("title", "Title", "placeholder=\"empty: a made-up story\""),
        pick("severity", "Severity", &severities, "")
    );
    let rows: String = workspace
        .modified()
        .iter()
        .rev()
        .take(ROWS)
        .filter_map(|(_, place)| workspace.at(*place))
        .map(|one| incident(workspace, one, back))
        .collect();
    format!(
        "<section aria-labelledby=\"sentinel\"><h2 id=\"sentinel\">Microsoft Sentinel · {name}</h2>\
         <div class=\"new\">{form}</div><p class=\"quiet\">{shown}</p><ol class=\"list\">{rows}</ol></section>",
        form = act("incident.create", &keys, &fields, "Raise an incident"),
        shown = shown(workspace.len(), "incident", "last changed"),
    )
}

fn shown(all: usize, what: &str, which: &str) -> String {
    match all {
        1 => format!("1 {what}"),
        n if n > ROWS => format!("{n} {what}s, the {ROWS} {which} first"),
        n => format!("{n} {what}s, {which} first"),
    }
}

fn incident(workspace: &Workspace, one: &Incident, back: &Back<'_>) -> String {
    let id = format!("i-{}", one.name);
    let keys = format!("{}{}{}", hidden("workspace", &workspace.name), hidden("incident", &one.name), back.fields(&id));
    let labels: String = one.labels.iter().map(|label| tag(&label.name, "")).collect();
    let state = match &one.classification {
        Some(class) => format!("{} · {class}", one.status),
        None => one.status.clone(),
    };
    let tags = format!(
        "{}{}{labels}<span>{}</span>",
        tag(&one.severity, ""),
        tag(&state, if one.status == "Closed" { "closed" } else { "" }),
        escape(one.owner.assigned_to.as_deref().unwrap_or("nobody's")),
    );
    let said =
        talk(one.comments.iter().map(|comment| (comment.author.name.clone(), String::new(), comment.message.clone())));
    let severities = pick("severity", "Severity", &plain(&["High", "Medium", "Low", "Informational"]), &one.severity);
    let statuses = pick("status", "Status", &plain(&["New", "Active"]), &one.status);
    let classes = plain(&["TruePositive", "BenignPositive", "FalsePositive", "Undetermined"]);
    let closing = format!(
        "{}{}",
        pick("classification", "Classification", &classes, ""),
        text("classificationComment", "Why", "")
    );
    let inside = [
        said,
        act("incident.comment", &keys, &text("message", "Comment", "required"), "Comment"),
        act("incident.update", &keys, &format!("{severities}{statuses}"), "Change"),
        act("incident.close", &keys, &closing, "Close the incident"),
        act(
            "incident.merge",
            &keys,
            &text("target", "Into incident number", "required inputmode=\"numeric\""),
            "Merge",
        ),
    ]
    .concat();
    let number = format!("#{}", one.number);
    item(&Item { id: &id, number, title: &one.title, tags, inside }, back.open)
}

/// A Halo instance.
pub fn halo(name: &str, halo: &Halo, back: &Back<'_>) -> String {
    let mut tickets: Vec<_> = halo.tickets().filter(|ticket| !ticket.deleted).collect();
    tickets.reverse();
    let total = tickets.len();
    let choices = |what: &str| -> Vec<(String, String)> {
        halo.choices(what).into_iter().map(|(id, words)| (id.to_string(), words)).collect()
    };
    let (statuses, mut verdicts) = (choices("statuses"), choices("verdicts"));
    verdicts.insert(0, (String::new(), "none".to_owned()));
    let rows: String = tickets
        .into_iter()
        .take(ROWS)
        .map(|ticket| {
            let id = format!("t-{}", ticket.id);
            let back_to = back.fields(&id);
            let keys = format!("{}{}{back_to}", hidden("halo", name), hidden("ticket_id", &ticket.id.to_string()));
            let merge = format!("{}{}{back_to}", hidden("halo", name), hidden("from", &ticket.id.to_string()));
            let status = halo.name_of("status", ticket.status_id);
            let tags = format!(
                "{}{}<span>{} · {}</span>",
                tag(halo.priority_name(ticket), ""),
                tag(status, if ticket.closed.is_some() { "closed" } else { "" }),
                escape(halo.name_of("client", ticket.client_id)),
                escape(halo.name_of("agent", ticket.agent_id)),
            );
            let said =
                talk(halo.actions(ticket.id).map(|one| (one.who.clone(), one.outcome.clone(), one.note.clone())));
            let private = "<label class=\"tick\"><input type=\"checkbox\" name=\"private\"> private</label>";
            let closing =
                format!("{}{}", pick("verdict", "Classification", &verdicts, ""), text("text", "Closing note", ""));
            let inside = [
                said,
                act("ticket.note", &keys, &format!("{}{private}", text("text", "Note", "required")), "Add the note"),
                act("ticket.status", &keys, &pick("status", "Status", &statuses, &ticket.status_id.to_string()), "Set"),
                act("ticket.close", &keys, &closing, "Close the ticket"),
                act("ticket.merge", &merge, &text("into", "Into ticket", "required inputmode=\"numeric\""), "Merge"),
            ]
            .concat();
            let number = ticket.id.to_string();
            item(&Item { id: &id, number, title: &ticket.summary, tags, inside }, back.open)
        })
        .collect();
    let fields =
        format!("{}{}", text("summary", "Summary", "required"), pick("client", "Client", &choices("clients"), ""));
    let keys = format!("{}{}", hidden("halo", name), back.fields(""));
    let heading = format!("halo-{name}");
    format!(
        "<section aria-labelledby=\"{heading}\"><h2 id=\"{heading}\">{product} · {name}</h2><div class=\"new\">{form}</div>\
         <p class=\"quiet\">{shown}</p><ol class=\"list\">{rows}</ol></section>",
        heading = escape(&heading),
        product = halo.product_name(),
        name = escape(name),
        form = act("ticket.create", &keys, &fields, "Open a ticket"),
        shown = shown(total, "ticket", "newest"),
    )
}
