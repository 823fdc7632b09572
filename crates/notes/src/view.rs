//! A sheet as a person reads it: rows in order, heading, closing words, scores.

use crate::{FormRef, Key, Sheet};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The moment of the lesson a row speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct At {
    /// When the camera or the microphone took what the writer saw or heard: Unix milliseconds of the relay's clock.
    pub ms: i64,
    /// How well that is known.
    pub q: MomentQuality,
}

/// How a row's moment was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MomentQuality {
    /// Capture time of the frame on the writer's screen.
    Picture,
    /// Capture time of the voice the writer heard; no picture was moving.
    Voice,
    /// Capture time of the last frame before the stream stood still.
    Held,
    /// The relay's clock; nothing was playing.
    Clock,
    /// Corrected by hand.
    Hand,
    /// A word of a newer version.
    #[serde(other)]
    Other,
}

/// A text that was written at the same time as the one that stands, elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sibling {
    /// `teacher`, `pupils` or `remark`.
    pub field: String,
    /// The text.
    pub text: String,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowView {
    /// Its id.
    pub id: String,
    /// Its moment; `None` when only a part of the row has arrived.
    pub at: Option<At>,
    /// Id of its phase in the form.
    pub phase: Option<String>,
    /// *Hoạt động của GV*.
    pub teacher: String,
    /// *Hoạt động của HS*.
    pub pupils: String,
    /// *Nhận xét*.
    pub remark: String,
    /// Quick tags.
    pub tags: Vec<String>,
    /// Ids of pictures.
    pub pics: Vec<String>,
    /// Whether it stays the writer's alone whatever is shared.
    pub private: bool,
    /// What else was written into it, see [`Sibling`].
    pub siblings: Vec<Sibling>,
}

/// The lines above the table.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Heading {
    /// *Trường*.
    pub school: String,
    /// *Người dạy*.
    pub teacher: String,
    /// *Môn*.
    pub subject: String,
    /// *Bài*.
    pub topic: String,
    /// *Lớp*.
    pub class: String,
    /// *Tiết*.
    pub period: String,
    /// *Ngày*.
    pub date: String,
    /// *Người dự*.
    pub observer: String,
    /// *Đơn vị*.
    pub unit: String,
}

/// The words below it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Closing {
    /// *Ưu điểm*.
    pub strengths: String,
    /// *Hạn chế*.
    pub limits: String,
    /// *Góp ý*.
    pub advice: String,
}

/// Who may read the sheet beside its writer. Rows marked private are never among it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Shares {
    /// Rows and closing words, for the observers and the organiser of this lesson on the shared timeline.
    pub cluster: bool,
    /// The whole sheet, scores too, for the organiser.
    pub organiser: bool,
    /// The whole sheet, scores too, for the teacher who taught.
    pub teacher: bool,
}

/// A sheet as a person reads it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SheetView {
    /// The form it is on.
    pub form: Option<FormRef>,
    /// Whether it is a lesson study without scores.
    pub study: bool,
    /// The lines above.
    pub heading: Heading,
    /// Rows, in order.
    pub rows: Vec<RowView>,
    /// Rows that were deleted and can be taken back, in order.
    pub bin: Vec<RowView>,
    /// Scores as they stand, unjudged: hundredths by item.
    pub scores: BTreeMap<String, Value>,
    /// The words below.
    pub closing: Closing,
    /// Free fields of the form.
    pub free: BTreeMap<String, String>,
    /// Who may read it.
    pub shares: Shares,
}

impl Sheet {
    /// The sheet as a person reads it. Values of a wrong kind read as absent.
    pub fn view(&self) -> SheetView {
        let (rows, bin) = self.rows();
        SheetView {
            form: self.value("form.ref").and_then(|value| serde_json::from_value(value.clone()).ok()),
            study: self.flag("mode.study"),
            heading: self.fields("head.", |words| serde_json::from_value(words).ok()),
            rows,
            bin,
            scores: self
                .below("score.")
                .filter_map(|(name, key)| Some((name.to_owned(), self.value(key)?.clone())))
                .collect(),
            closing: self.fields("close.", |words| serde_json::from_value(words).ok()),
            free: self
                .below("free.")
                .map(|(name, key)| (name.to_owned(), self.text(key)))
                .filter(|(_, text)| !text.is_empty())
                .collect(),
            shares: self.shares(),
        }
    }

