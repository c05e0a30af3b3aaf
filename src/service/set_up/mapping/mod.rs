//! The policy: ticket type, priorities, statuses, agents, closing, mapped fields; walked by the loop finder before it is
//! saved.

mod look;
mod overlay;
mod rules;
mod values;

use super::{
    Typed, allowed,
    clients::{DRAFT as LINKS, Links},
    draft, entry, installed, later,
};
use crate::{
    config::policy::lines,
    domain::{
        catalogue::Catalogue,
        failure::{Failure, FailureKind, Side},
        policy::{FieldTarget, Policy},
        round_trip::RoundTrip,
        view::{
            form::FormView,
            mapping::{Choices, MappingStep, Pick},
            probe::Level,
            set_up::{Step, StepState},
        },
    },
    outbound::budget::Class,
    planner::loops,
    service::{
        App,
        caller::Caller,
        configuration::Installed,
        error::{FieldProblem, ServiceError},
        fault, outside, what_if,
    },
};

/// Empty rows that are offered beyond those in use.
const SPARE_ROWS: usize = 2;

/// How far the step is.
pub async fn state(app: &App) -> Result<(StepState, String), ServiceError> {
    let installation = app.installation().await?;
    if installation.halo.is_empty() {
        return Ok(later(Step::Halo));
    }
    Ok(match installation.policies.as_slice() {
        [] => (StepState::Open, "Ticket type, priorities, statuses and fields.".to_owned()),
        [one] => (StepState::Done, format!("{}: tickets of the type {}.", one.name, one.ticket_type)),
        many => (StepState::Done, format!("{} policies.", many.len())),
    })
}

/// Halo's look-ups: as kept, else read now. The first instance's; names mean the same in all.
async fn look_ups(app: &App) -> Result<Result<Catalogue, Failure>, ServiceError> {
    let installation = app.installation().await?;
    let Some(halo) = installation.halo.first() else {
        let text = "There is no Halo instance yet. Do the step “Halo” first.";
        return Ok(Err(Failure::new(Side::Halo, FailureKind::Rejected, text)));
    };
    let kept = app.store.catalogue(halo.id).await.map_err(|e| fault("read Halo's look-ups", &e))?;
    if let Some((kept, _)) = kept {
        return Ok(Ok(kept));
    }
    let read = match outside::kept_halo(app, halo).await {
        Ok(adapter) => adapter.catalogue(Class::Interactive).await,
        Err(failure) => Err(failure),
    };
    if let Ok(catalogue) = &read {
        let now = app.clock.now();
        app.store.put_catalogue(halo.id, catalogue, now).await.map_err(|e| fault("keep Halo's look-ups", &e))?;
    }
    Ok(read)
}

fn chosen<'a>(installed: &'a Installed, name: &str) -> Result<Option<&'a Policy>, ServiceError> {
    match name {
        "" => Ok(installed.applied.policies.first()),
        "new" => Ok(None),
        name => {
            let found = installed.applied.policies.iter().find(|policy| policy.name == name);
            found.map(Some).ok_or(ServiceError::NotFound)
        }
    }
}

/// The page, for the policy of this name (`new` for a new one, empty for the first).
///
/// # Errors
/// `Forbidden`, `NotFound`; the store cannot be read.
pub async fn view(app: &App, caller: &Caller, policy: &str, ticket_type: &str) -> Result<MappingStep, ServiceError> {
    allowed(caller)?;
    let installed = installed(app).await?;
    let before = chosen(&installed, policy)?;
    let catalogue = match look_ups(app).await? {
        Ok(catalogue) => catalogue,
        Err(failure) => return Ok(around(&installed, before, FormView::default(), &Err(failure))),
    };
    let mut policy = before.cloned().unwrap_or_else(|| values::suggested(&catalogue));
    if let Some(kind) = catalogue.ticket_types.iter().find(|row| row.id.to_string() == ticket_type) {
        values::with_type(&mut policy, kind, &catalogue);
    }
    let form = values::form(&policy, &catalogue);
    Ok(around(&installed, before, form, &Ok(catalogue)))
}

