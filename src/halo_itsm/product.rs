//! What differs between HaloITSM and HaloPSA: words and the host's ending. The API is the same
//! (halo-api sheet section 2); nothing else in the program asks which product it is.

use crate::domain::{connection::HaloProduct, ids::TicketId};

/// The product's name.
pub fn name(product: HaloProduct) -> &'static str {
    match product {
        HaloProduct::Itsm => "HaloITSM",
        HaloProduct::Psa => "HaloPSA",
    }
}

/// What its screens call a customer: "Client" in the API whatever the screen says.
pub fn customer_word(product: HaloProduct) -> &'static str {
    match product {
        HaloProduct::Itsm => "customer",
        HaloProduct::Psa => "client",
    }
}

/// Where an administrator finds the three addresses.
pub fn api_page(product: HaloProduct) -> &'static str {
    match product {
        HaloProduct::Itsm => "Configuration > Integrations > HaloITSM API",
        HaloProduct::Psa => "Configuration > Integrations > HaloPSA API",
    }
}

/// The ending of a hosted instance's host name.
pub fn hosted_domain(product: HaloProduct) -> &'static str {
    match product {
        HaloProduct::Itsm => "haloitsm.com",
        HaloProduct::Psa => "halopsa.com",
    }
}

/// The page of a ticket for people, from the resource server's address (`https://host/api`).
pub fn ticket_url(resource_server: &str, ticket: TicketId) -> String {
    let base = resource_server.trim_end_matches('/');
    let site = base.get(base.len().saturating_sub(4)..).filter(|end| end.eq_ignore_ascii_case("/api"));
    let site = site.map_or(base, |end| base.get(..base.len() - end.len()).unwrap_or(base));
    format!("{site}/tickets?id={ticket}")
}
