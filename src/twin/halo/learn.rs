//! Entries of the look-ups that an instance is taught beside its stock set-up, so that it knows the names of a mapping
//! made for another one.

use serde_json::{Value, json};

use super::{
    Halo,
    catalogue::{Catalogue, Table, whole},
    product::SECURITY_TYPE,
};

/// What can be taught.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lesson<'a> {
    /// A ticket type, like the one for security incidents.
    TicketType,
    /// A status in which tickets are open.
    OpenStatus,
    /// A status in which they are closed.
    ClosedStatus,
    /// A priority of the SLA of this ticket type.
    Priority(i64),
    /// A team.
    Team,
    /// A category of the first level.
    Category,
    /// An agent.
    Agent,
    /// An outcome, like the private note.
    Outcome,
    /// A custom field that holds text.
    TextField,
    /// A custom field in which one of these is chosen.
    Choice(&'a [String]),
}

impl Lesson<'_> {
    /// The table, the member that holds the name, and the name of the stock entry that the new one is like.
    fn like(self, cat: &mut Catalogue) -> (&mut Table, &'static str, &'static str) {
        match self {
            Self::TicketType => (&mut cat.ticket_types, "name", SECURITY_TYPE),
            Self::OpenStatus => (&mut cat.statuses, "name", "In Progress"),
            Self::ClosedStatus => (&mut cat.statuses, "name", "Closed"),
            Self::Priority(_) => (&mut cat.priorities, "name", ""),
            Self::Team => (&mut cat.teams, "name", ""),
            Self::Category => (&mut cat.categories, "value", "Security"),
            Self::Agent => (&mut cat.agents, "name", "Amira Haddad"),
            Self::Outcome => (&mut cat.outcomes, "outcome", "Private Note"),
            Self::TextField => (&mut cat.fields, "name", "CFSentinelLink"),
            Self::Choice(_) => (&mut cat.fields, "name", "CFSentinelClassification"),
        }
    }
}

impl Halo {
    /// Teaches it an entry by name, or by number where it has to have one; gives the entry's number. What it knows
    /// already stays as it is.
    pub fn learn(&mut self, lesson: Lesson<'_>, id: Option<i64>, name: &str) -> i64 {
        if let Lesson::Priority(kind) = lesson {
            return self.learn_priority(kind, id, name);
        }
        let (table, member, like) = lesson.like(&mut self.cat);
        let known = match id {
            Some(id) => table.rows.contains_key(&id).then_some(id),
            None => table.find(member, name).or_else(|| table.find("label", name)),
        };
        if let Some(known) = known {
            return known;
        }
        let number = id.unwrap_or_else(|| table.next_id());
        let stock = table.find(member, like).or_else(|| table.rows.keys().next().copied());
        let Some(mut row) = stock.and_then(|stock| table.rows.get(&stock).cloned()) else { return number };
        row.insert("id".into(), number.into());
        row.insert("guid".into(), super::stock::guid(&self.setup.tenant, "taught", number).into());
        for shown in ["name", "value", "outcome", "label", "buttonname", "category_name"] {
            if row.contains_key(shown) {
                row.insert(shown.into(), name.into());
            }
        }
        match lesson {
            Lesson::Choice(options) => {
                let values = options.iter().zip(1..).map(|(name, id)| json!({ "id": id, "name": name })).collect();
                row.insert("values".into(), Value::Array(values));
            }
            Lesson::TextField => {
                row.insert("values".into(), json!([]));
            }
            _ => {}
        }
        table.put(number, Value::Object(row));
        number
    }

    fn learn_priority(&mut self, kind: i64, id: Option<i64>, name: &str) -> i64 {
        let sla = self.cat.ticket_types.number(kind, "default_sla");
        let of_sla = || self.cat.priorities.rows.values().filter(|row| whole(row, "slaid") == sla);
        let known = of_sla().find(|row| match id {
            Some(id) => whole(row, "priorityid") == id,
            None => row.get("name").and_then(Value::as_str).is_some_and(|known| known.eq_ignore_ascii_case(name)),
        });
        if let Some(known) = known {
            return whole(known, "priorityid");
        }
        let number = id.unwrap_or_else(|| of_sla().map(|row| whole(row, "priorityid")).max().unwrap_or(0) + 1);
        let Some(mut row) = of_sla().next().cloned() else { return number };
        row.insert("id".into(), super::stock::guid(&self.setup.tenant, &format!("priority-{sla}"), number).into());
        row.insert("priorityid".into(), number.into());
        row.insert("name".into(), name.into());
        let next = self.cat.priorities.next_id();
        self.cat.priorities.put(next, Value::Object(row.clone()));
        if let Some(priorities) = self.cat.slas.rows.get_mut(&sla).and_then(|sla| sla.get_mut("priorities"))
            && let Some(list) = priorities.as_array_mut()
        {
            list.push(Value::Object(row));
        }
        number
    }
}
