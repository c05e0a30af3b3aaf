//! Incoming HTTP: pages, forms, sign-in, webhooks, live events, health.
//!
//! A route parses, calls one use case of [`crate::service`] and answers: 303 after a form, the same
//! page with 422 when it could not be taken. What is allowed is decided there, not here. Start with
//! [`router`]; [`guard`], `rest` and [`headers`] say what holds for every route.

pub mod assets;
pub mod error;
pub mod form;
pub mod headers;
pub mod options;
pub mod request;

mod accounts;
mod acts;
pub mod api;
mod backfills;
pub mod compress;
pub mod csv;
mod disconnect;
mod draw;
mod errands;
pub mod guard;
pub mod health;
mod hooks;
pub mod kept;
mod links;
mod live;
mod microsoft;
mod pages;
mod pauses;
mod people;
mod reader;
mod rest;
mod session;
mod set_up;
mod tokens;
pub mod twice;
mod versions;
mod views;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state},
    routing::{any, get, post},
};
use http::StatusCode;
use tokio::sync::Semaphore;
use tower_sessions::{Expiry, SessionManagerLayer, cookie::SameSite, cookie::time::Duration};

pub use self::options::WebOptions;
use self::{error::WebError, live::STREAMS_MAX};
use crate::{
    domain::ids::{ClientId, ConnectionId, PairId},
    service::App,
};

/// What every route is given. Cheap to clone.
#[derive(Clone)]
pub struct Web {
    /// The use cases.
    pub app: App,
    /// How the console is reached.
    pub options: Arc<WebOptions>,
    /// Open event streams.
    streams: Arc<Semaphore>,
    /// Answers to forms that wait to be read.
    kept: Arc<kept::Kept>,
    /// What was pressed a moment ago.
    presses: Arc<twice::Presses>,
    /// Webhooks that are being received.
    room: Arc<hooks::Room>,
}

