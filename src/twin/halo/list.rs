//! `GET /Tickets` and `GET /Tickets/{id}` (sheet 3.1 and 3.2).

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    Halo,
    catalogue::Object,
    respond,
    text::{numbers, parse_date, truth},
    ticket::{Spelling, Ticket},
};
use crate::twin::wire::{Call, Cx, Reply};

/// Parameters that narrow a list; without any of them the agent's default view is shown.
const FILTERS: &[&str] = &[
    "open_only",
    "closed_only",
    "includeclosed",
    "client_id",
    "client_ids",
    "site_id",
    "user_id",
    "agent_id",
    "status_id",
    "parent_id",
    "agent",
    "status",
    "priority",
    "team",
    "sla",
    "requesttype",
    "requesttype_id",
    "search",
    "search_summary",
    "search_details",
    "search_id",
    "search_user_name",
    "ticketids",
    "searchthisticketid",
    "lastupdatefromdate",
    "lastupdatetodate",
    "startdate",
    "enddate",
    "deleted",
    "category_1",
    "category_2",
    "category_3",
    "category_4",
    "advanced_search",
    "itil_requesttype",
    "itil_requesttype_id",
    "includecompleted",
];

/// A span of time looked back by a stale read; `None` when reads are fresh.
fn looked_back(now: Timestamp, ms: u64) -> Option<Timestamp> {
    let ms = i64::try_from(ms).ok().filter(|ms| *ms > 0)?;
    now.checked_sub(SignedDuration::from_millis(ms)).ok()
}

