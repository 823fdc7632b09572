//! What can be configured, its defaults, and what each key may hold.
//!
//! Every key is read in exactly one place ([`Config::read`]), which states what the key expects; so an unknown
//! key, a wrong value and the example file `config/nhipcau.toml` are all checked against the same list.

mod read;

pub use read::{ConfigError, ConfigErrors, Source};
use read::{Given, Reader};
use serde::Serialize;
use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

/// Everything the server can be told.
///
/// Read from a TOML file, then from environment variables (`NHIPCAU_LISTEN`, `NHIPCAU_MEDIA__WORKERS`), over
/// the defaults of [`Config::default`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Config {
    /// Address of the one port: TCP for pages, API and WebSocket, UDP for media. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Base of the links we hand out, without a slash at its end; empty: the address a request came by.
    pub public_url: String,
    /// IP addresses or host names offered as ICE candidates; empty: every address of this machine.
    pub announce: Vec<String>,
    /// Folder of the database.
    pub data_dir: PathBuf,
    /// Proxies whose `X-Forwarded-For`, `-Proto` and `-Host` are believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// How long a stopping server waits for its connections, at most.
    pub drain_timeout_s: u64,
    /// What is logged, and how.
    pub log: LogConfig,
    /// The media workers.
    pub media: MediaConfig,
    /// Bounds that keep one visitor from harming the others.
    pub limits: LimitsConfig,
    /// How lessons behave.
    pub lesson: LessonConfig,
    /// Observers' sheets.
    pub notes: NotesConfig,
    /// Lessons as media segments.
    pub segments: SegmentsConfig,
    /// Encryption.
    pub tls: TlsConfig,
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogConfig {
    /// For people or for machines.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug`, `trace`, or a filter such as `info,server::media=debug`.
    pub level: String,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One readable line.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// Lessons as media segments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SegmentsConfig {
    /// The ffmpeg that makes AAC for players without Opus; empty: none.
    pub ffmpeg: PathBuf,
}

/// Where the certificate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsMode {
    /// Two files that another program keeps.
    Files,
    /// Fetched from an ACME server such as Let's Encrypt.
    Acme,
    /// Made here, for a school's own network.
    SelfSigned,
    /// No encryption: this machine and named proxies only.
    Off,
}

/// Encryption of pages, API and WebSocket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TlsConfig {
    /// Where the certificate comes from.
    pub mode: TlsMode,
    /// The certificate with its chain, PEM; for `files`.
    pub certificate: PathBuf,
    /// Its private key, PEM; for `files`.
    pub key: PathBuf,
    /// Names to fetch a certificate for; for `acme`.
    pub domains: Vec<String>,
    /// Mail address an ACME server warns when a certificate is not renewed; for `acme`.
    pub contact: String,
    /// Directory of the ACME server; for `acme`.
    pub directory: String,
    /// Root certificate of a private ACME server, PEM; for `acme`.
    pub directory_root: PathBuf,
    /// Whether other machines are served without encryption too.
    pub plain_http: bool,
}

/// The media workers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MediaConfig {
    /// Threads that move media; 0: one for each core.
    pub workers: usize,
    /// How long pictures may wait to leave together, milliseconds, 1 to 10. Sound never waits.
    pub tick_ms: u64,
    /// Media connections of the whole server, at most.
    pub peers_max: usize,
    /// A connection that is not up after this many seconds is given up.
    pub connect_timeout_s: u64,
    /// Socket buffers asked of the system, KiB for each worker and direction.
    pub socket_buffer_kib: usize,
    /// UDP port written into answers when a NAT forwards another one to us; 0: the port listened on.
    pub announce_port: u16,
}

/// Bounds that keep one visitor from harming the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LimitsConfig {
    /// Media connections of one lesson, the host's included.
    pub peers_per_lesson: usize,
    /// Pages of one lesson; then observers and organisers must wait, places and hosts still get in.
    pub pages_per_lesson: usize,
    /// Media connections one link may hold at a time.
    pub peers_per_link: usize,
    /// Open pages one link may hold at a time.
    pub sockets_per_link: usize,
    /// TCP connections one address may hold at a time.
    pub connections_per_address: usize,
    /// Sockets of one address that have not said `hello` yet.
    pub waiting_sockets_per_address: usize,
    /// Wrong links and wrong pairing codes one address may try in a minute.
    pub wrong_tries_per_minute: u32,
    /// Pairing codes one address may ask for in a minute.
    pub pairings_per_minute: u32,
    /// Media connections one address may open in a minute; a school's classrooms share one address.
    pub sessions_per_minute: u32,
}

