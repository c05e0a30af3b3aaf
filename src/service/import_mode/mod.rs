//! How incidents and changes are heard of at once: the Logic App and its rules in Azure, the webhook in Halo; made here,
//! tested here, removed here. Polling goes on beside them.

mod azure;
pub mod errand;
mod halo;
mod kept;
mod template;
mod worker;

use std::collections::BTreeMap;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

pub use azure::{deploy, plan, remove, send_test};
pub use halo::{make_hook, remove_hook, test_hook};
pub use template::{portal, public_template, template};
pub use worker::{Turn, Worker};

use super::{
    App,
    caller::Caller,
    configuration,
    error::ServiceError,
    fault, intake, names, outside,
    set_up::{allowed, entry},
};
use crate::{
    domain::{
        delivery::DeliverySource,
        failure::{Failure, FailureKind},
        ids::WorkspaceId,
        view::{
            import::{HaloHookRow, ImportRow, TestEvent},
            probe::Line,
        },
        workspace::Workspace,
    },
    outbound::url_policy,
    store::SecretOwner,
};

/// Seconds after which a test event counts as lost: Logic Apps start within a minute or two.
pub const TEST_SECS: i64 = 120;
/// Bytes of a secret that is made here.
const SECRET_BYTES: usize = 32;

/// Every workspace and Halo instance, with how it is heard of. `public` is the console's address.
///
/// # Errors
/// `Forbidden`; the store cannot be read.
pub async fn rows(
    app: &App,
    caller: &Caller,
    public: &str,
) -> Result<(Vec<ImportRow>, Vec<HaloHookRow>), ServiceError> {
    allowed(caller)?;
    let installation = app.installation().await?;
    let mut kept = kept::all(app).await?;
    let mut workspaces = Vec::new();
    for row in &installation.workspaces {
        let source = DeliverySource::Sentinel { workspace: row.id, client: row.client };
        let (test, lines) = said(app, kept.remove(&row.id.to_string()), source, "Azure").await?;
        workspaces.push(ImportRow {
            id: row.id,
            name: row.name.clone(),
            client: names::client(&installation, row.client),
            mode: row.mode,
            poll_secs: row.poll_secs,
            poll_fast_secs: row.poll_fast_secs,
            webhook: row.webhook.then(|| address(public, row.id)),
            test,
            lines,
        });
    }
    workspaces.sort_by_key(|row| (row.client.to_lowercase(), row.name.to_lowercase()));
    let mut instances = Vec::new();
    for row in &installation.halo {
        let source = DeliverySource::Halo { connection: row.id };
        let (test, lines) = said(app, kept.remove(&row.id.to_string()), source, "Halo").await?;
        instances.push(HaloHookRow {
            id: row.id,
            name: row.name.clone(),
            webhook: row.webhook.then(|| halo::address(public, row.id)),
            test,
            lines,
        });
    }
    Ok((workspaces, instances))
}

/// Where a workspace's webhook is taken.
pub fn address(public: &str, workspace: WorkspaceId) -> String {
    format!("{}/hooks/sentinel/{workspace}", public.trim_end_matches('/'))
}

/// How the test event of a workspace or an instance stands, and what its last act said.
async fn said(
    app: &App,
    kept: Option<kept::Kept>,
    source: DeliverySource,
    whose: &str,
) -> Result<(TestEvent, Vec<Line>), ServiceError> {
    let kept = kept.unwrap_or_default();
    let test = state(app, source, kept.sent()).await?;
    let mut lines = kept.lines;
    lines.extend(lost(app, source, test, whose));
    Ok((test, lines))
}

/// What became of the test event that was sent at a moment.
async fn state(app: &App, source: DeliverySource, sent: Option<Timestamp>) -> Result<TestEvent, ServiceError> {
    let Some(sent) = sent else { return Ok(TestEvent::None) };
    let came = app.store.delivered_since(source, sent).await.map_err(|e| fault("look for a test event", &e))?;
    Ok(match came {
        Some(at) => TestEvent::Arrived { sent, at },
        None if app.clock.now().duration_since(sent).as_secs() < TEST_SECS => TestEvent::Waiting { sent },
        None => TestEvent::Never { sent },
    })
}