struct Query<'a> {
    call: &'a Call,
    equal: Vec<(&'static str, Vec<i64>)>,
    ids: Option<Vec<i64>>,
    open: bool,
    closed: bool,
    deleted: bool,
    recent_closed_from: Option<Timestamp>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    dates: Option<(String, Option<Timestamp>, Option<Timestamp>)>,
    texts: Vec<(&'static str, String)>,
}

impl<'a> Query<'a> {
    fn of(call: &'a Call, halo: &Halo, now: Timestamp) -> Result<Self, Reply> {
        let given = |name: &str| call.query(name).map(str::trim).filter(|v| !v.is_empty());
        let on = |name: &str| given(name).is_some_and(truth);
        let mut equal = Vec::new();
        for (names, member) in [
            (&["client_id", "client_ids"][..], "client_id"),
            (&["site_id"], "site_id"),
            (&["user_id"], "user_id"),
            (&["agent_id", "agent"], "agent_id"),
            (&["status_id", "status"], "status_id"),
            (&["priority"], "priority_id"),
            (&["team"], "team_id"),
            (&["sla"], "sla_id"),
            (&["requesttype_id", "requesttype"], "tickettype_id"),
            (&["itil_requesttype", "itil_requesttype_id"], "itil_requesttype_id"),
            (&["parent_id"], "parent_id"),
            (&["category_1"], "categoryid_1"),
            (&["category_2"], "categoryid_2"),
            (&["category_3"], "categoryid_3"),
            (&["category_4"], "categoryid_4"),
        ] {
            for name in names {
                let wanted = given(name).map(numbers).unwrap_or_default();
                if !wanted.is_empty() {
                    equal.push((member, wanted));
                }
            }
        }
        if let Some(text) = given("advanced_search") {
            equal.extend(advanced(text)?);
        }
        let listed = given("ticketids").map(numbers);
        let ids = match given("searchthisticketid").and_then(|v| v.parse().ok()) {
            Some(id) => Some(vec![id]),
            None => listed,
        };
        let closed_wanted = given("includeclosed").map(|v| v.split(',').any(|part| truth(part.trim())));
        let unfiltered = !FILTERS.iter().any(|name| given(name).is_some());
        let dates = (given("startdate").is_some() || given("enddate").is_some()).then(|| {
            let column = given("datesearch").unwrap_or("dateoccured").to_ascii_lowercase();
            (column, given("startdate").and_then(parse_date), given("enddate").and_then(parse_date))
        });
        let texts = ["search", "search_summary", "search_details", "search_id", "search_user_name"]
            .into_iter()
            .filter_map(|name| given(name).map(|text| (name, text.to_lowercase())))
            .filter_map(|(name, text)| match (name, halo.switches.search_in.as_str()) {
                ("search", "ignored") => None,
                ("search", "summary") => Some(("search_summary", text)),
                _ => Some((name, text)),
            })
            .collect();
        Ok(Self {
            call,
            equal,
            ids,
            open: on("open_only") || closed_wanted == Some(false),
            closed: on("closed_only"),
            deleted: on("deleted"),
            recent_closed_from: (unfiltered && halo.switches.default_view)
                .then(|| now.checked_sub(SignedDuration::from_hours(7 * 24)).ok())
                .flatten(),
            from: given("lastupdatefromdate").filter(|_| !halo.switches.update_filter_ignored).and_then(parse_date),
            to: given("lastupdatetodate").and_then(parse_date),
            dates,
            texts,
        })
    }

    fn keeps(&self, t: &Ticket, halo: &Halo) -> bool {
        if t.deleted != self.deleted || (self.open && t.closed.is_some()) || (self.closed && t.closed.is_none()) {
            return false;
        }
        if self.recent_closed_from.is_some_and(|from| t.closed.is_some_and(|at| at < from)) {
            return false;
        }
        if self.ids.as_ref().is_some_and(|ids| !ids.contains(&t.id)) {
            return false;
        }
        if self.from.is_some_and(|from| t.last_update < from) || self.to.is_some_and(|to| t.last_update > to) {
            return false;
        }
        if self.equal.iter().any(|(member, wanted)| !wanted.contains(&number_of(halo, t, member))) {
            return false;
        }
        if let Some((column, start, end)) = &self.dates {
            let at = match column.as_str() {
                "datecleared" | "dateclosed" => t.closed,
                "lastactiondate" => Some(t.last_action),
                "last_update" | "lastupdate" => Some(t.last_update),
                _ => Some(t.opened),
            };
            let Some(at) = at else { return false };
            if start.is_some_and(|s| at < s) || end.is_some_and(|e| at > e) {
                return false;
            }
        }
        self.texts.iter().all(|(name, text)| self.finds(name, text, t, halo))
    }

    fn finds(&self, name: &str, text: &str, t: &Ticket, halo: &Halo) -> bool {
        let user = || halo.cat.users.text(t.user_id, "name").to_lowercase();
        match name {
            "search_summary" => t.summary.to_lowercase().contains(text),
            "search_details" => t.details.to_lowercase().contains(text),
            "search_id" => t.id.to_string().contains(text),
            "search_user_name" => user().contains(text),
            _ => {
                let in_notes =
                    || {
                        self.call.query("searchactions").is_some_and(truth)
                            && halo.shelf.by_id.get(&t.id).is_some_and(|filed| {
                                filed.actions.values().any(|a| a.note.to_lowercase().contains(text))
                            })
                    };
                t.haystack.contains(text) || user().contains(text) || in_notes()
            }
        }
    }
}

/// `filter_type` of `advanced_search`: equals.
const EQUALS: i64 = 2;

/// The members `advanced_search` may name here, all compared as equal numbers: filter type 2, no other is known.
fn advanced(text: &str) -> Result<Vec<(&'static str, Vec<i64>)>, Reply> {
    let wrong = || respond::refused("Invalid advanced search parameter");
    let Ok(Value::Array(list)) = serde_json::from_str::<Value>(text) else { return Err(wrong()) };
    let mut found = Vec::new();
    for item in list.iter().filter_map(Value::as_object) {
        if respond::integer(item, "filter_type") != Some(EQUALS) {
            return Err(wrong());
        }
        let name = item.get("filter_name").and_then(Value::as_str).unwrap_or("");
        let member = match name.to_ascii_lowercase().as_str() {
            "client_id" => "client_id",
            "status_id" => "status_id",
            "agent_id" => "agent_id",
            "tickettype_id" | "requesttype_id" => "tickettype_id",
            "priority_id" => "priority_id",
            "site_id" => "site_id",
            "id" => "id",
            _ => return Err(wrong()),
        };
        let value = respond::string(item, "filter_value").unwrap_or_default();
        found.push((member, numbers(&value)));
    }
    Ok(found)
}

fn number_of(halo: &Halo, t: &Ticket, member: &str) -> i64 {
    let category = |n: usize| halo.cat.category(n, t.categories.get(n - 1).map_or("", String::as_str));
    match member {
        "id" => t.id,
        "client_id" => t.client_id,
        "site_id" => t.site_id,
        "user_id" => t.user_id,
        "agent_id" => t.agent_id,
        "status_id" => t.status_id,
        "priority_id" => t.priority_id,
        "sla_id" => t.sla_id,
        "tickettype_id" => t.tickettype_id,
        "team_id" => halo.cat.teams.find("name", &t.team).unwrap_or(0),
        "itil_requesttype_id" => halo.cat.ticket_types.number(t.tickettype_id, "itilrequesttype").max(1),
        "parent_id" => t.extra.get("parent_id").and_then(Value::as_i64).unwrap_or(0),
        "categoryid_1" => category(1),
        "categoryid_2" => category(2),
        "categoryid_3" => category(3),
        "categoryid_4" => category(4),
        _ => 0,
    }
}

/// What a list can be ordered by; text last, so that numbers and dates compare as such.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Number(i64),
    Date(Timestamp),
    Text(String),
}

