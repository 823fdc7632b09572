//! A certificate fetched by the server itself, from a small certificate authority of these tests.

use crate::{
    acme_double::AcmeDouble,
    authority::{get, open},
    rig::{PATIENCE, Rig},
};
use anyhow::{Result, ensure};
use server::{Config, config::TlsMode};
use std::{net::SocketAddr, path::PathBuf, time::Duration};
use tokio::time::{Instant, sleep};

const DOMAIN: &str = "cau.truong.vn";

/// What a deployer writes into the configuration, besides the address of the authority of a test.
fn acme(directory: String, directory_root: PathBuf) -> impl FnOnce(&mut Config) {
    move |config| {
        config.tls.mode = TlsMode::Acme;
        config.tls.domains = vec![DOMAIN.to_owned()];
        config.tls.directory = directory;
        config.tls.directory_root = directory_root;
    }
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) -> Result<()> {
    let end = Instant::now() + 2 * PATIENCE;
    while !is_so().await {
        ensure!(Instant::now() < end, "in vain: {what}");
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_a_domain_gets_its_certificate_over_the_one_port_and_keeps_it() -> Result<()> {
    let ca = AcmeDouble::start((2020, 2049)).await?;
    let folder = tempfile::tempdir()?;
    let root = folder.path().join("root.pem");
    std::fs::write(&root, ca.root())?;
    let rig = Rig::start_with(acme(ca.directory(), root.clone())).await?;
    let own = std::fs::read_to_string(rig.folder.path().join("data/tls/authority.pem"))?;
    ensure!(open(&rig, &own, "127.0.0.1").await.is_ok(), "until then its own certificate stands in");
    ca.domains_lead_to(rig.addr());
    until("a certificate for the domain", async || open(&rig, ca.root(), DOMAIN).await.is_ok()).await?;
    let page = get(&mut open(&rig, ca.root(), DOMAIN).await?, DOMAIN, "/diem-cau").await?;
    ensure!(page.starts_with("HTTP/1.1 200"), "{page}");

    // The same server after an upgrade, the authority away.
    let directory = ca.directory();
    let trusted = ca.root().to_owned();
    drop(ca);
    let rig = rig.restart_with(acme(directory, root)).await?;
    open(&rig, &trusted, DOMAIN).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_past_two_thirds_of_its_life_is_renewed_with_the_same_account() -> Result<()> {
    let this_year = 1970 + std::time::UNIX_EPOCH.elapsed()?.as_secs() / 31_556_952;
    let this_year = i32::try_from(this_year)?;
    let ca = AcmeDouble::start((this_year - 20, this_year + 2)).await?;
    let folder = tempfile::tempdir()?;
    let root = folder.path().join("root.pem");
    std::fs::write(&root, ca.root())?;
    let rig = Rig::start_with(acme(ca.directory(), root.clone())).await?;
    ca.domains_lead_to(rig.addr());
    until("a certificate for the domain", async || open(&rig, ca.root(), DOMAIN).await.is_ok()).await?;
    ca.domains_lead_to(None);
    let rig = rig.restart_with(acme(ca.directory(), root)).await?;
    ca.domains_lead_to(rig.addr());
    open(&rig, ca.root(), DOMAIN).await?;
    until("a second certificate", async || ca.orders() == ["valid", "valid"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_that_leads_elsewhere_gets_none_and_the_schools_pages_stay_open() -> Result<()> {
    let ca = AcmeDouble::start((2020, 2049)).await?;
    let folder = tempfile::tempdir()?;
    let root = folder.path().join("root.pem");
    std::fs::write(&root, ca.root())?;
    let elsewhere = Rig::start().await?;
    let rig = Rig::start_with(acme(ca.directory(), root)).await?;
    let elsewhere: SocketAddr = elsewhere.addr();
    ca.domains_lead_to(elsewhere);
    until("the authority's no", async || ca.orders() == ["invalid"]).await?;
    ensure!(open(&rig, ca.root(), DOMAIN).await.is_err(), "nobody may vouch for it");
    let own = std::fs::read_to_string(rig.folder.path().join("data/tls/authority.pem"))?;
    let page = get(&mut open(&rig, &own, "127.0.0.1").await?, "127.0.0.1", "/diem-cau").await?;
    ensure!(page.starts_with("HTTP/1.1 200"), "{page}");
    Ok(())
}
