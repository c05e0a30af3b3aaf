//! Halo's refusals in all their shapes (halo-api sheet 1.4 and 7.2). Nothing here fails on any body.

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    domain::{
        failure::{Failure, FailureKind, Side},
        time::iso,
    },
    outbound::{
        budget::Budget,
        exchange::{Answer, brief},
        read,
    },
};

/// Members by which a body says that something went wrong.
const SAY_NO: [&str; 6] = ["error", "error_description", "errorMessage", "ClassName", "ExceptionMessage", "Message"];

/// Nothing is sent before `at`: our own budget has no room, or Halo told another call to wait until `told`.
pub fn own_wait(at: Timestamp, told: Option<Timestamp>) -> Failure {
    let text = match told {
        Some(until) => {
            format!("Halo asked to wait until {}: nothing is sent there before. It goes on by itself.", iso(until))
        }
        None => "Our own budget of requests to Halo is used up for now. It goes on by itself.".to_owned(),
    };
    Failure::new(Side::Halo, FailureKind::WaitUntil { at }, text)
}

/// The sentence inside an error body, whatever its shape; one line, shortened, no control characters.
pub fn sentence(body: &Value) -> Option<String> {
    let found = match body {
        Value::String(text) => Some(text.clone()),
        Value::Object(members) => ["error_description", "Message", "message", "errorMessage", "error", "title"]
            .into_iter()
            .find_map(|key| read::words_at(body, key))
            // One more layer around it: `{"Error": {"Code": …, "Message": …}}`.
            .or_else(|| members.iter().find(|(key, _)| key.eq_ignore_ascii_case("error")).and_then(|(_, v)| inner(v)))
            // ASP.NET's model errors: one key, the text or a list of texts; the key names the member.
            .or_else(|| members.iter().find_map(|(key, value)| Some(format!("{key}: {}", first_text(value)?)))),
        Value::Array(items) => items.iter().find_map(sentence),
        _ => None,
    }?;
    let line: String = found.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
    Some(line.trim().to_owned()).filter(|line| !line.is_empty())
}

fn inner(value: &Value) -> Option<String> {
    value.as_object().and_then(|_| sentence(value))
}

fn first_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => items.iter().find_map(first_text),
        Value::Object(members) => members.values().find_map(first_text),
        _ => None,
    }
}

fn code_of(body: &Value) -> Option<String> {
    let text = read::words_at(body, "error").or_else(|| read::words_at(body, "ClassName"))?;
    Some(text.chars().filter(|c| c.is_ascii_alphanumeric() || "_.-".contains(*c)).take(60).collect())
}

/// 429: the server's time, or 15–60 s growing.
fn told_to_wait(answer: &Answer, budget: &Budget, now: Timestamp) -> Failure {
    let at = match answer.retry_after(now) {
        Some(until) => {
            budget.told_to_wait(now, until);
            until
        }
        None => budget.told_to_wait_some_time(now),
    };
    answer.failure(FailureKind::WaitUntil { at }, None, "Halo asks to wait: too many requests. It goes on by itself.")
}

/// A refused token call.
pub fn token_refused(answer: &Answer, budget: &Budget, now: Timestamp) -> Failure {
    let body = answer.json_if_any().unwrap_or(Value::Null);
    let code = code_of(&body);
    let fail = |kind, text: &str| answer.failure(kind, code.clone(), text);
    match (answer.status, code.as_deref()) {
        (429, _) => told_to_wait(answer, budget, now),
        (_, Some("invalid_client")) | (401, _) => {
            fail(FailureKind::SignInAgain, "Halo refuses client id or secret. Enter those of the API application.")
        }
        (_, Some("invalid_scope")) => fail(
            FailureKind::SignInAgain,
            "Halo refuses the scopes. Use “read:tickets edit:tickets read:customers”, or what the application allows.",
        ),
        (_, Some("unauthorized_client" | "unsupported_grant_type")) => fail(
            FailureKind::SignInAgain,
            "The API application does not allow this sign-in. Set its method to “Client ID and Secret (Services)”.",
        ),
        (500..=599, _) if answer.retry_after(now).is_some() => {
            answer.out_of_order(now, |until| budget.told_to_wait(now, until))
        }
        (500..=599, _) => fail(
            FailureKind::Transient,
            "Halo's sign-in failed on Halo's side. If it goes on, check the tenant: a wrong one is answered like this.",
        ),
        (300..=399, _) => answer.redirected(),
        // A wrong address stays; one that was right yesterday comes back after a restart or a proxy's maintenance.
        (404, _) => fail(
            FailureKind::Transient,
            "There is no sign-in at this address. Copy the authorisation server from Halo's API page.",
        ),
        (400 | 403, _) if body.is_object() => fail(
            FailureKind::SignInAgain,
            "Halo refuses the sign-in. Check client id, secret, tenant and scopes of the connection.",
        ),
        _ => answer.unreadable(),
    }
}

/// The refusal in an answer with a good status: an error in the place of the record.
pub fn beside_a_good_status(answer: &Answer) -> Option<Failure> {
    let body = no_record(answer)?;
    let members = body.as_object()?;
    SAY_NO.iter().filter_map(|key| members.get(*key)).any(says_something).then(|| said(answer, &body))
}