/// Why a test event may not have arrived.
fn lost(app: &App, source: DeliverySource, test: TestEvent, whose: &str) -> Option<Line> {
    let TestEvent::Never { sent } = test else { return None };
    if let Some(turned) = intake::turned_away(app, source).filter(|turned| turned.at >= sent) {
        let fix = "Make the webhook again: it is then given the secret that is kept here.";
        return Some(Line::fault("test", format!("The test event came and was refused. {}", turned.words()), fix));
    }
    let says = format!("The test event never arrived: nothing came within {TEST_SECS} seconds.");
    let fix = if whose == "Azure" {
        "Look at the Logic App's run history in Azure. A failed run: this server cannot be reached from the internet at the \
         address shown. No run: give the Logic App's identity the role Microsoft Sentinel Reader, then send again."
    } else {
        "Look at the webhook's delivery log in Halo (Configuration > Integrations > Webhooks): Halo must reach this server at \
         the address shown."
    };
    Some(Line::fault("test", says, fix))
}

/// The console's address must be one that the other side can reach.
fn reachable(public: &str, allow_insecure: bool, whose: &str) -> Option<Line> {
    url_policy::check("", public, allow_insecure).err().map(|_| {
        Line::fault(
            "public_url",
            format!(
                "{whose} cannot reach this console at {public}: only a public https address can be reached from there."
            ),
            "Start the server with --public-url https://… and a certificate in front of it, or stay with polling.",
        )
    })
}

/// The webhook's secret of a workspace or instance: the one that is kept, else a new one, sealed. Inside, as a line at
/// `field`, why the one that is kept elsewhere cannot be read.
async fn secret(app: &App, owner: SecretOwner, field: &str) -> Result<Result<SecretString, Line>, ServiceError> {
    let kept = outside::kept_secret(app, owner, configuration::kept_as("webhook_secret"), field).await?;
    let kept = kept.map(|kept| kept.filter(|kept| !kept.expose_secret().is_empty()));
    Ok(kept.map(|kept| kept.unwrap_or_else(|| SecretString::from(app.ids.token(SECRET_BYTES)))))
}

/// The stored entry of a workspace or instance, in the terms of the file, to be changed and applied again.
async fn exported(app: &App) -> Result<crate::config::Applied, ServiceError> {
    let read = configuration::export(&app.store).await;
    read.map_err(|e| ServiceError::internal("read the installation", &e))
}

/// Sets or takes away the secret of a workspace's webhook.
async fn put_workspace_secret(
    app: &App,
    caller: &Caller,
    workspace: &Workspace,
    value: Option<&SecretString>,
) -> Result<(), ServiceError> {
    put_workspace_secrets(app, caller, &[(workspace, value)]).await
}

/// The same for many at once: one version of what is set up.
async fn put_workspace_secrets(
    app: &App,
    caller: &Caller,
    wanted: &[(&Workspace, Option<&SecretString>)],
) -> Result<(), ServiceError> {
    if wanted.is_empty() {
        return Ok(());
    }
    let stored = exported(app).await?.workspaces;
    let mut text = String::new();
    for (workspace, value) in wanted {
        let stored = stored.iter().find(|row| row.arm_id == workspace.arm_id).ok_or(ServiceError::Conflict)?;
        let mut made = entry::Entry::new("workspace", Some(stored.lines()));
        match value {
            Some(value) => made.secret(app, &workspace.arm_id, "webhook_secret", value)?,
            None => made.without("webhook_secret"),
        }
        text.push_str(&made.to_text());
    }
    let wanted = entry::read(app, &text, "workspace", &[]).await?;
    entry::apply(app, caller, &wanted).await.map(drop)
}

/// Whether the same, asked later, can go well without a person. What is sent from here may be sent twice.
fn passes(failure: &Failure) -> bool {
    failure.retryable() || failure.kind == FailureKind::Unknown
}

/// A refusal of the outside as a line.
fn refused(field: &str, doing: &str, failure: &Failure) -> Line {
    let fix = if passes(failure) {
        "It passes by itself: try it again in a minute."
    } else {
        "Correct it there, then try it again."
    };
    Line::fault(field, format!("{doing}: {}", failure.message), fix)
}

fn detail(pairs: &[(&str, &str)]) -> Value {
    let map: BTreeMap<&str, &str> = pairs.iter().copied().collect();
    json!(map)
}
