//! One ticket by its number, read at this moment: what it is, whose, and why no incident is linked to it.

use super::{
    App,
    caller::Caller,
    error::ServiceError,
    fault, links, names, outside,
    unlinked::{self, Unlinking},
};
use crate::{
    domain::{
        account::{Role, Scope},
        catalogue::Catalogue,
        client::Client,
        connection::HaloConnection,
        failure::{Failure, FailureKind},
        ids::{ConnectionId, TicketId},
        pair::Pair,
        policy::Policy,
        reason::Reason,
        ticket::{Action, Ticket},
        time,
        view::{
            form::FormView,
            list::Choice,
            not_linked::GateRow,
            tickets::{FoundTicket, LinkableRow, TicketsView},
        },
        workspace::Workspace,
    },
    outbound::budget::Class,
    planner::{adopt, link, mapping, push},
    store::{Installation, SubjectFilter},
};

/// Unlinked incidents that are offered.
const OFFERED: u32 = 10;

/// The page: the form, and what was found of the number that was sent, if any was. Nothing is kept of what is read.
///
/// # Errors
/// `Forbidden` for viewers; the store cannot be read.
pub async fn view(app: &App, caller: &Caller, halo: &str, ticket: Option<&str>) -> Result<TicketsView, ServiceError> {
    caller.need(Role::Operator)?;
    let installation = app.installation().await?;
    let halos: Vec<Choice> = installation
        .halo
        .iter()
        .filter(|halo| caller.scope == Scope::All || clients_of(&installation, caller, halo.id).next().is_some())
        .map(|halo| Choice { value: halo.id.to_string(), label: halo.name.clone(), count: None })
        .collect();
    let halo = match halos.as_slice() {
        [only] if halo.is_empty() => only.value.clone(),
        _ => halo.to_owned(),
    };
    let mut view = TicketsView {
        form: FormView::default().with_value("halo", &halo).with_value("ticket", ticket.unwrap_or_default()),
        halos,
        found: None,
    };
    let Some(ticket) = ticket else { return Ok(view) };
    let chosen = installation
        .halo
        .iter()
        .find(|one| one.id.to_string() == halo && view.halos.iter().any(|choice| choice.value == halo));
    // What is wrong is told in the order of the form's fields.
    if chosen.is_none() {
        view.form = view.form.with_problem("halo", "“Halo instance”: choose the one that the ticket is in.");
    }
    let number = links::ticket_number(ticket, "looked up");
    if let Err(ServiceError::Invalid(problems)) = &number {
        view.form =
            problems.iter().fold(view.form, |form, problem| form.with_problem(&problem.field, problem.problem.clone()));
    }
    let (Some(chosen), Ok(number)) = (chosen, number) else { return Ok(view) };
    match found(app, caller, &installation, chosen, number).await? {
        Ok(found) => view.found = Some(found),
        Err(why) => view.form = view.form.with_problem("ticket", why),
    }
    Ok(view)
}

/// Clients of an instance that the caller may see.
fn clients_of<'a>(
    installation: &'a Installation,
    caller: &'a Caller,
    halo: ConnectionId,
) -> impl Iterator<Item = &'a Client> {
    let bound = move |client: &&Client| client.halo.as_ref().is_some_and(|binding| binding.connection == halo);
    installation.clients.iter().filter(bound).filter(|client| caller.scope.allows(Some(client.id)))
}

