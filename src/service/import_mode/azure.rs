//! Sentinel's side: the plan, deploying it, its test event, removing it.

use std::sync::{Arc, Mutex, PoisonError};

use secrecy::ExposeSecret as _;

use super::{address, detail, kept, passes, put_workspace_secret, reachable, refused, secret, template};
use crate::{
    domain::{
        connection::MicrosoftConnection,
        failure::{Failure, FailureKind},
        ids::WorkspaceId,
        view::{
            import::{DeployPlan, PlanKind, PlanStep},
            probe::{Level, Line},
        },
        workspace::Workspace,
    },
    outbound::budget::Class,
    sentinel::{
        Incidents as _, ListWanted, Place, Sentinel,
        automation::{
            AUTOMATION_CONTRIBUTOR, DEPLOYS, GIVES_ROLES, READER, Runs, SECURITY_INSIGHTS, WRITES_RULES,
            playbook_refused,
        },
        error::barred,
        logic_app::LogicApp,
    },
    service::{App, acts, caller::Caller, error::ServiceError, names, outside, set_up::allowed},
    store::{Installation, SecretOwner},
};

/// What cannot be done without a sign-in.
pub(super) const NO_SIGN_IN: &str = "The sign-in cannot be used";

/// A workspace's Azure side, ready to be asked.
pub(super) struct Side {
    sentinel: Arc<Sentinel>,
    place: Place,
    app: LogicApp,
    /// GUID of the tenant, where it is known.
    tenant: String,
    /// The last failure that passes by itself.
    passing: Mutex<Option<Failure>>,
}

/// Why a workspace's Azure side cannot be asked.
pub(super) struct NoSide {
    /// As the page says it.
    pub line: Line,
    /// The failure, where it passes by itself.
    pub passing: Option<Box<Failure>>,
}

impl NoSide {
    pub fn of(doing: &str, failure: Failure) -> Self {
        Self { line: refused("workspace", doing, &failure), passing: passes(&failure).then(|| Box::new(failure)) }
    }
}

