//! The command line of `nhipcau doctor`.

use super::Outside;
use crate::cli::{Configured, fail, runtime, say};
use clap::Args;
use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, SystemTime},
};

/// How long each step of an examination from outside may take.
const PATIENCE: Duration = Duration::from_secs(6);

/// What the command line says.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    configured: Configured,
    /// Try the ways from this machine to a server that runs elsewhere, such as `https://cau.example.vn`.
    #[arg(long, value_name = "URL")]
    outside: Option<String>,
    /// With `--outside`: port of picture and sound, when a reverse proxy has the URL's.
    #[arg(long, value_name = "PORT", requires = "outside")]
    media_port: Option<u16>,
    /// With `--outside`: a root certificate to trust besides the system's, PEM or DER (what the page /chung-chi gives).
    #[arg(long, value_name = "FILE", requires = "outside")]
    root: Option<PathBuf>,
    /// One JSON object instead of sentences.
    #[arg(long)]
    json: bool,
}

/// Examines and tells. Exit code 0: no fault was found; 1: one was, or it could not be looked.
pub(crate) fn run(arguments: Arguments) -> ExitCode {
    let Arguments { configured, outside, media_port, root, json } = arguments;
    let examined = runtime().and_then(|runtime| {
        runtime.block_on(async {
            match outside {
                Some(url) => {
                    let asked = Outside { url, media_port, root, patience: PATIENCE };
                    super::outside(&asked, SystemTime::now).await
                }
                None => Ok(super::inside(configured.load(), SystemTime::now()).await),
            }
        })
    });
    let told = examined.and_then(|report| {
        if json {
            say(&format!("{}\n", serde_json::to_string(&report)?))?;
        } else {
            say(&report.to_string())?;
        }
        Ok(report.is_good())
    });
    match told {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => fail(&format_args!("{error:#}"), 1),
    }
}
