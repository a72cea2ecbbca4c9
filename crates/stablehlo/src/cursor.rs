//! Reading tokens off a text.

use crate::{ParseError, Position};

/// A place in the text, moving forwards. Every method skips white space and
/// comments first.
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    line_start: usize,
}

/// Longest excerpt of the text in an error.
const EXCERPT: usize = 32;

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Cursor { text, at: 0, line: 1, line_start: 0 }
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn skip(&mut self) {
        while let Some(byte) = self.byte(0) {
            match byte {
                b'\n' => {
                    self.at += 1;
                    self.line += 1;
                    self.line_start = self.at;
                }
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'/' if self.byte(1) == Some(b'/') => {
                    while self.byte(0).is_some_and(|b| b != b'\n') {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    /// Where the next token begins.
    pub(crate) fn position(&mut self) -> Position {
        self.skip();
        Position { line: self.line, column: self.at - self.line_start + 1 }
    }

    /// The first byte of the next token; `None` at the end.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        self.skip();
        self.byte(0)
    }

    /// An error at the next token.
    pub(crate) fn error<T>(&mut self, expected: impl Into<String>) -> Result<T, ParseError> {
        let at = self.position();
        let rest = &self.text[self.at..];
        let end = rest
            .char_indices()
            .find(|&(k, c)| k >= EXCERPT || c.is_whitespace())
            .map_or(rest.len(), |(k, _)| k);
        let found = match &rest[..end] {
            "" => "the end of the text".to_string(),
            // Such as a mark of byte order, which cannot be seen.
            token => format!("`{}`", token.escape_debug().to_string().replace("\\\"", "\"")),
        };
        Err(ParseError::unexpected(at, found, expected))
    }

    /// Takes `token` if it is next. A word is taken only whole.
    pub(crate) fn eat(&mut self, token: &str) -> bool {
        self.skip();
        let bytes = self.text.as_bytes();
        let next = bytes.get(self.at..).is_some_and(|rest| rest.starts_with(token.as_bytes()));
        let word = token.bytes().next_back().is_some_and(is_word);
        if !next || (word && self.byte(token.len()).is_some_and(is_word)) {
            return false;
        }
        self.at += token.len();
        true
    }

    /// Takes the `x` between a dimension and what follows it without a space.
    pub(crate) fn eat_dimension_separator(&mut self) -> bool {
        let next = self.byte(0) == Some(b'x');
        self.at += usize::from(next);
        next
    }

    /// Takes `token` or fails.
    pub(crate) fn expect(&mut self, token: &str) -> Result<(), ParseError> {
        if self.eat(token) { Ok(()) } else { self.error(format!("`{token}`")) }
    }

    /// The longest run of bytes that `accept`, taken; may be empty.
    fn run(&mut self, accept: impl Fn(u8) -> bool) -> &'a str {
        let start = self.at;
        while self.byte(0).is_some_and(&accept) {
            self.at += 1;
        }
        // Only ASCII bytes are accepted, so this is a character boundary.
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// A word: letters, digits, `_`, `$`, `.`.
    pub(crate) fn word(&mut self, what: &str) -> Result<&'a str, ParseError> {
        self.skip();
        match self.run(is_word) {
            "" => self.error(what),
            word => Ok(word),
        }
    }

    /// A name after `sigil` (`%`, `@` or `^`).
    pub(crate) fn name(&mut self, sigil: &str, what: &str) -> Result<&'a str, ParseError> {
        self.skip();
        if !self.eat(sigil) || !self.byte(0).is_some_and(is_word) {
            return self.error(what);
        }
        Ok(self.run(is_word))
    }

    /// A whole number, positive or negative.
    pub(crate) fn integer(&mut self) -> Result<i64, ParseError> {
        let at = self.position();
        let text = self.run(|b| b.is_ascii_digit() || b == b'-');
        if text.is_empty() {
            return self.error("a whole number");
        }
        text.parse().map_err(|_| {
            let shown: String = text.chars().take(EXCERPT).collect();
            ParseError::unexpected(at, format!("`{shown}`"), "a whole number of at most 63 bits")
        })
    }

    /// A whole number that is not negative.
    pub(crate) fn size(&mut self) -> Result<usize, ParseError> {
        let at = self.position();
        let n = self.integer()?;
        usize::try_from(n)
            .map_err(|_| ParseError::unexpected(at, n.to_string(), "a number that is not negative"))
    }

    /// The characters of a number: `-1.5e-3`, `0x3F666666`.
    pub(crate) fn number(&mut self) -> &'a str {
        self.skip();
        self.run(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+'))
    }

    /// `open item, .. close`; the items may be none.
    pub(crate) fn list<T>(
        &mut self,
        open: &str,
        close: &str,
        mut item: impl FnMut(&mut Self) -> Result<T, ParseError>,
    ) -> Result<Vec<T>, ParseError> {
        self.expect(open)?;
        let mut items = Vec::new();
        if self.eat(close) {
            return Ok(items);
        }
        loop {
            items.push(item(self)?);
            if self.eat(close) {
                return Ok(items);
            }
            if !self.eat(",") {
                return self.error(format!("`,` or `{close}`"));
            }
        }
    }

    /// `[n, ..]`
    pub(crate) fn sizes(&mut self) -> Result<Vec<usize>, ParseError> {
        self.list("[", "]", Self::size)
    }

    /// A string literal, its escapes undone.
    pub(crate) fn string(&mut self) -> Result<String, ParseError> {
        let at = self.position();
        if !self.eat("\"") {
            return self.error("a string");
        }
        let mut bytes = Vec::new();
        loop {
            let Some(byte) = self.byte(0).filter(|&b| b != b'\n') else {
                return Err(ParseError::unexpected(at, "a string without end", "a closing `\"`"));
            };
            self.at += 1;
            match byte {
                b'"' => break,
                b'\\' => {
                    let escaped = self.escape();
                    let Some(escaped) = escaped else {
                        return Err(ParseError::unexpected(
                            at,
                            "a string with an unknown escape",
                            "`\\\\`, `\\\"`, `\\n`, `\\t` or two hexadecimal digits",
                        ));
                    };
                    bytes.push(escaped);
                }
                _ => bytes.push(byte),
            }
        }
        String::from_utf8(bytes)
            .map_err(|_| ParseError::unexpected(at, "a string that is not UTF-8", "UTF-8"))
    }

    fn escape(&mut self) -> Option<u8> {
        let first = self.byte(0)?;
        self.at += 1;
        match first {
            b'n' => return Some(b'\n'),
            b't' => return Some(b'\t'),
            b'"' | b'\\' => return Some(first),
            _ => {}
        }
        let digit = |b: u8| char::from(b).to_digit(16);
        let value = digit(first)? * 16 + digit(self.byte(0)?)?;
        self.at += 1;
        u8::try_from(value).ok()
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'.')
}
