//! The Halo service desk (HaloITSM and HaloPSA): tickets, actions and look-ups.
//!
//! Start with [`Halo`]. [`body`] makes the bytes of a write, [`mod@read`] reads what comes back,
//! [`error`] sorts refusals, [`webhook`] checks deliveries, [`product`] holds what differs between
//! the two products. The rules that shape all this are halo-api sheet section 10.
//!
//! May use: `domain`, `outbound`, `clock`.

pub mod actions;
pub mod body;
mod call;
pub mod catalogue;
pub mod error;
pub mod hooks;
mod likely;
pub mod lists;
pub mod paging;
pub mod probe;
pub mod product;
pub mod read;
pub mod tickets;
mod token;
pub mod users;
pub mod webhook;

pub use token::TokenLanes;

use std::sync::{Arc, Mutex, PoisonError};

use secrecy::SecretString;

use crate::{
    clock::Clock,
    domain::{
        connection::HaloConnection,
        failure::{Failure, Side},
        ticket::Ticket,
    },
    outbound::{Transport, budget::Budget, exchange::Exchange},
};

/// One page of changed tickets.
#[derive(Debug, Clone, Default)]
pub struct TicketPage {
    /// The rows. They lack custom fields and details: read by id before acting.
    pub tickets: Vec<Ticket>,
    /// Whether to ask for the next page.
    pub more: bool,
    /// Rows in all, as Halo counts them.
    pub total: Option<i64>,
    /// Rows without a ticket number, whole: never dropped silently.
    pub unreadable: Vec<serde_json::Value>,
    /// When it was answered, by Halo's clock.
    pub told: Option<jiff::Timestamp>,
}

/// One Halo instance.
pub struct Halo {
    connection: HaloConnection,
    secret: SecretString,
    exchange: Exchange,
    clock: Arc<dyn Clock>,
    budget: Arc<Budget>,
    token: Arc<token::Lane>,
    /// Where the running sweep of changed tickets stands.
    sweep: Mutex<paging::Sweep>,
}

impl Halo {
    /// For this connection. `budget` is the instance's, shared by all that call it.
    pub fn new(
        connection: HaloConnection,
        secret: SecretString,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        budget: Arc<Budget>,
    ) -> Self {
        Self {
            connection,
            secret,
            exchange: Exchange::new(transport, Side::Halo),
            clock,
            budget,
            token: Arc::default(),
            sweep: Mutex::new(paging::Sweep::default()),
        }
    }

    /// The same with the token of all that sign in alike.
    #[must_use]
    pub fn sharing(self, lanes: &TokenLanes) -> Self {
        Self { token: lanes.of(&self.connection, &self.secret), ..self }
    }

    /// The connection it was made for.
    pub fn connection(&self) -> &HaloConnection {
        &self.connection
    }

    /// The instance's budget.
    pub fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    fn sweep<T>(&self, f: impl FnOnce(&mut paging::Sweep) -> T) -> T {
        f(&mut self.sweep.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What the discovery call without a token tells (`GET /authinfo`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuthInfo {
    /// Authorisation server.
    pub auth_url: Option<String>,
    /// Tenant.
    pub tenant_id: Option<String>,
}

/// Result of a call.
pub type Answered<T> = Result<T, Failure>;
