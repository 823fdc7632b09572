//! Tables that travel as files: CSV that opens right in Excel, here and in the other direction.

pub(crate) mod checks;
pub(crate) mod places;
pub(crate) mod report;

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};

/// Without it Excel reads UTF-8 as the code page of the machine.
const BOM: &str = "\u{feff}";

/// Writes rows as CSV (RFC 4180) with a byte order mark.
pub(crate) fn write<R, C>(rows: impl IntoIterator<Item = R>) -> String
where
    R: IntoIterator<Item = C>,
    C: AsRef<str>,
{
    let mut writer =
        csv::WriterBuilder::new().flexible(true).terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        let cells: Vec<String> = row.into_iter().map(|cell| harmless(cell.as_ref())).collect();
        // Writing into memory does not fail.
        let _ = writer.write_record(&cells);
    }
    let bytes = writer.into_inner().unwrap_or_default();
    format!("{BOM}{}", String::from_utf8_lossy(&bytes))
}

/// A cell that no spreadsheet takes for a formula: a name that somebody typed must not run when it is opened.
fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '@', '\t', '\r'])
        || (cell.starts_with('-') && cell.parse::<f64>().is_err())
    {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

/// A cell as it was before [`harmless`].
fn plain(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '@', '-', '\t', '\r']) => rest,
        _ => cell,
    }
}

/// A file to be saved.
pub(crate) fn download(name: &str, text: String) -> Response {
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (header::CONTENT_DISPOSITION, disposition.unwrap_or(HeaderValue::from_static("attachment"))),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_opens_right_in_excel_and_runs_nothing() {
        let text = write([vec!["Phòng", "Điểm"], vec!["=cmd|' /C calc'!A0", "-3"], vec!["-a \"b\"", "3,5"]]);
        assert_eq!(text, "\u{feff}Phòng,Điểm\r\n'=cmd|' /C calc'!A0,-3\r\n\"'-a \"\"b\"\"\",\"3,5\"\r\n");
        assert_eq!(plain("'=1"), "=1");
        assert_eq!(plain("'Phòng'"), "'Phòng'");
    }
}
