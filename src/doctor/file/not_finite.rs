//! JSON whose numbers may be `NaN`, `Infinity` and `-Infinity`, as Python writes them, made JSON by quotes around these.

use std::io::{self, BufReader, Bytes, Read};

/// As long as a word may be that is looked at.
const LONGEST: usize = "Infinity".len();

/// Text in which such numbers are quoted.
pub struct Quoted<R> {
    source: Bytes<BufReader<R>>,
    in_text: bool,
    escaped: bool,
    /// What was read and not given: a sign and letters, in their order.
    held: Vec<u8>,
    /// What is to be given next, from behind.
    next: Vec<u8>,
}

impl<R: Read> Quoted<R> {
    pub fn new(source: R) -> Self {
        Self {
            source: BufReader::new(source).bytes(),
            in_text: false,
            escaped: false,
            held: Vec::new(),
            next: Vec::new(),
        }
    }

    /// Gives what was held, in quotes if it is such a number, and then this.
    fn release(&mut self, then: Option<u8>) {
        let word = std::mem::take(&mut self.held);
        let quoted = matches!(&word[..], b"NaN" | b"Infinity" | b"-Infinity");
        let quote = quoted.then_some(b'"');
        let all = quote.into_iter().chain(word).chain(quote).chain(then);
        self.next = all.collect();
        self.next.reverse();
    }

    fn take(&mut self, byte: u8) {
        if self.in_text {
            self.in_text = self.escaped || byte != b'"';
            self.escaped = !self.escaped && byte == b'\\';
            self.next.push(byte);
        } else if self.held.len() <= LONGEST
            && (byte.is_ascii_alphabetic() || (byte == b'-' && self.held.is_empty()))
        {
            self.held.push(byte);
        } else {
            self.in_text = byte == b'"';
            self.release(Some(byte));
        }
    }
}

impl<R: Read> Read for Quoted<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut count = 0;
        while count < bytes.len() {
            if let Some(byte) = self.next.pop() {
                bytes[count] = byte;
                count += 1;
                continue;
            }
            match self.source.next().transpose()? {
                Some(byte) => self.take(byte),
                None if self.held.is_empty() => break,
                None => self.release(None),
            }
        }
        Ok(count)
    }
}
