//! Microsoft Sentinel: incidents, comments and evidence over Azure Resource Manager.
//!
//! Start with [`Incidents`], the narrow trait the engine knows (a Microsoft Graph adapter could come
//! beside it); [`Sentinel`] carries it out. [`body`] makes the bytes of a write, [`mod@read`] reads
//! incidents, [`form`] is what a list is asked for with, [`walk`] goes through lists of several pages, [`error`] sorts refusals, [`discovery`] serves the set-up screens,
//! [`automation`] and [`logic_app`] set up that incidents are told of at once, [`logs`] asks a workspace's own log.
//!
//! May use: `domain`, `outbound`, `entra`, `clock`.

pub mod automation;
pub mod body;
pub mod call;
pub mod comments;
pub mod discovery;
pub mod error;
pub mod form;
pub mod incidents;
pub mod logic_app;
pub mod logs;
pub mod paging;
pub mod read;
pub mod walk;
pub mod webhook;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, atomic::AtomicU64},
};

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    clock::Clock,
    domain::{
        connection::{MicrosoftConnection, MicrosoftEndpoints},
        failure::{Failure, Side},
        ids::{CommentId, IncidentId},
        incident::{Comment, Evidence, Incident},
        operation::IncidentChange,
        workspace::WorkspaceAddress,
    },
    entra::Tokens,
    outbound::{
        Transport,
        budget::{Class, Subscriptions},
        exchange::Exchange,
    },
};

/// Where incidents lie: the tenant whose endpoint gives the token, and the workspace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Tenant (GUID or domain) to redeem the token at.
    pub tenant: String,
    /// The workspace.
    pub workspace: WorkspaceAddress,
}

/// Which incidents a list is to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListWanted {
    /// Changed at or after this moment, by the service's clock.
    pub modified_since: Option<Timestamp>,
    /// Only those that are not closed.
    pub open_only: bool,
    /// Created at or after the first, before the second.
    pub created: Option<(Timestamp, Timestamp)>,
    /// The one of this number.
    pub number: Option<i64>,
    /// The one that its provider counts under this number: digits.
    pub provider_number: Option<String>,
}

/// One page of a list, in ascending order of the last change.
#[derive(Debug, Clone, Default)]
pub struct IncidentPage {
    /// The incidents.
    pub incidents: Vec<Incident>,
    /// Hand it back for the next page; opaque. `None` = this was the last.
    pub next: Option<String>,
    /// How many rows it held, those among them that were not asked for.
    pub rows: usize,
    /// Rows without an id of an incident, whole: never dropped silently.
    pub unreadable: Vec<Value>,
    /// The rows came in the order asked for, and the service is known to keep it.
    pub ordered: bool,
    /// When it was answered, by the service's clock.
    pub told: Option<Timestamp>,
}

/// What became of a comment written under an id of our choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It is new.
    Created,
    /// It was there: an earlier attempt had been carried out.
    AlreadyThere,
}

/// What the engine needs of an incident service.
#[async_trait]
pub trait Incidents: Send + Sync {
    /// One page of incidents; `next` is `None` for the first, else what the page before gave.
    async fn list(
        &self,
        at: &Place,
        want: &ListWanted,
        next: Option<String>,
        class: Class,
    ) -> Result<IncidentPage, Failure>;

    /// One incident. `Gone` when there is none.
    async fn incident(&self, at: &Place, id: &IncidentId, class: Class) -> Result<Incident, Failure>;

    /// Writes a change over the incident as just read. `Conflict` when someone wrote in between.
    async fn write(
        &self,
        at: &Place,
        current: &Incident,
        change: &IncidentChange,
        class: Class,
    ) -> Result<Incident, Failure>;

    /// All comments, oldest first.
    async fn comments(&self, at: &Place, id: &IncidentId, class: Class) -> Result<Vec<Comment>, Failure>;

    /// Writes a comment under an id of our choice: a repeat is no second comment.
    async fn write_comment(
        &self,
        at: &Place,
        id: &IncidentId,
        comment: &CommentId,
        message: &str,
        class: Class,
    ) -> Result<Written, Failure>;

    /// Alerts and entities.
    async fn evidence(&self, at: &Place, id: &IncidentId, class: Class) -> Result<Evidence, Failure>;
}

/// One Microsoft connection's way to Sentinel.
pub struct Sentinel {
    /// Base address of Azure Resource Manager, without a trailing slash.
    arm: String,
    /// The same of Log Analytics.
    logs: String,
    api_version: String,
    writes_per_5min: u32,
    /// The app signs in as itself, and no person does.
    app_only: bool,
    /// The options of a list that the service takes.
    form: Mutex<form::Form>,
    /// Incidents to a page, of the workspaces whose pages were too large.
    page_sizes: Mutex<BTreeMap<WorkspaceAddress, u32>>,
    /// Rows in a row that came in the order asked for.
    order_kept: AtomicU64,
    /// Lists of comments that have more pages than a budget bears: how many were read, and until when none is asked for.
    long_lists: Mutex<BTreeMap<String, (Timestamp, u64)>>,
    exchange: Exchange,
    tokens: Arc<dyn Tokens>,
    clock: Arc<dyn Clock>,
    budgets: Arc<Subscriptions>,
}

impl Sentinel {
    /// For this connection. `budgets` is shared by all connections: a subscription has one budget.
    pub fn new(
        connection: &MicrosoftConnection,
        transport: Arc<dyn Transport>,
        tokens: Arc<dyn Tokens>,
        clock: Arc<dyn Clock>,
        budgets: Arc<Subscriptions>,
    ) -> Self {
        Self {
            arm: connection.endpoints.arm.trim_end_matches('/').to_owned(),
            logs: connection.endpoints.log_analytics.trim_end_matches('/').to_owned(),
            api_version: connection.api_version.clone(),
            writes_per_5min: connection.writes_per_5min,
            app_only: !connection.identity.delegated(),
            form: Mutex::default(),
            page_sizes: Mutex::default(),
            order_kept: AtomicU64::new(0),
            long_lists: Mutex::default(),
            exchange: Exchange::new(transport, Side::Sentinel),
            tokens,
            clock,
            budgets,
        }
    }

    /// A command of the Azure CLI, run in this connection's cloud.
    pub fn cli(&self, command: &str) -> String {
        MicrosoftEndpoints::cli(&self.arm, command)
    }
}

#[async_trait]
impl Incidents for Sentinel {
    async fn list(
        &self,
        at: &Place,
        want: &ListWanted,
        next: Option<String>,
        class: Class,
    ) -> Result<IncidentPage, Failure> {
        self.list_page(at, want, next, class).await
    }

    async fn incident(&self, at: &Place, id: &IncidentId, class: Class) -> Result<Incident, Failure> {
        self.read_incident(at, id, class).await
    }

    async fn write(
        &self,
        at: &Place,
        current: &Incident,
        change: &IncidentChange,
        class: Class,
    ) -> Result<Incident, Failure> {
        self.write_incident(at, current, change, class).await
    }

    async fn comments(&self, at: &Place, id: &IncidentId, class: Class) -> Result<Vec<Comment>, Failure> {
        self.read_comments(at, id, class).await
    }

    async fn write_comment(
        &self,
        at: &Place,
        id: &IncidentId,
        comment: &CommentId,
        message: &str,
        class: Class,
    ) -> Result<Written, Failure> {
        self.put_comment(at, id, comment, message, class).await
    }

    async fn evidence(&self, at: &Place, id: &IncidentId, class: Class) -> Result<Evidence, Failure> {
        self.read_evidence(at, id, class).await
    }
}