/// The ticket; inside, why it is not shown, in one sentence with the remedy.
async fn found(
    app: &App,
    caller: &Caller,
    installation: &Installation,
    halo: &HaloConnection,
    number: TicketId,
) -> Result<Result<FoundTicket, String>, ServiceError> {
    let none = || Ok(Err(format!("Halo has no ticket {number} (any more). Check its number.")));
    let unasked = |failure: Failure| match failure.kind {
        FailureKind::Gone => none(),
        _ => Ok(Err(format!("Halo could not be asked: {}", failure.message))),
    };
    let adapter = match outside::kept_halo(app, halo).await {
        Ok(adapter) => adapter,
        Err(failure) => return unasked(failure),
    };
    let ticket = match adapter.ticket(number, Class::Interactive).await {
        Ok(ticket) => ticket,
        Err(failure) => return unasked(failure),
    };
    let own = clients_of(installation, caller, halo.id)
        .find(|client| client.halo.as_ref().map(|binding| binding.halo_client_id) == ticket.client_id);
    // Another client's ticket does not exist for who may not see it.
    if own.is_none() && caller.scope != Scope::All {
        return none();
    }
    let catalogue = app.store.catalogue(halo.id).await.map_err(|e| fault("read Halo's look-ups", &e))?;
    let catalogue = catalogue.map(|(catalogue, _)| catalogue).unwrap_or_default();
    let pairs = app.store.pairs_of_ticket(halo.id, number).await.map_err(|e| fault("look for a ticket's pairs", &e))?;
    let in_sight = |pair: &&Pair| names::see_workspace(installation, caller, pair.workspace).is_ok();
    let linked: Vec<&Pair> = pairs.iter().filter(|pair| caller.scope.allows(Some(pair.client))).collect();
    let shown: Vec<&Pair> = linked.iter().copied().filter(in_sight).collect();
    // Nor does that of an incident whose workspace was given to another client.
    if !linked.is_empty() && shown.is_empty() {
        return none();
    }
    let mut named = Vec::new();
    for pair in shown {
        let subject = app.store.subject(pair.workspace, &pair.incident).await;
        let subject = subject.map_err(|e| fault("read an incident", &e))?;
        named.push((pair.id, subject.map_or_else(|| pair.incident.to_string(), |subject| subject.incident.name())));
    }
    let workspaces: Vec<&Workspace> =
        installation.workspaces.iter().filter(|one| own.is_some_and(|own| one.client == own.id)).collect();
    let free = named.is_empty();
    // An action with an outcome may be what a rule pushes it for.
    let by_outcome = |one: &&Workspace| {
        installation.connected(one.id).is_some_and(|connected| !connected.policy.push.outcomes.is_empty())
    };
    let asked = free && workspaces.iter().any(by_outcome);
    // Without them only one of the gates is open.
    let (actions, unread) = match asked {
        true => match adapter.actions(number, Class::Interactive).await {
            Ok(actions) => (actions, None),
            Err(failure) => (Vec::new(), Some(failure.message)),
        },
        false => (Vec::new(), None),
    };
    let unlinking = if free { unlinked::of_ticket(app, caller, halo.id, number).await? } else { None };
    let made = made_here(&ticket, unlinking.as_ref());
    let joinable = own
        .and_then(|own| own.halo.as_ref())
        .map_or_else(|| Err(String::new()), |binding| link::joinable(&ticket, binding.halo_client_id, !free));
    let offered = match own.filter(|_| joinable.is_ok()) {
        Some(own) => {
            let wanted =
                SubjectFilter { client: Some(own.id), scope: caller.scope.clone(), ..SubjectFilter::default() };
            let page = app.store.subjects_page(&wanted, None, OFFERED).await;
            page.map_err(|e| fault("list incidents", &e))?.rows
        }
        None => Vec::new(),
    };
    let row = |row: crate::store::SubjectRow| LinkableRow {
        name: names::incident(row.number, &row.title),
        workspace: row.workspace,
        incident: row.incident,
    };
    // Of one that was made for an incident a push would make another incident.
    let may_push = joinable.is_ok() && made.is_none();
    let pushes = |one: &&&Workspace| {
        let policy = installation.connected(one.id).map(|connected| connected.policy);
        let open = policy.is_some_and(|policy| push::open(policy, &catalogue, &ticket).is_ok());
        may_push && open && push::allowed(one.mode).is_ok()
    };
    let choice = |one: &&Workspace| Choice { value: one.id.to_string(), label: one.name.clone(), count: None };
    Ok(Ok(FoundTicket {
        ticket: names::ticket(installation, halo.id, number),
        number: number.0,
        summary: ticket.summary.clone(),
        client: own.map_or_else(
            || format!("{} (in Halo)", ticket.client_name.clone().unwrap_or_else(|| "a client".to_owned())),
            |own| own.name.clone(),
        ),
        status: ticket.status_id.map(|id| mapping::status_name(&catalogue, id)).unwrap_or_default(),
        agent: ticket.agent_id.filter(|id| *id > 1).map(|id| mapping::agent_name(&catalogue, id)).unwrap_or_default(),
        gates: if free {
            let read = Read {
                ticket: &ticket,
                actions: &actions,
                unread: unread.as_deref(),
                unlinking: unlinking.as_ref(),
                made: made.as_deref(),
                stands_in_the_way: joinable.as_ref().err(),
            };
            gates(installation, halo, &read, own, &workspaces, &catalogue)
        } else {
            Vec::new()
        },
        made: made.is_some(),
        unlinked: unlinking.map(|unlinking| unlinking.pair.id),
        pairs: named,
        push_to: workspaces.iter().filter(pushes).map(choice).collect(),
        may_link: joinable.is_ok(),
        incidents: offered.into_iter().map(row).collect(),
    }))
}

