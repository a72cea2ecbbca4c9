//! The shape rule of every op.

use crate::attributes::slide;
use crate::{ConvDims, DotDims, GraphError, Op, Rational, TensorType, Window};

impl Op {
    /// The result type, or why the operands do not fit. An accepted op has
    /// positive dimensions throughout and an element count that fits a `usize`.
    pub fn infer(&self, operands: &[&TensorType]) -> Result<TensorType, GraphError> {
        if operands.len() != self.arity() {
            return Err(GraphError::Arity {
                op: self.name(),
                found: operands.len(),
                expected: self.arity(),
            });
        }
        let result = shape_rule(self, operands)
            .map_err(|reason| GraphError::Type { op: self.name(), reason })?;
        match result.checked_len() {
            Some(n) if n > 0 && n <= isize::MAX as usize / 8 => Ok(result),
            _ => Err(GraphError::Type {
                op: self.name(),
                reason: format!("the result {result} is empty or too large to address"),
            }),
        }
    }
}

fn shape_rule(op: &Op, operands: &[&TensorType]) -> Result<TensorType, String> {
    if matches!(op, Op::Select) {
        expect(!operands[0].is_real(), || {
            format!("the first operand is {}, expected pred", operands[0])
        })?;
    }
    let reals = if matches!(op, Op::Select) { &operands[1..] } else { operands };
    for (k, t) in reals.iter().enumerate() {
        expect(t.is_real(), || format!("operand {k} is {t}, expected reals"))?;
    }
    let shape = |k: usize| operands[k].shape.as_slice();
    match op {
        Op::Constant { shape, .. } => Ok(TensorType::real(shape.clone())),
        Op::Neg
        | Op::Exp
        | Op::Log
        | Op::Sqrt
        | Op::Rsqrt
        | Op::Tanh
        | Op::Logistic
        | Op::Erf
        | Op::ErfGrad
        | Op::Softplus
        | Op::Elu { .. }
        | Op::Relu
        | Op::Abs => Ok(operands[0].clone()),
        Op::Clamp { low, high } => {
            expect(low < high, || format!("the bounds {low} and {high} are not in order"))?;
            Ok(operands[0].clone())
        }
        Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Maximum => {
            same(shape(0), shape(1))?;
            Ok(operands[0].clone())
        }
        Op::Compare(_) => {
            same(shape(0), shape(1))?;
            Ok(TensorType::pred(shape(0)))
        }
        Op::Select => {
            same(shape(0), shape(1))?;
            same(shape(1), shape(2))?;
            Ok(operands[1].clone())
        }
        Op::DotGeneral(dims) => dot_general(dims, shape(0), shape(1)),
        Op::Conv(dims) => conv(dims, shape(0), shape(1)),
        Op::ConvInputGrad { dims, input } => {
            let (dy, kernel) = (shape(0), shape(1));
            expect(kernel.len() == input.len() + 2 && dy.len() == kernel.len(), || {
                format!(
                    "cotangent {dy:?} and kernel {kernel:?} do not match spatial sizes {input:?}"
                )
            })?;
            let mut image = vec![dy[0]];
            image.extend(input);
            image.push(kernel[input.len()].saturating_mul(dims.groups));
            let forward = conv(dims, &image, kernel)?;
            same(&forward.shape, dy)?;
            Ok(TensorType::real(image))
        }
        Op::ConvKernelGrad { dims, kernel } => {
            let (image, dy) = (shape(0), shape(1));
            expect(image.len() == kernel.len() + 2 && dy.len() == image.len(), || {
                format!("image {image:?} and cotangent {dy:?} do not match kernel sizes {kernel:?}")
            })?;
            let channels = image[image.len() - 1];
            expect(dims.groups > 0 && channels % dims.groups == 0, || {
                format!("{channels} input features do not divide into {} groups", dims.groups)
            })?;
            let mut weight = kernel.clone();
            weight.extend([channels / dims.groups, dy[dy.len() - 1]]);
            let forward = conv(dims, image, &weight)?;
            same(&forward.shape, dy)?;
            Ok(TensorType::real(weight))
        }
        Op::BroadcastInDim { shape: result, dims } => {
            increasing(dims, result.len())?;
            let wanted: Vec<usize> = dims.iter().map(|&d| result[d]).collect();
            same(shape(0), &wanted)?;
            Ok(TensorType::real(result.clone()))
        }
        Op::ReduceSum { dims } => {
            increasing(dims, operands[0].rank())?;
            let kept = (0..operands[0].rank()).filter(|d| !dims.contains(d));
            Ok(TensorType::real(kept.map(|d| shape(0)[d]).collect::<Vec<_>>()))
        }
        Op::Transpose { permutation } => {
            let mut seen = permutation.clone();
            seen.sort_unstable();
            expect(seen.iter().copied().eq(0..operands[0].rank()), || {
                format!("{permutation:?} is not a permutation of {} dimensions", operands[0].rank())
            })?;
            Ok(TensorType::real(permutation.iter().map(|&d| shape(0)[d]).collect::<Vec<_>>()))
        }
        Op::Slice { starts, limits, strides } => {
            slice(shape(0), starts, limits, strides).map(TensorType::real)
        }
        Op::Pad { low, high, interior } => pad(shape(0), low, high, interior).map(TensorType::real),
        Op::Concatenate { dim, .. } => concatenate(*dim, operands).map(TensorType::real),
        Op::WindowSum(w) => window(w, shape(0)).map(TensorType::real),
        Op::WindowSumGrad { window: w, input } => {
            same(&window(w, input)?, shape(0))?;
            Ok(TensorType::real(input.clone()))
        }
        Op::Reshape { shape: result } => {
            let (from, to) = (operands[0].len(), TensorType::real(result.clone()).checked_len());
            expect(Some(from) == to, || {
                format!("{:?} has {from} elements, {result:?} has not", shape(0))
            })?;
            Ok(TensorType::real(result.clone()))
        }
        Op::MaxPool(w) => {
            let result = window(w, shape(0))?;
            every_window_has_a_cell(w, shape(0), &result)?;
            Ok(TensorType::real(result))
        }
        Op::MaxPoolGrad(w) => {
            let result = window(w, shape(0))?;
            every_window_has_a_cell(w, shape(0), &result)?;
            same(&result, shape(1))?;
            Ok(operands[0].clone())
        }
        Op::Variance { dims } => {
            averaged(dims, operands[0])?;
            let kept = (0..operands[0].rank()).filter(|d| !dims.contains(d));
            Ok(TensorType::real(kept.map(|d| shape(0)[d]).collect::<Vec<_>>()))
        }
        Op::Normalize { dims, eps } => {
            averaged(dims, operands[0])?;
            expect(*eps > Rational::integer(0), || format!("ε is {eps}, expected above 0"))?;
            Ok(operands[0].clone())
        }
        Op::Softmax => {
            expect(operands[0].rank() >= 1, || "a scalar has no last dimension".into())?;
            Ok(operands[0].clone())
        }
        Op::SoftmaxCrossEntropy => {
            expect(operands[0].rank() >= 1, || "a scalar has no classes".into())?;
            same(shape(0), shape(1))?;
            Ok(TensorType::real([]))
        }
    }
}

