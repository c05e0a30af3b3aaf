//! Actions (notes) and how they are read (sheet 4.1, 4.2 and 4.5).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    Halo,
    catalogue::Object,
    respond,
    text::{date, parse_date, truth},
};
use crate::twin::wire::{Call, Reply};

/// What the agent screen names itself in `actionby_application_id`.
pub(crate) const SCREEN: &str = "nethelpdesk-agent-web-application";

/// An action as kept. Its id is unique within its ticket only.
#[derive(Debug, Clone)]
pub struct Action {
    /// Number within the ticket, from 1.
    pub id: i64,
    /// Its GUID.
    pub guid: String,
    /// Name of its kind.
    pub outcome: String,
    /// Kind; 0 = none.
    pub outcome_id: i64,
    /// Above 0 for those Halo writes by itself.
    pub system_id: i64,
    /// Display name of the author.
    pub who: String,
    /// Authoring agent; 0 when it was a user.
    pub agent_id: i64,
    /// Authoring user; 0 when it was an agent.
    pub user_id: i64,
    /// The application it was written with.
    pub application: String,
    /// Written at.
    pub datetime: Timestamp,
    /// Changed at.
    pub last_updated: Timestamp,
    /// Text.
    pub note: String,
    /// Text as HTML.
    pub note_html: String,
    /// Not shown to the user.
    pub private: bool,
    /// Marked important.
    pub important: bool,
    /// `I` for a mail in, `O` for a mail out, empty otherwise.
    pub direction: &'static str,
    /// Status before and after.
    pub status: (i64, i64),
    /// Hours.
    pub time_taken: f64,
    /// Other members that were sent.
    pub extra: Object,
}

/// Members taken as sent and always shown, with their empty values.
pub(crate) const ACTION_EXTRA: &[(&str, &str)] = &[
    ("emailto", ""),
    ("emailcc", ""),
    ("emailsubject", ""),
    ("sentinel_classification", ""),
    ("sentinel_classification_reason", ""),
    ("sentinel_id", ""),
    ("third_party_who", ""),
];

impl Halo {
    /// An action as shown; `html` for `note_html`.
    pub(crate) fn show_action(&self, ticket_id: i64, a: &Action, html: bool) -> Object {
        let application =
            if self.switches.application_name_shown || a.application == SCREEN { a.application.as_str() } else { "" };
        let status_name = self.cat.statuses.text(a.status.1, "name");
        let sync = a.extra.get("sync_to_sentinel").and_then(Value::as_bool).unwrap_or(false);
        let shown = json!({
            "id": a.id, "ticket_id": ticket_id, "guid": a.guid, "outcome": a.outcome, "outcome_id": a.outcome_id,
            "action_systemid": a.system_id, "who": a.who, "who_type": if a.user_id > 0 { 2 } else { 1 }, "who_agentid": a.agent_id,
            "actionby_agent_id": a.agent_id, "actionby_user_id": a.user_id, "actionby_application_id": application,
            "datetime": date(a.datetime), "actiondatecreated": date(a.datetime), "last_updated": date(a.last_updated),
            "actionarrivaldate": self.date_member(a, "actionarrivaldate"), "actioncompletiondate": self.date_member(a, "actioncompletiondate"),
            "note": a.note, "hiddenfromuser": a.private, "important": a.important, "emaildirection": a.direction,
            "emailfrom": if a.user_id > 0 { self.cat.users.text(a.user_id, "emailaddress") } else { "" },
            "emailbody": if a.direction.is_empty() { "" } else { a.note.as_str() },
            "old_status": a.status.0, "new_status": a.status.1, "new_status_name": status_name,
        });
        let figures = json!({
            "timetaken": a.time_taken, "timetakenadjusted": 0.0, "timetakendays": 0.0, "nonbilltime": 0.0, "traveltime": 0.0,
            "actionchargeamount": 0.0, "actionchargehours": 0.0, "actionnonchargeamount": 0.0, "actionnonchargehours": 0.0,
            "actisbillable": false, "attachment_count": 0, "chargerate": 0, "charge_rate_id": 0, "project_id": 0,
            "sync_to_sentinel": sync, "colour": "#2b5c8a", "use": "action",
            "actionprepayhours": 0.0, "actionprepayamount": 0.0, "actiontravelchargehours": 0.0, "travel_chargerate": 0,
            "actisreadyforprocessing": false, "travelisreadyforprocessing": false, "action_contract_id": 0, "actioncontractid": 0,
            "replied_to_ticket_id": 0, "replied_to_action_id": 0, "created_from_ticket_id": 0, "created_from_action_id": 0,
            "unread": false, "personal_unread": false, "translations": [], "who_imgpath": "", "on_behalf_of_name": "",
        });
        let (Value::Object(mut shown), Value::Object(figures)) = (shown, figures) else { return Object::new() };
        shown.extend(figures);
        if !self.switches.system_actions_marked {
            shown.remove("action_systemid");
        }
        for (member, empty) in ACTION_EXTRA {
            let value = a.extra.get(*member).cloned().unwrap_or_else(|| Value::from(*empty));
            shown.insert((*member).to_owned(), value);
        }
        if html {
            shown.insert("note_html".into(), a.note_html.as_str().into());
        }
        shown
    }

