//! Pointwise activations.

use super::{Plan, Rule};
use crate::elaborate::Scope;
use crate::field::attributes;
use crate::number::Number;
use crate::{Layer, LayerKind};
use cotangent_graph::{Comparison, GraphError, Op, Rational, ValueId};
use serde::{Deserialize, Serialize};

/// The activations by name, where a block takes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `max(x, 0)`
    Relu,
    /// `min(max(x, 0), 6)`
    Relu6,
    /// `x·Φ(x)`
    Gelu,
    /// `x·σ(x)`
    Silu,
    /// `x·hard_sigmoid(x)`
    HardSwish,
    /// `min(max(x + 3, 0), 6) / 6`
    HardSigmoid,
    /// `σ(x)`
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
}

impl Activation {
    /// The layer.
    pub fn layer(self) -> Layer {
        Layer::new(match self {
            Activation::Relu => LayerKind::from(Relu::new()),
            Activation::Relu6 => Relu6::new().into(),
            Activation::Gelu => Gelu::new().into(),
            Activation::Silu => Silu::new().into(),
            Activation::HardSwish => HardSwish::new().into(),
            Activation::HardSigmoid => HardSigmoid::new().into(),
            Activation::Sigmoid => Sigmoid::new().into(),
            Activation::Tanh => Tanh::new().into(),
        })
    }
}

/// Which formula of [`Gelu`], named as in PyTorch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GeluForm {
    /// `x·½(1 + erf(x/√2))`
    None,
    /// `½x(1 + tanh(√(2/π)(x + 0.044715x³)))`
    Tanh,
}

attributes! {
    /// `max(x, 0)`.
    Relu { ; }
}
attributes! {
    /// `min(max(x, 0), 6)` (Howard et al.: *MobileNets*, 2017).
    Relu6 { ; }
}
attributes! {
    /// `x` where `x > 0`, else `slope·x` (Maas et al., 2013).
    LeakyRelu {
        ;
        /// The slope below 0.
        slope: Number = Number::ratio(1, 100),
    }
}
attributes! {
    /// `x` where `x > 0`, else `alpha·(eˣ - 1)` (Clevert et al., 2016).
    Elu {
        ;
        /// α, above 0.
        alpha: Number = Number::from(1),
    }
}
attributes! {
    /// `x·Φ(x)`, Φ the distribution function of the standard normal
    /// (Hendrycks, Gimpel: *Gaussian Error Linear Units*, 2016).
    Gelu {
        ;
        /// The formula.
        approximate: GeluForm = GeluForm::None,
    }
}
attributes! {
    /// `x·σ(x)` (Ramachandran et al.: *Searching for Activation Functions*, 2017).
    Silu { ; }
}
attributes! {
    /// `σ(x) = 1/(1 + e⁻ˣ)`.
    Sigmoid { ; }
}
attributes! {
    /// Hyperbolic tangent.
    Tanh { ; }
}
attributes! {
    /// `log(1 + eˣ)`, finite for every finite `x`.
    Softplus { ; }
}
attributes! {
    /// `x·hard_sigmoid(x)` (Howard et al.: *Searching for MobileNetV3*, 2019).
    HardSwish { ; }
}
attributes! {
    /// `min(max(x + 3, 0), 6) / 6`.
    HardSigmoid { ; }
}

/// A constant with as many digits as f64 needs.
fn decimal(digits: &str) -> Rational {
    digits.parse().unwrap_or_else(|_| Rational::integer(0))
}

fn clamp(low: i64, high: i64) -> Op {
    Op::Clamp { low: Rational::integer(low), high: Rational::integer(high) }
}

fn hard_sigmoid(s: &mut Scope, x: ValueId) -> Result<ValueId, GraphError> {
    let shifted = s.add_constant(x, 3)?;
    let clamped = s.b.push(clamp(0, 6), &[shifted])?;
    let six = s.b.constant_like(6, x)?;
    s.b.div(clamped, six)
}

/// `½x(1 + inner)`
fn gate(s: &mut Scope, x: ValueId, inner: ValueId) -> Result<ValueId, GraphError> {
    let shifted = s.add_constant(inner, 1)?;
    let half = s.b.constant_like(decimal("0.5"), x)?;
    let half = s.b.mul(half, x)?;
    s.b.mul(half, shifted)
}

/// A layer that keeps its input's shape and has no parameters.
macro_rules! pointwise {
    ($kind:ident, |$layer:ident, $s:ident, $x:ident| $emit:expr, $check:expr) => {
        impl Rule for $kind {
            fn plan(&self, input: &[usize], _: &[Vec<usize>]) -> Result<Plan, String> {
                let check: fn(&$kind) -> Result<(), String> = $check;
                check(self)?;
                Ok(Plan::new(input))
            }

            fn emit(
                &self,
                $s: &mut Scope,
                $x: ValueId,
                _: &[ValueId],
            ) -> Result<ValueId, GraphError> {
                let $layer = self;
                $emit
            }

            fn trick(&self) -> &'static str {
                "diagonal"
            }
        }
    };
    ($kind:ident, |$layer:ident, $s:ident, $x:ident| $emit:expr) => {
        pointwise!($kind, |$layer, $s, $x| $emit, |_| Ok(()));
    };
}

pointwise!(Relu, |_layer, s, x| s.b.push(Op::Relu, &[x]));
pointwise!(Relu6, |_layer, s, x| s.b.push(clamp(0, 6), &[x]));
pointwise!(LeakyRelu, |layer, s, x| {
    let zero = s.b.constant_like(0, x)?;
    let positive = s.b.compare(Comparison::Gt, x, zero)?;
    let scaled = s.mul_constant(x, layer.slope.exact().clone())?;
    s.b.select(positive, x, scaled)
});
pointwise!(
    Elu,
    |layer, s, x| s.b.push(Op::Elu { alpha: layer.alpha.exact().clone() }, &[x]),
    |layer| match layer.alpha.to_f64() > 0.0 {
        true => Ok(()),
        false => Err("`alpha` must be above 0".into()),
    }
);
pointwise!(Gelu, |layer, s, x| match layer.approximate {
    GeluForm::None => {
        let scaled = s.mul_constant(x, decimal("0.70710678118654752440084436210485"))?;
        let erf = s.b.push(Op::Erf, &[scaled])?;
        gate(s, x, erf)
    }
    GeluForm::Tanh => {
        let square = s.b.mul(x, x)?;
        let cube = s.b.mul(square, x)?;
        let cubic = s.mul_constant(cube, decimal("0.044715"))?;
        let inner = s.b.add(x, cubic)?;
        let inner = s.mul_constant(inner, decimal("0.79788456080286535587989211986876"))?;
        let tanh = s.b.push(Op::Tanh, &[inner])?;
        gate(s, x, tanh)
    }
});
pointwise!(Silu, |_layer, s, x| {
    let gate = s.b.push(Op::Logistic, &[x])?;
    s.b.mul(x, gate)
});
pointwise!(Sigmoid, |_layer, s, x| s.b.push(Op::Logistic, &[x]));
pointwise!(Tanh, |_layer, s, x| s.b.push(Op::Tanh, &[x]));
pointwise!(Softplus, |_layer, s, x| s.b.push(Op::Softplus, &[x]));
pointwise!(HardSwish, |_layer, s, x| {
    let gate = hard_sigmoid(s, x)?;
    s.b.mul(x, gate)
});
pointwise!(HardSigmoid, |_layer, s, x| hard_sigmoid(s, x));
