//! How the world looks at the beginning.

use jiff::{SignedDuration, Timestamp};

use super::{
    Group, Microsoft, Subscription,
    automation::Automation,
    directory::{Directory, Tenant, User, role},
    entra::{App, Entra},
    evidence,
    incident::{Incident, Owner},
    switches::Switches,
    throttle::Throttle,
    workspace::Workspace,
};
use crate::{
    clock::IdSource,
    twin::{options::TwinOptions, stamp},
};

/// First name, what follows it, role in the home directory.
const PEOPLE: [(&str, &str, Option<&str>); 5] = [
    ("Carla", "Contributor", Some("Microsoft Sentinel Contributor")),
    ("Ana", "Analyst", Some("Microsoft Sentinel Responder")),
    ("Rita", "Reader", Some("Microsoft Sentinel Reader")),
    ("Olaf", "Owner", Some("Owner")),
    ("Nora", "Norights", None),
];

impl Microsoft {
    /// A world of these sizes; every id comes from `ids`.
    pub fn new(options: &TwinOptions, ids: &dyn IdSource) -> Self {
        let guid = || ids.uuid_v4().to_string();
        let app = App {
            client_id: guid(),
            secrets: vec![(format!("twin~{}", ids.token(16)), None)],
            certificates: Vec::new(),
            redirects: Vec::new(),
        };
        let mut world = Self {
            switches: Switches::default(),
            directory: Directory::default(),
            entra: Entra::new(app),
            subscriptions: Vec::new(),
            workspaces: Vec::new(),
            resources: std::collections::BTreeMap::new(),
            templates: std::collections::BTreeMap::new(),
            running: std::collections::BTreeSet::new(),
            throttle: Throttle::new(options.limits),
            automation: Automation::default(),
            stale: None,
            by_id: std::collections::HashMap::new(),
            by_customer: std::collections::HashMap::new(),
            ticker: stamp::Ticker::default(),
        };
        for number in 0..options.tenants.max(1) {
            world.add_tenant(number, if number == 0 { options.workspaces } else { 1 }, ids);
        }
        world.add_odd_subscriptions(ids);
        world.add_operator(ids);
        for (name, value) in &options.switches {
            // Names and values were checked by whoever read them; one meant for Halo is not ours.
            let _ = world.set_switch(name, value);
        }
        world.add_incidents(options.incidents, options.workspaces, options.begins_at, ids);
        world
    }

    fn add_tenant(&mut self, number: usize, workspaces: usize, ids: &dyn IdSource) {
        let guid = || ids.uuid_v4().to_string();
        let name = if number == 0 { "contoso".to_owned() } else { format!("client-{number}") };
        let tenant = Tenant {
            id: guid(),
            domain: format!("{name}.example"),
            app_object_id: guid(),
            insights_object_id: guid(),
            name: name.clone(),
        };
        let subscription = Subscription {
            id: guid(),
            name: format!("{name} production"),
            tenant_id: tenant.id.clone(),
            state: "Enabled",
            groups: vec![Group::named(&format!("rg-soc-{name}"))],
        };
        let scope = format!("/subscriptions/{}", subscription.id);
        for (first, last, given) in PEOPLE {
            let user = User {
                object_id: guid(),
                name: format!("{first} {last}"),
                upn: format!("{}.{}@{}", first.to_lowercase(), last.to_lowercase(), tenant.domain),
                tenant_id: tenant.id.clone(),
                guest_in: Vec::new(),
                disabled: false,
            };
            if let Some(given) = given.and_then(role) {
                self.directory.assign((&user.object_id, "User"), given.id, &scope, ids);
            }
            self.directory.users.push(user);
        }
        for given in ["Microsoft Sentinel Contributor", "Contributor", "User Access Administrator"] {
            if let Some(given) = role(given) {
                self.directory.assign((&tenant.app_object_id, "ServicePrincipal"), given.id, &scope, ids);
            }
        }
        for n in 1..=workspaces {
            let place = (
                tenant.id.as_str(),
                subscription.id.as_str(),
                subscription.groups.first().map_or("", |group| group.name.as_str()),
            );
            let workspace = Workspace::new(&format!("law-{name}-{n:03}"), place, guid(), "westeurope", 4_101);
            self.add_workspace(workspace);
        }
        self.directory.tenants.push(tenant);
        self.subscriptions.push(subscription);
    }

