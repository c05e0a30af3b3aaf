//! The template for who may not deploy from here: as a file, and by a link that opens it in Azure's portal.

use serde_json::Value;

use super::azure::found;
use crate::{
    domain::{
        connection::MicrosoftEndpoints,
        ids::WorkspaceId,
        view::{
            import::PortalLink,
            query::{QueryText, encode},
        },
    },
    sentinel::logic_app::{self, LogicApp},
    service::{App, caller::Caller, error::ServiceError, outside, set_up::allowed},
};

/// Where anybody gets the template: the portal fetches it in a browser, from its own origin and without our cookie.
pub const OPEN_TO_ALL: &str = "/azure/logic-app.json";
/// What the Logic App is called where the address names none.
const UNNAMED: &str = "Halobridge";

/// The template for “Deploy to Azure”, and the Logic App's name. It holds no secret.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub async fn template(app: &App, caller: &Caller, id: WorkspaceId) -> Result<(String, Value), ServiceError> {
    allowed(caller)?;
    let (workspace, _) = found(app, id).await?;
    let place = outside::place(&workspace).ok_or(ServiceError::NotFound)?;
    let name = LogicApp::of(&place.workspace).name;
    let template = logic_app::template(&name);
    Ok((name, template))
}

/// The same for anybody, for a Logic App of this name (empty: a common one). It tells nothing of this installation: address
/// and secret are typed in the portal.
///
/// # Errors
/// `NotFound` for what cannot be a name.
pub fn public_template(name: &str) -> Result<Value, ServiceError> {
    let name = if name.is_empty() { UNNAMED } else { name };
    LogicApp::is_name(name).then(|| logic_app::template(name)).ok_or(ServiceError::NotFound)
}

/// The link that opens the template in the portal of the cloud whose Resource Manager this is. `public` is the console's
/// address.
pub fn portal(arm: &str, public: &str, name: &str) -> PortalLink {
    let Some(portal) = MicrosoftEndpoints::portal(arm) else {
        let why = "No link to “Deploy to Azure” is offered: the portal of a cloud with custom endpoints is not known here. \
                   Download the template instead.";
        return PortalLink::None(why.to_owned());
    };
    if !public.starts_with("https://") {
        return PortalLink::None(format!(
            "No link to “Deploy to Azure” is offered: Azure's portal fetches the template from this console, by https alone, \
             and its address is {public}. Start the server with --public-url https://…, or download the template instead."
        ));
    }
    let path = QueryText::new().with("name", name).after(OPEN_TO_ALL);
    let address = format!("{}{path}", public.trim_end_matches('/'));
    PortalLink::To(format!("{portal}/#create/Microsoft.Template/uri/{}", encode(&address)))
}
