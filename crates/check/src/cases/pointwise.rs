//! Functions of single elements.

use super::{Case, built, data, number, param, plain, positive};
use crate::CheckError;
use cotangent_graph::{Comparison, Op};

pub(super) fn cases() -> Result<Vec<Case>, CheckError> {
    let s: &[usize] = &[2, 3];
    let mut cases = vec![
        plain("", Op::Add, &[param(s), param(s)])?,
        plain("", Op::Sub, &[param(s), param(s)])?,
        plain("", Op::Mul, &[param(s), param(s)])?,
        plain("", Op::Div, &[param(s), positive(s)])?,
        built("both operands alike", "multiply", &[param(s)], |b, v| b.mul(v[0], v[0]))?,
        built("three paths meet", "add", &[param(s)], |b, v| {
            let square = b.mul(v[0], v[0])?;
            let sum = b.add(square, v[0])?;
            b.add(sum, v[0])
        })?,
        plain("", Op::Neg, &[param(s)])?,
        plain("", Op::Exp, &[param(s)])?,
        plain("", Op::Log, &[positive(s)])?,
        plain("", Op::Sqrt, &[positive(s)])?,
        plain("", Op::Relu, &[param(&[4, 5])])?,
        built("", "select", &[param(&[4, 5]), param(&[4, 5])], |b, v| {
            let p = b.compare(Comparison::Gt, v[0], v[1])?;
            let square = b.mul(v[0], v[0])?;
            b.select(p, square, v[1])
        })?,
        built("by data", "select", &[data(&[4, 5]), param(&[4, 5]), param(&[4, 5])], |b, v| {
            let zero = b.constant_like(0, v[0])?;
            let p = b.compare(Comparison::Ge, v[0], zero)?;
            b.select(p, v[1], v[2])
        })?,
    ];
    let wide: &[usize] = &[4, 5];
    for op in [Op::Tanh, Op::Logistic, Op::Erf, Op::ErfGrad, Op::Softplus, Op::Abs] {
        cases.push(plain("", op.clone(), &[param(wide)])?);
        cases.push(scaled("far from 0", op.clone(), wide)?);
        cases.push(plain("a scalar", op, &[param(&[])])?);
    }
    cases.push(plain("", Op::Rsqrt, &[positive(s)])?);
    cases.push(plain("a scalar", Op::Rsqrt, &[positive(&[])])?);
    for alpha in ["1", "1/2", "3", "-1/2", "0"] {
        let op = Op::Elu { alpha: number(alpha)? };
        cases.push(plain(&format!("α = {alpha}"), op, &[param(wide)])?);
    }
    cases.push(scaled("far from 0", Op::Elu { alpha: number("2/3")? }, wide)?);
    for (low, high) in [("0", "6"), ("-1", "1"), ("-3", "-1"), ("1/3", "1e9")] {
        let op = Op::Clamp { low: number(low)?, high: number(high)? };
        cases.push(scaled(&format!("{low} to {high}"), op, &[6, 7])?);
    }
    cases.push(plain("", Op::Maximum, &[param(wide), param(wide)])?);
    cases.push(plain("with data", Op::Maximum, &[param(wide), data(wide)])?);
    cases.push(built("of both operands alike", "maximum", &[param(wide)], |b, v| {
        b.push(Op::Maximum, &[v[0], v[0]])
    })?);
    cases.push(built("of a function of the other", "maximum", &[param(wide)], |b, v| {
        let square = b.mul(v[0], v[0])?;
        b.push(Op::Maximum, &[square, v[0]])
    })?);
    Ok(cases)
}

/// `op` at arguments in -8..8.
fn scaled(what: &str, op: Op, shape: &[usize]) -> Result<Case, CheckError> {
    built(what, op.name(), &[param(shape)], |b, v| {
        let eight = b.constant_like(8, v[0])?;
        let a = b.mul(eight, v[0])?;
        b.push(op, &[a])
    })
}
