//! Entra's refusals (sentinel-api sheet 3.5): decided by `error`, `suberror` and `error_codes`,
//! never by the text, and never quoting it (it may hold names and ids).

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    domain::failure::{Failure, FailureKind},
    outbound::{exchange::Answer, read},
};

/// Turns a refused token call into what can be done about it.
pub fn refused(answer: &Answer, body: Option<&Value>, now: Timestamp) -> Failure {
    let null = Value::Null;
    let body = body.unwrap_or(&null);
    let error = read::text_at(body, "error").unwrap_or_default();
    let suberror = read::text_at(body, "suberror").unwrap_or_default();
    let codes: Vec<i64> = read::list_at(body, "error_codes").iter().filter_map(read::int).collect();
    if answer.status == 429 || codes.contains(&50_196) {
        let wait = if codes.contains(&50_196) { 300 } else { 30 };
        let at =
            answer.retry_after(now).or_else(|| now.checked_add(SignedDuration::from_secs(wait)).ok()).unwrap_or(now);
        let text = "Microsoft's sign-in service asks to wait: too many token requests. It goes on by itself.";
        return answer.failure(FailureKind::WaitUntil { at }, code(&error, &codes), text);
    }
    if answer.status >= 500 || error == "temporarily_unavailable" || codes.contains(&90_033) {
        if let Some(at) = answer.retry_after(now) {
            let text = "Microsoft's sign-in service is out of order and asks to wait. It goes on by itself.";
            return answer.failure(FailureKind::WaitUntil { at }, code(&error, &codes), text);
        }
        let text = "Microsoft's sign-in service is out of order for the moment. It is tried again.";
        return answer.failure(FailureKind::Transient, code(&error, &codes), text);
    }
    if error.is_empty() {
        return answer.unreadable();
    }
    let (kind, text) = verdict(&error, &suberror, &codes);
    answer.failure(kind, code(&error, &codes), text)
}

fn code(error: &str, codes: &[i64]) -> Option<String> {
    match codes.first() {
        Some(number) => Some(format!("AADSTS{number}")),
        None => Some(error.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(60).collect()),
    }
}

/// Whether a code concerns the app registration, not a person's grant.
pub fn of_the_app(code: &str) -> bool {
    ["AADSTS7000215", "AADSTS7000222", "AADSTS700016", "AADSTS50194", "AADSTS700027", "invalid_client"].contains(&code)
}

/// The same for an app that signs in as itself: nobody can sign in again for it.
pub fn of_an_app_alone(failure: Failure) -> Failure {
    if failure.kind != FailureKind::SignInAgain {
        return failure;
    }
    let number = failure.code.as_deref().and_then(|code| code.strip_prefix("AADSTS")?.parse::<i64>().ok());
    let persons = ["sign in again", "start it again", "another account"];
    let meant = persons.iter().any(|words| failure.message.to_ascii_lowercase().contains(words));
    let text = match number {
        Some(53_000 | 53_001 | 53_003) => {
            "A conditional access policy for workload identities blocks the app. Ask the tenant's administrator to let it in, \
             from this machine's address too."
        }
        Some(50_076 | 50_079 | 50_072 | 50_074 | 50_078 | 50_158) => {
            "A policy of the tenant asks for a second factor, which an app cannot give. Ask the tenant's administrator to \
             leave the app out of it."
        }
        Some(50_057 | 50_034 | 50_105 | 50_020 | 90_072 | 7_000_112 | 7_000_116) => {
            "The app is disabled, unknown or not assigned in this tenant. Enable it there under Enterprise applications."
        }
        _ if meant => {
            "Microsoft does not accept the app's sign-in in this tenant. Check tenant id, client id and the secret or \
             certificate of the connection, and whether the app is enabled there."
        }
        _ => return failure,
    };
    Failure { message: text.to_owned(), ..failure }
}

