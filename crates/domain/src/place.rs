//! Places (*điểm cầu*) and the texts people give to things.

use crate::{PlaceId, Refusal, UnitId, UnixMillis};
use serde::{Deserialize, Serialize};

/// Longest title of a lesson and name of a place, in characters.
pub const NAME_CHARS_MAX: usize = 200;

/// One classroom. It is permanent: its link and its QR code work for every lesson it is invited to.
///
/// It is named after the room, never after a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Its id.
    pub id: PlaceId,
    /// What its own teachers call it, 1 to [`NAME_CHARS_MAX`] characters.
    pub name: String,
    /// The unit it belongs to, usually a school.
    pub unit: Option<UnitId>,
    /// When an organiser added it.
    pub created_at: UnixMillis,
}

impl Place {
    /// A new place.
    ///
    /// # Errors
    /// [`Refusal::TextLength`] when `name` is blank or too long.
    pub fn new(id: PlaceId, name: &str, now: UnixMillis) -> Result<Self, Refusal> {
        Ok(Self { id, name: clean_name("name", name)?, unit: None, created_at: now })
    }

    /// Gives it another name.
    ///
    /// # Errors
    /// [`Refusal::TextLength`] when `name` is blank or too long; the old name stays.
    pub fn rename(&mut self, name: &str) -> Result<(), Refusal> {
        self.name = clean_name("name", name)?;
        Ok(())
    }
}

/// Trims a name a person typed and refuses what cannot be shown on one line.
///
/// Control characters (a pasted line break, a bidirectional override that would turn neighbouring text
/// around) become spaces; runs of white space become one.
pub(crate) fn clean_name(field: &'static str, text: &str) -> Result<String, Refusal> {
    let breaks_line = |c: char| {
        c.is_whitespace() || c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut clean = String::new();
    let mut chars = 0;
    for word in text.split(breaks_line).filter(|word| !word.is_empty()) {
        chars += usize::from(!clean.is_empty()) + word.chars().count();
        if chars > NAME_CHARS_MAX {
            break;
        }
        if !clean.is_empty() {
            clean.push(' ');
        }
        clean.push_str(word);
    }
    if (1..=NAME_CHARS_MAX).contains(&chars) {
        Ok(clean)
    } else {
        Err(Refusal::TextLength { field, max_chars: NAME_CHARS_MAX })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &str, expected: Option<&str>) {
        assert_eq!(clean_name("name", typed).ok().as_deref(), expected, "{typed:?}");
    }

    #[test]
    fn a_name_is_kept_as_typed_but_for_stray_white_space() {
        check("  Trường Tiểu học Mèo Vạc\n– lớp 3A ", Some("Trường Tiểu học Mèo Vạc – lớp 3A"));
        check("a\u{202e}b", Some("a b"));
    }

    #[test]
    fn a_blank_or_endless_name_is_refused() {
        check("", None);
        check(" \u{0} \n", None);
        check(&"ấ".repeat(NAME_CHARS_MAX), Some("ấ".repeat(NAME_CHARS_MAX).as_str()));
        check(&"ấ".repeat(NAME_CHARS_MAX + 1), None);
        check(&"ấ ".repeat(NAME_CHARS_MAX), None);
    }

    #[test]
    fn a_refused_rename_keeps_the_old_name() {
        let mut place = Place::new(PlaceId(1), "Phòng 3A", UnixMillis::default()).expect("a good name");
        assert_eq!(place.rename("  ").map_err(|refusal| refusal.code()), Err("body_malformed"));
        assert_eq!(place.name, "Phòng 3A");
    }
}
