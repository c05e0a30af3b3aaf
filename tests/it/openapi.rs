//! Microsoft's API description as a judge: of the twin's answers and of requests.
//!
//! Reads `shared/sentinel-openapi` beside the project when it is there, and says so when it is not.
//! `api-version` is not compared.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock},
};

use bytes::Bytes;
use halobridge::outbound::{BoxFuture, Transport, TransportError};
use serde_json::{Map, Value, json};

/// Where the real service departs from its description, as that folder's README says: all of them.
///
/// 1. "real `id`/`type` segments are written `Incidents`, `Comments`, `AutomationRules`": paths are compared
///    without regard to case ([`Contract::operation`]).
/// 2. "a real comment etag carries embedded quotes": no schema says otherwise.
/// 3. "one example spells the provider `Microsoft.OperationalIinsights`": examples are not read here.
/// 4. "a new incident's `owner` comes back as an object whose members are all null": these members.
pub const NULL_MEMBERS: [(&str, &[&str]); 1] =
    [("IncidentOwnerInfo", &["objectId", "email", "assignedTo", "userPrincipalName", "ownerType"])];

struct Operation {
    id: String,
    method: String,
    template: Vec<String>,
    file: usize,
    body: Value,
    parameters: Vec<Value>,
}

/// The description, loaded.
pub struct Contract {
    operations: Vec<Operation>,
    definitions: Map<String, Value>,
    /// Made once for each schema: that takes longer than using them.
    validators: Mutex<BTreeMap<String, jsonschema::Validator>>,
}

static CONTRACT: OnceLock<Option<Contract>> = OnceLock::new();

/// The description; `None`, with a message, where it is absent.
pub fn contract() -> Option<&'static Contract> {
    CONTRACT
        .get_or_init(|| {
            let found = Path::new(env!("CARGO_MANIFEST_DIR"))
                .ancestors()
                .skip(1)
                .take(2)
                .map(|folder| folder.join("shared/sentinel-openapi/specification"))
                .find(|folder| folder.is_dir());
            if found.is_none() {
                eprintln!("skipped: ../shared/sentinel-openapi is not here, so nothing is held against Microsoft's description");
            }
            found.map(|folder| Contract::load(&folder))
        })
        .as_ref()
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_none_or(|name| name != "examples") {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
}

fn normal(path: &Path) -> PathBuf {
    let mut whole = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                whole.pop();
            }
            std::path::Component::CurDir => {}
            part => whole.push(part),
        }
    }
    whole
}

struct Loader {
    files: BTreeMap<PathBuf, (usize, Value)>,
}

impl Loader {
    /// `other.json#/definitions/X` as seen from a file: the file's number and the pointer.
    fn target(&self, from: &Path, reference: &str) -> (usize, String) {
        let (file, pointer) = reference.split_once('#').unwrap();
        let path = if file.is_empty() { from.to_owned() } else { normal(&from.parent().unwrap().join(file)) };
        let (number, _) = self.files.get(&path).unwrap_or_else(|| panic!("{reference} leads to {path:?}"));
        (*number, pointer.to_owned())
    }

    fn look_up(&self, from: &Path, value: &Value) -> (PathBuf, Value) {
        match value.get("$ref").and_then(Value::as_str) {
            None => (from.to_owned(), value.clone()),
            Some(reference) => {
                let (number, pointer) = self.target(from, reference);
                let (path, (_, text)) = self.files.iter().find(|(_, (own, _))| *own == number).unwrap();
                (path.clone(), text.pointer(&pointer).unwrap().clone())
            }
        }
    }

    /// A schema with its references pointing into one common set of definitions.
    fn schema(&self, from: &Path, value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(|item| self.schema(from, item)).collect(),
            Value::Object(map) => {
                let nullable = map.get("x-nullable") == Some(&Value::Bool(true));
                let mut kept = Map::new();
                for (name, item) in map {
                    match name.as_str() {
                        "$ref" if item.is_string() => {
                            let (number, pointer) = self.target(from, item.as_str().unwrap());
                            let name = pointer.rsplit('/').next().unwrap();
                            kept.insert("$ref".into(), format!("#/definitions/{number}.{name}").into());
                        }
                        "example" | "x-ms-enum" | "discriminator" | "description"
                            if !item.is_object() || name != "description" => {}
                        _ => {
                            kept.insert(name.clone(), self.schema(from, item));
                        }
                    }
                }
                let kept = Value::Object(kept);
                if nullable { json!({"anyOf": [kept, {"type": "null"}]}) } else { kept }
            }
            other => other.clone(),
        }
    }
}

