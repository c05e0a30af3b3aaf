//! Halo's side: a signed webhook made through its API, tested with a ticket, removed again.

use super::{detail, exported, kept, reachable, refused, secret};
use crate::{
    domain::{
        connection::HaloConnection,
        failure::{Failure, FailureKind},
        ids::ConnectionId,
        view::probe::{Level, Line},
    },
    halo_itsm::{Halo, hooks::EVENTS},
    outbound::budget::Class,
    service::{
        App, acts,
        caller::Caller,
        error::ServiceError,
        halo_probe::{self, Chosen, Typed},
        outside,
        set_up::{allowed, entry},
        sign_in::CLIENT_SECRET,
    },
    store::SecretOwner,
};

const CLASS: Class = Class::Interactive;
/// Name of the webhook in Halo.
const NAME: &str = "Halobridge";

/// Where an instance's webhook is taken.
pub(super) fn address(public: &str, connection: ConnectionId) -> String {
    format!("{}/hooks/halo/{connection}", public.trim_end_matches('/'))
}

async fn found(app: &App, id: ConnectionId) -> Result<HaloConnection, ServiceError> {
    let installation = app.installation().await?;
    installation.halo.iter().find(|row| row.id == id).cloned().ok_or(ServiceError::NotFound)
}

/// Makes the webhook, or makes the one that is there say the same. Gives what became of it, line by line.
///
/// # Errors
/// `Forbidden`, `NotFound`, `Conflict`; the store cannot be written.
pub async fn make_hook(app: &App, caller: &Caller, public: &str, id: ConnectionId) -> Result<Vec<Line>, ServiceError> {
    allowed(caller)?;
    let connection = found(app, id).await?;
    let lines = match reachable(public, connection.allow_insecure, "Halo") {
        Some(line) => vec![line],
        None => made(app, caller, public, &connection).await?,
    };
    kept::say(app, &id.to_string(), &lines).await?;
    Ok(lines)
}

async fn made(
    app: &App,
    caller: &Caller,
    public: &str,
    connection: &HaloConnection,
) -> Result<Vec<Line>, ServiceError> {
    let halo = match outside::kept_halo(app, connection).await {
        Ok(halo) => halo,
        Err(failure) => return Ok(vec![refused("halo", "The instance cannot be asked", &failure)]),
    };
    let secret = match secret(app, SecretOwner::Connection(connection.id), "halo").await? {
        Ok(secret) => secret,
        Err(line) => return Ok(vec![line]),
    };
    if !connection.webhook {
        let stored = exported(app).await?.halo.into_iter().find(|row| row.name() == connection.name);
        let stored = stored.ok_or(ServiceError::Conflict)?;
        let mut changed = entry::Entry::new("halo", Some(stored.lines()));
        changed.secret(app, &connection.name, "webhook_secret", &secret)?;
        let wanted = changed.read(app, &[]).await?;
        entry::apply(app, caller, &wanted).await?;
    }
    let url = address(public, connection.id);
    acts::record(
        app,
        None,
        vec![acts::act(caller, "make-halo-webhook", None, detail(&[("instance", &connection.name)]))],
    )
    .await?;
    let mut answer = put(&halo, &url, &secret).await;
    if allowed_by_now(&halo, &answer).await {
        answer = put(&halo, &url, &secret).await;
    }
    Ok(vec![answer.unwrap_or_else(|(what, failure)| match failure.kind {
        FailureKind::Forbidden => Line::fault(
            "scope",
            "Halo does not let this API application make webhooks.",
            "Allow the scope “admin” (or “all”) on the API application and to its agent, or make the webhook by hand.",
        ),
        _ => refused("halo", what, &failure),
    })])
}

