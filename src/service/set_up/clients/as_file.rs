//! The list as a CSV file, and a file as the page would have it.

use std::{collections::BTreeMap, time::Duration};

use super::{Clients, key, link, view};
use crate::{
    domain::{
        view::{
            form::FormView,
            set_up::{ClientsStep, Doubt, FoundRow},
        },
        workspace::Workspace,
    },
    service::{
        App,
        caller::Caller,
        error::ServiceError,
        set_up::{
            Typed,
            discovery::{self, Found},
            file,
        },
    },
    store::Installation,
};

/// Every workspace that was found, as lines of the file: what is linked, what is chosen, what is guessed.
///
/// # Errors
/// As [`view`].
pub async fn lines(app: &App, caller: &Caller) -> Result<Vec<[String; 7]>, ServiceError> {
    let view = view(app, caller, false).await?;
    let reached = discovery::reached(app, false).await?;
    let by_key: BTreeMap<String, &Found> =
        reached.workspaces.iter().map(|found| (key(&found.arm_id()), found)).collect();
    let line = |row: &FoundRow| {
        let found = by_key.get(&row.key)?;
        let value = |kind: &str| view.form.value(&format!("{kind}-{}", row.key)).to_owned();
        let linked = row.linked.is_some() || !value("link").is_empty();
        let client = row.linked.clone().unwrap_or_else(|| value("client"));
        // an unsure guess must not become a link because nobody looked
        let suggested = match &row.doubt {
            Doubt::Unsure { names } if !linked => names.first().cloned().unwrap_or_default(),
            _ => String::new(),
        };
        Some([
            if linked { "yes" } else { "no" }.to_owned(),
            row.name.clone(),
            found.arm_id(),
            row.tenant.clone(),
            client,
            suggested,
            value("portal"),
        ])
    };
    Ok(view.rows.iter().filter_map(line).collect())
}

/// The page as a file would have it: a preview, nothing is kept.
///
/// # Errors
/// As [`view`]; what is wrong with the file is in the page's form.
pub async fn from_file(app: &App, caller: &Caller, text: &str) -> Result<ClientsStep, ServiceError> {
    let mut step = view(app, caller, false).await?;
    // the page has waited for it already
    let reached = discovery::reached_within(app, false, Duration::ZERO).await?;
    let installation = app.installation().await?;
    let clients = Clients::of(&reached, &installation);
    let rows = match file::read(text) {
        Ok(rows) => rows,
        Err(words) => {
            step.form = step.form.with_value("file", text).with_problem("file", words);
            return Ok(step);
        }
    };
    let mut form = step.form;
    // What is out of sight now stays chosen, unless the file says otherwise.
    let lost: Vec<String> = step.lost.iter().map(|row| format!("link-{}", row.key)).collect();
    form.values.retain(|name, _| !name.starts_with("link-") || lost.contains(name));
    let read = rows.len();
    let mut unread: usize = 0;
    for row in rows {
        let line = row.line;
        let Some(found) = reached.workspaces.iter().find(|found| found.arm_id() == row.arm_id) else {
            if !reached.whole {
                unread += 1;
                continue;
            }
            let remedy = if reached.troubles.is_empty() {
                "Check its id, or sign in where it is."
            } else {
                "Not everything could be read, as is said above: put that right, look again, then send the file once more."
            };
            let words = format!("Line {line}: no connection reaches the workspace {}. {remedy}", row.arm_id);
            form = form.with_problem("file", words);
            continue;
        };
        let key = key(&row.arm_id);
        if let Some(known) = installation.workspaces.iter().find(|known| known.arm_id == row.arm_id) {
            match elsewhere(&installation, known, &row.client, &clients) {
                Some(now) => {
                    let words = format!(
                        "Line {line}: {} is linked to {now}; give it to another client at its row.",
                        found.address.workspace
                    );
                    form = form.with_problem("file", words);
                }
                None => form = leading(form, &key, row.defender),
            }
            continue;
        }
        form = form.with_value(&format!("client-{key}"), &row.client);
        form = leading(form, &key, row.defender);
        if !row.link {
            form.values.remove(&format!("link-{key}"));
            continue;
        }
        form = form.with_value(&format!("link-{key}"), "on");
        let mut typed = vec![(format!("client-{key}"), row.client.clone())];
        typed.push((format!("link-{key}"), "on".to_owned()));
        if let Err(problem) = link(found, &Typed::new(typed), &key, &clients) {
            // Halo's clients may not be there yet
            if !reached.whole {
                unread += 1;
                continue;
            }
            form = form.with_problem(&problem.field, format!("Line {line}: {}", problem.problem));
        }
    }
    if unread > 0 {
        let words = format!(
            "The list is still being read, and what it lacks yet concerns {unread} of the file's lines. The file is kept here: \
             send it again in a minute."
        );
        form = form.with_problem("file", words);
    }
    // a file that has to be corrected is not typed again
    if form.problems.is_empty() {
        step.lines_read = Some(u64::try_from(read).unwrap_or(u64::MAX));
    } else {
        form = form.with_value("file", text);
    }
    step.form = form;
    Ok(step)
}

/// The client that a linked workspace has, where the file names another one.
fn elsewhere(installation: &Installation, row: &Workspace, named: &str, clients: &Clients) -> Option<String> {
    let client = installation.clients.iter().find(|client| client.id == row.client)?;
    if named.is_empty() || named.eq_ignore_ascii_case(&client.name) {
        return None;
    }
    // by Halo's name, where ours is another
    let place = client.halo.as_ref().map(|place| (place.connection, place.halo_client_id));
    let same = clients.named(named).is_some_and(|(halo, found)| Some((*halo, found.id)) == place);
    (!same).then(|| client.name.clone())
}

/// Where the file says that a workspace's links lead.
fn leading(form: FormView, key: &str, defender: Option<bool>) -> FormView {
    match defender {
        Some(defender) => form.with_value(&format!("portal-{key}"), if defender { "defender" } else { "azure" }),
        None => form,
    }
}
