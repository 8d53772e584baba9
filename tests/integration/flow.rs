//! The whole flow on one small repository.

use crate::harness::Passing;

#[test]
fn a_change_with_fresh_evidence_passes() {
    let passing = Passing::new();
    let ran = passing.check().exits(0);
    assert_eq!(ran.json()["verdict"], "pass");
    assert_eq!(ran.gate("max_regression"), "pass no-drop-seen");
}

#[test]
fn a_second_run_prints_the_same_bytes() {
    let passing = Passing::new();
    assert_eq!(passing.check().out, passing.check().out);
}
