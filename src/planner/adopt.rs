//! Tickets that Halo's own Sentinel integration made: how they are known, and what of the conversation stands on both
//! sides already.

use crate::domain::{
    failure::Side,
    ids::{IncidentId, PairId},
    incident::Comment,
    pair::NoteLink,
    text,
    ticket::{Action, Ticket},
    workspace::Workspace,
};

use super::notes::{self, words};

/// Shorter words are taken for the same only when they are the same.
const LONG: usize = 20;

/// The incident that a ticket carries in Halo's own Sentinel members: `sentinel_id` (a GUID, or a resource id that ends
/// with it), and the workspace's name where it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// The incident.
    pub incident: IncidentId,
    /// `sentinel_workspace`, lower-cased.
    pub workspace: Option<String>,
}

/// What a ticket carries; `None` for one that the integration did not make.
pub fn carried(ticket: &Ticket) -> Option<Carried> {
    let member = |name: &str| {
        let value = ticket.raw.get(name)?.as_str()?.trim();
        (!value.is_empty()).then(|| value.to_lowercase())
    };
    let id = member("sentinel_id")?;
    let guid =
        id.rsplit('/').next().filter(|last| last.len() == 36 && last.chars().filter(|c| *c == '-').count() == 4)?;
    Some(Carried { incident: IncidentId::new(guid), workspace: member("sentinel_workspace") })
}

impl Carried {
    /// Whether this is an incident of a workspace. The integration names it as Azure does; we may have given it another name.
    pub fn is(&self, workspace: &Workspace, incident: &IncidentId) -> bool {
        self.incident == *incident
            && self.workspace.as_ref().is_none_or(|name| {
                let of_azure = workspace.arm_id.rsplit('/').next().unwrap_or_default();
                [of_azure, &workspace.name].into_iter().any(|known| name.eq_ignore_ascii_case(known))
            })
    }
}

/// Words without what only spreads them out.
pub(super) fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether two texts say the same: one may stand within the other, unless it is short.
pub(super) fn same(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    short == long || short.chars().count() >= LONG && long.contains(short)
}

/// Comments and actions that say the same when two records are joined: each with one other, in their order. Nothing of
/// them crosses again. Notes of ours tell by their references of which comment they are, and of which edit; those that the
/// API application wrote as another agent than `own` go by the words that they carry.
pub fn same_words(pair: PairId, comments: &[Comment], actions: &[Action], own: Option<i64>) -> Vec<NoteLink> {
    let of_before = |action: &Action| own.is_some() && action.agent_id.is_some() && action.agent_id != own;
    let carried = |action: &Action| notes::to_halo::words_within(action).filter(|_| of_before(action));
    let mut left: Vec<(&Action, String, bool)> = actions
        .iter()
        .filter_map(|action| match notes::carries_any(action) {
            true => carried(action).map(|said| (action, squeezed(&said), true)),
            false => Some((action, squeezed(&words::body(action)), false)),
        })
        .filter(|(_, said, _)| !said.is_empty())
        .collect();
    let mut links = Vec::new();
    for comment in comments {
        let said = squeezed(&text::message_to_text(&comment.message));
        // Of what a note of ours carries marks do not count: some were written otherwise, so that they notify nobody.
        let alike = |other: &str, ours: bool| {
            if ours { words::letters(&said) == words::letters(other) } else { same(&said, other) }
        };
        let found = left.iter().position(|(_, other, ours)| !said.is_empty() && alike(other, *ours));
        let Some(at) = found else { continue };
        let (action, ..) = left.remove(at);
        let first = match (comment.created, action.at) {
            (Some(comment), Some(action)) if action < comment => Side::Halo,
            _ => Side::Sentinel,
        };
        let said = if first == Side::Sentinel { words::of_comment(comment) } else { words::of_action(action) };
        links.push(NoteLink {
            pair,
            comment: comment.id.clone(),
            action: action.key,
            edit: 0,
            part: 0,
            said: Some(said),
            written_in: first,
        });
    }
    links
}
