//! Errands: one act at the webhooks of many workspaces at once. What was asked for is written down first, and how far it
//! is at each workspace after each; [`super::Worker`] carries it out in the background and goes on with it after a
//! restart. There is one at a time.

use std::collections::{BTreeMap, HashMap};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{detail, kept, lost, put_workspace_secrets, secret, state};
use crate::{
    domain::{
        account::{Role, Scope},
        delivery::DeliverySource,
        ids::{ConnectionId, UserId, WorkspaceId},
        time,
        view::{
            errand::{ERRAND_ROWS, ErrandAct, ErrandRow, ErrandView, Made, Obstacle, Progress},
            import::{PlanKind, PlanStep, TestEvent},
            probe::{Level, Line},
        },
        workspace::Workspace,
    },
    service::{
        App, acts,
        caller::Caller,
        error::ServiceError,
        fault, names,
        set_up::{allowed, draft},
    },
    store::{Installation, SecretOwner},
};

/// Name of the draft that holds the errand; those of its workspaces begin with it.
const NAME: &str = "errand";
const ROWS: &str = "errand/";

/// What the program keeps in memory of errands.
#[derive(Default)]
pub struct Desk {
    /// Held from looking at the errand until it is written: of two who change it at once one comes second.
    pub(super) writing: tokio::sync::Mutex<()>,
    /// Tells the worker of news.
    pub(super) news: tokio::sync::Notify,
    /// Tells open pages of each step, of which the ledger need not know.
    steps: tokio::sync::watch::Sender<u64>,
}

impl Desk {
    fn stepped(&self) {
        self.steps.send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// Tells of each step of an errand.
pub fn steps(app: &App) -> tokio::sync::watch::Receiver<u64> {
    app.kept.errands.steps.subscribe()
}

/// The errand.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Head {
    /// Empty: there is none.
    pub id: String,
    pub act: ErrandAct,
    by: Option<UserId>,
    by_name: String,
    /// The console's address, as the Logic Apps are to know it.
    pub public: String,
    began_ms: i64,
    /// 0 = it is under way.
    pub ended_ms: i64,
    pub stopped: bool,
    pub workspaces: Vec<WorkspaceId>,
}

impl Head {
    /// Whether there is still something to be done by itself.
    pub fn under_way(&self) -> bool {
        !self.id.is_empty() && self.ended_ms == 0
    }

    /// In whose name it is carried out: who began it might set up then.
    fn caller(&self) -> Caller {
        let user = self.by.unwrap_or(UserId(uuid::Uuid::nil()));
        Caller { user, name: self.by_name.clone(), role: Role::Admin, scope: Scope::All }
    }
}

/// How far one workspace is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Stage {
    #[default]
    Waiting,
    Working,
    Done,
    Failed,
}

/// One workspace of the errand. One that was kept for another errand counts as waiting.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Row {
    pub errand: String,
    pub stage: Stage,
    pub steps: Vec<PlanStep>,
    pub lines: Vec<Line>,
    /// Times that it was tried in vain for a reason that passes.
    pub tries: u32,
    /// Not before this moment; 0 = now.
    pub after_ms: i64,
}

impl Row {
    /// Whether it is still to be done: one that was under way when the program ended is done anew.
    pub fn open(&self) -> bool {
        matches!(self.stage, Stage::Waiting | Stage::Working)
    }

    /// Whether nothing was begun there yet.
    pub fn untouched(&self) -> bool {
        self.stage == Stage::Waiting && self.after_ms == 0
    }
}

pub(super) async fn head(app: &App) -> Result<Head, ServiceError> {
    draft::kept(app, NAME).await
}

pub(super) async fn keep_row(app: &App, id: WorkspaceId, row: &Row) -> Result<(), ServiceError> {
    draft::keep(app, &format!("{ROWS}{id}"), row).await?;
    app.kept.errands.stepped();
    Ok(())
}

/// The rows of an errand, in its order.
pub(super) async fn rows(app: &App, head: &Head) -> Result<Vec<(WorkspaceId, Row)>, ServiceError> {
    let mut kept: HashMap<String, Row> = draft::all(app, ROWS).await?;
    let of = |id: &WorkspaceId| {
        let row = kept.remove(&id.to_string()).filter(|row| row.errand == head.id);
        (*id, row.unwrap_or_else(|| Row { errand: head.id.clone(), ..Row::default() }))
    };
    Ok(head.workspaces.iter().map(of).collect())
}

