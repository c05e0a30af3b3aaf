//! An incident and its children, and how each is written on the wire.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{evidence, workspace::Workspace};
use crate::twin::stamp::seven_digits;

/// The person or group an incident is assigned to; every member may be null on the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owner {
    /// Entra object id.
    pub object_id: Option<String>,
    /// Mail address.
    pub email: Option<String>,
    /// Display name.
    pub assigned_to: Option<String>,
    /// Sign-in name.
    pub upn: Option<String>,
    /// `User`, `Group`, `Unknown`.
    pub kind: Option<String>,
}

impl Owner {
    /// As the service writes it: always an object, members null when unset.
    pub fn to_json(&self) -> Value {
        json!({
            "objectId": self.object_id, "email": self.email, "assignedTo": self.assigned_to,
            "userPrincipalName": self.upn, "ownerType": self.kind,
        })
    }
}

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Its text.
    pub name: String,
    /// `User` or `AutoAssigned`.
    pub kind: &'static str,
}

impl Label {
    /// As the service writes it.
    pub fn to_json(&self) -> Value {
        json!({"labelName": self.name, "labelType": self.kind})
    }
}

/// Who wrote something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Author {
    /// Entra object id of the person or service principal.
    pub object_id: String,
    /// Mail address; none for an application.
    pub email: Option<String>,
    /// Display name.
    pub name: String,
    /// Sign-in name; none for an application.
    pub upn: Option<String>,
}

impl Author {
    /// `ClientInfo` of the contract; what an application does not have is left out.
    pub fn to_json(&self) -> Value {
        let mut info = json!({"objectId": self.object_id, "name": self.name});
        if let Some(map) = info.as_object_mut() {
            put(map, "email", self.email.as_ref());
            put(map, "userPrincipalName", self.upn.as_ref());
        }
        info
    }
}

/// A comment.
#[derive(Debug, Clone)]
pub struct Comment {
    /// Name (GUID) the writer chose.
    pub name: String,
    /// Version.
    pub etag: String,
    /// Text.
    pub message: String,
    /// First written.
    pub created: Timestamp,
    /// Last edited.
    pub modified: Timestamp,
    /// Its author, who alone may edit it.
    pub author: Author,
}

/// A task.
#[derive(Debug, Clone)]
pub struct Task {
    /// Name (GUID).
    pub name: String,
    /// Version.
    pub etag: String,
    /// Title.
    pub title: String,
    /// Description.
    pub description: Option<String>,
    /// `New` or `Completed`.
    pub status: String,
    /// First written.
    pub created: Timestamp,
    /// Last changed.
    pub modified: Timestamp,
    /// Who wrote it first.
    pub created_by: Author,
    /// Who wrote it last.
    pub modified_by: Author,
}

/// A relation to another resource.
#[derive(Debug, Clone)]
pub struct Relation {
    /// Name.
    pub name: String,
    /// Version.
    pub etag: String,
    /// Full resource id of the other end.
    pub related_id: String,
}

/// An alert of an incident; its body is made when read.
#[derive(Debug, Clone)]
pub struct Alert {
    /// `systemAlertId`.
    pub id: String,
    /// Which made-up story it tells; or a body that was handed in.
    pub body: AlertBody,
    /// When it joined.
    pub at: Timestamp,
}

/// Where an alert's body comes from.
#[derive(Debug, Clone)]
pub enum AlertBody {
    /// Number of a made-up story.
    Story(usize),
    /// `properties` as handed in by the admin route.
    Given(Value),
}

