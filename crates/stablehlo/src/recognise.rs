//! Private functions to ops, by their bodies.
//!
//! The body's characteristic instruction suggests an op, and its attributes
//! and the signature that op's attributes. The suggestion is then lowered, and
//! the function accepted only if the two agree instruction by instruction; so
//! nothing here has to be trusted.

use crate::ast::{
    Attribute, Binary, Function, Instr, Literal, Operation, Pad, ReduceWindow, Slice, Unary,
};
use crate::body::PADDING_HIGH;
use crate::interface::refuse_unknown;
use crate::lower::private_function;
use crate::{ParseError, print};
use cotangent_graph::{ConvDims, Op, Precision, Rational, TensorType, Window};

/// The op whose body `function` has, at `precision`.
pub(crate) fn recognise(function: &Function, precision: Precision) -> Result<Op, ParseError> {
    let unknown = |found: String| {
        ParseError::unexpected(
            function.at,
            format!("@{}, {found}", function.name),
            "a body that prints relu, clamp, elu, softplus, erf_grad, variance, normalize, softmax, \
             softmax_cross_entropy, conv_input_grad, conv_kernel_grad, window_sum_grad or \
             max_pool_grad",
        )
    };
    let highs = padding_high(function)?;
    let Some(op) = suggest(function, highs.as_deref()) else {
        return Err(unknown("which is the body of no op".into()));
    };
    for argument in &function.arguments {
        refuse_unknown(&argument.attributes, &[], function.at)?;
    }
    let arguments: Vec<TensorType> = function.arguments.iter().map(|a| a.ty.tensor()).collect();
    op.infer(&arguments.iter().collect::<Vec<_>>())
        .map_err(|e| unknown(format!("which resembles {}, but {e}", op.name())))?;
    let types: Vec<_> = function.arguments.iter().map(|a| a.ty.clone()).collect();
    // Lowering computes with the argument types as stated: they have to be of
    // the program's precision, which comparing the bodies would not notice.
    let element = crate::ast::Element::real(precision);
    if let Some(ty) = types.iter().find(|t| t.element != element) {
        let expected = format!("arguments of {}", element.name());
        return Err(ParseError::unexpected(function.at, ty.to_string(), expected));
    }
    let lowered = private_function(&op, &types, precision)
        .map_err(|source| ParseError::Limit { at: function.at, source })?;
    match lowered {
        Some(wanted) => compare(function, &wanted, op.name()).map(|()| op),
        None => Err(unknown("which is the body of no op".into())),
    }
}

/// Fails at the first instruction in which the bodies differ.
fn compare(found: &Function, wanted: &Function, op: &'static str) -> Result<(), ParseError> {
    let differ = |at, index, found_text: String, expected: String| {
        let function = found.name.clone();
        Err(ParseError::Body { at, function, op, index, found: found_text, expected })
    };
    let text = |k: usize, f: &Function| match f.body.get(k) {
        Some(i) => print::instruction(k, i),
        None => print::returned(&f.returns),
    };
    let length = found.body.len().max(wanted.body.len());
    for k in 0..length {
        if found.body.get(k) != wanted.body.get(k) {
            let at = found.body.get(k).map_or(found.at, |i| i.at);
            return differ(at, k, text(k, found), text(k, wanted));
        }
    }
    if found.returns != wanted.returns || found.results != wanted.results {
        return differ(found.at, length, text(length, found), text(length, wanted));
    }
    Ok(())
}

/// The value of [`PADDING_HIGH`], the only attribute a private function has.
fn padding_high(function: &Function) -> Result<Option<Vec<i64>>, ParseError> {
    let mut highs = None;
    for (name, value) in &function.attributes {
        match value {
            Attribute::Integers(list) if name == PADDING_HIGH => highs = Some(list.clone()),
            _ => {
                let (found, expected) =
                    (format!("attribute `{name}`"), format!("`{PADDING_HIGH} = array<i64: ..>`"));
                return Err(ParseError::unexpected(function.at, found, expected));
            }
        }
    }
    Ok(highs)
}

