//! Set-up in the browser: the list of steps, and the page of each.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    errand::ErrandView,
    form::FormView,
    go_live::{FirstCycle, LiveRow},
    import::{DeployPlan, HaloHookRow, ImportRow},
    list::Choice,
    mapping::{MappingStep, Pick},
    permission::PermissionRow,
    probe::Line,
};
use crate::domain::{
    connection::{HaloProduct, MicrosoftIdentity},
    ids::{ConnectionId, WorkspaceId},
};

pub use super::found::{ClientRules, ClientsStep, Doubt, FoundRow, LostRow};

/// The steps in their order. Each is one page at `/set-up/{name}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Cloud, tenant, app registration and its secret.
    Microsoft,
    /// A person signs in for each connection that needs one.
    SignIn,
    /// The Halo instance.
    Halo,
    /// Whose workspace is whose.
    Clients,
    /// The policy: ticket type, priorities, statuses, fields.
    Mapping,
    /// All answers on one page, and what they change.
    Check,
    /// Polling and webhooks.
    Import,
    /// Going live.
    Live,
}

impl Step {
    /// All of them, in order.
    pub const ALL: [Self; 8] = [
        Self::Microsoft,
        Self::SignIn,
        Self::Halo,
        Self::Clients,
        Self::Mapping,
        Self::Check,
        Self::Import,
        Self::Live,
    ];

    /// Last part of its address.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Microsoft => "microsoft",
            Self::SignIn => "sign-in",
            Self::Halo => "halo",
            Self::Clients => "clients",
            Self::Check => "check",
            Self::Mapping => "mapping",
            Self::Import => "import",
            Self::Live => "go-live",
        }
    }

    /// Its address.
    pub fn path(self) -> String {
        format!("/set-up/{}", self.as_str())
    }

    /// As shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Microsoft => "Microsoft",
            Self::SignIn => "Sign in with Microsoft",
            Self::Halo => "Halo",
            Self::Clients => "Clients and workspaces",
            Self::Check => "Check your answers",
            Self::Mapping => "Fields and priorities",
            Self::Import => "Polling and webhooks",
            Self::Live => "Go live",
        }
    }

    /// The one after it.
    pub fn next(self) -> Option<Self> {
        Self::ALL.into_iter().find(|step| *step > self)
    }

    /// The one before it.
    pub fn before(self) -> Option<Self> {
        Self::ALL.into_iter().rev().find(|step| *step < self)
    }
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// Answered and tried.
    Done,
    /// Answered, and something there does not work (any more).
    Failing,
    /// Can be answered now.
    Open,
    /// Needs an earlier step first.
    Later,
}

impl StepState {
    /// As shown.
    pub fn words(self) -> &'static str {
        match self {
            Self::Done => "Done",
            Self::Failing => "Needs you",
            Self::Open => "To do",
            Self::Later => "Cannot start yet",
        }
    }
}

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRow {
    /// Which.
    pub step: Step,
    /// How far it is.
    pub state: StepState,
    /// What was answered, what does not work, or what it needs first.
    pub says: String,
}

/// The list of steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepsView {
    /// In order.
    pub rows: Vec<StepRow>,
}

impl StepsView {
    /// Where to go on: the first step that is not done.
    pub fn next(&self) -> Option<Step> {
        self.rows.iter().find(|row| matches!(row.state, StepState::Open | StepState::Failing)).map(|row| row.step)
    }

    /// Steps that are done.
    pub fn done(&self) -> usize {
        self.rows.iter().filter(|row| row.state == StepState::Done).count()
    }
}

/// A step's page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepView {
    /// Which.
    pub step: Step,
    /// All steps, for the list beside it.
    pub steps: StepsView,
    /// What stands on it.
    pub content: StepContent,
}

