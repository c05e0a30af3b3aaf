//! A ticket and how it is shown: list row, single record, POST answer (sheet 3.4 to 3.6).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Halo,
    catalogue::{Object, whole},
    text::date,
};

/// A ticket as kept.
#[derive(Debug, Clone)]
pub struct Ticket {
    /// Its number.
    pub id: i64,
    /// Its GUID.
    pub guid: String,
    /// Subject.
    pub summary: String,
    /// Description as plain text.
    pub details: String,
    /// Description as HTML.
    pub details_html: String,
    /// Client.
    pub client_id: i64,
    /// Site of the client; 0 = none.
    pub site_id: i64,
    /// Requester; 0 = none.
    pub user_id: i64,
    /// Ticket type.
    pub tickettype_id: i64,
    /// Status.
    pub status_id: i64,
    /// `priorityid` within the SLA.
    pub priority_id: i64,
    /// SLA.
    pub sla_id: i64,
    /// Agent; 1 = unassigned.
    pub agent_id: i64,
    /// Team by name.
    pub team: String,
    /// Categories 1 to 4, full paths.
    pub categories: [String; 4],
    /// Opened at.
    pub opened: Timestamp,
    /// Created at.
    pub created: Timestamp,
    /// Given to an agent at.
    pub assigned: Option<Timestamp>,
    /// Time of the newest action.
    pub last_action: Timestamp,
    /// Time of the newest change.
    pub last_update: Timestamp,
    /// Closed at.
    pub closed: Option<Timestamp>,
    /// Whether it has ever been closed.
    pub was_closed: bool,
    /// Who closed it; 0 = nobody.
    pub closure_agent_id: i64,
    /// Deleted (no longer listed).
    pub deleted: bool,
    /// The ticket it was merged into; 0 = none.
    pub merged_into_id: i64,
    /// Custom field values by field id: text, option id as text, comma list of option ids, or a truth value.
    pub custom: BTreeMap<i64, Value>,
    /// Other members that were sent.
    pub extra: BTreeMap<&'static str, Value>,
    /// Links to other systems, as posted in `new_external_link`.
    pub external_links: Vec<Value>,
    /// Lower-case text that `search` looks through.
    pub haystack: String,
}

/// How a member of [`EXTRA`] is typed, and so what its empty value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    Number,
    Text,
    Bool,
    Date,
}

/// Further members of a ticket: taken when sent, always shown (with a typed empty value, sheet 5.8).
/// The second part says whether list rows show them too.
pub(crate) const EXTRA: &[(&str, Kind, bool)] = &[
    ("impact", Kind::Int, true),
    ("urgency", Kind::Int, true),
    ("impactlevel", Kind::Int, true),
    ("source", Kind::Int, true),
    ("reportedby", Kind::Text, true),
    ("parent_id", Kind::Int, true),
    ("flagged", Kind::Bool, true),
    ("reviewed", Kind::Bool, true),
    ("read", Kind::Bool, true),
    ("excludefromslas", Kind::Bool, true),
    ("deadlinedate", Kind::Date, true),
    ("fixbydate", Kind::Date, true),
    ("respondbydate", Kind::Date, true),
    ("responsedate", Kind::Date, true),
    ("startdate", Kind::Date, true),
    ("targetdate", Kind::Date, true),
    ("lastincomingemaildate", Kind::Date, true),
    ("estimate", Kind::Number, true),
    ("estimateddays", Kind::Number, true),
    ("cost", Kind::Number, true),
    ("projecttimeactual", Kind::Number, true),
    ("projectmoneyactual", Kind::Number, true),
    ("sla_hold_time", Kind::Number, true),
    ("sla_response_state", Kind::Text, true),
    ("emailtolist", Kind::Text, true),
    ("servicestatusnote", Kind::Text, true),
    ("tickettags", Kind::Text, true),
    ("appointment_type", Kind::Int, true),
    ("enduserstatus", Kind::Int, true),
    ("supplier_id", Kind::Int, true),
    ("workflow_id", Kind::Int, true),
    ("workflow_step", Kind::Int, true),
    ("child_count", Kind::Int, true),
    ("third_party_id", Kind::Int, true),
    ("third_party_id_string", Kind::Text, true),
    ("sentinel_id", Kind::Text, false),
    ("sentinel_subscriptionid", Kind::Text, false),
    ("sentinel_resourcegroup", Kind::Text, false),
    ("sentinel_workspace", Kind::Text, false),
    ("sentinel_url", Kind::Text, false),
    ("sentinel_display_id", Kind::Int, false),
    ("closure_note", Kind::Text, false),
    ("matched_rule_ids", Kind::Text, false),
    ("emailcclist", Kind::Text, false),
    ("phonenumber", Kind::Text, false),
    ("contract_id", Kind::Int, false),
    ("project_id", Kind::Int, false),
    ("userdef1", Kind::Text, false),
];