    /// Who may read it.
    pub fn shares(&self) -> Shares {
        Shares {
            cluster: self.flag("share.cluster"),
            organiser: self.flag("share.organiser"),
            teacher: self.flag("share.teacher"),
        }
    }

    fn rows(&self) -> (Vec<RowView>, Vec<RowView>) {
        let ids: BTreeSet<&str> =
            self.below("row.").filter_map(|(rest, _)| rest.split_once('.')).map(|(id, _)| id).collect();
        let mut places: Vec<(String, &str)> = ids.into_iter().map(|id| (self.place(id), id)).collect();
        places.sort();
        let all = places.into_iter().filter_map(|(_, id)| Some((self.row(id)?, id)));
        let (bin, rows): (Vec<_>, Vec<_>) = all.partition(|(_, id)| self.flag(&format!("row.{id}.gone")));
        let bare = |list: Vec<(RowView, &str)>| list.into_iter().map(|(row, _)| row).collect();
        (bare(rows), bare(bin))
    }

    /// What rows are ordered by; a row whose place has not arrived yet stands last.
    fn place(&self, id: &str) -> String {
        let pos = self.text(&format!("row.{id}.pos"));
        if pos.is_empty() { "~".to_owned() } else { pos }
    }

    fn row(&self, id: &str) -> Option<RowView> {
        let key = |field: &str| format!("row.{id}.{field}");
        let at = self.value(&key("at")).and_then(|value| At::deserialize(value).ok());
        let text = |field| self.text(&key(field));
        let siblings = ["teacher", "pupils", "remark"].into_iter().flat_map(|field| {
            let register = self.registers().get(key(field).as_str());
            let others = register.into_iter().flat_map(crate::Register::siblings);
            others
                .filter_map(|head| head.value.as_str())
                .filter(|text| !text.is_empty())
                .map(move |text| Sibling { field: field.to_owned(), text: text.to_owned() })
        });
        let row = RowView {
            id: id.to_owned(),
            at,
            phase: Some(text("phase")).filter(|phase| !phase.is_empty()),
            teacher: text("teacher"),
            pupils: text("pupils"),
            remark: text("remark"),
            tags: self.texts(&key("tags")),
            pics: self.texts(&key("pics")),
            private: self.flag(&key("private")),
            siblings: siblings.collect(),
        };
        let says_something =
            row.at.is_some() || !(row.teacher.is_empty() && row.pupils.is_empty() && row.remark.is_empty());
        says_something.then_some(row)
    }

    /// Keys that begin with `prefix`, with what follows it.
    fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.registers()
            .range::<str, _>((std::ops::Bound::Included(prefix), std::ops::Bound::Unbounded))
            .map(|(key, _): (&Key, _)| key.as_str())
            .take_while(move |key| key.starts_with(prefix))
            .map(move |key| (&key[prefix.len()..], key))
    }

    /// Text fields below `prefix` as one thing.
    fn fields<T: Default>(&self, prefix: &str, read: impl Fn(Value) -> Option<T>) -> T {
        let fields = self.below(prefix).map(|(name, key)| (name.to_owned(), Value::from(self.text(key))));
        read(Value::Object(fields.collect())).unwrap_or_default()
    }

    fn text(&self, key: &str) -> String {
        self.value(key).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    fn texts(&self, key: &str) -> Vec<String> {
        let list = self.value(key).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    fn flag(&self, key: &str) -> bool {
        self.value(key).and_then(Value::as_bool).unwrap_or(false)
    }
}