/// What came with a good status in the place of a record, if it is none.
fn no_record(answer: &Answer) -> Option<Value> {
    let body = match answer.json_if_any()? {
        Value::Array(mut items) if items.len() == 1 => items.pop()?,
        other => other,
    };
    let record = read::int_at(&body, "id").is_some_and(|id| id > 0);
    (!record).then_some(body)
}

/// Words in the place of the record, in those shapes of a refusal (sheet 7.2) that may say anything else just as well: bare
/// text, a message, one member that holds text or a list of texts.
fn mere_words(answer: &Answer) -> Option<Failure> {
    let body = no_record(answer)?;
    let says = match &body {
        Value::String(_) => text_or_texts(&body),
        Value::Object(members) => {
            members.get("message").is_some_and(text_or_texts)
                || members.len() == 1 && members.values().all(text_or_texts)
        }
        _ => false,
    };
    says.then(|| said(answer, &body))
}

fn text_or_texts(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => !items.is_empty() && items.iter().all(Value::is_string),
        _ => false,
    }
}

fn said(answer: &Answer, body: &Value) -> Failure {
    let says = sentence(body).unwrap_or_else(|| "it gives no reason.".to_owned());
    in_words(answer, code_of(body), &says)
}

/// A refusal in Halo's words. A record that somebody has open is free again in a while: it is tried again like a busy
/// service, and what is to follow waits.
fn in_words(answer: &Answer, code: Option<String>, says: &str) -> Failure {
    if answer.changes && locked(answer.status, says) {
        let says = says.trim_end_matches('.');
        let text = format!("Halo lets nobody else write to it just now: {says}. It is tried again.");
        return answer.failure(FailureKind::Transient, code, text);
    }
    answer.failure(FailureKind::Rejected, code, format!("Halo refuses: {says}"))
}

/// Whether a refusal says that somebody has the record open.
fn locked(status: u16, says: &str) -> bool {
    let says = says.to_lowercase();
    let record = !["account", "locked out"].iter().any(|words| says.contains(words));
    status == 423 || record && ["locked", "being edited", "in use by"].iter().any(|words| says.contains(words))
}

/// An answer with a good status and without the record that was to be made: what Halo says of it, if it says anything. It
/// is looked for all the same.
pub fn nothing_made(answer: &Answer) -> Failure {
    beside_a_good_status(answer)
        .or_else(|| mere_words(answer))
        .map_or_else(|| answer.unreadable(), Failure::looked_for_first)
}

/// Whether a member is more than nothing, no or zero.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::Array(items) => !items.is_empty(),
        Value::Bool(true) | Value::Object(_) => true,
    }
}

/// Whether “not found” says nothing of a record: it came as a web page, or the call was to what every instance has, tickets
/// and actions as such, or was to add something there. A look-up that an instance lacks is answered like that too, and stays
/// what it is.
fn not_of_a_record(answer: &Answer) -> bool {
    let path = answer.named.split_once(' ').map_or("", |(_, path)| path).trim_end_matches('/');
    let last = path.rsplit('/').next().unwrap_or_default();
    if last.contains(|c: char| c.is_ascii_digit()) {
        return answer.looks().starts_with("a web page");
    }
    answer.changes || ["tickets", "actions"].iter().any(|word| last.eq_ignore_ascii_case(word))
}

/// A refused call to the resource server.
pub fn refused(answer: &Answer, budget: &Budget, now: Timestamp) -> Failure {
    let body = answer.json_if_any().unwrap_or(Value::Null);
    let (code, says) = (code_of(&body), sentence(&body));
    let fail = |kind, text: String| answer.failure(kind, code.clone(), text);
    match answer.status {
        429 => told_to_wait(answer, budget, now),
        401 => fail(
            FailureKind::SignInAgain,
            "Halo does not accept the token, not even a new one. Check the API application and its agent.".into(),
        ),
        403 => fail(
            FailureKind::Forbidden,
            "Halo refuses this: the application's scopes, or the rights of the agent it is bound to, do not suffice. A \
             change there works with the next token."
                .into(),
        ),
        404 | 410 if not_of_a_record(answer) => fail(
            FailureKind::Transient,
            format!(
                "Halo answers that there is nothing at this address (HTTP {}, {}): most often it restarts, or a proxy stands in \
                 between. It is tried again; if it lasts, check the Resource Server's address.",
                answer.status,
                brief(&answer.named)
            ),
        ),
        404 | 410 => fail(FailureKind::Gone, "Halo has no such record (any more).".into()),
        409 => fail(FailureKind::Conflict, "Someone else changed the record in between. It is read again.".into()),
        408 => answer.server_error(),
        status if status >= 500 => answer.out_of_order(now, |until| budget.told_to_wait(now, until)),
        300..=399 => answer.redirected(),
        _ => match says {
            Some(says) => in_words(answer, code.clone(), &says),
            None if answer.status == 423 => in_words(answer, code.clone(), "the record is locked"),
            None if answer.looks().starts_with("a web page") => {
                let mut failure = answer.unreadable();
                failure.kind = if answer.changes { FailureKind::Rejected } else { FailureKind::Unreadable };
                failure
            }
            None => fail(FailureKind::Rejected, "Halo refuses the request and gives no reason.".to_owned()),
        },
    }
}
