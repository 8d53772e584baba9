//! Tables that spreadsheets open.

use super::log_line;

/// Makes one cell of a CSV file as RFC 4180 has it. A spreadsheet takes a cell that starts with
/// one of `=`, `+`, `-` and `@` for a formula: an apostrophe before it says that it is text.
pub(crate) fn csv_cell(text: &str) -> String {
    let mut line = log_line(text);
    if line
        .trim_start()
        .starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
    {
        line.insert(0, '\'');
    }
    if line.contains(['"', ',', '\r', '\n', ';']) {
        return format!("\"{}\"", line.replace('"', "\"\""));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_stays_one_cell_and_is_no_formula() {
        for (input, want) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("a\r\nb", "a  b"),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "' =1"),
            ("=\"a\",b", "\"'=\"\"a\"\",b\""),
            ("::error::x", "\\::error::x"),
            ("\u{1b}[31m", "\\u{1b}[31m"),
        ] {
            assert_eq!(csv_cell(input), want, "{input:?}");
        }
    }
}
