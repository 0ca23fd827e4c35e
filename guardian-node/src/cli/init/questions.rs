//! Questions to a person, one line each; an answer that makes no sense is asked for again.

use crate::{
    cli::output,
    hint::{Hinted, WithHint},
};
use std::io::BufRead;

/// Somebody who answers.
#[derive(Debug)]
pub(super) struct Questions<R> {
    answers: R,
}

impl<R: BufRead> Questions<R> {
    pub(super) const fn new(answers: R) -> Self {
        Self { answers }
    }

    /// The answer to `question`, understood by `understand`. An empty one stands for `usual`, or, without one, is asked for again.
    ///
    /// # Errors
    /// If nobody answers.
    pub(super) fn ask<T>(
        &mut self,
        question: &str,
        usual: Option<&str>,
        understand: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Hinted> {
        loop {
            match usual {
                Some(usual) => output::prompt(&format!("{question} [{usual}]: ")),
                None => output::prompt(&format!("{question}: ")),
            }
            let answer = self.line()?;
            let answer = if answer.is_empty() { usual.unwrap_or_default() } else { &answer };
            if answer.is_empty() {
                continue;
            }
            match understand(answer) {
                Ok(understood) => return Ok(understood),
                Err(why) => output::talk(&format!("  {why}")),
            }
        }
    }

    /// The same, where no answer is one, too.
    ///
    /// # Errors
    /// As of [`Self::ask`].
    pub(super) fn ask_for_more<T>(
        &mut self,
        question: &str,
        understand: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Hinted> {
        loop {
            output::prompt(&format!("{question} [none]: "));
            let answer = self.line()?;
            if answer.is_empty() {
                return Ok(None);
            }
            match understand(&answer) {
                Ok(understood) => return Ok(Some(understood)),
                Err(why) => output::talk(&format!("  {why}")),
            }
        }
    }

    /// Whether the answer is yes.
    ///
    /// # Errors
    /// As of [`Self::ask`].
    pub(super) fn is_it(&mut self, question: &str) -> Result<bool, Hinted> {
        self.ask(question, Some("no"), |answer| match answer.to_lowercase().as_str() {
            "y" | "yes" => Ok(true),
            "n" | "no" => Ok(false),
            _ => Err("yes or no".to_owned()),
        })
    }

    fn line(&mut self) -> Result<String, Hinted> {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line).hint("can't read the answer", "answer with text in UTF-8")?;
        if read == 0 {
            return Err(Hinted::new(
                "nobody answers",
                "run it again, or say everything by options: `guardian init --help`",
            ));
        }
        Ok(line.trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Result<u64, String> {
        text.parse().map_err(|_| "a number".to_owned())
    }

    #[test]
    fn an_answer_that_makes_no_sense_is_asked_for_again() {
        let mut questions = Questions::new(&b"\nmany\n7\n"[..]);
        assert_eq!(questions.ask("How many", None, number).unwrap(), 7);
        assert!(questions.ask("How many", None, number).unwrap_err().to_string().contains("nobody answers"));
    }

    #[test]
    fn no_answer_is_the_usual_one_or_none() {
        let mut questions = Questions::new(&b"\n\n\nY\n"[..]);
        assert_eq!(questions.ask("How many", Some("3"), number).unwrap(), 3);
        assert_eq!(questions.ask_for_more("And", number).unwrap(), None);
        assert!(!questions.is_it("Sure").unwrap());
        assert!(questions.is_it("Sure").unwrap());
    }
}
