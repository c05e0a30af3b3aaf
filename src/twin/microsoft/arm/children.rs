//! An incident's comments and tasks.

use serde_json::{Value, json};

use super::{
    body,
    errors::{bad_request, conflict, error, not_found},
    filter::Filter,
    no_method, paging,
    sentinel::Spot,
    wrong_member,
};
use crate::twin::{
    microsoft::{
        Microsoft,
        automation::Change,
        entra::Access,
        incident::{Author, Comment, Incident, Task},
        workspace::Workspace,
    },
    wire::{Cx, Reply},
};

/// Tasks an incident may have.
const TASKS_MAX: usize = 40;

impl Microsoft {
    pub(super) fn incident(&self, place: usize, name: &str) -> Option<(&Workspace, &Incident)> {
        let workspace = self.workspaces.get(place)?;
        Some((workspace, workspace.get(name)?))
    }

    /// Changes an incident's children without moving its own version.
    fn quietly(&mut self, place: usize, name: &str, change: impl FnOnce(&mut Incident)) {
        if let Some(workspace) = self.workspaces.get_mut(place) {
            workspace.change(name, false, change);
        }
    }

    pub(super) fn comments(&mut self, spot: &Spot<'_>, rest: &[&str], incident: &str, cx: &mut Cx<'_>) -> Reply {
        match (spot.method(), rest) {
            ("GET", ["comments"]) => self.list_comments(spot, incident, cx),
            ("GET", ["comments", _]) => self.comment_reply(spot.place, incident, spot.name(3), 200),
            ("PUT", ["comments", _]) => self.put_comment(spot, incident, cx),
            ("DELETE", ["comments", _]) => self.delete_comment(spot, incident, cx),
            _ => no_method(spot.method()),
        }
    }

    fn list_comments(&self, spot: &Spot<'_>, incident: &str, cx: &Cx<'_>) -> Reply {
        let size = match paging::top(spot.ask.call, self.switches.page_default, self.switches.top_refused) {
            Ok(size) => size,
            Err(refused) => return refused,
        };
        let Some((workspace, found)) = self.incident(spot.place, incident) else {
            return not_found("Incident", incident);
        };
        let filter = match spot.ask.call.query("$filter").filter(|text| !text.trim().is_empty()) {
            Some(text) => match Filter::of_comments(text) {
                Ok(filter) => Some(filter),
                Err(_) => return super::errors::odata(),
            },
            None => None,
        };
        let mut shown: Vec<&Comment> = found
            .comments
            .iter()
            .filter(|comment| self.stale.is_none_or(|age| cx.now.duration_since(comment.created) >= age))
            .filter(|comment| filter.as_ref().is_none_or(|filter| filter.passes(*comment)))
            .collect();
        // Newest first, unless asked otherwise.
        match spot.ask.call.query("$orderby").map(str::to_lowercase).as_deref() {
            None | Some("" | "properties/createdtimeutc desc") => {
                shown.sort_by_key(|comment| std::cmp::Reverse(comment.created))
            }
            Some("properties/createdtimeutc" | "properties/createdtimeutc asc") => {
                shown.sort_by_key(|comment| comment.created)
            }
            Some("properties/lastmodifiedtimeutc" | "properties/lastmodifiedtimeutc asc") => {
                shown.sort_by_key(|comment| comment.modified)
            }
            Some("properties/lastmodifiedtimeutc desc") => {
                shown.sort_by_key(|comment| std::cmp::Reverse(comment.modified))
            }
            Some(_) => return super::errors::odata(),
        }
        let rows = shown.into_iter().map(|comment| found.comment_json(comment, &workspace.id)).collect();
        paging::page(spot.ask.call, "arm", rows, size)
    }

    fn comment_reply(&self, place: usize, incident: &str, name: &str, status: u16) -> Reply {
        let found = self.incident(place, incident).and_then(|(workspace, incident)| {
            let comment = incident.comments.iter().find(|comment| comment.name.eq_ignore_ascii_case(name))?;
            Some(incident.comment_json(comment, &workspace.id))
        });
        found.map_or_else(|| not_found("Comment", name), |comment| Reply::json(status, &comment))
    }

