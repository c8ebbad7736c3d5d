//! Where all that is random in one life of a host comes from: streams and keys by their purpose (DESIGN D3).
//!
//! Deriving one takes about a microsecond, so most rooms do it when they first need it: many hosts never choose a port
//! of UDP or make a cookie.

use std::sync::Arc;

use faultwire_base::{SeedTree, Stream};

/// The root of what is random in one life of one host.
#[derive(Clone, Debug)]
pub(crate) struct Secrets {
    seeds: SeedTree,
    /// Name and boot number of the host.
    component: Arc<str>,
}

impl Secrets {
    pub(crate) fn new(seeds: SeedTree, component: impl Into<Arc<str>>) -> Self {
        Self { seeds, component: component.into() }
    }

    /// The stream for `purpose`.
    pub(crate) fn stream(&self, purpose: &str) -> Stream {
        self.seeds.stream(&self.component, purpose)
    }

    /// A key for `purpose`.
    pub(crate) fn key(&self, purpose: &str) -> [u64; 2] {
        self.seeds.secret(&self.component, purpose)
    }
}
