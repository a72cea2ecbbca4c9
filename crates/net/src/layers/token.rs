//! Layers on tokens, `[tokens, features]`.

use super::{Plan, Rule, positive, tokens};
use crate::Init;
use crate::elaborate::Scope;
use crate::field::attributes;
use cotangent_graph::{GraphError, ValueId};

attributes! {
    /// A learned token in front of the others (Devlin et al., 2019;
    /// Dosovitskiy et al., 2021).
    ClassToken { ; }
}
attributes! {
    /// A learned vector added to each token.
    PositionEmbedding { ; }
}
attributes! {
    /// One token, as a vector.
    SelectToken {
        ;
        /// Which, from 0.
        index: usize = 0,
    }
}
attributes! {
    /// A learned vector per symbol: the product of one-hot tokens
    /// `[tokens, symbols]` with a table `[symbols, features]`.
    Embedding {
        /// Length of the vectors.
        features: usize,
        ;
    }
}

/// Of class tokens and embeddings (Dosovitskiy et al., 2021).
const NORMAL: Init = Init::TruncatedNormal { std: 0.02 };

impl Rule for ClassToken {
    fn plan(&self, input: &[usize], _: &[Vec<usize>]) -> Result<Plan, String> {
        let [count, features] = tokens(input)?;
        Ok(Plan::new([count + 1, features]).param("weight", [features], NORMAL))
    }

    fn emit(&self, s: &mut Scope, x: ValueId, _: &[ValueId]) -> Result<ValueId, GraphError> {
        let (shape, token) = (s.b.shape(x).to_vec(), s.param(0)?);
        let token = s.b.broadcast(token, &[shape[0], 1, shape[2]], &[2])?;
        s.b.concatenate(&[token, x], 1)
    }

    fn trick(&self) -> &'static str {
        "binary selection"
    }
}

impl Rule for PositionEmbedding {
    fn plan(&self, input: &[usize], _: &[Vec<usize>]) -> Result<Plan, String> {
        Ok(Plan::new(input).param("weight", tokens(input)?, NORMAL))
    }

    fn emit(&self, s: &mut Scope, x: ValueId, _: &[ValueId]) -> Result<ValueId, GraphError> {
        let offset = s.param(0)?;
        s.add_bias(x, offset)
    }

    fn trick(&self) -> &'static str {
        "additive fan-in"
    }
}

impl Rule for SelectToken {
    fn plan(&self, input: &[usize], _: &[Vec<usize>]) -> Result<Plan, String> {
        let [count, features] = tokens(input)?;
        if self.index >= count {
            return Err(format!(
                "`index` is {}, but there are {count} tokens; the last is {}",
                self.index,
                count - 1
            ));
        }
        Ok(Plan::new([features]))
    }

    fn emit(&self, s: &mut Scope, x: ValueId, _: &[ValueId]) -> Result<ValueId, GraphError> {
        let shape = s.b.shape(x).to_vec();
        let token = s.b.slice_in_dim(x, 1, self.index, self.index + 1)?;
        s.b.reshape(token, &[shape[0], shape[2]])
    }

    fn trick(&self) -> &'static str {
        "binary selection"
    }
}

impl Rule for Embedding {
    fn plan(&self, input: &[usize], _: &[Vec<usize>]) -> Result<Plan, String> {
        let [count, symbols] = tokens(input)?;
        let features = positive("features", self.features)?;
        Ok(Plan::new([count, features])
            .param("weight", [symbols, features], NORMAL)
            .macs(&[count, symbols, features]))
    }

    fn emit(&self, s: &mut Scope, x: ValueId, _: &[ValueId]) -> Result<ValueId, GraphError> {
        let table = s.param(0)?;
        s.b.matmul(x, table)
    }

    fn trick(&self) -> &'static str {
        "outer product"
    }
}
