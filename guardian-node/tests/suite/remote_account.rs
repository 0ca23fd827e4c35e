//! An account whose key a web3signer has: what `guardian check` makes of it, and what the commands do that open every key.

use crate::{
    stand_ins::{Chain, Nodes},
    support::{Place, assert_done, template, text},
};
use guardian_crypto::secret::Secret;
use guardian_tests::devnet::web3signer::Web3Signer;
use std::{fs, process::Output};
use tokio::runtime::Runtime;

/// The account of the key that is 1.
const ADDRESS: &str = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf";

/// A guardian without an account's key, and nodes.
struct Remote {
    place: Place,
    nodes: Nodes,
}

impl Remote {
    fn new() -> Self {
        let place = Place::with_key(4);
        fs::remove_file(place.home(1).join("keys/account.sealed")).unwrap();
        Self { place, nodes: Nodes::new() }
    }

    /// `guardian check` with this under `[account]`.
    fn check(&self, account: &str) -> Output {
        let chain = Chain::healthy(self.place.committee(1).committee().unwrap().group_key());
        let (beacon, execution) = (self.nodes.beacon(chain.clone()), self.nodes.execution(chain));
        let own = "url = \"http://127.0.0.1:1\" },";
        let config = template()
            .replacen(own, &format!("url = \"{beacon}\" }},"), 1)
            .replacen(own, &format!("url = \"{execution}\" }},"), 1)
            .replace("ejection = \"", "# ejection = \"")
            .replace("# start_block = 0", "start_block = 10")
            .replace("[account]\n", &format!("[account]\naddress = \"{ADDRESS}\"\n{account}\n"));
        self.place.write_config(1, &config);
        self.place.run(1, &["check"])
    }

    #[track_caller]
    fn tells(&self, account: &str, code: i32, lines: &[&str]) {
        let output = self.check(account);
        let said = text(&output);
        assert_eq!(output.status.code(), Some(code), "{said}");
        for line in lines {
            assert!(said.contains(line), "does not say `{line}`:\n{said}");
        }
        assert!(!said.contains("hunter2"), "{said}");
    }
}

fn signer(runtime: &Runtime, last_byte: u8) -> Web3Signer {
    let mut key = [0; 32];
    key[31] = last_byte;
    runtime.block_on(Web3Signer::start(&Secret::new(key))).unwrap()
}

#[test]
fn a_check_has_the_signer_sign_and_needs_no_key() {
    let (remote, runtime) = (Remote::new(), Runtime::new().unwrap());
    let signer = signer(&runtime, 1);
    let url = format!("web3signer = \"{}\"", signer.url);
    let signs = format!("pass  web3signer signs for account {ADDRESS}");
    let has = format!("account {ADDRESS} has 1.000000 ether");
    remote.tells(&url, 0, &[&signs, &has]);

    // From a file, with credentials; they are shown nowhere.
    let with_password = signer.url.replace("http://", "http://alice:hunter2hunter2@");
    fs::write(remote.place.home(1).join("signer.url"), with_password).unwrap();
    remote.tells("web3signer_file = \"signer.url\"", 0, &[&signs]);
    let shown = remote.place.run(1, &["config", "show"]);
    assert_done(&shown);
    assert!(text(&shown).contains("signer.url") && !text(&shown).contains("hunter2"), "{}", text(&shown));
}

#[test]
fn each_fault_of_a_signer_has_a_code_and_a_hint() {
    let (remote, runtime) = (Remote::new(), Runtime::new().unwrap());
    let other = signer(&runtime, 2);
    remote.tells(
        &format!("web3signer = \"{}\"", other.url),
        1,
        &[
            "the signer has no key of 0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf; it has those of 0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF",
            "[signer_no_key]",
            "hint: check [account] address",
        ],
    );
    remote.tells("web3signer = \"http://127.0.0.1:1\"", 1, &["[signer_unreachable]", "hint: check the address"]);
    let beside = "web3signer = \"http://alice:hunter2hunter2@signer.invalid:9000\"";
    remote.tells(
        beside,
        1,
        &["poor  the account's signer (web3signer) is spoken to over http://", "[signer_readable]"],
    );
    fs::write(remote.place.home(1).join("token"), "hunter2hunter2").unwrap();
    let token = format!("web3signer = \"{}\"\nbearer_file = \"token\"", other.url);
    remote.tells(&token, 1, &["other users of this machine can read or write", "chmod 600"]);
}

#[test]
fn a_backup_goes_without_the_key_that_is_elsewhere() {
    let remote = Remote::new();
    remote.check("web3signer = \"http://127.0.0.1:1\"");
    let out = remote.place.path().join("backup").display().to_string();
    let output = remote.place.run(1, &["backup", "create", "--devnet-seal", "--out", &out]);
    assert_done(&output);
    assert!(!text(&output).contains("account.sealed"), "{}", text(&output));
    // Without the table it is missed.
    remote.place.write_config(1, &template());
    let again = remote.place.path().join("again").display().to_string();
    assert!(
        text(&remote.place.run(1, &["backup", "create", "--devnet-seal", "--out", &again])).contains("account.sealed")
    );
}
