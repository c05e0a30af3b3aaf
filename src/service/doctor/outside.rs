//! Asking the outside systems.

use bytes::Bytes;
use jiff::Timestamp;

use super::Finding;
use crate::{
    clock::Clock,
    config::{client::Binding, names},
    domain::{
        catalogue::Catalogue,
        connection::{HaloConnection, MicrosoftConnection},
        workspace::Workspace,
    },
    engine::{Registry, Transports},
    outbound::{
        Transport,
        budget::{Budget, Class},
    },
    sentinel::{Place, Sentinel},
    store::Installation,
    telemetry,
};

/// Clocks further apart than this make tokens fail.
const SKEW_FAULT_SECS: i64 = 300;
/// Clocks further apart than this make times on pages look wrong.
const SKEW_NOTE_SECS: i64 = 30;

/// A sign-in and every workspace it reaches.
pub(super) async fn microsoft(
    registry: &Registry,
    transports: &dyn Transports,
    installation: &Installation,
    connection: &MicrosoftConnection,
    clock: &dyn Clock,
    found: &mut Vec<Finding>,
) {
    let what = format!("sign-in {}", connection.name);
    let sentinel = match registry.build_sentinel(connection).await {
        Ok(sentinel) => sentinel,
        Err(failure) => return found.push(Finding::fault(what, failure.to_string())),
    };
    let address =
        format!("{}/{}/v2.0/.well-known/openid-configuration", connection.endpoints.authority, connection.tenant_id);
    match transports.microsoft(connection) {
        Ok(transport) => found.push(skew(&*transport, &what, &address, clock).await),
        Err(why) => return found.push(Finding::fault(what, why)),
    }
    let workspaces: Vec<&Workspace> =
        installation.workspaces.iter().filter(|w| w.connection == connection.id).collect();
    if workspaces.is_empty() {
        found.push(match sentinel.subscriptions(&connection.tenant_id).await {
            Ok(rows) => Finding::ok(what, format!("signed in; reaches {} subscription(s)", rows.len())),
            Err(failure) => Finding::fault(what, failure.to_string()),
        });
        return;
    }
    for workspace in workspaces {
        found.push(of_workspace(&sentinel, workspace).await);
    }
}

async fn of_workspace(sentinel: &Sentinel, workspace: &Workspace) -> Finding {
    let what = format!("workspace {}", workspace.name);
    let Some(address) = workspace.address() else {
        return Finding::fault(what, "its ARM id cannot be read. Correct arm_id and apply again.");
    };
    let place = Place { tenant: workspace.tenant_id.clone(), workspace: address };
    match sentinel.onboarded(&place).await {
        Ok(true) => {}
        Ok(false) => {
            return Finding::fault(
                what,
                "Microsoft Sentinel is not switched on there. Add Sentinel to this workspace.",
            );
        }
        Err(failure) => return Finding::fault(what, failure.to_string()),
    }
    match sentinel.rights(&place).await {
        Ok(rights) if rights.missing.is_empty() => Finding::ok(what, "reached, with every right the sync needs"),
        Ok(rights) => Finding::fault(
            what,
            format!(
                "lacks {}. Give the identity the role Microsoft Sentinel Responder on the workspace or its resource group, or \
                 the custom role of docs/SET-UP.md.",
                rights.missing.join(", ")
            ),
        ),
        Err(failure) => Finding::fault(what, failure.to_string()),
    }
}

/// An instance, and every name that policies and clients use there.
pub(super) async fn halo(
    registry: &Registry,
    transports: &dyn Transports,
    installation: &Installation,
    connection: &HaloConnection,
    clock: &dyn Clock,
    found: &mut Vec<Finding>,
) {
    let what = format!("Halo {}", connection.name);
    let budget = Budget::halo(connection.requests_per_5min);
    let halo = match registry.build_halo(connection, budget).await {
        Ok(halo) => halo,
        Err(failure) => return found.push(Finding::fault(what, failure.to_string())),
    };
    match transports.halo(connection) {
        Ok(transport) => {
            let address = format!("{}/authinfo", connection.resource_server);
            found.push(skew(&*transport, &what, &address, clock).await);
        }
        Err(why) => return found.push(Finding::fault(what, why)),
    }
    match halo.me(Class::Interactive).await {
        Ok(agent) => found.push(Finding::ok(&*what, format!("signed in; acts as the agent {}", agent.name))),
        Err(failure) => return found.push(Finding::fault(what, failure.to_string())),
    }
    match halo.catalogue(Class::Interactive).await {
        Ok(catalogue) => names_there(installation, connection, &catalogue, found),
        Err(failure) => found.push(Finding::fault(format!("{what}, look-ups"), failure.to_string())),
    }
}