impl Contract {
    fn load(folder: &Path) -> Self {
        let mut paths = Vec::new();
        files(folder, &mut paths);
        paths.sort();
        let loader = Loader {
            files: paths
                .into_iter()
                .enumerate()
                .map(|(number, path)| {
                    let text = std::fs::read_to_string(&path).unwrap();
                    (path, (number, serde_json::from_str(&text).unwrap()))
                })
                .collect(),
        };
        let mut contract = Self { operations: Vec::new(), definitions: Map::new(), validators: Mutex::default() };
        for (path, (number, text)) in &loader.files {
            for (name, definition) in text.get("definitions").and_then(Value::as_object).into_iter().flatten() {
                let mut schema = loader.schema(path, definition);
                depart(name, &mut schema);
                contract.definitions.insert(format!("{number}.{name}"), schema);
            }
            let base = text.get("basePath").and_then(Value::as_str).unwrap_or("").trim_end_matches('/');
            for (template, methods) in text.get("paths").and_then(Value::as_object).into_iter().flatten() {
                for (method, operation) in
                    methods.as_object().unwrap().iter().filter(|(method, _)| *method != "parameters")
                {
                    let mut responses = Map::new();
                    for (status, response) in operation["responses"].as_object().unwrap() {
                        let (from, response) = loader.look_up(path, response);
                        let schema = response.get("schema").map(|schema| loader.schema(&from, schema));
                        responses.insert(status.clone(), schema.unwrap_or(Value::Null));
                    }
                    let parameters = operation.get("parameters").and_then(Value::as_array).into_iter().flatten();
                    let parameters: Vec<Value> = parameters
                        .map(|parameter| {
                            let (from, parameter) = loader.look_up(path, parameter);
                            loader.schema(&from, &parameter)
                        })
                        .collect();
                    let template: Vec<String> = format!("{base}{template}")
                        .to_lowercase()
                        .split('/')
                        .filter(|part| !part.is_empty())
                        .map(str::to_owned)
                        .collect();
                    // A resource that lies in no other has no parent's path.
                    let short = template.iter().filter(|part| *part != "{parentresourcepath}").cloned().collect();
                    for template in if template == short { vec![template] } else { vec![template, short] } {
                        contract.operations.push(Operation {
                            id: operation["operationId"].as_str().unwrap_or_default().to_owned(),
                            method: method.to_uppercase(),
                            template,
                            file: *number,
                            body: Value::Object(responses.clone()),
                            parameters: Vec::clone(&parameters),
                        });
                    }
                }
            }
        }
        contract
    }

    /// The operation of a path: the one with the most literal parts.
    fn operation(&self, method: &str, path: &str) -> Option<&Operation> {
        let lower = path.to_lowercase();
        let parts: Vec<&str> = lower.split('/').filter(|part| !part.is_empty()).collect();
        let literal = |operation: &&Operation| operation.template.iter().filter(|part| !part.starts_with('{')).count();
        self.operations
            .iter()
            .filter(|operation| operation.method == method && fits(&operation.template, &parts))
            .max_by_key(literal)
    }

    fn validate(&self, schema: &Value, body: &Value) -> Result<(), String> {
        let key = schema.to_string();
        let mut made = self.validators.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !made.contains_key(&key) {
            let mut whole = json!({"$schema": "http://json-schema.org/draft-04/schema#", "allOf": [schema]});
            whole["definitions"] = Value::Object(self.definitions.clone());
            let validator = jsonschema::options().should_validate_formats(true).build(&whole);
            made.insert(key.clone(), validator.map_err(|error| error.to_string())?);
        }
        let faults: Vec<String> =
            made[&key].iter_errors(body).map(|error| format!("{}: {error}", error.instance_path())).collect();
        if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
    }

