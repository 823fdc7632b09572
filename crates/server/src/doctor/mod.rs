//! `nhipcau doctor`: looks for what keeps lessons from their classrooms, and says what to do about it.
//!
//! [`inside`] examines the machine the server is to run on, whether it runs or not, and changes nothing. [`outside`] is asked on another
//! machine and tries every way a classroom would take.

mod certificate;
mod cli;
mod client;
mod machine;
mod network;
mod outside;
mod reach;

pub(crate) use cli::{Arguments, run};
pub use outside::{Outside, outside};

use crate::config::{Config, ConfigErrors};
use serde::Serialize;
use std::{fmt, time::SystemTime};

/// How a finding is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Lessons work; something is worse than it could be, or will break later.
    Warning,
    /// Keeps somebody from a lesson.
    Fault,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable name of what was looked at, such as `port_tcp`.
    pub check: &'static str,
    /// How it is to be taken.
    pub verdict: Verdict,
    /// What was found, in both languages.
    pub vi: String,
    /// See `vi`.
    pub en: String,
    /// What to do about it; empty when there is nothing to do.
    pub fix_vi: String,
    /// See `fix_vi`.
    pub fix_en: String,
}

impl Finding {
    fn new(check: &'static str, verdict: Verdict, vi: impl Into<String>, en: impl Into<String>) -> Self {
        let (vi, en) = (vi.into(), en.into());
        Self { check, verdict, vi, en, fix_vi: String::new(), fix_en: String::new() }
    }

    fn good(check: &'static str, vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(check, Verdict::Good, vi, en)
    }

    fn warning(check: &'static str, vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(check, Verdict::Warning, vi, en)
    }

    fn fault(check: &'static str, vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(check, Verdict::Fault, vi, en)
    }

    fn fix(mut self, vi: impl Into<String>, en: impl Into<String>) -> Self {
        (self.fix_vi, self.fix_en) = (vi.into(), en.into());
        self
    }
}

/// Everything that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// In the order it was looked at.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether no lesson is kept from anybody.
    pub fn is_good(&self) -> bool {
        self.findings.iter().all(|finding| finding.verdict != Verdict::Fault)
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == verdict).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            let word = match finding.verdict {
                Verdict::Good => "✓ TỐT · GOOD    ",
                Verdict::Warning => "! CHÚ Ý · WARNING",
                Verdict::Fault => "✗ LỖI · FAULT   ",
            };
            writeln!(f, "{word}  {}\n                   {}", finding.vi, finding.en)?;
            if !finding.fix_vi.is_empty() {
                writeln!(
                    f,
                    "                   → {}\n                   → {}",
                    finding.fix_vi, finding.fix_en
                )?;
            }
        }
        let (faults, warnings) = (self.count(Verdict::Fault), self.count(Verdict::Warning));
        writeln!(f, "\n{faults} lỗi, {warnings} điều cần chú ý · {faults} faults, {warnings} warnings")
    }
}

/// Examines this machine for a configuration, right or wrong, at a time.
pub async fn inside(config: Result<Config, ConfigErrors>, now: SystemTime) -> Report {
    let config = match config {
        Ok(config) => config,
        Err(errors) => {
            let findings = errors.0.iter().map(|error| {
                Finding::fault("config", "Cấu hình có chỗ sai:", error.to_string()).fix(
                    "Sửa chỗ đó trong tệp cấu hình hay biến môi trường; config/nhipcau.toml giải thích từng khóa.",
                    "Correct it in the file or the environment variable; config/nhipcau.toml explains every key.",
                )
            });
            return Report { findings: findings.collect() };
        }
    };
    let mut findings = vec![Finding::good("config", "Cấu hình đọc được.", "The configuration can be read.")];
    findings.extend(machine::storage(&config).await);
    findings.push(machine::clock(now).await);
    findings.extend(machine::kernel(&config));
    findings.extend(network::ports(&config).await);
    findings.extend(network::addresses(&config).await);
    findings.extend(certificate::examine(&config, now).await);
    findings.extend(machine::ffmpeg(&config).await);
    Report { findings }
}
