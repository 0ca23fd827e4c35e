//! Tables of numbers from elsewhere: comma-separated, a line of names first, plain or gzipped. A mistake is told with its file, line and
//! column.

use crate::hint::{Hinted, WithHint};
use flate2::read::MultiGzDecoder;
use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

/// No table here has longer lines.
const LONGEST_LINE: u64 = 64 * 1024;

/// A table that is read line by line.
pub(super) struct Table {
    name: String,
    lines: Box<dyn BufRead>,
    columns: Vec<usize>,
    line: usize,
}

/// The wanted fields of one line.
pub(super) struct Row<'a> {
    fields: Vec<String>,
    wanted: &'a [&'a str],
    place: String,
}

impl Table {
    /// Opens `path` and finds the columns `wanted` by their names; others are passed over.
    pub(super) fn open(path: &Path, wanted: &[&str]) -> Result<Self, Hinted> {
        let name = path.display().to_string();
        let file = File::open(path).hint(
            format!("can't open {name}"),
            format!("give a readable CSV file with the columns {}", wanted.join(", ")),
        )?;
        let mut file = BufReader::new(file);
        let is_gzip = file.fill_buf().is_ok_and(|start| start.starts_with(&[0x1f, 0x8b]));
        let lines: Box<dyn BufRead> =
            if is_gzip { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) };
        Self::read(name, lines, wanted)
    }

    /// The same of what was opened already.
    pub(super) fn read(name: String, lines: Box<dyn BufRead>, wanted: &[&str]) -> Result<Self, Hinted> {
        let mut table = Self { name, lines, columns: Vec::new(), line: 0 };
        let header = table.text()?.unwrap_or_default();
        let names: Vec<&str> = header.trim_start_matches('\u{feff}').split(',').map(str::trim).collect();
        for column in wanted {
            let at = names.iter().position(|name| name == column).ok_or_else(|| {
                Hinted::new(
                    format!("{}, line 1: there is no column `{column}` among `{header}`", table.name),
                    format!("the first line names the columns; needed are {}", wanted.join(", ")),
                )
            })?;
            table.columns.push(at);
        }
        Ok(table)
    }

    /// The next line that is not empty.
    pub(super) fn next<'a>(&mut self, wanted: &'a [&'a str]) -> Result<Option<Row<'a>>, Hinted> {
        let text = loop {
            match self.text()? {
                None => return Ok(None),
                Some(text) if text.trim().is_empty() => {}
                Some(text) => break text,
            }
        };
        let place = format!("{}, line {}", self.name, self.line);
        let all: Vec<&str> = text.split(',').map(str::trim).collect();
        let fields = self.columns.iter().map(|&at| all.get(at).map(|&field| field.to_owned())).collect::<Option<_>>();
        let fields = fields.ok_or_else(|| {
            let what = format!("{place}: it has {} columns, too few for `{}`", all.len(), wanted.join("`, `"));
            Hinted::new(what, "is the file cut off? Every line has as many columns as the first")
        })?;
        Ok(Some(Row { fields, wanted, place }))
    }

    fn text(&mut self) -> Result<Option<String>, Hinted> {
        self.line += 1;
        let what = || format!("can't read {}, line {}", self.name, self.line);
        let mut bytes = Vec::new();
        let read = self.lines.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut bytes);
        let length = read.hint(what(), "is the file whole, and text or gzip?")?;
        if length == 0 {
            return Ok(None);
        }
        if length as u64 == LONGEST_LINE {
            return Err(Hinted::new(format!("{}: the line does not end", what()), "a CSV file of numbers is expected"));
        }
        let text = String::from_utf8(bytes).hint(what(), "a CSV file of numbers is expected, plain or gzipped")?;
        Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
    }
}

impl Row<'_> {
    /// The field of the `index`th wanted column, read by `parse`; `shape` says what it should be.
    pub(super) fn field<T>(
        &self,
        index: usize,
        shape: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, Hinted> {
        let text = self.fields.get(index).map_or("", String::as_str);
        parse(text).ok_or_else(|| {
            let column = self.wanted.get(index).copied().unwrap_or_default();
            self.wrong(&format!("`{column}` is `{text}`, which is not {shape}"), "correct the line, or leave it out")
        })
    }

    /// An error at this line.
    pub(super) fn wrong(&self, what: &str, hint: &str) -> Hinted {
        Hinted::new(format!("{}: {what}", self.place), hint)
    }
}
