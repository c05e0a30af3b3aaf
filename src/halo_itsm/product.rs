//! What differs between HaloITSM and HaloPSA: words and the host's ending. The API is the same
//! (halo-api sheet section 2); nothing else in the program asks which product it is.

use crate::domain::connection::HaloProduct;

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

/// The ending of a hosted instance's host name.
pub fn hosted_domain(product: HaloProduct) -> &'static str {
    match product {
        HaloProduct::Itsm => "haloitsm.com",
        HaloProduct::Psa => "halopsa.com",
    }
}