/// Numbers that Microsoft shows to people on its own pages, before anybody comes back here.
pub const SHOWN_THERE: [i64; 14] = [
    50_011, 700_016, 50_194, 90_002, 50_020, 50_105, 50_057, 65_001, 65_004, 53_003, 50_076, 70_043, 500_011, 7_000_222,
];

/// The table.
pub fn verdict(error: &str, suberror: &str, codes: &[i64]) -> (FailureKind, &'static str) {
    use FailureKind::{Forbidden, Rejected, SignInAgain};
    let has = |wanted: &[i64]| codes.iter().any(|code| wanted.contains(code));
    if has(&[7_000_222]) {
        return (SignInAgain, "The app registration's client secret has expired. Create a new one and enter it.");
    }
    if has(&[7_000_215]) {
        return (SignInAgain, "Microsoft refuses the client secret. Enter the secret's value, not its id.");
    }
    if has(&[700_027]) {
        return (
            SignInAgain,
            "Microsoft refuses the certificate. Upload it to the app registration, or enter the right one.",
        );
    }
    if error == "invalid_client" {
        return (SignInAgain, "Microsoft refuses the app's proof. Enter a valid client secret or certificate.");
    }
    if has(&[700_016]) {
        return (
            SignInAgain,
            "The app is unknown in this tenant. Check client id and tenant, or give admin consent there.",
        );
    }
    if has(&[50_194]) {
        return (SignInAgain, "The app registration is single-tenant. Make it multi-tenant, or use its own tenant.");
    }
    if has(&[90_002]) {
        return (SignInAgain, "Microsoft doesn't know this tenant. Correct the tenant id of the connection.");
    }
    if has(&[500_011, 650_052]) || error == "invalid_resource" {
        return (
            Forbidden,
            "The tenant does not know this service. An administrator must consent, or do without log queries.",
        );
    }
    if has(&[65_001]) || suberror == "consent_required" || error == "consent_required" {
        return (SignInAgain, "Consent is missing in this tenant. Open the consent link as an administrator.");
    }
    if has(&[65_004]) || error == "access_denied" {
        return (SignInAgain, "The sign-in was declined. Sign in again and accept the permissions.");
    }
    if has(&[70_043]) {
        return (SignInAgain, "The tenant's sign-in frequency policy ended the session. Sign in again.");
    }
    if has(&[53_000, 53_001, 53_003]) {
        return (
            SignInAgain,
            "A conditional access policy blocks this sign-in. Ask the tenant's administrator, then sign in again.",
        );
    }
    if has(&[50_076, 50_079, 50_072, 50_074, 50_078, 50_158]) || error == "interaction_required" {
        return (SignInAgain, "Microsoft asks for a second factor. Sign in again.");
    }
    if has(&[50_057, 50_034, 50_105, 50_020, 90_072]) {
        return (
            SignInAgain,
            "The signed-in account is disabled, unknown or not assigned in this tenant. Use another account.",
        );
    }
    if has(&[54_005, 501_481]) {
        return (SignInAgain, "The sign-in was interrupted or used twice. Start it again.");
    }
    if has(&[50_173, 700_082, 70_008, 50_089, 50_132, 50_133, 70_000]) {
        return (SignInAgain, "The sign-in has expired or was revoked. Sign in again.");
    }
    if error == "invalid_grant" || error == "login_required" {
        return (SignInAgain, "Microsoft no longer accepts the sign-in. Sign in again.");
    }
    if has(&[50_011]) {
        return (Rejected, "The redirect address is not registered. Add the one shown here to the app registration.");
    }
    if error == "unauthorized_client" {
        return (SignInAgain, "The app may not be used this way in this tenant. Check the app registration's set-up.");
    }
    if error == "invalid_scope" || has(&[70_011, 28_002, 28_003]) {
        return (Rejected, "Microsoft refuses the permissions asked for. Check the endpoints of the connection.");
    }
    (Rejected, "Microsoft refuses the sign-in request. Check tenant id, client id and endpoints of the connection.")
}
