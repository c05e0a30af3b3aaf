//! Users (contacts) of a client, by their UPN or mail address.

use serde_json::Value;

use super::{
    Answered, Halo,
    paging::{self, PAGE},
};
use crate::{
    domain::ticket::HaloUser,
    outbound::{
        budget::Class,
        read::{flag_at, int_at, words_at},
    },
};

/// Members of a user that may hold a UPN or mail address (halo-api sheet 5.1; the logins are seen in instances that
/// take their users from Entra).
const IDENTITIES: [&str; 6] = ["emailaddress", "emailaddress2", "emailaddress3", "login", "networklogin", "azureupn"];

impl Halo {
    /// The client's user with this UPN or mail address. The search is a match within texts, so every row is compared;
    /// one of another client is never taken, whatever the filter did.
    ///
    /// # Errors
    /// See [`crate::domain::failure::FailureKind`].
    pub async fn find_user(&self, halo_client_id: i64, identity: &str, class: Class) -> Answered<Option<HaloUser>> {
        let (client, size) = (halo_client_id.to_string(), PAGE.to_string());
        let query = [
            ("client_id", client.as_str()),
            ("search", identity),
            ("includeactive", "true"),
            ("pageinate", "true"),
            ("page_size", size.as_str()),
            ("page_no", "1"),
        ];
        let answer = self.get("Users", &query, class).await?;
        let (rows, _) = paging::rows(answer.json()?, "users").ok_or_else(|| answer.unreadable())?;
        Ok(rows.iter().find(|row| is(row, halo_client_id, identity)).and_then(user))
    }
}

fn is(row: &Value, halo_client_id: i64, identity: &str) -> bool {
    let named = |key: &&str| words_at(row, key).is_some_and(|text| text.eq_ignore_ascii_case(identity));
    int_at(row, "client_id").is_none_or(|client| client == halo_client_id)
        && !flag_at(row, "inactive").unwrap_or(false)
        && IDENTITIES.iter().any(named)
}

fn user(row: &Value) -> Option<HaloUser> {
    let site_id = int_at(row, "site_id").filter(|id| *id > 0);
    Some(HaloUser {
        id: int_at(row, "id").filter(|id| *id > 0)?,
        name: words_at(row, "name").unwrap_or_default(),
        site_id,
    })
}
