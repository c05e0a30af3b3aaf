//! What a twin is made from: sizes, seed, product.

use jiff::Timestamp;

use super::limits::Limits;

/// Which Halo the twin plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Product {
    /// HaloITSM.
    #[default]
    Itsm,
    /// HaloPSA.
    Psa,
}

impl std::str::FromStr for Product {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "itsm" => Ok(Self::Itsm),
            "psa" => Ok(Self::Psa),
            other => Err(format!("the product is itsm or psa, not {other:?}")),
        }
    }
}

/// Everything a twin is made from; equal options under equal clocks give equal twins.
#[derive(Debug, Clone)]
pub struct TwinOptions {
    /// Seed of every id and every draw.
    pub seed: u64,
    /// Microsoft tenants; the first holds the workspaces by the plain names.
    pub tenants: usize,
    /// Sentinel workspaces in the first tenant's subscription.
    pub workspaces: usize,
    /// Incidents to begin with, spread over those workspaces.
    pub incidents: usize,
    /// Which Halo it plays.
    pub product: Product,
    /// How strictly limits are kept.
    pub limits: Limits,
    /// Milliseconds every answer waits.
    pub latency_ms: u64,
    /// Switches (`name`, `value`) that differ from their defaults.
    pub switches: Vec<(String, String)>,
    /// Scheme, host and port that addresses in answers are under (`https://twin.example:8443`), when a
    /// call's own are not those by which callers know the twin.
    pub origin: Option<String>,
    /// When the world begins: start incidents lie in the thirty days before.
    pub begins_at: Timestamp,
}

impl TwinOptions {
    /// One tenant, three workspaces, nothing in them, no limits, no latency.
    pub fn new(seed: u64, begins_at: Timestamp) -> Self {
        Self {
            seed,
            tenants: 1,
            workspaces: 3,
            incidents: 0,
            product: Product::Itsm,
            limits: Limits::Off,
            latency_ms: 0,
            switches: Vec::new(),
            origin: None,
            begins_at,
        }
    }
}

impl TwinOptions {
    /// Whether every switch exists and takes its value.
    ///
    /// # Errors
    /// A sentence naming the switch that does not.
    pub fn check_switches(&self) -> Result<(), String> {
        let trial = Self { switches: Vec::new(), workspaces: 1, tenants: 1, incidents: 0, ..self.clone() };
        let mut world = super::world::World::new(trial);
        self.switches.iter().try_for_each(|(name, value)| world.set_switch(name, value))
    }
}