    fn put_comment(&mut self, spot: &Spot<'_>, incident: &str, cx: &mut Cx<'_>) -> Reply {
        let sent = match body(spot.ask.call) {
            Ok(sent) => sent,
            Err(refused) => return refused,
        };
        let message = match sent.get("properties").and_then(|properties| properties.get("message")) {
            Some(Value::String(message)) if !message.is_empty() => message.clone(),
            _ => return bad_request("'Message' must have a non-empty value"),
        };
        if message.chars().count() > self.switches.comment_length_max {
            return bad_request(&format!(
                "Comment length should not exceed {} characters",
                self.switches.comment_length_max
            ));
        }
        let etag = sent.get("etag").and_then(Value::as_str);
        let (place, name) = (spot.place, spot.name(3).to_owned());
        let author = author(&spot.ask.access);
        let Some((_, found)) = self.incident(place, incident) else { return not_found("Incident", incident) };
        match found.comments.iter().find(|comment| comment.name.eq_ignore_ascii_case(&name)) {
            Some(known) => {
                if etag.is_some_and(|etag| etag.trim_matches('"') != known.etag.trim_matches('"'))
                    || (etag.is_none() && self.switches.comment_etag_needed)
                {
                    return conflict(&name);
                }
                if known.author.object_id != author.object_id {
                    return error(403, "Forbidden", "Only the author of a comment can edit it.");
                }
                self.edit_comment(place, incident, &name, message, cx);
                self.comment_reply(place, incident, &name, 200)
            }
            None if found.comments.len() >= self.switches.comments_max => {
                let code = if self.switches.comments_max_status == 409 { "Conflict" } else { "BadRequest" };
                error(self.switches.comments_max_status, code, &self.switches.comments_max_text)
            }
            None => {
                self.add_comment(place, incident, &name, message, author, &Change::updated(&spot.ask.access), cx);
                self.comment_reply(place, incident, &name, 201)
            }
        }
    }

    fn edit_comment(&mut self, place: usize, incident: &str, name: &str, message: String, cx: &mut Cx<'_>) {
        let (at, etag) = self.version(cx);
        let edit = |found: &mut Incident| {
            if let Some(comment) = found.comments.iter_mut().find(|comment| comment.name.eq_ignore_ascii_case(name)) {
                comment.message = message;
                comment.modified = at;
                comment.etag = etag;
            }
        };
        if self.switches.comment_edit_bumps {
            self.bump(place, incident, "", cx, edit);
        } else {
            self.quietly(place, incident, edit);
        }
    }

    /// Adds a comment: the incident's version moves and rules for added comments run.
    #[expect(clippy::too_many_arguments, reason = "each is a different thing and there is one caller for each writer")]
    pub fn add_comment(
        &mut self,
        place: usize,
        incident: &str,
        name: &str,
        message: String,
        author: Author,
        by: &Change,
        cx: &mut Cx<'_>,
    ) {
        let (at, etag) = self.version(cx);
        let writer = author.name.clone();
        let comment = Comment { name: name.to_owned(), etag, message, created: at, modified: at, author };
        self.bump(place, incident, &writer, cx, |found| found.comments.push(comment));
        let change = Change { comments_added: 1, ..by.clone() };
        self.changed(place, incident, change, cx);
    }

    fn delete_comment(&mut self, spot: &Spot<'_>, incident: &str, cx: &mut Cx<'_>) -> Reply {
        let (place, name) = (spot.place, spot.name(3).to_owned());
        let Some((workspace, found)) = self.incident(place, incident) else { return not_found("Incident", incident) };
        let Some(known) = found.comments.iter().find(|comment| comment.name.eq_ignore_ascii_case(&name)) else {
            return Reply::empty(204);
        };
        let own = known.author.object_id == spot.ask.access.principal.object_id;
        if !own && !self.allowed(&spot.ask.access, "Microsoft.SecurityInsights/*", &workspace.id) {
            return error(
                403,
                "Forbidden",
                "Only the author of a comment or a Microsoft Sentinel Contributor can delete it.",
            );
        }
        let remove = |found: &mut Incident| found.comments.retain(|comment| !comment.name.eq_ignore_ascii_case(&name));
        if self.switches.comment_delete_bumps {
            self.bump(place, incident, &spot.ask.access.principal.name, cx, remove);
        } else {
            self.quietly(place, incident, remove);
        }
        Reply::json(200, &json!({}))
    }

