//! Templates: their parameters, their expressions as far as a playbook needs them, and the resources they ask for.

use std::{collections::BTreeMap, rc::Rc};

use serde_json::{Map, Value, json};

use super::reference::{References, below};

/// The types of parameters, as a deployment shows them.
const TYPES: [&str; 7] = ["String", "SecureString", "Int", "Bool", "Object", "SecureObject", "Array"];

/// The refusal of `reference()` where a value is needed before anything is made.
const MISPLACED: &str = "The template function 'reference' is not expected at this location. Please see https://aka.ms/arm-function-reference for usage details.";

/// How deep deployments may lie in one another.
const DEPTH_MAX: usize = 5;

/// A resource that a template asks for.
pub(super) struct Planned {
    /// Its id.
    pub(super) id: String,
    /// Its type.
    pub(super) kind: String,
    /// Its name.
    pub(super) name: String,
    /// Group or subscription it is deployed to.
    pub(super) scope: String,
    /// What the template says of it, expressions worked out but for `reference()`.
    pub(super) resource: Value,
    /// Reads what is left.
    pub(super) reader: Rc<Reader>,
    /// It is a deployment in the deployment: what that gives out. Its resources stand beside it.
    pub(super) outputs: Option<Value>,
}

/// What a template asks for at a scope: its resources, those of deployments within it in their place.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub(super) fn plan(
    template: &Value,
    given: Option<&Value>,
    scope: &str,
    depth: usize,
) -> Result<(Vec<Planned>, Rc<Reader>), String> {
    if depth > DEPTH_MAX {
        return Err("The deployments are nested too deeply.".into());
    }
    let reader = Rc::new(Reader::new(template, given, scope)?);
    let mut all = Vec::new();
    for raw in template.get("resources").and_then(Value::as_array).into_iter().flatten() {
        let inner = raw.pointer("/properties/expressionEvaluationOptions/scope").and_then(Value::as_str);
        let inner = inner.is_some_and(|scope| scope.eq_ignore_ascii_case("inner"));
        let mut resource = reader.read(raw);
        let text =
            |resource: &Value, member: &str| resource.get(member).and_then(Value::as_str).unwrap_or("").to_owned();
        let (kind, name) = (text(&resource, "type"), text(&resource, "name"));
        if matches!(resource.get("condition"), Some(Value::Bool(false))) {
            continue;
        }
        if kind.is_empty() || name.is_empty() {
            return Err("A resource has no type or no name.".into());
        }
        if refers(&kind) || refers(&name) {
            return Err(MISPLACED.into());
        }
        if !kind.eq_ignore_ascii_case("Microsoft.Resources/deployments") {
            let own = text(&resource, "scope");
            let at = if own.starts_with('/') { own } else { scope.to_owned() };
            let names: Vec<&str> = name.split('/').collect();
            let id = format!("{}/providers/{}", at.trim_end_matches('/'), woven(&kind, &names));
            all.push(Planned { id, kind, name, scope: at, resource, reader: Rc::clone(&reader), outputs: None });
            continue;
        }
        let nested = if inner { raw.pointer("/properties/template") } else { resource.pointer("/properties/template") };
        let mut nested = nested.filter(|template| template.is_object()).cloned().ok_or("The template is missing.")?;
        // Its expressions were worked out with the others; it has no parameters of its own.
        if let (false, Some(map)) = (inner, nested.as_object_mut()) {
            map.remove("parameters");
            map.remove("variables");
        }
        let given = if inner { resource.pointer_mut("/properties/parameters").map(Value::take) } else { None };
        let subscription = Some(text(&resource, "subscriptionId")).filter(|id| !id.is_empty());
        let subscription = subscription.or_else(|| scope.split('/').nth(2).map(str::to_owned)).unwrap_or_default();
        let group = text(&resource, "resourceGroup");
        let at = if group.is_empty() {
            scope.to_owned()
        } else {
            format!("/subscriptions/{subscription}/resourceGroups/{group}")
        };
        let (mut inside, own) = plan(&nested, given.as_ref(), &at, depth + 1)?;
        let read_by = if inner { Rc::clone(&own) } else { Rc::clone(&reader) };
        for one in inside.iter_mut().filter(|one| Rc::ptr_eq(&one.reader, &own)) {
            one.reader = Rc::clone(&read_by);
        }
        all.extend(inside);
        let outputs = read_by.read(nested.get("outputs").unwrap_or(&json!({})));
        let id = format!("{at}/providers/Microsoft.Resources/deployments/{name}");
        all.push(Planned { id, kind, name, scope: at, resource, reader: read_by, outputs: Some(outputs) });
    }
    Ok((all, reader))
}

