//! What a Halo instance offers: the look-ups that names in a policy are resolved against.

use serde::{Deserialize, Serialize};

/// A row of a look-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Id.
    pub id: i64,
    /// Name as people see it.
    pub name: String,
}

/// A priority: one row for each SLA × priority. `id` is `priorityid`, what tickets take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Priority {
    /// `priorityid`.
    pub id: i64,
    /// Name.
    pub name: String,
    /// SLA it belongs to.
    pub sla_id: Option<i64>,
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// Id; 1 is "Unassigned".
    pub id: i64,
    /// Name.
    pub name: String,
    /// Mail address.
    pub email: Option<String>,
    /// Entra object id, where Halo has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_id: Option<String>,
}

/// A ticket type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketType {
    /// Id.
    pub id: i64,
    /// Name.
    pub name: String,
    /// SLA used by default, when known: its priorities are the valid ones.
    pub default_sla: Option<i64>,
}

/// A custom field's definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldDefinition {
    /// Id.
    pub id: i64,
    /// `CF…`
    pub name: String,
    /// Label.
    pub label: Option<String>,
    /// 0 text, 1 memo, 2 single select, 3 multi select, 4 date, 5 time, 6 checkbox, 10 rich text.
    pub kind: i64,
    /// Options of a select.
    pub options: Vec<Named>,
}

/// All look-ups of one instance, as last read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Catalogue {
    /// Ticket types.
    pub ticket_types: Vec<TicketType>,
    /// Ticket statuses (type 0 only).
    pub statuses: Vec<Named>,
    /// Statuses that Halo itself counts as closed, when it told.
    pub closed_statuses: Vec<i64>,
    /// Priorities.
    pub priorities: Vec<Priority>,
    /// Agents, enabled ones.
    pub agents: Vec<Agent>,
    /// Teams.
    pub teams: Vec<Named>,
    /// Categories of the first kind: full paths.
    pub categories: Vec<Named>,
    /// Outcomes.
    pub outcomes: Vec<Named>,
    /// Custom fields.
    pub fields: Vec<FieldDefinition>,
    /// The agent our API application is bound to.
    pub own_agent_id: Option<i64>,
    /// Clients by id and name (active ones), for the connection test and the applied file.
    pub clients: Vec<Named>,
}

impl Catalogue {
    /// The look-ups that had rows before and have none now. An administrator seldom takes away the last one; a server
    /// that is starting answers so too.
    pub fn emptied(&self, before: &Self) -> Vec<&'static str> {
        let counts = |c: &Self| {
            [
                ("priorities", c.priorities.len()),
                ("agents", c.agents.len()),
                ("teams", c.teams.len()),
                ("categories", c.categories.len()),
                ("outcomes", c.outcomes.len()),
                ("custom fields", c.fields.len()),
                ("clients", c.clients.len()),
            ]
        };
        let both = counts(before).into_iter().zip(counts(self));
        both.filter(|((_, before), (_, now))| *before > 0 && *now == 0).map(|((name, _), _)| name).collect()
    }

    /// Whether there is such a client, as far as it is known: an application that may not list them tells nothing.
    pub fn may_have_client(&self, id: i64) -> bool {
        self.clients.is_empty() || self.clients.iter().any(|client| client.id == id)
    }

    /// The ticket type that is meant.
    pub fn ticket_type(&self, wanted: &Ref) -> Option<&TicketType> {
        wanted.find(&self.ticket_types, |row| row.id, |row| &row.name)
    }

    /// The priorities that a ticket of a type with this SLA can have (halo-api sheet 5.4); all of them where neither the
    /// SLA is known nor any priority names one.
    pub fn priorities_in(&self, sla: Option<i64>) -> Vec<&Priority> {
        let fits = |row: &&Priority| sla.is_none() || row.sla_id.is_none() || row.sla_id == sla;
        let own: Vec<&Priority> = self.priorities.iter().filter(fits).collect();
        if own.is_empty() { self.priorities.iter().collect() } else { own }
    }

    /// The field with this id, name (with or without `CF`) or label.
    pub fn field(&self, wanted: &str) -> Option<&FieldDefinition> {
        let id = wanted.trim().parse::<i64>().ok();
        self.fields.iter().find(|f| Some(f.id) == id).or_else(|| {
            self.fields.iter().find(|f| {
                f.name.eq_ignore_ascii_case(wanted)
                    || f.name.strip_prefix("CF").is_some_and(|n| n.eq_ignore_ascii_case(wanted))
                    || f.label.as_deref().is_some_and(|l| l.eq_ignore_ascii_case(wanted))
            })
        })
    }
}

/// A reference in a policy: an id, or a name to be looked up in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Ref {
    /// By id.
    Id(i64),
    /// By name, without regard to case.
    Name(String),
}

impl Ref {
    /// The row it means; a name that is all digits also matches by id.
    pub fn find<'a, T>(&self, rows: &'a [T], id: impl Fn(&T) -> i64, name: impl Fn(&T) -> &str) -> Option<&'a T> {
        match self {
            Self::Id(wanted) => rows.iter().find(|row| id(row) == *wanted),
            Self::Name(wanted) => {
                let wanted = wanted.trim();
                rows.iter().find(|row| name(row).trim().eq_ignore_ascii_case(wanted))
            }
        }
    }
}

impl std::fmt::Display for Ref {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Name(name) => write!(f, "“{name}”"),
        }
    }
}
