//! Places as a table: one column for each level above the room, the room last.
//!
//! ```text
//! Sở,Cụm trường,Trường,Phòng,Mã
//! Sở GD&ĐT Hà Nội,Cụm 3,THPT Đan Phượng,Phòng 11A2,01h2xcejqtf2n
//! ```
//! The heads of the level columns are the levels' own words, so that any hierarchy fits.

use crate::token;
use domain::{Place, PlaceId, Unit, UnitId, Units, UnixMillis};
use signalling::{BadRow, Problem, ProblemCode};
use std::collections::{BTreeMap, HashMap};

/// Rows of one file.
const ROWS_MAX: usize = 5_000;
/// Levels above the room; the hierarchy itself is a little deeper.
const LEVELS_MAX: usize = 12;
/// What the column of ids may be called.
const ID_HEADS: [&str; 4] = ["mã", "ma", "id", "code"];
const ROOM_HEAD: &str = "Phòng";
const ID_HEAD: &str = "Mã";

/// What an import comes to.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// All units, the new ones included.
    pub(crate) all_units: Units,
    /// New ones, parents first.
    pub(crate) units: Vec<Unit>,
    /// Places that did not exist.
    pub(crate) created: Vec<Place>,
    /// Places with another name or unit.
    pub(crate) updated: Vec<Place>,
    /// Places that are as the file says.
    pub(crate) unchanged: usize,
    /// Rows left out.
    pub(crate) bad: Vec<BadRow>,
}

/// Reads a file against what there is. Good rows are kept, bad ones told by line.
///
/// # Errors
/// `body_malformed` when the file as a whole cannot be read (not text, no room column), `too_large` for more than 5,000 rows.
pub(crate) fn plan(
    bytes: &[u8],
    units: &Units,
    places: &BTreeMap<PlaceId, Place>,
    now: UnixMillis,
) -> Result<Plan, Problem> {
    let text = decode(bytes)?;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter(&text))
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let heads: Vec<String> = match reader.headers() {
        Ok(heads) => heads.iter().map(str::to_owned).collect(),
        Err(error) => return Err(malformed(format_args!("{error}"))),
    };
    let columns = Columns::of(&heads)?;
    let mut plan = Plan { all_units: units.clone(), ..Plan::default() };
    let mut known: HashMap<(Option<UnitId>, String), PlaceId> =
        places.values().map(|place| ((place.unit, place.name.clone()), place.id)).collect();
    // The line on which each place of this file stands first.
    let mut lines: HashMap<PlaceId, u64> = HashMap::new();
    let mut counted = Lines::default();
    for (row, record) in reader.records().enumerate() {
        if row >= ROWS_MAX {
            return Err(Problem::new(ProblemCode::TooLarge).because(format_args!("at most {ROWS_MAX} rows")));
        }
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = counted.line_of(&text, error.position());
                plan.bad.push(bad(line, None, "không đọc được dòng này", "this row cannot be read"));
                continue;
            }
        };
        let line = counted.line_of(&text, record.position());
        if record.iter().all(str::is_empty) {
            continue;
        }
        if let Err(problem) = plan.take(line, &record, &columns, places, &mut known, &mut lines, now) {
            plan.bad.push(problem);
        }
    }
    Ok(plan)
}

/// All places as a table that [`plan`] reads back.
pub(crate) fn export<'a>(units: &Units, places: impl IntoIterator<Item = &'a Place>) -> String {
    let places: Vec<_> = places.into_iter().collect();
    let paths: Vec<_> = places.iter().map(|place| units.path(place.unit)).collect();
    // A level's word is its column, in the order in which levels come on the way down.
    let mut levels: Vec<String> = Vec::new();
    for path in &paths {
        let mut after = 0;
        for unit in path {
            if let Some(at) = levels.iter().position(|level| *level == unit.level) {
                after = after.max(at + 1);
            } else {
                levels.insert(after.min(levels.len()), unit.level.clone());
                after += 1;
            }
        }
    }
    let heads: Vec<String> = levels.iter().cloned().chain([ROOM_HEAD.into(), ID_HEAD.into()]).collect();
    let rows = places.iter().zip(&paths).map(|(place, path)| {
        let cell = |level: &String| {
            let names: Vec<_> =
                path.iter().filter(|unit| unit.level == *level).map(|unit| unit.name.as_str()).collect();
            names.join(" / ")
        };
        levels.iter().map(cell).chain([place.name.clone(), place.id.to_string()]).collect::<Vec<_>>()
    });
    super::write(std::iter::once(heads).chain(rows))
}