fn names_there(
    installation: &Installation,
    connection: &HaloConnection,
    catalogue: &Catalogue,
    found: &mut Vec<Finding>,
) {
    if !catalogue.partial.is_empty() {
        let says = format!(
            "Halo counts more rows than it hands out ({}), so what is named there may be one that was not told. Give the \
             agent of the API application access to all of them, or write ids.",
            catalogue.partial.join(", ")
        );
        found.push(Finding::note(format!("Halo {}, look-ups", connection.name), says));
    }
    let bound: Vec<_> = installation
        .clients
        .iter()
        .filter_map(|client| Some((client, client.halo.as_ref().filter(|b| b.connection == connection.id)?)))
        .collect();
    for (client, binding) in &bound {
        let binding = Binding {
            halo: connection.name.clone(),
            halo_client_id: binding.halo_client_id,
            site_id: binding.site_id,
            team: binding.team.clone(),
        };
        report(format!("client {}", client.name), names::of_binding(&binding, catalogue), found);
    }
    let used = |policy| {
        let mut of = installation.workspaces.iter().filter(|w| w.policy == policy);
        of.any(|w| bound.iter().any(|(client, _)| client.id == w.client))
    };
    for policy in installation.policies.iter().filter(|policy| used(policy.id)) {
        let what = format!("policy {} in Halo {}", policy.name, connection.name);
        report(what, names::of_policy(policy, catalogue), found);
    }
}

fn report(what: String, unresolved: Vec<names::Unresolved>, found: &mut Vec<Finding>) {
    if unresolved.is_empty() {
        found.push(Finding::ok(what, "every name it uses exists in Halo"));
        return;
    }
    for fault in unresolved {
        found.push(Finding::fault(&*what, format!("{} {}. {}", fault.field, fault.problem, fault.remedy)));
    }
}

/// Compares clocks by the `Date` of any answer.
async fn skew(transport: &dyn Transport, what: &str, address: &str, clock: &dyn Clock) -> Finding {
    let what = format!("{what}, clock");
    let Ok(request) = http::Request::get(address).body(Bytes::new()) else {
        return Finding::fault(what, "its address cannot be asked. Correct it and apply again.");
    };
    let before = clock.now();
    let answer = match transport.send(request).await {
        Ok(answer) => answer,
        Err(error) => {
            let says = format!(
                "cannot be reached: {}. Check the address, the network and the proxy.",
                telemetry::chain(&error)
            );
            return Finding::fault(what, says);
        }
    };
    let after = clock.now();
    let date = answer.headers().get(http::header::DATE).and_then(|value| value.to_str().ok()).and_then(date);
    let Some(date) = date else {
        return Finding::note(what, "reached; it does not tell its time");
    };
    // The header counts whole seconds; anything between asking and answering is no skew.
    let ahead = before.as_second() - date.as_second() - 1;
    let behind = date.as_second() - after.as_second();
    let apart = ahead.max(behind).max(0);
    if apart > SKEW_FAULT_SECS {
        Finding::fault(what, format!("this machine's clock is {apart} s off. Set it (NTP), or sign-in will fail."))
    } else if apart > SKEW_NOTE_SECS {
        Finding::note(what, format!("reached; this machine's clock is {apart} s off"))
    } else {
        Finding::ok(what, "reached; the clocks agree")
    }
}

/// A `Date` header as a moment.
pub fn date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.replace("GMT", "+0000")).ok()
}