    pub(super) fn tasks(&mut self, spot: &Spot<'_>, rest: &[&str], incident: &str, cx: &mut Cx<'_>) -> Reply {
        let Some((workspace, found)) = self.incident(spot.place, incident) else {
            return not_found("Incident", incident);
        };
        let name = spot.name(3).to_owned();
        let at = found.tasks.iter().position(|task| task.name.eq_ignore_ascii_case(&name));
        match (spot.method(), rest) {
            ("GET", ["tasks"]) => {
                let rows = found.tasks.iter().map(|task| found.task_json(task, &workspace.id)).collect();
                paging::page(spot.ask.call, "arm", rows, paging::TOP_MAX)
            }
            ("GET", ["tasks", _]) => self.task_reply(spot.place, incident, &name, 200),
            ("PUT", ["tasks", _]) => self.put_task(spot, incident, &name, at, cx),
            ("DELETE", ["tasks", _]) if at.is_none() => Reply::empty(204),
            ("DELETE", ["tasks", _]) => {
                let remove = |found: &mut Incident| found.tasks.retain(|task| !task.name.eq_ignore_ascii_case(&name));
                self.task_write(spot, incident, cx, remove);
                Reply::json(200, &json!({}))
            }
            _ => no_method(spot.method()),
        }
    }

    fn task_write(&mut self, spot: &Spot<'_>, incident: &str, cx: &Cx<'_>, change: impl FnOnce(&mut Incident)) {
        if self.switches.task_write_bumps {
            self.bump(spot.place, incident, &spot.ask.access.principal.name, cx, change);
        } else {
            self.quietly(spot.place, incident, change);
            if let Some(workspace) = self.workspaces.get_mut(spot.place) {
                workspace.log_again(incident, cx.now);
            }
        }
    }

    fn task_reply(&self, place: usize, incident: &str, name: &str, status: u16) -> Reply {
        let found = self.incident(place, incident).and_then(|(workspace, incident)| {
            let task = incident.tasks.iter().find(|task| task.name.eq_ignore_ascii_case(name))?;
            Some(incident.task_json(task, &workspace.id))
        });
        found.map_or_else(|| not_found("Task", name), |task| Reply::json(status, &task))
    }

    fn put_task(&mut self, spot: &Spot<'_>, incident: &str, name: &str, at: Option<usize>, cx: &mut Cx<'_>) -> Reply {
        let sent = match body(spot.ask.call) {
            Ok(sent) => sent,
            Err(refused) => return refused,
        };
        let text = |member: &str| {
            let value = sent.get("properties").and_then(|properties| properties.get(member));
            value.and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let Some(title) = text("title") else { return bad_request("'Title' must have a non-empty value") };
        let status = match text("status").as_deref() {
            None => return bad_request("status must not be empty."),
            Some(status @ ("New" | "Completed")) => status.to_owned(),
            Some(_) => return wrong_member("status"),
        };
        let current = self.incident(spot.place, incident).map(|(_, found)| &found.tasks);
        let known = at.and_then(|at| current.and_then(|tasks| tasks.get(at))).cloned();
        let etag = sent.get("etag").and_then(Value::as_str);
        if let (Some(known), Some(etag)) = (&known, etag)
            && etag.trim_matches('"') != known.etag.trim_matches('"')
        {
            return conflict(name);
        }
        if known.is_none() && current.is_some_and(|tasks| tasks.len() >= TASKS_MAX) {
            return bad_request(&format!("The incident has reached the maximum number of tasks ({TASKS_MAX})"));
        }
        let writer = author(&spot.ask.access);
        let (now, etag) = self.version(cx);
        let task = Task {
            name: name.to_owned(),
            etag,
            title,
            description: text("description"),
            status,
            created: known.as_ref().map_or(now, |task| task.created),
            modified: now,
            created_by: known.as_ref().map_or_else(|| writer.clone(), |task| task.created_by.clone()),
            modified_by: writer,
        };
        self.task_write(spot, incident, cx, |found| match at.and_then(|at| found.tasks.get_mut(at)) {
            Some(old) => *old = task,
            None => found.tasks.push(task),
        });
        self.task_reply(spot.place, incident, name, if known.is_some() { 200 } else { 201 })
    }
}

/// Who a token writes as: an application has neither mail address nor sign-in name.
pub fn author(access: &Access) -> Author {
    Author {
        object_id: access.principal.object_id.clone(),
        email: access.principal.upn.clone(),
        name: access.principal.name.clone(),
        upn: access.principal.upn.clone(),
    }
}
