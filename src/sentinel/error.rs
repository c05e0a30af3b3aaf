//! Azure's refusals (sentinel-api sheet 1.7), reduced to what can be done about them.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    domain::failure::{Failure, FailureKind},
    outbound::{budget::Budget, exchange::Answer, read},
};

/// Code and message of an error body, however it is wrapped. A message may itself be a JSON text
/// (encoded twice): then the inner one counts.
pub fn code_and_message(body: &Value) -> (Option<String>, Option<String>) {
    let error = member(body, "error").filter(|e| e.is_object()).unwrap_or(body);
    let words = |name: &str| member(error, name).and_then(read::text).filter(|text| !text.trim().is_empty());
    let (code, message) = (words("code"), words("message"));
    if let Some(inner) = message.as_deref().filter(|m| m.trim_start().starts_with('{'))
        && let Ok(inner) = serde_json::from_str::<Value>(inner)
    {
        let (inner_code, inner_message) = code_and_message(&inner);
        if inner_message.is_some() {
            return (inner_code.or(code), inner_message);
        }
    }
    (code, message)
}

/// A member, however its name is capitalised: some services behind Azure write `Error`, `Code` and `Message`.
fn member<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let any_case =
        || object.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    object.get(name).or_else(any_case)
}

/// The remaining calls the service names, if it does: the smallest of its figures.
pub fn remaining(answer: &Answer) -> Option<u64> {
    [
        "x-ms-ratelimit-remaining-subscription-reads",
        "x-ms-ratelimit-remaining-subscription-global-reads",
        "x-ms-ratelimit-remaining-subscription-resource-requests",
        "x-ms-ratelimit-remaining-subscription-writes",
    ]
    .into_iter()
    .filter_map(|name| answer.header(name)?.trim().parse().ok())
    .min()
}

/// The claims of a challenge (`insufficient_claims`), decoded, to be passed on to the sign-in.
pub fn claims_challenge(answer: &Answer) -> Option<String> {
    let header = answer.header("www-authenticate")?;
    if !header.contains("insufficient_claims") {
        return None;
    }
    let (_, rest) = header.split_once("claims=\"")?;
    let (packed, _) = rest.split_once('"')?;
    let bytes = STANDARD.decode(packed).or_else(|_| URL_SAFE_NO_PAD.decode(packed.trim_end_matches('='))).ok()?;
    String::from_utf8(bytes).ok()
}

/// The service's own sentence, safe to show: one line, shortened, no control characters.
fn quoted(message: &str) -> String {
    let line: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
    line.trim().to_owned()
}

/// Turns a refusal into a failure, and tells the budget what the server said.
pub fn refused(answer: &Answer, budget: &Budget, now: Timestamp) -> Failure {
    let (code, message) = answer.json_if_any().as_ref().map_or((None, None), code_and_message);
    let says = message.as_deref().map(quoted).unwrap_or_default();
    let fail = |kind, text: String| answer.failure(kind, code.clone(), text);
    match answer.status {
        429 => {
            let at = wait_until(answer, budget, now);
            fail(FailureKind::WaitUntil { at }, "Azure asks to wait: too many requests. It goes on by itself.".into())
        }
        401 if claims_challenge(answer).is_some() => fail(
            FailureKind::SignInAgain,
            "Azure asks for a stronger sign-in (second factor or policy). Sign in again.".into(),
        ),
        401 if code.as_deref() == Some("InvalidAuthenticationTokenTenant") => fail(
            FailureKind::Forbidden,
            "The sign-in is of another tenant than the workspace's. Correct the workspace's tenant id.".into(),
        ),
        401 => fail(
            FailureKind::SignInAgain,
            "Azure does not accept the sign-in. Sign in again, or enter a new secret.".into(),
        ),
        403 | 409 if barred(code.as_deref()).is_some() => {
            let sentence = barred(code.as_deref()).unwrap_or_default();
            // What Azure says of a missing right names who asked.
            let text = match code.as_deref() {
                Some("LinkedAuthorizationFailed") => sentence.to_owned(),
                _ => format!("{sentence} Azure says: {}", told(&says)),
            };
            fail(FailureKind::Forbidden, text)
        }
        403 => fail(
            FailureKind::Forbidden,
            format!(
                "Azure refuses this: {}. Give the identity the role Microsoft Sentinel Responder on the workspace; a \
                 new role can take an hour to work.",
                action_of(&says).unwrap_or("a right is missing")
            ),
        ),
        404 if of_the_place(answer, code.as_deref(), &says) => {
            let says = match code.as_deref() {
                None if names_a_place(&says) => of_place(&says),
                None if answer.body.trim_ascii().is_empty() || answer.json_if_any().is_some() => {
                    let words = if says.is_empty() { String::new() } else { format!(" Azure says: {says}") };
                    format!("{NOTHING_NAMED}{words}")
                }
                None => format!("Azure answered 404 with {}, which says nothing of the incident.", answer.looks()),
                code @ Some("SubscriptionNotFound" | "ResourceGroupNotFound" | "ResourceNotFound") => gone(code, &says),
                _ => of_place(&says),
            };
            fail(FailureKind::Transient, format!("{says}{TRIED_AGAIN}"))
        }
        404 => fail(FailureKind::Gone, gone(code.as_deref(), &says)),
        // Not every 409 is about a newer version: others pass, or are told in the end.
        409 if !of_version(code.as_deref(), &says) => fail(
            FailureKind::Transient,
            format!("Azure can't do this as things stand. It is tried again. Azure says: {}", told(&says)),
        ),
        409 | 412 => {
            fail(FailureKind::Conflict, "Someone else changed it in between. It is read again and planned anew.".into())
        }
        400 if says.contains("is not onboarded") => fail(FailureKind::Rejected, NOT_ONBOARDED.into()),
        400 if says.contains("is not registered") => fail(
            FailureKind::Rejected,
            "The subscription is not registered for Microsoft.SecurityInsights. Register it in Azure.".into(),
        ),
        408 => answer.server_error(),
        status if status >= 500 => answer.out_of_order(now, |until| budget.told_to_wait(now, until)),
        300..=399 => answer.redirected(),
        _ if code.is_none() && message.is_none() => {
            let mut failure = answer.unreadable();
            // A 4xx was refused, whatever its body looks like: a write was not carried out.
            if answer.changes {
                failure.kind = FailureKind::Rejected;
            }
            failure
        }
        _ => fail(
            FailureKind::Rejected,
            if says.is_empty() { "Azure refuses the request.".into() } else { format!("Azure refuses: {says}") },
        ),
    }
}

