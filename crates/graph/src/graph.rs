//! Graphs, their inputs and outputs.

use crate::{GraphError, Op, Precision, TensorType};
use std::fmt;
use std::str::FromStr;

/// A value of a graph: inputs first, then one per instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub u32);

impl ValueId {
    /// The value's position among inputs and instructions.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What an input or output of `@main` is for (`SEMANTICS.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// A trained parameter.
    Param,
    /// Optimiser state.
    State,
    /// Running statistics.
    Stat,
    /// Exponential moving average of a parameter.
    Ema,
    /// Input data.
    Data,
    /// Training targets.
    Target,
    /// A random mask drawn by the host.
    Mask,
    /// A hyper-parameter that may change from step to step.
    Hyper,
    /// A gradient.
    Grad,
    /// The loss.
    Loss,
    /// The network's output.
    Logits,
}

impl Role {
    /// Every role, in the order of `SEMANTICS.md`.
    pub const ALL: [Role; 11] = [
        Role::Param,
        Role::State,
        Role::Stat,
        Role::Ema,
        Role::Data,
        Role::Target,
        Role::Mask,
        Role::Hyper,
        Role::Grad,
        Role::Loss,
        Role::Logits,
    ];

    /// The name in the text and the manifest.
    pub fn name(self) -> &'static str {
        match self {
            Role::Param => "param",
            Role::State => "state",
            Role::Stat => "stat",
            Role::Ema => "ema",
            Role::Data => "data",
            Role::Target => "target",
            Role::Mask => "mask",
            Role::Hyper => "hyper",
            Role::Grad => "grad",
            Role::Loss => "loss",
            Role::Logits => "logits",
        }
    }

    /// True for what a step reads and hands on to the next step: parameters,
    /// optimiser state, statistics and moving averages.
    pub fn is_resident(self) -> bool {
        matches!(self, Role::Param | Role::State | Role::Stat | Role::Ema)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Role::ALL.into_iter().find(|r| r.name() == text).ok_or_else(|| {
            let known: Vec<_> = Role::ALL.iter().map(|r| r.name()).collect();
            format!("`{text}` is not a role; the roles are {}", known.join(", "))
        })
    }
}

/// An argument of the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Name, unique among the inputs.
    pub name: String,
    /// Role.
    pub role: Role,
    /// Type.
    pub ty: TensorType,
}

/// A result of the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Name, unique among the outputs.
    pub name: String,
    /// Role.
    pub role: Role,
    /// The value returned.
    pub value: ValueId,
}

/// An op applied to earlier values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// The op.
    pub op: Op,
    /// Its operands.
    pub operands: Vec<ValueId>,
    /// Type of its result.
    pub ty: TensorType,
}

/// A straight-line program over tensors.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Graph {
    /// Arguments; values `0..inputs.len()`.
    pub inputs: Vec<Input>,
    /// Instruction `k` defines value `inputs.len() + k`.
    pub instructions: Vec<Instruction>,
    /// Results, in order.
    pub outputs: Vec<Output>,
}

impl Graph {
    /// Number of values: inputs and instructions.
    pub fn values(&self) -> usize {
        self.inputs.len() + self.instructions.len()
    }

    /// The type of `value`, which must be one of this graph's.
    pub fn ty(&self, value: ValueId) -> &TensorType {
        match value.index().checked_sub(self.inputs.len()) {
            None => &self.inputs[value.index()].ty,
            Some(k) => &self.instructions[k].ty,
        }
    }

    /// The instruction that defines `value`; `None` for an input.
    pub fn definition(&self, value: ValueId) -> Option<&Instruction> {
        value.index().checked_sub(self.inputs.len()).and_then(|k| self.instructions.get(k))
    }

    /// The value instruction `k` defines.
    pub fn result(&self, k: usize) -> ValueId {
        ValueId((self.inputs.len() + k) as u32)
    }

    /// Operand types of an instruction of this graph.
    pub fn operand_types(&self, instruction: &Instruction) -> Vec<&TensorType> {
        instruction.operands.iter().map(|&v| self.ty(v)).collect()
    }

    /// The position of the input called `name`.
    pub fn input(&self, name: &str) -> Option<usize> {
        self.inputs.iter().position(|i| i.name == name)
    }

    /// The position of the output called `name`.
    pub fn output(&self, name: &str) -> Option<usize> {
        self.outputs.iter().position(|o| o.name == name)
    }

    /// The graph with every constant replaced by the one stored at
    /// `precision`. Printing and parsing is the identity on such graphs.
    pub fn rounded(mut self, precision: Precision) -> Result<Self, GraphError> {
        for instruction in &mut self.instructions {
            if !instruction.op.constants_mut().is_empty() {
                instruction.op = instruction.op.clone().rounded(precision)?;
            }
        }
        Ok(self)
    }

    /// The graph without the instructions that no output depends on.
    pub fn without_dead_code(&self) -> Graph {
        let n = self.inputs.len();
        let mut live = vec![false; self.values()];
        for o in &self.outputs {
            live[o.value.index()] = true;
        }
        for (k, i) in self.instructions.iter().enumerate().rev() {
            if live[n + k] {
                i.operands.iter().for_each(|v| live[v.index()] = true);
            }
        }
        let mut renamed: Vec<ValueId> = (0..n as u32).map(ValueId).collect();
        let mut instructions = Vec::new();
        for (k, i) in self.instructions.iter().enumerate() {
            renamed.push(ValueId((n + instructions.len()) as u32));
            if live[n + k] {
                let mut i = i.clone();
                i.operands.iter_mut().for_each(|v| *v = renamed[v.index()]);
                instructions.push(i);
            }
        }
        let mut outputs = self.outputs.clone();
        outputs.iter_mut().for_each(|o| o.value = renamed[o.value.index()]);
        Graph { inputs: self.inputs.clone(), instructions, outputs }
    }
}
