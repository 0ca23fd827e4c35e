//! The commands of the README's operator path, as they stand there. Each block of them has a comment before it that says whose they are.

use guardian_tests::devnet::root;
use std::collections::BTreeMap;

/// The document.
pub(crate) fn readme() -> String {
    std::fs::read_to_string(root().join("README.md")).expect("the README is there")
}

/// With which the comment before a block begins.
const MARK: &str = "<!-- first hour: ";

/// Whose commands a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// For those with Docker, in its place before all others.
    WithDocker,
    /// What each operator has to say about itself.
    Yours,
    /// Every operator, at the same time.
    Everybody,
    /// One of them, for all.
    OneOfYou,
}

/// One command, and whose it is. A line that ends with a backslash goes on in the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) who: Who,
    pub(crate) line: String,
}

/// The steps in `text`, in their order.
pub(crate) fn steps(text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for block in text.split(MARK).skip(1) {
        let (who, rest) = block.split_once(" -->\n```\n").expect("a block of commands follows the comment at once");
        let who = match who {
            "with Docker" => Who::WithDocker,
            "yours" => Who::Yours,
            "everybody" => Who::Everybody,
            "one of you" => Who::OneOfYou,
            other => panic!("the README speaks of `{other}`"),
        };
        let (commands, _) = rest.split_once("\n```\n").expect("the block ends");
        let lines = commands.replace("\\\n", " ");
        steps.extend(lines.lines().map(|line| Step { who, line: line.to_owned() }));
    }
    steps
}

/// The variables that the operators have to set, with the values that stand there.
pub(crate) fn variables(steps: &[Step]) -> BTreeMap<String, String> {
    let lines = steps.iter().filter(|step| step.who == Who::Yours).map(|step| step.line.as_str());
    let words = lines.flat_map(|line| line.split('#').next().unwrap_or_default().split_whitespace());
    words.filter_map(|word| word.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The README's function by which `guardian` is the program in a container.
pub(crate) fn docker_function() -> String {
    let steps = steps(&readme());
    let function = steps.into_iter().find(|step| step.who == Who::WithDocker && step.line.starts_with("guardian() {"));
    function.expect("the README's function").line
}