fn suggest(f: &Function, highs: Option<&[i64]>) -> Option<Op> {
    let has = |wanted: fn(&Operation) -> bool| f.body.iter().any(|i| wanted(&i.operation));
    if has(|o| matches!(o, Operation::Convolution(_))) {
        return conv_input_grad(f, highs).or_else(|| conv_kernel_grad(f, highs));
    }
    if has(|o| matches!(o, Operation::Slice(_))) {
        return max_pool_grad(f);
    }
    if has(|o| matches!(o, Operation::ReduceWindow(..))) {
        return window_sum_grad(f, highs);
    }
    if has(|o| *o == Operation::Binary(Binary::Atan2)) {
        return Some(Op::ErfGrad);
    }
    if has(|o| *o == Operation::Unary(Unary::LogPlusOne)) {
        return Some(Op::Softplus);
    }
    if has(|o| *o == Operation::Unary(Unary::ExponentialMinusOne)) {
        return constant(f, 1).map(|alpha| Op::Elu { alpha });
    }
    if has(|o| *o == Operation::Binary(Binary::Minimum)) {
        return Some(Op::Clamp { low: constant(f, 0)?, high: constant(f, 1)? });
    }
    if has(|o| *o == Operation::Unary(Unary::Log)) {
        return Some(Op::SoftmaxCrossEntropy);
    }
    if has(|o| *o == Operation::Unary(Unary::Exponential)) {
        return Some(Op::Softmax);
    }
    if has(|o| *o == Operation::Binary(Binary::Maximum)) {
        return Some(Op::Relu);
    }
    let dims = first(f, |i| match &i.operation {
        Operation::Reduce(_, dims) => Some(dims.clone()),
        _ => None,
    })?;
    if has(|o| *o == Operation::Unary(Unary::Rsqrt)) {
        // The constants: where the sums start, N, ε. A sum has its own start.
        return constant(f, 3).map(|eps| Op::Normalize { dims, eps });
    }
    Some(Op::Variance { dims })
}

/// The `k`-th constant of the body.
fn constant(f: &Function, k: usize) -> Option<Rational> {
    let mut constants = f.body.iter().filter_map(|i| match &i.operation {
        Operation::Constant(Literal::Finite(value)) => Some(value),
        _ => None,
    });
    constants.nth(k).cloned()
}

/// The first instruction of which `pick` makes something.
fn first<'a, T>(f: &'a Function, pick: impl Fn(&'a Instr) -> Option<T>) -> Option<T> {
    f.body.iter().find_map(pick)
}

fn shape(slots: &[crate::ast::Slot], k: usize) -> Option<&[usize]> {
    slots.get(k).map(|s| s.ty.shape.as_slice())
}

/// (low, high) padding of dimension `d` of a forward op: low as computed, high
/// as the attribute says or else the least that makes room for `out` windows.
fn padding(low: i128, stated: Option<&[i64]>, d: usize, least: i128) -> Option<(usize, usize)> {
    let high = match stated {
        Some(list) => i128::from(*list.get(d)?),
        None => least.max(0),
    };
    Some((usize::try_from(low).ok()?, usize::try_from(high).ok()?))
}

/// Cells from the first to the last of `n` cells spaced `step` apart. The
/// factors are below 2^63 each, so this fits.
fn span(n: usize, step: usize) -> Option<i128> {
    (n as i128 - 1).checked_mul(step as i128)?.checked_add(1)
}

fn conv_input_grad(f: &Function, highs: Option<&[i64]>) -> Option<Op> {
    let c = first(f, |i| match &i.operation {
        Operation::Convolution(c) if c.batch_groups == 1 && c.lhs.first() == c.result.first() => {
            Some(c)
        }
        _ => None,
    })?;
    let (cotangent, kernel, image) =
        (shape(&f.arguments, 0)?, shape(&f.arguments, 1)?, shape(&f.results, 0)?);
    let input = image.get(1..image.len().checked_sub(1)?)?.to_vec();
    let mut pairs = Vec::new();
    for (d, &n) in input.iter().enumerate() {
        let reach = span(*kernel.get(d)?, *c.rhs_dilation.get(d)?)?;
        let low = reach - 1 - i128::from(c.padding.get(d)?.0);
        let read = span(*cotangent.get(d + 1)?, *c.lhs_dilation.get(d)?)?.checked_add(reach)? - 1;
        pairs.push(padding(low, highs, d, read - n as i128 - low)?);
    }
    let dims = ConvDims {
        strides: c.lhs_dilation.clone(),
        padding: pairs,
        dilation: c.rhs_dilation.clone(),
        groups: c.feature_groups,
    };
    Some(Op::ConvInputGrad { dims, input })
}