    /// Holds an answer against the description. `Ok(false)`: the description has no such operation.
    pub fn check_answer(&self, method: &str, path: &str, status: u16, body: &[u8]) -> Result<bool, String> {
        let Some(operation) = self.operation(method, path) else { return Ok(false) };
        let responses = operation.body.as_object().unwrap();
        let named = responses.get(&status.to_string());
        let schema = match named {
            Some(schema) => schema,
            None if status >= 400 => match responses.get("default") {
                Some(schema) => schema,
                None => return Ok(true),
            },
            None => return Err(format!("{method} {path}: status {status} is not described")),
        };
        // HTTP gives 204 no body, whatever is described.
        if schema.is_null() || status == 204 {
            return Ok(true);
        }
        let body: Value = serde_json::from_slice(body).map_err(|error| format!("{method} {path}: {error}"))?;
        self.validate(schema, &body)
            .map_err(|faults| format!("{method} {path} {status} (file {}): {faults}\n{body:#}", operation.file))?;
        Ok(true)
    }

    /// Holds a request against the description: path, query options and body. The operation's id, or
    /// `Ok(None)`: no such operation.
    pub fn check_request(
        &self,
        method: &str,
        path: &str,
        query: &[(String, String)],
        body: &[u8],
    ) -> Result<Option<&str>, String> {
        let Some(operation) = self.operation(method, path) else { return Ok(None) };
        let wrong = |what: String| Err(format!("{method} {path} ({}): {what}", operation.id));
        let of = |place: &str| {
            operation.parameters.iter().filter(move |parameter| parameter["in"] == place).collect::<Vec<_>>()
        };
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        // A leading `{scope}` takes what the other parts leave.
        let before = parts.len() - operation.template.len();
        for (at, name) in operation.template.iter().enumerate() {
            let Some(name) = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')) else { continue };
            let named =
                |parameter: &&&Value| parameter["name"].as_str().is_some_and(|own| own.eq_ignore_ascii_case(name));
            let Some(parameter) = of("path").iter().find(named).copied().cloned() else {
                return wrong(format!("the description forgets {name}"));
            };
            let value = if at == 0 { parts[..=before].join("/") } else { parts[at + before].to_owned() };
            let value = percent_encoding::percent_decode_str(&value).decode_utf8_lossy().into_owned();
            if let Err(faults) = self.validate(&plain_schema(&parameter), &Value::from(value)) {
                return wrong(format!("{name}: {faults}"));
            }
        }
        for (name, value) in query.iter().filter(|(name, _)| name != "api-version") {
            let Some(parameter) = of("query").into_iter().find(|parameter| parameter["name"] == name.as_str()) else {
                return wrong(format!("no query option {name} is described"));
            };
            let number = parameter["type"] == "integer" || parameter["type"] == "number";
            let value =
                if number { value.parse::<i64>().map_or(Value::Null, Value::from) } else { value.as_str().into() };
            if let Err(faults) = self.validate(&plain_schema(parameter), &value) {
                return wrong(format!("{name}: {faults}"));
            }
        }
        if !query.iter().any(|(name, value)| name == "api-version" && !value.is_empty())
            && of("query").iter().any(|parameter| parameter["name"] == "api-version")
        {
            return wrong("api-version is missing".into());
        }
        for parameter in of("query").iter().filter(|parameter| parameter["required"] == true) {
            if !query.iter().any(|(name, _)| parameter["name"] == name.as_str()) {
                return wrong(format!("{} is missing", parameter["name"]));
            }
        }
        match (of("body").first(), body.is_empty()) {
            (None, true) | (Some(_), true) if of("body").first().is_none_or(|body| body["required"] != true) => {}
            (None, _) => return wrong("a body is not described".into()),
            (Some(_), true) => return wrong("the body is missing".into()),
            (Some(parameter), false) => {
                let body: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
                if let Err(faults) = self.validate(&parameter["schema"], &body) {
                    return wrong(format!("{faults}\n{body:#}"));
                }
            }
        }
        Ok(Some(&operation.id))
    }
}

/// A parameter's own schema: what it says of its value.
fn plain_schema(parameter: &Value) -> Value {
    let kept = ["type", "pattern", "minLength", "maxLength", "minimum", "maximum", "enum", "format"];
    kept.iter()
        .filter_map(|name| Some(((*name).to_owned(), parameter.get(name)?.clone())))
        .collect::<Map<_, _>>()
        .into()
}

/// A transport that holds every call to Azure and its answer against the description, and passes it on.
pub struct Judge<T> {
    to: T,
    /// Whether answers are held against it too: not those of a twin that is told to depart from it.
    answers: bool,
    /// Operations called, by id.
    pub called: Mutex<BTreeMap<String, usize>>,
}

