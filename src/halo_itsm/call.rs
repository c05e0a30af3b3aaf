//! One authorised call to Halo: token, budget, request, refusal.

use http::Method;
use serde_json::Value;

use super::{Halo, error};
use crate::{
    domain::failure::Failure,
    outbound::{
        budget::Class,
        exchange::{Answer, Ask},
    },
};

/// How often a token that somebody else got meanwhile is tried after a second refusal.
const NEWER_TRIED: u8 = 3;

impl Halo {
    /// An address below the resource server with these query pairs.
    pub(super) fn address(&self, path: &str, query: &[(&str, &str)]) -> String {
        let base = self.connection.resource_server.trim_end_matches('/');
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{base}/{path}{mark}{query}")
    }

    /// Reads.
    pub(super) async fn get(&self, path: &str, query: &[(&str, &str)], class: Class) -> Result<Answer, Failure> {
        self.call(Method::GET, self.address(path, query), None, class).await
    }

    /// Writes: always an array, also for one (rule 1).
    pub(super) async fn post(&self, path: &str, body: &Value, class: Class) -> Result<Answer, Failure> {
        self.call(Method::POST, self.address(path, &[]), Some(body), class).await
    }

    /// Removes.
    pub(super) async fn delete(&self, path: &str, class: Class) -> Result<Answer, Failure> {
        self.call(Method::DELETE, self.address(path, &[]), None, class).await
    }

    /// Sends; a token that is refused is replaced once, a second refusal asks for a person. It says nothing of the sign-in,
    /// though, where a newer token has revoked the one that was sent: then that one is tried.
    async fn call(&self, method: Method, url: String, body: Option<&Value>, class: Class) -> Result<Answer, Failure> {
        let (mut renewed, mut newer) = (false, 0);
        loop {
            let token = self.bearer(class).await?;
            self.within_budget(class)?;
            let ask = match body {
                Some(body) => Ask::write(method.clone(), url.clone()).json(body),
                None if method == Method::DELETE => Ask::write(method.clone(), url.clone()),
                None => Ask::read(method.clone(), url.clone()),
            };
            let answer = self.exchange.send(ask.bearer(&token)).await?;
            if answer.ok() {
                self.budget.answered();
                return Ok(answer);
            }
            if answer.status == 401 && !renewed {
                self.reject(&token).await;
                renewed = true;
                continue;
            }
            if answer.status == 401 && newer < NEWER_TRIED && self.superseded(&token).await {
                newer += 1;
                continue;
            }
            return Err(error::refused(&answer, &self.budget, self.clock.now()));
        }
    }
}