fn expect(holds: bool, reason: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(reason()) }
}

fn same(a: &[usize], b: &[usize]) -> Result<(), String> {
    expect(a == b, || format!("shapes {a:?} and {b:?} differ"))
}

fn increasing(dims: &[usize], rank: usize) -> Result<(), String> {
    let ordered = dims.windows(2).all(|w| w[0] < w[1]);
    expect(ordered && dims.iter().all(|&d| d < rank), || {
        format!("dimensions {dims:?} are not increasing and below rank {rank}")
    })
}

/// Means divide by a count that f32 holds exactly.
fn averaged(dims: &[usize], a: &TensorType) -> Result<(), String> {
    increasing(dims, a.rank())?;
    let count = dims.iter().fold(1usize, |n, &d| n.saturating_mul(a.shape[d]));
    expect(!dims.is_empty() && count <= 1 << 24, || {
        format!("a mean over {count} elements, expected some dimensions and at most 2^24 elements")
    })
}

fn slice(
    a: &[usize],
    starts: &[usize],
    limits: &[usize],
    strides: &[usize],
) -> Result<Vec<usize>, String> {
    let rank = a.len();
    expect([starts.len(), limits.len(), strides.len()] == [rank; 3], || {
        format!(
            "starts, limits and strides have {}, {} and {} entries, the operand {a:?} has rank {rank}",
            starts.len(),
            limits.len(),
            strides.len()
        )
    })?;
    (0..rank)
        .map(|d| {
            let (start, limit) = (starts[d], limits[d]);
            expect(start < limit && limit <= a[d] && strides[d] > 0, || {
                format!(
                    "dimension {d}: {start} to {limit} by {} is not a slice of {} elements",
                    strides[d], a[d]
                )
            })?;
            Ok((limit - start).div_ceil(strides[d]))
        })
        .collect()
}

fn pad(
    a: &[usize],
    low: &[usize],
    high: &[usize],
    interior: &[usize],
) -> Result<Vec<usize>, String> {
    let rank = a.len();
    expect([low.len(), high.len(), interior.len()] == [rank; 3], || {
        format!(
            "low, high and interior have {}, {} and {} entries, the operand {a:?} has rank {rank}",
            low.len(),
            high.len(),
            interior.len()
        )
    })?;
    (0..rank)
        .map(|d| {
            let between = a[d].saturating_sub(1).checked_mul(interior[d]);
            between
                .and_then(|n| n.checked_add(a[d])?.checked_add(low[d])?.checked_add(high[d]))
                .ok_or_else(|| format!("dimension {d}: the padded size is too large to address"))
        })
        .collect()
}

