//! Matrix products and convolutions.

use super::{Case, param, plain};
use crate::CheckError;
use cotangent_graph::{ConvDims, DotDims, Op, TensorType};

pub(super) fn cases() -> Result<Vec<Case>, CheckError> {
    let dims = |lb: &[usize], rb: &[usize], lc: &[usize], rc: &[usize]| {
        Op::DotGeneral(DotDims {
            lhs_batch: lb.to_vec(),
            rhs_batch: rb.to_vec(),
            lhs_contracting: lc.to_vec(),
            rhs_contracting: rc.to_vec(),
        })
    };
    let mut cases = vec![
        plain("matrices", dims(&[], &[], &[1], &[0]), &[param(&[2, 3]), param(&[3, 4])])?,
        plain("rows with rows", dims(&[], &[], &[1], &[1]), &[param(&[2, 3]), param(&[4, 3])])?,
        plain("vectors", dims(&[], &[], &[0], &[0]), &[param(&[5]), param(&[5])])?,
        plain("outer", dims(&[], &[], &[], &[]), &[param(&[2, 3]), param(&[4])])?,
        plain("batched", dims(&[0], &[0], &[2], &[1]), &[param(&[2, 3, 4]), param(&[2, 4, 5])])?,
        plain(
            "two batch dimensions in other places",
            dims(&[3, 0], &[1, 2], &[1], &[0]),
            &[param(&[2, 3, 4, 2]), param(&[3, 2, 2, 5])],
        )?,
        plain(
            "two contractions crossed",
            dims(&[1], &[2], &[2, 0], &[0, 3]),
            &[param(&[2, 3, 4, 2]), param(&[4, 2, 3, 2])],
        )?,
    ];
    cases.extend(convolutions()?);
    Ok(cases)
}

/// What to vary of a convolution, image and kernel.
struct Conv {
    what: &'static str,
    image: &'static [usize],
    kernel: &'static [usize],
    strides: &'static [usize],
    padding: &'static [(usize, usize)],
    dilation: &'static [usize],
    groups: usize,
}

const CONVOLUTIONS: [Conv; 9] = {
    let plain = Conv {
        what: "plain",
        image: &[2, 4, 5, 2],
        kernel: &[2, 3, 2, 3],
        strides: &[1, 1],
        padding: &[(0, 0), (0, 0)],
        dilation: &[1, 1],
        groups: 1,
    };
    [
        Conv { what: "strided", strides: &[2, 3], image: &[2, 6, 7, 2], ..plain },
        Conv { what: "padded", padding: &[(1, 0), (2, 1)], ..plain },
        Conv { what: "dilated", dilation: &[2, 2], image: &[1, 5, 6, 2], ..plain },
        Conv { what: "grouped", image: &[1, 4, 4, 4], kernel: &[2, 2, 2, 6], groups: 2, ..plain },
        Conv { what: "depthwise", image: &[1, 4, 4, 3], kernel: &[3, 3, 1, 3], groups: 3, ..plain },
        Conv {
            what: "depthwise with a multiplier, strided, padded, dilated",
            image: &[2, 7, 6, 2],
            kernel: &[3, 2, 1, 4],
            strides: &[2, 1],
            padding: &[(1, 2), (0, 3)],
            dilation: &[2, 3],
            groups: 2,
        },
        Conv {
            what: "one dimension, the last cells unused",
            image: &[2, 8, 2],
            kernel: &[3, 2, 2],
            strides: &[3],
            padding: &[(1, 0)],
            dilation: &[1],
            groups: 1,
        },
        Conv {
            what: "three dimensions",
            image: &[1, 3, 4, 3, 1],
            kernel: &[2, 2, 2, 1, 2],
            strides: &[1, 2, 1],
            padding: &[(0, 0), (1, 1), (0, 1)],
            dilation: &[1, 1, 2],
            groups: 1,
        },
        plain,
    ]
};

fn convolutions() -> Result<Vec<Case>, CheckError> {
    let mut cases = Vec::new();
    for c in CONVOLUTIONS {
        let dims = ConvDims {
            strides: c.strides.to_vec(),
            padding: c.padding.to_vec(),
            dilation: c.dilation.to_vec(),
            groups: c.groups,
        };
        let conv = Op::Conv(dims.clone());
        let types = [TensorType::real(c.image), TensorType::real(c.kernel)];
        let dy = conv.infer(&[&types[0], &types[1]])?.shape;
        let spatial = c.strides.len();
        let input = Op::ConvInputGrad { dims: dims.clone(), input: c.image[1..=spatial].to_vec() };
        let kernel = Op::ConvKernelGrad { dims, kernel: c.kernel[..spatial].to_vec() };
        cases.push(plain(c.what, conv, &[param(c.image), param(c.kernel)])?);
        cases.push(plain(c.what, input, &[param(&dy), param(c.kernel)])?);
        cases.push(plain(c.what, kernel, &[param(c.image), param(&dy)])?);
    }
    Ok(cases)
}
