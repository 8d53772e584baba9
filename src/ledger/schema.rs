//! The fields of every kind of entry, for the docs: read from the source that defines them.

/// The files that define entries.
const SOURCES: [&str; 2] = [include_str!("entry.rs"), include_str!("verdict.rs")];

/// Structs whose name is not what the docs call them.
const NAMES: [(&str, &str); 4] = [
    ("Entry", "every entry"),
    ("About", "every entry"),
    ("HeadSeen", "`head-seen`"),
    ("Review", "`approve`, `dismiss`, `stale`"),
];

/// Structs that stand inside another one.
const PARTS: [(&str, &str); 20] = [
    ("PolicyAt", "`policy`"),
    ("Account", "`actor`, `reviewer`"),
    ("Workflow", "`workflow`"),
    ("PromptAt", "`head-seen`: `prompts[]`"),
    ("Approved", "reviews: `subjects[]`"),
    ("Merged", "`merge`: `prompts[]`"),
    ("MergedFile", "`merge`: `files[]`"),
    ("Change", "`verdict`: `changes[]`"),
    ("Evals", "`verdict`: `changes[].evals[]`"),
    ("File", "`verdict`: `files[]`"),
    ("Category", "`verdict`: `categories[]`"),
    ("Earned", "`verdict`: `categories[].checks[]`"),
    ("Outcome", "`verdict`: `outcomes[]`"),
    ("Measured", "`verdict`: `outcomes[].measured`"),
    ("Comparison", "`verdict`: `comparisons[]`"),
    ("Coverage", "`verdict`: `coverage`"),
    ("FieldCount", "`verdict`: `coverage.fields[]`"),
    ("Evidence", "`verdict`: `evidence[]`"),
    ("Approval", "`verdict`: `approvals[]`"),
    ("Draft", ""),
];

/// Rows of place, field, meaning.
pub(crate) fn rows() -> Vec<Vec<String>> {
    SOURCES.iter().flat_map(|source| fields(source)).collect()
}

fn fields(source: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let (mut place, mut doc, mut renamed) = (String::new(), String::new(), None);
    for line in source.lines() {
        let line = line.trim();
        if let Some(words) = line.strip_prefix("/// ") {
            doc = if doc.is_empty() {
                words.to_owned()
            } else {
                format!("{doc} {words}")
            };
        } else if let Some(rest) = line.split("rename = \"").nth(1) {
            renamed = rest.split('"').next().map(str::to_owned);
        } else if let Some(rest) = line.strip_prefix("pub(crate) struct ") {
            place = named(rest.trim_end_matches(" {"));
            doc.clear();
        } else if let Some((field, _)) = line
            .strip_prefix("pub(crate) ")
            .and_then(|rest| rest.split_once(':'))
            && !place.is_empty()
            && !["about", "body"].contains(&field)
        {
            let key = renamed.take().unwrap_or_else(|| field.to_owned());
            rows.push(vec![
                place.clone(),
                format!("`{key}`"),
                std::mem::take(&mut doc),
            ]);
        } else if !line.starts_with('#') {
            doc.clear();
        }
        if line == "}" || line.starts_with("impl") {
            place.clear();
        }
    }
    rows
}

fn named(name: &str) -> String {
    let known = NAMES.iter().chain(&PARTS);
    match known.into_iter().find(|(known, _)| *known == name) {
        Some((_, words)) => (*words).to_owned(),
        None => format!("`{}`", name.to_lowercase()),
    }
}
