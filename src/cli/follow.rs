//! Following a twin's clock over HTTP, so that product and twin share one scaled time.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use jiff::Timestamp;
use url::Url;

use super::ways::OverNetwork;
use crate::{
    clock::{Clock, SteerableClock},
    outbound::Transport,
};

/// A clock that shows what the twin's clock shows, compared once a second.
///
/// # Errors
/// The address does not answer as a twin does.
#[expect(clippy::disallowed_methods, reason = "a loop beside the server, for tests in scaled time")]
pub async fn clock(url: &Url) -> anyhow::Result<Arc<dyn Clock>> {
    let way = OverNetwork::way(true).map_err(anyhow::Error::msg)?;
    let (now, scale) = ask(&*way, url).await?;
    let clock = Arc::new(SteerableClock::held(now));
    clock.run(scale);
    let (followed, url) = (Arc::clone(&clock), url.clone());
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if let Ok((now, scale)) = ask(&*way, &url).await {
                let apart = followed.now().duration_since(now).abs().as_secs_f64();
                if apart > 0.25 * scale.max(1.0) || (followed.scale() - scale).abs() > f64::EPSILON {
                    followed.set(now);
                    followed.run(scale);
                }
            }
        }
    });
    Ok(clock)
}

async fn ask(way: &dyn Transport, url: &Url) -> anyhow::Result<(Timestamp, f64)> {
    let request = http::Request::get(url.as_str()).body(Bytes::new()).context("The clock's address is no URL")?;
    let answer = way.send(request).await.with_context(|| format!("The clock at {url} does not answer"))?;
    let value: serde_json::Value = serde_json::from_slice(answer.body()).context("The clock's answer is no JSON")?;
    let now = value.get("now").and_then(|now| now.as_str()).and_then(|now| now.parse().ok());
    let now = now.context("The clock's answer has no readable `now`")?;
    Ok((now, value.get("scale").and_then(serde_json::Value::as_f64).unwrap_or(1.0)))
}
