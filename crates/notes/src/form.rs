//! Observation forms as data: what is scored, up to how much, what the sum is called, how it is printed.

use domain::NAME_CHARS_MAX;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{collections::BTreeSet, fmt, iter::Sum, ops::Add};

/// Points of a score in hundredths, so that sums are exact: 13.5 points are `Points(1350)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Points(pub i64);

impl Points {
    /// More than any form uses.
    pub const MAX: Points = Points(100_000);
}

impl Add for Points {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sum for Points {
    fn sum<I: Iterator<Item = Self>>(points: I) -> Self {
        points.fold(Self(0), Add::add)
    }
}

impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 100, self.0 % 100);
        match rest {
            0 => write!(f, "{whole}"),
            _ if rest % 10 == 0 => write!(f, "{whole}.{}", rest / 10),
            _ => write!(f, "{whole}.{rest:02}"),
        }
    }
}

/// On the wire points are plain numbers with at most two decimals, as people write them in a form file.
impl Serialize for Points {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % 100 == 0 {
            serializer.serialize_i64(self.0 / 100)
        } else {
            serializer.serialize_f64(self.0 as f64 / 100.0)
        }
    }
}

impl<'de> Deserialize<'de> for Points {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        let hundredths = (number * 100.0).round();
        if (number * 100.0 - hundredths).abs() < 1e-6 && (0.0..=Self::MAX.0 as f64).contains(&hundredths) {
            Ok(Self(hundredths as i64))
        } else {
            Err(serde::de::Error::custom("points are 0 to 1000 with at most two decimals"))
        }
    }
}

/// How the rows are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// *Tóm tắt tiến trình bài dạy | Nhận xét sơ bộ từng phần*.
    Two,
    /// *Thời gian | Hoạt động của GV | Hoạt động của HS | Nhận xét*.
    #[default]
    Four,
}

/// Which form a sheet is on. A sheet keeps its version when the form goes on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FormRef {
    /// The form.
    pub id: String,
    /// Its version, from 1.
    pub version: u32,
}

/// One observation form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// Its name for programs: 1 to 40 characters of `0-9 a-z -`.
    pub id: String,
    /// From 1; every change makes a new one.
    pub version: u32,
    /// What teachers call it.
    pub title: String,
    /// Where it comes from, so that somebody can check it against the official text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// How the rows are printed.
    #[serde(default)]
    pub layout: Layout,
    /// Steps a score is given in.
    #[serde(default = "quarter")]
    pub step: Points,
    /// Groups of criteria; none: a form without scores.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// What sums are called, highest first; the last one begins at 0.
    #[serde(default)]
    pub bands: Vec<Band>,
    /// Free fields after the rows.
    #[serde(default)]
    pub fields: Vec<Field>,
    /// Phases of the lesson.
    #[serde(default)]
    pub phases: Vec<Phase>,
    /// Quick tags.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// A group of criteria.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its heading.
    pub name: String,
    /// Its criteria.
    pub items: Vec<Item>,
}

/// One criterion (*tiêu chí*).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its name for programs, unique in the form: 1 to 20 characters of `0-9 a-z _`.
    pub id: String,
    /// What is judged.
    pub text: String,
    /// Points at most.
    pub max: Points,
}

/// A rating (*xếp loại*).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Band {
    /// The least sum.
    pub min: Points,
    /// What it is called.
    pub name: String,
    /// Criteria that must have at least so much, whatever the sum: some forms demand full points in a few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Need>,
}

/// What a band demands of one criterion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// The criterion.
    pub item: String,
    /// Its least points.
    pub min: Points,
}

/// A field for free text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Its name for programs: 1 to 20 characters of `0-9 a-z _`.
    pub id: String,
    /// What is asked.
    pub label: String,
}

/// A phase of the lesson.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// Its name for programs: 1 to 20 characters of `0-9 a-z _`.
    pub id: String,
    /// What teachers call it.
    pub name: String,
}

/// Why a form cannot be used; `at` is the way to the faulty part, such as `groups[1].items[0].max`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {reason}")]
pub struct FormError {
    /// Where.
    pub at: String,
    /// What is wrong and what is expected.
    pub reason: String,
}

impl Form {
    /// Criteria at most; the longest form known has 25.
    pub const ITEMS_MAX: usize = 60;
    /// Characters of a criterion or label at most.
    pub const TEXT_CHARS_MAX: usize = 600;