impl Side {
    /// Hands an answer on, and keeps in mind a failure that passes by itself.
    async fn ask<T>(&self, call: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let answer = call.await;
        if let Err(failure) = &answer
            && passes(failure)
        {
            *self.passing.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure.clone());
        }
        answer
    }

    /// The failure that passes by itself, if there was one.
    pub fn passing(&self) -> Option<Failure> {
        self.passing.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A workspace's side through a sign-in that is there already.
pub(super) async fn side_through(sentinel: Arc<Sentinel>, workspace: &Workspace) -> Result<Side, NoSide> {
    let Some(place) = outside::place(workspace) else {
        let line = Line::fault(
            "workspace",
            "The workspace's ARM id cannot be read.",
            "Correct it in the step “Clients and workspaces”.",
        );
        return Err(NoSide { line, passing: None });
    };
    let tenant = match guid(&sentinel, &place).await {
        Ok(tenant) => tenant,
        Err(failure) => return Err(NoSide::of("Azure did not tell the tenant", failure)),
    };
    let logic_app = LogicApp::of(&place.workspace);
    Ok(Side { sentinel, place, app: logic_app, tenant, passing: Mutex::new(None) })
}

async fn side(app: &App, workspace: &Workspace, connection: &MicrosoftConnection) -> Result<Side, Line> {
    let sentinel = match outside::sentinel(app, connection).await {
        Ok(sentinel) => sentinel,
        Err(failure) => return Err(NoSide::of(NO_SIGN_IN, failure).line),
    };
    side_through(sentinel, workspace).await.map_err(|no| no.line)
}

/// The tenant's GUID; a rule takes no domain.
async fn guid(sentinel: &Sentinel, place: &Place) -> Result<String, Failure> {
    if uuid::Uuid::parse_str(&place.tenant).is_ok() {
        return Ok(place.tenant.clone());
    }
    let tenants = sentinel.tenants(&place.tenant).await?;
    let own = |domain: &str| domain.eq_ignore_ascii_case(&place.tenant);
    let found = tenants.iter().find(|row| row.domain.as_deref().is_some_and(own));
    Ok(found.map_or_else(|| place.tenant.clone(), |row| row.tenant_id.clone()))
}

/// A workspace with the connection that reaches it; `None` where one of the two is not set up any more.
pub(super) fn reached(installation: &Installation, id: WorkspaceId) -> Option<(&Workspace, &MicrosoftConnection)> {
    let workspace = names::workspace(installation, id)?;
    let connection = installation.microsoft.iter().find(|row| row.id == workspace.connection)?;
    Some((workspace, connection))
}

pub(super) async fn found(app: &App, id: WorkspaceId) -> Result<(Workspace, MicrosoftConnection), ServiceError> {
    let installation = app.installation().await?;
    let (workspace, connection) = reached(&installation, id).ok_or(ServiceError::NotFound)?;
    Ok((workspace.clone(), connection.clone()))
}

/// What deploying would do, and what is missing for it. Nothing is written.
///
/// # Errors
/// `Forbidden`, `NotFound`; the store cannot be read.
pub async fn plan(app: &App, caller: &Caller, public: &str, id: WorkspaceId) -> Result<DeployPlan, ServiceError> {
    allowed(caller)?;
    let (workspace, connection) = found(app, id).await?;
    let mut plan = empty_plan(&workspace, &connection, public);
    match side(app, &workspace, &connection).await {
        Ok(side) => look(&side, &mut plan).await,
        Err(line) => plan.lines.push(line),
    }
    Ok(plan)
}

/// A plan in which nothing was looked at yet.
pub(super) fn empty_plan(workspace: &Workspace, connection: &MicrosoftConnection, public: &str) -> DeployPlan {
    let name = outside::place(workspace).map(|place| LogicApp::of(&place.workspace).name).unwrap_or_default();
    DeployPlan {
        workspace: workspace.id,
        name: workspace.name.clone(),
        steps: Vec::new(),
        lines: reachable(public, connection.allow_insecure, "Azure").into_iter().collect(),
        address: address(public, workspace.id),
        portal: template::portal(&connection.endpoints.arm, public, &name),
        logic_app: name,
    }
}

/// Adds to a plan what is there already, and what is missing for the rest.
pub(super) async fn look(side: &Side, plan: &mut DeployPlan) {
    let group = side.app.group_id();
    let beside = format!("resource group {}", side.app.resource_group);
    let there = match side.ask(side.sentinel.logic_app(&side.place.tenant, &side.app)).await {
        Ok(state) => {
            if state.as_deref().is_some_and(|state| state != "Enabled") {
                plan.lines.push(Line::note(
                    "logic_app",
                    format!("The Logic App {} is there and switched off.", side.app.name),
                    "Deploying switches it on again.",
                ));
            }
            state.is_some()
        }
        // Whether it may be read tells the next question.
        Err(_) => false,
    };
    let step = |kind: PlanKind, what: String, place: &str, there: bool| PlanStep {
        kind,
        what,
        place: place.to_owned(),
        there,
    };
    let connection = format!("Connection {} (managed identity)", side.app.connection_name());
    plan.steps.push(step(PlanKind::Connection, connection, &beside, there));
    plan.steps.push(step(PlanKind::LogicApp, format!("Logic App {}", side.app.name), &beside, there));
    let role = "Role Microsoft Sentinel Reader for the Logic App's identity".to_owned();
    plan.steps.push(step(PlanKind::Role, role, &beside, there));
    for runs in Runs::ALL {
        let known = match side.ask(side.sentinel.rule(&side.place, runs)).await {
            Ok(known) => known,
            Err(failure) => {
                plan.lines.push(refused("workspace", "The automation rules cannot be read", &failure));
                return;
            }
        };
        plan.steps.push(step(
            PlanKind::Rule,
            format!("Automation rule “{}”", runs.name()),
            &format!("workspace {}", side.place.workspace.workspace),
            known.is_some(),
        ));
    }
    rights(side, &group, plan).await;
}

async fn rights(side: &Side, group: &str, plan: &mut DeployPlan) {
    let tenant = &side.place.tenant;
    let name = &side.app.resource_group;
    match side.ask(side.sentinel.lacks(tenant, group, &DEPLOYS)).await {
        Ok(missing) if missing.is_empty() => {}
        Ok(missing) => plan.lines.push(Line::fault(
            "logic_app",
            format!("The identity lacks {} on the resource group {name}.", missing.join(", ")),
            format!(
                "Give it the role Logic App Contributor on the resource group {name}, or let somebody deploy it who may, by the \
                 template that the workspace's own plan offers."
            ),
        )),
        Err(failure) => plan.lines.push(refused("logic_app", "The rights on the resource group cannot be read", &failure)),
    }
    match side.ask(side.sentinel.lacks(tenant, &side.place.workspace.arm_id(), &WRITES_RULES)).await {
        Ok(missing) if missing.is_empty() => {}
        Ok(missing) => plan.lines.push(Line::fault(
            "rules",
            format!("The identity lacks {} on the workspace.", missing.join(", ")),
            "Give it the role Microsoft Sentinel Contributor on the workspace or its resource group.",
        )),
        Err(failure) => plan.lines.push(refused("rules", "The rights on the workspace cannot be read", &failure)),
    }
    match side.ask(side.sentinel.lacks(tenant, group, &GIVES_ROLES)).await {
        Ok(missing) if missing.is_empty() => {}
        answer => {
            let says = match answer {
                Ok(_) => format!("The identity may not give roles on the resource group {name}."),
                Err(failure) => format!("Whether the identity may give roles cannot be read: {}", failure.message),
            };
            let fix = "After deploying, an owner of the resource group gives the Logic App's identity the role Microsoft \
                       Sentinel Reader; the page says how.";
            plan.lines.push(Line::note("roles", says, fix));
        }
    }
}

/// Deploys what the plan says. Each part is made or made to say the same, so that a repeat does no harm. Gives what became
/// of it, line by line, and keeps that for the page.
///
/// # Errors
/// `Forbidden`, `NotFound`, `Conflict`; the store cannot be written.
pub async fn deploy(app: &App, caller: &Caller, public: &str, id: WorkspaceId) -> Result<Vec<Line>, ServiceError> {
    allowed(caller)?;
    let (workspace, connection) = found(app, id).await?;
    if let Some(line) = reachable(public, connection.allow_insecure, "Azure") {
        kept::say(app, &id.to_string(), std::slice::from_ref(&line)).await?;
        return Ok(vec![line]);
    }
    let side = match side(app, &workspace, &connection).await {
        Ok(side) => side,
        Err(line) => {
            kept::say(app, &id.to_string(), std::slice::from_ref(&line)).await?;
            return Ok(vec![line]);
        }
    };
    let secret = match secret(app, SecretOwner::Workspace(id), "workspace").await? {
        Ok(secret) => secret,
        Err(line) => {
            kept::say(app, &id.to_string(), std::slice::from_ref(&line)).await?;
            return Ok(vec![line]);
        }
    };
    if !workspace.webhook {
        put_workspace_secret(app, caller, &workspace, Some(&secret)).await?;
    }
    let told = detail(&[("workspace", &workspace.name), ("logic-app", &side.app.id())]);
    acts::record(app, Some(workspace.client), vec![acts::act(caller, "deploy-logic-app", None, told)]).await?;
    let lines = make(&side, &address(public, id), secret.expose_secret()).await;
    kept::say(app, &id.to_string(), &lines).await?;
    Ok(lines)
}

/// Makes connection, Logic App, role and rules. Gives what became of each; it ends with the first that the others need.
pub(super) async fn make(side: &Side, address: &str, secret: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let tenant = &side.place.tenant;
    let location = match side.ask(side.sentinel.location(&side.place)).await {
        Ok(location) => location,
        Err(failure) => return vec![refused("workspace", "The workspace cannot be read", &failure)],
    };
    if let Err(failure) = side.ask(side.sentinel.put_connection(tenant, &side.app, &location)).await {
        lines.push(not_made(side, "The connection to Sentinel was not made", &failure));
        return lines;
    }
    let body = side.app.workflow_body(&location, address, secret);
    let identity = match side.ask(side.sentinel.put_logic_app(tenant, &side.app, &body)).await {
        Ok(identity) => identity,
        Err(failure) => {
            lines.push(not_made(side, "The Logic App was not made", &failure));
            return lines;
        }
    };
    lines.push(Line::ok("logic_app", format!("The Logic App {} is there and switched on.", side.app.name)));
    lines.push(give_reader(side, identity.as_deref()).await);
    let workflow = side.app.id();
    for runs in Runs::ALL {
        match side.ask(side.sentinel.put_rule(&side.place, runs, &workflow, &side.tenant)).await {
            Ok(()) => lines.push(Line::ok("rules", format!("The automation rule “{}” is there.", runs.name()))),
            Err(failure) if playbook_refused(&failure) => {
                lines.push(may_not_run(side));
                break;
            }
            Err(failure) if lacks_right(&failure) => {
                lines.push(Line::fault(
                    "rules",
                    format!("The automation rule “{}” was not made: the identity may not write rules.", runs.name()),
                    "Give it the role Microsoft Sentinel Contributor on the workspace or its resource group.",
                ));
                break;
            }
            Err(failure) => {
                lines.push(refused("rules", &format!("The automation rule “{}” was not made", runs.name()), &failure));
                break;
            }
        }
    }
    lines
}

/// Whether a role would mend it.
fn lacks_right(failure: &Failure) -> bool {
    failure.kind == FailureKind::Forbidden && barred(failure.code.as_deref()).is_none()
}

fn not_made(side: &Side, what: &str, failure: &Failure) -> Line {
    let group = &side.app.resource_group;
    match failure.kind {
        _ if failure.code.as_deref() == Some("MissingSubscriptionRegistration") => Line::fault(
            "logic_app",
            format!("{what}: the subscription is not registered for Logic Apps."),
            "Register Microsoft.Logic and Microsoft.Web under Subscription > Resource providers in Azure, then try again.",
        ),
        // What no role mends is told as it is.
        FailureKind::Forbidden if lacks_right(failure) => Line::fault(
            "logic_app",
            format!("{what}: the identity may not do that in the resource group {group}."),
            format!(
                "Give it the role Logic App Contributor on the resource group {group}, or let somebody deploy it who may, by the \
                 template that the workspace's own plan offers."
            ),
        ),
        _ => refused("logic_app", what, failure),
    }
}

async fn give_reader(side: &Side, identity: Option<&str>) -> Line {
    let group = side.app.group_id();
    if let Some(identity) = identity {
        match side.ask(side.sentinel.give_role(&side.place.tenant, &group, identity, READER)).await {
            Ok(()) => return Line::ok("roles", "The Logic App's identity has the role Microsoft Sentinel Reader."),
            // It says nothing of who may give the role.
            Err(failure) if passes(&failure) => {
                return refused("logic_app", "The Logic App's identity was not given its role", &failure);
            }
            Err(_) => {}
        }
    }
    let who = identity.map_or_else(|| format!("the identity of the Logic App {}", side.app.name), str::to_owned);
    let command = side.sentinel.cli(&format!(
        "az role assignment create --assignee-object-id {who} --assignee-principal-type ServicePrincipal --role \"Microsoft \
         Sentinel Reader\" --scope {group}"
    ));
    Line::fault(
        "roles",
        "The Logic App's identity still lacks the role Microsoft Sentinel Reader, and this sign-in may not give it.",
        format!("An owner of the resource group runs: {command}"),
    )
}

fn may_not_run(side: &Side) -> Line {
    let command = side.sentinel.cli(&format!(
        "az role assignment create --assignee {SECURITY_INSIGHTS} --role {AUTOMATION_CONTRIBUTOR} --scope {}",
        side.app.group_id()
    ));
    Line::fault(
        "roles",
        "Sentinel may not run the Logic App: “Azure Security Insights” lacks the role Microsoft Sentinel Automation \
         Contributor on its resource group.",
        format!(
            "An owner opens Sentinel > Settings > Playbook permissions and adds the resource group {}, or runs: {command}. \
             Then deploy again.",
            side.app.resource_group
        ),
    )
}

/// Sends a test event: the Logic App is run for an incident that is there, as a person would in the portal. Nothing is
/// changed by it. The page shows when it arrived.
///
/// # Errors
/// `Forbidden`, `NotFound`; the store cannot be written.
pub async fn send_test(app: &App, caller: &Caller, id: WorkspaceId) -> Result<(), ServiceError> {
    allowed(caller)?;
    let (workspace, connection) = found(app, id).await?;
    let sent = app.clock.now();
    let line = match side(app, &workspace, &connection).await {
        Ok(side) => run_once(&side).await,
        Err(line) => Err(line),
    };
    let told = detail(&[("workspace", &workspace.name)]);
    acts::record(app, Some(workspace.client), vec![acts::act(caller, "test-logic-app", None, told)]).await?;
    match line {
        Ok(line) => kept::sent(app, &id.to_string(), sent, &[line]).await,
        Err(line) => kept::say(app, &id.to_string(), &[line]).await,
    }
}

/// Runs the Logic App for the first incident there is. The error is the line that says why it was not.
pub(super) async fn run_once(side: &Side) -> Result<Line, Line> {
    let wanted = ListWanted::default();
    let incident = match side.ask(side.sentinel.list(&side.place, &wanted, None, Class::Interactive)).await {
        Ok(page) => page.incidents.into_iter().next(),
        Err(failure) => return Err(refused("test", "The incidents cannot be listed", &failure)),
    };
    let Some(incident) = incident else {
        return Err(Line::fault(
            "test",
            "The workspace has no incident yet that a test event could tell of.",
            "Make one in Sentinel (Incidents > Create incident), then send again.",
        ));
    };
    match side.ask(side.sentinel.run_logic_app(&side.place, &incident.id, &side.app)).await {
        Ok(()) => Ok(Line::note(
            "test",
            format!("A test event was sent for incident {}.", incident.number.unwrap_or_default()),
            String::new(),
        )),
        Err(failure) if failure.kind == FailureKind::Gone => Err(Line::fault(
            "logic_app",
            format!("The Logic App {} is not there.", side.app.name),
            "Deploy it, then send again.",
        )),
        Err(failure) if lacks_right(&failure) || playbook_refused(&failure) => Err(Line::fault(
            "roles",
            "The Logic App may not be run by hand with this sign-in.",
            "Give the identity the role Microsoft Sentinel Playbook Operator on the resource group, or make an incident in \
             Sentinel and watch whether it arrives.",
        )),
        Err(failure) => Err(refused("test", "The test event was not sent", &failure)),
    }
}

/// Removes rules, Logic App and connection, and then the secret here. What cannot be removed stays, and is named.
///
/// # Errors
/// `Forbidden`, `NotFound`, `Conflict`; the store cannot be written.
pub async fn remove(app: &App, caller: &Caller, id: WorkspaceId) -> Result<Vec<Line>, ServiceError> {
    allowed(caller)?;
    let (workspace, connection) = found(app, id).await?;
    let told = detail(&[("workspace", &workspace.name)]);
    acts::record(app, Some(workspace.client), vec![acts::act(caller, "remove-logic-app", None, told)]).await?;
    let lines = match side(app, &workspace, &connection).await {
        Ok(side) => unmake(&side).await,
        Err(line) => vec![line],
    };
    let mut lines = lines;
    if !lines.iter().any(|line| line.level == Level::Fault) && workspace.webhook {
        put_workspace_secret(app, caller, &workspace, None).await?;
        lines.push(Line::ok("", "The webhook's address is shut. The workspace is polled as before."));
    }
    kept::say(app, &id.to_string(), &lines).await?;
    Ok(lines)
}

/// Removes rules, then Logic App and connection: a rule that stays needs them.
pub(super) async fn unmake(side: &Side) -> Vec<Line> {
    let mut lines = Vec::new();
    for runs in Runs::ALL {
        if let Err(failure) = side.ask(side.sentinel.remove_rule(&side.place, runs)).await {
            let what = format!("The automation rule “{}” was not removed", runs.name());
            lines.push(refused("rules", &what, &failure));
        }
    }
    if !lines.is_empty() {
        return lines;
    }
    match side.ask(side.sentinel.remove_logic_app(&side.place.tenant, &side.app)).await {
        Ok(()) => lines.push(Line::ok("logic_app", "Both rules, the Logic App and its connection are removed.")),
        Err(failure) => lines.push(refused("logic_app", "The Logic App was not removed", &failure)),
    }
    lines
}
