//! What Halo offers, as choices of the page.

use super::overlay;
use crate::domain::{
    catalogue::Catalogue,
    policy::{FieldTarget, Policy},
    view::mapping::{Choices, Pick},
};

/// Every choice, for the ticket type of a policy.
pub(super) fn choices(policy: &Policy, catalogue: &Catalogue) -> Choices {
    let named = |rows: &[crate::domain::catalogue::Named]| -> Vec<Pick> {
        rows.iter().map(|row| Pick::new(row.id, row.name.clone())).collect()
    };
    let sla = catalogue.ticket_type(&policy.ticket_type).and_then(|row| row.default_sla);
    let mut priorities: Vec<Pick> = Vec::new();
    for row in catalogue.priorities_in(sla) {
        if !priorities.iter().any(|known| known.value == row.id.to_string()) {
            priorities.push(Pick::new(row.id, row.name.clone()));
        }
    }
    let closed = |id: i64| catalogue.closed_statuses.contains(&id);
    let statuses = catalogue.statuses.iter().map(|row| {
        // some names say so themselves
        let says = row.name.to_lowercase().contains("closed");
        let label = if closed(row.id) && !says { format!("{} (closed)", row.name) } else { row.name.clone() };
        Pick::new(row.id, label)
    });
    let label = |row: &crate::domain::catalogue::FieldDefinition| row.label.clone().unwrap_or_else(|| row.name.clone());
    let custom = catalogue.fields.iter().map(|row| Pick::new(format!("c:{}", row.id), label(row)));
    let members = crate::domain::policy::field::MEMBERS.iter().map(|(name, _)| Pick::new(format!("m:{name}"), *name));
    let field = overlay::definition(catalogue, policy.classification_field.as_ref());
    Choices {
        ticket_types: catalogue.ticket_types.iter().map(|row| Pick::new(row.id, row.name.clone())).collect(),
        priorities,
        statuses: statuses.collect(),
        agents: catalogue
            .agents
            .iter()
            .filter(|row| row.id > 1 && Some(row.id) != catalogue.own_agent_id)
            .map(|row| Pick::new(row.id, row.name.clone()))
            .collect(),
        teams: named(&catalogue.teams),
        categories: named(&catalogue.categories),
        outcomes: named(&catalogue.outcomes),
        fields: custom.chain(members).collect(),
        classification_fields: catalogue
            .fields
            .iter()
            .filter(|row| !row.options.is_empty())
            .map(|row| Pick::new(row.id, label(row)))
            .collect(),
        classes: field.map(|row| named(&row.options)).unwrap_or_default(),
    }
}

/// The field that a target names in the form.
pub(super) fn target_value(target: &FieldTarget, catalogue: &Catalogue) -> String {
    match target {
        FieldTarget::Custom(reference) => {
            let id = overlay::definition(catalogue, Some(reference)).map(|row| row.id);
            id.map_or_else(|| overlay::value_of(reference, None), |id| format!("c:{id}"))
        }
        FieldTarget::Member(name) => format!("m:{name}"),
    }
}
