//! Automation rules: which changes make them run, and in what order.
//!
//! Whether a rule's conditions hold is in [`conditions`], what its actions do in `actions`, what alerts set off in
//! `alerts`, what a playbook posts in [`playbook`].

mod actions;
mod alerts;
pub mod conditions;
pub mod playbook;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use self::{
    conditions::Scene,
    playbook::{Post, Run},
};
use super::{
    Microsoft,
    arm::wanted::{Keep, Wanted},
    entra::Access,
    incident::{Alert, Incident, Label, Owner},
};
use crate::twin::wire::Cx;

/// How long rules wait in the Defender portal: five to ten minutes (Sentinel sheet, section 11, point 16).
const DEFENDER_DELAY: SignedDuration = SignedDuration::from_mins(5);

/// What happened to an incident, as the rules see it.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// The incident is new.
    pub new: bool,
    /// Display name of who did it.
    pub by: String,
    /// `User`, `Application`, `AlertGrouping`, …
    pub source: String,
    /// Status from, to.
    pub status: Option<(String, String)>,
    /// Severity from, to.
    pub severity: Option<(String, String)>,
    /// Owner from, to.
    pub owner: Option<(Owner, Owner)>,
    /// Tags that were added.
    pub labels_added: Vec<Label>,
    /// How many comments were added.
    pub comments_added: usize,
    /// Alerts were added.
    pub alerts_added: bool,
    /// Tactics that were added.
    pub tactics_added: Vec<String>,
}

impl Change {
    /// A creation through the API.
    pub fn created(access: &Access) -> Self {
        Self { new: true, ..Self::updated(access) }
    }

    /// A change through the API: a delegated token writes as user, a service principal as application.
    pub fn updated(access: &Access) -> Self {
        let source = if access.principal.upn.is_some() { "User" } else { "Application" };
        Self { by: access.principal.name.clone(), source: source.into(), ..Self::default() }
    }

    /// A change by somebody or something else.
    pub fn by(name: &str, source: &str) -> Self {
        Self { by: name.to_owned(), source: source.to_owned(), ..Self::default() }
    }

    /// Notes what a PUT changes.
    pub fn compare(&mut self, old: &Incident, new: &Wanted, keep: &Keep) {
        let moved = |old: &String, new: &String| (old != new).then(|| (old.clone(), new.clone()));
        self.status = moved(&old.status, &new.status);
        self.severity = moved(&old.severity, &new.severity);
        self.owner = (!keep.owner && old.owner != new.owner).then(|| (old.owner.clone(), new.owner.clone()));
        if !keep.labels {
            let known = |label: &&Label| old.labels.iter().any(|known| known.name == label.name);
            self.labels_added = new.labels.iter().filter(|label| !known(label)).cloned().collect();
        }
    }

    /// The same with what is otherwise of an incident.
    #[must_use]
    pub fn between(self, old: &Incident, new: &Incident) -> Self {
        let moved = |old: &str, new: &str| (old != new).then(|| (old.to_owned(), new.to_owned()));
        Self {
            status: moved(&old.status, &new.status),
            severity: moved(&old.severity, &new.severity),
            owner: (old.owner != new.owner).then(|| (old.owner.clone(), new.owner.clone())),
            labels_added: new.labels.iter().filter(|label| !old.labels.contains(label)).cloned().collect(),
            ..self
        }
    }

    /// Whether an update rule runs for it: not for title or description, comment edits, removed tags.
    fn triggers(&self) -> bool {
        self.new
            || self.status.is_some()
            || self.severity.is_some()
            || self.owner.is_some()
            || !self.labels_added.is_empty()
            || self.comments_added > 0
            || self.alerts_added
            || !self.tactics_added.is_empty()
    }

    /// Two changes that collapsed into one event: the last state, everything that moved.
    fn collapse(&mut self, later: Self) {
        fn join<T>(first: Option<(T, T)>, then: Option<(T, T)>) -> Option<(T, T)> {
            match (first, then) {
                (Some((from, _)), Some((_, to))) => Some((from, to)),
                (first, then) => then.or(first),
            }
        }
        self.status = join(self.status.take(), later.status);
        self.severity = join(self.severity.take(), later.severity);
        self.owner = join(self.owner.take(), later.owner);
        self.labels_added.extend(later.labels_added);
        self.comments_added += later.comments_added;
        self.alerts_added |= later.alerts_added;
        self.tactics_added.extend(later.tactics_added);
        self.by = later.by;
        self.source = later.source;
    }
}

struct Pending {
    due: Timestamp,
    place: usize,
    name: String,
    change: Change,
    /// An alert of the incident that was created: what waits is for it, not for the incident.
    alert: Option<Alert>,
}

