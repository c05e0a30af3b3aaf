//! What analysts do in Sentinel.

use serde_json::{Value, json};

use super::{
    nemesis::Nemesis,
    people::{Deed, SAID_MAX, SEVERITIES},
    shape::PEOPLE,
    story::Who,
    watch::{By, IncidentKey, Said, Where, Wording, incident_of},
    words,
    world::World,
};

impl World {
    /// An incident that is still there.
    pub(super) fn some_incident(&mut self) -> Option<IncidentKey> {
        let there: Vec<IncidentKey> = {
            let deleted = &self.watch.deleted;
            self.people.raised.iter().filter(|key| !deleted.contains(*key)).cloned().collect()
        };
        self.people.dice.pick(&there).cloned()
    }

    fn status_of(&self, key: &IncidentKey) -> Option<(String, bool)> {
        self.twin.with(|world, _| {
            incident_of(world, key).map(|incident| (incident.status.clone(), incident.merged_into.is_some()))
        })
    }

    pub(super) fn analyst_on(&mut self, key: &IncidentKey, more: Value) -> Value {
        let user = self.people.dice.pick(&PEOPLE).map_or("", |(analyst, _)| *analyst);
        let workspace = self.shape.places.get(key.0).map(|place| place.workspace.clone()).unwrap_or_default();
        let mut body = json!({ "workspace": workspace, "incident": key.1, "user": user });
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        body
    }

    /// An analyst changes an incident.
    pub(super) fn analyst_changes(&mut self, key: &IncidentKey, what: Value) {
        let told = format!("changes incident {}: {what}", key.1);
        let body = self.analyst_on(key, what);
        if self.done("incident.update", &body).is_some() {
            self.watch.incident(&self.twin, key, By::Person);
            self.watch.asks_for_a_reading(&key.1);
            self.tell(Who::Analyst, told);
        }
    }

    pub(super) fn analyst_does(&mut self, deed: Deed) {
        let Some(key) = self.some_incident() else { return };
        let Some((status, redirected)) = self.status_of(&key) else { return };
        if redirected && deed != Deed::Comment && deed != Deed::DeleteIncident {
            return;
        }
        match deed {
            Deed::Comment => self.comment(&key, false),
            Deed::CommentTwice => self.comment(&key, true),
            Deed::EditComment | Deed::DeleteComment => self.change_comment(&key, deed == Deed::DeleteComment),
            Deed::Severity => {
                let severity = self.people.dice.pick(&SEVERITIES).copied().unwrap_or("Low");
                self.analyst_changes(&key, json!({ "severity": severity }));
            }
            Deed::Owner => {
                let owner = match self.people.dice.below(4) {
                    0 => "",
                    n => PEOPLE.get(usize::try_from(n % 2).unwrap_or(0)).map_or("", |(analyst, _)| *analyst),
                };
                self.analyst_changes(&key, json!({ "owner": owner }));
            }
            Deed::Status if status != "Closed" => {
                let status = if status == "New" { "Active" } else { "New" };
                self.analyst_changes(&key, json!({ "status": status }));
            }
            Deed::Close if status != "Closed" => self.close_incident(&key),
            Deed::Reopen if status == "Closed" => self.analyst_changes(&key, json!({ "status": "Active" })),
            Deed::Alert => {
                let body = self.analyst_on(&key, json!({}));
                if self.done("incident.alert", &body).is_some() {
                    self.tell(Who::Cloud, format!("an alert joins incident {}", key.1));
                }
            }
            Deed::Label => {
                let mark = self.people.mark();
                self.analyst_changes(&key, json!({ "labels": [mark] }));
            }
            Deed::Merge => self.merge(&key),
            Deed::DeleteIncident => {
                let body = self.analyst_on(&key, json!({}));
                if self.done("incident.delete", &body).is_some() {
                    self.coverage.struck(Nemesis::IncidentDeleted);
                    self.watch.deleted.insert(key.clone());
                    self.tell(Who::Analyst, format!("deletes incident {}", key.1));
                }
            }
            _ => {}
        }
    }