/// How lessons behave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LessonConfig {
    /// Whether a lesson goes live by itself when its host's encoder starts to send.
    pub autostart_on_publish: bool,
}

/// Observers' sheets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotesConfig {
    /// Days after a lesson's end from when on its organiser may delete the sheets of its observers.
    pub delete_after_days: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self::read(&mut Reader::default())
    }
}

impl Config {
    /// Reads `file` (none: defaults alone) and lets `environment` override it.
    ///
    /// # Errors
    /// Every unknown key and wrong value at once, each with its key, what was found and what was expected.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigErrors> {
        let mut reader = Reader::default();
        if let Some(path) = file {
            let text = std::fs::read_to_string(path).map_err(|error| {
                ConfigErrors(vec![ConfigError::Unreadable { path: path.to_owned(), why: error.to_string() }])
            })?;
            reader.add_file(path, &text)?;
        }
        reader.add_environment(environment);
        let config = Self::read(&mut reader);
        config.check(&mut reader);
        reader.finish()?;
        Ok(config)
    }

    /// The host of `public_url`, without brackets; `None` when links take the address a request came by.
    pub(crate) fn public_host(&self) -> Option<String> {
        let uri: axum::http::Uri = self.public_url.parse().ok()?;
        uri.host().map(|host| host.trim_matches(['[', ']']).to_owned())
    }

    /// What no key can tell by itself.
    fn check(&self, reader: &mut Reader) {
        if self.tls.mode == TlsMode::Acme && self.tls.domains.is_empty() {
            reader.refuse("tls.domains", "[]", "at least one domain name, because tls.mode is \"acme\"");
        }
        if self.tls.mode == TlsMode::Files {
            for (key, path) in [("tls.certificate", &self.tls.certificate), ("tls.key", &self.tls.key)] {
                if path.as_os_str().is_empty() {
                    reader.refuse(key, "\"\"", "a PEM file, because tls.mode is \"files\"");
                }
            }
        }
    }

    /// The list of every key: its default, what it expects, how it is read.
    fn read(from: &mut Reader) -> Self {
        let any_port = SocketAddr::from(([0, 0, 0, 0], 7443));
        let address = "an IP address and a port, such as \"0.0.0.0:7443\" or \"[::]:7443\"";
        let host_list = "a list of IP addresses or host names, such as [\"203.0.113.7\", \"cau.example.vn\"]";
        let domain_list = "a list of domain names, such as [\"cau.example.vn\"]";
        let flag = "true or false";
        let file = "\"\" or a PEM file, such as \"/etc/letsencrypt/live/cau.example.vn/fullchain.pem\"";
        let count = "a whole number from 1 to 1000000";
        Self {
            listen: from.take("listen", address, any_port, |given| given.text()?.parse().ok()),
            public_url: from.take(
                "public_url",
                "\"\" or an http:// or https:// address without a path, such as \"https://cau.example.vn\"",
                String::new(),
                |given| base_url(&given.text()?),
            ),
            announce: from.take("announce", host_list, Vec::new(), |given| {
                let hosts = given.texts()?;
                hosts.iter().all(|host| is_host(host)).then_some(hosts)
            }),
            data_dir: from.take("data_dir", "a folder, such as \"data\"", PathBuf::from("data"), |given| {
                given.text().filter(|path| !path.is_empty()).map(PathBuf::from)
            }),
            trusted_proxies: from.take(
                "trusted_proxies",
                "a list of IP addresses, such as [\"127.0.0.1\"]",
                Vec::new(),
                |given| given.texts()?.iter().map(|ip| ip.parse().ok()).collect(),
            ),
            drain_timeout_s: from
                .take("drain_timeout_s", "a whole number from 1 to 60", 5, |given| given.number(1, 60)),
            log: LogConfig {
                format: from.take("log.format", "\"pretty\" or \"json\"", LogFormat::Pretty, |given| {
                    match given.text()?.as_str() {
                        "pretty" => Some(LogFormat::Pretty),
                        "json" => Some(LogFormat::Json),
                        _ => None,
                    }
                }),
                level: from.take(
                    "log.level",
                    "error, warn, info, debug, trace, or a filter such as \"info,server::media=debug\"",
                    "info".to_owned(),
                    |given| given.text().filter(|filter| is_log_filter(filter)),
                ),
            },
            media: MediaConfig {
                workers: from.take(
                    "media.workers",
                    "a whole number from 0 (one for each core) to 256",
                    0,
                    |given| given.number(0, 256),
                ),
                tick_ms: from.take(
                    "media.tick_ms",
                    "a whole number of milliseconds from 1 to 10",
                    3,
                    |given| given.number(1, 10),
                ),
                peers_max: from.take("media.peers_max", count, 5_000, Given::count),
                connect_timeout_s: from.take(
                    "media.connect_timeout_s",
                    "a whole number of seconds from 5 to 300",
                    30,
                    |given| given.number(5, 300),
                ),
                socket_buffer_kib: from.take(
                    "media.socket_buffer_kib",
                    "a whole number from 64 to 1000000",
                    8_192,
                    |given| given.number(64, 1_000_000),
                ),
                announce_port: from.take("media.announce_port", "0 or a port from 1 to 65535", 0, |given| {
                    given.number(0, 65_535)
                }),
            },
            limits: LimitsConfig {
                peers_per_lesson: from.take("limits.peers_per_lesson", count, 2_000, Given::count),
                pages_per_lesson: from.take("limits.pages_per_lesson", count, 2_000, Given::count),
                peers_per_link: from.take("limits.peers_per_link", count, 1_000, Given::count),
                sockets_per_link: from.take("limits.sockets_per_link", count, 1_000, Given::count),
                connections_per_address: from.take(
                    "limits.connections_per_address",
                    count,
                    2_000,
                    Given::count,
                ),
                waiting_sockets_per_address: from.take(
                    "limits.waiting_sockets_per_address",
                    count,
                    64,
                    Given::count,
                ),
                wrong_tries_per_minute: from.take("limits.wrong_tries_per_minute", count, 20, Given::count),
                pairings_per_minute: from.take("limits.pairings_per_minute", count, 30, Given::count),
                sessions_per_minute: from.take("limits.sessions_per_minute", count, 3_000, Given::count),
            },
            lesson: LessonConfig {
                autostart_on_publish: from.take("lesson.autostart_on_publish", flag, false, Given::boolean),
            },
            notes: NotesConfig {
                delete_after_days: from.take(
                    "notes.delete_after_days",
                    "a whole number of days from 1 to 3650",
                    30,
                    |given| given.number(1, 3_650),
                ),
            },
            segments: SegmentsConfig {
                ffmpeg: from.take(
                    "segments.ffmpeg",
                    "\"\" or a program, such as \"ffmpeg\" or \"/usr/bin/ffmpeg\"",
                    PathBuf::new(),
                    |given| given.text().map(PathBuf::from),
                ),
            },
            tls: TlsConfig {
                mode: from.take(
                    "tls.mode",
                    "\"acme\", \"files\", \"self_signed\" or \"off\"",
                    TlsMode::SelfSigned,
                    |given| match given.text()?.as_str() {
                        "acme" => Some(TlsMode::Acme),
                        "files" => Some(TlsMode::Files),
                        "self_signed" => Some(TlsMode::SelfSigned),
                        "off" => Some(TlsMode::Off),
                        _ => None,
                    },
                ),
                certificate: from
                    .take("tls.certificate", file, PathBuf::new(), |given| given.text().map(PathBuf::from)),
                key: from.take("tls.key", file, PathBuf::new(), |given| given.text().map(PathBuf::from)),
                domains: from.take("tls.domains", domain_list, Vec::new(), |given| {
                    let names = given.texts()?;
                    names.iter().all(|name| is_domain(name)).then_some(names)
                }),
                contact: from.take("tls.contact", "\"\" or a mail address", String::new(), |given| {
                    given.text().filter(|contact| contact.is_empty() || contact.contains('@'))
                }),
                directory: from.take(
                    "tls.directory",
                    "an https:// address",
                    "https://acme-v02.api.letsencrypt.org/directory".to_owned(),
                    |given| given.text().filter(|address| address.starts_with("https://")),
                ),
                directory_root: from.take("tls.directory_root", file, PathBuf::new(), |given| {
                    given.text().map(PathBuf::from)
                }),
                plain_http: from.take("tls.plain_http", flag, false, Given::boolean),
            },
        }
    }
}

