//! One observer's sheet as a set of registers, and the bounds that keep it a sheet.
//!
//! | key | value |
//! |---|---|
//! | `head.<field>` | text: `school`, `teacher`, `subject`, `topic`, `class`, `period`, `date`, `observer`, `unit` |
//! | `row.<id>.at` | `{"ms":…,"q":…}`, see [`crate::At`] |
//! | `row.<id>.pos` | text: the row's place, see `MERGE.md` |
//! | `row.<id>.teacher` `.pupils` `.remark` | text |
//! | `row.<id>.phase` | id of a phase of the form, or null |
//! | `row.<id>.tags` `.pics` | lists of text |
//! | `row.<id>.private` `.gone` | true or false |
//! | `score.<item>` | hundredths of a point, or null |
//! | `close.strengths` `.limits` `.advice` | text |
//! | `free.<field>` | text of a free field of the form |
//! | `form.ref` | [`crate::FormRef`] |
//! | `mode.study` | true: a lesson study, no scores |
//! | `share.cluster` `.organiser` `.teacher` | true or false |
//!
//! Keys this version does not know are kept and passed on: a newer page must not lose words through an older server.

use crate::{Register, RegisterError};
use serde::{Deserialize, Serialize};
use std::{borrow::Borrow, collections::BTreeMap, fmt, str::FromStr};

/// The name of one register: two or three words of `0-9 a-z _`, joined by full stops; 100 characters at most.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key(String);

/// What one sheet may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SheetLimits {
    /// Registers: a full lesson of a fast writer needs a thousand.
    pub registers: usize,
    /// Bytes of one register as JSON; about eight pages of text.
    pub register_bytes: usize,
    /// Bytes of all registers as JSON.
    pub bytes: usize,
}

impl SheetLimits {
    /// What the server allows.
    pub const DEFAULT: Self = Self { registers: 20_000, register_bytes: 24 * 1024, bytes: 4 * 1024 * 1024 };
}

/// Why something cannot be put on a sheet. The rest of the sheet is not concerned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SheetError {
    /// Not a key.
    #[error("a key is two or three words of 0-9, a-z and _ joined by full stops; got {found:?}")]
    Key {
        /// Its beginning.
        found: String,
    },
    /// The register is not one a page writes.
    #[error("{key}: {error}")]
    Register {
        /// Its key.
        key: Key,
        /// What is wrong.
        error: RegisterError,
    },
    /// One value is too long.
    #[error("{key} has {found} bytes; at most {max}")]
    RegisterTooLarge {
        /// Its key.
        key: Key,
        /// How long it is.
        found: usize,
        /// How long it may be.
        max: usize,
    },
    /// The sheet is full.
    #[error("the sheet is full: at most {max} {what}")]
    Full {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        max: usize,
    },
}

impl Key {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its words.
    pub fn words(&self) -> Vec<&str> {
        self.0.split('.').collect()
    }
}

impl FromStr for Key {
    type Err = SheetError;
    fn from_str(text: &str) -> Result<Self, SheetError> {
        let good_word = |word: &str| {
            !word.is_empty()
                && word.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase() || byte == b'_')
        };
        let words = text.split('.').count();
        if (2..=3).contains(&words) && text.len() <= 100 && text.split('.').all(good_word) {
            Ok(Self(text.to_owned()))
        } else {
            Err(SheetError::Key { found: text.chars().take(60).collect() })
        }
    }
}

impl TryFrom<String> for Key {
    type Error = SheetError;
    fn try_from(text: String) -> Result<Self, SheetError> {
        text.parse()
    }
}

impl From<Key> for String {
    fn from(key: Key) -> String {
        key.0
    }
}

impl Borrow<str> for Key {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One observer's sheet, or one copy of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sheet {
    registers: BTreeMap<Key, Register>,
}

impl Sheet {
    /// Every register, by key.
    pub fn registers(&self) -> &BTreeMap<Key, Register> {
        &self.registers
    }

    /// The value that stands under `key`.
    pub fn value(&self, key: &str) -> Option<&serde_json::Value> {
        self.registers.get(key)?.value()
    }

    /// Takes in one register. `true` when that changed the sheet.
    pub fn join(&mut self, key: &Key, register: &Register) -> bool {
        match self.registers.get_mut(key) {
            Some(here) => here.join(register),
            None => self.registers.insert(key.clone(), register.clone()).is_none(),
        }
    }

    /// Takes in a whole copy. `true` when that changed the sheet.
    pub fn join_all(&mut self, other: &Sheet) -> bool {
        let mut changed = false;
        for (key, register) in &other.registers {
            changed |= self.join(key, register);
        }
        changed
    }

    /// Judges a register that came from outside, by itself.
    ///
    /// # Errors
    /// [`SheetError::Register`], [`SheetError::RegisterTooLarge`].
    pub fn check(key: &Key, register: Register, limits: SheetLimits) -> Result<Register, SheetError> {
        let register =
            register.checked().map_err(|error| SheetError::Register { key: key.clone(), error })?;
        let found = serde_json::to_vec(&register).map_or(usize::MAX, |json| json.len());
        if found > limits.register_bytes {
            return Err(SheetError::RegisterTooLarge { key: key.clone(), found, max: limits.register_bytes });
        }
        Ok(register)
    }
}

impl FromIterator<(Key, Register)> for Sheet {
    fn from_iter<I: IntoIterator<Item = (Key, Register)>>(registers: I) -> Self {
        Self { registers: registers.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tick;
    use serde_json::json;

    #[test]
    fn a_key_is_plain_words() {
        for good in ["head.school", "row.k3j9x2ab.teacher", "score.c1_2"] {
            assert!(good.parse::<Key>().is_ok(), "{good}");
        }
        let long = format!("row.{}.teacher", "a".repeat(100));
        for bad in ["", "head", "head.", ".school", "row.a.b.c", "Head.school", "head.trường", &long] {
            assert!(bad.parse::<Key>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_endless_text_is_refused_by_name() {
        let key: Key = "row.a.teacher".parse().expect("a key");
        let mut register = Register::default();
        let stamp = Tick::new(1, 0).by("laptop00".parse().expect("a replica"));
        register.write(stamp, json!("ấ".repeat(20_000)));
        let refused = Sheet::check(&key, register, SheetLimits::DEFAULT).map_err(|error| error.to_string());
        assert!(refused.is_err_and(|words| words.starts_with("row.a.teacher has 60")));
    }
}
