//! Listing, reading and writing incidents; their alerts and entities.

use std::sync::{PoisonError, atomic::Ordering};

use http::Method;
use serde_json::Value;

use super::{
    IncidentPage, ListWanted, Place, Sentinel, body,
    call::{Call, segment, value},
    error,
    form::{Form, Open, PAGE, refuses_options, smaller},
    paging::Trail,
    read,
};
use crate::{
    domain::{
        failure::{Failure, FailureKind},
        ids::IncidentId,
        incident::{Evidence, Incident, IncidentStatus},
        operation::IncidentChange,
    },
    outbound::{
        budget::{Class, Kind},
        exchange::Answer,
    },
};

/// A page of more rows is no page.
const ROWS_MAX: usize = 5 * PAGE as usize;
/// An incident with a version was read: what is answered to its update as a creation had been deleted meanwhile.
const CREATED: u16 = 201;
const MADE_AGAIN: &str = "The incident was deleted in Sentinel just before this update was written, and Azure made it again \
                          from the update: without its alerts, comments and tasks. Delete it there if it is not wanted.";
/// So many rows in a row come in ascending order by chance nowhere.
const ORDER_PROVEN: u64 = 10;

/// The rows of a list; `null` is an empty one. `None` when there is no list at all.
pub(super) fn rows_of(page: &mut Value) -> Option<Vec<Value>> {
    match page.get_mut("value").map(Value::take)? {
        Value::Array(rows) => Some(rows),
        Value::Null => Some(Vec::new()),
        _ => None,
    }
}

/// The version is in the body (rule 4); only where it is not, the header's counts.
fn versioned(mut incident: Incident, answer: &Answer) -> Incident {
    if incident.etag.is_none() {
        incident.etag = answer.header("etag").map(str::to_owned);
    }
    incident
}

/// Whether an answer holds the members that every incident has.
fn whole(incident: &Incident) -> bool {
    let has = |name: &str| incident.raw.pointer(&format!("/properties/{name}")).is_some_and(|member| !member.is_null());
    ["title", "severity", "status"].into_iter().all(has)
}

