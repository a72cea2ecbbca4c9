//! StableHLO syntax as data, one constructor per form of the text.
//!
//! Values are named by position, so two functions that differ only in names
//! and layout are equal.

use crate::Position;
use cotangent_graph::{ElementType, Precision, Rational, TensorType};

/// `module @name attributes {..} { functions }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// Symbol name, without `@`.
    pub name: String,
    /// Attributes, in the order printed.
    pub attributes: Vec<(String, Attribute)>,
    /// Functions, in the order printed.
    pub functions: Vec<Function>,
}

/// `func.func public @name(..) -> .. attributes {..} { body; return .. }`
#[derive(Debug, Clone)]
pub struct Function {
    /// Symbol name, without `@`.
    pub name: String,
    /// `public`, otherwise `private`.
    pub public: bool,
    /// Arguments.
    pub arguments: Vec<Slot>,
    /// Results.
    pub results: Vec<Slot>,
    /// Attributes.
    pub attributes: Vec<(String, Attribute)>,
    /// Instructions; the `k`-th defines [`Value::Result`]`(k)`.
    pub body: Vec<Instr>,
    /// Operands of `return`.
    pub returns: Vec<Operand>,
    /// Where it begins in the text it was parsed from.
    pub at: Position,
}

/// Layout does not count: the position is left out.
impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.public == other.public
            && self.arguments == other.arguments
            && self.results == other.results
            && self.attributes == other.attributes
            && self.body == other.body
            && self.returns == other.returns
    }
}

impl Eq for Function {}

/// An argument or a result: a type and attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Type.
    pub ty: Type,
    /// Attributes.
    pub attributes: Vec<(String, Attribute)>,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attribute {
    /// `"text"`
    String(String),
    /// `n : i64`
    Integer(i64),
    /// `array<i64: n, ..>`
    Integers(Vec<i64>),
}

/// `tensor<2x3xf32>`
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Type {
    /// Dimension sizes.
    pub shape: Vec<usize>,
    /// Element type.
    pub element: Element,
}

/// Element types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Element {
    /// `f32`
    F32,
    /// `f64`
    F64,
    /// `i1`
    I1,
}

impl Element {
    /// As the text spells it.
    pub fn name(self) -> &'static str {
        match self {
            Element::F32 => "f32",
            Element::F64 => "f64",
            Element::I1 => "i1",
        }
    }

    /// The element type of reals at `precision`.
    pub fn real(precision: Precision) -> Self {
        match precision {
            Precision::F32 => Element::F32,
            Precision::F64 => Element::F64,
        }
    }
}

impl Type {
    /// A graph type at `precision`.
    pub fn new(ty: &TensorType, precision: Precision) -> Self {
        let element = match ty.element {
            ElementType::Real => Element::real(precision),
            ElementType::Pred => Element::I1,
        };
        Type { shape: ty.shape.clone(), element }
    }

    /// The graph type, whatever the precision.
    pub fn tensor(&self) -> TensorType {
        let element = match self.element {
            Element::F32 | Element::F64 => ElementType::Real,
            Element::I1 => ElementType::Pred,
        };
        TensorType { shape: self.shape.clone(), element }
    }

    /// The same element type under another shape.
    pub(crate) fn with_shape(&self, shape: impl Into<Vec<usize>>) -> Self {
        Type { shape: shape.into(), element: self.element }
    }
}

/// A value inside a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Value {
    /// `%argN`
    Argument(usize),
    /// `%N`, the result of instruction `N`.
    Result(usize),
}

/// A value used, with the type the text states for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operand {
    /// The value.
    pub value: Value,
    /// Its type.
    pub ty: Type,
}

/// `%k = operation operands : types`
#[derive(Debug, Clone)]
pub struct Instr {
    /// What is applied.
    pub operation: Operation,
    /// To what.
    pub operands: Vec<Operand>,
    /// The result's type.
    pub ty: Type,
    /// Where it begins in the text it was parsed from.
    pub at: Position,
}

/// Layout does not count: the position is left out.
impl PartialEq for Instr {
    fn eq(&self, other: &Self) -> bool {
        self.operation == other.operation && self.operands == other.operands && self.ty == other.ty
    }
}

impl Eq for Instr {}