fn conv_kernel_grad(f: &Function, highs: Option<&[i64]>) -> Option<Op> {
    let c = first(f, |i| match &i.operation {
        Operation::Convolution(c) => Some(c),
        _ => None,
    })?;
    let (image, cotangent, weight) =
        (shape(&f.arguments, 0)?, shape(&f.arguments, 1)?, shape(&f.results, 0)?);
    let kernel = weight.get(..weight.len().checked_sub(2)?)?.to_vec();
    let mut pairs = Vec::new();
    for (d, &k) in kernel.iter().enumerate() {
        let low = i128::from(c.padding.get(d)?.0);
        let read = span(k, *c.strides.get(d)?)?
            .checked_add(span(*cotangent.get(d + 1)?, *c.rhs_dilation.get(d)?)?)?
            - 1;
        pairs.push(padding(low, highs, d, read - *image.get(d + 1)? as i128 - low)?);
    }
    let dims = ConvDims {
        strides: c.rhs_dilation.clone(),
        padding: pairs,
        dilation: c.strides.clone(),
        groups: c.batch_groups,
    };
    Some(Op::ConvKernelGrad { dims, kernel })
}

fn pads(i: &Instr) -> Option<&Pad> {
    match &i.operation {
        Operation::Pad(pad) => Some(pad),
        _ => None,
    }
}

fn window_sum_grad(f: &Function, highs: Option<&[i64]>) -> Option<Op> {
    let pad = first(f, pads)?;
    let slide: &ReduceWindow = first(f, |i| match &i.operation {
        Operation::ReduceWindow(_, w) => Some(w),
        _ => None,
    })?;
    let (cotangent, input) = (shape(&f.arguments, 0)?, shape(&f.results, 0)?);
    let strides: Vec<usize> =
        pad.interior.iter().map(|&n| n.checked_add(1)).collect::<Option<_>>()?;
    let mut pairs = Vec::new();
    for (d, &n) in input.iter().enumerate() {
        let size = *slide.size.get(d)? as i128;
        let low = size - 1 - i128::from(*pad.low.get(d)?);
        let read = span(*cotangent.get(d)?, *strides.get(d)?)?.checked_add(size)? - 1;
        pairs.push(padding(low, highs, d, read - n as i128 - low)?);
    }
    let window = Window { size: slide.size.clone(), strides, padding: pairs };
    Some(Op::WindowSumGrad { window, input: input.to_vec() })
}

fn max_pool_grad(f: &Function) -> Option<Op> {
    let pad = first(f, pads)?;
    let slices: Vec<&Slice> = f
        .body
        .iter()
        .filter_map(|i| match &i.operation {
            Operation::Slice(slice) => Some(slice),
            _ => None,
        })
        .collect();
    // One slice per cell of the window, then the one that undoes the padding.
    let cells = slices.len().checked_sub(1)?;
    let last = slices.get(cells.checked_sub(1)?)?;
    let size: Vec<usize> = last.starts.iter().map(|&n| n.checked_add(1)).collect::<Option<_>>()?;
    // The suggestion must not have a longer body than the one being read.
    if size.iter().try_fold(1usize, |n, &k| n.checked_mul(k)) != Some(cells) {
        return None;
    }
    let both = pad.low.iter().zip(&pad.high);
    let padding = both
        .map(|(&low, &high)| Some((usize::try_from(low).ok()?, usize::try_from(high).ok()?)))
        .collect::<Option<_>>()?;
    Some(Op::MaxPoolGrad(Window { size, strides: last.strides.clone(), padding }))
}