impl<T> Judge<T> {
    pub fn of(to: T) -> Self {
        Self { to, answers: true, called: Mutex::default() }
    }

    pub fn of_requests(to: T) -> Self {
        Self { answers: false, ..Self::of(to) }
    }
}

impl<T: Transport> Transport for Judge<T> {
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let uri = request.uri().clone();
            let below = ["/arm", "/loganalytics"].iter().find_map(|side| uri.path().strip_prefix(side));
            let (Some(contract), Some(path)) = (contract(), below) else { return self.to.send(request).await };
            let query: Vec<(String, String)> =
                url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
            let method = request.method().to_string();
            match contract.check_request(&method, path, &query, request.body()) {
                Ok(Some(id)) => *self.called.lock().unwrap().entry(id.to_owned()).or_default() += 1,
                Ok(None) if UNDESCRIBED.iter().any(|known| path.to_lowercase().ends_with(known)) => {}
                Ok(None) if ELSEWHERE.iter().any(|known| path.to_lowercase().contains(known)) => {}
                Ok(None) => panic!("{method} {path} is not in Microsoft's description"),
                Err(faults) => panic!("{faults}"),
            }
            let answer = self.to.send(request).await?;
            // What a fault of the twin's has disturbed is nobody's answer.
            let told =
                self.answers && answer.status().is_success() && serde_json::from_slice::<Value>(answer.body()).is_ok();
            if told && let Err(faults) = contract.check_answer(&method, path, answer.status().as_u16(), answer.body()) {
                panic!("{faults}");
            }
            Ok(answer)
        })
    }
}

/// Paths whose description is not in the folder (Microsoft.Resources 2021-04-01).
const UNDESCRIBED: [&str; 1] = ["/resourcegroups"];
/// Services whose descriptions are not there either: what is sent to them is checked by its parts (`sentinel::logic_app`).
const ELSEWHERE: [&str; 2] = ["/providers/microsoft.logic/workflows/", "/providers/microsoft.web/connections/"];

fn fits(template: &[String], parts: &[&str]) -> bool {
    // A leading `{scope}` or `{resourceId}` stands for several parts.
    if template.first().is_some_and(|first| matches!(first.as_str(), "{scope}" | "{resourceid}")) {
        let rest = &template[1..];
        return parts.len() >= rest.len() && fits(rest, &parts[parts.len() - rest.len()..]);
    }
    template.len() == parts.len()
        && template.iter().zip(parts).all(|(wanted, part)| wanted.starts_with('{') || wanted == part)
}

fn depart(name: &str, schema: &mut Value) {
    // Log rows: cells are described as objects; Microsoft's own examples hold texts and numbers.
    if let Some(cell) = schema.pointer_mut("/properties/rows/items/items") {
        *cell = json!({});
    }
    for (definition, members) in NULL_MEMBERS {
        if definition != name {
            continue;
        }
        for member in members {
            if let Some(property) = schema.pointer_mut(&format!("/properties/{member}")) {
                *property = json!({"anyOf": [property.clone(), {"type": "null"}]});
            }
        }
    }
}

#[test]
fn a_wrong_answer_is_told_from_a_right_one() {
    let Some(contract) = contract() else { return };
    let path = "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w/providers/Microsoft.SecurityInsights/incidents/i";
    let right = json!({"id": "x", "name": "i", "type": "t", "etag": "e", "properties": {"title": "t", "severity": "High", "status": "New", "owner": {"objectId": null}}});
    assert_eq!(contract.check_answer("GET", path, 200, right.to_string().as_bytes()), Ok(true));
    for (pointer, wrong) in [
        ("/properties/severity", json!("Huge")),
        ("/properties/title", json!(5)),
        ("/properties/owner/objectId", json!(7)),
    ] {
        let mut body = right.clone();
        *body.pointer_mut(pointer).unwrap() = wrong;
        assert!(contract.check_answer("GET", path, 200, body.to_string().as_bytes()).is_err(), "{pointer}");
    }
    assert!(contract.check_answer("GET", path, 204, b"").is_err());
    assert!(contract.check_request("GET", path, &[("$expand".into(), "x".into())], b"").is_err());
    assert!(contract.check_request("PUT", path, &[], br#"{"properties":{"severity":"High"}}"#).is_err());
}