fn key_of(halo: &Halo, t: &Ticket, member: &str) -> Key {
    match member.to_ascii_lowercase().as_str() {
        "summary" => Key::Text(t.summary.to_lowercase()),
        "client_name" => Key::Text(halo.cat.clients.text(t.client_id, "name").to_lowercase()),
        "team" => Key::Text(t.team.to_lowercase()),
        "dateoccurred" | "dateoccured" => Key::Date(t.opened),
        "datecreated" => Key::Date(t.created),
        "lastactiondate" => Key::Date(t.last_action),
        "last_update" | "lastupdate" => Key::Date(t.last_update),
        "dateclosed" | "datecleared" => Key::Date(t.closed.unwrap_or(Timestamp::MIN)),
        other => Key::Number(if other == "id" { t.id } else { number_of(halo, t, other) }),
    }
}

impl Halo {
    /// `GET /Tickets`.
    pub(crate) fn ticket_list(&self, call: &Call, cx: &Cx<'_>) -> Reply {
        let query = match Query::of(call, self, cx.now) {
            Ok(query) => query,
            Err(reply) => return reply,
        };
        let moment = looked_back(cx.now, self.switches.list_stale_ms);
        let mut found = self.matching(&query, moment);
        self.order(&mut found, call);
        let total = found.len();
        let number = |name: &str| call.query(name).and_then(|v| v.trim().parse::<usize>().ok()).filter(|n| *n > 0);
        let cap = usize::try_from(self.switches.page_cap).unwrap_or(100).max(1);
        let paged = call.query("pageinate").is_some_and(truth);
        let mut body = Object::new();
        let page: Vec<&Arc<Ticket>> = if paged {
            let (no, size) = (number("page_no").unwrap_or(1), number("page_size").unwrap_or(50).min(cap));
            body.insert("page_no".into(), no.into());
            body.insert("page_size".into(), size.into());
            let skipped = if self.switches.page_repeats { 0 } else { (no - 1).saturating_mul(size) };
            found.into_iter().skip(skipped).take(size).collect()
        } else {
            // Without paging the agent's screen limit applies, unless `count` asks for fewer or more.
            found.into_iter().take(number("count").unwrap_or(1000)).collect()
        };
        let count = if self.switches.record_count_lies { page.len() } else { total };
        self.count(&mut body, count);
        let fields = call.query("include_custom_fields").map(numbers).unwrap_or_default();
        let rows = page.iter().map(|t| Value::Object(self.list_row(t, &fields, call, page.len()))).collect();
        body.insert("tickets".into(), Value::Array(rows));
        body.insert("include_children".into(), false.into());
        respond::ok(&Value::Object(body))
    }

    /// Says how many rows there are, the way this instance does.
    pub(crate) fn count(&self, body: &mut Object, count: usize) {
        let told = match self.switches.record_count_form.as_str() {
            "missing" => return,
            "text" => Value::from(count.to_string()),
            _ => count.into(),
        };
        body.insert("record_count".into(), told);
    }

    fn matching(&self, query: &Query<'_>, moment: Option<Timestamp>) -> Vec<&Arc<Ticket>> {
        let ids: Box<dyn Iterator<Item = i64>> = match (&query.ids, query.from) {
            (Some(ids), _) => {
                let mut ids = ids.clone();
                ids.sort_unstable();
                ids.dedup();
                Box::new(ids.into_iter())
            }
            // A version shown now cannot have changed after the ticket last did.
            (None, Some(from)) => Box::new(self.shelf.updated_from(from)),
            (None, None) => Box::new(self.shelf.by_id.keys().copied()),
        };
        ids.filter_map(|id| self.shelf.by_id.get(&id)?.at(moment)).filter(|t| query.keeps(t, self)).collect()
    }

