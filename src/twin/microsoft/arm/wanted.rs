//! What a PUT asks an incident to be: read, refused where the service refuses, put on the incident.
//!
//! The members that an automation rule sets too are read here for both.

use serde_json::{Map, Value};

use super::{errors::bad_request, wrong_member};
use crate::twin::{
    microsoft::{
        Microsoft,
        incident::{Incident, Label, Owner},
    },
    stamp,
    wire::Reply,
};

/// Characters a whole incident may have.
const INCIDENT_MAX: usize = 64_000;

impl Microsoft {
    /// Reads what a PUT wants; refuses what the service refuses.
    pub(super) fn wanted(&self, sent: &Map<String, Value>) -> Result<Wanted, Reply> {
        let text = |name: &str| sent_text(sent, name);
        let title = text("title")?.filter(|title| !title.trim().is_empty());
        let title = title.ok_or_else(|| bad_request("'Title' must have a non-empty value"))?;
        let status = self.sent_status(sent)?;
        let severity = sent_severity(sent)?;
        let (status, closing) = status.ok_or_else(|| bad_request("status must not be empty."))?;
        let severity = severity.ok_or_else(|| bad_request("severity must not be empty."))?;
        let description = text("description")?.filter(|text| !text.is_empty());
        if self.switches.description_limited && description.as_ref().is_some_and(|text| text.chars().count() > 5_000) {
            return Err(bad_request("Description length should not exceed 5000 characters"));
        }
        let size = serde_json::to_string(sent).map_or(0, |text| text.chars().count());
        if self.switches.limits_kept && size > INCIDENT_MAX {
            return Err(bad_request(&format!("Incident size should not exceed {INCIDENT_MAX} characters")));
        }
        Ok(Wanted {
            title,
            severity,
            status,
            description,
            closing,
            owner: self.wanted_owner(sent.get("owner"))?,
            labels: wanted_labels(sent.get("labels"))?,
            first_activity: wanted_time(text("firstActivityTimeUtc")?, "firstActivityTimeUtc")?,
            last_activity: wanted_time(text("lastActivityTimeUtc")?, "lastActivityTimeUtc")?,
        })
    }

    /// The status among sent members, with what closes; `None` when none was sent.
    pub(super) fn sent_status(&self, sent: &Map<String, Value>) -> Result<Option<(String, Closing)>, Reply> {
        let Some(status) = filled(sent, "status")? else { return Ok(None) };
        let status = one_of("status", &status, &["New", "Active", "Closed"])?;
        let closing = self.closing(&status, sent)?;
        Ok(Some((status, closing)))
    }

    /// The classification table of closing.
    fn closing(&self, status: &str, sent: &Map<String, Value>) -> Result<Closing, Reply> {
        let (class, reason) = (filled(sent, "classification")?, filled(sent, "classificationReason")?);
        let comment = filled(sent, "classificationComment")?;
        let classes = ["Undetermined", "TruePositive", "BenignPositive", "FalsePositive"];
        let all = ["SuspiciousActivity", "SuspiciousButExpected", "IncorrectAlertLogic", "InaccurateData"];
        if status != "Closed" {
            // Probably dropped: they mean something only on a closed incident.
            return match self.switches.open_classification.as_str() {
                "kept" => Ok(Closing {
                    class: class.map(|class| one_of("classification", &class, &classes)).transpose()?,
                    reason: reason.map(|reason| one_of("classificationReason", &reason, &all)).transpose()?,
                    comment,
                }),
                "refused" if class.is_some() || reason.is_some() || comment.is_some() => {
                    Err(bad_request(&format!("classification must be empty when status is {status}.")))
                }
                _ => Ok(Closing::default()),
            };
        }
        let class = class.ok_or_else(|| bad_request("classification must not be empty when status is Closed."))?;
        let class = one_of("classification", &class, &classes)?;
        let reasons: &[&str] = match class.as_str() {
            "TruePositive" => &["SuspiciousActivity"],
            "BenignPositive" => &["SuspiciousButExpected"],
            "FalsePositive" => &["IncorrectAlertLogic", "InaccurateData"],
            _ => &[],
        };
        let reason = match reason {
            None if reasons.is_empty() => None,
            None => return Err(bad_request(&format!("classification '{class}' must have classificationReason."))),
            Some(reason) => Some(one_of("classificationReason", &reason, &all)?),
        };
        if let Some(reason) = &reason {
            let wrong = if reasons.is_empty() {
                self.switches.undetermined_reason_refused
            } else {
                self.switches.wrong_reason_refused
            };
            if wrong && !reasons.contains(&reason.as_str()) {
                return Err(bad_request(&format!(
                    "classificationReason '{reason}' is not valid for classification '{class}'."
                )));
            }
        }
        Ok(Closing { class: Some(class), reason, comment })
    }