    /// A disabled subscription, and one whose only workspace has no Sentinel: discovery meets both.
    fn add_odd_subscriptions(&mut self, ids: &dyn IdSource) {
        let Some(tenant) = self.directory.tenants.first().cloned() else { return };
        for (name, state) in [("contoso retired", "Disabled"), ("contoso sandbox", "Enabled")] {
            let subscription = Subscription {
                id: ids.uuid_v4().to_string(),
                name: name.to_owned(),
                tenant_id: tenant.id.clone(),
                state,
                groups: vec![Group::named("rg-plain")],
            };
            let scope = format!("/subscriptions/{}", subscription.id);
            if let Some(contributor) = role("Contributor") {
                self.directory.assign((&tenant.app_object_id, "ServicePrincipal"), contributor.id, &scope, ids);
                if let Some(first) = self.directory.users.first().map(|user| user.object_id.clone()) {
                    self.directory.assign((&first, "User"), contributor.id, &scope, ids);
                }
            }
            if state == "Enabled" {
                let place = (tenant.id.as_str(), subscription.id.as_str(), "rg-plain");
                let mut workspace = Workspace::new("law-plain", place, ids.uuid_v4().to_string(), "northeurope", 1);
                workspace.onboarded = false;
                self.add_workspace(workspace);
            }
            self.subscriptions.push(subscription);
        }
    }

    /// The provider's own person: at home in the first directory, guest with rights in the others.
    fn add_operator(&mut self, ids: &dyn IdSource) {
        let Some(home) = self.directory.tenants.first().cloned() else { return };
        let others: Vec<String> = self.directory.tenants.iter().skip(1).map(|tenant| tenant.id.clone()).collect();
        let operator = User {
            object_id: ids.uuid_v4().to_string(),
            name: "Mona Operator".to_owned(),
            upn: format!("mona.operator@{}", home.domain),
            tenant_id: home.id,
            guest_in: others,
            disabled: false,
        };
        for subscription in &self.subscriptions {
            let scope = format!("/subscriptions/{}", subscription.id);
            for given in ["Microsoft Sentinel Contributor", "Contributor"] {
                if let Some(given) = role(given) {
                    self.directory.assign((&operator.object_id, "User"), given.id, &scope, ids);
                }
            }
        }
        self.directory.users.push(operator);
    }

    /// Adds made-up incidents, spread over the first `workspaces` workspaces and over the thirty
    /// days before `until`, oldest first.
    pub fn add_incidents(&mut self, count: usize, workspaces: usize, until: Timestamp, ids: &dyn IdSource) {
        let workspaces = workspaces.clamp(1, self.workspaces.len().max(1));
        let step = SignedDuration::from_hours(30 * 24) / i32::try_from(count.max(1)).unwrap_or(i32::MAX);
        let mut at = until.checked_sub(SignedDuration::from_hours(30 * 24)).unwrap_or(until);
        for number in 0..count {
            at = at.checked_add(step).unwrap_or(at);
            let created = self.ticker.next(at, ids);
            let place = number % workspaces;
            let incident = self.made_up(place, number, (created, at), ids);
            if let (Some(incident), Some(workspace)) = (incident, self.workspaces.get_mut(place)) {
                workspace.insert(incident);
            }
        }
        self.ticker.rewind();
    }

    /// A new incident that tells story `number`: the time written on it, and the clock's.
    pub fn made_up(
        &mut self,
        place: usize,
        number: usize,
        (created, now): (Timestamp, Timestamp),
        ids: &dyn IdSource,
    ) -> Option<Incident> {
        let story = evidence::story(number);
        let workspace = self.workspaces.get_mut(place)?;
        let defender_number = self.switches.defender.then(|| workspace.take_defender_number());
        let name = ids.uuid_v4().to_string();
        let ago = |minutes| created.checked_sub(SignedDuration::from_mins(minutes)).map(second).ok();
        let delay = SignedDuration::from_secs(self.switches.evidence_delay_s);
        Some(Incident {
            etag: stamp::etag(created, ids),
            number: workspace.take_number(),
            title: story.title.to_owned(),
            description: Some(story.description.to_owned()),
            severity: story.severity.to_owned(),
            status: "New".to_owned(),
            classification: None,
            classification_reason: None,
            classification_comment: None,
            owner: Owner::default(),
            labels: Vec::new(),
            first_activity: ago(60),
            last_activity: ago(10),
            created,
            modified: created,
            closed: None,
            defender_number,
            rule_ids: vec![evidence::rule_id(workspace, number)],
            alerts: vec![evidence::first_alert(&name, number, created)],
            entities: Vec::new(),
            tactics: vec![story.tactic.to_owned()],
            techniques: vec![story.technique.to_owned()],
            products: vec![story.product.to_owned()],
            evidence_at: now.checked_add(delay).unwrap_or(now),
            visible_at: now,
            merged_into: None,
            comments: Vec::new(),
            relations: Vec::new(),
            tasks: Vec::new(),
            modified_by: "Microsoft Sentinel".to_owned(),
            before: None,
            text: None,
            name,
        })
    }
}

fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
