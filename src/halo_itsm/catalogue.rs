//! The look-ups (halo-api sheet section 5): either shape, tolerant of every member.

use std::collections::BTreeSet;

use http::Method;
use serde_json::Value;

use super::{
    Answered, AuthInfo, Halo,
    paging::{self, PAGE, Sweep, Turn},
};
use crate::{
    domain::{
        catalogue::{Agent, Catalogue, FieldDefinition, Named, Priority, TicketType},
        failure::{Failure, FailureKind, Side},
    },
    outbound::{
        budget::Class,
        exchange::Ask,
        read::{flag_at, int_at, list_at, text_at, words_at},
    },
};

/// Ticket types whose details are asked for, a call each, where their list does not tell their SLA.
const TYPES_ASKED_MAX: usize = 50;

/// Pages of a look-up that are asked for at most.
const PAGES_MAX: u32 = 100;

/// A list that names in a policy are resolved against.
struct LookUp<'a> {
    /// Where it is read.
    path: &'a str,
    /// The member of the answer that holds the rows.
    name: &'a str,
    /// One row of it, in words.
    kind: &'a str,
    /// What it is asked for with.
    query: &'a [(&'a str, &'a str)],
}

fn look_up<'a>(path: &'a str, name: &'a str, kind: &'a str, query: &'a [(&'a str, &'a str)]) -> LookUp<'a> {
    LookUp { path, name, kind, query }
}

/// What a row is told apart by: its id, else all of it.
fn key(row: &Value) -> String {
    row.get("id").unwrap_or(row).to_string()
}

impl Halo {
    /// The rows of a look-up. Where Halo counts more than it hands out unasked, the pages of it; what is short even then is
    /// named in `partial` as `kind`.
    async fn rows(&self, wanted: LookUp<'_>, class: Class, partial: &mut Vec<String>) -> Answered<Vec<Value>> {
        let LookUp { path, name, kind, query } = wanted;
        let answer = self.get(path, query, class).await?;
        let (mut rows, total) = paging::rows(answer.json()?, name).ok_or_else(|| answer.unreadable())?;
        let whole =
            |rows: &[Value]| total.and_then(|total| usize::try_from(total).ok()).is_none_or(|t| t <= rows.len());
        if whole(&rows) {
            return Ok(rows);
        }
        let mut known: BTreeSet<String> = rows.iter().map(key).collect();
        let (mut sweep, size) = (Sweep::default(), PAGE.to_string());
        for page_no in 1_u32..=PAGES_MAX {
            let page = page_no.to_string();
            let paged = [("pageinate", "true"), ("page_size", size.as_str()), ("page_no", page.as_str())];
            let answer = self.get(path, &[query, &paged].concat(), class).await?;
            let (more, total) = paging::rows(answer.json()?, name).ok_or_else(|| answer.unreadable())?;
            let turn = sweep.turn(None, page_no, &more, total);
            rows.extend(more.into_iter().filter(|row| known.insert(key(row))));
            if turn != Turn::More || whole(&rows) {
                break;
            }
        }
        if !whole(&rows) {
            tracing::warn!(
                look_up = path,
                rows = rows.len(),
                counted = ?total,
                "Halo counts more rows than it hands out"
            );
            partial.push(kind.to_owned());
        }
        Ok(rows)
    }

    /// As [`Self::rows`]; a look-up that this instance lacks, or that the application may not read, is empty:
    /// the names it would hold become open items, and nothing else waits for it.
    async fn rows_if_any(&self, wanted: LookUp<'_>, class: Class, partial: &mut Vec<String>) -> Answered<Vec<Value>> {
        let path = wanted.path;
        match self.rows(wanted, class, partial).await {
            Err(failure) if matches!(failure.kind, FailureKind::Gone | FailureKind::Forbidden) => {
                tracing::warn!(look_up = path, error = %failure, "a look-up can't be read; names in it stay unknown");
                Ok(Vec::new())
            }
            other => other,
        }
    }

