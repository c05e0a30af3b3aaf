//! The Defender portal's own doings: merges, titles that change, incidents that show late.

use jiff::SignedDuration;

use super::{
    Microsoft,
    automation::Change,
    incident::{Alert, Incident, Label},
};
use crate::twin::wire::Cx;

impl Microsoft {
    /// Merges one incident into another: the source is closed and tagged `Redirected`, its alerts
    /// and tags move, its comments stay.
    ///
    /// # Errors
    /// Why Defender would not merge them.
    pub fn merge(&mut self, place: usize, source: &str, target: &str, cx: &mut Cx<'_>) -> Result<(), String> {
        let workspace = self.workspaces.get(place).ok_or("no such workspace")?;
        let from = workspace.get(source).ok_or("no such source")?;
        let into = workspace.get(target).ok_or("no such target")?;
        if from.name == into.name {
            return Err("an incident is not merged into itself".into());
        }
        if from.status == "Closed" || into.status == "Closed" {
            return Err("a closed incident is not merged".into());
        }
        if from.owner != into.owner && from.owner.object_id.is_some() && into.owner.object_id.is_some() {
            return Err("incidents of different owners are not merged".into());
        }
        let label = Label { name: self.switches.redirected_label.clone(), kind: "User" };
        let number = into.defender_number.unwrap_or(into.number);
        let url = format!("https://security.microsoft.com/incidents/{number}?tid={}", workspace.tenant_id);
        let (source, target) = (from.name.clone(), into.name.clone());
        let moved = (from.alerts.clone(), from.labels.clone(), from.tactics.clone(), from.techniques.clone());
        let target_number = into.number;
        let was = from.status.clone();
        self.bump(place, &source, "Microsoft XDR", cx, |incident| {
            incident.status = "Closed".into();
            incident.labels = vec![label.clone()];
            incident.alerts = Vec::new();
            incident.merged_into = Some((target_number, url));
        });
        let (alerts, labels, tactics, techniques) = moved;
        let with_alerts = !alerts.is_empty();
        self.bump(place, &target, "Microsoft XDR", cx, |incident| {
            incident.alerts.extend(alerts);
            add_new(&mut incident.labels, labels, |a, b| a.name == b.name);
            add_new(&mut incident.tactics, tactics, |a, b| a == b);
            add_new(&mut incident.techniques, techniques, |a, b| a == b);
            retitle(incident);
        });
        let closed = Change {
            status: Some((was, "Closed".into())),
            labels_added: vec![label],
            ..Change::by("Microsoft XDR", "Microsoft 365 Defender")
        };
        self.changed(place, &source, closed, cx);
        let grown = Change { alerts_added: with_alerts, ..Change::by("Microsoft XDR", "Microsoft 365 Defender") };
        self.changed(place, &target, grown, cx);
        Ok(())
    }

    /// An alert joins an incident; in Defender the title follows.
    pub fn join_alert(&mut self, place: usize, incident: &str, alert: Alert, tactic: Option<&str>, cx: &mut Cx<'_>) {
        let defender = self.switches.defender;
        let new_tactic = tactic.filter(|tactic| {
            self.workspaces
                .get(place)
                .and_then(|workspace| workspace.get(incident))
                .is_some_and(|known| !known.tactics.iter().any(|own| own == tactic))
        });
        let created = alert.clone();
        self.bump(place, incident, "Alert grouping", cx, |found| {
            found.alerts.push(alert);
            found.tactics.extend(new_tactic.map(str::to_owned));
            if defender && found.defender_number.is_some() {
                retitle(found);
            }
        });
        self.alerted(place, incident, &[created], cx);
        let change = Change {
            alerts_added: true,
            tactics_added: new_tactic.map(str::to_owned).into_iter().collect(),
            ..Change::by("Alert grouping", "AlertGrouping")
        };
        self.changed(place, incident, change, cx);
    }

    /// When a new incident of this kind shows in Sentinel.
    pub(super) fn shows_at(&self, incident: &Incident, now: jiff::Timestamp) -> jiff::Timestamp {
        if self.switches.defender && incident.defender_number.is_some() {
            let delay = SignedDuration::from_secs(self.switches.defender_delay_s);
            return now.checked_add(delay).unwrap_or(now);
        }
        now
    }
}

/// Defender's correlation titles an incident by what its alerts have in common.
fn retitle(incident: &mut Incident) {
    let spaced: String = incident.tactics.first().map_or("Several", String::as_str).chars().enumerate().fold(
        String::new(),
        |mut text, (n, c)| {
            if n > 0 && c.is_uppercase() {
                text.push(' ');
                text.extend(c.to_lowercase());
            } else {
                text.push(c);
            }
            text
        },
    );
    let stage = if incident.tactics.len() > 1 { "Multi-stage incident" } else { "Incident" };
    incident.title = format!("{stage} involving {spaced} reported by {} alerts", incident.alerts.len());
}

fn add_new<T>(to: &mut Vec<T>, from: Vec<T>, same: impl Fn(&T, &T) -> bool) {
    for item in from {
        if !to.iter().any(|known| same(known, &item)) {
            to.push(item);
        }
    }
}