/// The page with what was typed; with `ask` what was asked for is looked up as well.
///
/// # Errors
/// `Forbidden`; the store cannot be read.
pub async fn again(app: &App, caller: &Caller, typed: &Typed) -> Result<MappingStep, ServiceError> {
    allowed(caller)?;
    let installed = installed(app).await?;
    let name = typed.text("policy");
    let before = chosen(&installed, if name.is_empty() { "new" } else { name }).unwrap_or(None);
    let catalogue = look_ups(app).await?;
    let names: Vec<&str> = typed.entries().map(|(name, _)| name).collect();
    let mut form = typed.shown(&names);
    if let Some(path) = typed.text("do").strip_prefix("pick ") {
        form = values::picked(form, path);
    } else if typed.text("do") == "look" {
        form = form.with_value("look", "on");
    }
    let mut page = around(&installed, before, form, &catalogue);
    if let Ok(catalogue) = &catalogue {
        let draft = overlay::policy(typed, before, catalogue);
        if typed.text("do") == "what-if" {
            ask_what_if(app, caller, &draft, &mut page).await?;
        }
        if !page.form.value("look").is_empty() {
            look::into(app, &mut page).await?;
        }
    }
    Ok(page)
}

async fn ask_what_if(app: &App, caller: &Caller, policy: &Policy, page: &mut MappingStep) -> Result<(), ServiceError> {
    let installation = app.installation().await?;
    let asked = match installation.workspaces.first() {
        Some(workspace) => what_if::last_days(app, caller, workspace.id, policy).await?,
        // One that is chosen and not applied yet.
        None => {
            let links: Links = draft::kept(app, LINKS).await?;
            let Some(link) = links.first() else {
                let text =
                    "No workspace is linked yet whose incidents could be looked at. Link one in the step before.";
                page.what_if_trouble = Some(text.to_owned());
                return Ok(());
            };
            what_if::of_link(app, link, policy).await?
        }
    };
    match asked {
        Ok(what) => page.what_if = Some(what),
        Err(failure) => page.what_if_trouble = Some(failure.message),
    }
    Ok(())
}

fn around(
    installed: &Installed,
    before: Option<&Policy>,
    form: FormView,
    catalogue: &Result<Catalogue, Failure>,
) -> MappingStep {
    let form = form
        .with_value("seen", &draft::mark(&before))
        .with_value("policy", before.map_or("", |policy| policy.name.as_str()));
    let rows = |prefix: &str| {
        let number = |name: &String| name.strip_prefix(prefix)?.parse::<usize>().ok();
        let used = form.values.iter().filter(|(_, value)| !value.is_empty()).filter_map(|(name, _)| number(name)).max();
        used.map_or(0, |last| last.saturating_add(1)).min(overlay::ROWS_MAX - SPARE_ROWS) + SPARE_ROWS
    };
    let (owner_rows, field_rows) = (rows("owner."), rows("source."));
    let others = installed.applied.policies.iter().map(|policy| policy.name.clone());
    let chosen = before.map(|policy| policy.name.clone());
    let (choices, findings, trouble) = match catalogue {
        Ok(catalogue) => {
            let typed = Typed::new(form.values.clone());
            let policy = overlay::policy(&typed, before, catalogue);
            (choices(&policy, catalogue), loops::find(&policy, catalogue), None)
        }
        Err(failure) => (Choices::default(), Vec::new(), Some(failure.message.clone())),
    };
    MappingStep {
        others: others.filter(|name| Some(name) != chosen.as_ref()).collect(),
        form,
        chosen,
        trouble,
        choices,
        owner_rows,
        field_rows,
        findings,
        incident: None,
        leaves: Vec::new(),
        previews: Vec::new(),
        what_if: None,
        what_if_trouble: None,
    }
}

