//! What people and the world do on Microsoft's side, as the admin routes and the page hand it in.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Microsoft,
    automation::{Change, Target},
    directory, evidence,
    incident::{Alert, AlertBody, Author, Incident, Label, Owner, Shown},
};
use crate::twin::{
    stamp,
    wire::{Cx, Reply},
};

/// The members of an act.
struct Act<'a>(&'a Value);

impl Act<'_> {
    fn text(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    fn need(&self, name: &str) -> Result<String, String> {
        self.text(name).filter(|text| !text.is_empty()).ok_or_else(|| format!("{name} is missing"))
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.text(name)?.parse().ok()
    }
}

impl Microsoft {
    /// Does an act.
    pub fn act(&mut self, verb: &str, body: &Value, cx: &mut Cx<'_>) -> Reply {
        let act = Act(body);
        let outcome = match verb.split_once('.') {
            Some(("incident" | "incidents" | "comment", _)) => self.incident_act(verb, &act, cx),
            _ => self.directory_act(verb, &act, cx),
        };
        match outcome {
            Ok(done) => Reply::json(200, &done),
            Err(text) => Reply::json(400, &json!({ "error": text })),
        }
    }

    fn place_of(&self, act: &Act<'_>) -> Result<usize, String> {
        match act.text("workspace") {
            Some(name) => self.workspace_named(&name).ok_or_else(|| format!("no such workspace: {name}")),
            None => Ok(0),
        }
    }

    /// An incident by its GUID or its number.
    fn named(&self, place: usize, key: &str) -> Result<String, String> {
        let workspace = self.workspaces.get(place).ok_or("no such workspace")?;
        let found = workspace.get(key).or_else(|| workspace.by_number(key.parse().ok()?));
        found.map(|incident| incident.name.clone()).ok_or_else(|| format!("no such incident: {key}"))
    }

    fn incident_act(&mut self, verb: &str, act: &Act<'_>, cx: &mut Cx<'_>) -> Result<Value, String> {
        let place = self.place_of(act)?;
        if verb == "incident.create" {
            let count = act.number("count").unwrap_or(1);
            let mut made = Vec::new();
            for n in 0..count.min(100_000) {
                made.push(self.raise(place, act, n, cx)?);
            }
            return Ok(if count == 1 { made.pop().unwrap_or(Value::Null) } else { json!({"incidents": made}) });
        }
        if verb == "incidents.seed" {
            let count = act.number("count").unwrap_or(100);
            self.add_incidents(count, act.number("workspaces").unwrap_or(1), cx.now, cx.ids);
            return Ok(json!({ "added": count }));
        }
        let name = self.named(place, &act.need("incident").or_else(|_| act.need("source"))?)?;
        let who = self.actor(act);
        match verb {
            "incident.update" => self.person_changes(place, &name, act, &who, cx)?,
            "incident.close" => self.person_closes(place, &name, act, &who, cx),
            "incident.merge" => {
                let target = self.named(place, &act.need("target")?)?;
                self.merge(place, &name, &target, cx)?;
            }
            "incident.comment" => {
                let comment = act.text("name").unwrap_or_else(|| cx.ids.uuid_v4().to_string());
                let change = Change::by(&who.name, "User");
                self.add_comment(place, &name, &comment, act.need("message")?, who, &change, cx);
            }
            "incident.alert" => {
                let number = act.number("story").unwrap_or(0);
                let body = act.0.get("alert").filter(|alert| alert.is_object()).cloned();
                let tactic = if body.is_some() { None } else { Some(evidence::story(number).tactic) };
                let alert = Alert {
                    id: cx.ids.uuid_v4().to_string(),
                    body: body.map_or(AlertBody::Story(number), AlertBody::Given),
                    at: cx.now,
                };
                self.join_alert(place, &name, alert, tactic, cx);
            }
            "incident.delete" => {
                if let Some(workspace) = self.workspaces.get_mut(place) {
                    workspace.remove(&name);
                }
                return Ok(json!({ "deleted": name }));
            }
            "comment.edit" | "comment.delete" => self.comment_act(verb, place, &name, act, cx)?,
            other => return Err(format!("no such act: {other}")),
        }
        Ok(self.shown(place, &name))
    }

    fn shown(&self, place: usize, name: &str) -> Value {
        let found = self.workspaces.get(place).and_then(|workspace| Some((workspace, workspace.get(name)?)));
        found.map_or(Value::Null, |(workspace, incident)| {
            incident.to_json(&Shown {
                workspace_id: &workspace.id,
                tenant_id: &workspace.tenant_id,
                merged_members: self.switches.merged_incident_members,
            })
        })
    }

    /// Who acts: `user` by sign-in name, else the first analyst.
    fn actor(&self, act: &Act<'_>) -> Author {
        let asked = act.text("user").and_then(|key| self.directory.user(&key));
        let user = asked.or_else(|| self.directory.users.iter().find(|user| user.upn.starts_with("ana.")));
        user.map_or_else(Author::default, |user| Author {
            object_id: user.object_id.clone(),
            email: Some(user.upn.clone()),
            name: user.name.clone(),
            upn: Some(user.upn.clone()),
        })
    }