/// An incident.
#[derive(Debug, Clone)]
pub struct Incident {
    /// Name (GUID).
    pub name: String,
    /// Version, quotes inside.
    pub etag: String,
    /// Number within the workspace.
    pub number: u32,
    /// Title.
    pub title: String,
    /// Description; absent on the wire when unset.
    pub description: Option<String>,
    /// `High`, `Medium`, `Low`, `Informational`.
    pub severity: String,
    /// `New`, `Active`, `Closed`.
    pub status: String,
    /// Set on closing.
    pub classification: Option<String>,
    /// Set on closing, by classification.
    pub classification_reason: Option<String>,
    /// Set on closing.
    pub classification_comment: Option<String>,
    /// Owner.
    pub owner: Owner,
    /// Tags.
    pub labels: Vec<Label>,
    /// As sent.
    pub first_activity: Option<String>,
    /// As sent.
    pub last_activity: Option<String>,
    /// First written.
    pub created: Timestamp,
    /// Last changed.
    pub modified: Timestamp,
    /// Since when it is closed, as its workspace notes it.
    pub closed: Option<Timestamp>,
    /// Number in Defender's portal; none for an incident of Sentinel's own.
    pub defender_number: Option<u32>,
    /// Full ids of analytics rules.
    pub rule_ids: Vec<String>,
    /// Alerts.
    pub alerts: Vec<Alert>,
    /// Entities handed in by the admin route (`{kind, properties}`), besides those of the stories.
    pub entities: Vec<Value>,
    /// Extra tactics (none for stories: theirs come from the alerts).
    pub tactics: Vec<String>,
    /// Techniques.
    pub techniques: Vec<String>,
    /// Products that raised the alerts.
    pub products: Vec<String>,
    /// From when alerts and entities show.
    pub evidence_at: Timestamp,
    /// From when the incident itself shows (Defender mode).
    pub visible_at: Timestamp,
    /// Target of a merge: number, portal address.
    pub merged_into: Option<(u32, String)>,
    /// Comments, oldest first.
    pub comments: Vec<Comment>,
    /// Relations.
    pub relations: Vec<Relation>,
    /// Tasks.
    pub tasks: Vec<Task>,
    /// Who changed it last, for the log table.
    pub modified_by: String,
    /// The wire text before the last change, for stale reads.
    pub before: Option<String>,
    /// The wire text, until the next change.
    pub text: Option<String>,
}

/// What an incident's wire form needs from outside it.
pub struct Shown<'a> {
    /// Workspace's resource id.
    pub workspace_id: &'a str,
    /// Workspace's tenant.
    pub tenant_id: &'a str,
    /// Defender workspaces have no description in the log table, and link to Defender.
    pub merged_members: bool,
}

impl Incident {
    /// Alerts that show at `now`.
    pub fn alerts_shown(&self, now: Timestamp) -> &[Alert] {
        if now < self.evidence_at { &[] } else { &self.alerts }
    }

