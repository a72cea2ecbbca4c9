//! `from_text(to_text(p))` is `p`, constants rounded.

mod cases;

use cases::program;
use cotangent_graph::Precision;
use cotangent_stablehlo::Program;

const BOTH: [Precision; 2] = [Precision::F32, Precision::F64];

#[test]
fn every_op() {
    for (name, graph) in cases::all() {
        for precision in BOTH {
            let p = program(graph.clone(), precision);
            let text = p.to_text().unwrap();
            let back = Program::from_text(&text).unwrap_or_else(|e| panic!("{name}: {e}\n{text}"));
            assert_eq!(back.graph, graph.clone().rounded(precision).unwrap(), "{name}\n{text}");
            assert_eq!(back.to_text().unwrap(), text, "{name}");
        }
    }
}
