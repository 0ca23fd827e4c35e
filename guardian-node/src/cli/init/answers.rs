//! What a new guardian's configuration needs to know: from the options, and, on a terminal, from whoever sits there.

use super::{Init, nodes, questions::Questions};
use crate::{
    cli::output,
    config::{Network, ProviderConfig},
    hint::Hinted,
};
use alloy_primitives::Address;
use futures::future::join_all;
use guardian_chain::Layer;
use std::io::{self, BufRead};

/// Everything that is known.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) name: String,
    pub(super) network: Network,
    pub(super) beacons: Vec<ProviderConfig>,
    pub(super) executions: Vec<ProviderConfig>,
    pub(super) protocol: Option<Address>,
    pub(super) start_block: Option<u64>,
}

impl Answers {
    /// What `init` says; the rest is asked for if `has_terminal`. The nodes are looked at on the way.
    ///
    /// # Errors
    /// If something is missing and nobody can be asked, or a node is not what it should be.
    pub(super) async fn get(init: &Init, has_terminal: bool) -> Result<Self, Hinted> {
        match (&init.name, init.network, init.beacons.as_slice(), init.executions.as_slice()) {
            (Some(name), Some(network), [_, ..], [_, ..]) => {
                let answers = Self {
                    name: name.clone(),
                    network,
                    beacons: init.beacons.clone(),
                    executions: init.executions.clone(),
                    protocol: init.protocol,
                    start_block: init.start_block,
                };
                if !init.no_probe {
                    answers.look_at_nodes().await?;
                }
                Ok(answers)
            }
            _ if has_terminal => Self::ask(init, &mut Questions::new(io::stdin().lock())).await,
            (name, network, beacons, executions) => {
                let missing = [
                    ("--name", name.is_none()),
                    ("--network", network.is_none()),
                    ("--beacon", beacons.is_empty()),
                    ("--execution", executions.is_empty()),
                ];
                let missing: Vec<&str> = missing.iter().filter(|(_, is)| *is).map(|(option, _)| *option).collect();
                Err(Hinted::new(
                    format!("{} not said, and there is no terminal to ask", missing.join(", ")),
                    "such as --name alice --network mainnet --beacon http://127.0.0.1:5052 --execution http://127.0.0.1:8545",
                ))
            }
        }
    }

    /// What the configuration can't do without and nobody has said yet.
    pub(super) fn missing(&self) -> Vec<&'static str> {
        let protocol = self.protocol.is_none() && self.network.protocol().is_none();
        let start = self.start_block.is_none() && self.network != Network::Devnet;
        let missing = [
            ("[contracts] protocol, because no address of PufferProtocol is published for this network", protocol),
            ("[contracts] start_block, the block in which the first of the contracts was created", start),
        ];
        missing.iter().filter(|(_, is)| *is).map(|(what, _)| *what).collect()
    }

    async fn look_at_nodes(&self) -> Result<(), Hinted> {
        let layers = [(Layer::Beacon, &self.beacons), (Layer::Execution, &self.executions)];
        let all = layers.into_iter().flat_map(|(layer, nodes)| nodes.iter().map(move |node| (layer, node)));
        let looks = join_all(all.map(|(layer, node)| nodes::look(layer, node, self.network))).await;
        let mut faults = 0_usize;
        for look in &looks {
            match look {
                Ok(line) => output::talk(&format!("ok  {line}")),
                Err(error) => {
                    faults = faults.saturating_add(1);
                    output::talk(&format!("no  {error}\n    hint: {}", error.advice()));
                }
            }
        }
        if faults == 0 {
            return Ok(());
        }
        Err(Hinted::new(
            format!("{faults} of {} nodes can't be used, and nothing was written", looks.len()),
            "mend the urls, or take them as they are with --no-probe",
        ))
    }

    async fn ask<R: BufRead>(init: &Init, questions: &mut Questions<R>) -> Result<Self, Hinted> {
        let name = match &init.name {
            Some(name) => name.clone(),
            None => questions.ask("Your name in the committee", None, |answer| Ok(answer.to_owned()))?,
        };
        let network = match init.network {
            Some(network) => network,
            None => questions.ask("Network: mainnet, hoodi or devnet", Some("mainnet"), str::parse)?,
        };
        let beacons = match init.beacons.as_slice() {
            [] => ask_for_nodes(questions, Layer::Beacon, network, !init.no_probe).await?,
            said => said.to_vec(),
        };
        let executions = match init.executions.as_slice() {
            [] => ask_for_nodes(questions, Layer::Execution, network, !init.no_probe).await?,
            said => said.to_vec(),
        };
        let is_published = network.protocol().is_some();
        let protocol = match init.protocol {
            None if !is_published => questions.ask_for_more("Address of PufferProtocol on this network", |answer| {
                answer.parse().map_err(|_| "an address is 0x and 40 hexadecimal digits".to_owned())
            })?,
            said => said,
        };
        let start_block = match init.start_block {
            None if network != Network::Devnet => questions
                .ask_for_more("Block in which the first of the contracts was created", |answer| {
                    answer.parse().map_err(|_| "a number".to_owned())
                })?,
            said => said,
        };
        Ok(Self { name, network, beacons, executions, protocol, start_block })
    }
}