    /// All look-ups that names in a policy are resolved against.
    ///
    /// # Errors
    /// The first look-up that fails and cannot be done without.
    pub async fn catalogue(&self, class: Class) -> Answered<Catalogue> {
        let mut partial = Vec::new();
        let types = look_up("TicketType", "tickettypes", "ticket type", &[("showall", "true")]);
        let types = self.rows(types, class, &mut partial).await?;
        let all = self.rows(look_up("Status", "statuses", "status", &[]), class, &mut partial).await?;
        for (rows, what) in [(&types, "ticket types"), (&all, "statuses")] {
            // Every instance has some: this is no answer, or this agent may see none.
            if rows.is_empty() {
                let message = format!(
                    "Halo told no {what} at all; what is known of them is kept. If it stays so, give the agent of the API application access to them in Halo"
                );
                return Err(Failure::new(Side::Halo, FailureKind::Unreadable, message));
            }
        }
        let before = partial.len();
        let open = look_up("Status", "statuses", "status", &[("excludeclosed", "true")]);
        let open = self.rows(open, class, &mut partial).await?;
        let all_open = partial.len() == before;
        let priorities = look_up("Priority", "priorities", "priority", &[]);
        let priorities = self.rows_if_any(priorities, class, &mut partial).await?;
        let agents = look_up("Agent", "agents", "agent", &[("includeenabled", "true"), ("includedisabled", "false")]);
        let agents = self.rows_if_any(agents, class, &mut partial).await?;
        let teams = look_up("Team", "teams", "team", &[("showall", "true")]);
        let teams = self.rows_if_any(teams, class, &mut partial).await?;
        let categories = look_up("Category", "categories", "category", &[("type_id", "1")]);
        let categories = self.rows_if_any(categories, class, &mut partial).await?;
        let outcomes = self.rows_if_any(look_up("Outcome", "outcomes", "outcome", &[]), class, &mut partial).await?;
        let fields = look_up(
            "FieldInfo",
            "fields",
            "custom field",
            &[("iscustomfieldsetup", "true"), ("includevalues", "true")],
        );
        let fields = self.rows_if_any(fields, class, &mut partial).await?;
        partial.dedup();
        let own = match self.me(class).await {
            Ok(own) => Some(own.id),
            // Without it our own notes are known by their links and references alone.
            Err(failure) if matches!(failure.kind, FailureKind::Gone | FailureKind::Forbidden) => None,
            Err(failure) => return Err(failure),
        };
        let clients = self.clients("", class).await?;
        let statuses = named(all.iter().filter(|row| ticket_status(row)), &["name"]);
        let open = named(open.iter(), &["name"]);
        // Statuses have no closed flag: those that the filter leaves out are closed (sheet 5.3). When
        // it leaves none out, or all, it was ignored and tells nothing; nor does a part of a list.
        let closed: Vec<i64> = statuses.iter().map(|s| s.id).filter(|id| !open.iter().any(|o| o.id == *id)).collect();
        let told = all_open && !closed.is_empty() && closed.len() < statuses.len();
        let priorities: Vec<Priority> = priorities.iter().filter_map(priority).collect();
        let mut ticket_types: Vec<TicketType> =
            types.iter().filter(|row| active(row)).filter_map(ticket_type).collect();
        let slas: BTreeSet<i64> = priorities.iter().filter_map(|row| row.sla_id).collect();
        let untold = ticket_types.len() <= TYPES_ASKED_MAX && ticket_types.iter().all(|row| row.default_sla.is_none());
        if untold && slas.len() > 1 {
            // The list does not tell (sheet 5.1), and the same name means another priority in another SLA.
            for row in &mut ticket_types {
                row.default_sla = match self.type_details(row.id, class).await {
                    Ok(details) => details.sla,
                    Err(failure) if matches!(failure.kind, FailureKind::Gone | FailureKind::Forbidden) => None,
                    Err(failure) => return Err(failure),
                };
            }
        }
        Ok(Catalogue {
            ticket_types,
            closed_statuses: if told { closed } else { Vec::new() },
            statuses,
            priorities,
            agents: agents
                .iter()
                .filter(|row| !flag_at(row, "isdisabled").unwrap_or(false))
                .filter_map(agent)
                .collect(),
            teams: named(teams.iter().filter(|row| active(row)), &["name"]),
            categories: named(categories.iter(), &["value", "category_name", "name"]),
            outcomes: named(outcomes.iter(), &["outcome", "buttonname", "name"]),
            fields: fields.iter().filter_map(field).collect(),
            own_agent_id: own,
            clients,
            partial,
        })
    }

    /// The agent our API application is bound to: a good test of the connection.
    ///
    /// # Errors
    /// See [`crate::domain::failure::FailureKind`].
    pub async fn me(&self, class: Class) -> Answered<Agent> {
        let answer = self.get("Agent/me", &[], class).await?;
        agent(&answer.json()?).ok_or_else(|| answer.unreadable())
    }