    /// A new incident by analytics rule or correlation.
    fn raise(&mut self, place: usize, act: &Act<'_>, n: usize, cx: &mut Cx<'_>) -> Result<Value, String> {
        let number = act
            .number("story")
            .map_or_else(|| self.workspaces.get(place).map_or(0, |workspace| workspace.len()), |story| story + n);
        let created = self.ticker.next(cx.now, cx.ids);
        let mut incident = self.made_up(place, number, (created, cx.now), cx.ids).ok_or("no such workspace")?;
        if let Some(name) = act.text("name").filter(|_| n == 0) {
            incident.name = name;
        }
        if let Some(properties) = act.0.get("alert").filter(|alert| alert.is_object()) {
            incident.alerts = vec![Alert {
                id: cx.ids.uuid_v4().to_string(),
                body: AlertBody::Given(properties.clone()),
                at: created,
            }];
        }
        self.set_members(&mut incident, act)?;
        incident.visible_at = self.shows_at(&incident, cx.now);
        let (name, alerts) = (incident.name.clone(), incident.alerts.clone());
        if let Some(workspace) = self.workspaces.get_mut(place) {
            workspace.insert(incident);
        }
        self.alerted(place, &name, &alerts, cx);
        self.changed(place, &name, Change { new: true, ..Change::by("Microsoft Sentinel", "Alert") }, cx);
        Ok(self.shown(place, &name))
    }

    /// Sets whatever members an act names.
    fn set_members(&self, incident: &mut Incident, act: &Act<'_>) -> Result<(), String> {
        let set = |name: &str, member: &mut String| {
            if let Some(text) = act.text(name) {
                *member = text;
            }
        };
        set("title", &mut incident.title);
        set("severity", &mut incident.severity);
        set("status", &mut incident.status);
        for (name, member) in [
            ("description", &mut incident.description),
            ("classification", &mut incident.classification),
            ("classificationReason", &mut incident.classification_reason),
            ("classificationComment", &mut incident.classification_comment),
        ] {
            match act.0.get(name) {
                Some(Value::Null) => *member = None,
                Some(Value::String(text)) => *member = Some(text.clone()),
                _ => {}
            }
        }
        if let Some(key) = act.0.get("owner") {
            incident.owner = match key.as_str().filter(|key| !key.is_empty()) {
                None => Owner::default(),
                Some(key) => {
                    let user = self.directory.user(key).ok_or_else(|| format!("no such user: {key}"))?;
                    Owner {
                        object_id: Some(user.object_id.clone()),
                        email: Some(user.upn.clone()),
                        assigned_to: Some(user.name.clone()),
                        upn: Some(user.upn.clone()),
                        kind: Some("User".into()),
                    }
                }
            };
        }
        if let Some(labels) = act.0.get("labels").and_then(Value::as_array) {
            incident.labels = labels.iter().filter_map(label).collect();
        }
        if let Some(entities) = act.0.get("entities").and_then(Value::as_array) {
            incident.entities = entities.clone();
        }
        if let Some(created) = act.text("createdTimeUtc").and_then(|text| stamp::parse(&text)) {
            incident.created = created;
        }
        Ok(())
    }

    fn person_changes(
        &mut self,
        place: usize,
        name: &str,
        act: &Act<'_>,
        who: &Author,
        cx: &mut Cx<'_>,
    ) -> Result<(), String> {
        let mut wanted =
            self.workspaces.get(place).and_then(|workspace| workspace.get(name)).cloned().ok_or("no such incident")?;
        let old = wanted.clone();
        self.set_members(&mut wanted, act)?;
        if wanted.status != "Closed" {
            wanted.classification = None;
            wanted.classification_reason = None;
            wanted.classification_comment = None;
        }
        let change = Change::by(&who.name, "User").between(&old, &wanted);
        self.bump(place, name, &who.name, cx, |incident| {
            let kept = Incident { created: incident.created, before: incident.before.take(), text: None, ..wanted };
            *incident = kept;
        });
        self.changed(place, name, change, cx);
        Ok(())
    }

    fn person_closes(&mut self, place: usize, name: &str, act: &Act<'_>, who: &Author, cx: &mut Cx<'_>) {
        let class = act.text("classification").unwrap_or_else(|| "TruePositive".into());
        let reason = act.text("classificationReason").or_else(|| {
            let usual = match class.as_str() {
                "TruePositive" => "SuspiciousActivity",
                "BenignPositive" => "SuspiciousButExpected",
                "FalsePositive" => "InaccurateData",
                _ => return None,
            };
            Some(usual.to_owned())
        });
        let comment = act.text("classificationComment");
        let was = self
            .workspaces
            .get(place)
            .and_then(|workspace| workspace.get(name))
            .map(|incident| incident.status.clone());
        self.bump(place, name, &who.name, cx, |incident| {
            incident.status = "Closed".into();
            incident.classification = Some(class);
            incident.classification_reason = reason;
            incident.classification_comment = comment;
        });
        let status = was.filter(|was| was != "Closed").map(|was| (was, "Closed".to_owned()));
        self.changed(place, name, Change { status, ..Change::by(&who.name, "User") }, cx);
    }

