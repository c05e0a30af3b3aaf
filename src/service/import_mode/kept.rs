//! What the last act at a workspace's or instance's webhook said, and when its test event was sent: kept, so that a page
//! that is opened again shows it.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{time, view::probe::Line},
    service::{App, error::ServiceError, set_up::draft},
};

/// What is kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Kept {
    /// When the test event was sent, in milliseconds; 0 = never.
    sent_ms: i64,
    /// What the last act said.
    pub lines: Vec<Line>,
}

impl Kept {
    pub fn sent(&self) -> Option<Timestamp> {
        (self.sent_ms > 0).then(|| time::from_ms(self.sent_ms))
    }
}

fn name(whose: &str) -> String {
    format!("webhook/{whose}")
}

/// What is kept of every workspace and instance, by id.
pub(super) async fn all(app: &App) -> Result<HashMap<String, Kept>, ServiceError> {
    draft::all(app, &name("")).await
}

pub(super) async fn say(app: &App, whose: &str, lines: &[Line]) -> Result<(), ServiceError> {
    draft::keep(app, &name(whose), &Kept { sent_ms: 0, lines: lines.to_vec() }).await
}

pub(super) async fn sent(app: &App, whose: &str, at: Timestamp, lines: &[Line]) -> Result<(), ServiceError> {
    draft::keep(app, &name(whose), &Kept { sent_ms: time::to_ms(at), lines: lines.to_vec() }).await
}
