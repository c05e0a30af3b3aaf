//! The page of clients and workspaces: what was found, and whose it is.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    form::FormView,
    mapping::Owner,
    set_up::{DraftSaved, Step},
};
use crate::domain::{policy::PolicyKey, rights::RoleWanted};

/// The page of clients and workspaces. Fields: `seen`, `q` (what is looked for), `do`; for each row `link-{key}` (ticked: it
/// is linked), `client-{key}` (name of a Halo client), `pick-{key}` (one of the names that may be meant: it is linked to
/// that one), `portal-{key}` (`azure` or `defender`); for each of `lost` `drop-{key}` (ticked: it is given up).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientsStep {
    /// Every workspace that was found, by name.
    pub rows: Vec<FoundRow>,
    /// Workspaces that were chosen and saved, and cannot be looked at now.
    pub lost: Vec<LostRow>,
    /// Names of Halo's clients to choose from.
    pub clients: Vec<String>,
    /// What could not be read, each a sentence with its remedy.
    pub troubles: Vec<String>,
    /// Where the custom role for syncing would help.
    pub roles: Vec<RoleWanted>,
    /// When Azure and Halo were asked.
    pub read_at: Timestamp,
    /// Whether some of it is still being read.
    pub under_way: bool,
    /// The step without which nothing can be found or matched, and why.
    pub needs: Option<(Step, String)>,
    /// The rules of each client that is set up.
    pub rules: Vec<ClientRules>,
    /// Lines of a pasted file that the form shows, and that are not saved yet.
    pub lines_read: Option<u64>,
    /// Who saved the choice that waits to be applied.
    pub draft: Option<DraftSaved>,
    /// Chosen or typed values.
    pub form: FormView,
}

/// What a client's workspaces follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientRules {
    /// The client.
    pub client: Owner,
    /// Names of the policies that its workspaces follow; none while it has no workspace.
    pub policies: Vec<String>,
    /// What the first of them builds on.
    pub base: Option<String>,
    /// With a base: what it says itself.
    pub own: Vec<PolicyKey>,
}

impl ClientsStep {
    /// Rows that can still be linked and nobody has chosen yet, and are guessed like this.
    pub fn guessed(&self, sure: bool) -> usize {
        let free = self.rows.iter().filter(|row| row.usable && row.linked.is_none() && !row.chosen);
        free.filter(|row| (row.doubt == Doubt::Sure) == sure).count()
    }

    /// Whether a row is shown: it is looked for, or something is wrong with it.
    pub fn shows(&self, row: &FoundRow) -> bool {
        let wanted = self.form.value("q").trim().to_lowercase();
        let in_it = |text: &str| text.to_lowercase().contains(&wanted);
        let typed = self.form.value(&format!("client-{}", row.key));
        let of_row = |field: &str| field.strip_suffix(row.key.as_str()).is_some_and(|kind| kind.ends_with('-'));
        [row.name.as_str(), &row.place, &row.tenant, row.linked.as_deref().unwrap_or_default(), typed]
            .into_iter()
            .any(in_it)
            || self.form.problems.iter().any(|problem| of_row(&problem.field))
    }
}

/// A workspace that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundRow {
    /// Names its fields.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Subscription and resource group.
    pub place: String,
    /// Name of its tenant.
    pub tenant: String,
    /// Whether it can be linked.
    pub usable: bool,
    /// What is wrong with it, and what to do.
    pub says: Option<String>,
    /// Whether its incidents are Defender's, too.
    pub joined: bool,
    /// The client it is linked to already.
    pub linked: Option<String>,
    /// Whether it was chosen and saved, and waits to be applied.
    pub chosen: bool,
    /// How good the guess is.
    pub doubt: Doubt,
}

/// A workspace that was chosen and saved, and cannot be looked at now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostRow {
    /// Names its field.
    pub key: String,
    /// Its name.
    pub name: String,
    /// The client that it was chosen for.
    pub client: String,
}

/// How good a guess by name is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "guess", rename_all = "kebab-case")]
pub enum Doubt {
    /// One client, and no other comes near.
    Sure,
    /// These may be meant.
    Unsure {
        /// Their names, the likeliest first.
        names: Vec<String>,
    },
    /// No name says anything.
    Nothing,
}
