//! The running server: starts every part, hands out its address and first link, stops in order.

use crate::config::Config;
use std::net::SocketAddr;

/// Starts servers.
pub struct App;

/// A server that is up. Dropping it does not stop it; [`RunningApp::shutdown`] does.
pub struct RunningApp {
    address: SocketAddr,
    organiser_link: Option<String>,
}

impl App {
    /// Opens the database, binds the one port for TCP and UDP and serves.
    ///
    /// # Errors
    /// When the data folder, the database or the port cannot be used; the message names it.
    pub async fn start(_config: Config) -> anyhow::Result<RunningApp> {
        anyhow::bail!("the server is being built")
    }
}

impl RunningApp {
    /// Where it listens, TCP and UDP; the port is the real one when 0 was configured.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// The organiser link made by the first start of this data folder; `None` on later starts.
    pub fn organiser_link(&self) -> Option<&str> {
        self.organiser_link.as_deref()
    }

    /// Drains: readiness off, places told, sockets closed, database whole.
    pub async fn shutdown(self) {}
}