/// Counts lines as an editor shows them; the reader's own count is behind after blank lines and line ends of Windows.
#[derive(Default)]
struct Lines {
    byte: usize,
    ends: u64,
}

impl Lines {
    /// The line, from 1, of a record; records come in order.
    fn line_of(&mut self, text: &str, at: Option<&csv::Position>) -> u64 {
        let bytes = text.as_bytes();
        let mut start = at.map_or(self.byte, |at| at.byte() as usize).clamp(self.byte, bytes.len());
        // A record begins where the one before ended: at the line end between them.
        start += bytes.iter().skip(start).take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        self.ends += text.get(self.byte..start).map_or(0, |passed| passed.matches('\n').count()) as u64;
        self.byte = start;
        self.ends + 1
    }
}

/// Which column is what.
struct Columns {
    levels: Vec<(usize, String)>,
    room: usize,
    room_head: String,
    id: Option<(usize, String)>,
}

impl Columns {
    fn of(heads: &[String]) -> Result<Self, Problem> {
        let is_id = |head: &str| ID_HEADS.contains(&head.to_lowercase().as_str());
        let id = heads.iter().position(|head| is_id(head));
        let mut named: Vec<_> =
            heads.iter().enumerate().filter(|(at, head)| Some(*at) != id && !head.is_empty()).collect();
        let Some((room, room_head)) = named.pop() else {
            return Err(malformed(format_args!("the first row must name the columns, the room last")));
        };
        if named.len() > LEVELS_MAX {
            return Err(malformed(format_args!("at most {LEVELS_MAX} columns before the room")));
        }
        if let Some((_, head)) = named.iter().find(|(_, head)| too_long(head)) {
            return Err(malformed(format_args!(
                "the head {:?} is too long",
                head.chars().take(40).collect::<String>()
            )));
        }
        Ok(Self {
            levels: named.into_iter().map(|(at, head)| (at, head.clone())).collect(),
            room,
            room_head: room_head.clone(),
            id: id.map(|at| (at, heads[at].clone())),
        })
    }
}

impl Plan {
    #[expect(clippy::too_many_arguments, reason = "one row against everything there is")]
    fn take(
        &mut self,
        line: u64,
        record: &csv::StringRecord,
        columns: &Columns,
        places: &BTreeMap<PlaceId, Place>,
        known: &mut HashMap<(Option<UnitId>, String), PlaceId>,
        lines: &mut HashMap<PlaceId, u64>,
        now: UnixMillis,
    ) -> Result<(), BadRow> {
        let cell = |at: usize| super::plain(record.get(at).unwrap_or_default());
        // Everything is looked at before anything is made: a bad row leaves no unit behind.
        let mut wanted = Place::new(PlaceId(0), cell(columns.room), now).map_err(|_| {
            let head = Some(columns.room_head.as_str());
            bad(
                line,
                head,
                "thiếu tên phòng, hoặc tên dài quá 200 ký tự",
                "the room's name is missing or longer than 200 characters",
            )
        })?;
        for (at, head) in &columns.levels {
            if too_long(cell(*at)) {
                return Err(bad(line, Some(head), "tên dài quá 200 ký tự", "longer than 200 characters"));
            }
        }
        let own = match &columns.id {
            Some((at, head)) if !cell(*at).is_empty() => {
                let found = cell(*at).parse().ok().and_then(|id| places.get(&id));
                Some(found.ok_or_else(|| {
                    bad(line, Some(head), "không có điểm cầu nào mang mã này", "no place has this id")
                })?)
            }
            _ => None,
        };
        wanted.unit = self
            .unit_of(columns.levels.iter().map(|(at, head)| (head.as_str(), cell(*at))))
            .map_err(|()| {
                bad(line, None, "không tạo được đơn vị của dòng này", "the units of this row cannot be made")
            })?;
        let key = (wanted.unit, wanted.name.clone());
        let same = known.get(&key).copied();
        let id = own.map(|place| place.id).or(same).unwrap_or_else(token::place_id);
        if let Some(first) = lines.get(&id) {
            let vi = format!("trùng với dòng {first}");
            return Err(bad(line, None, &vi, &format!("the same place as line {first}")));
        }
        if same.is_some_and(|other| other != id) {
            let head = Some(columns.room_head.as_str());
            return Err(bad(
                line,
                head,
                "đơn vị này đã có phòng cùng tên",
                "the unit has a room of this name already",
            ));
        }
        lines.insert(id, line);
        match places.get(&id) {
            Some(place) if place.name == wanted.name && place.unit == wanted.unit => self.unchanged += 1,
            Some(place) => {
                known.remove(&(place.unit, place.name.clone()));
                self.updated.push(Place { id, created_at: place.created_at, ..wanted });
            }
            None => self.created.push(Place { id, ..wanted }),
        }
        known.insert(key, id);
        Ok(())
    }

