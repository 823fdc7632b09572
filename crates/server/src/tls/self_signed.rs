//! A certificate for a school's own network: no name on the internet, no authority that would sign for it.
//!
//! An authority of the server's own signs it and stays the same for years. A technician may install the authority on the school's
//! devices once (the page `/chung-chi`); where nobody does, browsers show a warning that one has to pass. When the machine gets another
//! address, a new certificate is signed and the authority stays.

use super::certificates::Certificate;
use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
};
use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};
use time::OffsetDateTime;

/// The authority's certificate, for those who want to trust it.
pub(super) const AUTHORITY: &str = "authority.pem";
const AUTHORITY_KEY: &str = "authority-key.pem";
/// The configured names the authority may sign for, one a line.
const AUTHORITY_NAMES: &str = "authority-names.txt";
/// The certificate in use with its chain, and its key. Kept, because browsers remember which one a person let pass.
const SERVER: &str = "server.pem";
const SERVER_KEY: &str = "server-key.pem";
/// Apple's devices take no certificate of a private authority that is valid for more than 825 days.
const LEAF_LIFE: Duration = Duration::from_hours(24 * 800);
const AUTHORITY_LIFE: Duration = Duration::from_hours(24 * 365 * 10);
/// A new one is made this long before the end.
const RENEW_BEFORE: Duration = Duration::from_hours(24 * 30);
/// Clocks of classroom computers are wrong by up to a day now and then.
const VALID_SINCE: Duration = Duration::from_hours(24 * 2);

/// Makes certificates for what this machine is called.
pub(crate) struct SelfSigned {
    issuer: Issuer<'static, KeyPair>,
    authority: String,
    names: Vec<String>,
    current: Option<(BTreeSet<String>, SystemTime)>,
    folder: PathBuf,
}

impl SelfSigned {
    /// Opens the authority kept in `folder`, or makes one. `names`: host names and addresses besides those of the interfaces.
    ///
    /// # Errors
    /// When the folder cannot be written or what is in it cannot be read.
    pub(crate) fn open(folder: &Path, names: Vec<String>) -> anyhow::Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let (file, key_file) = (folder.join(AUTHORITY), folder.join(AUTHORITY_KEY));
        let wanted = names.join("\n");
        let made_for = folder.join(AUTHORITY_NAMES);
        let fits = fs::read_to_string(&made_for).is_ok_and(|known| {
            let known: BTreeSet<&str> = known.lines().collect();
            names.iter().all(|name| known.contains(name.as_str()))
        });
        if !fits || !file.exists() || !key_file.exists() {
            let (authority, key) = make_authority(&names)?;
            write_private(&key_file, &key)?;
            for (path, text) in [(&file, &authority), (&made_for, &wanted)] {
                fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
            }
        }
        let read =
            |path: &Path| fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
        let (authority, key) = (read(&file)?, read(&key_file)?);
        let broken = || {
            format!(
                "{} is damaged; delete the folder {} to make a new authority",
                file.display(),
                folder.display()
            )
        };
        let key = KeyPair::from_pem(&key).with_context(broken)?;
        let issuer = Issuer::from_ca_cert_pem(&authority, key).with_context(broken)?;
        Ok(Self { issuer, authority, names, current: None, folder: folder.to_owned() })
    }

    /// A certificate, at the first look and whenever this machine has an address that the last one is not for, or that one ends soon.
    ///
    /// # Errors
    /// When a name cannot be in a certificate, or it cannot be written.
    pub(crate) fn look(&mut self) -> anyhow::Result<Option<Certificate>> {
        let now = SystemTime::now();
        let interfaces: Vec<IpAddr> =
            if_addrs::get_if_addrs().unwrap_or_default().iter().map(if_addrs::Interface::ip).collect();
        // IPv6 addresses of a machine come and go by the day; a new certificate each time would be a new warning on every TV.
        let needed = self.names_with(interfaces.iter().filter(|address| address.is_ipv4()));
        let serves = |names: &BTreeSet<String>, ends| needed.is_subset(names) && now + RENEW_BEFORE < ends;
        if let Some((names, ends)) = &self.current
            && serves(names, *ends)
        {
            return Ok(None);
        }
        let kept = self.kept().filter(|kept| serves(&kept.names.iter().cloned().collect(), kept.ends));
        let certificate = match kept {
            Some(kept) => kept,
            None => self.sign(&self.names_with(interfaces.iter()), now)?,
        };
        self.current = Some((certificate.names.iter().cloned().collect(), certificate.ends));
        Ok(Some(certificate))
    }

    /// The certificate of the last run. One that cannot be read is replaced.
    fn kept(&self) -> Option<Certificate> {
        let read = |name| fs::read(self.folder.join(name)).ok();
        Certificate::from_pem(&read(SERVER)?, &read(SERVER_KEY)?).ok()
    }

    fn names_with<'a>(&self, addresses: impl Iterator<Item = &'a IpAddr>) -> BTreeSet<String> {
        // A public address belongs to a name and a certificate of the internet, unless the configuration names it.
        let addresses = addresses.filter(|address| is_private(address)).map(IpAddr::to_string);
        let host = host_name();
        let hosts = [format!("{host}.local"), host]
            .into_iter()
            .filter(|host| !host.starts_with('.') && !host.is_empty());
        ["localhost".to_owned()]
            .into_iter()
            .chain(addresses)
            .chain(hosts)
            .chain(self.names.iter().cloned())
            .collect()
    }

    /// Signs a certificate and keeps it.
    fn sign(&self, names: &BTreeSet<String>, now: SystemTime) -> anyhow::Result<Certificate> {
        let names: Vec<_> = names.iter().cloned().collect();
        let mut params = CertificateParams::new(names).context("a name that no certificate can hold")?;
        params.distinguished_name.push(DnType::CommonName, "Nhip Cau");
        params.not_before = OffsetDateTime::from(now - VALID_SINCE);
        params.not_after = OffsetDateTime::from(now + LEAF_LIFE);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().context("cannot make a key")?;
        let leaf = params.signed_by(&key, &self.issuer).context("cannot sign a certificate")?;
        let (chain, key) = (format!("{}{}", leaf.pem(), self.authority), key.serialize_pem());
        let file = self.folder.join(SERVER);
        write_private(&self.folder.join(SERVER_KEY), &key)?;
        fs::write(&file, &chain).with_context(|| format!("cannot write {}", file.display()))?;
        Certificate::from_pem(chain.as_bytes(), key.as_bytes()).with_context(|| file.display().to_string())
    }
}