/// Which workspaces an errand is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// All that are set up.
    All,
    /// All without a webhook.
    Polled,
    /// All with a webhook.
    Open,
    /// All that a Microsoft connection reaches.
    Connection(ConnectionId),
    /// All of an Azure subscription.
    Subscription(String),
    /// Those that were ticked.
    Ticked(Vec<WorkspaceId>),
}

impl Which {
    fn holds(&self, workspace: &Workspace) -> bool {
        match self {
            Self::All => true,
            Self::Polled => !workspace.webhook,
            Self::Open => workspace.webhook,
            Self::Connection(id) => workspace.connection == *id,
            Self::Subscription(id) => {
                workspace.address().is_some_and(|address| address.subscription.eq_ignore_ascii_case(id))
            }
            Self::Ticked(ids) => ids.contains(&workspace.id),
        }
    }
}

/// The workspaces that are meant, by client and name. Tests and removals pass over those without a webhook.
///
/// # Errors
/// `Forbidden`; `Invalid` when there is none; the store cannot be read.
pub async fn meant(
    app: &App,
    caller: &Caller,
    act: ErrandAct,
    which: &Which,
) -> Result<Vec<(WorkspaceId, String)>, ServiceError> {
    allowed(caller)?;
    let installation = app.installation().await?;
    let needs_open = matches!(act, ErrandAct::Test | ErrandAct::Remove);
    let fits = |row: &&Workspace| which.holds(row) && (row.webhook || !needs_open);
    let mut found: Vec<(WorkspaceId, String)> =
        installation.workspaces.iter().filter(fits).map(|row| (row.id, full_name(&installation, row))).collect();
    found.sort_by_key(|(_, name)| name.to_lowercase());
    if found.is_empty() {
        let text = if needs_open {
            "None of these workspaces has a webhook. Choose others, or deploy first. Nothing was done."
        } else {
            "No workspace is meant by this. Tick at least one, or choose others. Nothing was done."
        };
        return Err(ServiceError::invalid("which", text));
    }
    Ok(found)
}

fn full_name(installation: &Installation, workspace: &Workspace) -> String {
    format!("{}: {}", names::client(installation, workspace.client), workspace.name)
}

/// Begins an errand. It is carried out in the background.
///
/// # Errors
/// `Forbidden`; `Invalid` when none is meant, or while another errand is under way; the store cannot be written.
pub async fn begin(
    app: &App,
    caller: &Caller,
    public: &str,
    act: ErrandAct,
    which: &Which,
) -> Result<(), ServiceError> {
    let found = meant(app, caller, act, which).await?;
    let _writing = app.kept.errands.writing.lock().await;
    if head(app).await?.under_way() {
        let text = "An errand is under way already. Wait for its end or stop it first. Nothing was begun.";
        return Err(ServiceError::invalid("which", text));
    }
    let now = app.clock.now();
    let head = Head {
        id: app.ids.uuid_v7(now).to_string(),
        act,
        by: Some(caller.user),
        by_name: caller.name.clone(),
        public: public.to_owned(),
        began_ms: time::to_ms(now),
        ended_ms: 0,
        stopped: false,
        workspaces: found.into_iter().map(|(id, _)| id).collect(),
    };
    if act == ErrandAct::Deploy {
        open_addresses(app, caller, &head).await?;
    }
    write(app, caller, &head, "begin-errand").await
}

/// Deploys at those workspaces of a plan at which nothing stands in the way. `errand` is the plan's id.
///
/// # Errors
/// As [`begin`]; `Conflict` when the plan that was looked at is not the last errand any more.
pub async fn deploy_planned(app: &App, caller: &Caller, public: &str, errand: &str) -> Result<(), ServiceError> {
    allowed(caller)?;
    let head = head(app).await?;
    if head.id != errand || head.act != ErrandAct::Plan || head.under_way() {
        return Err(ServiceError::Conflict);
    }
    let may = rows(app, &head).await?.into_iter().filter(|(_, row)| row.stage == Stage::Done);
    let may = may.map(|(id, _)| id).collect();
    begin(app, caller, public, ErrandAct::Deploy, &Which::Ticked(may)).await
}

/// Goes on with an errand that has ended: those that failed are tried again, those that a stop left over are done.
///
/// # Errors
/// `Forbidden`; `Conflict` when it is another errand by now or is under way; the store cannot be written.
pub async fn again(app: &App, caller: &Caller, public: &str, errand: &str) -> Result<(), ServiceError> {
    allowed(caller)?;
    let _writing = app.kept.errands.writing.lock().await;
    let mut head = head(app).await?;
    if head.id != errand || head.under_way() {
        return Err(ServiceError::Conflict);
    }
    let told = told(app, &head).await?;
    let failed: Vec<WorkspaceId> = told
        .iter()
        .filter(|row| matches!(row.progress, Progress::Failed | Progress::Waiting))
        .map(|row| row.id)
        .collect();
    for id in &failed {
        keep_row(app, *id, &Row { errand: head.id.clone(), ..Row::default() }).await?;
    }
    (head.ended_ms, head.stopped, head.public) = (0, false, public.to_owned());
    (head.by, head.by_name) = (Some(caller.user), caller.name.clone());
    write(app, caller, &head, "repeat-errand").await
}