    /// Looks an owner up by any of its members and fills in the others.
    pub(super) fn wanted_owner(&self, sent: Option<&Value>) -> Result<Owner, Reply> {
        let Some(owner) = sent.filter(|owner| !owner.is_null()) else { return Ok(Owner::default()) };
        let owner = owner.as_object().ok_or_else(|| wrong_member("owner"))?;
        let text =
            |name: &str| owner.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
        let keys = [text("objectId"), text("userPrincipalName"), text("email")];
        let Some(key) = keys.iter().flatten().next() else {
            return match text("assignedTo") {
                Some(name) if self.switches.unknown_owner_refused => Err(unknown_owner(&name)),
                Some(name) => Ok(Owner { assigned_to: Some(name), kind: Some("Unknown".into()), ..Owner::default() }),
                None => Ok(Owner::default()),
            };
        };
        if let Some(user) = self.directory.user(key) {
            return Ok(Owner {
                object_id: Some(user.object_id.clone()),
                email: Some(user.upn.clone()),
                assigned_to: Some(user.name.clone()),
                upn: Some(user.upn.clone()),
                kind: Some("User".into()),
            });
        }
        if let Some(tenant) =
            self.directory.tenants.iter().find(|tenant| tenant.app_object_id.eq_ignore_ascii_case(key))
        {
            let id = Some(tenant.app_object_id.clone());
            return Ok(Owner {
                object_id: id,
                assigned_to: Some("Halobridge".into()),
                kind: Some("Unknown".into()),
                ..Owner::default()
            });
        }
        if self.switches.unknown_owner_refused {
            return Err(unknown_owner(key));
        }
        let [object_id, upn, email] = keys;
        Ok(Owner { object_id, upn, email, assigned_to: text("assignedTo"), kind: Some("Unknown".into()) })
    }
}

/// The members of closing.
#[derive(Debug, Clone, Default)]
pub struct Closing {
    class: Option<String>,
    reason: Option<String>,
    comment: Option<String>,
}

impl Closing {
    pub(super) fn onto(self, incident: &mut Incident) {
        incident.classification = self.class;
        incident.classification_reason = self.reason;
        incident.classification_comment = self.comment;
    }
}

/// What a PUT asks an incident to be.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Title.
    pub title: String,
    /// Severity.
    pub severity: String,
    /// Status.
    pub status: String,
    description: Option<String>,
    closing: Closing,
    /// Owner, looked up.
    pub owner: Owner,
    /// Tags.
    pub labels: Vec<Label>,
    first_activity: Option<String>,
    last_activity: Option<String>,
}

/// Which members that were left out stay as they are.
#[derive(Debug, Clone, Copy)]
pub struct Keep {
    /// The owner.
    pub owner: bool,
    /// The tags.
    pub labels: bool,
    /// The description.
    pub description: bool,
    /// The members of closing.
    pub classification: bool,
    /// The activity times.
    pub activity: bool,
    /// Of tags that were sent back: who put them there.
    pub label_kinds: bool,
}

impl Wanted {
    pub(super) fn keeping(mut self, known: &Incident, keep: &Keep) -> Self {
        if keep.owner {
            self.owner = known.owner.clone();
        }
        if keep.labels {
            self.labels = known.labels.clone();
        }
        // A tag that the system put there stays the system's when it is sent back by name.
        for label in self.labels.iter_mut().filter(|_| keep.label_kinds) {
            if let Some(old) = known.labels.iter().find(|old| old.name == label.name) {
                label.kind = old.kind;
            }
        }
        if keep.description {
            self.description = known.description.clone();
        }
        if keep.classification {
            self.closing = Closing {
                class: known.classification.clone(),
                reason: known.classification_reason.clone(),
                comment: known.classification_comment.clone(),
            };
        }
        if keep.activity {
            self.first_activity = self.first_activity.or_else(|| known.first_activity.clone());
            self.last_activity = self.last_activity.or_else(|| known.last_activity.clone());
        }
        self
    }

    pub(super) fn onto(self, incident: &mut Incident) {
        incident.title = self.title;
        incident.severity = self.severity;
        incident.status = self.status;
        incident.description = self.description;
        self.closing.onto(incident);
        incident.owner = self.owner;
        incident.labels = self.labels;
        incident.first_activity = self.first_activity;
        incident.last_activity = self.last_activity;
    }
}

fn unknown_owner(key: &str) -> Reply {
    bad_request(&format!("The owner '{key}' was not found in the directory."))
}

/// The severity among sent members; `None` when none was sent.
pub(super) fn sent_severity(sent: &Map<String, Value>) -> Result<Option<String>, Reply> {
    let severity = filled(sent, "severity")?;
    severity.map(|text| one_of("severity", &text, &["High", "Medium", "Low", "Informational"])).transpose()
}

/// A member that holds text; none when it is left out or null.
fn sent_text(sent: &Map<String, Value>, name: &str) -> Result<Option<String>, Reply> {
    match sent.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(wrong_member(name)),
    }
}

/// A member that holds text and is not empty: an empty one was not chosen.
fn filled(sent: &Map<String, Value>, name: &str) -> Result<Option<String>, Reply> {
    Ok(sent_text(sent, name)?.filter(|text| !text.is_empty()))
}

fn one_of(name: &str, value: &str, all: &[&str]) -> Result<String, Reply> {
    all.iter()
        .find(|known| known.eq_ignore_ascii_case(value))
        .map(|known| (*known).to_owned())
        .ok_or_else(|| wrong_member(name))
}

fn wanted_time(text: Option<String>, name: &str) -> Result<Option<String>, Reply> {
    text.map(|text| stamp::parse(&text).map(stamp::seven_digits).ok_or_else(|| wrong_member(name))).transpose()
}

pub(super) fn wanted_labels(sent: Option<&Value>) -> Result<Vec<Label>, Reply> {
    let Some(sent) = sent.filter(|labels| !labels.is_null()) else { return Ok(Vec::new()) };
    let mut labels: Vec<Label> = Vec::new();
    for label in sent.as_array().ok_or_else(|| wrong_member("labels"))? {
        let name = label
            .get("labelName")
            .and_then(Value::as_str)
            .filter(|name| !name.is_empty())
            .ok_or_else(|| wrong_member("labels"))?;
        if !labels.iter().any(|known| known.name == name) {
            labels.push(Label { name: name.to_owned(), kind: "User" });
        }
    }
    Ok(labels)
}
