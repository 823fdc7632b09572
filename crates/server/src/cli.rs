//! The command line of `nhipcau`.

use crate::{
    App, Config, RunningApp,
    config::{ConfigErrors, TlsMode},
    doctor,
    http::island,
    links, logging,
};
use anyhow::Context as _;
use clap::{Args, Parser, Subcommand, ValueEnum};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{
    io::{Write as _, stdout},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};
use tokio::signal::unix::{SignalKind, signal};
use tracing::warn;

/// Exit code of a start that the configuration stops.
const EXIT_CONFIGURATION: u8 = 2;

/// Nhịp Cầu: relays a lesson from a host school to hundreds of classrooms.
#[derive(Parser)]
#[command(name = "nhipcau", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// What a command does with a configuration that is right.
type Work = Box<dyn FnOnce(Config) -> anyhow::Result<()>>;

#[derive(Subcommand)]
enum Command {
    /// Run the server until SIGTERM or SIGINT.
    Serve(Configured),
    /// Print a fresh link.
    Link {
        /// Whose.
        role: LinkRole,
        #[command(flatten)]
        configured: Configured,
    },
    /// Write a copy of the database to a new file, while a server uses it or not.
    Backup {
        /// The file; it must not exist.
        file: PathBuf,
        #[command(flatten)]
        configured: Configured,
    },
    /// Put a copy back. A running server tells its pages to come back and goes on with the copy. What was there before is
    /// kept beside the database.
    Restore {
        /// A file that `backup` wrote.
        file: PathBuf,
        #[command(flatten)]
        configured: Configured,
    },
    /// Read the configuration, name everything that is wrong with it, and stop.
    CheckConfig(Configured),
    /// Look for what keeps lessons from classrooms: on this machine, or (`--outside`) from here to a server.
    Doctor(doctor::Arguments),
}

#[derive(Clone, Copy, ValueEnum)]
enum LinkRole {
    /// An organiser of the whole server, beside those there are already.
    Organiser,
}

#[derive(Args)]
pub(crate) struct Configured {
    /// Configuration file; without one the defaults hold. Variables such as `NHIPCAU_LISTEN` override both.
    #[arg(long, value_name = "FILE", env = "NHIPCAU_CONFIG")]
    config: Option<PathBuf>,
}

impl Configured {
    /// Reads the file and this process's environment.
    pub(crate) fn load(&self) -> Result<Config, ConfigErrors> {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Config::load(self.config.as_deref(), environment)
    }
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let (configured, work): (Configured, Work) = match Arguments::parse().command {
        Command::Serve(configured) => (configured, Box::new(|config| serve(&config))),
        Command::Link { role: LinkRole::Organiser, configured } => {
            (configured, Box::new(|config| print_organiser_link(&config)))
        }
        Command::Backup { file, configured } => (configured, Box::new(move |config| backup(&config, &file))),
        Command::Restore { file, configured } => {
            (configured, Box::new(move |config| restore(&config, &file)))
        }
        Command::CheckConfig(configured) => (configured, Box::new(|_| say("ok\n"))),
        Command::Doctor(arguments) => return doctor::run(arguments),
    };
    let config = match configured.load() {
        Ok(config) => config,
        Err(errors) => return fail(&errors, EXIT_CONFIGURATION),
    };
    match work(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format_args!("{error:#}"), 1),
    }
}

fn serve(config: &Config) -> anyhow::Result<()> {
    logging::init(&config.log)?;
    runtime()?.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
        raise_file_limit();
        let mut app = App::start(config.clone()).await?;
        say(&greeting(&app))?;
        loop {
            let restored = tokio::select! {
                _ = terminate.recv() => false,
                _ = interrupt.recv() => false,
                () = app.restored() => true,
            };
            app.shutdown().await;
            if !restored {
                return Ok(());
            }
            tracing::info!("a backup was put back; starting again with it");
            app = App::start(config.clone()).await?;
            // Whoever started the server may have stopped reading; the lessons go on all the same.
            let _ = say(&greeting(&app));
        }
    })
}

fn backup(config: &Config, file: &Path) -> anyhow::Result<()> {
    runtime()?.block_on(App::backup(config, file))?;
    say(&format!("Đã sao lưu vào / backed up to {}\n", file.display()))
}

fn restore(config: &Config, file: &Path) -> anyhow::Result<()> {
    let kept = runtime()?.block_on(App::restore(config, file))?;
    say(&format!("Đã phục hồi từ / restored from {}\n", file.display()))?;
    match kept {
        Some(kept) => say(&format!("Dữ liệu trước đó ở / what was there before is in {}\n", kept.display())),
        None => Ok(()),
    }
}

/// A connection is a file, and systems begin with 1,024 of them: takes as many as this process may have.
fn raise_file_limit() {
    let most = getrlimit(Resource::Nofile).maximum;
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most }) {
        warn!(%error, "the limit of open files stays as it is: {error}");
    }
}

fn print_organiser_link(config: &Config) -> anyhow::Result<()> {
    let link = runtime()?.block_on(App::new_organiser_link(config))?;
    say(&format!("{link}\n"))?;
    // Beside the link, so that whoever reads it from here gets the link alone.
    eprint!("{}", from_elsewhere(config, config.listen, &link));
    Ok(())
}

/// Whoever sets a server up in a school sits at another machine: there `localhost` opens nothing.
fn from_elsewhere(config: &Config, listen: SocketAddr, link: &str) -> String {
    let local = links::local_base(listen);
    let Some(page) = link.strip_prefix(&local).filter(|_| config.tls.mode == TlsMode::SelfSigned) else {
        return String::new();
    };
    let ways = island::addresses(config, listen);
    let Some(first) = ways.first() else { return String::new() };
    format!("Từ máy khác trong mạng này / from another machine of this network:\nhttps://{first}{page}\n")
}

fn greeting(app: &RunningApp) -> String {
    let base = app.base_url();
    match app.organiser_link() {
        Some(link) => format!(
            "Nhịp Cầu: {base}/\n\
             Đường liên kết của người tổ chức, chỉ hiện một lần, hãy giữ kín:\n\
             Link for the organiser, shown only once, keep it to yourself:\n{link}\n{elsewhere}",
            elsewhere = from_elsewhere(app.config(), app.addr(), link)
        ),
        None => format!(
            "Nhịp Cầu: {base}/\n\
             Cần đường liên kết mới cho người tổ chức / for a new organiser link: nhipcau link organiser\n"
        ),
    }
}

pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Runtime::new().context("cannot start the runtime")
}

pub(crate) fn say(text: &str) -> anyhow::Result<()> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("cannot write to standard output")
}

pub(crate) fn fail(what: &impl std::fmt::Display, code: u8) -> ExitCode {
    // Standard error may be closed; then there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "nhipcau: {what}");
    ExitCode::from(code)
}