/// A StableHLO op with its attributes, or a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// `stablehlo.constant dense<literal>`, a splat.
    Constant(Literal),
    /// `stablehlo.negate` and the like.
    Unary(Unary),
    /// `stablehlo.add` and the like.
    Binary(Binary),
    /// `stablehlo.compare`
    Compare(Direction),
    /// `stablehlo.select`
    Select,
    /// `stablehlo.dot_general`
    DotGeneral(DotGeneral),
    /// `stablehlo.convolution`
    Convolution(Box<Convolution>),
    /// `stablehlo.broadcast_in_dim`: where each operand dimension goes.
    BroadcastInDim(Vec<usize>),
    /// `stablehlo.reduce` of operand 0 from the initial value, operand 1.
    Reduce(Reducer, Vec<usize>),
    /// `stablehlo.reduce_window` of operand 0 from the initial value, operand 1.
    ReduceWindow(Reducer, ReduceWindow),
    /// `stablehlo.pad` of operand 0 with operand 1.
    Pad(Pad),
    /// `stablehlo.slice`
    Slice(Slice),
    /// `stablehlo.concatenate` along this dimension.
    Concatenate(usize),
    /// `stablehlo.transpose`: result dimension `k` is operand dimension `[k]`.
    Transpose(Vec<usize>),
    /// `stablehlo.reverse` of these dimensions.
    Reverse(Vec<usize>),
    /// `stablehlo.reshape`
    Reshape,
    /// `call @name`
    Call(String),
}

/// The splat of a constant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// The exact number that the element type stores.
    Finite(Rational),
    /// `-inf`, the neutral element of maximum.
    NegInfinity,
}

/// A literal as the text writes it; see [`Literal::written`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The decimal of `numerator / 2^bits`.
    Decimal {
        /// In lowest terms.
        numerator: i64,
        /// At most 8.
        bits: u32,
    },
    /// `0x` and the bits of the float.
    Pattern(u64),
}

/// Elementwise ops of one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unary {
    /// `stablehlo.negate`
    Negate,
    /// `stablehlo.exponential`
    Exponential,
    /// `stablehlo.exponential_minus_one`
    ExponentialMinusOne,
    /// `stablehlo.log`
    Log,
    /// `stablehlo.log_plus_one`
    LogPlusOne,
    /// `stablehlo.sqrt`
    Sqrt,
    /// `stablehlo.rsqrt`
    Rsqrt,
    /// `stablehlo.tanh`
    Tanh,
    /// `stablehlo.logistic`
    Logistic,
    /// `stablehlo.abs`
    Abs,
    /// `chlo.erf`; StableHLO has no error function.
    Erf,
}

impl Unary {
    /// All of them.
    pub const ALL: [Unary; 11] = [
        Unary::Negate,
        Unary::Exponential,
        Unary::ExponentialMinusOne,
        Unary::Log,
        Unary::LogPlusOne,
        Unary::Sqrt,
        Unary::Rsqrt,
        Unary::Tanh,
        Unary::Logistic,
        Unary::Abs,
        Unary::Erf,
    ];

    /// As the text spells it.
    pub fn name(self) -> &'static str {
        match self {
            Unary::Negate => "stablehlo.negate",
            Unary::Exponential => "stablehlo.exponential",
            Unary::ExponentialMinusOne => "stablehlo.exponential_minus_one",
            Unary::Log => "stablehlo.log",
            Unary::LogPlusOne => "stablehlo.log_plus_one",
            Unary::Sqrt => "stablehlo.sqrt",
            Unary::Rsqrt => "stablehlo.rsqrt",
            Unary::Tanh => "stablehlo.tanh",
            Unary::Logistic => "stablehlo.logistic",
            Unary::Abs => "stablehlo.abs",
            Unary::Erf => "chlo.erf",
        }
    }
}

/// Elementwise ops of two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    /// `stablehlo.add`
    Add,
    /// `stablehlo.subtract`
    Subtract,
    /// `stablehlo.multiply`
    Multiply,
    /// `stablehlo.divide`
    Divide,
    /// `stablehlo.maximum`
    Maximum,
    /// `stablehlo.minimum`
    Minimum,
    /// `stablehlo.atan2`
    Atan2,
}

