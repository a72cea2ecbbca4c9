//! Every op's rule against finite differences and at its kinks.

use cotangent_check::{Options, cases, differentiated, finite_differences, kink_table};
use cotangent_vjp::rule;

#[test]
fn every_case_passes() {
    let cases = cases().unwrap();
    for case in &cases {
        let graph = differentiated(&case.forward, rule).unwrap();
        let inputs = case.inputs(&graph).unwrap();
        let report = finite_differences(&graph, &inputs, &Options::default()).unwrap();
        assert!(report.passed, "{}: {report:#?}", case.name);
    }
}

#[test]
fn names_are_unique() {
    let names: std::collections::HashSet<_> =
        cases().unwrap().into_iter().map(|c| c.name).collect();
    assert_eq!(names.len(), cases().unwrap().len());
}

#[test]
fn every_kink_follows_the_convention() {
    for row in kink_table().unwrap() {
        assert!(row.passed, "{row:?}");
    }
}

#[test]
fn reports_serialise() {
    let case = &cases().unwrap()[0];
    let graph = differentiated(&case.forward, rule).unwrap();
    let inputs = case.inputs(&graph).unwrap();
    let report = finite_differences(&graph, &inputs, &Options::default()).unwrap();
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["tensors"][0]["name"], "x0");
    assert_eq!(json["passed"], true);
    let rows = serde_json::to_value(kink_table().unwrap()).unwrap();
    assert_eq!(rows[0]["op"], "relu");
}
