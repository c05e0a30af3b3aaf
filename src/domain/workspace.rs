//! Sentinel workspaces.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{ClientId, ConnectionId, PolicyId, WorkspaceId};

/// What the engine may do for a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Nothing is read.
    Off,
    /// Reads and plans, writes nothing.
    Observe,
    /// Comments only (complete with issue 2's rules; the planner already honours it).
    CommentOnly,
    /// Sentinel to Halo only.
    SentinelToHalo,
    /// Both ways.
    TwoWay,
}

impl Mode {
    /// As written in the applied file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Observe => "observe",
            Self::CommentOnly => "comment-only",
            Self::SentinelToHalo => "sentinel-to-halo",
            Self::TwoWay => "two-way",
        }
    }

    /// The inverse of [`Mode::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Off, Self::Observe, Self::CommentOnly, Self::SentinelToHalo, Self::TwoWay]
            .into_iter()
            .find(|mode| mode.as_str() == text)
    }

    /// Whether tickets are made for its incidents.
    pub fn live(self) -> bool {
        matches!(self, Self::SentinelToHalo | Self::TwoWay)
    }
}

/// Seconds until the next poll after a change, unless the file says otherwise.
pub const POLL_FAST_SECS: u32 = 60;

fn poll_fast_secs() -> u32 {
    POLL_FAST_SECS
}

/// Which portal the link in the ticket opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Portal {
    /// `portal.azure.com`
    #[default]
    Azure,
    /// `security.microsoft.com`
    Defender,
}

/// One workspace: exactly one row and one client, however many connections reach it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// Ours.
    pub id: WorkspaceId,
    /// Lower-cased ARM id, the natural key:
    /// `/subscriptions/…/resourcegroups/…/providers/microsoft.operationalinsights/workspaces/…`.
    pub arm_id: String,
    /// Its name (last segment of the ARM id as given), shown and used in webhook addresses.
    pub name: String,
    /// Whose it is.
    pub client: ClientId,
    /// The sign-in that reaches it.
    pub connection: ConnectionId,
    /// Its own home tenant (a guest's or Lighthouse sign-in may differ).
    pub tenant_id: String,
    /// What may cross and how.
    pub policy: PolicyId,
    /// What the engine may do.
    pub mode: Mode,
    /// Incidents created before are "not linked: older than start".
    pub since: Timestamp,
    /// Seconds between polls while it is quiet, 30–86,400; 900 by default.
    pub poll_secs: u32,
    /// Seconds until the next poll after a change that nothing announced; 60 by default.
    #[serde(default = "poll_fast_secs")]
    pub poll_fast_secs: u32,
    /// Target of the link in the ticket.
    pub portal: Portal,
    /// Whether `POST /hooks/sentinel/{workspace}` is open (a secret is set).
    pub webhook: bool,
    /// Shadow mode: what Halo's own Sentinel integration does is compared with what was to be done.
    #[serde(default)]
    pub shadow: bool,
}

impl Workspace {
    /// Whether the other integration is compared with: only where nothing is written.
    pub fn shadows(&self) -> bool {
        self.shadow && self.mode == Mode::Observe
    }

    /// Subscription id, resource group and workspace name, from the ARM id.
    pub fn address(&self) -> Option<WorkspaceAddress> {
        WorkspaceAddress::parse(&self.arm_id)
    }
}

/// The three parts of a workspace's ARM id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WorkspaceAddress {
    /// Subscription GUID.
    pub subscription: String,
    /// Resource group name.
    pub resource_group: String,
    /// Workspace name.
    pub workspace: String,
}

impl WorkspaceAddress {
    /// Reads an ARM id in any letter case; `None` when it is not a Log Analytics workspace's.
    pub fn parse(arm_id: &str) -> Option<Self> {
        let parts: Vec<&str> = arm_id.trim().trim_matches('/').split('/').collect();
        let [subs, subscription, groups, group, providers, namespace, kind, workspace] = parts.as_slice() else {
            return None;
        };
        let fits = subs.eq_ignore_ascii_case("subscriptions")
            && groups.eq_ignore_ascii_case("resourceGroups")
            && providers.eq_ignore_ascii_case("providers")
            && namespace.eq_ignore_ascii_case("Microsoft.OperationalInsights")
            && kind.eq_ignore_ascii_case("workspaces")
            && [subscription, group, workspace].iter().all(|part| !part.is_empty());
        fits.then(|| Self {
            subscription: (*subscription).to_owned(),
            resource_group: (*group).to_owned(),
            workspace: (*workspace).to_owned(),
        })
    }

    /// The ARM id, in Microsoft's spelling.
    pub fn arm_id(&self) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.OperationalInsights/workspaces/{}",
            self.subscription, self.resource_group, self.workspace
        )
    }
}
