//! Asks a person in a terminal what no flag says: at most four questions, each with an answer
//! that Enter gives.

use std::io::BufRead;

use super::look::Seen;
use super::plan::{Answers, default_evals};
use crate::console::Console;
use crate::error::Error;

/// Asks for every answer that is not there yet.
pub(super) fn complete(
    answers: &mut Answers,
    seen: &Seen,
    input: &mut dyn BufRead,
    console: &mut Console,
) -> Result<(), Error> {
    let mut ask = |question: &str, default: &str| -> Result<Option<String>, Error> {
        console
            .ask(&format!("{question} [{default}] "))
            .map_err(Error::Stdout)?;
        let mut line = String::new();
        input.read_line(&mut line).map_err(Error::Stdout)?;
        let line = line.trim();
        Ok((!line.is_empty()).then(|| line.to_owned()))
    };
    if answers.two_stage.is_none() {
        answers.two_stage = loop {
            let word = ask("Do pull requests come from forks? Answer yes or no.", "no")?;
            match word.map(|word| word.to_lowercase()).as_deref() {
                None => break None,
                Some("yes" | "y") => break Some(true),
                Some("no" | "n") => break Some(false),
                Some(_) => {}
            }
        };
    }
    if answers.prompts.is_empty() {
        let default = match seen.prompts.as_slice() {
            [] => String::from("prompts/**"),
            found => found.join(" "),
        };
        let patterns = ask("Which files are prompts?", &default)?.unwrap_or_default();
        answers.prompts = patterns.split_whitespace().map(str::to_owned).collect();
    }
    if answers.evals.is_none() {
        let question = "Which command runs the evals and writes the results to ${OUT}?";
        answers.evals = ask(question, &default_evals(seen))?;
    }
    if answers.action.is_none() {
        answers.action = ask(
            "Which commit of gatecard runs, as OWNER/gatecard@COMMIT?",
            "later",
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(answers: &mut Answers, typed: &str) -> usize {
        let (mut console, [_, asked]) = Console::captured(None);
        let mut typed = typed.as_bytes();
        complete(answers, &Seen::default(), &mut typed, &mut console).unwrap();
        asked.text().matches(" [").count()
    }

    #[test]
    fn enter_and_the_end_of_input_take_what_stands_there() {
        for typed in ["\n\n\n\n", ""] {
            let mut answers = Answers::default();
            assert_eq!(asked(&mut answers, typed), 4);
            assert_eq!(answers, Answers::default());
        }
    }

    #[test]
    fn what_is_neither_yes_nor_no_is_asked_again() {
        let mut answers = Answers::default();
        asked(&mut answers, "banana\ny\n\n\n\n");
        assert_eq!(answers.two_stage, Some(true));
    }

    #[test]
    fn answers_are_taken_and_what_a_flag_says_is_not_asked() {
        let mut answers = Answers {
            evals: Some(String::from("make evals")),
            ..Answers::default()
        };
        assert_eq!(
            asked(&mut answers, "Yes\na/** b/**\n acme/gatecard@x \n"),
            3
        );
        assert_eq!(answers.two_stage, Some(true));
        assert_eq!(answers.prompts, ["a/**", "b/**"]);
        assert_eq!(answers.action.as_deref(), Some("acme/gatecard@x"));
    }
}
