//! Log lines to standard error; standard output is kept for the links.

use crate::config::{LogConfig, LogFormat};
use anyhow::Context as _;
use std::io::{IsTerminal as _, stderr};
use tracing_subscriber::{EnvFilter, fmt};

/// Warnings of a library about what browsers do every day (DTLS extensions it does not know); a filter of the
/// configuration that names the library overrides this.
const QUIET: &str = "rtc_dtls=error";

/// Installs the process's logger.
///
/// # Errors
/// When the filter cannot be read (the configuration has checked it) or a logger is installed already.
pub fn init(config: &LogConfig) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", config.level))
        .with_context(|| format!("log.level {:?} is no filter", config.level))?;
    let builder = fmt().with_env_filter(filter).with_writer(stderr);
    let installed = match config.format {
        LogFormat::Pretty => builder.with_ansi(stderr().is_terminal()).with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    installed.map_err(|error| anyhow::anyhow!("cannot install the logger: {error}"))
}