/// The same where an app signs in as itself: nobody can sign in again for it.
pub fn of_an_app_alone(failure: Failure, challenged: bool) -> Failure {
    if failure.kind != FailureKind::SignInAgain {
        return failure;
    }
    let text = if challenged {
        "Azure asks for a stronger sign-in (a policy), which an app cannot give. Ask the tenant's administrator to leave the \
         app out of the policy."
    } else {
        "Azure does not accept the app's sign-in, not even with a new token. Check tenant id, client id and the secret or \
         certificate of the connection, and whether the app is enabled there."
    };
    Failure { message: text.to_owned(), ..failure }
}

/// What is said of a workspace without Sentinel.
const NOT_ONBOARDED: &str = "The workspace has no Microsoft Sentinel. Add Sentinel to it in Azure, or choose another.";

/// Whether Azure said that the workspace has no Sentinel, and not that something else is wrong with the call.
pub fn not_onboarded(failure: &Failure) -> bool {
    failure.message == NOT_ONBOARDED
}

/// A good answer that holds an error, or nothing of a list: it tells nothing of what there is.
pub fn no_list(answer: &Answer, body: &Value) -> Option<Failure> {
    let members = body.as_object()?;
    if members.is_empty() || members.contains_key("value") {
        return None;
    }
    let mut failure = answer.unreadable();
    if let (code, Some(message)) = code_and_message(body) {
        failure.code = code;
        failure.message = format!("Azure answered with an error in place of a list: {}", quoted(&message));
    }
    Some(failure)
}

/// The service's sentence, or that there is none.
fn told(says: &str) -> &str {
    if says.is_empty() { "nothing more." } else { says }
}

/// Whether a 409 is about a newer version of the record. One that names nothing is taken for such.
fn of_version(code: Option<&str>, says: &str) -> bool {
    const CODES: [&str; 3] = ["Conflict", "PreconditionFailed", "Http409"];
    let says = says.to_ascii_lowercase();
    code.is_none_or(|code| CODES.iter().any(|known| known.eq_ignore_ascii_case(code)))
        || ["newer version", "new version", "etag"].iter().any(|word| says.contains(word))
}