/// Which of Halo's two spellings (sheet 3.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    Get,
    Post,
}

impl Ticket {
    /// Makes the text that `search` looks through.
    pub(crate) fn index(&mut self) {
        let mut text = format!("{}\n{}\n{}", self.summary, self.details, self.id);
        let values = self.custom.values().chain(self.extra.values());
        for value in values.filter_map(Value::as_str) {
            text.push('\n');
            text.push_str(value);
        }
        self.haystack = text.to_lowercase();
    }
}

impl Halo {
    pub(crate) fn date_or_empty(&self, at: Option<Timestamp>) -> Value {
        at.map_or_else(|| Value::from(self.switches.empty_date.as_str()), |at| Value::from(date(at)))
    }

    /// The flat members; `row` leaves out what list rows lack.
    fn flat(&self, t: &Ticket, spelling: Spelling, row: bool) -> Object {
        let cat = &self.cat;
        let mut o = Object::new();
        let mut put = |key: &str, value: Value| {
            o.insert(key.to_owned(), value);
        };
        let post = spelling == Spelling::Post;
        put("id", t.id.into());
        put("guid", t.guid.as_str().into());
        put("summary", t.summary.as_str().into());
        put("details", t.details.as_str().into());
        put("client_id", t.client_id.into());
        put("client_name", cat.clients.text(t.client_id, "name").into());
        put("site_id", t.site_id.into());
        put("site_name", cat.sites.text(t.site_id, "name").into());
        put("user_id", t.user_id.into());
        put("user_name", cat.users.text(t.user_id, "name").into());
        put(if post { "useremail" } else { "user_email" }, cat.users.text(t.user_id, "emailaddress").into());
        put("tickettype_id", t.tickettype_id.into());
        put("itil_requesttype_id", cat.ticket_types.number(t.tickettype_id, "itilrequesttype").max(1).into());
        put("status_id", t.status_id.into());
        put("priority_id", t.priority_id.into());
        put("sla_id", t.sla_id.into());
        put("agent_id", t.agent_id.into());
        put("team", t.team.as_str().into());
        put("team_id", cat.teams.find("name", &t.team).unwrap_or(0).into());
        for (n, (path, (get, posted))) in t.categories.iter().zip(CATEGORY_KEYS).enumerate() {
            put(if post { posted } else { get }, path.as_str().into());
            put(&format!("categoryid_{}", n + 1), cat.category(n + 1, path).into());
        }
        put("dateoccurred", date(t.opened).into());
        put("datecreated", date(t.created).into());
        put("dateassigned", self.date_or_empty(t.assigned));
        put("lastactiondate", date(t.last_action).into());
        if !row || self.switches.rows_tell_last_update {
            put(if post { "lastupdate" } else { "last_update" }, date(t.last_update).into());
        }
        let flag = self.switches.closed_flag.as_str();
        if flag != "missing" {
            put("dateclosed", self.date_or_empty(t.closed));
            put("date_fully_closed", self.date_or_empty(t.closed));
            put("hasbeenclosed", (t.closed.is_some() || (flag == "stays" && t.was_closed)).into());
        }
        put("isbeingclosed", false.into());
        put("closure_agent_id", t.closure_agent_id.into());
        put("onhold", cat.statuses.flag(t.status_id, "_onhold").into());
        put("inactive", t.deleted.into());
        put("deleted", t.deleted.into());
        put("merged_into_id", t.merged_into_id.into());
        put("attachment_count", 0.into());
        put("use", "ticket".into());
        for (name, kind, in_rows) in EXTRA {
            if row && !in_rows {
                continue;
            }
            let value = t.extra.get(name).cloned().unwrap_or_else(|| match kind {
                Kind::Int => 0.into(),
                Kind::Number => json!(0.0),
                Kind::Text => "".into(),
                Kind::Bool => false.into(),
                Kind::Date => self.date_or_empty(None),
            });
            put(name, value);
        }
        o
    }

    /// A list row: no `customfields` but those asked for by id, no `details_html` (sheet 3.1).
    pub(crate) fn ticket_row(&self, t: &Ticket, fields: &[i64]) -> Object {
        let mut row = self.flat(t, Spelling::Get, true);
        if !fields.is_empty() {
            let shown = fields.iter().filter_map(|id| self.custom_field(t, *id)).collect();
            row.insert("customfields".into(), Value::Array(shown));
        }
        row
    }