    /// Where to sign in, as the resource server tells without a token.
    ///
    /// # Errors
    /// See [`crate::domain::failure::FailureKind`].
    pub async fn authinfo(&self, class: Class) -> Answered<AuthInfo> {
        self.within_budget(class)?;
        let answer = self.exchange.send(Ask::read(Method::GET, self.address("authinfo", &[]))).await?;
        if !answer.ok() {
            return Err(super::error::refused(&answer, &self.budget, self.clock.now()));
        }
        let body = answer.json()?;
        Ok(AuthInfo { auth_url: words_at(&body, "auth_url"), tenant_id: words_at(&body, "tenant_id") })
    }

    /// Active clients whose name matches (all for an empty search), by name.
    ///
    /// # Errors
    /// See [`crate::domain::failure::FailureKind`].
    pub async fn clients(&self, search: &str, class: Class) -> Answered<Vec<Named>> {
        let mut sweep = Sweep::default();
        let mut clients: Vec<Named> = Vec::new();
        let size = PAGE.to_string();
        for page_no in 1_u32.. {
            let page = page_no.to_string();
            let mut query = vec![
                ("includeactive", "true"),
                ("pageinate", "true"),
                ("page_size", size.as_str()),
                ("page_no", page.as_str()),
                ("order", "id"),
            ];
            if !search.trim().is_empty() {
                query.push(("search", search));
            }
            let answer = self.get("Client", &query, class).await?;
            let (rows, total) = paging::rows(answer.json()?, "clients").ok_or_else(|| answer.unreadable())?;
            let turn = sweep.turn(None, page_no, &rows, total);
            if turn != Turn::Repeated {
                let more = named(rows.iter().filter(|row| active(row)), &["name"]);
                clients.extend(more.into_iter().filter(|m| !clients.iter().any(|c| c.id == m.id)).collect::<Vec<_>>());
            }
            if turn != Turn::More {
                break;
            }
        }
        clients.sort_by(|a, b| a.name.to_lowercase().cmp(&b.name.to_lowercase()).then(a.id.cmp(&b.id)));
        Ok(clients)
    }
}

/// `type` 0 is a ticket's status; the query can't filter it (sheet 5.3).
fn ticket_status(row: &Value) -> bool {
    int_at(row, "type").unwrap_or(0) == 0
}

fn active(row: &Value) -> bool {
    !flag_at(row, "inactive").unwrap_or(false)
}

fn named<'a>(rows: impl Iterator<Item = &'a Value>, keys: &[&str]) -> Vec<Named> {
    rows.filter_map(|row| {
        let name = keys.iter().find_map(|key| words_at(row, key))?;
        Some(Named { id: int_at(row, "id")?, name })
    })
    .collect()
}

fn ticket_type(row: &Value) -> Option<TicketType> {
    let default_sla = int_at(row, "default_sla").filter(|id| *id > 0);
    Some(TicketType { id: int_at(row, "id")?, name: words_at(row, "name")?, default_sla })
}

/// `id` is a GUID; tickets take `priorityid` (rule of sheet 5.4).
fn priority(row: &Value) -> Option<Priority> {
    if flag_at(row, "ishidden").unwrap_or(false) {
        return None;
    }
    let id = int_at(row, "priorityid").or_else(|| int_at(row, "id"))?;
    let sla_id = int_at(row, "slaid").or_else(|| int_at(row, "sla_id"));
    Some(Priority { id, name: words_at(row, "name")?, sla_id })
}

fn agent(row: &Value) -> Option<Agent> {
    let id = int_at(row, "id").filter(|id| *id > 0)?;
    Some(Agent {
        id,
        name: words_at(row, "name").unwrap_or_else(|| format!("Agent {id}")),
        email: words_at(row, "email").or_else(|| words_at(row, "emailaddress")),
        object_id: ["azureoid", "azure_oid", "aadobjectid"].iter().find_map(|key| words_at(row, key)),
    })
}

fn field(row: &Value) -> Option<FieldDefinition> {
    Some(FieldDefinition {
        id: int_at(row, "id")?,
        name: text_at(row, "name").unwrap_or_default(),
        label: words_at(row, "label"),
        kind: int_at(row, "type").unwrap_or(0),
        options: named(list_at(row, "values").iter(), &["name", "value", "label"]),
    })
}
