//! Tokens kept until 80 % of their life.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};

use super::{
    Resource,
    wire::{Granted, early},
};
use crate::domain::failure::{Failure, FailureKind};

/// A token that still lives is not asked to be renewed again sooner: each asking is a call.
const IN_VAIN: SignedDuration = SignedDuration::from_mins(1);

#[derive(Default)]
pub(super) struct Kept {
    tokens: Mutex<BTreeMap<(String, Resource), One>>,
}

enum One {
    Token { token: SecretString, asked: Timestamp, refresh_at: Timestamp, expires_at: Timestamp },
    Refused { failure: Failure, since: Timestamp, until: Timestamp },
}

impl Kept {
    fn with<T>(&self, f: impl FnOnce(&mut BTreeMap<(String, Resource), One>) -> T) -> T {
        f(&mut self.tokens.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A token that is fresh enough, or a refusal that still stands.
    pub fn fresh(&self, tenant: &str, resource: Resource, now: Timestamp) -> Option<Result<SecretString, Failure>> {
        self.with(|tokens| match tokens.get(&(tenant.to_ascii_lowercase(), resource))? {
            One::Token { token, refresh_at, .. } if *refresh_at > now => Some(Ok(token.clone())),
            // One that is told later than now was told before the clock was set back: it says nothing of now.
            One::Refused { failure, since, until } if (*since..*until).contains(&now) => Some(Err(failure.clone())),
            _ => None,
        })
    }

    /// A token past its early end that still lives: good while Entra can't be reached.
    pub fn living(&self, tenant: &str, resource: Resource, now: Timestamp) -> Option<SecretString> {
        self.with(|tokens| match tokens.get(&(tenant.to_ascii_lowercase(), resource))? {
            One::Token { token, expires_at, .. } if *expires_at > now => Some(token.clone()),
            _ => None,
        })
    }

    /// When the present token was asked for.
    pub fn asked(&self, tenant: &str, resource: Resource) -> Option<Timestamp> {
        self.with(|tokens| match tokens.get(&(tenant.to_ascii_lowercase(), resource))? {
            One::Token { asked, .. } => Some(*asked),
            One::Refused { .. } => None,
        })
    }

    /// Keeps a token that was asked for at `asked` and came at `now`.
    pub fn keep(&self, tenant: &str, resource: Resource, granted: &Granted, asked: Timestamp, now: Timestamp) {
        let one = One::Token {
            token: granted.access_token.clone(),
            asked,
            refresh_at: early(now, granted.life),
            expires_at: now.checked_add(granted.life).unwrap_or(now),
        };
        self.with(|tokens| tokens.insert((tenant.to_ascii_lowercase(), resource), one));
    }

    /// Keeps a refusal that came at `now`: nobody asks again before `until`.
    pub fn refuse(&self, tenant: &str, resource: Resource, failure: Failure, now: Timestamp, until: Timestamp) {
        self.with(|tokens| {
            tokens.insert((tenant.to_ascii_lowercase(), resource), One::Refused { failure, since: now, until });
        });
    }

    /// A token was asked for in vain: nobody asks again before the time that Entra named, and where a token still lives,
    /// which is used meanwhile, not before a minute is over.
    pub fn asked_in_vain(&self, tenant: &str, resource: Resource, failure: &Failure, now: Timestamp) {
        let named = match failure.kind {
            FailureKind::WaitUntil { at } => Some(at),
            _ => None,
        };
        let again = named.unwrap_or_else(|| now.checked_add(IN_VAIN).unwrap_or(now));
        let lives = self.with(|tokens| match tokens.get_mut(&(tenant.to_ascii_lowercase(), resource)) {
            Some(One::Token { refresh_at, expires_at, .. }) if *expires_at > now => {
                *refresh_at = again.min(*expires_at);
                true
            }
            _ => false,
        });
        if let Some(until) = named.filter(|_| !lives) {
            self.refuse(tenant, resource, failure.clone(), now, until);
        }
    }

    /// Drops this token. A 401 to an older one undoes neither a newer token nor a refusal.
    pub fn drop(&self, tenant: &str, resource: Resource, refused: &SecretString) {
        self.with(|tokens| {
            let key = (tenant.to_ascii_lowercase(), resource);
            let is_kept = |token: &SecretString| token.expose_secret() == refused.expose_secret();
            if matches!(tokens.get(&key), Some(One::Token { token, .. }) if is_kept(token)) {
                tokens.remove(&key);
            }
        });
    }

    pub fn clear(&self) {
        self.with(BTreeMap::clear);
    }
}