/// Networks that are never on the internet.
const PRIVATE: [(IpAddr, u8); 8] = [
    (IpAddr::V4(Ipv4Addr::new(10, 0, 0, 0)), 8),
    (IpAddr::V4(Ipv4Addr::new(172, 16, 0, 0)), 12),
    (IpAddr::V4(Ipv4Addr::new(192, 168, 0, 0)), 16),
    (IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8),
    (IpAddr::V4(Ipv4Addr::new(169, 254, 0, 0)), 16),
    (IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
    (IpAddr::V6(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0)), 7),
    (IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)), 10),
];

/// Whether an address is of a private network, or of this machine.
pub(crate) fn is_private(address: &IpAddr) -> bool {
    PRIVATE.iter().any(|(network, length)| match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            (network.to_bits() ^ address.to_bits()).leading_zeros() >= u32::from(*length)
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            (network.to_bits() ^ address.to_bits()).leading_zeros() >= u32::from(*length)
        }
        _ => false,
    })
}

/// What the authority may sign for: this machine's own network and the names it was told. Whoever installs it on a school's devices
/// gives a thief of its key no power over any other name (RFC 5280 section 4.2.1.10).
fn constraints(names: &[String]) -> NameConstraints {
    let private = PRIVATE.iter().map(|(network, length)| CidrSubnet::from_addr_prefix(*network, *length));
    let configured = names.iter().map(|name| match name.parse::<IpAddr>() {
        Ok(address) => GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(
            address,
            if address.is_ipv4() { 32 } else { 128 },
        )),
        Err(_) => GeneralSubtree::DnsName(name.clone()),
    });
    let local = ["localhost".to_owned(), "local".to_owned(), host_name()];
    let local = local.into_iter().filter(|name| !name.is_empty()).map(GeneralSubtree::DnsName);
    NameConstraints {
        permitted_subtrees: private.map(GeneralSubtree::IpAddress).chain(local).chain(configured).collect(),
        excluded_subtrees: Vec::new(),
    }
}