/// Stops the errand: what is being done at a workspace is finished, the others stay as they are.
///
/// # Errors
/// `Forbidden`; `Conflict` when it is not under way any more; the store cannot be written.
pub async fn stop(app: &App, caller: &Caller, errand: &str) -> Result<(), ServiceError> {
    allowed(caller)?;
    let _writing = app.kept.errands.writing.lock().await;
    let mut head = head(app).await?;
    if head.id != errand || !head.under_way() {
        return Err(ServiceError::Conflict);
    }
    head.stopped = true;
    write(app, caller, &head, "stop-errand").await
}

/// Writes the errand down, then wakes the worker.
async fn write(app: &App, caller: &Caller, head: &Head, doing: &str) -> Result<(), ServiceError> {
    let failed = |error| fault("write down an errand", &error);
    let text = draft::text(head)?;
    let told = json!({ "errand": head.id, "act": head.act, "workspaces": head.workspaces.len() });
    let mut tx = app.store.begin().await.map_err(failed)?;
    tx.put_setting(&draft::setting(NAME), Some(&text)).await.map_err(failed)?;
    tx.record(app.clock.now(), None, acts::act(caller, doing, None, told)).await.map_err(failed)?;
    tx.commit().await.map_err(failed)?;
    app.kept.errands.news.notify_one();
    app.kept.errands.stepped();
    Ok(())
}

/// What is about to be done at one workspace, for the ledger; nothing of a plan, which writes nothing.
pub(super) async fn record(app: &App, head: &Head, workspace: &Workspace) -> Result<(), ServiceError> {
    let name = match head.act {
        ErrandAct::Plan => return Ok(()),
        ErrandAct::Deploy => "deploy-logic-app",
        ErrandAct::Test => "test-logic-app",
        ErrandAct::Remove => "remove-logic-app",
    };
    let told = detail(&[("workspace", &workspace.name), ("errand", &head.id)]);
    acts::record(app, Some(workspace.client), vec![acts::act(&head.caller(), name, None, told)]).await
}

/// Gives each workspace that has none a secret, which opens its address: all in one version of what is set up.
async fn open_addresses(app: &App, caller: &Caller, head: &Head) -> Result<(), ServiceError> {
    let installation = app.installation().await?;
    let mut made: Vec<(&Workspace, SecretString)> = Vec::new();
    for workspace in installation.workspaces.iter().filter(|row| !row.webhook && head.workspaces.contains(&row.id)) {
        // one that cannot be read is told at its workspace
        if let Ok(secret) = secret(app, SecretOwner::Workspace(workspace.id), "workspace").await? {
            made.push((workspace, secret));
        }
    }
    let wanted: Vec<_> = made.iter().map(|(workspace, secret)| (*workspace, Some(secret))).collect();
    put_workspace_secrets(app, caller, &wanted).await
}

/// Nothing is left to do, or it was stopped: shuts the addresses of webhooks that were removed, and says that it ended.
pub(super) async fn finish(app: &App, id: &str) -> Result<(), ServiceError> {
    let _writing = app.kept.errands.writing.lock().await;
    let mut head = head(app).await?;
    if head.id != id || !head.under_way() {
        return Ok(());
    }
    let caller = head.caller();
    if head.act == ErrandAct::Remove {
        let installation = app.installation().await?;
        let done = rows(app, &head).await?.into_iter().filter(|(_, row)| row.stage == Stage::Done);
        let shut: Vec<_> = done
            .filter_map(|(id, _)| names::workspace(&installation, id).filter(|row| row.webhook))
            .map(|workspace| (workspace, None))
            .collect();
        put_workspace_secrets(app, &caller, &shut).await?;
    }
    head.ended_ms = time::to_ms(app.clock.now());
    write(app, &caller, &head, "end-errand").await
}

