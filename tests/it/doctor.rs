//! `nhipcau doctor` before broken configurations and blocked networks: it names each fault.

use crate::{authority::Authority, rig::Rig};
use anyhow::{Context as _, Result, ensure};
use server::{
    Config,
    doctor::{self, Finding, Outside, Report, Verdict},
};
use std::{
    net::{SocketAddr, TcpListener, UdpSocket},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};
use tokio::{io::copy_bidirectional, net::TcpStream, task::JoinHandle};

/// A configuration file in a folder of its own, as a deployer wrote it.
struct Patient {
    folder: tempfile::TempDir,
    lines: String,
}

impl Patient {
    /// One that is right.
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let free = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let lines = format!("listen = \"{free}\"\ndata_dir = \"{}\"\n", folder.path().join("data").display());
        Ok(Self { folder, lines })
    }

    fn with(mut self, lines: &str) -> Self {
        self.lines.push_str(lines);
        self.lines.push('\n');
        self
    }

    /// Replaces the address to listen on.
    fn listening_on(mut self, listen: SocketAddr) -> Self {
        let rest = self.lines.split_once('\n').map(|(_, rest)| rest.to_owned()).unwrap_or_default();
        self.lines = format!("listen = \"{listen}\"\n{rest}");
        self
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    async fn examine(&self) -> Result<Report> {
        self.examine_at(SystemTime::now()).await
    }

    async fn examine_at(&self, now: SystemTime) -> Result<Report> {
        let file = self.path().join("nhipcau.toml");
        std::fs::write(&file, &self.lines)?;
        Ok(doctor::inside(Config::load(Some(&file), []), now).await)
    }
}

/// Lines that name the certificate and key in the patient's folder.
fn files(patient: &Patient) -> String {
    let folder = patient.path().display();
    format!(
        "[tls]\nmode = \"files\"\ncertificate = \"{folder}/fullchain.pem\"\nkey = \"{folder}/privkey.pem\""
    )
}

fn faults(report: &Report) -> Vec<&Finding> {
    report.findings.iter().filter(|finding| finding.verdict == Verdict::Fault).collect()
}

/// The report holds exactly one fault, of this check, which says this and what to do.
fn names(report: &Report, check: &str, words: &str) -> Result<()> {
    let found = faults(report);
    let [fault] = found.as_slice() else { anyhow::bail!("expected one fault, {check}: {report}") };
    ensure!(fault.check == check && fault.en.contains(words), "expected {check}, {words:?}: {report}");
    ensure!(!fault.fix_vi.is_empty() && !fault.fix_en.is_empty() && !report.is_good(), "{report}");
    Ok(())
}

