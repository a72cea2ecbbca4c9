//! Matrix products and convolutions.

use super::{Sides, Spec, spec};
use cotangent_graph::{ConvDims, DotDims, Op};
use serde_json::json;

pub(super) fn specs() -> Vec<Spec> {
    let dot = |what,
               lb: &[usize],
               rb: &[usize],
               lc: &[usize],
               rc: &[usize],
               l: &[usize],
               r: &[usize]| {
        let dims = DotDims {
            lhs_batch: lb.to_vec(),
            rhs_batch: rb.to_vec(),
            lhs_contracting: lc.to_vec(),
            rhs_contracting: rc.to_vec(),
        };
        let attrs = json!({
            "lhs_batching": lb, "rhs_batching": rb, "lhs_contracting": lc, "rhs_contracting": rc,
        });
        spec(what, "dot_general", Op::DotGeneral(dims), &[l, r], attrs)
    };
    let mut specs = vec![
        dot("matrices", &[], &[], &[1], &[0], &[3, 4], &[4, 5]),
        dot("rows_with_rows", &[], &[], &[1], &[1], &[3, 4], &[5, 4]),
        dot("columns", &[], &[], &[0], &[0], &[4, 3], &[4, 5]),
        dot("vectors", &[], &[], &[0], &[0], &[6], &[6]),
        dot("outer", &[], &[], &[], &[], &[2, 3], &[4]),
        dot("batched", &[0], &[0], &[2], &[1], &[2, 3, 4], &[2, 4, 5]),
        dot(
            "batch_dimensions_elsewhere",
            &[3, 0],
            &[1, 2],
            &[1],
            &[0],
            &[2, 3, 4, 5],
            &[3, 5, 2, 2],
        ),
        dot("two_contractions_crossed", &[1], &[2], &[2, 0], &[0, 3], &[2, 3, 4, 2], &[4, 2, 3, 2]),
    ];
    specs.extend(convolutions());
    specs
}

fn convolutions() -> Vec<Spec> {
    let conv =
        |what, image: [usize; 4], kernel: [usize; 4], s: [usize; 2], p: Sides, d: [usize; 2], g| {
            let dims = ConvDims {
                strides: s.to_vec(),
                padding: p.to_vec(),
                dilation: d.to_vec(),
                groups: g,
            };
            let attrs = json!({ "stride": s, "padding": p, "dilation": d, "groups": g });
            spec(what, "convolution", Op::Conv(dims), &[&image, &kernel], attrs)
        };
    let (one, none) = ([1, 1], [(0, 0); 2]);
    vec![
        conv("plain", [2, 5, 6, 3], [3, 2, 3, 4], one, none, one, 1),
        conv("same", [2, 5, 6, 3], [3, 3, 3, 4], one, [(1, 1); 2], one, 1),
        conv("strided", [2, 6, 7, 2], [2, 3, 2, 3], [2, 3], none, one, 1),
        conv("padded", [2, 4, 5, 2], [2, 3, 2, 3], one, [(1, 0), (2, 1)], one, 1),
        conv("padded_beyond_the_kernel", [1, 3, 3, 1], [2, 2, 1, 2], one, [(3, 2), (0, 4)], one, 1),
        conv("dilated", [1, 6, 7, 2], [2, 3, 2, 3], one, none, [2, 2], 1),
        conv("strided_last_cells_unused", [1, 8, 9, 1], [2, 3, 1, 2], [3, 4], none, one, 1),
        conv("pointwise_strided", [2, 5, 5, 3], [1, 1, 3, 4], [2, 2], none, one, 1),
        conv("grouped", [2, 4, 5, 4], [2, 2, 2, 6], one, [(1, 0), (0, 1)], one, 2),
        conv("depthwise", [2, 5, 5, 3], [3, 3, 1, 3], one, [(1, 1); 2], one, 3),
        conv(
            "depthwise_multiplier_everything",
            [2, 7, 6, 2],
            [3, 2, 1, 4],
            [2, 1],
            [(1, 2), (0, 3)],
            [2, 3],
            2,
        ),
        conv(
            "grouped_strided_dilated",
            [2, 9, 8, 6],
            [3, 2, 2, 9],
            [2, 3],
            [(2, 1), (1, 2)],
            [1, 2],
            3,
        ),
    ]
}
