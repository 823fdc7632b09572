//! Reads keys from a TOML file and the environment, and says what is wrong with them.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};
use toml::Value;

/// Variables that are no keys: which file to read, and what the simulator, the page builder and the browser tests
/// take from the same environment.
const NOT_KEYS: [&str; 5] = ["CONFIG", "TOKEN", "ORGANISER", "SERVER", "PROFILE"];

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A configuration file.
    File(PathBuf),
    /// An environment variable, by its name.
    Environment(String),
    /// Several keys together.
    Combination,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "in {}", path.display()),
            Self::Environment(name) => write!(f, "in the environment variable {name}"),
            Self::Combination => f.write_str("beside the other keys"),
        }
    }
}

/// One thing wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("configuration file {}: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        why: String,
    },
    /// The file is not TOML.
    #[error("configuration file {} is not TOML: {why}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, column and what stands there.
        why: String,
    },
    /// No such key.
    #[error("unknown key {key} {source_of}; expected {expected}")]
    Unknown {
        /// The key as written, sections joined by dots.
        key: String,
        /// Where it was found.
        source_of: Source,
        /// The key that was probably meant, or all there are.
        expected: String,
    },
    /// A value the key cannot hold.
    #[error("wrong value for {key} {source_of}: found {found}, expected {expected}")]
    Wrong {
        /// The key, sections joined by dots.
        key: String,
        /// Where it was found.
        source_of: Source,
        /// The value as written.
        found: String,
        /// What the key holds.
        expected: String,
    },
}

/// Everything wrong with the configuration; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl std::error::Error for ConfigErrors {}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// A value as it was given.
pub(super) struct Given {
    value: Value,
    /// The variable's text; a variable has no type, so each key reads it as its own.
    text: Option<String>,
    source: Source,
}

impl Given {
    /// The value as text.
    pub(super) fn text(&self) -> Option<String> {
        self.text.clone().or_else(|| self.value.as_str().map(str::to_owned))
    }

    /// The value as a list of texts; a variable may separate them by commas.
    pub(super) fn texts(&self) -> Option<Vec<String>> {
        if let (Some(text), false) = (&self.text, self.value.is_array()) {
            let parts = text.split(',').map(|part| part.trim().to_owned());
            return Some(parts.filter(|part| !part.is_empty()).collect());
        }
        self.value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
    }

    /// The value as a whole number from `least` to `most`.
    pub(super) fn number<T: TryFrom<i64>>(&self, least: i64, most: i64) -> Option<T> {
        let number = self.value.as_integer().filter(|number| (least..=most).contains(number))?;
        T::try_from(number).ok()
    }

    /// The value as a limit: a whole number from 1 to 1 000 000.
    pub(super) fn count<T: TryFrom<i64>>(&self) -> Option<T> {
        self.number(1, 1_000_000)
    }

    /// The value as true or false.
    pub(super) fn boolean(&self) -> Option<bool> {
        self.value.as_bool()
    }
}

/// The keys that were given, and the keys that exist.
#[derive(Default)]
pub(super) struct Reader {
    given: BTreeMap<String, Given>,
    known: Vec<&'static str>,
    errors: Vec<ConfigError>,
}

impl Reader {
    /// Takes every key of a TOML text.
    pub(super) fn add_file(&mut self, path: &Path, text: &str) -> Result<(), ConfigErrors> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            ConfigErrors(vec![ConfigError::Syntax { path: path.to_owned(), why: error.to_string() }])
        })?;
        self.add_table("", table, path);
        Ok(())
    }

    fn add_table(&mut self, prefix: &str, table: toml::Table, path: &Path) {
        for (name, value) in table {
            let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
            match value {
                Value::Table(inner) if !inner.is_empty() => self.add_table(&key, inner, path),
                // An empty section says nothing, whatever its name.
                Value::Table(_) => {}
                value => {
                    let source = Source::File(path.to_owned());
                    self.given.insert(key, Given { value, text: None, source });
                }
            }
        }
    }

    /// Takes every variable that starts with `NHIPCAU_`, except those of the command line and of our other programs.
    pub(super) fn add_environment(&mut self, variables: impl IntoIterator<Item = (String, String)>) {
        for (name, text) in variables {
            let Some(key) = name.strip_prefix("NHIPCAU_") else { continue };
            if NOT_KEYS.contains(&key) || key.starts_with("TEST_") {
                continue;
            }
            let key = key.to_lowercase().replace("__", ".");
            let value = format!("value = {text}")
                .parse::<toml::Table>()
                .ok()
                .and_then(|mut table| table.remove("value"))
                .unwrap_or_else(|| Value::String(text.clone()));
            self.given.insert(key, Given { value, text: Some(text), source: Source::Environment(name) });
        }
    }

    /// The value of `key`: as given, or `default`. A value that `read` refuses becomes an error.
    pub(super) fn take<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        default: T,
        read: impl Fn(&Given) -> Option<T>,
    ) -> T {
        self.known.push(key);
        let Some(given) = self.given.remove(key) else { return default };
        read(&given).unwrap_or_else(|| {
            let found = given.text.clone().unwrap_or_else(|| given.value.to_string());
            self.errors.push(ConfigError::Wrong {
                key: key.to_owned(),
                source_of: given.source,
                found,
                expected: expected.to_owned(),
            });
            default
        })
    }

    /// Notes that a key holds what others forbid.
    pub(super) fn refuse(&mut self, key: &str, found: &str, expected: &str) {
        let source_of = Source::Combination;
        let (key, found, expected) = (key.to_owned(), found.to_owned(), expected.to_owned());
        self.errors.push(ConfigError::Wrong { key, source_of, found, expected });
    }

    /// Every key that exists, sections joined by dots.
    #[cfg(test)]
    pub(super) fn known(&self) -> &[&'static str] {
        &self.known
    }

    /// Everything wrong so far, together with the keys nobody took.
    pub(super) fn finish(mut self) -> Result<(), ConfigErrors> {
        for (key, given) in std::mem::take(&mut self.given) {
            let expected = self.expected_instead_of(&key);
            self.errors.push(ConfigError::Unknown { key, source_of: given.source, expected });
        }
        if self.errors.is_empty() { Ok(()) } else { Err(ConfigErrors(self.errors)) }
    }

    fn expected_instead_of(&self, wrong: &str) -> String {
        let section = format!("{wrong}.");
        let inside: Vec<_> = self.known.iter().copied().filter(|key| key.starts_with(&section)).collect();
        if !inside.is_empty() {
            return format!("a section with {}", inside.join(", "));
        }
        let nearest = self.known.iter().map(|key| (edit_distance(key, wrong), *key)).min();
        match nearest {
            Some((distance, key)) if distance <= 3 => format!("perhaps {key}"),
            _ => format!("one of {}", self.known.join(", ")),
        }
    }
}

/// Letters to insert, remove or replace to make `a` out of `b` (Levenshtein).
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
