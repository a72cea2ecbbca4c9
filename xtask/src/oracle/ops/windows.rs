//! Sums and maxima over windows.

use super::{Draw, Sides, Spec, spec};
use cotangent_graph::{Op, Window};
use serde_json::json;

pub(super) fn specs() -> Vec<Spec> {
    let mut specs = Vec::new();
    let over = |size: [usize; 2], stride: [usize; 2], p: Sides| {
        (
            vec![1, size[0], size[1], 1],
            vec![1, stride[0], stride[1], 1],
            vec![(0, 0), p[0], p[1], (0, 0)],
        )
    };
    let all = (vec![2, 3, 2, 2], vec![1, 1, 2, 1], vec![(0, 1), (1, 0), (0, 0), (0, 1)]);
    for (what, (size, strides, padding)) in [
        ("apart", over([2, 2], [2, 2], [(0, 0); 2])),
        ("with_gaps", over([2, 1], [3, 2], [(0, 0); 2])),
        ("overlapping", over([3, 2], [1, 1], [(0, 0); 2])),
        ("overlapping_padded", over([3, 3], [2, 1], [(1, 2), (2, 0)])),
        ("over_all_dimensions", all),
    ] {
        let attrs = json!({ "window": size, "stride": strides, "padding": padding });
        let window = Window { size, strides, padding };
        let shape: &[usize] = &[2, 6, 7, 3];
        let (sum, max) = (Op::WindowSum(window.clone()), Op::MaxPool(window));
        specs.push(spec(what, "window_sum", sum, &[shape], attrs.clone()));
        specs.push(spec(what, "max_pool", max.clone(), &[shape], attrs.clone()));
        let ties = format!("{what}_ties");
        specs.push(spec(&ties, "max_pool", max, &[shape], attrs).drawn(Draw::Kinks));
    }
    specs
}
