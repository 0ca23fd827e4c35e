//! `guardian pardon`: lets a member that was proven to cheat take part again, once its operator has repaired what was broken.

use super::{arguments::ConfigArgument, output};
use crate::{
    committee::CommitteeFile,
    config::Config,
    hint::{Hinted, WithHint},
    node,
    operator::{self, Request},
};
use clap::Args;
use eyre::Result;
use guardian_protocol::{AppendRecords, Epoch, Record};

/// Arguments of `guardian pardon`.
#[derive(Debug, Args)]
pub(super) struct Pardon {
    #[command(flatten)]
    config: ConfigArgument,
    /// The member's name
    member: String,
}

impl Pardon {
    pub(super) fn run(self) -> Result<()> {
        let config = Config::load(&self.config.config)?;
        let file = CommitteeFile::load(&config.guardian.committee)?;
        let committee = file.committee()?;
        let member = file.named(&self.member)?.id;
        if let Some(answer) = operator::ask(&config.guardian.data_dir, &Request::Pardon { member })? {
            output::data(&answer);
            return Ok(());
        }
        let mut store = node::open_store(&config)?;
        let records = store.load().map_err(|error| node::store_refused("can't read the store", error))?;
        let periods = records.iter().filter_map(|record| {
            let Record::Fault { committee: of, culprit, fault } = record else { return None };
            let is_meant = *of == committee.id() && *culprit == member;
            is_meant.then(|| fault.verify(&committee).map_or(Epoch(0), |(_, duty)| duty.period))
        });
        let Some(upto) = periods.max() else {
            return Err(Hinted::new(
                format!("nothing is known against `{}` here", self.member),
                "each guardian keeps its own proofs: ask those whose status lists the member as excluded",
            )
            .into());
        };
        store
            .append(&[Record::Pardon { committee: committee.id(), member, upto }])
            .hint("the pardon could not be written", "check free space and permissions of data_dir")?;
        output::talk(&format!(
            "`{}` is forgiven what it did up to epoch {upto}. The other guardians have to pardon it too.",
            self.member
        ));
        Ok(())
    }
}
