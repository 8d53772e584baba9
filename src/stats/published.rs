//! What `docs/statistics.md` shows of the functions: tables and the curve.

use super::non_inferiority::{self, blocked};
use super::power::{cases_needed, visible_drop};

const ALPHA: f64 = 0.05;
const DISCORDANCES: [f64; 3] = [0.1, 0.2, 0.4];
const CASES: [u64; 8] = [20, 50, 100, 200, 500, 1_000, 2_000, 10_000];

/// A row for each label, a cell for each discordance.
fn rows<T: Copy>(
    of: &[T],
    label: impl Fn(T) -> String,
    cell: impl Fn(T, f64) -> String,
) -> Vec<Vec<String>> {
    let cells = |each: &T| DISCORDANCES.map(|discordance| cell(*each, discordance));
    let row = |each: &T| [vec![label(*each)], cells(each).to_vec()].concat();
    of.iter().map(row).collect()
}

/// Cases by discordance: the smallest visible drop in points.
pub(crate) fn visible() -> Vec<Vec<String>> {
    let cell = |n, discordance| {
        visible_drop(n, discordance, ALPHA)
            .map_or(String::from("none"), |drop| format!("{:.1}", drop * 100.0))
    };
    rows(&CASES, |n| n.to_string(), cell)
}

/// Drop by discordance: the cases that show it.
pub(crate) fn needed() -> Vec<Vec<String>> {
    let cell = |drop, discordance| {
        cases_needed(drop, discordance, ALPHA).map_or(String::new(), |n| n.to_string())
    };
    rows(&[0.2, 0.15, 0.1, 0.05, 0.03, 0.02, 0.01], points, cell)
}

/// Margin by discordance: the share of harmless changes that 200 cases block, and the cases that
/// bring it down to a fifth.
pub(crate) fn margins() -> Vec<Vec<String>> {
    let cell = |margin, discordance| {
        let share = 100.0 * blocked(200, discordance, margin, ALPHA);
        let cases = non_inferiority::cases_needed(margin, discordance, ALPHA);
        format!(
            "{share:.0} %, {}",
            cases.map_or(String::new(), |n| n.to_string())
        )
    };
    rows(&[0.1, 0.05, 0.03, 0.02, 0.01], points, cell)
}

fn points(share: f64) -> String {
    format!("{:.0}", share * 100.0)
}

/// The curve of the smallest visible drop over the cases. Colours of middle brightness on no
/// background, so that it can be read on a light page and on a dark one.
fn curve() -> String {
    let across = |n: f64| 50.0 + 430.0 * (n / 20.0).log10() / 2.0;
    let down = |drop: f64| 270.0 - 500.0 * drop;
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 600 320\" width=\"600\" height=\"320\" \
         font-family=\"sans-serif\" font-size=\"12\" fill=\"#808890\">\n\
         <title>Smallest visible drop over the number of cases</title>\n",
    );
    for drop in [0.0, 0.1, 0.2, 0.3, 0.4, 0.5] {
        let y = down(drop);
        svg.push_str(&format!(
            "<path d=\"M50 {y:.0}H480\" stroke=\"#808890\" stroke-opacity=\".35\"/>\
             <text x=\"42\" y=\"{:.0}\" text-anchor=\"end\">{}</text>\n",
            y + 4.0,
            points(drop)
        ));
    }
    for n in [20, 50, 100, 200, 500, 1_000, 2_000] {
        let x = across(f64::from(n));
        svg.push_str(&format!(
            "<text x=\"{x:.0}\" y=\"288\" text-anchor=\"middle\">{n}</text>\n"
        ));
    }
    svg.push_str(
        "<text x=\"50\" y=\"12\">smallest visible drop, points</text>\
         <text x=\"265\" y=\"310\" text-anchor=\"middle\">cases</text>\n",
    );
    for (discordance, colour) in DISCORDANCES
        .into_iter()
        .zip(["#2f81f7", "#bf7d00", "#d1477f"])
    {
        let mut line = String::new();
        let mut last = 0.0;
        for step in 0..=40 {
            let n = (20.0 * 10.0_f64.powf(f64::from(step) / 20.0)).round();
            let drop = visible_drop(format!("{n}").parse().unwrap(), discordance, ALPHA).unwrap();
            last = down(drop);
            let command = if step == 0 { 'M' } else { 'L' };
            line.push_str(&format!("{command}{:.1} {last:.1}", across(n)));
        }
        svg.push_str(&format!(
            "<path d=\"{line}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <text x=\"486\" y=\"{:.0}\" fill=\"{colour}\">{} % discordant</text>\n",
            last + 4.0,
            points(discordance)
        ));
    }
    svg.push_str("</svg>\n");
    svg
}

#[test]
fn the_curve_of_the_docs_is_that_of_the_code() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/images/power.svg");
    let want = curve();
    if option_env!("UPDATE_DOCS").is_some() {
        crate::files::write_atomic(&path, want.as_bytes()).unwrap();
    }
    let found = crate::files::read_bounded(&path, 1 << 20).unwrap();
    assert!(
        found == want.as_bytes(),
        "docs/images/power.svg: run UPDATE_DOCS=1 cargo test docs"
    );
}