/// What stands on a step's page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum StepContent {
    /// [`Step::Microsoft`]
    Microsoft(Box<MicrosoftStep>),
    /// [`Step::SignIn`]
    SignIn(Box<SignInStep>),
    /// [`Step::Halo`]
    Halo(Box<HaloStep>),
    /// [`Step::Clients`]
    Clients(Box<ClientsStep>),
    /// [`Step::Check`]
    Check(Box<CheckStep>),
    /// [`Step::Mapping`]
    Mapping(Box<MappingStep>),
    /// [`Step::Import`]
    Import(Box<ImportStep>),
    /// [`Step::Live`]
    Live(Box<LiveStep>),
}

impl StepContent {
    /// The same, to be given problems.
    pub fn form_mut(&mut self) -> Option<&mut FormView> {
        match self {
            Self::Microsoft(view) => Some(&mut view.form),
            Self::SignIn(_) => None,
            Self::Halo(view) => Some(&mut view.form),
            Self::Clients(view) => Some(&mut view.form),
            Self::Check(view) => Some(&mut view.form),
            Self::Mapping(view) => Some(&mut view.form),
            Self::Import(view) => Some(&mut view.form),
            Self::Live(view) => Some(&mut view.form),
        }
    }

    /// Its form, if it has one that can come back.
    pub fn form(&self) -> Option<&FormView> {
        match self {
            Self::Microsoft(view) => Some(&view.form),
            Self::SignIn(_) => None,
            Self::Halo(view) => Some(&view.form),
            Self::Clients(view) => Some(&view.form),
            Self::Check(view) => Some(&view.form),
            Self::Mapping(view) => Some(&view.form),
            Self::Import(view) => Some(&view.form),
            Self::Live(view) => Some(&view.form),
        }
    }
}

/// Another entry of the same kind, to be changed instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Other {
    /// Its id.
    pub id: ConnectionId,
    /// Its name.
    pub name: String,
}

/// The Microsoft page. Fields: `connection` (empty: a new one), `seen`, `name`, `cloud`, `arm`, `authority`,
/// `log_analytics`, `graph`, `allow_insecure`, `tenant_id`, `oauth_client_id`, `identity`, `client_secret`,
/// `certificate`, `private_key`, `secret_expires`, `elsewhere`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MicrosoftStep {
    /// Typed or stored values; never secrets.
    pub form: FormView,
    /// The connection that is changed; `None` makes a new one.
    pub chosen: Option<Other>,
    /// The others there are.
    pub others: Vec<Other>,
    /// Where Microsoft must send people back to.
    pub redirect_uri: String,
    /// Whether a secret or certificate lies here already: an empty field keeps it.
    pub secret_kept: bool,
}

/// The sign-in page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInStep {
    /// Every Microsoft connection, by name.
    pub rows: Vec<SignInRow>,
    /// Where Microsoft must send people back to.
    pub redirect_uri: String,
    /// Errors that Microsoft shows on its own pages, and what to do: `AADSTS50011`, a sentence.
    pub codes: Vec<(String, String)>,
}

/// A connection and who signed in for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInRow {
    /// The connection.
    pub id: ConnectionId,
    /// Its name.
    pub name: String,
    /// GUID or domain.
    pub tenant: String,
    /// How it proves itself.
    pub identity: MicrosoftIdentity,
    /// Who signed in.
    pub signed_in: Option<String>,
    /// Since when.
    pub signed_in_at: Option<Timestamp>,
    /// The address at which another administrator can consent for the whole tenant.
    pub consent_url: Option<String>,
    /// What is known of the permissions, once somebody has signed in.
    pub permissions: Vec<PermissionRow>,
    /// What is read by this connection: the last success, and when it is read next.
    pub health: TokenHealth,
    /// What does not work, with its remedy.
    pub failure: Option<String>,
}

/// How the tokens of a connection do, told by what is read with them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenHealth {
    /// End of the last reading that went well.
    pub used: Option<Timestamp>,
    /// When they are used next: tokens are renewed by then.
    pub next: Option<Timestamp>,
}

