//! What a person does in the console, over the same store and engine.

use std::sync::{Arc, atomic::AtomicBool};

use halobridge::{
    clock::SeededIds,
    domain::{
        account::{Role, Scope},
        failure::{Failure, FailureKind, Side},
        ids::UserId,
    },
    service::{App, caller::Caller, running_engine::RunningEngine},
};
use tokio::sync::watch;

use super::bridge::Bridge;

/// An operator and the program as the console sees it.
pub fn operator(bridge: &Bridge) -> (App, Caller) {
    let changed = watch::Sender::new(0).subscribe();
    let handle = RunningEngine::new(Arc::clone(&bridge.engine), Arc::new(AtomicBool::new(true)), changed);
    let ids = Arc::new(SeededIds::new(bridge.setup.seed ^ 0x0b57));
    let network = |_: bool| Err(Failure::new(Side::Sentinel, FailureKind::Transient, "no network in tests"));
    let clock = Arc::new(bridge.clock.clone());
    let app = App::new(bridge.store.clone(), clock, ids, Arc::new(handle), Arc::new(network));
    let user = UserId(uuid::Uuid::from_u128(0x0b57));
    (app, Caller { user, name: "olga".into(), role: Role::Operator, scope: Scope::All })
}