/// Where trigger bodies go without a deployed logic app.
#[derive(Debug, Clone)]
pub struct Target {
    /// Workspace by name; every one when absent.
    pub workspace: Option<String>,
    /// Address.
    pub url: String,
    /// Headers (the secret among them).
    pub headers: Vec<(String, String)>,
}

/// What waits to run.
#[derive(Default)]
pub struct Automation {
    pending: Vec<Pending>,
    /// Direct targets set by the admin route.
    pub targets: Vec<Target>,
    /// What the playbooks ran, oldest first.
    pub runs: Vec<Run>,
}

impl Microsoft {
    /// Something happened to an incident: rules run now or after their delay.
    pub fn changed(&mut self, place: usize, name: &str, change: Change, cx: &mut Cx<'_>) {
        if !change.triggers() {
            return;
        }
        let delay = self.rules_wait();
        let shows = self
            .workspaces
            .get(place)
            .and_then(|workspace| workspace.get(name))
            .map_or(cx.now, |incident| incident.visible_at);
        let due = cx.now.max(shows).checked_add(delay).unwrap_or(cx.now);
        if due <= cx.now {
            self.run_rules(place, name, &change, cx);
            return;
        }
        let mut waiting = self.automation.pending.iter_mut().filter(|pending| pending.alert.is_none());
        let waiting = waiting.find(|pending| pending.place == place && pending.name == name);
        match waiting.filter(|_| self.switches.defender) {
            Some(waiting) => waiting.change.collapse(change),
            None => self.automation.pending.push(Pending { due, place, name: name.to_owned(), change, alert: None }),
        }
    }

    /// How long rules wait.
    fn rules_wait(&self) -> SignedDuration {
        match (self.switches.automation_delay_s, self.switches.defender) {
            (..0, true) => DEFENDER_DELAY,
            (..0, false) => SignedDuration::ZERO,
            (seconds, _) => SignedDuration::from_secs(seconds),
        }
    }

    /// Runs what is due.
    pub fn tick(&mut self, cx: &mut Cx<'_>) {
        if self.automation.pending.is_empty() {
            return;
        }
        let (due, later): (Vec<Pending>, Vec<Pending>) =
            std::mem::take(&mut self.automation.pending).into_iter().partition(|pending| pending.due <= cx.now);
        self.automation.pending = later;
        for pending in due {
            match pending.alert {
                Some(alert) => self.run_alert_rules(pending.place, &pending.name, &alert, cx),
                None => self.run_rules(pending.place, &pending.name, &pending.change, cx),
            }
        }
    }

    /// When the next waiting rule is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.automation.pending.iter().map(|pending| pending.due).min()
    }

    /// The `properties` of a workspace's rules.
    fn rules_in_order(&self, place: usize) -> Vec<Map<String, Value>> {
        let all = self.workspaces.get(place).into_iter().flat_map(|workspace| workspace.rules.values());
        let mut rules: Vec<Map<String, Value>> =
            all.filter_map(|rule| rule.get("properties").and_then(Value::as_object)).cloned().collect();
        rules.sort_by_key(order);
        rules
    }

    fn run_rules(&mut self, place: usize, name: &str, change: &Change, cx: &mut Cx<'_>) {
        let mut made = actions::by_rule();
        // One after another: each sees what those before it did.
        for rule in self.rules_in_order(place) {
            let runs = self.workspaces.get(place).is_some_and(|workspace| {
                workspace
                    .get(name)
                    .is_some_and(|incident| Scene::new(workspace, incident, change, cx.now).runs(&rule, cx.now))
            });
            if runs {
                made.collapse(self.take_actions(place, name, change, &rule, cx));
            }
        }
        let workspace_name = self.workspaces.get(place).map(|workspace| workspace.name.clone()).unwrap_or_default();
        let targets: Vec<Target> = self.automation.targets.clone();
        for target in targets
            .iter()
            .filter(|target| target.workspace.as_deref().is_none_or(|own| own.eq_ignore_ascii_case(&workspace_name)))
        {
            let post = Post {
                method: "POST".into(),
                url: target.url.clone(),
                headers: target.headers.clone(),
                attempts_max: 5,
            };
            self.post(place, name, Some(change), &post, "direct", cx);
        }
        // What rules change is an update too; what they change for that one sets nothing off again.
        if change.source != made.source && made.triggers() {
            self.changed(place, name, made, cx);
        }
    }
}

/// The `order` of a rule or an action.
fn order(of: &Map<String, Value>) -> i64 {
    of.get("order").and_then(Value::as_i64).unwrap_or(0)
}
