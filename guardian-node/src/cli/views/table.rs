//! Columns, as wide as what stands in them.

use crate::cli::output;

/// Lines of a table with these heads.
pub(super) fn lines(heads: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let width = |column: usize, head: &str| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([head.chars().count()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = heads.iter().enumerate().map(|(column, head)| width(column, head)).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells.zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let head = line(&mut heads.iter().copied());
    std::iter::once(head).chain(rows.iter().map(|row| line(&mut row.iter().map(String::as_str)))).collect()
}

/// Prints it; where there is no row, `nothing` is said instead.
pub(super) fn print(heads: &[&str], rows: &[Vec<String>], nothing: &str) {
    if rows.is_empty() {
        output::talk(nothing);
    } else {
        lines(heads, rows).iter().for_each(|line| output::data(line));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_cells_and_lines_end_with_text() {
        let rows =
            [vec!["1".to_owned(), "ü".to_owned(), String::new()], vec!["22".to_owned(), String::new(), "x".to_owned()]];
        assert_eq!(lines(&["N", "NAME", "Z"], &rows), ["N   NAME  Z", "1   ü", "22        x"]);
    }
}
