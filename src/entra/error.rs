//! Entra's refusals (sentinel-api sheet 3.5): decided by `error`, `suberror` and `error_codes`,
//! never by the text, and never quoting it (it may hold names and ids). What is said of each stands in [`super::verdict`].

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::verdict::{ACCOUNT, DEVICE, DISABLED, POLICY, SECOND_FACTOR, numbered, out_of_order, verdict, with_number};
use crate::{
    domain::failure::{Failure, FailureKind, Side},
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
    if answer.status >= 500 || out_of_order(&error, &codes) {
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
    answer.failure(kind, code(&error, &codes), numbered(text, codes.first().copied()))
}

/// The number at the head of the text that a browser brings back beside an error: there is no list of numbers then, and
/// nothing else of the text is taken.
pub fn number_in(description: &str) -> Option<i64> {
    let digits: String =
        description.trim_start().strip_prefix("AADSTS")?.chars().take_while(char::is_ascii_digit).take(9).collect();
    digits.parse().ok()
}

/// An error that the browser brought back in place of a code.
pub fn sent_back(error: &str, description: Option<&str>) -> Failure {
    let codes: Vec<i64> = description.and_then(number_in).into_iter().collect();
    let (kind, text) = if out_of_order(error, &codes) {
        let text = "Microsoft's sign-in service is out of order for the moment. Sign in again in a few minutes.";
        (FailureKind::Transient, text.to_owned())
    } else {
        let (kind, text) = verdict(error, "", &codes);
        (kind, numbered(text, codes.first().copied()))
    };
    Failure { code: code(error, &codes), ..Failure::new(Side::Sentinel, kind, text) }
}

fn code(error: &str, codes: &[i64]) -> Option<String> {
    match codes.first() {
        Some(number) => Some(format!("AADSTS{number}")),
        None => Some(error.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(60).collect()),
    }
}

/// Whether a refusal says that a permission was not consented to, or that the tenant does not know its service.
pub fn of_consent(failure: &Failure) -> bool {
    const CODES: [&str; 11] = [
        "AADSTS65001",
        "AADSTS650053",
        "AADSTS650056",
        "AADSTS650057",
        "AADSTS65005",
        "AADSTS90093",
        "AADSTS90094",
        "AADSTS90095",
        "AADSTS90097",
        "AADSTS900941",
        "consent_required",
    ];
    failure.kind == FailureKind::Forbidden || failure.code.as_deref().is_some_and(|code| CODES.contains(&code))
}

/// Whether a code concerns the app registration, not a person's grant.
pub fn of_the_app(code: &str) -> bool {
    [
        "AADSTS7000215",
        "AADSTS7000222",
        "AADSTS700016",
        "AADSTS7000229",
        "AADSTS7000112",
        "AADSTS50194",
        "AADSTS700027",
        "AADSTS700024",
        "AADSTS700030",
        "invalid_client",
    ]
    .contains(&code)
}

/// The same for an app that signs in as itself: nobody can sign in again for it.
pub fn of_an_app_alone(failure: Failure) -> Failure {
    if failure.kind != FailureKind::SignInAgain {
        return failure;
    }
    let number = failure.code.as_deref().and_then(|code| code.strip_prefix("AADSTS")?.parse::<i64>().ok());
    let persons = ["sign in again", "start it again", "another account"];
    let meant = persons.iter().any(|words| failure.message.to_ascii_lowercase().contains(words));
    let among = |group: &[i64]| number.is_some_and(|number| group.contains(&number));
    let text = if among(POLICY) || among(DEVICE) {
        "A conditional access policy for workload identities blocks the app. Ask the tenant's administrator to let it in, \
         from this machine's address too."
            .to_owned()
    } else if among(SECOND_FACTOR) {
        "A policy of the tenant asks for a second factor, which an app cannot give. Ask the tenant's administrator to \
         leave the app out of it."
            .to_owned()
    } else if among(ACCOUNT) || among(DISABLED) || number == Some(7_000_116) {
        "The app is disabled, unknown or not assigned in this tenant. Enable it there under Enterprise applications."
            .to_owned()
    } else if meant {
        let text = "Microsoft does not accept the app's sign-in in this tenant. Check tenant id, client id and the secret \
                    or certificate of the connection, and whether the app is enabled there.";
        with_number(text, number)
    } else {
        return failure;
    };
    Failure { message: text, ..failure }
}