/// The Halo page. Fields: `connection`, `seen`, `name`, `product`, `resource_server`, `authorisation_server`, `tenant`,
/// `oauth_client_id`, `client_secret`, `allow_insecure`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HaloStep {
    /// Typed or stored values; never secrets.
    pub form: FormView,
    /// The instance that is changed; `None` makes a new one.
    pub chosen: Option<Other>,
    /// The others there are.
    pub others: Vec<Other>,
    /// Which product the chosen one is.
    pub product: HaloProduct,
    /// Whether a secret lies here already: an empty field keeps it.
    pub secret_kept: bool,
    /// The test of the chosen one.
    pub test: Option<HaloTest>,
}

/// The test of an instance. Fields of its form: `connection`, `ticket_type`, `outcome`, `client`, `do` (`read`, `write`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HaloTest {
    /// What the last one said.
    pub lines: Vec<Line>,
    /// Ticket types, once they could be read.
    pub ticket_types: Vec<Pick>,
    /// Outcomes.
    pub outcomes: Vec<Pick>,
    /// Clients.
    pub clients: Vec<Pick>,
    /// The ticket type that was chosen last, or the first policy's.
    pub ticket_type: String,
    /// The outcome that was chosen last, or the first policy's.
    pub outcome: String,
    /// The client that was chosen last.
    pub client: String,
}

/// Workspaces on one page of them.
pub const PAGE: usize = 50;

/// The page of the webhooks. Fields: `workspace`, `poll_secs`, `poll_fast_secs`, `secret`, `do`; of an errand `which`,
/// `at` (each ticked workspace), `sure`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportStep {
    /// Typed values of one workspace's form that was refused; never a secret.
    pub form: FormView,
    /// One page of the workspaces that are looked for, by client and name.
    pub rows: Vec<ImportRow>,
    /// What is looked for in their names; empty: all.
    pub q: String,
    /// Number of the first one on this page.
    pub from: usize,
    /// How many are found.
    pub of: usize,
    /// Every workspace with its full name, to be ticked.
    pub all: Vec<(WorkspaceId, String)>,
    /// Which workspaces an errand can be for.
    pub groups: Vec<Choice>,
    /// Those that are ticked.
    pub chosen: Vec<WorkspaceId>,
    /// The last errand.
    pub errand: Option<ErrandView>,
    /// Workspaces whose webhooks are to be removed, if that is confirmed.
    pub to_remove: Vec<(WorkspaceId, String)>,
    /// Every Halo instance.
    pub halo: Vec<HaloHookRow>,
    /// What deploying would do, for the workspace that it was asked for.
    pub plan: Option<DeployPlan>,
}

/// The page on which workspaces go live. Fields: `seen`, `workspace` (each chosen one), `mode`, `start`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveStep {
    /// Typed or suggested values.
    pub form: FormView,
    /// Every workspace.
    pub rows: Vec<LiveRow>,
    /// Those that are ticked.
    pub chosen: Vec<WorkspaceId>,
    /// The first cycle of the workspace that it was asked for.
    pub cycle: Option<FirstCycle>,
    /// Why it could not be told.
    pub trouble: Option<String>,
}

/// Who saved a draft, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftSaved {
    /// Their sign-in name.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// The page of all answers. Fields: `seen`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckStep {
    /// What was answered, in the order of the steps.
    pub answers: Vec<Answer>,
    /// What applying them changes, as lines of `config diff`.
    pub changes: Vec<String>,
    /// What is missing before they can be applied, and the step that gives it.
    pub missing: Option<(Option<Step>, String)>,
    /// Who saved them.
    pub draft: Option<DraftSaved>,
    /// Workspaces that are live both ways: what is new may go live like them at once. 0 where that is not offered.
    pub live: usize,
    /// The form that applies them; with `do=live` they go live too.
    pub form: FormView,
}

/// One answer and the way to change it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The step that asked.
    pub step: Step,
    /// What was asked.
    pub what: String,
    /// What was answered.
    pub value: String,
    /// Where it is changed.
    pub href: String,
}