    fn date_member(&self, a: &Action, member: &str) -> Value {
        self.date_or_empty(a.extra.get(member).and_then(Value::as_str).and_then(parse_date))
    }

    /// `GET /Actions`: newest first; nothing without a ticket or a range of at most a day.
    pub(crate) fn action_list(&self, call: &Call) -> Reply {
        let on = |name: &str| call.query(name).is_some_and(truth);
        let given_date = |name: &str| call.query(name).and_then(parse_date);
        let (start, end) = (given_date("startdate"), given_date("enddate"));
        let ticket_id = call.query("ticket_id").and_then(|v| v.trim().parse::<i64>().ok()).filter(|id| *id > 0);
        let mut found: Vec<(i64, &Action)> = match ticket_id {
            Some(id) => self
                .shelf
                .by_id
                .get(&id)
                .into_iter()
                .flat_map(|filed| filed.actions.values().rev())
                .map(|a| (id, a))
                .collect(),
            None => match (start, end) {
                (Some(start), Some(end)) if end.duration_since(start) <= SignedDuration::from_hours(24) => {
                    let mut list: Vec<_> = self
                        .shelf
                        .actions_from(start)
                        .take_while(|(at, _, _)| *at <= end)
                        .filter_map(|(_, ticket, id)| Some((ticket, self.shelf.by_id.get(&ticket)?.actions.get(&id)?)))
                        .collect();
                    list.reverse();
                    list
                }
                _ => Vec::new(),
            },
        };
        found.retain(|(_, a)| {
            let left_out = (on("excludesys") && a.system_id > 0)
                || (on("excludeprivate") && a.private)
                || (on("agentonly") && (a.agent_id == 0 || a.system_id > 0))
                || (on("conversationonly") && (a.private || a.system_id > 0))
                || (on("importantonly") && !a.important)
                || (on("timeentriesonly") && a.time_taken <= 0.0);
            !left_out && start.is_none_or(|s| a.datetime >= s) && end.is_none_or(|e| a.datetime <= e)
        });
        let total = found.len();
        let number = |name: &str| call.query(name).and_then(|v| v.trim().parse::<usize>().ok()).filter(|n| *n > 0);
        let cap = usize::try_from(self.switches.actions_cap).ok().filter(|cap| *cap > 0).unwrap_or(usize::MAX);
        if on("pageinate") {
            let (no, size) = (number("page_no").unwrap_or(1), number("page_size").unwrap_or(50).min(cap));
            found = found.into_iter().skip((no - 1).saturating_mul(size)).take(size).collect();
        } else {
            found.truncate(number("count").unwrap_or(usize::MAX).min(cap));
        }
        let html = on("includehtmlnote");
        let actions: Vec<Value> = found
            .iter()
            .map(|(id, a)| {
                let mut shown = self.show_action(*id, a, html);
                if on("includehtmlemail") {
                    shown.insert(
                        "emailbody_html".into(),
                        if a.direction.is_empty() { "" } else { a.note_html.as_str() }.into(),
                    );
                }
                Value::Object(shown)
            })
            .collect();
        let mut body = Object::new();
        body.insert("ticket_id".into(), ticket_id.unwrap_or(0).into());
        self.count(&mut body, total);
        body.insert("actions".into(), actions.into());
        respond::ok(&Value::Object(body))
    }

    /// `GET /Actions/{id}?ticket_id=N`; the ticket is compulsory.
    pub(crate) fn action_one(&self, id: &str, call: &Call) -> Reply {
        let Some(ticket_id) = call.query("ticket_id").and_then(|v| v.trim().parse::<i64>().ok()) else {
            return respond::refused("The ticket_id must be included to get an Action");
        };
        let actions = self.shelf.by_id.get(&ticket_id).map(|filed| &filed.actions);
        let newest = call.query("mostrecent").is_some_and(truth);
        let system = !call.query("nonsystem").is_some_and(truth);
        let action = if newest {
            actions.and_then(|list| list.values().rev().find(|a| system || a.system_id == 0))
        } else {
            id.parse::<i64>().ok().and_then(|id| actions?.get(&id))
        };
        match action {
            Some(action) => respond::ok(&Value::Object(self.show_action(ticket_id, action, true))),
            None => Reply::empty(404),
        }
    }
}