    /// The lowest unit a row names; units that do not exist are made.
    fn unit_of<'a>(
        &mut self,
        levels: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<Option<UnitId>, ()> {
        let mut parent = None;
        for (level, name) in levels.filter(|(_, name)| !name.is_empty()) {
            let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
            if let Some(unit) = self.all_units.find(parent, &name) {
                parent = Some(unit.id);
                continue;
            }
            let unit = Unit { id: token::unit_id(), parent, level: level.to_owned(), name };
            let unit = self.all_units.put(&unit).map_err(drop)?;
            parent = Some(unit.id);
            self.units.push(unit);
        }
        Ok(parent)
    }
}

fn too_long(text: &str) -> bool {
    text.chars().count() > domain::NAME_CHARS_MAX
}

fn bad(line: u64, column: Option<&str>, detail_vi: &str, detail: &str) -> BadRow {
    let column = column.map(str::to_owned);
    BadRow { line, column, detail_vi: detail_vi.to_owned(), detail: detail.to_owned() }
}

fn malformed(cause: std::fmt::Arguments<'_>) -> Problem {
    Problem::new(ProblemCode::BodyMalformed).because(cause)
}

/// The text of a file: UTF-8 with or without a byte order mark, or UTF-16 as Excel's "Unicode text" has it.
fn decode(bytes: &[u8]) -> Result<String, Problem> {
    let utf16 = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = rest.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        char::decode_utf16(units).collect::<Result<String, _>>().ok()
    };
    let text = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8(rest.to_vec()).ok(),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => String::from_utf8(bytes.to_vec()).ok(),
    };
    text.ok_or_else(|| malformed(format_args!("the file is not UTF-8; in Excel save it as \"CSV UTF-8\"")))
}