fn choices(policy: &Policy, catalogue: &Catalogue) -> Choices {
    let named = |rows: &[crate::domain::catalogue::Named]| -> Vec<Pick> {
        rows.iter().map(|row| Pick::new(row.id, row.name.clone())).collect()
    };
    let sla = catalogue.ticket_type(&policy.ticket_type).and_then(|row| row.default_sla);
    let mut priorities: Vec<Pick> = Vec::new();
    for row in catalogue.priorities_in(sla) {
        if !priorities.iter().any(|known| known.value == row.id.to_string()) {
            priorities.push(Pick::new(row.id, row.name.clone()));
        }
    }
    let closed = |id: i64| catalogue.closed_statuses.contains(&id);
    let statuses = catalogue.statuses.iter().map(|row| {
        let label = if closed(row.id) { format!("{} (closed)", row.name) } else { row.name.clone() };
        Pick::new(row.id, label)
    });
    let label = |row: &crate::domain::catalogue::FieldDefinition| row.label.clone().unwrap_or_else(|| row.name.clone());
    let custom = catalogue.fields.iter().map(|row| Pick::new(format!("c:{}", row.id), label(row)));
    let members = crate::domain::policy::field::MEMBERS.iter().map(|(name, _)| Pick::new(format!("m:{name}"), *name));
    let field = overlay::definition(catalogue, policy.classification_field.as_ref());
    Choices {
        ticket_types: catalogue.ticket_types.iter().map(|row| Pick::new(row.id, row.name.clone())).collect(),
        priorities,
        statuses: statuses.collect(),
        agents: catalogue
            .agents
            .iter()
            .filter(|row| row.id > 1 && Some(row.id) != catalogue.own_agent_id)
            .map(|row| Pick::new(row.id, row.name.clone()))
            .collect(),
        teams: named(&catalogue.teams),
        categories: named(&catalogue.categories),
        outcomes: named(&catalogue.outcomes),
        fields: custom.chain(members).collect(),
        classification_fields: catalogue
            .fields
            .iter()
            .filter(|row| !row.options.is_empty())
            .map(|row| Pick::new(row.id, label(row)))
            .collect(),
        classes: field.map(|row| named(&row.options)).unwrap_or_default(),
    }
}

/// Walks the policy, and saves it.
///
/// # Errors
/// `Invalid` at the field that is wrong, also when the loop finder found faults that were not accepted; `Conflict` when
/// somebody else saved in between; `Forbidden`.
pub async fn take(app: &App, caller: &Caller, typed: &Typed) -> Result<(), ServiceError> {
    allowed(caller)?;
    let installed = installed(app).await?;
    let name = typed.text("policy");
    let before = chosen(&installed, if name.is_empty() { "new" } else { name }).map_err(|_| ServiceError::Conflict)?;
    draft::unmoved(typed.text("seen"), &before)?;
    let catalogue = match look_ups(app).await? {
        Ok(catalogue) => catalogue,
        Err(failure) => return Err(ServiceError::invalid("", failure.message)),
    };
    let policy = overlay::policy(typed, before, &catalogue);
    let mut problems = overlay::problems(typed, &catalogue);
    if before.is_none() && installed.applied.policies.iter().any(|known| known.name == policy.name) {
        let text = format!("Name: there is a policy “{}” already. Choose another name.", policy.name);
        problems.push(FieldProblem::new("name", text));
    }
    if !typed.ticked("anyway") {
        let found = loops::find(&policy, &catalogue);
        problems.extend(found.iter().filter(|trip| trip.level() == Level::Fault).map(problem));
    }
    if !problems.is_empty() {
        return Err(ServiceError::Invalid(problems));
    }
    let text: String = lines(&policy).0.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
    let wanted = entry::read(app, &format!("[[policy]]\n{text}"), "policy", &FIELDS).await?;
    entry::apply(app, caller, &wanted).await.map(drop)
}

/// Fields of the file and what people call them.
const FIELDS: [entry::Named; 10] = [
    ("name", "Name"),
    ("ticket_type", "Ticket type"),
    ("notes", "Notes"),
    ("fields", "Mapped fields"),
    ("outcome", "Outcome"),
    ("team", "Team"),
    ("category", "Category"),
    ("agent", "Agent"),
    ("incident_id_field", "Field for the incident's id"),
    ("classification_field", "Classification field"),
];

/// A fault of the loop finder at the field that puts it right.
fn problem(trip: &RoundTrip) -> FieldProblem {
    let value = trip.stops.first().map_or("", |stop| stop.value.as_str());
    let field = match (trip.field.as_str(), value) {
        ("severity", "High") => "priority.High",
        ("severity", "Medium") => "priority.Medium",
        ("severity", "Low") => "priority.Low",
        ("severity", "Informational") => "priority.Informational",
        ("status", "New") => "status.New",
        ("status", "Active") => "status.Active",
        ("status", "Closed") => "status.Closed",
        ("owner", _) => "owner.0",
        _ => "",
    };
    FieldProblem::new(field, format!("{} {}", trip.says(), trip.fix()))
}

/// The field that a target names in the form.
fn target_value(target: &FieldTarget, catalogue: &Catalogue) -> String {
    match target {
        FieldTarget::Custom(reference) => {
            let id = overlay::definition(catalogue, Some(reference)).map(|row| row.id);
            id.map_or_else(|| overlay::value_of(reference, None), |id| format!("c:{id}"))
        }
        FieldTarget::Member(name) => format!("m:{name}"),
    }
}