/// Whether a value fits a parameter's type; an expression that is not understood fits any.
fn is_of(kind: &str, value: &Value) -> bool {
    if value.as_str().is_some_and(|text| text.starts_with('[') && text.ends_with(']')) {
        return true;
    }
    match kind.to_lowercase().as_str() {
        "string" | "securestring" => value.is_string(),
        "int" => value.is_i64(),
        "bool" => value.is_boolean(),
        "object" | "secureobject" => value.is_object(),
        "array" => value.is_array(),
        _ => true,
    }
}

/// Whether a text is an expression that uses `reference()`.
fn refers(text: &str) -> bool {
    text.starts_with('[')
        && !text.starts_with("[[")
        && text.ends_with(']')
        && text.to_lowercase().contains("reference(")
}

/// Whether an expression that uses `reference()` stands anywhere in a value.
fn refers_within(value: &Value) -> bool {
    match value {
        Value::String(text) => refers(text),
        Value::Array(items) => items.iter().any(refers_within),
        Value::Object(map) => map.values().any(refers_within),
        _ => false,
    }
}

/// Reads a template's expressions.
pub(super) struct Reader {
    parameters: BTreeMap<String, Value>,
    variables: Map<String, Value>,
    scope: String,
}

impl Reader {
    /// Reads a template's parameters and variables.
    ///
    /// # Errors
    /// A sentence that names the parameter that does not fit.
    fn new(template: &Value, given: Option<&Value>, scope: &str) -> Result<Self, String> {
        let mut reader = Self { parameters: BTreeMap::new(), variables: Map::new(), scope: scope.to_owned() };
        let none = Map::new();
        let known = template.get("parameters").and_then(Value::as_object).unwrap_or(&none);
        let given = given.and_then(Value::as_object).unwrap_or(&none);
        if let Some(odd) = given.keys().find(|name| !known.keys().any(|own| own.eq_ignore_ascii_case(name))) {
            let names: Vec<&str> = known.keys().map(String::as_str).collect();
            return Err(format!(
                "The template parameters '{odd}' in the parameters file are not valid; they are not present in the original template and can therefore not be provided at deployment time. The only supported parameters for this template are '{}'.",
                names.join(", ")
            ));
        }
        let early = [template.get("parameters"), template.get("variables")];
        if early.into_iter().flatten().any(refers_within) {
            return Err(MISPLACED.into());
        }
        for (name, parameter) in known {
            let value =
                given.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).and_then(|(_, one)| one.get("value"));
            let value = match value.or_else(|| parameter.get("defaultValue")) {
                Some(value) => reader.read(value),
                None => return Err(format!("The value for the template parameter '{name}' is not provided.")),
            };
            let kind = parameter.get("type").and_then(Value::as_str).unwrap_or("");
            if !is_of(kind, &value) {
                return Err(format!(
                    "The provided value for the template parameter '{name}' is not valid. Expected a value of type '{kind}', but received a value of another type."
                ));
            }
            reader.parameters.insert(name.to_lowercase(), value);
        }
        for (name, variable) in template.get("variables").and_then(Value::as_object).into_iter().flatten() {
            let value = reader.read(variable);
            reader.variables.insert(name.to_lowercase(), value);
        }
        Ok(reader)
    }

    /// The parameters as a read of the deployment shows them: of secret ones only the type.
    pub(super) fn shown_parameters(&self, template: &Value) -> Value {
        let known = template.get("parameters").and_then(Value::as_object).into_iter().flatten();
        let row = |(name, parameter): (&String, &Value)| {
            let kind = parameter.get("type").and_then(Value::as_str).unwrap_or("");
            let shown = match (TYPES.iter().find(|known| known.eq_ignore_ascii_case(kind)), kind) {
                (Some(known), _) => known,
                (None, other) => other,
            };
            let mut one = json!({ "type": shown });
            if let (false, Some(map)) = (shown.starts_with("Secure"), one.as_object_mut()) {
                map.insert("value".into(), self.parameters.get(&name.to_lowercase()).cloned().unwrap_or(Value::Null));
            }
            (name.clone(), one)
        };
        Value::Object(known.map(row).collect())
    }

    /// A value with its expressions (`"[…]"`) worked out; one that is not understood, or that uses `reference()`,
    /// stays as text.
    pub(super) fn read(&self, value: &Value) -> Value {
        self.worked_out(value, None)
    }

    /// A value that [`Self::read`] gave, with what it left for `reference()` worked out.
    pub(super) fn read_references(&self, value: &Value, references: &References<'_>) -> Value {
        self.worked_out(value, Some(references))
    }

    fn worked_out(&self, value: &Value, references: Option<&References<'_>>) -> Value {
        match value {
            Value::String(text) => match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
                Some(inner) if !inner.starts_with('[') && refers(text) == references.is_some() => {
                    self.expression(inner, references).unwrap_or_else(|| value.clone())
                }
                _ => value.clone(),
            },
            Value::Array(items) => items.iter().map(|item| self.worked_out(item, references)).collect(),
            Value::Object(map) => Value::Object(
                map.iter().map(|(name, item)| (name.clone(), self.worked_out(item, references))).collect(),
            ),
            other => other.clone(),
        }
    }

    /// `reference(name or id, version, 'Full')` with what stands below it.
    fn reference(&self, arguments: &[Value], path: &str, references: &References<'_>) -> Option<Value> {
        let text = |at: usize| arguments.get(at).and_then(Value::as_str);
        let full = text(2).is_some_and(|how| how.eq_ignore_ascii_case("Full"));
        let state = references.state(text(0)?, text(1), full)?;
        below(state, path).map_err(|wrong| references.wrong(&wrong)).ok()
    }

    fn expression(&self, text: &str, references: Option<&References<'_>>) -> Option<Value> {
        let text = text.trim();
        if let Some(quoted) = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
            return Some(quoted.replace("''", "'").into());
        }
        let open = text.find('(')?;
        let close = matching(text, open)?;
        let name = text.get(..open)?.trim().to_lowercase();
        let parts = split(text.get(open + 1..close)?);
        if name == "if" {
            // The other value is not asked for: what it refers to may never be made.
            let holds = self.expression(parts.first()?, references)?.as_bool()?;
            let chosen = *parts.get(if holds { 1 } else { 2 })?;
            return Some(self.expression(chosen, references).unwrap_or_else(|| chosen.into()));
        }
        let mut arguments = Vec::new();
        for part in parts {
            match self.expression(part, references) {
                Some(value) => arguments.push(value),
                // It waits for another resource, or is refused.
                None if part.to_lowercase().contains("reference(") => return None,
                None => arguments.push(part.into()),
            }
        }
        let first = arguments.first().and_then(Value::as_str).unwrap_or("");
        let words = || arguments.iter().filter_map(Value::as_str).collect::<Vec<_>>();
        let path = text.get(close + 1..).unwrap_or("");
        let member = path.trim_start_matches('.');
        Some(match name.as_str() {
            "parameters" => below(self.parameters.get(&first.to_lowercase())?.clone(), path).ok()?,
            "variables" => below(self.variables.get(&first.to_lowercase())?.clone(), path).ok()?,
            "reference" => self.reference(&arguments, path, references?)?,
            "concat" => words().concat().into(),
            "resourcegroup" => {
                let group = self.scope.rsplit('/').next().unwrap_or("");
                match member {
                    "location" => "westeurope".into(),
                    "id" => self.scope.as_str().into(),
                    _ => group.into(),
                }
            }
            "subscription" => self.scope.split('/').nth(2)?.into(),
            "resourceid" => match words().as_slice() {
                // Group, or subscription and group, may come first.
                [subscription, group, kind, names @ ..] if !subscription.contains('/') && !group.contains('/') => {
                    format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/{}", woven(kind, names))
                        .into()
                }
                [group, kind, names @ ..] if !group.contains('/') => {
                    let subscription = self.scope.split('/').nth(2)?;
                    format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/{}", woven(kind, names))
                        .into()
                }
                [kind, names @ ..] => format!("{}/providers/{}", self.scope, woven(kind, names)).into(),
                [] => return None,
            },
            "subscriptionresourceid" => match words().as_slice() {
                [kind, names @ ..] => {
                    let subscription = self.scope.split('/').take(3).collect::<Vec<_>>().join("/");
                    format!("{subscription}/providers/{}", woven(kind, names)).into()
                }
                [] => return None,
            },
            "uniquestring" | "guid" => {
                uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, words().join("/").as_bytes()).to_string().into()
            }
            "empty" => first.is_empty().into(),
            "not" => (!arguments.first()?.as_bool()?).into(),
            "equals" => (arguments.first()? == arguments.get(1)?).into(),
            "tolower" => first.to_lowercase().into(),
            _ => return None,
        })
    }
}

/// `Microsoft.Web/locations/managedApis` with names `westeurope`, `azuresentinel` woven in.
pub(super) fn woven(kind: &str, names: &[&str]) -> String {
    let mut parts = kind.split('/');
    let mut text = parts.next().unwrap_or("").to_owned();
    for (part, name) in parts.zip(names) {
        text.push_str(&format!("/{part}/{name}"));
    }
    text
}

fn matching(text: &str, open: usize) -> Option<usize> {
    let mut depth = 0_i32;
    let mut quoted = false;
    for (at, c) in text.char_indices().filter(|(at, _)| *at >= open) {
        match c {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// The arguments of a call, cut at the commas outside quotes and brackets.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut quoted, mut from) = (0_i32, false, 0);
    for (at, c) in text.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                parts.push(text.get(from..at).unwrap_or("").trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    let last = text.get(from..).unwrap_or("").trim();
    if !last.is_empty() {
        parts.push(last);
    }
    parts
}