/// What bars a call and is no missing role: what it is, and what to do. By the code, for the texts hold names.
pub fn barred(code: Option<&str>) -> Option<&'static str> {
    let sentence = match code? {
        "ReadOnlyDisabledSubscription" | "SubscriptionDisabled" | "DisabledSubscription" => {
            "The Azure subscription is disabled: it can be read, and nothing can be written. Have it enabled again in Azure \
             (Subscriptions > Reactivate)."
        }
        "ScopeLocked" => {
            "A lock in Azure forbids this. Remove the lock on the workspace, its resource group or its subscription \
             (Settings > Locks)."
        }
        "MissingSubscriptionRegistration" | "SubscriptionNotRegistered" => {
            "The subscription is not registered for a resource provider that this needs. Register it in Azure \
             (Subscription > Settings > Resource providers)."
        }
        "DisallowedOperation" => {
            "The subscription does not allow this operation, whoever asks. Ask who administers the subscription about its \
             offer and state."
        }
        "RequestDisallowedByPolicy" | "RequestDisallowedByAzure" => {
            "A policy in Azure forbids this, and no role helps. Have the policy changed, or the workspace exempted from it."
        }
        "LinkedAuthorizationFailed" => {
            "The identity lacks a right on another resource that this one is linked to. Give it a role there."
        }
        _ => return None,
    };
    Some(sentence)
}

fn wait_until(answer: &Answer, budget: &Budget, now: Timestamp) -> Timestamp {
    match answer.retry_after(now) {
        Some(until) => {
            budget.told_to_wait(now, until);
            until
        }
        None => budget.told_to_wait_some_time(now),
    }
}

/// `… does not have authorization to perform action 'X' over scope …`: X.
fn action_of(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("action '")?;
    let (action, _) = rest.split_once('\'')?;
    (!action.is_empty()).then_some(action)
}

/// Whether a 404 to a call about one incident says nothing of that incident: Azure does not know the place where it is (a
/// subscription that is moved or disabled, a workspace that is put back just now), or something else than Sentinel
/// answered. An incident that is deleted has the code `NotFound`, or is named.
fn of_the_place(answer: &Answer, code: Option<&str>, says: &str) -> bool {
    const OTHERS: [&str; 3] = ["resourcenotfound", "parentresourcenotfound", "invalidresourcetype"];
    let Some((_, below)) = answer.named.split_once("/Microsoft.SecurityInsights/incidents/") else { return false };
    let id = below.split('/').next().unwrap_or_default();
    // What runs is a Logic App: it may be gone, and the incident there.
    if id.is_empty() || below.ends_with("/runPlaybook") || says.contains(id) {
        return false;
    }
    let Some(code) = code.map(str::to_ascii_lowercase) else { return true };
    OTHERS.contains(&code.as_str()) || PLACES.iter().any(|place| code.contains(place))
}

/// Where an incident is, as codes and words of Azure's name it.
const PLACES: [&str; 4] = ["subscription", "resourcegroup", "workspace", "provider"];

/// Whether a message without a code is about such a place, and not about an incident in it.
fn names_a_place(says: &str) -> bool {
    let says = says.to_ascii_lowercase().replace(' ', "");
    !says.contains("incident") && PLACES.iter().any(|place| says.contains(place))
}

fn of_place(says: &str) -> String {
    format!("Azure does not know the place of the incident. Azure says: {}", told(says))
}

/// What is said of a 404 to a call about one incident that names neither it nor its place, and is no page of a proxy's.
const NOTHING_NAMED: &str = "Azure answered 404 and does not say what is missing.";
const TRIED_AGAIN: &str = " It is tried again.";
/// What is said of a record that is not there, where Azure says nothing more of it.
const NO_RECORD: &str = "Sentinel has no such record (any more).";

/// Whether a 404 to a call about one incident leaves open what is missing, the incident or its place: what else that place
/// answers tells (sentinel-api sheet 1.7 has seen no body of such an answer).
pub fn leaves_open(failure: &Failure) -> bool {
    let unnamed = || failure.message.starts_with(NOTHING_NAMED);
    failure.status == Some(404)
        && failure.kind == FailureKind::Transient
        && failure.code.as_deref().map_or_else(unnamed, |code| code.eq_ignore_ascii_case("ResourceNotFound"))
}

/// The same where the place is there.
pub fn incident_gone(failure: Failure) -> Failure {
    Failure { kind: FailureKind::Gone, message: NO_RECORD.to_owned(), ..failure }
}

fn gone(code: Option<&str>, says: &str) -> String {
    match code {
        Some("SubscriptionNotFound") => {
            "Azure does not know the subscription, or the identity may not see it. Check id and rights.".into()
        }
        Some("ResourceGroupNotFound") => "Azure does not know the resource group. Check its name.".into(),
        Some("ResourceNotFound") if !says.contains("/incidents/") => {
            "Azure does not know the workspace. Check its name and resource group.".into()
        }
        _ if says.is_empty() => NO_RECORD.into(),
        _ => format!("Sentinel has no such record: {says}"),
    }
}