/// Every workspace of an errand as the page tells of it, in the errand's order.
async fn told(app: &App, head: &Head) -> Result<Vec<ErrandRow>, ServiceError> {
    let installation = app.installation().await?;
    let mut kept = kept::all(app).await?;
    let mut all = Vec::new();
    for (id, row) in rows(app, head).await? {
        let workspace = names::workspace(&installation, id);
        let mut lines = row.lines;
        let mut progress = match row.stage {
            Stage::Waiting => Progress::Waiting,
            Stage::Working => Progress::Working,
            Stage::Done => Progress::Done,
            Stage::Failed => Progress::Failed,
        };
        let sends = matches!(head.act, ErrandAct::Deploy | ErrandAct::Test);
        if let Some(workspace) = workspace.filter(|_| sends && progress == Progress::Done) {
            let source = DeliverySource::Sentinel { workspace: id, client: workspace.client };
            let sent = kept.remove(&id.to_string()).and_then(|kept| kept.sent());
            let test = state(app, source, sent).await?;
            progress = match test {
                TestEvent::None => Progress::Done,
                TestEvent::Waiting { .. } => Progress::Awaited,
                TestEvent::Arrived { .. } => Progress::Works,
                TestEvent::Never { .. } => Progress::Failed,
            };
            lines.extend(lost(app, source, test, "Azure"));
        }
        all.push(ErrandRow {
            id,
            name: names::workspace_name(&installation, id),
            client: workspace.map(|row| names::client(&installation, row.client)).unwrap_or_default(),
            progress,
            again_at: (row.after_ms > 0 && progress == Progress::Waiting).then(|| time::from_ms(row.after_ms)),
            steps: row.steps,
            lines,
        });
    }
    Ok(all)
}

/// The last errand, with one page of its workspaces: failed ones first. `None` when there was none.
///
/// # Errors
/// `Forbidden`; the store cannot be read.
pub async fn view(
    app: &App,
    caller: &Caller,
    only: Option<Progress>,
    from: usize,
) -> Result<Option<ErrandView>, ServiceError> {
    allowed(caller)?;
    let head = head(app).await?;
    if head.id.is_empty() {
        return Ok(None);
    }
    let mut all = told(app, &head).await?;
    all.sort_by_key(|row| row.progress);
    let count = |progress: Progress| all.iter().filter(|row| row.progress == progress).count();
    let counts = Progress::ALL.into_iter().map(|one| (one, count(one))).filter(|(_, count)| *count > 0).collect();
    let (made, obstacles, whole) = (made(&all), obstacles(&all), all.len());
    all.retain(|row| only.is_none_or(|only| row.progress == only));
    let of = all.len();
    let from = if from < of { from } else { 0 };
    let rows = all.into_iter().skip(from).take(ERRAND_ROWS).collect();
    Ok(Some(ErrandView {
        id: head.id.clone(),
        act: head.act,
        by: head.by_name.clone(),
        began: time::from_ms(head.began_ms),
        ended: (head.ended_ms > 0).then(|| time::from_ms(head.ended_ms)),
        stopped: head.stopped,
        held: head.under_way() && app.engine.status().only_reads,
        counts,
        all: whole,
        made,
        obstacles,
        only,
        rows,
        from,
        of,
    }))
}

/// What is made where nothing stands in the way.
fn made(rows: &[ErrandRow]) -> Vec<Made> {
    let may = || rows.iter().filter(|row| row.progress == Progress::Done);
    let of = |kind: PlanKind| {
        let steps = may().flat_map(|row| &row.steps).filter(|step| step.kind == kind);
        let (there, new): (Vec<&PlanStep>, Vec<&PlanStep>) = steps.partition(|step| step.there);
        Made { kind, new: new.len(), there: there.len() }
    };
    PlanKind::ALL.into_iter().map(of).filter(|made| made.new + made.there > 0).collect()
}

/// What keeps some from it, by what it is about, most first. What to do stands with each workspace.
fn obstacles(rows: &[ErrandRow]) -> Vec<Obstacle> {
    let mut found: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.progress == Progress::Failed) {
        let first = row.lines.iter().find(|line| line.level == Level::Fault);
        let says = match first.map(|line| line.field.as_str()) {
            Some("logic_app") => "The Logic App: a right is missing, or Azure refused it",
            Some("rules") => "The automation rules: a right is missing, or Sentinel refused them",
            Some("roles") => "A role must be given by an owner of the resource group",
            Some("test") => "The test event",
            Some("public_url") => "Azure cannot reach this console",
            _ => "The workspace cannot be asked",
        };
        found.entry(says).or_default().push(format!("{}: {}", row.client, row.name));
    }
    let mut all: Vec<Obstacle> =
        found.into_iter().map(|(says, workspaces)| Obstacle { says: says.to_owned(), workspaces }).collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.workspaces.len()));
    all
}
