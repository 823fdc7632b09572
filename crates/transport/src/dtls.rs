//! DTLS.
use crate::Identity;
pub(crate) struct DtlsConfigs;
impl DtlsConfigs {
    pub(crate) fn new(_identity: &Identity) -> Result<Self, String> {
        Ok(Self)
    }
}
