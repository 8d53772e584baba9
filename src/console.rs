//! The one way to standard output and standard error.
//!
//! A workflow runner reads along: every line for people goes through the log sink here,
//! whatever was done to its parts before. In a workflow everything also stands between two
//! lines with a word that nobody can guess, between which the runner takes no commands.

use std::io::{self, Write};

use crate::error::Error;
use crate::untrusted::log_line;

/// Standard output and standard error.
pub(crate) struct Console {
    out: Stream,
    err: Stream,
    /// Whether a person reads standard output in a terminal that shows colours.
    pub(crate) colour: bool,
}

/// One of the two, and the word behind which it is fenced.
struct Stream {
    to: Box<dyn Write>,
    token: Option<String>,
    fenced: bool,
}

impl Console {
    /// Prints to `out` and `err`; in a workflow, with a `token`.
    pub(crate) fn new(out: Box<dyn Write>, err: Box<dyn Write>, token: Option<String>) -> Self {
        let stream = |to, token| Stream {
            to,
            token,
            fenced: false,
        };
        Self {
            out: stream(out, token.clone()),
            err: stream(err, token),
            colour: false,
        }
    }

    /// Prints what people read. Whoever closes the pipe has read enough: that is no error, and
    /// changes no exit code.
    pub(crate) fn page(&mut self, text: &str) -> io::Result<()> {
        enough(self.print(text))
    }

    fn print(&mut self, text: &str) -> io::Result<()> {
        let colour = self.colour;
        self.out.fence()?;
        for line in text.split_inclusive('\n') {
            let ends = line.ends_with('\n');
            let line = line.strip_suffix('\n').unwrap_or(line);
            let line = if colour {
                painted(line)
            } else {
                log_line(line)
            };
            self.out.to.write_all(line.as_bytes())?;
            if ends {
                self.out.to.write_all(b"\n")?;
            }
        }
        self.out.to.flush()
    }

    /// Prints what programs read: nothing may stand beside it. A command to the runner can
    /// only be in a string of JSON, where the escape means the same.
    pub(crate) fn data(&mut self, text: &str) -> io::Result<()> {
        let text = text.replace("##[", "##\\u005b");
        let written = self.out.to.write_all(text.as_bytes());
        enough(written.and_then(|()| self.out.to.flush()))
    }

    /// Says something beside the result. Where nobody listens, nothing is lost.
    pub(crate) fn note(&mut self, text: &str) {
        drop(self.err.line(text));
    }

    /// Asks a person something, who answers in the same line.
    pub(crate) fn ask(&mut self, text: &str) -> io::Result<()> {
        self.err.fence()?;
        write!(self.err.to, "{}", log_line(text))?;
        self.err.to.flush()
    }

    /// Says what went wrong, with its details and what to do.
    pub(crate) fn explain(&mut self, error: &Error) {
        self.note(&format!("error: {error}"));
        for line in error.details().unwrap_or_default().lines() {
            self.note(line);
        }
        if let Some(hint) = error.hint() {
            self.note(&format!("help: {hint}"));
        }
    }

    /// Says what is wrong with the arguments, or prints the help. Returns the exit code.
    pub(crate) fn usage(&mut self, error: &clap::Error) -> u8 {
        if self.err.token.is_some() && error.use_stderr() {
            for line in error.to_string().lines() {
                self.note(line);
            }
        } else {
            drop(error.print());
        }
        u8::try_from(error.exit_code()).unwrap_or(2)
    }

    /// Lets the runner take commands again: those of the step's next program.
    pub(crate) fn end(&mut self) {
        for stream in [&mut self.out, &mut self.err] {
            if let Some(token) = stream.token.as_ref().filter(|_| stream.fenced) {
                drop(writeln!(stream.to, "::{token}::"));
            }
            stream.fenced = false;
        }
    }
}

impl Stream {
    /// Stops the runner from taking commands. Each stream does so for itself: the runner reads
    /// them side by side.
    fn fence(&mut self) -> io::Result<()> {
        match &self.token {
            Some(token) if !self.fenced => {
                self.fenced = true;
                writeln!(self.to, "::stop-commands::{token}")?;
                self.to.flush()
            }
            _ => Ok(()),
        }
    }

