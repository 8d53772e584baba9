//! What fuzzers call of what recognises the gate's own workflows.

use super::workflow::{local, names};

/// The lines of a workflow.
pub(crate) fn workflow(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for line in text.lines() {
        if let Some(path) = local(line) {
            let inside = !path.as_str().split('/').any(|part| part == "..");
            assert!(inside && !path.as_str().starts_with('/'), "{path}");
        }
    }
    let named = text.to_ascii_lowercase().contains("gatecard");
    assert_eq!(names(data), named, "the name in any case");
}