#[tokio::test]
async fn a_right_configuration_has_no_fault() -> Result<()> {
    let report = Patient::new()?.examine().await?;
    ensure!(report.is_good(), "{report}");
    for check in
        ["config", "data_dir", "disk", "clock", "files", "port_tcp", "port_udp", "announce", "certificate"]
    {
        ensure!(
            report.findings.iter().any(|finding| finding.check == check),
            "{check} was not looked at: {report}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_word_that_is_no_key_or_no_value_is_named() -> Result<()> {
    names(&Patient::new()?.with("lisen = \"0.0.0.0:443\"").examine().await?, "config", "lisen")?;
    names(&Patient::new()?.with("[media]\ntick_ms = 400").examine().await?, "config", "media.tick_ms")
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_is_named() -> Result<()> {
    let patient = Patient::new()?;
    std::fs::write(patient.path().join("data"), "a file where the folder should be")?;
    names(&patient.examine().await?, "data_dir", "cannot be written")
}

#[tokio::test]
async fn a_damaged_database_is_named() -> Result<()> {
    let patient = Patient::new()?;
    std::fs::create_dir(patient.path().join("data"))?;
    std::fs::write(patient.path().join("data/nhipcau.db"), vec![7; 8_192])?;
    names(&patient.examine().await?, "database", "damaged")
}

#[tokio::test]
async fn a_clock_of_a_dead_battery_is_named() -> Result<()> {
    let report = Patient::new()?.examine_at(SystemTime::UNIX_EPOCH + Duration::from_hours(24)).await?;
    names(&report, "clock", "long past")
}

#[tokio::test]
async fn a_port_that_another_program_holds_is_named() -> Result<()> {
    let tcp = TcpListener::bind(("127.0.0.1", 0))?;
    let report = Patient::new()?.listening_on(tcp.local_addr()?).examine().await?;
    names(&report, "port_tcp", "cannot be listened on")?;
    let udp = UdpSocket::bind(("127.0.0.1", 0))?;
    let report = Patient::new()?.listening_on(udp.local_addr()?).examine().await?;
    names(&report, "port_udp", "cannot be listened on")
}

#[tokio::test]
async fn a_running_server_holds_its_own_port() -> Result<()> {
    let rig = Rig::start().await?;
    let report = Patient::new()?.listening_on(rig.addr()).examine().await?;
    ensure!(report.is_good(), "{report}");
    let running = |finding: &&Finding| finding.en.contains("is running and answers");
    ensure!(report.findings.iter().filter(running).count() == 2, "{report}");
    Ok(())
}

#[tokio::test]
async fn an_address_of_another_machine_is_named() -> Result<()> {
    let report = Patient::new()?.listening_on("192.0.2.1:7443".parse()?).examine().await?;
    let found = faults(&report);
    ensure!(found.iter().all(|fault| fault.fix_en.contains("no address of this machine")), "{report}");
    ensure!(found.iter().map(|fault| fault.check).eq(["port_tcp", "port_udp"]), "{report}");
    Ok(())
}

#[tokio::test]
async fn names_and_addresses_that_lead_elsewhere_are_named() -> Result<()> {
    let report = Patient::new()?.with("announce = [\"may-chu.invalid\"]").examine().await?;
    names(&report, "announce", "may-chu.invalid")?;
    let report = Patient::new()?.with("public_url = \"https://cau.invalid\"").examine().await?;
    names(&report, "public_url", "cau.invalid")?;
    let report = Patient::new()?.with("public_url = \"https://198.51.100.7\"").examine().await?;
    names(&report, "announce", "NAT")?;
    ensure!(faults(&report)[0].fix_en.contains("announce = [\"198.51.100.7\"]"), "{report}");
    Ok(())
}

#[tokio::test]
async fn certificates_that_are_missing_mixed_up_over_or_for_another_name_are_named() -> Result<()> {
    let authority = Authority::new()?;
    let patient = Patient::new()?;
    let lines = files(&patient);
    names(&patient.with(&lines).examine().await?, "certificate", "cannot read")?;

    let patient = Patient::new()?;
    authority.issue(patient.path(), "localhost")?;
    std::fs::write(patient.path().join("privkey.pem"), rcgen::KeyPair::generate()?.serialize_pem())?;
    let lines = files(&patient);
    names(&patient.with(&lines).examine().await?, "certificate", "do not fit")?;

    let patient = Patient::new()?.with("public_url = \"https://localhost\"");
    authority.issue_chain(patient.path(), "localhost", (2019, 2020))?;
    let lines = files(&patient);
    let patient = patient.with(&lines);
    names(&patient.examine().await?, "certificate", "expired")?;

    let patient = Patient::new()?.with("public_url = \"https://localhost\"");
    authority.issue_chain(patient.path(), "cau.truong.vn", (2019, 2049))?;
    let lines = files(&patient);
    names(&patient.with(&lines).examine().await?, "certificate", "is for cau.truong.vn, not for localhost")?;

    // What certbot calls cert.pem.
    let patient = Patient::new()?.with("public_url = \"https://localhost\"");
    authority.issue(patient.path(), "localhost")?;
    let lines = files(&patient);
    names(&patient.with(&lines).examine().await?, "certificate", "lacks the certificates between")
}

#[tokio::test]
async fn a_server_that_would_serve_nobody_is_named() -> Result<()> {
    let free = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
    let everywhere = SocketAddr::from(([0, 0, 0, 0], free.port()));
    let report = Patient::new()?.listening_on(everywhere).with("[tls]\nmode = \"off\"").examine().await?;
    names(&report, "certificate", "no other machine is served")
}

#[tokio::test]
async fn an_authority_that_cannot_be_reached_is_named() -> Result<()> {
    let nobody = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
    let lines = format!(
        "[tls]\nmode = \"acme\"\ndomains = [\"a.localhost\"]\ndirectory = \"https://{nobody}/directory\""
    );
    let report = Patient::new()?.with(&lines).examine().await?;
    ensure!(faults(&report).iter().any(|fault| fault.check == "acme_directory"), "{report}");
    Ok(())
}

#[tokio::test]
async fn an_ffmpeg_that_is_not_there_or_is_something_else_is_named() -> Result<()> {
    let report = Patient::new()?.with("[segments]\nffmpeg = \"/usr/bin/fmpeg\"").examine().await?;
    names(&report, "ffmpeg", "cannot be run")?;
    let report = Patient::new()?.with("[segments]\nffmpeg = \"/bin/true\"").examine().await?;
    names(&report, "ffmpeg", "no AAC encoder")
}

/// Lets TCP connections through to a server, as a firewall does; `only_tls`: those alone that begin like TLS.
async fn firewall(server: SocketAddr, only_tls: bool) -> Result<(SocketAddr, JoinHandle<()>)> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let task = tokio::spawn(async move {
        while let Ok((mut inner, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut first = [0];
                let is_tls = inner.peek(&mut first).await.is_ok_and(|_| first[0] == 22);
                if (is_tls || !only_tls)
                    && let Ok(mut outer) = TcpStream::connect(server).await
                {
                    let _ = copy_bidirectional(&mut inner, &mut outer).await;
                }
            });
        }
    });
    Ok((address, task))
}

async fn from_outside(rig: &Rig, server: SocketAddr, trusting: bool) -> Result<Report> {
    let root = trusting.then(|| rig.folder.path().join("data/tls/authority.pem"));
    from_outside_with(root, server).await
}

async fn from_outside_with(root: Option<PathBuf>, server: SocketAddr) -> Result<Report> {
    let url = format!("https://{server}");
    let asked = Outside { url, media_port: None, root, patience: Duration::from_secs(2) };
    doctor::outside(&asked, SystemTime::now).await
}

fn path(report: &Report) -> Result<&str> {
    let found = report.findings.iter().find(|finding| finding.check == "path");
    Ok(&found.with_context(|| report.to_string())?.en)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_machine_finds_which_ways_are_open_and_which_the_firewall_closes() -> Result<()> {
    let rig = Rig::start().await?;
    let report = from_outside(&rig, rig.addr(), true).await?;
    ensure!(report.is_good() && path(&report)?.contains("WebRTC over UDP"), "{report}");
    for check in ["connection", "server", "clock", "websocket", "udp", "ice_tcp"] {
        let good = |finding: &Finding| finding.check == check && finding.verdict == Verdict::Good;
        ensure!(report.findings.iter().any(good), "{check}: {report}");
    }

    let (no_udp, _keep) = firewall(rig.addr(), false).await?;
    let report = from_outside(&rig, no_udp, true).await?;
    names(&report, "udp", "is blocked")?;
    ensure!(path(&report)?.contains("WebRTC over TCP"), "{report}");

    let (only_tls, _keep) = firewall(rig.addr(), true).await?;
    let report = from_outside(&rig, only_tls, true).await?;
    ensure!(path(&report)?.contains("segments"), "{report}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_machine_finds_a_certificate_it_does_not_trust_and_a_server_that_is_not_there() -> Result<()>
{
    let rig = Rig::start().await?;
    names(&from_outside(&rig, rig.addr(), false).await?, "certificate", "does not trust")?;
    let nobody = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
    let report = from_outside(&rig, nobody, true).await?;
    ensure!(faults(&report).iter().any(|fault| fault.check == "connection"), "{report}");
    ensure!(path(&report)?.contains("cannot open its page"), "{report}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_root_that_the_servers_page_gives_is_one_the_second_machine_can_be_told() -> Result<()> {
    let rig = Rig::start().await?;
    let given = reqwest::get(format!("http://{}/chung-chi.crt", rig.addr())).await?.bytes().await?;
    let file = rig.folder.path().join("chung-chi.crt");
    std::fs::write(&file, given)?;
    let report = from_outside_with(Some(file.clone()), rig.addr()).await?;
    ensure!(report.is_good(), "{report}");
    std::fs::write(&file, "<html>")?;
    let refused = from_outside_with(Some(file), rig.addr()).await.err().context("that is no certificate")?;
    ensure!(format!("{refused:#}").contains("no certificate"), "{refused:#}");
    Ok(())
}