    /// The whole ticket, as `GET` by id (or as POST answers and webhooks spell it).
    pub(crate) fn ticket_full(&self, t: &Ticket, spelling: Spelling) -> Object {
        let mut full = self.flat(t, spelling, false);
        full.insert("details_html".into(), t.details_html.as_str().into());
        let stands = |id: &&i64| t.custom.get(*id).is_some_and(|value| !value.is_null() && *value != "");
        let shown = |id: &&i64| !self.switches.unset_fields_left_out || stands(id);
        let fields = self.cat.fields.rows.keys().filter(shown).filter_map(|id| self.custom_field(t, *id)).collect();
        full.insert("customfields".into(), Value::Array(fields));
        full.insert("external_links".into(), Value::Array(t.external_links.clone()));
        full.insert("attachments".into(), json!([]));
        full.insert("budgets".into(), json!([]));
        full.insert("assets".into(), json!([]));
        let warning = if self.switches.warn_on_success && spelling == Spelling::Post {
            "The ticket was saved. Some values were changed by a rule."
        } else {
            ""
        };
        full.insert("_warning".into(), warning.into());
        full
    }

    /// One entry of `customfields`.
    fn custom_field(&self, t: &Ticket, id: i64) -> Option<Value> {
        let field = self.cat.fields.rows.get(&id)?;
        let kind = whole(field, "type");
        let (value, display) = match t.custom.get(&id) {
            Some(value) => (value.clone(), self.display(id, kind, value)),
            None => match kind {
                4 => (self.date_or_empty(None), String::new()),
                6 => (Value::Bool(false), "No".to_owned()),
                _ => (Value::from(""), String::new()),
            },
        };
        Some(json!({
            "id": id, "name": field.get("name"), "label": field.get("label"), "summary": "", "type": kind, "value": value,
            "display": display, "usage": field.get("usage"), "inputtype": field.get("inputtype"), "characterlimit": 0,
            "copytochild": false, "searchable": true, "ordervalues": false,
        }))
    }

    /// What people see for a stored value: a select's label, not its option id.
    fn display(&self, id: i64, kind: i64, value: &Value) -> String {
        let text = value.as_str().unwrap_or("");
        match kind {
            2 | 3 => {
                let labels: Vec<&str> =
                    super::text::numbers(text).iter().filter_map(|option| self.cat.option_name(id, *option)).collect();
                labels.join(", ")
            }
            6 => if value == &Value::Bool(true) { "Yes" } else { "No" }.to_owned(),
            _ => text.to_owned(),
        }
    }

    /// Adds the nested objects that `includedetails` brings.
    pub(crate) fn add_nested(&self, t: &Ticket, full: &mut Object) {
        let cat = &self.cat;
        let mut nest = |key: &str, table: &super::catalogue::Table, id: i64| {
            let row = table.rows.get(&id).map(|row| {
                Value::Object(
                    row.iter().filter(|(k, _)| !k.starts_with('_')).map(|(k, v)| (k.clone(), v.clone())).collect(),
                )
            });
            full.insert(key.to_owned(), row.unwrap_or(Value::Null));
        };
        nest("client", &cat.clients, t.client_id);
        nest("site", &cat.sites, t.site_id);
        nest("user", &cat.users, t.user_id);
        nest("tickettype", &cat.ticket_types, t.tickettype_id);
        nest("status", &cat.statuses, t.status_id);
        nest("agent", &cat.agents, t.agent_id);
        let priority = cat.priority(t.sla_id, t.priority_id).cloned().map_or(Value::Null, Value::Object);
        full.insert("priority".into(), priority);
        full.insert("status_name".into(), cat.statuses.text(t.status_id, "name").into());
        full.insert("agent_name".into(), cat.agents.text(t.agent_id, "name").into());
        let outcomes: Vec<Value> = cat
            .outcomes
            .rows
            .iter()
            .filter(|(_, row)| whole(row, "systemid") == 0)
            .map(|(id, row)| json!({ "id": id, "outcome": row.get("outcome"), "buttonname": row.get("buttonname") }))
            .collect();
        full.insert("outcomes".into(), Value::Array(outcomes));
    }
}

/// The categories' keys in both spellings.
pub(crate) const CATEGORY_KEYS: [(&str, &str); 4] = [
    ("category_1", "category1"),
    ("category_2", "category2"),
    ("category_3", "category3"),
    ("category_4", "category4"),
];
