//! Workspaces that were chosen and cannot be looked at now: what is not drawn with a box cannot be ticked again, so that they
//! stay chosen until somebody gives them up, or takes the tick off a row that was drawn before.

use super::{Clients, Link, Links, key, same_client, usable};
use crate::{
    domain::view::set_up::LostRow,
    service::set_up::{Typed, discovery::Reached},
    store::Installation,
};

fn out_of_sight(link: &Link, reached: &Reached) -> bool {
    !reached.workspaces.iter().any(|found| found.arm_id() == link.arm_id && usable(found))
}

/// Whether its row was drawn with a box that was left without a tick: that is an answer, though it went out of sight since.
fn unticked(link: &Link, installation: &Installation, typed: &Typed) -> bool {
    let key = key(&link.arm_id);
    if !typed.ticked(&format!("client-{key}")) || typed.ticked(&format!("link-{key}")) {
        return false;
    }
    // Of one that stays with its client the links alone are to lead elsewhere: that is chosen without a tick.
    let portal = if link.defender { "defender" } else { "azure" };
    !same_client(installation, link) || typed.text(&format!("portal-{key}")) != portal
}

/// Those that stay chosen, unless they were given up. What was chosen of a connection that is gone is gone with it.
pub(super) fn kept(waiting: &Links, installation: &Installation, reached: &Reached, typed: &Typed) -> Links {
    let there = |link: &Link| {
        installation.microsoft.iter().any(|row| row.id == link.microsoft)
            && installation.halo.iter().any(|row| row.id == link.halo)
    };
    let stays = |link: &&Link| {
        there(link)
            && out_of_sight(link, reached)
            && !typed.ticked(&format!("drop-{}", key(&link.arm_id)))
            && !unticked(link, installation, typed)
    };
    waiting.iter().filter(stays).cloned().collect()
}

/// The same for the page.
pub(super) fn lost(waiting: &Links, reached: &Reached) -> Vec<LostRow> {
    let row =
        |link: &Link| LostRow { key: key(&link.arm_id), name: link.workspace.clone(), client: link.client.clone() };
    waiting.iter().filter(|link| out_of_sight(link, reached)).map(row).collect()
}

/// Whether a workspace that was chosen is typed with the client that it was chosen with.
pub(super) fn as_chosen(link: &Link, typed: &Typed, clients: &Clients) -> bool {
    let name = typed.text(&format!("client-{}", key(&link.arm_id))).to_owned();
    match clients.named(&name) {
        Some((halo, row)) => (*halo, row.id) == (link.halo, link.halo_client_id),
        None => name.is_empty() || name.eq_ignore_ascii_case(&link.client),
    }
}