    fn line(&mut self, text: &str) -> io::Result<()> {
        self.fence()?;
        writeln!(self.to, "{}", log_line(text))
    }
}

fn enough(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// A line for a terminal that shows colours: the codes for them are ours, since every text from
/// outside lost its own before it was painted.
fn painted(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for (at, part) in line.split('\u{1b}').enumerate() {
        let colour = part.split_inclusive('m').next().filter(|code| {
            let code = code
                .strip_prefix('[')
                .and_then(|code| code.strip_suffix('m'));
            code.is_some_and(|code| code.bytes().all(|b| b.is_ascii_digit() || b == b';'))
        });
        match colour.filter(|_| at > 0) {
            Some(code) => {
                out.push('\u{1b}');
                out.push_str(code);
                out.push_str(&log_line(part.get(code.len()..).unwrap_or_default()));
            }
            None if at > 0 => out.push_str(&log_line(&format!("\u{1b}{part}"))),
            None => out.push_str(&log_line(part)),
        }
    }
    out
}

/// What was printed, for tests.
#[cfg(test)]
#[derive(Clone, Default)]
pub(crate) struct Captured(std::rc::Rc<std::cell::RefCell<Vec<u8>>>);

#[cfg(test)]
impl Captured {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

#[cfg(test)]
impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
impl Console {
    /// A console whose standard output and standard error can be read.
    pub(crate) fn captured(token: Option<&str>) -> (Self, [Captured; 2]) {
        let streams = [Captured::default(), Captured::default()];
        let [out, err] = streams.clone();
        let token = token.map(str::to_owned);
        (Self::new(Box::new(out), Box::new(err), token), streams)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(token: Option<&str>, colour: bool, say: impl Fn(&mut Console)) -> [String; 2] {
        let (mut console, streams) = Console::captured(token);
        console.colour = colour;
        say(&mut console);
        console.end();
        streams.map(|stream| stream.text())
    }

    #[test]
    fn every_line_goes_through_the_log_sink() {
        let [out, err] = printed(None, false, |console| {
            console.page("one\n::error::two\n\u{1b}[31mthree").unwrap();
            console.note("a\n##[error]b");
            console.explain(&Error::NoApprovals(String::from("::error::\u{202e}")));
        });
        assert_eq!(out, "one\n\\::error::two\n\\u{1b}[31mthree");
        assert!(err.starts_with("a ##\\[error]b\nerror: the approvals are not known: \\::"));
        assert!(err.contains("\\u{202e}\nhelp: Let the check read"), "{err}");
    }

    #[test]
    fn in_a_workflow_each_stream_stands_between_stop_and_go() {
        let [out, err] = printed(Some("t0"), false, |console| {
            console.page("one\n").unwrap();
            console.note("a");
            console.page("two\n").unwrap();
        });
        assert_eq!(out, "::stop-commands::t0\none\ntwo\n::t0::\n");
        assert_eq!(err, "::stop-commands::t0\na\n::t0::\n");
        assert_eq!(printed(Some("t0"), false, |_| ()), ["", ""]);
    }

    #[test]
    fn nothing_stands_beside_what_programs_read() {
        let [out, _] = printed(Some("t0"), false, |console| {
            console.data("{\"a\": \"##[error]\"}\n").unwrap();
        });
        assert_eq!(out, "{\"a\": \"##\\u005berror]\"}\n");
    }

    #[test]
    fn a_terminal_keeps_colours_and_nothing_else() {
        let [out, _] = printed(None, true, |console| {
            console
                .page("\u{1b}[31;1mred\u{1b}[0m \u{1b}[2J\u{1b}]0;title\u{7}")
                .unwrap();
        });
        assert_eq!(
            out,
            "\u{1b}[31;1mred\u{1b}[0m \\u{1b}[2J\\u{1b}]0;title\\u{7}"
        );
    }
}