/// One node, or more.
async fn ask_for_nodes<R: BufRead>(
    questions: &mut Questions<R>,
    layer: Layer,
    network: Network,
    probe: bool,
) -> Result<Vec<ProviderConfig>, Hinted> {
    let usual = match layer {
        Layer::Beacon => "http://127.0.0.1:5052",
        Layer::Execution => "http://127.0.0.1:8545",
    };
    let mut nodes: Vec<ProviderConfig> = Vec::new();
    loop {
        let question = match nodes.len() {
            0 => format!("Your {layer} node, as url or name=url"),
            1 | 2 => format!("Another {layer} node; three independent ones let one of them lie or be down"),
            _ => format!("Another {layer} node"),
        };
        let node: ProviderConfig = if nodes.is_empty() {
            questions.ask(&question, Some(usual), str::parse)?
        } else {
            match questions.ask_for_more(&question, str::parse)? {
                Some(node) => node,
                None => return Ok(nodes),
            }
        };
        if nodes.iter().any(|known| known.name == node.name) {
            output::talk(&format!("  there is one called {} already: give it another name, as name=url", node.name));
            continue;
        }
        if probe {
            match nodes::look(layer, &node, network).await {
                Ok(line) => output::talk(&format!("  ok  {line}")),
                Err(error) => {
                    output::talk(&format!("  no  {error}\n      hint: {}", error.advice()));
                    if !questions.is_it("  Take it all the same")? {
                        continue;
                    }
                }
            }
        }
        nodes.push(node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        init: Init,
    }

    fn init(options: &[&str]) -> Init {
        Line::parse_from([&["init"], options].concat()).init
    }

    #[tokio::test]
    async fn what_no_option_says_is_asked_for() {
        let answers =
            b"alice\nhoodi\n\nmine=http://127.0.0.1:1\n\n\n\n0xab\n0x00000000000000000000000000000000000000ab\n12\n";
        let mut questions = Questions::new(&answers[..]);
        let asked = Answers::ask(&init(&["--no-probe"]), &mut questions).await.unwrap();
        assert_eq!((asked.name.as_str(), asked.network, asked.start_block), ("alice", Network::Hoodi, Some(12)));
        let of = |nodes: &[ProviderConfig]| -> Vec<String> {
            nodes.iter().map(|node| format!("{}={}", node.name, node.address().unwrap())).collect()
        };
        assert_eq!(of(&asked.beacons), ["127.0.0.1=http://127.0.0.1:5052/", "mine=http://127.0.0.1:1/"]);
        assert_eq!(of(&asked.executions), ["127.0.0.1=http://127.0.0.1:8545/"]);
        assert_eq!(asked.protocol.unwrap().0[19], 0xab);
        assert!(asked.missing().is_empty());
    }

    #[tokio::test]
    async fn what_options_say_is_not_asked_for() {
        let said =
            ["--name", "bob", "--network", "mainnet", "--beacon", "http://a:1", "--start-block", "5", "--no-probe"];
        let asked = Answers::ask(&init(&said), &mut Questions::new(&b"b=http://b:2\n\n"[..])).await.unwrap();
        assert_eq!((asked.name.as_str(), asked.beacons.len(), asked.executions.len()), ("bob", 1, 1));
        assert_eq!(asked.missing(), Vec::<&str>::new());
    }

    #[tokio::test]
    async fn a_node_that_does_not_answer_is_taken_only_after_a_yes() {
        let answers = b"http://127.0.0.1:1\nno\nhttp://127.0.0.1:1\nyes\n\n";
        let mut questions = Questions::new(&answers[..]);
        let nodes = ask_for_nodes(&mut questions, Layer::Execution, Network::Mainnet, true).await.unwrap();
        assert_eq!(nodes.len(), 1);
        assert!(questions.is_it("Is there more").is_err(), "every answer was needed");
    }

    #[tokio::test]
    async fn without_a_terminal_what_is_missing_is_named() {
        let error = Answers::get(&init(&["--name", "alice", "--beacon", "http://a:1"]), false).await.unwrap_err();
        assert!(error.to_string().starts_with("--network, --execution not said"), "{error}");
    }

    #[test]
    fn what_is_still_to_be_set_is_said() {
        let answers = Answers {
            name: "alice".to_owned(),
            network: Network::Hoodi,
            beacons: Vec::new(),
            executions: Vec::new(),
            protocol: None,
            start_block: None,
        };
        assert_eq!(answers.missing().len(), 2);
        assert_eq!(Answers { network: Network::Mainnet, ..answers }.missing().len(), 1, "its protocol is published");
    }
}