/// The reference of a ticket that was made here for an incident: it carries it, or the pair that was taken apart did not begin
/// with a ticket that was there.
fn made_here(ticket: &Ticket, unlinking: Option<&Unlinking>) -> Option<String> {
    let begun = unlinking.filter(|unlinking| unlinking.pair.ticket.is_none());
    push::ours(ticket).or_else(|| begun.map(|unlinking| unlinking.pair.reference.clone()))
}

/// What was found of a ticket that is not linked.
struct Read<'a> {
    ticket: &'a Ticket,
    /// Where a rule asks for their outcomes.
    actions: &'a [Action],
    /// Why they could not be read.
    unread: Option<&'a str>,
    /// Its last pair that was taken apart.
    unlinking: Option<&'a Unlinking>,
    /// The reference of one that was made here.
    made: Option<&'a str>,
    /// Why it cannot be linked.
    stands_in_the_way: Option<&'a String>,
}

fn gate(name: &str, rule: &str, saw: String, remedy: Option<String>) -> GateRow {
    GateRow { name: name.to_owned(), rule: rule.to_owned(), saw, passes: remedy.is_none(), remedy }
}

/// Why it is not linked: what would have linked it, rule by rule.
fn gates(
    installation: &Installation,
    halo: &HaloConnection,
    read: &Read<'_>,
    own: Option<&Client>,
    workspaces: &[&Workspace],
    catalogue: &Catalogue,
) -> Vec<GateRow> {
    let ticket = read.ticket;
    let mut found = Vec::new();
    let saw = own.map_or_else(
        || format!("client {} of {}", ticket.client_id.unwrap_or_default(), halo.name),
        |own| own.name.clone(),
    );
    let remedy = "Give a client here this client in Halo under Set-up, Clients.";
    found.push(gate(
        "Client is set up here",
        "a client with this place in Halo",
        saw,
        own.is_none().then(|| remedy.into()),
    ));
    if let Some(why) = read.stands_in_the_way.filter(|why| !why.is_empty()) {
        found.push(gate("Ticket can be linked", "neither deleted nor merged", "it is not".into(), Some(why.clone())));
    }
    let unlinked = read.unlinking.map(|unlinking| {
        let who = unlinking.who.as_deref().unwrap_or("a person");
        format!("unlinked by {who} on {}", time::iso(unlinking.at))
    });
    let other = read.unlinking.and_then(|unlinking| unlinking.now);
    let remedy = unlinked.is_some().then(|| match other {
        Some(other) => {
            format!("Its incident has ticket {other} since: unlink that one first if this is to be its ticket.")
        }
        None => "It and its incident stay apart until a person links them again: choose the incident under Not linked."
            .to_owned(),
    });
    found.push(gate("Not taken apart by a person", "no unlinking", unlinked.unwrap_or_else(|| "none".into()), remedy));
    let saw = read.made.map_or_else(|| "none".to_owned(), |reference| format!("reference {reference}"));
    let remedy = read.made.map(|_| match other {
        Some(other) => format!("It was made here for an incident, which has ticket {other} since."),
        None => {
            "It was made here for an incident: link it to that one. Pushed, it would be a second incident.".to_owned()
        }
    });
    found.push(gate("Not made by this program", "no reference of this program's", saw, remedy));
    let carried = adopt::carried(ticket);
    let saw = carried.as_ref().map_or("none".to_owned(), |carried| format!("incident {}", carried.incident));
    let remedy = carried.as_ref().map(|_| {
        "It was made by Halo's own Sentinel integration. Link it to that incident, or set “adopt = true” in the policy.".to_owned()
    });
    found.push(gate("Made for no incident", "no incident's id on the ticket", saw, remedy));
    let modes: Vec<String> = workspaces.iter().map(|one| format!("{} ({})", one.name, one.mode.as_str())).collect();
    let may = workspaces.iter().any(|one| push::allowed(one.mode).is_ok());
    let saw = if modes.is_empty() { "none".to_owned() } else { modes.join(", ") };
    let remedy = if modes.is_empty() {
        "The client has no workspace: add one under Set-up."
    } else {
        "Only a workspace in two-way mode is written to: set its mode to two-way to push, or link the ticket to an incident."
    };
    found.push(gate("A workspace to push to", "one of the client's in two-way", saw, (!may).then(|| remedy.into())));
    for workspace in workspaces.iter().filter(|one| push::allowed(one.mode).is_ok()) {
        let Some(connected) = installation.connected(workspace.id) else { continue };
        found.extend(of_pushing(workspace, connected.policy, halo, read, catalogue));
    }
    found
}