impl Sentinel {
    fn at<'a>(&self, at: &'a Place, method: Method, url: String, kind: Kind, class: Class) -> Call<'a> {
        let subscription = Some(at.workspace.subscription.as_str());
        Call { tenant: &at.tenant, subscription, method, url, body: None, kind, class }
    }

    /// The address of a list's first page.
    fn first_page(&self, at: &Place, want: &ListWanted, form: Form) -> String {
        let mut url = self.address(at, "incidents");
        if let Some(filter) = form.filter(want) {
            url.push_str(&format!("&$filter={}", value(&filter)));
        }
        if form.ordered {
            // Ascending: what changes while we page moves to the end and is seen twice, never skipped.
            url.push_str(&format!("&$orderby={}", value("properties/lastModifiedTimeUtc asc")));
        }
        if form.sized {
            url.push_str(&format!("&$top={}", self.page_size(at)));
        }
        url
    }

    async fn page(&self, at: &Place, url: &str, class: Class) -> Result<Answer, Failure> {
        let asked = self.call(self.at(at, Method::GET, url.to_owned(), Kind::Read, class)).await;
        asked.inspect_err(|failure| self.mind_size(at, failure))
    }

    /// Incidents to a page of this workspace.
    fn page_size(&self, at: &Place) -> u32 {
        let sizes = self.page_sizes.lock().unwrap_or_else(PoisonError::into_inner);
        sizes.get(&at.workspace).copied().unwrap_or(PAGE)
    }

    /// A page that is too large to be read would be too large the next time as well.
    fn mind_size(&self, at: &Place, failure: &Failure) {
        let Some(size) = smaller(self.page_size(at), failure) else { return };
        tracing::warn!(workspace = %at.workspace.workspace, size, error = %failure, "a page is too large; smaller ones are asked for");
        self.page_sizes.lock().unwrap_or_else(PoisonError::into_inner).insert(at.workspace.clone(), size);
    }

    /// The first page in the first of the milder forms that is answered; it is kept. What the refusal was about is known
    /// only then: where none is answered, nothing is given up.
    async fn milder_page(
        &self,
        at: &Place,
        want: &ListWanted,
        class: Class,
        (refused, failure): (Form, Failure),
    ) -> Result<(Answer, String, Form), Failure> {
        for form in refused.milder(want.open_only) {
            let url = self.first_page(at, want, form);
            match self.page(at, &url, class).await {
                Ok(answer) => {
                    tracing::warn!(error = %failure, ?form, "an option of the list is refused; it is asked for without");
                    *self.form.lock().unwrap_or_else(PoisonError::into_inner) = form;
                    return Ok((answer, url, form));
                }
                Err(failure) if refuses_options(&failure) => {}
                Err(failure) => return Err(failure),
            }
        }
        Err(failure)
    }

    pub(super) async fn list_page(
        &self,
        at: &Place,
        want: &ListWanted,
        next: Option<String>,
        class: Class,
    ) -> Result<IncidentPage, Failure> {
        let form = *self.form.lock().unwrap_or_else(PoisonError::into_inner);
        let (url, trail) = match &next {
            Some(cursor) => Trail::resume_smaller(&self.arm, cursor, (PAGE / self.page_size(at)).max(1))?,
            None => (self.first_page(at, want, form), Trail::default()),
        };
        let (answer, url, form) = match self.page(at, &url, class).await {
            Ok(answer) => (answer, url, form),
            Err(failure) if next.is_none() && refuses_options(&failure) => {
                self.milder_page(at, want, class, (form, failure)).await?
            }
            Err(failure) => return Err(failure),
        };
        let mut page = answer.json()?;
        let next = trail.next(&url, &page);
        let rows = rows_of(&mut page).ok_or_else(|| answer.unreadable())?;
        if rows.len() > ROWS_MAX {
            return Err(answer.overlong(rows.len()));
        }
        let (held, incidents) = (rows.len(), Vec::with_capacity(rows.len()));
        let mut result = IncidentPage { incidents, next, told: answer.told(), rows: held, ..IncidentPage::default() };
        for row in rows {
            match read::incident(row) {
                Ok(incident) => result.incidents.push(incident),
                Err(raw) => result.unreadable.push(raw),
            }
        }
        result.ordered = self.in_order(&result.incidents, form);
        if want.open_only && form.open == Open::Picked {
            result.incidents.retain(|incident| incident.status != IncidentStatus::Closed);
        }
        Ok(result)
    }

    /// Whether these came in the order that was asked for. A few may do so by chance, where the order is not kept: then
    /// what came before counts too.
    fn in_order(&self, incidents: &[Incident], form: Form) -> bool {
        let rises = |pair: &[Incident]| match pair {
            [one, next] if next.modified < one.modified => None,
            [one, next] => Some(u64::from(one.modified < next.modified)),
            _ => Some(0),
        };
        let steps: Option<u64> = incidents.windows(2).map(rises).sum();
        let told = incidents.iter().all(|incident| incident.modified.is_some());
        let steps = steps.filter(|_| told && form.ordered);
        let Some(steps) = steps else {
            self.order_kept.store(0, Ordering::Relaxed);
            return false;
        };
        self.order_kept.fetch_add(steps, Ordering::Relaxed).saturating_add(steps) >= ORDER_PROVEN
    }

    pub(super) async fn read_incident(&self, at: &Place, id: &IncidentId, class: Class) -> Result<Incident, Failure> {
        let url = self.address(at, &format!("incidents/{}", segment(id.as_str())));
        let answer = match self.call(self.at(at, Method::GET, url, Kind::Read, class)).await {
            Ok(answer) => answer,
            Err(failure) => {
                let gone = error::leaves_open(&failure) && self.lists_without(at, id, class).await;
                return Err(if gone { error::incident_gone(failure) } else { failure });
            }
        };
        let incident = read::incident(answer.json()?).map_err(|_| answer.unreadable())?;
        Ok(versioned(incident, &answer))
    }

    /// Whether the workspace's list answers, and does not begin with this incident: then its place is there.
    async fn lists_without(&self, at: &Place, id: &IncidentId, class: Class) -> bool {
        let sized = self.form.lock().unwrap_or_else(PoisonError::into_inner).sized;
        let url = format!("{}{}", self.address(at, "incidents"), if sized { "&$top=1" } else { "" });
        let Ok(answer) = self.call(self.at(at, Method::GET, url, Kind::Read, class)).await else { return false };
        let rows = answer.json_if_any().and_then(|mut page| rows_of(&mut page));
        rows.is_some_and(|rows| !rows.into_iter().filter_map(|row| read::incident(row).ok()).any(|row| row.id == *id))
    }

    pub(super) async fn write_incident(
        &self,
        at: &Place,
        current: &Incident,
        change: &IncidentChange,
        class: Class,
    ) -> Result<Incident, Failure> {
        let url = self.address(at, &format!("incidents/{}", segment(current.id.as_str())));
        let body = body::incident_body(current, change);
        let mut call = self.at(at, Method::PUT, url, Kind::IncidentWrite, class);
        call.body = Some(&body);
        let answer = self.call(call).await?;
        let told = answer.json_if_any().and_then(|body| read::incident(body).ok());
        let written = match told.filter(|told| told.id == current.id && whole(told)) {
            Some(told) => versioned(told, &answer),
            // It was carried out, but the answer does not say what the incident is now: look.
            None => self.read_incident(at, &current.id, class).await.map_err(|mut failure| {
                failure.kind = FailureKind::Unknown;
                failure
            })?,
        };
        // Not by the status alone: there may be services that answer so to every write.
        let another = written.number.zip(current.number).is_some_and(|(told, known)| told != known)
            || written.created.zip(current.created).is_some_and(|(told, known)| told != known);
        if answer.status == CREATED && current.etag.is_some() && another {
            return Err(answer.failure(FailureKind::Unknown, None, MADE_AGAIN).of_made_again());
        }
        Ok(written)
    }

    pub(super) async fn read_evidence(&self, at: &Place, id: &IncidentId, class: Class) -> Result<Evidence, Failure> {
        // Neither waits for the other: a new incident's ticket waits for both.
        let alerts = self.evidence_part(at, id, "alerts", "value", Kind::AlertsRead, class);
        let entities = self.evidence_part(at, id, "entities", "entities", Kind::EntitiesRead, class);
        let (alerts, entities) = futures::future::try_join(alerts, entities).await?;
        Ok(Evidence { alerts, entities })
    }

    /// Reading by `POST` with an empty body: that is the contract.
    async fn evidence_part(
        &self,
        at: &Place,
        id: &IncidentId,
        tail: &str,
        member: &str,
        kind: Kind,
        class: Class,
    ) -> Result<Vec<Value>, Failure> {
        let url = self.address(at, &format!("incidents/{}/{tail}", segment(id.as_str())));
        let answer = self.call(self.at(at, Method::POST, url, kind, class)).await?;
        match answer.json()?.get_mut(member).map(Value::take) {
            Some(Value::Array(rows)) => Ok(rows),
            // Absent or null: there are none (yet).
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(_) => Err(answer.unreadable()),
        }
    }
}
