//! The policy: ticket type, priorities, statuses, agents, closing, mapped fields; walked by the loop finder before it is
//! saved. Also the rules of one client, on top of a policy that others follow too.

mod choices;
mod forecast;
pub mod look;
pub mod overlay;
pub mod own;
mod rules;
mod values;

use super::{Typed, allowed, entry, installed, later};
use crate::{
    config::{Applied, policy::PolicyEntry},
    domain::{
        catalogue::Catalogue,
        failure::{Failure, FailureKind, Side},
        ids::{ClientId, ConnectionId},
        round_trip::RoundTrip,
        view::{
            form::FormView,
            mapping::{Choices, Holds, MappingStep},
            probe::Level,
            set_up::{Step, StepState},
        },
    },
    outbound::budget::Class,
    planner::loops,
    service::{
        App,
        caller::Caller,
        configuration::{self, Installed},
        error::{FieldProblem, ServiceError},
        fault, outside,
    },
};
use own::{OfClient, Subject};

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

/// Halo's look-ups: as kept, else read now. The client's instance, else the first one: names mean the same in all.
async fn look_ups(app: &App, of: Option<ConnectionId>) -> Result<Result<Catalogue, Failure>, ServiceError> {
    let installation = app.installation().await?;
    let own = installation.halo.iter().find(|halo| Some(halo.id) == of);
    let Some(halo) = own.or(installation.halo.first()) else {
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

/// The policy that a page is about: a client's rules, else the policy of this name.
fn subject(installed: &Installed, policy: &str, client: &str) -> Result<Subject, ServiceError> {
    if client.is_empty() { Subject::policy(installed, policy) } else { Subject::client(installed, client) }
}

/// What a form is about. One that names no policy makes a new one.
fn typed_subject(installed: &Installed, typed: &Typed) -> Result<Subject, ServiceError> {
    let name = typed.text("policy");
    subject(installed, if name.is_empty() { "new" } else { name }, typed.text("client"))
}

/// What was asked for in the page's address.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Name of the policy; `new` for a new one, empty for the first.
    pub policy: String,
    /// Id of the client whose rules are shown; empty for a policy by its name.
    pub client: String,
    /// Id of the ticket type that is taken.
    pub ticket_type: String,
}

/// The page.
///
/// # Errors
/// `Forbidden`, `NotFound`; the store cannot be read.
pub async fn view(app: &App, caller: &Caller, asked: &Asked) -> Result<MappingStep, ServiceError> {
    allowed(caller)?;
    let installed = installed(app).await?;
    let subject = subject(&installed, &asked.policy, &asked.client)?;
    let halo = subject.client.as_ref().and_then(|of| of.halo);
    let catalogue = match look_ups(app, halo).await? {
        Ok(catalogue) => catalogue,
        Err(failure) => return Ok(around(&installed, &subject, FormView::default(), &Err(failure))),
    };
    let start = subject.start.as_ref().map(|entry| entry.policy.clone());
    let mut policy = start.unwrap_or_else(|| values::suggested(&catalogue));
    if let Some(kind) = catalogue.ticket_types.iter().find(|row| row.id.to_string() == asked.ticket_type) {
        values::with_type(&mut policy, kind, &catalogue);
    }
    let form = values::form(&policy, &catalogue);
    Ok(around(&installed, &subject, form, &Ok(catalogue)))
}

/// The page with what was typed; with `ask` what was asked for is looked up as well.
///
/// # Errors
/// `Forbidden`; the store cannot be read.
pub async fn again(app: &App, caller: &Caller, typed: &Typed) -> Result<MappingStep, ServiceError> {
    allowed(caller)?;
    let installed = installed(app).await?;
    // what it was about may be gone by now
    let mut subject = typed_subject(&installed, typed).or_else(|_| Subject::policy(&installed, "new"))?;
    let stale = !typed.text("seen").is_empty() && typed.text("seen") != subject.mark();
    if stale && subject.start.is_none() && subject.client.is_none() && !typed.text("name").is_empty() {
        // the form of a new one from before it was saved: it is about that one now
        subject = Subject::policy(&installed, typed.text("name")).unwrap_or(subject);
    }
    let catalogue = look_ups(app, subject.client.as_ref().and_then(|of| of.halo)).await?;
    let names: Vec<&str> = typed.entries().map(|(name, _)| name).collect();
    let mut form = typed.shown(&names);
    if let Some(path) = typed.text("do").strip_prefix("pick ") {
        form = values::picked(form, path);
    } else if typed.text("do") == "look" {
        form = form.with_value("look", "on");
    }
    if let (Ok(catalogue), "type") = (&catalogue, typed.text("do")) {
        form = values::of_type(form, subject.resolved(typed, catalogue).policy, catalogue);
    }
    let mut page = around(&installed, &subject, form, &catalogue);
    if stale && !typed.text("do").is_empty() {
        // whoever only looks is told when they save
        page.form = std::mem::take(&mut page.form).with_value("seen", typed.text("seen"));
    }
    if let Ok(catalogue) = &catalogue {
        let draft = subject.resolved(typed, catalogue).policy;
        if typed.text("do") == "what-if" {
            forecast::ask(app, caller, (&subject, &draft), &mut page).await?;
        }
        if !page.form.value("look").is_empty() {
            look::into(app, subject.client.as_ref().map(|of| of.owner.id), &mut page).await?;
        }
    }
    Ok(page)
}

fn around(
    installed: &Installed,
    subject: &Subject,
    form: FormView,
    catalogue: &Result<Catalogue, Failure>,
) -> MappingStep {
    let chosen = subject.before.as_ref().map(|entry| entry.name().to_owned());
    let owner = subject.client.as_ref().map(|of| of.owner.clone());
    let form = form
        .with_value("seen", &subject.mark())
        .with_value("policy", chosen.as_deref().unwrap_or_default())
        .with_value("client", &owner.as_ref().map(|owner| owner.id.to_string()).unwrap_or_default());
    let rows = |prefix: &str| {
        let number = |name: &String| name.strip_prefix(prefix)?.parse::<usize>().ok();
        let used = form.values.iter().filter(|(_, value)| !value.is_empty()).filter_map(|(name, _)| number(name)).max();
        used.map_or(0, |last| last.saturating_add(1)).min(overlay::ROWS_MAX - SPARE_ROWS) + SPARE_ROWS
    };
    let (owner_rows, field_rows) = (rows("owner."), rows("source."));
    let others = installed.applied.policies.iter().map(|entry| entry.name().to_owned());
    let alone = owner.as_ref().filter(|_| subject.start.is_none());
    let mut page = MappingStep {
        others: others.filter(|name| Some(name) != chosen.as_ref()).collect(),
        on: subject.on(),
        above: chosen.as_deref().map(|name| own::above(installed, name)).unwrap_or_default(),
        holds: Holds::default(),
        said: Vec::new(),
        chosen,
        trouble: alone.map(|owner| {
            format!("No workspace of “{}” is set up yet. Link one first; it then follows a policy.", owner.name)
        }),
        choices: Choices::default(),
        owner_rows,
        field_rows,
        findings: Vec::new(),
        incident: None,
        leaves: Vec::new(),
        previews: Vec::new(),
        what_if: None,
        what_if_of: Vec::new(),
        what_if_as_if: false,
        what_if_trouble: None,
        form,
    };
    match catalogue {
        Ok(catalogue) => {
            let entry = subject.resolved(&Typed::new(page.form.values.clone()), catalogue);
            page.said = subject.said(&entry);
            page.holds = forecast::holds(&installed.installation, subject, &entry.policy);
            page.choices = choices::choices(&entry.policy, catalogue);
            page.findings = loops::find(&entry.policy, catalogue);
        }
        Err(failure) => page.trouble = Some(failure.message.clone()),
    }
    page
}

/// What was saved.
#[derive(Debug, Clone)]
pub struct Saved {
    /// The client whose rules they are.
    pub client: Option<ClientId>,
    /// The policy's name.
    pub policy: String,
    /// For whom it holds from now on: a policy waits for nothing.
    pub holds: Holds,
}

/// Walks the policy, and saves it.
///
/// # Errors
/// `Invalid` at the field that is wrong, also when the loop finder found faults that were not accepted; `Conflict` when
/// somebody else saved in between; `Forbidden`.
pub async fn take(app: &App, caller: &Caller, typed: &Typed) -> Result<Saved, ServiceError> {
    allowed(caller)?;
    let installed = installed(app).await?;
    let subject = typed_subject(&installed, typed).map_err(|_| ServiceError::Conflict)?;
    if typed.text("seen") != subject.mark() {
        return Err(ServiceError::Conflict);
    }
    let catalogue = match look_ups(app, subject.client.as_ref().and_then(|of| of.halo)).await? {
        Ok(catalogue) => catalogue,
        Err(failure) => return Err(ServiceError::invalid("", failure.message)),
    };
    let entry = subject.resolved(typed, &catalogue);
    let mut problems = overlay::problems(typed, &catalogue);
    if subject.start.is_none() && installed.applied.policies.iter().any(|known| known.name() == entry.name()) {
        let text = format!("Name: there is a policy “{}” already. Choose another name.", entry.name());
        problems.push(FieldProblem::new("name", text));
    }
    if !typed.ticked("anyway") {
        let found = loops::find(&entry.policy, &catalogue);
        problems.extend(found.iter().filter(|trip| trip.level() == Level::Fault).map(problem));
    }
    if !problems.is_empty() {
        return Err(ServiceError::Invalid(problems));
    }
    let saved = Saved {
        client: subject.client.as_ref().map(|of| of.owner.id),
        policy: entry.name().to_owned(),
        holds: forecast::holds(&installed.installation, &subject, &entry.policy),
    };
    match &subject.client {
        None => {
            let wanted = read(app, &entry).await?;
            entry::apply(app, caller, &wanted).await?;
        }
        Some(of) => save_for(app, caller, &installed, &subject, of, entry).await?,
    }
    Ok(saved)
}

/// The entry as the applied file is read.
async fn read(app: &App, entry: &PolicyEntry) -> Result<Applied, ServiceError> {
    let text: String = entry.lines().0.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
    entry::read(app, &format!("[[policy]]\n{text}"), "policy", &FIELDS).await
}

/// Puts a client's workspaces on its own policy; on the base itself when nothing differs from it, and then its own policy
/// goes.
async fn save_for(
    app: &App,
    caller: &Caller,
    installed: &Installed,
    subject: &Subject,
    of: &OfClient,
    entry: PolicyEntry,
) -> Result<(), ServiceError> {
    let failed = |error: configuration::ConfigurationError| entry::apply_failed(error);
    let mut all = configuration::export(&app.store).await.map_err(failed)?;
    let target = if entry.own.is_empty() { entry.base.clone().unwrap_or_default() } else { entry.name().to_owned() };
    for workspace in &mut all.workspaces {
        if of.workspaces.iter().any(|(_, arm_id, _)| *arm_id == workspace.arm_id) {
            workspace.policy.clone_from(&target);
        }
    }
    let gone = subject.before.as_ref().filter(|_| entry.own.is_empty());
    let (wanted, prune) = match gone {
        Some(gone) => {
            all.policies.retain(|known| known.name() != gone.name());
            (all, true)
        }
        None => {
            all.workspaces.retain(|row| of.workspaces.iter().any(|(_, arm_id, _)| *arm_id == row.arm_id));
            let policies = if entry.own.is_empty() { Vec::new() } else { read(app, &entry).await?.policies };
            (Applied { policies, workspaces: all.workspaces, ..Applied::default() }, false)
        }
    };
    let seen = Some(installed.installation.version);
    let (user, now) = (Some(caller.user), app.clock.now());
    let applied = configuration::apply_seen(&app.store, &wanted, prune, user, seen, now, &*app.ids).await;
    applied.map(drop).map_err(failed)
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