/// The character between the cells: whichever the head row has most of.
fn delimiter(text: &str) -> u8 {
    let head = text.lines().next().unwrap_or_default();
    let count = |delimiter: u8| head.bytes().filter(|byte| *byte == delimiter).count();
    // The last of equals wins; without any a comma is as good as another.
    [b'\t', b';', b','].into_iter().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis::clamped(1_000);

    fn import(text: &str) -> Plan {
        plan(text.as_bytes(), &Units::default(), &BTreeMap::new(), NOW).expect("a table")
    }

    fn paths(plan: &Plan) -> Vec<String> {
        let path = |place: &Place| {
            let units = plan.all_units.path(place.unit);
            let names = units.iter().map(|unit| unit.name.as_str()).chain([place.name.as_str()]);
            names.collect::<Vec<_>>().join(" > ")
        };
        plan.created.iter().map(path).collect()
    }

    #[test]
    fn a_table_of_any_depth_becomes_units_and_places() {
        let plan = import(
            "\u{feff}Sở,Cụm trường,Trường,Phòng\r\nHà Nội,Cụm 3,THPT Đan Phượng,11A2\r\nHà Nội,Cụm 3,THPT Đan Phượng,11A3\r\nHà Nội,,THPT Chu Văn An,Hội trường\r\n",
        );
        assert_eq!(
            paths(&plan),
            [
                "Hà Nội > Cụm 3 > THPT Đan Phượng > 11A2",
                "Hà Nội > Cụm 3 > THPT Đan Phượng > 11A3",
                "Hà Nội > THPT Chu Văn An > Hội trường"
            ]
        );
        assert_eq!((plan.units.len(), plan.bad.len()), (4, 0));
        let levels: Vec<_> = plan.units.iter().map(|unit| unit.level.as_str()).collect();
        assert_eq!(levels, ["Sở", "Cụm trường", "Trường", "Trường"]);
        assert_eq!(paths(&import("Phòng;\n3A;\n3B;\n")), ["3A", "3B"]);
        assert_eq!(paths(&import("Trường\tPhòng\nMèo Vạc\t3A\n")), ["Mèo Vạc > 3A"]);
    }

    #[test]
    fn bad_rows_are_told_by_line_and_good_ones_are_kept() {
        let long = "ấ".repeat(201);
        let plan = import(&format!(
            "Trường,Phòng,Mã\nMèo Vạc,3A,\nMèo Vạc,,\n\nMèo Vạc,3A,\n{long},3B,\nSủng Trà,3C,0000000000009\nSủng Trà,3D,\n"
        ));
        assert_eq!(paths(&plan), ["Mèo Vạc > 3A", "Sủng Trà > 3D"]);
        let bad: Vec<_> = plan.bad.iter().map(|row| (row.line, row.column.as_deref())).collect();
        assert_eq!(bad, [(3, Some("Phòng")), (5, None), (6, Some("Trường")), (7, Some("Mã"))]);
        assert!(plan.bad[1].detail_vi.contains("dòng 2"), "{:?}", plan.bad[1]);
        assert!(plan.units.iter().all(|unit| unit.name != long), "a bad row leaves no unit behind");
    }

    #[test]
    fn what_was_exported_comes_back_unchanged_and_edits_are_followed() {
        let first = import("Sở,Trường,Phòng\nHà Nội,A,1\nHà Nội,B,=2\n,C,3\n");
        let places: BTreeMap<_, _> = first.created.iter().map(|place| (place.id, place.clone())).collect();
        let text = export(&first.all_units, places.values());
        let again = plan(text.as_bytes(), &first.all_units, &places, NOW).expect("a table");
        assert_eq!(
            (again.unchanged, again.created.len(), again.updated.len(), again.units.len()),
            (3, 0, 0, 0)
        );
        assert!(again.bad.is_empty(), "{:?}", again.bad);
        let edited = text.replace("Hà Nội,A,1", "Hà Nội,A,Phòng 1");
        let edited = plan(edited.as_bytes(), &first.all_units, &places, NOW).expect("a table");
        assert_eq!((edited.unchanged, edited.created.len(), edited.updated.len()), (2, 0, 1));
        assert_eq!(edited.updated[0].name, "Phòng 1");
        // Without ids, a room is known by its unit and name.
        let by_name = plan("Sở,Trường,Phòng\nHà Nội,A,1\n".as_bytes(), &first.all_units, &places, NOW)
            .expect("a table");
        assert_eq!((by_name.unchanged, by_name.created.len()), (1, 0));
    }

    #[test]
    fn two_rooms_of_a_school_cannot_get_the_same_name() {
        let first = import("Trường,Phòng\nA,1\nA,2\n");
        let places: BTreeMap<_, _> = first.created.iter().map(|place| (place.id, place.clone())).collect();
        let text = export(&first.all_units, places.values()).replace("A,2,", "A,1,");
        let clash = plan(text.as_bytes(), &first.all_units, &places, NOW).expect("a table");
        assert_eq!((clash.unchanged, clash.updated.len(), clash.bad.len()), (1, 0, 1));
    }

    #[test]
    fn excel_s_unicode_text_is_read_and_other_code_pages_are_named() {
        let text = "Trường\tPhòng\r\nMèo Vạc\t3A\r\n";
        let utf16: Vec<u8> =
            [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let plan = plan(&utf16, &Units::default(), &BTreeMap::new(), NOW).expect("a table");
        assert_eq!(paths(&plan), ["Mèo Vạc > 3A"]);
        for bytes in [&b"Ph\xf2ng\n3A\n"[..], b"", b"\n\n", &[0xff, 0xfe, 0x00]] {
            let refused =
                super::plan(bytes, &Units::default(), &BTreeMap::new(), NOW).map(|plan| plan.created.len());
            assert!(!matches!(refused, Ok(1..)), "{bytes:?}");
        }
    }
}
