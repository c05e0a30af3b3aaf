//! The list as a CSV file, and a file as the page would have it.

use std::collections::BTreeMap;

use super::{Clients, key, link, view};
use crate::{
    domain::view::set_up::{ClientsStep, Doubt, FoundRow},
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
    let reached = discovery::reached(app, false).await?;
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
    form.values.retain(|name, _| !name.starts_with("link-"));
    let read = rows.len();
    for row in rows {
        let line = row.line;
        let Some(found) = reached.workspaces.iter().find(|found| found.arm_id() == row.arm_id) else {
            let words = format!(
                "Line {line}: no connection reaches the workspace {}. Check its id, or sign in where it is.",
                row.arm_id
            );
            form = form.with_problem("file", words);
            continue;
        };
        let key = key(&row.arm_id);
        if installation.workspaces.iter().any(|known| known.arm_id == row.arm_id) {
            continue;
        }
        form = form.with_value(&format!("client-{key}"), &row.client);
        if let Some(defender) = row.defender {
            form = form.with_value(&format!("portal-{key}"), if defender { "defender" } else { "azure" });
        }
        if !row.link {
            continue;
        }
        form = form.with_value(&format!("link-{key}"), "on");
        let mut typed = vec![(format!("client-{key}"), row.client.clone())];
        typed.push((format!("link-{key}"), "on".to_owned()));
        if let Err(problem) = link(found, &Typed::new(typed), &key, &clients) {
            form = form.with_problem(&problem.field, format!("Line {line}: {}", problem.problem));
        }
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
