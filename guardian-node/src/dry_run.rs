//! A start without taking part: the brain that `guardian run` would have, from the same keys, store and chains, looks at the chains once.
//! It speaks to nobody but the providers, and signs, pays and writes nothing: what it wants said, sent or kept is dropped.

use crate::{
    committee::CommitteeFile,
    config::Config,
    driver::{self, Clock},
    hint::{Hinted, WithHint},
    node,
    start_mark::StartMark,
    store::Store,
};
use guardian_chain::Readers;
use guardian_protocol::{Answers, AppendRecords, Effects, Event, Guardian, Input, Record, Status};
use rand_core::OsRng;
use std::{
    collections::{BTreeMap, VecDeque},
    convert::Infallible,
};

/// What a start would find.
#[derive(Debug)]
pub(crate) struct DryRun {
    /// The account that would pay.
    pub(crate) account: String,
    /// How many shares of validators' keys there are.
    pub(crate) exit_shares: usize,
    /// How many records the store holds; `None`: there is none yet.
    pub(crate) records: Option<usize>,
    /// The chain's id.
    pub(crate) chain_id: u64,
    /// What happened, in order.
    pub(crate) events: Vec<Event>,
    /// What each decided duty states, by its digest.
    pub(crate) statements: BTreeMap<String, BTreeMap<String, String>>,
    /// Where the guardian stands after that.
    pub(crate) status: Status,
}

/// Forgets: nothing that follows from it leaves this process.
struct Forgetful;

impl AppendRecords for Forgetful {
    type Error = Infallible;

    fn append(&mut self, _: &[Record]) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Looks once.
///
/// # Errors
/// Whatever would keep `guardian run` from starting.
pub(crate) async fn look_once(config: &Config, committee: &CommitteeFile) -> Result<DryRun, Hinted> {
    let (secrets, account) = node::secrets(config, committee)?;
    let exit_shares = secrets.validators.len();
    let records = Store::load_beside(&config.guardian.data_dir)
        .map_err(|error| node::store_refused("can't read the store", error))?;
    let known = records.as_ref().map(Vec::len);
    let advice =
        "check the urls under [beacon] and [execution]; enough providers must be up, on the same network as chain_id";
    let connected = Readers::connect(node::chain_config(config)?).await;
    let (readers, chain) = connected.hint("can't connect to the chains", advice)?;
    let chain_id = chain.chain_id;
    let (clock, mark) = (Clock::start(driver::now()), StartMark::beside(&config.keys.identity));
    let mut guardian = node::restore(config, committee, chain, secrets, records.unwrap_or_default(), (clock, &mark))?;
    let (events, statements) = observe(&mut guardian, &readers, clock).await;
    let address = account.address().to_string();
    Ok(DryRun {
        account: address,
        exit_shares,
        records: known,
        chain_id,
        events,
        statements,
        status: guardian.status(),
    })
}

/// Steps until a finalized epoch is observed, or nothing is left to be asked.
async fn observe(
    guardian: &mut Guardian,
    readers: &Readers,
    clock: Clock,
) -> (Vec<Event>, BTreeMap<String, BTreeMap<String, String>>) {
    let (mut events, mut statements) = (Vec::new(), BTreeMap::new());
    let mut inputs = VecDeque::from([Input::Woke]);
    while let Some(input) = inputs.pop_front() {
        let mut fx = Effects::default();
        guardian.step(clock.now(), input, &mut OsRng, &mut fx);
        let Ok(released) = fx.commit(&mut Forgetful);
        events.extend(released.events);
        statements.extend(released.dossiers.iter().map(|of| (of.digest.to_string(), of.duty.statements())));
        if events.iter().any(|event| matches!(event, Event::Observed { .. })) {
            break;
        }
        for (id, query) in released.queries {
            let answers = readers.read(&query).await;
            inputs.push_back(Input::Read(Answers { id, answers }));
        }
    }
    (events, statements)
}