/// This machine's name; empty when it has none.
fn host_name() -> String {
    fs::read_to_string("/etc/hostname").unwrap_or_default().trim().to_lowercase()
}

/// A new authority for these names: its certificate and its key, PEM.
fn make_authority(names: &[String]) -> anyhow::Result<(String, String)> {
    let now = SystemTime::now();
    let mut params = CertificateParams::new(Vec::new()).context("an authority has no names")?;
    let key = KeyPair::generate().context("cannot make a key")?;
    // Two servers' authorities must not be taken for one another.
    let print = data_encoding::HEXUPPER.encode(params.key_identifier(&key).get(..4).unwrap_or_default());
    params.distinguished_name.push(DnType::CommonName, format!("Nhip Cau {print}"));
    params.distinguished_name.push(DnType::OrganizationName, "Nhip Cau");
    params.not_before = OffsetDateTime::from(now - VALID_SINCE);
    params.not_after = OffsetDateTime::from(now + AUTHORITY_LIFE);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.name_constraints = Some(constraints(names));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority = params.self_signed(&key).context("cannot sign an authority")?;
    Ok((authority.pem(), key.serialize_pem()))
}

/// Writes a file that only this user may read.
pub(super) fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let say = || format!("cannot write {}", path.display());
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(say)?;
    file.write_all(text.as_bytes()).with_context(say)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_stays_over_restarts_and_certificates_are_for_every_address_of_the_machine() {
        let folder = tempfile::tempdir().expect("a folder");
        let names = vec!["cau.truong.vn".to_owned(), "203.0.113.7".to_owned()];
        let mut first = SelfSigned::open(folder.path(), names.clone()).expect("opened");
        let certificate = first.look().expect("signed").expect("there was none before");
        for name in ["localhost", "127.0.0.1", "cau.truong.vn", "203.0.113.7"] {
            assert!(
                certificate.names.iter().any(|known| known == name),
                "{name} is not in {:?}",
                certificate.names
            );
        }
        assert!(first.look().expect("looked").is_none(), "nothing has changed");
        let mut again = SelfSigned::open(folder.path(), names).expect("opened again");
        assert_eq!(again.authority, first.authority);
        let kept = again.look().expect("read").expect("the first look");
        assert_eq!(kept.ends, certificate.ends, "a TV that let it pass once need not do so again");
        let mut moved =
            SelfSigned::open(folder.path(), vec!["cau-moi.truong.vn".to_owned()]).expect("opened");
        let renamed = moved.look().expect("signed").expect("the first look");
        assert!(renamed.names.iter().any(|name| name == "cau-moi.truong.vn"), "{:?}", renamed.names);
        let mode = |name: &str| {
            use std::os::unix::fs::PermissionsExt as _;
            fs::metadata(folder.path().join(name)).expect("there").permissions().mode() & 0o777
        };
        assert_eq!(mode(AUTHORITY_KEY), 0o600, "nobody else reads the key");
    }

    #[test]
    fn the_authority_signs_for_the_schools_own_network_only() {
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        for own in ["10.1.2.3", "172.31.0.1", "192.168.1.10", "127.0.0.1", "::1", "fd12::1", "fe80::1"] {
            assert!(is_private(&ip(own)), "{own}");
        }
        for foreign in ["8.8.8.8", "172.32.0.1", "193.168.0.1", "2001:db8::1", "::2"] {
            assert!(!is_private(&ip(foreign)), "{foreign}");
        }
    }

    #[test]
    fn a_damaged_authority_is_named_with_what_to_do() {
        let folder = tempfile::tempdir().expect("a folder");
        drop(SelfSigned::open(folder.path(), Vec::new()).expect("opened"));
        fs::write(folder.path().join(AUTHORITY_KEY), "rubbish").expect("written");
        let said = format!("{:#}", SelfSigned::open(folder.path(), Vec::new()).err().expect("refused"));
        assert!(said.contains("damaged") && said.contains("delete the folder"), "{said}");
    }
}