/// What was not done, and why.
type Undone = (&'static str, Failure);

/// Whether what was forbidden is worth another try: a token allows what was allowed when it was given, and it may be from
/// before a right was given in Halo. So one is asked for that is given now.
async fn allowed_by_now(halo: &Halo, answer: &Result<Line, Undone>) -> bool {
    let forbidden = answer.as_ref().is_err_and(|(_, failure)| failure.kind == FailureKind::Forbidden);
    forbidden && halo.sign_in(CLASS).await.is_ok()
}

async fn put(halo: &Halo, url: &str, secret: &secrecy::SecretString) -> Result<Line, Undone> {
    let of = |what: &'static str| move |failure: Failure| (what, failure);
    let known = halo.hooks(CLASS).await.map_err(of("The webhooks cannot be read"))?;
    let own = known.iter().find(|hook| hook.url.trim_end_matches('/') == url).map(|hook| hook.id.clone());
    let hook = halo.put_hook(own.as_deref(), (NAME, url, secret), CLASS).await;
    let hook = hook.map_err(of("The webhook was not made"))?;
    // One that was just made asks for none.
    let asked = match own {
        Some(_) => halo.events_of(&hook.id, CLASS).await.map_err(of("The webhook's events cannot be read"))?,
        None => Vec::new(),
    };
    let (mut told, mut lacking, mut failed) = (Vec::new(), Vec::new(), None);
    for (event, what) in EVENTS {
        if asked.contains(&event) {
            told.push(what);
            continue;
        }
        match halo.add_event(&hook.id, event, CLASS).await {
            Ok(()) => told.push(what),
            Err(failure) => {
                lacking.push(what);
                failed = failed.or(Some(failure));
            }
        }
    }
    let there = format!("Halo's webhook is there, signed, and tells of: {}.", told.join(", "));
    match failed {
        None => Ok(Line::ok("halo", there)),
        Some(failure) if told.is_empty() => Err(of("No event of the webhook was set")(failure)),
        Some(failure) => Ok(Line::note(
            "halo",
            format!("{there} Not of: {}. {}", lacking.join(", "), failure.message),
            "What it does not tell of is found by polling. Try it again, or add the event to the webhook in Halo.",
        )),
    }
}

/// Makes a test ticket, so that Halo has something to tell of, and takes it away again. The page shows when the webhook
/// arrived.
///
/// # Errors
/// `Forbidden`, `NotFound`; the store cannot be written.
pub async fn test_hook(app: &App, caller: &Caller, id: ConnectionId) -> Result<(), ServiceError> {
    allowed(caller)?;
    let connection = found(app, id).await?;
    let installation = app.installation().await?;
    let bound = installation.clients.iter().find_map(|client| {
        let binding = client.halo.as_ref().filter(|binding| binding.connection == id)?;
        let workspace = installation.workspaces.iter().find(|row| row.client == client.id)?;
        let policy = installation.policies.iter().find(|row| row.id == workspace.policy)?;
        let chosen = Chosen { ticket_type: policy.ticket_type.clone(), outcome: policy.outcome.clone() };
        Some((binding.halo_client_id, chosen))
    });
    let Some((client, chosen)) = bound else {
        let line = Line::fault(
            "halo",
            "No client with a workspace is linked to this instance, so there is nobody to make a test ticket for.",
            "Link a client and its workspace first, or change any ticket in Halo and look here again.",
        );
        return kept::say(app, &id.to_string(), &[line]).await;
    };
    let secret = match outside::kept_secret(app, SecretOwner::Connection(id), CLIENT_SECRET, "halo").await? {
        Ok(secret) => secret.unwrap_or_default(),
        Err(line) => return kept::say(app, &id.to_string(), &[line]).await,
    };
    let sent = app.clock.now();
    let found = halo_probe::write_test(app, caller, &Typed::of(&connection, secret), &chosen, client).await?;
    if found.lines.iter().any(|line| line.level == Level::Fault && line.field != "outcome") {
        return kept::say(app, &id.to_string(), &found.lines).await;
    }
    kept::sent(app, &id.to_string(), sent, &found.lines).await
}

/// Removes the webhook in Halo, and then the secret here.
///
/// # Errors
/// `Forbidden`, `NotFound`, `Conflict`; the store cannot be written.
pub async fn remove_hook(
    app: &App,
    caller: &Caller,
    public: &str,
    id: ConnectionId,
) -> Result<Vec<Line>, ServiceError> {
    allowed(caller)?;
    let connection = found(app, id).await?;
    let url = address(public, id);
    let removed = match outside::kept_halo(app, &connection).await {
        Ok(halo) => {
            let mut answer = unmade(&halo, &url).await;
            if allowed_by_now(&halo, &answer).await {
                answer = unmade(&halo, &url).await;
            }
            answer
        }
        Err(failure) => Err(("The instance cannot be asked", failure)),
    };
    acts::record(
        app,
        None,
        vec![acts::act(caller, "remove-halo-webhook", None, detail(&[("instance", &connection.name)]))],
    )
    .await?;
    let lines = match removed {
        Ok(line) => {
            if connection.webhook {
                let stored = exported(app).await?.halo.into_iter().find(|row| row.name() == connection.name);
                let stored = stored.ok_or(ServiceError::Conflict)?;
                let mut changed = entry::Entry::new("halo", Some(stored.lines()));
                changed.without("webhook_secret");
                let wanted = changed.read(app, &[]).await?;
                entry::apply(app, caller, &wanted).await?;
            }
            vec![line]
        }
        Err((what, failure)) => vec![refused("halo", what, &failure)],
    };
    kept::say(app, &id.to_string(), &lines).await?;
    Ok(lines)
}

async fn unmade(halo: &Halo, url: &str) -> Result<Line, Undone> {
    let known = halo.hooks(CLASS).await.map_err(|failure| ("The webhooks cannot be read", failure))?;
    for hook in known.iter().filter(|hook| hook.url.trim_end_matches('/') == url) {
        halo.remove_hook(&hook.id, CLASS).await.map_err(|failure| ("The webhook was not removed", failure))?;
    }
    Ok(Line::ok("halo", "Halo's webhook is removed and its address here is shut. The instance is polled as before."))
}
