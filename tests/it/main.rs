//! End-to-end tests against the real server, simulated peers.

mod api;
mod media_peer;
mod rig;
mod whip_http;
mod ws;