    fn comment(&mut self, key: &IncidentKey, twice: bool) {
        let said =
            self.watch.said.iter().filter(|said| matches!(&said.place, Where::Comment(on, _) if on == key)).count();
        let client = self.shape.places.get(key.0).map_or(0, |place| place.client);
        if said >= SAID_MAX {
            return;
        }
        let mark = self.people.mark();
        let text = words::text(&mut self.people.dice, client, &mark, true);
        // Sentinel takes no longer comment.
        if text.typed.chars().count() > 29_000 {
            return;
        }
        for _ in 0..if twice { 2 } else { 1 } {
            let name = self.twin.with(|world, _| incident_of(world, key).map_or(0, |incident| incident.comments.len()));
            let body = self.analyst_on(key, json!({ "message": text.typed }));
            if self.done("incident.comment", &body).is_none() {
                return;
            }
            let comment = self.twin.with(|world, _| {
                let incident = incident_of(world, key)?;
                (incident.comments.len() > name).then(|| incident.comments.last().map(|c| c.name.to_lowercase()))?
            });
            let Some(comment) = comment else { return };
            let order = self.watch.next_order();
            let wording = Wording { at: self.now(), order, mark: mark.clone(), words: text.words.clone() };
            let place = Where::Comment(key.clone(), comment.clone());
            let versions = vec![wording];
            self.watch.said.push(Said { place, versions, client, crosses: true, private: false, gone: None });
            self.tell(
                Who::Analyst,
                format!("comments on {}: {} ({comment})", key.1, super::describe::short(&text.typed)),
            );
        }
    }

    /// One of the comments that a person wrote and that is still there.
    fn some_comment(&mut self, key: &IncidentKey) -> Option<usize> {
        let there: Vec<usize> = self
            .watch
            .said
            .iter()
            .enumerate()
            .filter(|(_, said)| said.gone.is_none() && matches!(&said.place, Where::Comment(on, _) if on == key))
            .map(|(n, _)| n)
            .collect();
        self.people.dice.pick(&there).copied()
    }

    fn change_comment(&mut self, key: &IncidentKey, delete: bool) {
        let Some(n) = self.some_comment(key) else { return };
        let Some((Where::Comment(_, comment), client)) = self.watch.said.get(n).map(|s| (s.place.clone(), s.client))
        else {
            return;
        };
        let mark = self.people.mark();
        let text = words::text(&mut self.people.dice, client, &mark, false);
        let verb = if delete { "comment.delete" } else { "comment.edit" };
        if !delete && text.typed.chars().count() > 29_000 {
            return;
        }
        let body = self.analyst_on(key, json!({ "comment": comment, "message": text.typed }));
        if self.done(verb, &body).is_none() {
            return;
        }
        let at = self.now();
        self.watch.reworded(n, at, (!delete).then_some((mark, text.words)));
        let what = if delete { "deletes" } else { "edits" };
        self.tell(
            Who::Analyst,
            format!("{what} comment {comment} on {}: {}", key.1, super::describe::short(&text.typed)),
        );
    }

    fn close_incident(&mut self, key: &IncidentKey) {
        let verdicts = [
            ("TruePositive", "SuspiciousActivity"),
            ("BenignPositive", "SuspiciousButExpected"),
            ("FalsePositive", "InaccurateData"),
            ("Undetermined", ""),
        ];
        let (class, reason) = self.people.dice.pick(&verdicts).copied().unwrap_or(("Undetermined", ""));
        let client = self.shape.places.get(key.0).map_or(0, |place| place.client);
        let mark = self.people.mark();
        let mut more = json!({
            "classification": class, "classificationComment": format!("closed {mark} {}", words::client_mark(client)),
        });
        if let (false, Some(more)) = (reason.is_empty(), more.as_object_mut()) {
            more.insert("classificationReason".into(), reason.into());
        }
        let body = self.analyst_on(key, more);
        if self.done("incident.close", &body).is_some() {
            self.watch.incident(&self.twin, key, By::Person);
            self.tell(Who::Analyst, format!("closes incident {} as {class} {mark}", key.1));
        }
    }

    pub(super) fn merge(&mut self, source: &IncidentKey) {
        let others: Vec<IncidentKey> = {
            let deleted = &self.watch.deleted;
            let fits = |key: &&IncidentKey| key.0 == source.0 && *key != source && !deleted.contains(*key);
            self.people.raised.iter().filter(fits).cloned().collect()
        };
        let Some(target) = self.people.dice.pick(&others).cloned() else { return };
        let body = self.analyst_on(source, json!({ "target": target.1 }));
        if self.done("incident.merge", &body).is_some() {
            self.coverage.struck(Nemesis::Merge);
            self.watch.incident(&self.twin, source, By::Cloud);
            self.watch.incident(&self.twin, &target, By::Cloud);
            self.tell(Who::Cloud, format!("Defender merges incident {} into {}", source.1, target.1));
        }
    }
}
