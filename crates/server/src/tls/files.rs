//! A certificate that another program keeps in two files.

use super::certificates::Certificate;
use anyhow::Context as _;
use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// What tells a file from the one that was there before; links are followed, as certbot renews by turning one.
type Stamp = (SystemTime, u64);

/// Reads the files and notices when they change.
pub(crate) struct Files {
    certificate: PathBuf,
    key: PathBuf,
    /// As they were when they were last read, whether they could be used or not.
    seen: Option<[Stamp; 2]>,
}

impl Files {
    pub(crate) fn new(certificate: &Path, key: &Path) -> Self {
        Self { certificate: certificate.to_owned(), key: key.to_owned(), seen: None }
    }

    /// The certificate, when the files have changed since the last look.
    ///
    /// # Errors
    /// When they cannot be read or do not fit; they are read again at their next change.
    pub(crate) fn look(&mut self) -> anyhow::Result<Option<Certificate>> {
        let now = [stamp(&self.certificate)?, stamp(&self.key)?];
        if self.seen == Some(now) {
            return Ok(None);
        }
        // Written one after the other: a pair that does not fit yet will be looked at again when the second file changes.
        self.seen = Some(now);
        let chain = read(&self.certificate)?;
        let key = read(&self.key)?;
        let both = || format!("{} and {}", self.certificate.display(), self.key.display());
        Certificate::from_pem(&chain, &key).with_context(both).map(Some)
    }
}

fn stamp(path: &Path) -> anyhow::Result<Stamp> {
    let meta = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok((meta.modified().unwrap_or(SystemTime::UNIX_EPOCH), meta.len()))
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};

    fn write(folder: &Path, name: &str) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        let certificate = params.self_signed(&key).expect("a certificate");
        let pair = (certificate.pem(), key.serialize_pem());
        fs::write(folder.join("cert.pem"), &pair.0).expect("written");
        fs::write(folder.join("key.pem"), &pair.1).expect("written");
        pair
    }

    #[test]
    fn a_renewed_pair_is_noticed_and_half_of_one_is_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        write(folder.path(), "old.example.vn");
        let mut files = Files::new(&path("cert.pem"), &path("key.pem"));
        let names =
            |found: anyhow::Result<Option<Certificate>>| found.expect("usable").map(|found| found.names);
        assert_eq!(names(files.look()), Some(vec!["old.example.vn".to_owned()]));
        assert_eq!(names(files.look()), None, "nothing has changed");
        let old_key = fs::read(path("key.pem")).expect("there");
        write(folder.path(), "a-longer-name.example.vn");
        let new_key = fs::read(path("key.pem")).expect("there");
        fs::write(path("key.pem"), [old_key, b"\n".to_vec()].concat()).expect("written");
        assert!(files.look().is_err(), "a certificate with the key of another");
        fs::write(path("key.pem"), [new_key, b"\n\n".to_vec()].concat()).expect("written");
        assert_eq!(names(files.look()), Some(vec!["a-longer-name.example.vn".to_owned()]));
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_with_its_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let mut files = Files::new(&path("cert.pem"), &path("key.pem"));
        let says = |files: &mut Files, words: &str| {
            let said = format!("{:#}", files.look().expect_err("unusable"));
            assert!(said.contains(words) && said.contains(".pem"), "{said}");
        };
        says(&mut files, "cannot read");
        let (certificate, _) = write(folder.path(), "school.vn");
        fs::write(path("key.pem"), "no key").expect("written");
        says(&mut files, "private key is no PEM");
        fs::write(path("cert.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
            .expect("written");
        fs::write(path("key.pem"), KeyPair::generate().expect("a key").serialize_pem()).expect("written");
        says(&mut files, "no X.509");
        fs::write(path("cert.pem"), certificate).expect("written");
        says(&mut files, "do not fit");
        fs::write(path("cert.pem"), "nothing").expect("written");
        says(&mut files, "there is no certificate in it");
    }
}