fn concatenate(dim: usize, operands: &[&TensorType]) -> Result<Vec<usize>, String> {
    let Some((first, others)) = operands.split_first() else {
        return Err("there is nothing to concatenate".into());
    };
    let mut shape = first.shape.clone();
    expect(dim < shape.len(), || format!("{first} has no dimension {dim}"))?;
    for t in others {
        let fits = t.rank() == shape.len()
            && (0..shape.len()).all(|d| d == dim || t.shape[d] == first.shape[d]);
        expect(fits, || format!("{first} and {t} do not agree in every dimension but {dim}"))?;
        shape[dim] = shape[dim].saturating_add(t.shape[dim]);
    }
    Ok(shape)
}

fn dot_general(dims: &DotDims, lhs: &[usize], rhs: &[usize]) -> Result<TensorType, String> {
    let check = |batch: &[usize], contracting: &[usize], rank: usize| {
        let mut all: Vec<usize> = batch.iter().chain(contracting).copied().collect();
        all.sort_unstable();
        increasing(&all, rank)
    };
    check(&dims.lhs_batch, &dims.lhs_contracting, lhs.len())?;
    check(&dims.rhs_batch, &dims.rhs_contracting, rhs.len())?;
    let sizes =
        |shape: &[usize], dims: &[usize]| dims.iter().map(|&d| shape[d]).collect::<Vec<_>>();
    for (l, r) in
        [(&dims.lhs_batch, &dims.rhs_batch), (&dims.lhs_contracting, &dims.rhs_contracting)]
    {
        let (a, b) = (sizes(lhs, l), sizes(rhs, r));
        expect(a == b, || {
            format!("lhs {lhs:?} and rhs {rhs:?}: paired dimensions {l:?} and {r:?} differ in size")
        })?;
    }
    let mut shape = sizes(lhs, &dims.lhs_batch);
    shape.extend(sizes(lhs, &DotDims::free(lhs.len(), &dims.lhs_batch, &dims.lhs_contracting)));
    shape.extend(sizes(rhs, &DotDims::free(rhs.len(), &dims.rhs_batch, &dims.rhs_contracting)));
    Ok(TensorType::real(shape))
}

fn conv(dims: &ConvDims, image: &[usize], kernel: &[usize]) -> Result<TensorType, String> {
    let spatial = dims.strides.len();
    expect(dims.padding.len() == spatial && dims.dilation.len() == spatial, || {
        format!(
            "strides, padding and dilation have {spatial}, {} and {} entries, expected as many each",
            dims.padding.len(),
            dims.dilation.len()
        )
    })?;
    expect(image.len() == spatial + 2 && kernel.len() == spatial + 2, || {
        format!(
            "image {image:?} and kernel {kernel:?}, expected rank {} for {spatial} spatial dimensions",
            spatial + 2
        )
    })?;
    let positive = dims.strides.iter().chain(&dims.dilation).all(|&n| n > 0) && dims.groups > 0;
    expect(positive, || "strides, dilation and groups must be at least 1".into())?;
    let (inputs, per_group, outputs) = (image[spatial + 1], kernel[spatial], kernel[spatial + 1]);
    expect(inputs % dims.groups == 0 && inputs / dims.groups == per_group, || {
        format!(
            "the image has {inputs} features in {} groups, but the kernel takes {per_group} a group",
            dims.groups
        )
    })?;
    expect(outputs % dims.groups == 0, || {
        format!("{outputs} output features do not divide into {} groups", dims.groups)
    })?;
    let mut shape = vec![image[0]];
    for d in 0..spatial {
        let (n, k) = (image[d + 1], kernel[d]);
        shape.push(slide(n, k, dims.strides[d], dims.padding[d], dims.dilation[d]).ok_or_else(|| {
            format!("spatial dimension {d}: a kernel of {k} (dilation {}) does not fit {n} cells with padding {:?}",
                dims.dilation[d], dims.padding[d])
        })?);
    }
    shape.push(outputs);
    Ok(TensorType::real(shape))
}

fn window(w: &Window, input: &[usize]) -> Result<Vec<usize>, String> {
    let rank = input.len();
    expect(w.size.len() == rank && w.strides.len() == rank && w.padding.len() == rank, || {
        format!("the window has {} dimensions, the operand {input:?} has {rank}", w.size.len())
    })?;
    (0..rank)
        .map(|d| {
            expect(w.size[d] > 0 && w.strides[d] > 0, || {
                "window sizes and strides must be at least 1".into()
            })?;
            slide(input[d], w.size[d], w.strides[d], w.padding[d], 1).ok_or_else(|| {
                format!(
                    "dimension {d}: a window of {} does not fit {} cells with padding {:?}",
                    w.size[d], input[d], w.padding[d]
                )
            })
        })
        .collect()
}

fn every_window_has_a_cell(w: &Window, input: &[usize], result: &[usize]) -> Result<(), String> {
    for d in 0..input.len() {
        let (low, _) = w.padding[d];
        let last = (result[d] - 1) * w.strides[d];
        expect(low < w.size[d] && last < input[d] + low, || {
            format!(
                "dimension {d}: with padding {:?} some window of {} lies wholly in the padding",
                w.padding[d], w.size[d]
            )
        })?;
    }
    Ok(())
}
