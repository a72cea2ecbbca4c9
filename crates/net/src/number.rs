//! Constants in a specification.

use cotangent_graph::Rational;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// A constant as written, exactly: `1e-5` is 1/100000. It reads and writes as
/// a TOML number.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Number(Rational);

impl Number {
    /// `numerator / denominator`; zero if the denominator is.
    pub fn ratio(numerator: i64, denominator: i64) -> Self {
        Number(Rational::new(numerator, denominator).unwrap_or_else(|| Rational::integer(0)))
    }

    /// The exact value.
    pub fn exact(&self) -> &Rational {
        &self.0
    }

    /// The nearest f64.
    pub fn to_f64(&self) -> f64 {
        self.0.to_f64()
    }

    /// Whether it is 0.
    pub fn is_zero(&self) -> bool {
        self.0 == Rational::integer(0)
    }
}

impl From<i64> for Number {
    fn from(n: i64) -> Self {
        Number(Rational::integer(n))
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.to_f64())
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a number such as 0.1 or 1e-5")]
        enum Text {
            Whole(i64),
            Real(f64),
        }
        let text = match Text::deserialize(deserializer)? {
            Text::Real(x) if x.is_finite() && x.abs() > f64::from(f32::MAX) => {
                // Steps run in f32; here the message has the line and the key.
                return Err(D::Error::custom(format!(
                    "found {x:e}, expected a number that f32 holds, at most 3.4e38"
                )));
            }
            Text::Whole(n) => return Ok(n.into()),
            // The shortest decimal that reads back as this f64 is what was
            // written, up to digits that f64 does not hold.
            Text::Real(x) => format!("{x:e}"),
        };
        text.parse().map(Number).map_err(|_| D::Error::custom("expected a finite number"))
    }
}
