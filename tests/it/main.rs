//! End-to-end tests against the real server, simulated peers.

mod acme;
mod acme_double;
mod api;
mod authority;
mod control;
mod doctor;
mod ice_tcp;
mod lesson;
mod links;
mod lossy_tcp;
mod media_peer;
mod mountain;
mod notes;
mod places;
mod report;
mod rig;
mod segments;
mod speaking;
mod tls;
mod whip_http;
mod ws;