    fn order(&self, found: &mut [&Arc<Ticket>], call: &Call) {
        if self.switches.ticket_order_ignored {
            found.sort_by_key(|t| t.id);
            return;
        }
        let given = |name: &str| call.query(name).filter(|v| !v.is_empty());
        let orders: Vec<(&str, bool)> = ["", "2", "3", "4", "5"]
            .iter()
            .filter_map(|n| {
                let member = given(&format!("order{n}"))?;
                Some((member, given(&format!("orderdesc{n}")).is_some_and(truth)))
            })
            .collect();
        // Newest first unless the call says otherwise, as the agent's screen does.
        found.sort_by_key(|t| std::cmp::Reverse(t.id));
        for (member, descending) in orders.iter().rev() {
            found.sort_by_cached_key(|t| key_of(self, t, member));
            if *descending {
                found.reverse();
            }
        }
    }

    fn list_row(&self, t: &Ticket, fields: &[i64], call: &Call, rows: usize) -> Object {
        let on = |name: &str| call.query(name).is_some_and(truth);
        if on("ticketidonly") {
            let mut row = Object::new();
            for (key, value) in
                [("id", t.id), ("sla_id", t.sla_id), ("status_id", t.status_id), ("client_id", t.client_id)]
            {
                row.insert(key.into(), value.into());
            }
            row.insert("lastactiondate".into(), super::text::date(t.last_action).into());
            return row;
        }
        let mut row = self.ticket_row(t, fields);
        self.add_asked(t, call, &[], &mut row);
        // Works only when the result has one row (sheet 3.1).
        if rows == 1
            && (on("includelastaction") || on("includelastnote"))
            && let Some(action) = self.shelf.by_id.get(&t.id).and_then(|filed| filed.actions.values().next_back())
        {
            row.insert("last_action".into(), Value::Object(self.show_action(t.id, action, true)));
        }
        row
    }

    /// Adds the nested members that a call asks for one by one, and with any of them those named `beside`.
    fn add_asked(&self, t: &Ticket, call: &Call, beside: &[&str], shown: &mut Object) {
        let asked: Vec<&str> =
            [("includestatus", "status"), ("includeagent", "agent"), ("includetickettype", "tickettype")]
                .into_iter()
                .filter(|(parameter, _)| call.query(parameter).is_some_and(truth))
                .map(|(_, member)| member)
                .collect();
        if asked.is_empty() {
            return;
        }
        let mut nested = Object::new();
        self.add_nested(t, &mut nested);
        for member in asked.iter().chain(beside) {
            if let Some(value) = nested.remove(*member) {
                shown.insert((*member).to_owned(), value);
            }
        }
    }

    /// `GET /Tickets/{id}`.
    pub(crate) fn ticket_one(&self, id: &str, call: &Call, cx: &Cx<'_>) -> Reply {
        let on = |name: &str| call.query(name).is_some_and(truth);
        let moment = if on("nocache") { None } else { looked_back(cx.now, self.switches.stale_ms) };
        let found = id.parse::<i64>().ok().and_then(|id| self.shelf.by_id.get(&id)?.at(moment));
        let Some(ticket) = found.filter(|t| !t.deleted || self.switches.deleted_readable) else {
            return Reply::empty(404);
        };
        if on("ticketidonly") {
            return respond::ok(&Value::Object(self.list_row(ticket, &[], call, 1)));
        }
        let mut full = self.ticket_full(ticket, Spelling::Get);
        if on("includedetails") {
            self.add_nested(ticket, &mut full);
        } else {
            // Live readers of one ticket find these beside what they asked for (sheet 3.2).
            self.add_asked(ticket, call, &["priority", "agent_name", "status_name"], &mut full);
        }
        if on("includelastaction")
            && let Some(action) = self.shelf.by_id.get(&ticket.id).and_then(|filed| filed.actions.values().next_back())
        {
            full.insert("last_action".into(), Value::Object(self.show_action(ticket.id, action, true)));
        }
        respond::ok(&Value::Object(full))
    }
}
