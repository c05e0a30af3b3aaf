//! `reference()` in templates: what another resource is like at the moment in which its value is needed.
//!
//! A resource of the same deployment is there once it was made, so those that refer to others are made after them,
//! whether or not `dependsOn` says so. One outside is there if the twin knows it.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use serde_json::{Map, Value, json};

use super::{deployments::without_secrets, discovery::workspace_json, errors::error, template::Planned};
use crate::twin::{microsoft::Microsoft, wire::Reply};

/// What was made so far, by lower-case id, as a read of it shows it.
pub(super) type Made = BTreeMap<String, Value>;

/// Tells what resources are like, and keeps what stood in the way.
pub(super) struct References<'a> {
    microsoft: &'a Microsoft,
    planned: &'a [Planned],
    made: &'a Made,
    /// The deployment is carried out: what it refers to outside has to be there.
    carried_out: bool,
    waits: Cell<bool>,
    fault: RefCell<Option<Reply>>,
}

impl<'a> References<'a> {
    /// References among `planned` and to what the twin knows.
    pub(super) fn new(microsoft: &'a Microsoft, planned: &'a [Planned], made: &'a Made, carried_out: bool) -> Self {
        Self { microsoft, planned, made, carried_out, waits: Cell::new(false), fault: RefCell::new(None) }
    }

    /// What became of a value that was read with them; `None`: it needs what is not made yet.
    ///
    /// # Errors
    /// The refusal of a reference that cannot be worked out.
    pub(super) fn outcome(self, value: Value) -> Result<Option<Value>, Reply> {
        match self.fault.into_inner() {
            Some(fault) => Err(fault),
            None => Ok(if self.waits.get() { None } else { Some(value) }),
        }
    }

    /// Keeps the first thing that is wrong with a template.
    pub(super) fn wrong(&self, text: &str) {
        self.refuse(invalid(text));
    }

    fn refuse(&self, reply: Reply) {
        let mut fault = self.fault.borrow_mut();
        if fault.is_none() {
            *fault = Some(reply);
        }
    }

    /// The value of `reference(key, version, …)`: `properties`, or with `full` the whole resource without id and name.
    pub(super) fn state(&self, key: &str, version: Option<&str>, full: bool) -> Option<Value> {
        let by_id = key.starts_with('/');
        let named = |one: &&Planned| {
            let own = if by_id { &one.id } else { &one.name };
            own.eq_ignore_ascii_case(key)
        };
        if let Some(one) = self.planned.iter().find(named) {
            let Some(row) = self.made.get(&one.id.to_lowercase()) else {
                self.waits.set(true);
                return None;
            };
            let own = one.resource.get("apiVersion").and_then(Value::as_str);
            return Some(shape(&one.id, row, own.or(version), (full, true)));
        }
        if !by_id {
            self.wrong(&format!(
                "The template reference '{key}' is not valid: could not find template resource or resource copy with this name. Please see https://aka.ms/arm-function-reference for usage details."
            ));
            return None;
        }
        if version.is_none() {
            self.wrong(&format!(
                "The template reference '{key}' requires an API version. Please see https://aka.ms/arm-template for usage details."
            ));
            return None;
        }
        match self.microsoft.known(key) {
            Some(row) => Some(shape(key, &row, version, (full, false))),
            None if self.carried_out => {
                self.refuse(error(404, "ResourceNotFound", &format!("The Resource '{key}' was not found.")));
                None
            }
            None => {
                self.waits.set(true);
                None
            }
        }
    }
}

impl Microsoft {
    /// A resource by its id, as a read shows it.
    fn known(&self, id: &str) -> Option<Value> {
        if let Some(kept) = self.resources.get(&id.to_lowercase()) {
            return Some(without_secrets(kept));
        }
        let place = self.workspace_place(id)?;
        self.workspaces.get(place).map(|workspace| workspace_json(workspace, false))
    }

    /// A planned resource with its references worked out; `None`: it needs what is not made yet.
    pub(super) fn referring(
        &self,
        one: &Planned,
        planned: &[Planned],
        made: &Made,
        carried_out: bool,
    ) -> Result<Option<Value>, Reply> {
        let references = References::new(self, planned, made, carried_out);
        let value = one.reader.read_references(one.outputs.as_ref().unwrap_or(&one.resource), &references);
        references.outcome(value)
    }
}

/// The refusal of a template.
pub(super) fn invalid(text: &str) -> Reply {
    error(400, "InvalidTemplate", &format!("Deployment template validation failed: '{text}'."))
}

/// What `reference()` gives of a resource.
fn shape(id: &str, row: &Value, version: Option<&str>, (full, own): (bool, bool)) -> Value {
    if !full {
        return row.get("properties").cloned().unwrap_or_else(|| json!({}));
    }
    let mut map: Map<String, Value> = row.as_object().cloned().unwrap_or_default();
    for member in ["id", "name", "type"] {
        map.remove(member);
    }
    let parts: Vec<&str> = id.split('/').collect();
    let after = |word: &str| {
        let at = parts.iter().position(|part| part.eq_ignore_ascii_case(word))?;
        parts.get(at + 1).copied()
    };
    let below = id.rsplit_once("/providers/").map_or(id, |(_, below)| below);
    for (member, value) in [
        ("apiVersion", json!(version)),
        ("referenceApiVersion", json!(version)),
        ("subscriptionId", json!(after("subscriptions"))),
        ("resourceGroupName", json!(after("resourceGroups"))),
        ("resourceId", json!(below)),
        ("condition", json!(true)),
        ("isConditionTrue", json!(true)),
        ("isTemplateResource", json!(own)),
        ("isAction", json!(false)),
        ("provisioningOperation", json!(if own { "Create" } else { "Read" })),
    ] {
        map.insert(member.to_owned(), value);
    }
    Value::Object(map)
}

/// What stands below a value, by a path such as `.identity['principalId'].list[0]`; names in any letter case.
///
/// # Errors
/// A sentence that says what is not there.
pub(super) fn below(value: Value, path: &str) -> Result<Value, String> {
    let mut path = path.trim();
    let mut value = value;
    while !path.is_empty() {
        let (step, rest) = match path.strip_prefix('.') {
            Some(after) => after.split_at(after.find(['.', '[']).unwrap_or(after.len())),
            None => {
                let inner = path.strip_prefix('[').and_then(|inner| inner.split_once(']'));
                inner.ok_or_else(|| format!("The language expression '{path}' is not valid."))?
            }
        };
        path = rest.trim_start();
        let step = step.trim();
        let name = step.strip_prefix('\'').and_then(|step| step.strip_suffix('\'')).unwrap_or(step);
        let found = match &value {
            Value::Object(map) => {
                map.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, found)| found.clone())
            }
            Value::Array(items) => name.parse::<usize>().ok().and_then(|at| items.get(at).cloned()),
            _ => None,
        };
        value = found.ok_or_else(|| {
            let names: Vec<&str> = value.as_object().into_iter().flatten().map(|(own, _)| own.as_str()).collect();
            format!(
                "The language expression property '{name}' doesn't exist, available properties are '{}'.",
                names.join(", ")
            )
        })?;
    }
    Ok(value)
}