impl Binary {
    /// All of them.
    pub const ALL: [Binary; 7] = [
        Binary::Add,
        Binary::Subtract,
        Binary::Multiply,
        Binary::Divide,
        Binary::Maximum,
        Binary::Minimum,
        Binary::Atan2,
    ];

    /// As the text spells it.
    pub fn name(self) -> &'static str {
        match self {
            Binary::Add => "stablehlo.add",
            Binary::Subtract => "stablehlo.subtract",
            Binary::Multiply => "stablehlo.multiply",
            Binary::Divide => "stablehlo.divide",
            Binary::Maximum => "stablehlo.maximum",
            Binary::Minimum => "stablehlo.minimum",
            Binary::Atan2 => "stablehlo.atan2",
        }
    }
}

/// Comparison directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// `EQ`
    Eq,
    /// `GT`
    Gt,
    /// `GE`
    Ge,
}

impl Direction {
    /// All of them.
    pub const ALL: [Direction; 3] = [Direction::Eq, Direction::Gt, Direction::Ge];

    /// As the text spells it.
    pub fn name(self) -> &'static str {
        match self {
            Direction::Eq => "EQ",
            Direction::Gt => "GT",
            Direction::Ge => "GE",
        }
    }
}

/// What a reduction folds with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reducer {
    /// `stablehlo.add`, from 0.
    Add,
    /// `stablehlo.maximum`, from `-inf`.
    Maximum,
}

impl Reducer {
    /// All of them.
    pub const ALL: [Reducer; 2] = [Reducer::Add, Reducer::Maximum];

    /// As the text spells it, without `stablehlo.`.
    pub fn name(self) -> &'static str {
        match self {
            Reducer::Add => "add",
            Reducer::Maximum => "maximum",
        }
    }

    /// The neutral element, from which every reduction starts.
    pub fn init(self) -> Literal {
        match self {
            Reducer::Add => Literal::Finite(Rational::integer(0)),
            Reducer::Maximum => Literal::NegInfinity,
        }
    }
}

/// `batching_dims = lhs x rhs, contracting_dims = lhs x rhs`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DotGeneral {
    /// Batch dimensions of lhs and rhs.
    pub batching: (Vec<usize>, Vec<usize>),
    /// Contracting dimensions of lhs and rhs.
    pub contracting: (Vec<usize>, Vec<usize>),
}

/// What a dimension of a convolution's operand or result is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dim {
    /// `b`
    Batch,
    /// `f`
    Feature,
    /// `i`, input features of the kernel.
    Input,
    /// `o`, output features of the kernel.
    Output,
    /// `0`, `1`, ..
    Spatial(usize),
}

/// Attributes of `stablehlo.convolution`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Convolution {
    /// Dimension numbers of lhs.
    pub lhs: Vec<Dim>,
    /// Dimension numbers of the kernel.
    pub rhs: Vec<Dim>,
    /// Dimension numbers of the result.
    pub result: Vec<Dim>,
    /// `stride`
    pub strides: Vec<usize>,
    /// `pad`, (low, high); negative padding crops.
    pub padding: Vec<(i64, i64)>,
    /// `lhs_dilate`
    pub lhs_dilation: Vec<usize>,
    /// `rhs_dilate`
    pub rhs_dilation: Vec<usize>,
    /// `batch_group_count`
    pub batch_groups: usize,
    /// `feature_group_count`
    pub feature_groups: usize,
}

/// Attributes of `stablehlo.reduce_window`; no dilation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReduceWindow {
    /// `window_dimensions`
    pub size: Vec<usize>,
    /// `window_strides`
    pub strides: Vec<usize>,
    /// `padding`, (low, high).
    pub padding: Vec<(i64, i64)>,
}

/// Attributes of `stablehlo.pad`; negative padding crops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pad {
    /// `low`
    pub low: Vec<i64>,
    /// `high`
    pub high: Vec<i64>,
    /// `interior`
    pub interior: Vec<usize>,
}

/// `[start:limit:stride, ..]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// First index per dimension.
    pub starts: Vec<usize>,
    /// First index beyond, per dimension.
    pub limits: Vec<usize>,
    /// Stride per dimension.
    pub strides: Vec<usize>,
}
