//! One authorised call to Azure Resource Manager: budget, token, request, refusal.

use http::Method;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::Value;

use super::{Place, Sentinel, error};
use crate::{
    domain::{
        failure::{Failure, FailureKind, Side},
        time::iso,
        workspace::WorkspaceAddress,
    },
    entra::Resource,
    outbound::{
        budget::{Budget, Class, Kind},
        exchange::{Answer, Ask},
    },
};

/// What may not stand in a path segment.
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'/')
    .add(b'%');
/// What may not stand in a query value.
const QUERY: &AsciiSet = &SEGMENT.add(b'&').add(b'+').add(b'=').add(b'\'').add(b'[').add(b']').add(b'|').add(b'\\');

/// A path segment.
pub(super) fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// A query value.
pub(super) fn value(text: &str) -> String {
    utf8_percent_encode(text, QUERY).to_string()
}

/// One call as this adapter describes it.
pub(super) struct Call<'a> {
    /// Whose token.
    pub tenant: &'a str,
    /// Whose budget; `None` for calls above subscriptions, which have one for each tenant.
    pub subscription: Option<&'a str>,
    pub method: Method,
    /// Absolute address.
    pub url: String,
    pub body: Option<&'a Value>,
    pub kind: Kind,
    pub class: Class,
}

/// What everything of a workspace's Sentinel lies below, at this Resource Manager.
pub fn prefix(arm: &str, at: &WorkspaceAddress) -> String {
    format!(
        "{arm}/subscriptions/{}/resourceGroups/{}/providers/Microsoft.OperationalInsights/workspaces/{}/providers/\
         Microsoft.SecurityInsights",
        segment(&at.subscription),
        segment(&at.resource_group),
        segment(&at.workspace)
    )
}

impl Sentinel {
    /// The budget of a subscription.
    pub fn budget(&self, subscription: &str) -> std::sync::Arc<Budget> {
        self.budgets.of(subscription, self.writes_per_5min)
    }

    /// `P` of the sheet: everything of Sentinel lies below it.
    pub(super) fn prefix(&self, at: &WorkspaceAddress) -> String {
        prefix(&self.arm, at)
    }

    /// An address below `P`, with the configured version.
    pub(super) fn address(&self, at: &Place, tail: &str) -> String {
        format!("{}/{tail}?api-version={}", self.prefix(&at.workspace), value(&self.api_version))
    }

    /// Sends a call; a token that is refused is replaced once.
    pub(super) async fn call(&self, call: Call<'_>) -> Result<Answer, Failure> {
        self.call_on(call, 0).await
    }

    /// The same for a page of a list of which so many pages were read.
    pub(super) async fn call_on(&self, call: Call<'_>, pages: u64) -> Result<Answer, Failure> {
        let above = || self.budget(&format!("tenant/{}", call.tenant));
        let budget = call.subscription.map_or_else(above, |subscription| self.budget(subscription));
        let mut renewed = false;
        loop {
            let token = self.tokens.bearer(call.tenant, Resource::Arm).await?;
            let asked = self.clock.now();
            let taken = match pages {
                0 => budget.take(asked, call.kind, call.class),
                pages => budget.take_on(asked, call.kind, call.class, pages),
            };
            taken.map_err(|at| own_wait(at, call.kind, budget.told_until(asked)))?;
            let writes = matches!(call.kind, Kind::IncidentWrite | Kind::CommentWrite | Kind::SetUp);
            let ask = if writes { Ask::write } else { Ask::read };
            let mut ask = ask(call.method.clone(), call.url.clone()).bearer(&token);
            if let Some(body) = call.body {
                ask = ask.json(body);
            }
            let answer = self.exchange.send(ask).await?;
            let now = self.clock.now();
            if answer.ok() {
                budget.answered();
                if let Some(left) = error::remaining(&answer) {
                    budget.learn(now, call.kind, left);
                }
                return Ok(answer);
            }
            let challenge = error::claims_challenge(&answer).filter(|_| answer.status == 401);
            if let Some(claims) = &challenge {
                self.tokens.challenged(call.tenant, Resource::Arm, claims).await;
            }
            if answer.status == 401 && !renewed && challenge.is_none() {
                self.tokens.reject(call.tenant, Resource::Arm, &token);
                renewed = true;
                continue;
            }
            let failure = error::refused(&answer, &budget, now);
            return Err(match self.app_only {
                true => error::of_an_app_alone(failure, challenge.is_some()),
                false => failure,
            });
        }
    }
}

/// Nothing is sent before `at`: our own budget has no room, or Azure told another call to wait until `told`.
fn own_wait(at: Timestamp, kind: Kind, told: Option<Timestamp>) -> Failure {
    let text = match told {
        Some(until) => {
            format!("Azure asked to wait until {}: nothing is sent there before. It goes on by itself.", iso(until))
        }
        None => format!("The subscription's budget of {} is used up for now. It goes on by itself.", kind.words()),
    };
    Failure::new(Side::Sentinel, FailureKind::WaitUntil { at }, text)
}