/// What stands between it and a push to one workspace.
fn of_pushing(
    workspace: &Workspace,
    policy: &Policy,
    halo: &HaloConnection,
    read: &Read<'_>,
    catalogue: &Catalogue,
) -> [GateRow; 3] {
    let ticket = read.ticket;
    let closed = push::open(policy, catalogue, ticket).err();
    let status = ticket.status_id.map(|id| mapping::status_name(catalogue, id)).unwrap_or_default();
    let saw = match (status.is_empty(), closed.is_some()) {
        (false, _) => status,
        (true, true) => "closed".to_owned(),
        (true, false) => "open".to_owned(),
    };
    let open =
        gate(&format!("Ticket is open, for {}", workspace.name), "a status that is not closed", saw, closed.clone());
    let base = halo.ticket_url_base();
    let drafted = push::draft(&halo.tenant, ticket, base.as_deref(), policy, catalogue);
    let saw = match (&drafted, ticket.priority_id) {
        (Ok(incident), _) => incident.severity.to_string(),
        (Err(_), Some(priority)) => mapping::priority_of_type(policy, catalogue, priority),
        (Err(_), None) => "no priority".into(),
    };
    let name = format!("Priority means a severity in {}", workspace.name);
    let priority = gate(&name, "a row of the policy's table", saw, drafted.err().as_ref().and_then(Reason::remedy));
    let named = "It is pushed when a webhook of Halo's names it: push it here, or see that webhooks arrive.";
    let of_types = !policy.push.ticket_types.is_empty();
    let unread = read.unread.filter(|_| !policy.push.outcomes.is_empty());
    let unread = unread.map(|why| format!("actions that could not be read: {why}"));
    let (saw, remedy) = if !policy.push.any() {
        ("no rule", "Nobody has to act: push it here, or give the policy a “push” rule.")
    } else if push::wanted(policy, catalogue, ticket, &[]) {
        ("its ticket type", named)
    } else if push::wanted(policy, catalogue, ticket, read.actions) {
        ("an action's outcome", named)
    } else if read.made.is_some() || adopt::carried(ticket).is_some() {
        ("one that was made for an incident", "No rule pushes such a ticket: link it to its incident.")
    } else if closed.is_some() {
        ("closed", "No rule pushes a closed ticket: open it again.")
    } else if policy.push.outcomes.is_empty() {
        ("another ticket type", "Push it here, or add its type to the rule.")
    } else {
        let saw = if of_types {
            "another ticket type, and no action with such an outcome"
        } else {
            "no action with such an outcome"
        };
        let saw = unread.as_deref().unwrap_or(saw);
        (saw, "Push it here; an action with one of the rule's outcomes does it too.")
    };
    let name = format!("A rule of {} pushes it", workspace.name);
    [open, priority, gate(&name, "the policy's “push”", saw.to_owned(), Some(remedy.to_owned()))]
}