    /// Who raised it: Sentinel itself or Defender.
    pub fn provider(&self) -> &'static str {
        if self.defender_number.is_some() { "Microsoft XDR" } else { "Azure Sentinel" }
    }

    /// Full resource id.
    pub fn id(&self, workspace_id: &str) -> String {
        format!("{workspace_id}/providers/Microsoft.SecurityInsights/Incidents/{}", self.name)
    }

    /// The resource as the service writes it.
    pub fn to_json(&self, shown: &Shown<'_>) -> Value {
        let id = self.id(shown.workspace_id);
        json!({
            "id": id, "name": self.name, "etag": self.etag, "type": "Microsoft.SecurityInsights/Incidents",
            "properties": self.properties(&id, shown),
        })
    }

    fn properties(&self, id: &str, shown: &Shown<'_>) -> Value {
        let mut properties = json!({
            "title": self.title, "severity": self.severity, "status": self.status, "owner": self.owner.to_json(),
            "labels": self.labels.iter().map(Label::to_json).collect::<Vec<_>>(),
            "lastModifiedTimeUtc": seven_digits(self.modified), "createdTimeUtc": seven_digits(self.created),
            "incidentNumber": self.number, "additionalData": self.additional(shown),
            "relatedAnalyticRuleIds": self.rule_ids,
            "incidentUrl": format!("https://portal.azure.com/#asset/Microsoft_Azure_Security_Insights/Incident{id}"),
            "providerName": self.provider(),
            "providerIncidentId": self.defender_number.unwrap_or(self.number).to_string(),
        });
        // Unset members are absent, not null (recordings).
        if let Some(map) = properties.as_object_mut() {
            put(map, "description", self.description.as_ref());
            put(map, "firstActivityTimeUtc", self.first_activity.as_ref());
            put(map, "lastActivityTimeUtc", self.last_activity.as_ref());
            put(map, "classification", self.classification.as_ref());
            put(map, "classificationReason", self.classification_reason.as_ref());
            put(map, "classificationComment", self.classification_comment.as_ref());
        }
        properties
    }

    /// `additionalData`.
    pub fn additional(&self, shown: &Shown<'_>) -> Value {
        let bookmarks = self.relations.iter().filter(|relation| is_bookmark(&relation.related_id)).count();
        let mut data = json!({
            "alertsCount": self.alerts.len(), "bookmarksCount": bookmarks, "commentsCount": self.comments.len(),
            "alertProductNames": self.products, "tactics": self.tactics,
        });
        if let Some(map) = data.as_object_mut() {
            if !self.techniques.is_empty() {
                map.insert("techniques".into(), json!(self.techniques));
            }
            if let Some(number) = self.defender_number {
                let url = format!("https://security.microsoft.com/incidents/{number}?tid={}", shown.tenant_id);
                map.insert("providerIncidentUrl".into(), url.into());
            }
            if let (true, Some((number, url))) = (shown.merged_members, &self.merged_into) {
                map.insert("mergedIncidentNumber".into(), number.to_string().into());
                map.insert("mergedIncidentUrl".into(), url.as_str().into());
            }
        }
        data
    }

    /// A comment's resource.
    pub fn comment_json(&self, comment: &Comment, workspace_id: &str) -> Value {
        json!({
            "id": format!("{}/Comments/{}", self.id(workspace_id), comment.name), "name": comment.name,
            "etag": comment.etag, "type": "Microsoft.SecurityInsights/Incidents/Comments",
            "properties": {
                "message": comment.message, "createdTimeUtc": seven_digits(comment.created),
                "lastModifiedTimeUtc": seven_digits(comment.modified), "author": comment.author.to_json(),
            },
        })
    }

    /// A task's resource.
    pub fn task_json(&self, task: &Task, workspace_id: &str) -> Value {
        let mut properties = json!({
            "title": task.title, "status": task.status, "createdTimeUtc": seven_digits(task.created),
            "lastModifiedTimeUtc": seven_digits(task.modified), "createdBy": task.created_by.to_json(),
            "lastModifiedBy": task.modified_by.to_json(),
        });
        if let Some(map) = properties.as_object_mut() {
            put(map, "description", task.description.as_ref());
        }
        json!({
            "id": format!("{}/Tasks/{}", self.id(workspace_id), task.name), "name": task.name, "etag": task.etag,
            "type": "Microsoft.SecurityInsights/Incidents/Tasks", "properties": properties,
        })
    }

    /// A relation's resource: the other end's name and type come from its id, the kind of an entity from what is known.
    pub fn relation_json(&self, relation: &Relation, workspace: &Workspace) -> Value {
        let mut parts = relation.related_id.rsplit('/');
        let (name, kind) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
        let shown_kind = if !kind.eq_ignore_ascii_case("entities") {
            None
        } else if self.alerts.iter().any(|alert| alert.id.eq_ignore_ascii_case(name)) {
            Some("SecurityAlert".to_owned())
        } else {
            evidence::kind_of(workspace, name)
        };
        let mut properties = json!({
            "relatedResourceId": relation.related_id, "relatedResourceName": name,
            "relatedResourceType": format!("Microsoft.SecurityInsights/{kind}"),
        });
        if let Some(map) = properties.as_object_mut() {
            put(map, "relatedResourceKind", shown_kind.as_ref());
        }
        json!({
            "id": format!("{}/relations/{}", self.id(&workspace.id), relation.name), "name": relation.name,
            "etag": relation.etag, "type": "Microsoft.SecurityInsights/Incidents/relations", "properties": properties,
        })
    }
}

/// Whether a resource id names a bookmark.
pub fn is_bookmark(id: &str) -> bool {
    id.to_lowercase().contains("/bookmarks/")
}

fn put(map: &mut Map<String, Value>, name: &str, value: Option<&String>) {
    if let Some(value) = value {
        map.insert(name.to_owned(), Value::String(value.clone()));
    }
}
