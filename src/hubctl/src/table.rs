//! Tables for people: columns two spaces apart, as wide as their widest cell.

use std::io::{self, Write};

/// Writes a table. Rows shorter than the header end early; control characters become `?`.
pub(crate) fn write(out: &mut impl Write, header: &[String], rows: &[Vec<String>]) -> io::Result<()> {
    let lines = || std::iter::once(header).chain(rows.iter().map(Vec::as_slice));
    let mut widths = vec![0; header.len()];
    for line in lines() {
        for (widest, cell) in widths.iter_mut().zip(line) {
            *widest = width(cell).max(*widest);
        }
    }
    for line in lines() {
        let mut text = String::new();
        for (cell, widest) in line.iter().zip(&widths) {
            let plain: String = cell.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
            text.push_str(&pad(&plain, widest + 2));
        }
        writeln!(out, "{}", text.trim_end())?;
    }
    Ok(())
}

/// The text with spaces up to this many columns.
pub(crate) fn pad(text: &str, columns: usize) -> String {
    format!("{text}{:1$}", "", columns.saturating_sub(width(text)))
}

/// How many columns of a terminal a text takes: two for the wide letters of East Asia (Unicode TR 11, by block).
fn width(text: &str) -> usize {
    let wide = |c: char| {
        matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}'
            | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}' | '\u{1f300}'..='\u{1faff}'
            | '\u{20000}'..='\u{3fffd}')
    };
    text.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::write;

    fn table(header: &[&str], rows: &[&[&str]]) -> String {
        let owned = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let rows: Vec<_> = rows.iter().map(|row| owned(row)).collect();
        let mut out = Vec::new();
        assert!(write(&mut out, &owned(header), &rows).is_ok());
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn columns_line_up_and_lines_do_not_end_in_spaces() {
        let text = table(&["USER", "STATE"], &[&["alice", "running"], &["bo", ""], &["christopher", "stopped"]]);
        assert_eq!(text, "USER         STATE\nalice        running\nbo\nchristopher  stopped\n");
    }

    #[test]
    fn wide_letters_take_two_columns() {
        assert_eq!(table(&["用户", "X"], &[&["a", "1"], &["小明", "2"]]), "用户  X\na     1\n小明  2\n");
    }

    #[test]
    fn a_cell_cannot_draw_on_the_terminal() {
        assert_eq!(table(&["A"], &[&["x\u{1b}[2J\ny"]]), "A\nx?[2J?y\n");
    }

    #[test]
    fn a_table_without_rows_is_its_header() {
        assert_eq!(table(&["A", "B"], &[]), "A  B\n");
    }
}