    /// Its id and version.
    pub fn reference(&self) -> FormRef {
        FormRef { id: self.id.clone(), version: self.version }
    }

    /// Whether it gives scores.
    pub fn is_scored(&self) -> bool {
        !self.groups.is_empty()
    }

    /// Every criterion, in order.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.groups.iter().flat_map(|group| &group.items)
    }

    /// The criterion of that id.
    pub fn item(&self, id: &str) -> Option<&Item> {
        self.items().find(|item| item.id == id)
    }

    /// The greatest sum.
    pub fn max(&self) -> Points {
        self.items().map(|item| item.max).sum()
    }

    /// Judges the form as a whole.
    ///
    /// # Errors
    /// [`FormError`] for the first fault found.
    pub fn check(&self) -> Result<(), FormError> {
        let refuse = |at: &str, reason: String| Err(FormError { at: at.to_owned(), reason });
        check_id("id", &self.id, 40, |byte| byte == b'-')?;
        check_text("title", &self.title, NAME_CHARS_MAX)?;
        if self.version == 0 {
            return refuse("version", "versions count from 1".to_owned());
        }
        if self.step.0 == 0 {
            return refuse("step", "a step of 0 gives no scores".to_owned());
        }
        let items = self.items().count();
        if items > Self::ITEMS_MAX {
            return refuse("groups", format!("{items} criteria; at most {}", Self::ITEMS_MAX));
        }
        let mut ids = BTreeSet::new();
        for (index, group) in self.groups.iter().enumerate() {
            let at = format!("groups[{index}]");
            check_text(&format!("{at}.name"), &group.name, Self::TEXT_CHARS_MAX)?;
            if group.items.is_empty() {
                return refuse(&at, "a group needs a criterion".to_owned());
            }
            for (index, item) in group.items.iter().enumerate() {
                let at = format!("{at}.items[{index}]");
                check_word(&format!("{at}.id"), &item.id, &mut ids)?;
                check_text(&format!("{at}.text"), &item.text, Self::TEXT_CHARS_MAX)?;
                if item.max.0 == 0 || item.max.0 % self.step.0 != 0 {
                    let reason = format!("{} is not a multiple of the step {} above 0", item.max, self.step);
                    return refuse(&format!("{at}.max"), reason);
                }
            }
        }
        self.check_bands()?;
        let mut ids = BTreeSet::new();
        for (index, field) in self.fields.iter().enumerate() {
            check_word(&format!("fields[{index}].id"), &field.id, &mut ids)?;
            check_text(&format!("fields[{index}].label"), &field.label, Self::TEXT_CHARS_MAX)?;
        }
        let mut ids = BTreeSet::new();
        for (index, phase) in self.phases.iter().enumerate() {
            check_word(&format!("phases[{index}].id"), &phase.id, &mut ids)?;
            check_text(&format!("phases[{index}].name"), &phase.name, NAME_CHARS_MAX)?;
        }
        for (index, tag) in self.tags.iter().enumerate() {
            check_text(&format!("tags[{index}]"), tag, 40)?;
        }
        for (at, count, max) in [
            ("fields", self.fields.len(), 40),
            ("phases", self.phases.len(), 20),
            ("tags", self.tags.len(), 30),
            ("bands", self.bands.len(), 12),
        ] {
            if count > max {
                return refuse(at, format!("{count} entries; at most {max}"));
            }
        }
        Ok(())
    }

    fn check_bands(&self) -> Result<(), FormError> {
        let refuse = |at: String, reason: String| Err(FormError { at, reason });
        if !self.is_scored() {
            return match self.bands.first() {
                Some(_) => refuse("bands".to_owned(), "a form without criteria has no ratings".to_owned()),
                None => Ok(()),
            };
        }
        for (index, band) in self.bands.iter().enumerate() {
            let at = format!("bands[{index}]");
            check_text(&format!("{at}.name"), &band.name, NAME_CHARS_MAX)?;
            if band.min > self.max() {
                let reason = format!("{} is above the greatest sum {}", band.min, self.max());
                return refuse(format!("{at}.min"), reason);
            }
            if index > 0 && band.min >= self.bands[index - 1].min {
                return refuse(format!("{at}.min"), "ratings stand highest first".to_owned());
            }
            for (index, need) in band.needs.iter().enumerate() {
                let at = format!("{at}.needs[{index}]");
                match self.item(&need.item) {
                    None => return refuse(at, format!("there is no criterion {:?}", need.item)),
                    Some(item) if need.min > item.max => {
                        return refuse(at, format!("{} is above the maximum {}", need.min, item.max));
                    }
                    Some(_) => {}
                }
            }
        }
        match self.bands.last() {
            Some(last) if last.min.0 != 0 || !last.needs.is_empty() => {
                refuse("bands".to_owned(), "the lowest rating begins at 0 and demands nothing".to_owned())
            }
            _ => Ok(()),
        }
    }
}

