//! Routes of the steps after the connections: mapping, webhooks, going live, and the test of a Halo instance.

use axum::{
    extract::{Query, State},
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderName, StatusCode, header};
use serde::Deserialize;

use super::{not_done, onward, page, refused};
use crate::{
    domain::view::{
        query::{QueryText, encode, value},
        set_up::{Step, StepContent},
    },
    service::{
        import_mode,
        set_up::{
            allowed as set_up_allowed, halo_test, import as import_step, live as live_step, mapping as mapping_step,
        },
    },
    web::{Web, acts, error::WebError, form::Posted, reader::Signed},
};

fn public(web: &Web) -> String {
    web.options.public_url.as_str().trim_end_matches('/').to_owned()
}

/// `GET /set-up/mapping`
pub async fn mapping(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let query = |name: &str| value(&signed.reader.query, name);
    let asked =
        mapping_step::Asked { policy: query("policy"), client: query("client"), ticket_type: query("ticket_type") };
    let view = mapping_step::view(&web.app, &signed.caller, &asked).await?;
    page(&web, &signed, Step::Mapping, StepContent::Mapping(Box::new(view))).await
}

/// `POST /set-up/mapping`: saves, or with `do` shows the page again with what was asked for.
pub async fn take_mapping(State(web): State<Web>, signed: Signed, form: Posted) -> Result<Response, WebError> {
    let typed = form.typed();
    if !typed.text("do").is_empty() {
        let view = mapping_step::again(&web.app, &signed.caller, &typed).await?;
        return page(&web, &signed, Step::Mapping, StepContent::Mapping(Box::new(view))).await;
    }
    match mapping_step::take(&web.app, &signed.caller, &typed).await {
        Ok(saved) => saved_mapping(&web, &signed, &saved).await,
        Err(error) => {
            let view = mapping_step::again(&web.app, &signed.caller, &typed).await?;
            refused(&web, &signed, Step::Mapping, error, StepContent::Mapping(Box::new(view))).await
        }
    }
}

/// Onward from a policy that was saved. It waits for nothing, so it is said for whom it holds by now.
async fn saved_mapping(web: &Web, signed: &Signed, saved: &mapping_step::Saved) -> Result<Response, WebError> {
    let holds = saved.holds.words().map(|words| format!(" It holds from now on for {words}."));
    if let Some(client) = saved.client {
        let words = format!(
            "Saved.{} Below stands which rules are this client's own, and which come from the base.",
            holds.unwrap_or_default()
        );
        acts::flash_done(&signed.reader.session, &words).await?;
        return Ok(Redirect::to(&format!("{}?client={client}", Step::Mapping.path())).into_response());
    }
    let Some(holds) = holds else { return Ok(onward(Step::Mapping)) };
    acts::flash_done(&signed.reader.session, &format!("“{}” is saved.{holds}", saved.policy)).await?;
    let own = || QueryText::new().with("policy", &saved.policy).after(&Step::Mapping.path());
    let next = not_done(web, signed, Step::Mapping).await?;
    Ok(Redirect::to(&next.unwrap_or_else(own)).into_response())
}

/// `GET /set-up/import`
pub async fn import(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let query = |name: &str| value(&signed.reader.query, name);
    let asked = import_step::Asked {
        plan: query("plan"),
        q: query("q"),
        from: query("from").parse().unwrap_or_default(),
        show: query("show"),
        errand_from: query("errand_from").parse().unwrap_or_default(),
    };
    let view = import_step::view(&web.app, &signed.caller, &public(&web), &asked).await?;
    page(&web, &signed, Step::Import, StepContent::Import(Box::new(view))).await
}

/// `POST /set-up/import`: one of the page's buttons.
pub async fn act_import(State(web): State<Web>, signed: Signed, form: Posted) -> Result<Response, WebError> {
    let typed = form.typed().unquoted();
    let done = match import_step::asks_first(&web.app, &signed.caller, &public(&web), &typed).await {
        Ok(Some(view)) => return page(&web, &signed, Step::Import, StepContent::Import(Box::new(view))).await,
        Ok(None) => import_step::act(&web.app, &signed.caller, &public(&web), &typed).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => {
            let at = match typed.text("do") {
                act if act.starts_with("errand-") => format!("{}#errand", Step::Import.path()),
                // The rest of what somebody else needs stands with the plan.
                "secret" => format!("{}?plan={}#plan", Step::Import.path(), encode(typed.text("workspace"))),
                _ => Step::Import.path(),
            };
            Ok(Redirect::to(&at).into_response())
        }
        Err(error) => {
            let view = import_step::again(&web.app, &signed.caller, &public(&web), &typed).await?;
            refused(&web, &signed, Step::Import, error, StepContent::Import(Box::new(view))).await
        }
    }
}

/// `GET /set-up/import/template`: the template for “Deploy to Azure”.
pub async fn template(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    set_up_allowed(&signed.caller)?;
    let id =
        value(&signed.reader.query, "workspace").parse().map_err(|_| crate::service::error::ServiceError::NotFound)?;
    let (_, template) = import_mode::template(&web.app, &signed.caller, id).await?;
    let headers = [(header::CONTENT_DISPOSITION, "attachment; filename=\"halobridge-logic-app.json\"")];
    Ok((headers, json(&template)).into_response())
}

/// What the address of the open template may say.
#[derive(Debug, Deserialize)]
pub struct Named {
    /// What the Logic App is called.
    #[serde(default)]
    name: String,
}

/// `GET /azure/logic-app.json`: the template for anybody. Azure's portal fetches it in the browser of who follows the link
/// “Deploy to Azure”, from its own origin and without a session. It is the same for every installation.
pub async fn public_template(Query(named): Query<Named>) -> Response {
    let Ok(template) = import_mode::public_template(&named.name) else {
        return (StatusCode::NOT_FOUND, "a Logic App cannot have that name\n").into_response();
    };
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
    ];
    (headers, json(&template)).into_response()
}

fn json(value: &serde_json::Value) -> ([(HeaderName, &'static str); 1], String) {
    let text = serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string());
    ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], text)
}

/// `GET /set-up/go-live`
pub async fn live(State(web): State<Web>, signed: Signed) -> Result<Response, WebError> {
    let plan = value(&signed.reader.query, "plan");
    let view = live_step::view(&web.app, &signed.caller, &plan).await?;
    page(&web, &signed, Step::Live, StepContent::Live(Box::new(view))).await
}

/// `POST /set-up/go-live`
pub async fn take_live(State(web): State<Web>, signed: Signed, form: Posted) -> Result<Response, WebError> {
    let typed = form.typed();
    match live_step::take(&web.app, &signed.caller, &typed).await {
        Ok(words) => {
            acts::flash_done(&signed.reader.session, &words).await?;
            Ok(onward(Step::Live))
        }
        Err(error) => {
            let view = live_step::again(&web.app, &signed.caller, &typed).await?;
            refused(&web, &signed, Step::Live, error, StepContent::Live(Box::new(view))).await
        }
    }
}

/// `POST /set-up/halo/test`: tests the instance that is set up; with `do=write` a test ticket is made and taken away.
pub async fn test_halo(State(web): State<Web>, signed: Signed, form: Posted) -> Result<Response, WebError> {
    let typed = form.typed();
    let id = halo_test::run(&web.app, &signed.caller, &typed).await?;
    Ok(Redirect::to(&format!("{}?connection={id}#test", Step::Halo.path())).into_response())
}