/// A base of links: scheme, host, perhaps a port; the slash at its end removed.
fn base_url(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some(String::new());
    }
    let uri: axum::http::Uri = text.parse().ok()?;
    let fits = matches!(uri.scheme_str(), Some("http" | "https"))
        && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
        && uri.path() == "/"
        && uri.query().is_none();
    fits.then(|| text.trim_end_matches('/').to_owned())
}

fn is_domain(text: &str) -> bool {
    is_host(text) && text.parse::<IpAddr>().is_err() && text.contains('.')
}

fn is_host(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
        || (!text.is_empty()
            && text.len() <= 253
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.'))
}

/// `EnvFilter` takes any word for the name of a module and then logs nothing, so each part is checked here.
fn is_log_filter(text: &str) -> bool {
    let is_level = |word: &str| word.parse::<tracing_subscriber::filter::LevelFilter>().is_ok();
    text.split(',').all(|part| match part.split_once('=') {
        Some((target, level)) => !target.trim().is_empty() && is_level(level.trim()),
        None => is_level(part.trim()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &str, environment: &[(&str, &str)], expected: &[&str]) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("nhipcau.toml");
        std::fs::write(&path, file).expect("a writable folder");
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let said =
            Config::load(Some(&path), environment).expect_err("this configuration is wrong").to_string();
        for part in expected {
            assert!(said.contains(part), "{said:?} does not say {part:?}");
        }
    }

    fn with_environment(variables: &[(&str, &str)]) -> Config {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::load(None, variables).expect("a right configuration")
    }

    #[test]
    fn the_example_file_explains_every_key_and_changes_no_default() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/nhipcau.toml");
        let text = std::fs::read_to_string(&path).expect("config/nhipcau.toml");
        let from_file = Config::load(Some(&path), []).expect("config/nhipcau.toml is right");
        assert_eq!(from_file, Config::default());

        let mut reader = Reader::default();
        Config::read(&mut reader);
        let mut section = String::new();
        let mut in_file = Vec::new();
        let mut explained = false;
        for line in text.lines() {
            if line.starts_with('#') {
                explained = true;
            } else if let Some(name) = line.strip_prefix('[') {
                section = format!("{}.", name.trim_end_matches(']'));
            } else if let Some((key, _)) = line.split_once(" = ") {
                assert!(explained, "{key} has no comment above it");
                in_file.push(format!("{section}{key}"));
                explained = false;
            }
        }
        assert_eq!(in_file, reader.known());
    }

    #[test]
    fn an_unknown_key_stops_the_start_and_the_right_one_is_suggested() {
        check("lisen = \"0.0.0.0:1\"", &[], &["unknown key lisen in ", "nhipcau.toml", "perhaps listen"]);
        check("[media]\nworker = 2", &[], &["unknown key media.worker", "perhaps media.workers"]);
        check("[recording]\nfolder = \"x\"", &[], &["unknown key recording.folder", "one of listen, "]);
        check("media = 4", &[], &["unknown key media ", "a section with media.workers, media.tick_ms"]);
        check("", &[("NHIPCAU_LISENT", "x")], &["lisent in the environment variable NHIPCAU_LISENT"]);
    }

    #[test]
    fn a_wrong_value_stops_the_start_with_key_found_and_expected() {
        let wrong: &[(&str, &str, &str)] = &[
            ("listen", "\"7443\"", "an IP address and a port"),
            ("listen", "7443", "an IP address and a port"),
            ("public_url", "\"cau.example.vn\"", "http:// or https://"),
            ("public_url", "\"https://cau.example.vn/day\"", "without a path"),
            ("announce", "\"203.0.113.7\"", "a list of IP addresses or host names"),
            ("announce", "[\"not a host\"]", "a list of IP addresses or host names"),
            ("data_dir", "\"\"", "a folder"),
            ("trusted_proxies", "[\"proxy.local\"]", "a list of IP addresses"),
            ("drain_timeout_s", "0", "from 1 to 60"),
            ("notes.delete_after_days", "0", "from 1 to 3650"),
            ("segments.ffmpeg", "true", "or a program"),
            ("tls.mode", "\"maybe\"", "\"self_signed\" or \"off\""),
            ("tls.certificate", "7", "a PEM file"),
            ("tls.domains", "[\"203.0.113.7\"]", "a list of domain names"),
            ("tls.contact", "\"nobody\"", "a mail address"),
            ("tls.directory", "\"http://insecure.vn\"", "an https:// address"),
            ("tls.directory_root", "1", "a PEM file"),
            ("tls.key", "[]", "a PEM file"),
            ("tls.plain_http", "1", "true or false"),
            ("log.format", "\"xml\"", "\"pretty\" or \"json\""),
            ("log.level", "\"loud\"", "error, warn, info"),
            ("media.workers", "-1", "from 0"),
            ("media.workers", "\"all\"", "from 0"),
            ("media.tick_ms", "11", "from 1 to 10"),
            ("media.peers_max", "0", "from 1 to 1000000"),
            ("media.connect_timeout_s", "4", "from 5 to 300"),
            ("media.socket_buffer_kib", "8", "from 64"),
            ("media.announce_port", "65536", "a port from 1 to 65535"),
            ("limits.peers_per_lesson", "0", "from 1 to 1000000"),
            ("limits.pages_per_lesson", "0", "from 1 to 1000000"),
            ("limits.connections_per_address", "0", "from 1 to 1000000"),
            ("limits.peers_per_link", "1.5", "from 1 to 1000000"),
            ("limits.sockets_per_link", "true", "from 1 to 1000000"),
            ("limits.waiting_sockets_per_address", "[]", "from 1 to 1000000"),
            ("limits.wrong_tries_per_minute", "1000001", "from 1 to 1000000"),
            ("limits.pairings_per_minute", "-5", "from 1 to 1000000"),
            ("limits.sessions_per_minute", "0", "from 1 to 1000000"),
            ("lesson.autostart_on_publish", "\"yes\"", "true or false"),
        ];
        for (key, value, expected) in wrong {
            check(
                &format!("{key} = {value}"),
                &[],
                &[&format!("wrong value for {key} in "), value, expected],
            );
        }
        let mut reader = Reader::default();
        Config::read(&mut reader);
        for key in reader.known() {
            assert!(wrong.iter().any(|(tried, ..)| tried == key), "no wrong value of {key} was tried");
        }
    }

    #[test]
    fn a_mode_that_needs_other_keys_says_which() {
        let expected = ["tls.certificate", "tls.key", "because tls.mode is \"files\""];
        check("[tls]\nmode = \"files\"", &[], &expected);
        check("[tls]\nmode = \"acme\"", &[], &["tls.domains", "at least one domain name"]);
        check("[tls]\nmode = \"files\"\ncertificate = \"c.pem\"", &[], &["wrong value for tls.key"]);
    }

    #[test]
    fn every_fault_is_named_at_once() {
        check(
            "listen = 1\ndata-dir = \"x\"",
            &[("NHIPCAU_LOG__LEVEL", "loud")],
            &["listen", "data-dir", "found loud"],
        );
    }

    #[test]
    fn a_file_that_is_missing_or_not_toml_is_named() {
        check("listen = ", &[], &["nhipcau.toml is not TOML", "line 1"]);
        let missing = Config::load(Some(Path::new("no/such.toml")), []).expect_err("there is no such file");
        assert!(missing.to_string().contains("no/such.toml"), "{missing}");
    }

    #[test]
    fn a_variable_overrides_the_file_whatever_the_type_of_its_key() {
        let config = with_environment(&[
            ("NHIPCAU_LISTEN", "127.0.0.1:0"),
            ("NHIPCAU_ANNOUNCE", "203.0.113.7, cau.example.vn"),
            ("NHIPCAU_TRUSTED_PROXIES", "[\"127.0.0.1\"]"),
            ("NHIPCAU_DATA_DIR", "2026"),
            ("NHIPCAU_PUBLIC_URL", "https://cau.example.vn/"),
            ("NHIPCAU_LOG__FORMAT", "json"),
            ("NHIPCAU_MEDIA__WORKERS", "3"),
            ("NHIPCAU_LESSON__AUTOSTART_ON_PUBLISH", "true"),
            ("NHIPCAU_CONFIG", "named by the command line"),
            ("NHIPCAU_TOKEN", "the simulator's"),
            ("HOME", "not ours"),
        ]);
        assert_eq!(config.listen, SocketAddr::from(([127, 0, 0, 1], 0)));
        assert_eq!(config.announce, ["203.0.113.7", "cau.example.vn"]);
        assert_eq!(config.trusted_proxies, [IpAddr::from([127, 0, 0, 1])]);
        assert_eq!(config.data_dir, PathBuf::from("2026"));
        assert_eq!(config.public_url, "https://cau.example.vn");
        assert_eq!(config.log.format, LogFormat::Json);
        assert_eq!(config.media.workers, 3);
        assert!(config.lesson.autostart_on_publish);
    }
}
