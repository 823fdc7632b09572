//! A whole lesson with its rooms: what it costs the relay, and whether it survives a kill.
//!
//! [`act`] lets hundreds of rooms raise hands, answer and report while the host's board is watched; [`recover`] kills
//! the server in the middle of such a lesson again and again and compares what is left with what was acknowledged.

mod act;
mod page;
mod recover;
mod server;

pub use act::{ActConfig, ActSummary, act};
pub use page::{Page, PageError};
pub use recover::{RecoverConfig, RecoverSummary, recover};
pub use server::{Room, Server};
