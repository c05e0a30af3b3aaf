//! Set-up in the browser: the steps, and what each does with its answers.
//!
//! A step that can stand alone (a connection) writes its answer through [`configuration::apply`] as soon as it was
//! tried; the others keep theirs as a [`draft`] until they are applied together. Nothing of it lies in the browser, so
//! it goes on after a restart and from anywhere. Who may do this: admins who see every client.
//!
//! [`configuration::apply`]: super::configuration::apply

pub mod check;
pub mod clients;
pub mod discovery;
pub mod draft;
pub mod entry;
pub mod file;
pub mod halo;
pub mod halo_test;
pub mod import;
pub mod live;
pub mod mapping;
pub mod microsoft;
pub mod rename;
pub mod sign_in;
pub mod typed;

use super::{App, caller::Caller, configuration::Installed, error::ServiceError, fault};
use crate::domain::{
    account::Role,
    view::set_up::{Step, StepContent, StepRow, StepState, StepView, StepsView},
};

pub use typed::Typed;

/// Where the console is reached, as far as steps show it.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// Where Microsoft must send people back to.
    pub redirect_uri: String,
}

/// Who may set up: an admin who sees every client.
///
/// # Errors
/// `Forbidden`.
pub fn allowed(caller: &Caller) -> Result<(), ServiceError> {
    caller.need(Role::Admin)?;
    caller.need_everything()
}

/// What is set up, in the terms of the applied file.
///
/// # Errors
/// The store cannot be read.
pub async fn installed(app: &App) -> Result<Installed, ServiceError> {
    super::configuration::installed(&app.store).await.map_err(|e| fault("read the installation", &e))
}

/// Keeps a version of what is set up, after it was changed by another way than an applied file.
///
/// # Errors
/// The store cannot be written.
pub async fn version(app: &App, caller: &Caller) -> Result<(), ServiceError> {
    let kept = super::configuration::versions::keep(&app.store, Some(caller.user), Vec::new(), app.clock.now()).await;
    kept.map_err(|e| ServiceError::internal("keep a version of the configuration", &e))
}

/// The list of steps.
///
/// # Errors
/// `Forbidden`; the store cannot be read.
pub async fn steps(app: &App, caller: &Caller) -> Result<StepsView, ServiceError> {
    allowed(caller)?;
    let mut rows = Vec::new();
    for step in Step::ALL {
        let (state, says) = match step {
            Step::Microsoft => microsoft::state(app).await?,
            Step::SignIn => sign_in::state(app).await?,
            Step::Halo => halo::state(app).await?,
            Step::Clients => clients::state(app).await?,
            Step::Check => check::state(app).await?,
            Step::Mapping => mapping::state(app).await?,
            Step::Import => import::state(app).await?,
            Step::Live => live::state(app).await?,
        };
        rows.push(StepRow { step, state, says });
    }
    Ok(StepsView { rows })
}

/// A step's page around its content.
///
/// # Errors
/// `Forbidden`; the store cannot be read.
pub async fn around(app: &App, caller: &Caller, step: Step, content: StepContent) -> Result<StepView, ServiceError> {
    Ok(StepView { step, steps: steps(app, caller).await?, content })
}

/// What a step says that needs another one first.
fn later(needs: Step) -> (StepState, String) {
    (StepState::Later, format!("Needs “{}” first.", needs.name()))
}