fn check_text(at: &str, text: &str, chars_max: usize) -> Result<(), FormError> {
    let chars = text.trim().chars().count();
    if (1..=chars_max).contains(&chars) && text == text.trim() {
        Ok(())
    } else {
        let reason = format!("needs 1 to {chars_max} characters without blanks around them; has {chars}");
        Err(FormError { at: at.to_owned(), reason })
    }
}

fn check_id(at: &str, id: &str, len_max: usize, also: impl Fn(u8) -> bool) -> Result<(), FormError> {
    let good = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase() || also(byte);
    if (1..=len_max).contains(&id.len()) && id.bytes().all(good) {
        Ok(())
    } else {
        let reason = format!(
            "needs 1 to {len_max} plain characters; got {:?}",
            id.chars().take(50).collect::<String>()
        );
        Err(FormError { at: at.to_owned(), reason })
    }
}

fn check_word<'a>(at: &str, id: &'a str, ids: &mut BTreeSet<&'a str>) -> Result<(), FormError> {
    check_id(at, id, 20, |byte| byte == b'_')?;
    if ids.insert(id) {
        Ok(())
    } else {
        Err(FormError { at: at.to_owned(), reason: format!("{id:?} comes twice") })
    }
}

fn quarter() -> Points {
    Points(25)
}

/// The forms every server brings: the scored twelve criteria, lesson study, and the department's two columns.
pub fn built_in_forms() -> Vec<Form> {
    const FILES: [&str; 3] = [
        include_str!("../forms/vn-12-20.json"),
        include_str!("../forms/nghien-cuu-bai-hoc.json"),
        include_str!("../forms/hai-cot.json"),
    ];
    FILES.iter().map(|file| serde_json::from_str(file).expect("a test reads every built-in form")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored() -> Form {
        built_in_forms().remove(0)
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Form), expected_at: &str) {
        let mut form = scored();
        change(&mut form);
        let found = form.check().map_err(|error| error.at);
        assert_eq!(found, Err(expected_at.to_owned()));
    }

    #[test]
    fn every_built_in_form_is_good() {
        for form in built_in_forms() {
            assert_eq!(form.check(), Ok(()), "{}", form.id);
        }
        assert_eq!(scored().max(), Points(2_000));
        assert_eq!(scored().items().count(), 12);
    }

    #[test]
    fn a_faulty_form_is_refused_where_it_is_faulty() {
        check(|form| form.title.clear(), "title");
        check(|form| form.id = "Mẫu 1".to_owned(), "id");
        check(|form| form.groups[1].items[2].max = Points(0), "groups[1].items[2].max");
        check(|form| form.groups[1].items[2].max = Points(110), "groups[1].items[2].max");
        check(
            |form| form.groups[2].items[0].id = form.groups[0].items[0].id.clone(),
            "groups[2].items[0].id",
        );
        check(|form| form.groups[0].items.clear(), "groups[0]");
        check(|form| form.bands[0].min = Points(2_025), "bands[0].min");
        check(|form| form.bands.swap(0, 1), "bands[1].min");
        check(|form| drop(form.bands.pop()), "bands");
        check(|form| form.groups.clear(), "bands");
        check(
            |form| form.bands[0].needs.push(Need { item: "none".to_owned(), min: Points(100) }),
            "bands[0].needs[0]",
        );
    }

    #[test]
    fn points_are_written_as_people_write_them() {
        let form = scored();
        let json = serde_json::to_value(&form).expect("it serialises");
        assert_eq!(json["bands"][1]["min"].to_string(), "13.5");
        assert_eq!(json["bands"][0]["min"].to_string(), "18");
        assert_eq!(serde_json::from_value::<Form>(json).ok(), Some(form));
        assert!(serde_json::from_str::<Points>("0.333").is_err());
        assert!(serde_json::from_str::<Points>("-1").is_err());
        assert_eq!(
            [Points(1_350), Points(1_325), Points(2_000)].map(|p| p.to_string()),
            ["13.5", "13.25", "20"]
        );
    }
}
