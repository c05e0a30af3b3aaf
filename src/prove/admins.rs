//! What an admin does in the console.

use super::{
    clicks::{Spot, ada},
    story::Who,
    world::World,
};
use crate::service::{App, rebuilds};

impl World {
    /// Now and then an admin has a pair rebuilt from both sides. It is drawn by itself: what everybody else does stays the
    /// same.
    pub(super) fn admin_rebuilds(&mut self) {
        if !self.people.admin.chance(self.people.rebuilds) {
            return;
        }
        let Some(key) = self.people.admin.pick(&self.people.raised).cloned() else { return };
        // A full disk keeps it from being asked, as it would anybody.
        let asked = self.press_at(&key, |app: App, spot: Spot| async move {
            let pair = spot.pair(&app).await?;
            rebuilds::rebuild(&app, &ada(), pair).await.ok()
        });
        if asked.is_some() {
            let order = self.watch.next_order();
            self.tell(Who::Admin, format!("has the pair of incident {} rebuilt from both sides", key.1));
            self.people.rebuilt.entry(key).or_insert(order);
        }
    }
}