/// Every route of the program, by path and methods: the test of rights fails for one without a row.
pub const ROUTES: &[(&str, &str)] = &[
    ("GET", "/"),
    ("GET", "/incidents"),
    ("GET", "/incidents/{workspace}/{incident}/link"),
    ("POST", "/incidents/{workspace}/{incident}/link"),
    ("POST", "/incidents/{workspace}/{incident}/ticket"),
    ("GET", "/pairs.csv"),
    ("GET", "/approvals"),
    ("GET", "/drift"),
    ("GET", "/backfill"),
    ("POST", "/backfill"),
    ("POST", "/workspaces/{id}/backfill/start"),
    ("POST", "/workspaces/{id}/backfill/stop"),
    ("GET", "/shadow"),
    ("GET", "/shadow.csv"),
    ("GET", "/pairs/{id}"),
    ("POST", "/pairs/{id}/look"),
    ("POST", "/pairs/{id}/sync"),
    ("GET", "/pairs/{id}/rebuild"),
    ("POST", "/pairs/{id}/rebuild"),
    ("POST", "/pairs/{id}/decide"),
    ("POST", "/pairs/{id}/unlink"),
    ("POST", "/pairs/{id}/pause"),
    ("POST", "/pairs/{id}/resume"),
    ("POST", "/clients/{id}/pause"),
    ("POST", "/clients/{id}/resume"),
    ("GET", "/palette"),
    ("GET", "/problems"),
    ("GET", "/runs"),
    ("POST", "/workspaces/{id}/sync"),
    ("POST", "/workspaces/{id}/log"),
    ("POST", "/workspaces/{id}/release"),
    ("POST", "/workspaces/{id}/push"),
    ("POST", "/push"),
    ("GET", "/connections"),
    ("GET", "/connections/callback"),
    ("GET", "/connections/{id}/disconnect"),
    ("POST", "/connections/{id}/disconnect"),
    ("POST", "/connections/{id}/look"),
    ("POST", "/connections/{id}/pause"),
    ("POST", "/connections/{id}/resume"),
    ("POST", "/connections/{id}/sign-in"),
    ("POST", "/connections/{id}/test"),
    ("GET", "/configuration"),
    ("POST", "/configuration"),
    ("GET", "/configuration.toml"),
    ("POST", "/configuration/file"),
    ("GET", "/tickets"),
    ("GET", "/look-up"),
    ("GET", "/accounts"),
    ("POST", "/accounts"),
    ("GET", "/accounts/{id}"),
    ("POST", "/accounts/{id}"),
    ("POST", "/accounts/{id}/password"),
    ("POST", "/accounts/{id}/off"),
    ("POST", "/accounts/{id}/on"),
    ("GET", "/tokens"),
    ("POST", "/tokens"),
    ("POST", "/tokens/{id}/revoke"),
    ("GET", "/errands"),
    ("POST", "/errands"),
    ("GET", "/errands/{id}"),
    ("POST", "/errands/{id}/begin"),
    ("POST", "/errands/{id}/stop"),
    ("GET", "/views"),
    ("POST", "/views"),
    ("GET", "/views/{id}"),
    ("POST", "/views/{id}"),
    ("POST", "/views/{id}/remove"),
    ("GET", "/ledger"),
    ("GET", "/ledger.jsonl"),
    ("GET", "/account"),
    ("GET", "/help"),
    ("GET", "/help/{page}"),
    ("POST", "/account/password"),
    ("POST", "/account/sessions"),
    ("GET", "/operations/{id}/retry"),
    ("POST", "/operations/{id}/retry"),
    ("GET", "/problems/replay"),
    ("POST", "/problems/replay"),
    ("GET", "/operations/{id}/drop"),
    ("POST", "/operations/{id}/drop"),
    ("GET", "/set-up"),
    ("POST", "/set-up"),
    ("GET", "/set-up/microsoft"),
    ("POST", "/set-up/microsoft"),
    ("GET", "/set-up/sign-in"),
    ("GET", "/set-up/halo"),
    ("POST", "/set-up/halo"),
    ("GET", "/set-up/clients"),
    ("POST", "/set-up/clients"),
    ("POST", "/set-up/clients/file"),
    ("GET", "/set-up/clients.csv"),
    ("GET", "/set-up/check"),
    ("POST", "/set-up/check"),
    ("POST", "/set-up/halo/test"),
    ("GET", "/set-up/mapping"),
    ("POST", "/set-up/mapping"),
    ("GET", "/set-up/import"),
    ("POST", "/set-up/import"),
    ("GET", "/set-up/import/template"),
    ("GET", "/azure/logic-app.json"),
    ("GET", "/set-up/go-live"),
    ("POST", "/set-up/go-live"),
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("POST", "/sign-out"),
    ("POST", "/preferences"),
    ("GET", "/events"),
    ("GET", "/metrics"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("POST", "/api/push"),
    ("POST", "/api/pairs/{id}/resync"),
    ("GET", "/api/{*rest}"),
    ("POST", "/api/{*rest}"),
    ("POST", "/hooks/sentinel/{workspace}"),
    ("POST", "/hooks/halo/{connection}"),
];

/// The whole of it.
pub fn router(app: App, options: WebOptions) -> Router {
    let web = Web {
        app,
        options: Arc::new(options),
        streams: Arc::new(Semaphore::new(STREAMS_MAX)),
        kept: Arc::default(),
        presses: Arc::default(),
        room: Arc::default(),
    };
    let sessions = SessionManagerLayer::new(web.app.sessions())
        .with_name(web.options.cookie_name())
        .with_path("/")
        .with_secure(web.options.https())
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(Duration::seconds(web.options.session_absolute.as_secs())));

    let pages = Router::new()
        .route("/", get(pages::dashboard))
        .route("/incidents", get(pages::not_linked))
        .route("/incidents/{workspace}/{incident}/link", get(links::link_page).post(links::link))
        .route("/incidents/{workspace}/{incident}/ticket", post(links::make_ticket))
        .route("/pairs.csv", get(csv::pairs))
        .route("/approvals", get(pages::approvals))
        .route("/drift", get(pages::drift))
        .route("/backfill", get(backfills::page).post(backfills::ask))
        .route("/workspaces/{id}/backfill/start", post(backfills::start))
        .route("/workspaces/{id}/backfill/stop", post(backfills::stop))
        .route("/shadow", get(pages::shadow))
        .route("/shadow.csv", get(csv::shadow))
        .route("/pairs/{id}", get(pages::pair))
        .route("/pairs/{id}/look", post(acts::look_again))
        .route("/pairs/{id}/sync", post(acts::sync_now))
        .route("/pairs/{id}/rebuild", get(pages::ask_to_rebuild).post(acts::rebuild))
        .route("/pairs/{id}/decide", post(acts::decide))
        .route("/pairs/{id}/unlink", post(links::unlink))
        .route("/pairs/{id}/pause", post(pauses::pause::<PairId>))
        .route("/pairs/{id}/resume", post(pauses::resume::<PairId>))
        .route("/clients/{id}/pause", post(pauses::pause::<ClientId>))
        .route("/clients/{id}/resume", post(pauses::resume::<ClientId>))
        .route("/palette", get(pages::palette))
        .route("/problems", get(pages::problems))
        .route("/runs", get(pages::runs))
        .route("/workspaces/{id}/sync", post(acts::sync_workspace))
        .route("/workspaces/{id}/log", post(acts::compare_log))
        .route("/workspaces/{id}/release", post(acts::release_storm))
        .route("/workspaces/{id}/push", post(links::push))
        .route("/push", post(links::push_form))
        .route("/connections", get(pages::connections))
        .route("/connections/callback", get(microsoft::callback))
        .route("/connections/{id}/disconnect", get(disconnect::page).post(disconnect::take_out))
        .route("/connections/{id}/look", post(acts::look_at_halo))
        .route("/connections/{id}/pause", post(pauses::pause::<ConnectionId>))
        .route("/connections/{id}/resume", post(pauses::resume::<ConnectionId>))
        .route("/connections/{id}/sign-in", post(microsoft::begin))
        .route("/connections/{id}/test", post(acts::test_connection))
        .route("/configuration", get(versions::page).post(versions::go_back))
        .route("/configuration.toml", get(versions::export))
        .route("/configuration/file", post(versions::take_file).layer(DefaultBodyLimit::disable()))
        .route("/tickets", get(links::look_up))
        .route("/look-up", get(links::look_up_incident))
        .route("/accounts", get(people::page).post(people::make))
        .route("/accounts/{id}", get(people::one).post(people::change))
        .route("/accounts/{id}/password", post(people::new_password))
        .route("/accounts/{id}/off", post(people::off))
        .route("/accounts/{id}/on", post(people::on))
        .route("/tokens", get(tokens::page).post(tokens::make))
        .route("/tokens/{id}/revoke", post(tokens::revoke))
        .route("/errands", get(errands::page).post(errands::plan))
        .route("/errands/{id}", get(errands::one))
        .route("/errands/{id}/begin", post(errands::begin))
        .route("/errands/{id}/stop", post(errands::stop))
        .route("/views", get(views::page).post(views::save))
        .route("/views/{id}", get(views::one).post(views::change))
        .route("/views/{id}/remove", post(views::remove))
        .route("/ledger", get(pages::ledger))
        .route("/ledger.jsonl", get(csv::ledger))
        .route("/account", get(accounts::account))
        .route("/help", get(pages::help))
        .route("/help/{page}", get(pages::help_page))
        .route("/account/password", post(accounts::change_password))
        .route("/account/sessions", post(accounts::end_others))
        .route("/operations/{id}/retry", get(pages::ask_to_retry).post(acts::retry))
        .route("/problems/replay", get(pages::ask_to_replay).post(acts::replay))
        .route("/operations/{id}/drop", get(pages::ask_to_drop).post(acts::drop_operation))
        .route("/set-up", get(set_up::list).post(accounts::set_up))
        .route("/set-up/microsoft", get(set_up::microsoft).post(set_up::take_microsoft))
        .route("/set-up/sign-in", get(set_up::sign_in))
        .route("/set-up/halo", get(set_up::halo).post(set_up::take_halo))
        .route("/set-up/clients", get(set_up::clients).post(set_up::take_clients))
        .route("/set-up/clients/file", post(set_up::take_clients_file).layer(DefaultBodyLimit::disable()))
        .route("/set-up/clients.csv", get(csv::links))
        .route("/set-up/check", get(set_up::check).post(set_up::take_check))
        .route("/set-up/halo/test", post(set_up::test_halo))
        .route("/set-up/mapping", get(set_up::mapping).post(set_up::take_mapping))
        .route("/set-up/import", get(set_up::import).post(set_up::act_import))
        .route("/set-up/import/template", get(set_up::template))
        .route("/set-up/go-live", get(set_up::live).post(set_up::take_live))
        .route("/sign-in", get(accounts::sign_in_page).post(accounts::sign_in))
        .route("/sign-out", post(accounts::sign_out))
        .route("/preferences", post(accounts::preferences))
        .route("/events", get(live::events))
        .route("/metrics", get(health::metrics))
        .fallback(|| async { WebError::status(StatusCode::NOT_FOUND) })
        .method_not_allowed_fallback(kept::method_not_allowed)
        .layer(from_fn_with_state(web.clone(), guard::same_origin))
        .layer(from_fn_with_state(web.clone(), twice::pressed))
        .layer(from_fn_with_state(web.clone(), kept::once))
        .layer(from_fn_with_state(web.clone(), draw::errors))
        .layer(from_fn_with_state(web.clone(), guard::to_the_end))
        .layer(from_fn_with_state(web.clone(), draw::in_time))
        .layer(sessions)
        .layer(from_fn(compress::pages));

    let hooks = Router::new()
        .route("/hooks/sentinel/{workspace}", post(hooks::sentinel))
        .route("/hooks/halo/{connection}", post(hooks::halo))
        .layer(DefaultBodyLimit::disable());

    let api = Router::new()
        .route("/api/push", post(api::push))
        .route("/api/pairs/{id}/resync", post(api::resync))
        .route("/api/{*rest}", any(api::not_found))
        .method_not_allowed_fallback(api::method_not_allowed)
        .layer(DefaultBodyLimit::max(api::BODY_MAX))
        .layer(from_fn_with_state(web.clone(), guard::to_the_end));

    pages
        // Azure's portal fetches it from another origin: no session, no cookie.
        .route("/azure/logic-app.json", get(set_up::public_template))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .merge(hooks)
        .merge(api)
        .merge(assets::routes())
        .layer(from_fn_with_state(web.clone(), request::around))
        .layer(from_fn_with_state(web.clone(), rest::read_on))
        .layer(from_fn_with_state(web.clone(), headers::secure))
        .with_state(web)
}
