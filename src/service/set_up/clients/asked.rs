//! What was typed on the page: what a pick means, and the page as it was asked for again.

use super::{Clients, DRAFT, Links, key, needs, page, same_client};
use crate::{
    domain::view::{
        form::FormView,
        set_up::{ClientsStep, Doubt, FoundRow},
    },
    service::{
        App,
        caller::Caller,
        error::ServiceError,
        set_up::{Typed, allowed, discovery, draft},
    },
};

/// What is picked is linked: each name that may be meant is a box of its own, and a tick there is one at its workspace.
pub(super) fn picked(typed: &Typed) -> Typed {
    let mut entries: Vec<(String, String)> =
        typed.entries().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    for (name, value) in typed.entries() {
        let Some(key) = name.strip_prefix("pick-").filter(|_| !value.is_empty()) else { continue };
        let (link, client) = (format!("link-{key}"), format!("client-{key}"));
        // a field or another pick that says something else is told when it is saved
        if entries.iter().all(|(known, said)| *known != client || said.is_empty()) {
            entries.retain(|(known, _)| *known != client);
            entries.push((client, value.to_owned()));
        }
        if entries.iter().all(|(known, _)| *known != link) {
            entries.push((link, "on".to_owned()));
        }
    }
    Typed::new(entries)
}

/// Names that were picked for a workspace beside the one that its field says.
pub(super) fn at_odds<'a>(typed: &'a Typed, key: &str) -> Vec<&'a str> {
    let (pick, client) = (format!("pick-{key}"), typed.text(&format!("client-{key}")));
    let picks = typed.entries().filter(|(name, value)| *name == pick && !value.is_empty());
    let others = picks.map(|(_, value)| value).filter(|name| !name.eq_ignore_ascii_case(client));
    let mut names: Vec<&str> = others.collect();
    if !names.is_empty() && !client.is_empty() {
        names.insert(0, client);
    }
    names
}

/// Whether an entry is shown again. The page can show one pick of a name: of several none is, since leaving one is for a
/// person to choose. Beside a client that was typed one stays that is at odds with it, so that it is told once more.
fn stays(typed: &Typed, name: &str, value: &str) -> bool {
    let Some(key) = name.strip_prefix("pick-") else { return true };
    let several = typed.all(name).any(|other| !other.is_empty() && other != value);
    let client = typed.text(&format!("client-{key}"));
    !several || (!client.is_empty() && !value.is_empty() && !value.eq_ignore_ascii_case(client))
}

/// The page with what was typed, after it was refused, or when it was asked to show other rows (`find`), to tick all that
/// are sure (`tick`) or none (`untick`).
///
/// # Errors
/// As [`super::view`].
pub async fn again(app: &App, caller: &Caller, typed: &Typed) -> Result<ClientsStep, ServiceError> {
    allowed(caller)?;
    let reached = discovery::reached(app, false).await?;
    let installation = app.installation().await?;
    let clients = Clients::of(&reached, &installation);
    let waiting: Links = draft::kept(app, DRAFT).await?;
    let act = typed.text("do").to_owned();
    let mut form = FormView::default();
    for (name, value) in typed.entries().filter(|(name, value)| *name != "do" && stays(typed, name, value)) {
        form = form.with_value(name, value);
    }
    // What was chosen since the form was drawn is not lost by saving it again; where the two differ, both are shown.
    if act.is_empty() && typed.text("seen") != draft::mark(&waiting) {
        for link in waiting.iter().filter(|link| !same_client(&installation, link)) {
            let (tick, field) = (format!("link-{}", key(&link.arm_id)), format!("client-{}", key(&link.arm_id)));
            let name = clients.name_of(link.halo, link.halo_client_id).unwrap_or(&link.client);
            if form.value(&tick).is_empty() {
                form = form.with_value(&tick, "on").with_value(&field, name);
            } else if !form.value(&field).eq_ignore_ascii_case(name) {
                let text = format!("{}: “{name}” was saved meanwhile. Choose which is right.", link.workspace);
                form = form.with_problem(&field, text);
            }
        }
    }
    // who asks for other rows has not seen yet what was saved meanwhile
    if act.is_empty() {
        form = form.with_value("seen", &draft::mark(&waiting));
    }
    let draft = draft::shown(app, DRAFT).await?;
    let needs = needs(app, &installation).await?;
    let mut step = ClientsStep { draft, needs, ..page(&installation, &reached, &clients, &waiting, form) };
    match act.as_str() {
        "tick" => tick_sure(&mut step),
        "untick" => step.form.values.retain(|name, _| !name.starts_with("link-") && !name.starts_with("pick-")),
        _ => {}
    }
    Ok(step)
}

/// Ticks every workspace that is matched for sure, and shown; one that a person gave another client stays theirs.
fn tick_sure(step: &mut ClientsStep) {
    let free = |row: &&FoundRow| row.usable && row.linked.is_none() && row.doubt == Doubt::Sure;
    let sure: Vec<String> =
        step.rows.iter().filter(free).filter(|row| step.shows(row)).map(|row| format!("link-{}", row.key)).collect();
    for link in sure {
        step.form.values.insert(link, "on".to_owned());
    }
}
