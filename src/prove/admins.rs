//! What an admin does in the console.

use uuid::Uuid;

use super::{story::Who, world::World};
use crate::{
    domain::{
        account::{Role, Scope},
        ids::{IncidentId, UserId},
    },
    service::{caller::Caller, rebuilds},
};

impl World {
    /// Now and then an admin has a pair rebuilt from both sides. It is drawn by itself: what everybody else does stays the
    /// same.
    pub(super) fn admin_rebuilds(&mut self) {
        if !self.people.admin.chance(self.people.rebuilds) {
            return;
        }
        let Some(key) = self.people.admin.pick(&self.people.raised).cloned() else { return };
        let Some(place) = self.shape.places.get(key.0).map(|place| place.workspace.clone()) else { return };
        let Some(app) = self.host(0).filter(|host| !host.only_read).map(|host| host.app.clone()) else { return };
        let (store, incident) = (app.store.clone(), IncidentId::new(&key.1));
        let asked = self.with_store(&store, |store| async move {
            let installation = store.installation().await.ok()?;
            let workspace = installation.workspaces.iter().find(|one| one.name.eq_ignore_ascii_case(&place))?;
            let pair = store.pair_of_incident(workspace.id, &incident).await.ok()??;
            let user = UserId(Uuid::from_u128(0xada));
            let admin = Caller { user, name: "ada".into(), role: Role::Admin, scope: Scope::All };
            rebuilds::rebuild(&app, &admin, pair.id).await.ok()
        });
        // A full disk keeps it from being asked, as it would anybody.
        if asked.is_ok_and(|asked| asked.is_some()) {
            let order = self.watch.next_order();
            self.tell(Who::Admin, format!("has the pair of incident {} rebuilt from both sides", key.1));
            self.people.rebuilt.entry(key).or_insert(order);
        }
    }
}