    fn comment_act(
        &mut self,
        verb: &str,
        place: usize,
        incident: &str,
        act: &Act<'_>,
        cx: &mut Cx<'_>,
    ) -> Result<(), String> {
        let comment = act.need("comment")?;
        let (at, etag) = self.version(cx);
        let bumps =
            if verb == "comment.edit" { self.switches.comment_edit_bumps } else { self.switches.comment_delete_bumps };
        let message = if verb == "comment.edit" { Some(act.need("message")?) } else { None };
        let change = |found: &mut Incident| match message {
            Some(message) => {
                if let Some(known) = found.comments.iter_mut().find(|known| known.name.eq_ignore_ascii_case(&comment)) {
                    known.message = message;
                    known.modified = at;
                    known.etag = etag;
                }
            }
            None => found.comments.retain(|known| !known.name.eq_ignore_ascii_case(&comment)),
        };
        if bumps {
            self.bump(place, incident, "", cx, change);
        } else if let Some(workspace) = self.workspaces.get_mut(place) {
            workspace.change(incident, false, change);
        }
        Ok(())
    }

    fn directory_act(&mut self, verb: &str, act: &Act<'_>, cx: &mut Cx<'_>) -> Result<Value, String> {
        let user = || -> Result<String, String> {
            let key = act.need("user")?;
            self.directory.user(&key).map(|user| user.object_id.clone()).ok_or_else(|| format!("no such user: {key}"))
        };
        match verb {
            "user.revoke" => {
                let id = user()?;
                self.entra.revoke(&id, cx.now);
            }
            "user.disable" | "user.enable" => {
                let id = user()?;
                if let Some(user) = self.directory.users.iter_mut().find(|user| user.object_id == id) {
                    user.disabled = verb == "user.disable";
                }
            }
            "tokens.expire" => self.entra.expire_access(cx.now),
            "tokens.challenge" => self.entra.challenge(true),
            "tokens.script" => {
                let codes = act.0.get("codes").and_then(Value::as_array).ok_or("codes is missing")?;
                self.entra.scripted =
                    codes.iter().filter_map(Value::as_u64).filter_map(|code| u32::try_from(code).ok()).collect();
            }
            "keys.rotate" => self.entra.key_generation += 1,
            "secret.add" => {
                let ends = act.text("ends").and_then(|text| text.parse::<Timestamp>().ok());
                self.entra.app.secrets.push((act.need("secret")?, ends));
            }
            "secret.remove" => {
                let secret = act.need("secret")?;
                self.entra.app.secrets.retain(|(known, _)| *known != secret);
            }
            "certificate.add" => self.entra.app.certificates.push(act.0.get("jwk").cloned().ok_or("jwk is missing")?),
            "redirect.add" => self.entra.app.redirects.push(act.need("redirect_uri")?),
            "role.assign" | "role.remove" => {
                let role = directory::role(&act.need("role")?).ok_or("no such role")?;
                let key = act.need("principal")?;
                let known = self.directory.user(&key).map(|user| user.object_id.clone());
                let kind = if known.is_some() { "User" } else { "ServicePrincipal" };
                let (principal, scope) = (known.unwrap_or(key), act.need("scope")?);
                if verb == "role.assign" {
                    self.directory.assign((&principal, kind), role.id, &scope, cx.ids);
                } else {
                    self.directory.assignments.retain(|_, given| {
                        given.principal_id != principal
                            || given.role_id != role.id
                            || !given.scope.eq_ignore_ascii_case(&scope)
                    });
                }
            }
            "workspace.onboard" | "workspace.offboard" => {
                let place = self.place_of(act)?;
                if let Some(workspace) = self.workspaces.get_mut(place) {
                    workspace.onboarded = verb == "workspace.onboard";
                }
            }
            "webhook.set" => {
                let headers = act.0.get("headers").and_then(Value::as_object).into_iter().flatten();
                let headers =
                    headers.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
                self.automation.targets.push(Target {
                    workspace: act.text("workspace"),
                    url: act.need("url")?,
                    headers,
                });
            }
            "webhook.clear" => self.automation.targets.clear(),
            other => return Err(format!("no such act: {other}")),
        }
        Ok(json!({ "done": verb }))
    }
}

/// A tag by its name, or as the service writes it: then it may be one that was assigned automatically.
fn label(given: &Value) -> Option<Label> {
    let of = |member: &str| given.get(member).and_then(Value::as_str);
    let name = given.as_str().or_else(|| of("labelName"))?.to_owned();
    Some(Label { name, kind: if of("labelType") == Some("AutoAssigned") { "AutoAssigned" } else { "User" } })
}
