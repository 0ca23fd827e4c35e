//! A support bundle of a node full of secrets: it has what helps, and none of them.

use crate::{
    stand_ins::{Chain, FINALIZED, Nodes},
    support::{Place, Running, assert_done, assert_refused, eventually, free, guardian, guardian_with, template, text},
};
use flate2::read::GzDecoder;
use guardian_crypto::{
    seal::{PurposeKind, Work},
    secret::Secret,
};
use guardian_node::keys::KeyFiles;
use guardian_protocol::KeyEpoch;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Output,
};

/// Words that stand nowhere but in the secrets of a guardian.
const MARKS: [&str; 20] = [
    "Zq1username",
    "Zq2password",
    "Zq3pathkey",
    "Zq4querykey",
    "Zq5filekey",
    "Zq6environmentpassword",
    "Zq7environmentkey",
    "Zq8variable",
    "Zq9argument",
    "ZqApassphrase",
    "ZqBcomment",
    "ZqCdeadpassword",
    "ZqDdeadkey",
    "ZqEenvironmentpassword",
    "ZqFescaped",
    "ZqGheader",
    "ZqHsignername",
    "ZqIsignerpassword",
    "ZqJsignerpath",
    "ZqKbearer",
];

/// The texts of a bundle by name, and all of its bytes once it is decompressed.
struct Bundle {
    texts: BTreeMap<String, String>,
    bytes: Vec<u8>,
}

impl Bundle {
    fn of(packed: &[u8]) -> Self {
        let mut bytes = Vec::new();
        GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
        let mut texts = BTreeMap::new();
        for entry in tar::Archive::new(bytes.as_slice()).entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().into_owned();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            texts.insert(path.strip_prefix("guardian-support-bundle").unwrap().to_str().unwrap().to_owned(), text);
        }
        Self { texts, bytes }
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.texts[name]).unwrap_or_else(|error| panic!("{name}: {error}\n{}", self.texts[name]))
    }

    #[track_caller]
    fn assert_without(&self, secrets: &[Vec<u8>]) {
        for secret in secrets {
            assert!(!contains(&self.bytes, secret), "the bundle has {}", String::from_utf8_lossy(secret));
            let hex = hex::encode(secret);
            let bare = String::from_utf8_lossy(&self.bytes).to_lowercase();
            assert!(!bare.contains(&hex), "the bundle has {} in hexadecimal", String::from_utf8_lossy(secret));
        }
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// A guardian of which everything is sealed with a marked passphrase, and its secrets.
struct Guarded {
    place: Place,
    secrets: Vec<Vec<u8>>,
    pages: u16,
}

impl Guarded {
    fn new() -> Self {
        let place = Place::with_key(4);
        let mut secrets: Vec<Vec<u8>> = MARKS.iter().map(|mark| mark.as_bytes().to_vec()).collect();
        let keys = place.home(1).join("keys");
        let files = |passphrase: &str| KeyFiles::with_passphrase("guardian-1", Secret::new(passphrase.to_owned()));
        let (before, after) = (files("devnet"), files("ZqApassphrase"));
        let share = keys.join("shares").join(&place.share_files(1)[0]);
        let key_epoch = place.committee(1).key_epoch;
        for (path, kind, key_epoch) in [
            (keys.join("identity.sealed"), PurposeKind::Identity, KeyEpoch(0)),
            (keys.join("account.sealed"), PurposeKind::Account, KeyEpoch(0)),
            (keys.join("exits.sealed"), PurposeKind::ExitShares, KeyEpoch(0)),
            (share, PurposeKind::KeyShare, key_epoch),
        ] {
            let plain = before.open(kind, key_epoch, &fs::read(&path).unwrap(), &path).unwrap();
            let sealed = after.seal(kind, key_epoch, &plain, Work::Devnet).unwrap();
            fs::write(&path, &sealed).unwrap();
            // Every secret of 32 bytes ends its plaintext.
            secrets.push(plain.expose()[plain.expose().len() - 32..].to_vec());
            secrets.extend(sealed.chunks_exact(24).map(<[u8]>::to_vec));
        }
        fs::write(keys.join("passphrase"), "ZqApassphrase").unwrap();
        let [pages] = free();
        Self { place, secrets, pages }
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.place.home(1).join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// A configuration with secrets wherever there can be one; its beacon nodes are `own` and `filed`, and one that is dead.
    fn configure(&self, own: &str, filed: &str) {
        let [peers] = free();
        let file = self.write("beacon.url", &format!("{filed}/Zq5filekey"));
        let headers = self.write("dead.headers", "x-key: ZqGheader\n");
        let list = format!(
            "{{ name = \"own\", url = \"{}/v1/Zq3pathkey?apikey=Zq4querykey\" }}, {{ name = \"filed\", url_file = \"{}\" }}, \
             {{ name = \"dead\", url = \"http://u:ZqCdeadpassword@127.0.0.1:1/ZqDdeadkey\", headers_file = \"{}\", role = \"heavy\" }},",
            own.replace("http://", "http://Zq1username:Zq2password@"),
            file.display(),
            headers.display()
        );
        let passphrase = self.place.home(1).join("keys/passphrase");
        let command =
            format!("passphrase_command = [\"/bin/sh\", \"-c\", \"cat {} # Zq9argument\"]", passphrase.display());
        let config = template()
            .replacen("{ name = \"own\", url = \"http://127.0.0.1:1\" },", &list, 1)
            .replace("passphrase_file = \"keys/passphrase\"", &format!("{command} # once: ZqBcomment"))
            .replace("# listen = \"127.0.0.1:23702\"", &format!("listen = \"127.0.0.1:{}\"", self.pages))
            .replace("# listen = [", &format!("listen = [\"/ip4/127.0.0.1/tcp/{peers}\"] # ["))
            .replace("# poll = \"12s\"", "poll = \"100ms\"")
            .replace("ejection = \"", "# ejection = \"")
            .replace("# start_block = 0", "start_block = 10");
        assert!(config.contains("Zq3pathkey") && config.contains("ZqBcomment"), "{config}");
        self.place.write_config(1, &config);
    }

    fn bundle(&self, variables: &[(&str, &str)], out: &Path) -> Output {
        let (config, out) = (self.place.config_path(1), out.to_str().unwrap());
        guardian_with(variables, &["support-bundle", "--config", &config, "--out", out])
    }

    /// The bundle at `out`, which the command wrote without saying a secret either.
    fn read(&self, output: &Output, out: &Path) -> Bundle {
        assert_done(output);
        let said = text(output);
        assert!(MARKS.iter().all(|mark| !said.contains(mark)), "{said}");
        let bundle = Bundle::of(&fs::read(out).unwrap());
        bundle.assert_without(&self.secrets);
        bundle
    }
}

/// It has everything that there is to see of a node that runs.
fn assert_helps(bundle: &Bundle) {
    let names: Vec<&str> = bundle.texts.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "README.txt",
            "check.json",
            "committee.toml",
            "config.json",
            "files.txt",
            "machine.json",
            "node/history.json",
            "node/metrics.txt",
            "node/peers.json",
            "node/readyz.json",
            "node/status.json",
            "node/validators.json",
            "store.json",
            "versions.json",
        ]
    );
    assert!(bundle.texts["README.txt"].ends_with("Missing here:\n\nnothing\n"), "{}", bundle.texts["README.txt"]);
    assert_eq!(bundle.json("versions.json")["node"], bundle.json("node/status.json")["version"]);
    let settings = bundle.json("config.json");
    let of = |name: &str| {
        let all = settings.as_array().unwrap();
        all.iter().find(|setting| setting["setting"] == name).unwrap_or_else(|| panic!("{name}: {settings}")).clone()
    };
    assert_eq!(of("beacon.providers")["value"][0]["name"], "own");
    assert!(of("beacon.providers")["value"][0]["url"].as_str().unwrap().contains("@127.0.0.1:"), "{settings}");
    assert_eq!(of("execution.providers")["origin"], "environment");
    let codes = bundle.json("check.json");
    assert!(
        codes["findings"].as_array().unwrap().iter().any(|finding| finding["code"] == "provider_silent"),
        "{codes}"
    );
    assert_eq!(bundle.json("node/status.json")["observed"], FINALIZED);
    assert!(!bundle.json("node/history.json").as_array().unwrap().is_empty());
    assert!(bundle.texts["node/metrics.txt"].contains(&format!("guardian_observed_epoch {FINALIZED}")));
    assert_eq!(bundle.json("store.json")["starts"], 1);
    assert!(bundle.texts["committee.toml"].contains("guardian-4"));
    let files = &bundle.texts["files.txt"];
    let identity = files.lines().find(|line| line.contains("identity.sealed")).unwrap();
    assert!(identity.starts_with("100600 "), "{files}");
}

fn has_failed(node: &Running) -> bool {
    node.log().contains("dead")
}

#[test]
fn a_bundle_of_a_node_full_of_secrets_helps_and_has_none() {
    let (guarded, nodes) = (Guarded::new(), Nodes::new());
    let chain = Chain::healthy(guarded.place.committee(1).committee().unwrap().group_key());
    guarded.configure(&nodes.beacon(chain.clone()), &nodes.beacon(chain.clone()));
    let execution = nodes.execution(chain).replace("http://", "own=http://x:Zq6environmentpassword@");
    let file = guarded.write("executions", &format!("{execution}/Zq7environmentkey"));
    let variables =
        [("GUARDIAN_EXECUTION_PROVIDERS_FILE", file.to_str().unwrap()), ("CLOUD_SECRET_KEY", "Zq8variable")];
    let mut node = guarded.place.run_node_with(1, &variables);
    node.says("running");
    eventually("the dead node is told", || has_failed(&node));
    let page = format!("http://127.0.0.1:{}", guarded.pages);
    eventually("it observes", || text(&guardian(&["status", "--url", &page])).contains(&format!("epoch {FINALIZED}")));

    let out = guarded.place.path().join("out/bundle.tar.gz");
    let output = guarded.bundle(&variables, &out);
    let bundle = guarded.read(&output, &out);
    assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
    assert_helps(&bundle);

    assert_refused(&guarded.bundle(&variables, &out), "can't write", "never overwritten");
    let piped = guarded.bundle(&variables, Path::new("-"));
    assert_done(&piped);
    assert_eq!(Bundle::of(&piped.stdout).texts.len(), bundle.texts.len());
}

#[test]
fn a_bundle_without_a_node_says_what_is_missing() {
    let guarded = Guarded::new();
    guarded.configure("http://127.0.0.1:1", "http://127.0.0.1:2");
    let variables =
        [("GUARDIAN_EXECUTION_PROVIDERS", "own=http://x:ZqEenvironmentpassword@127.0.0.1:1/v3/%5AqFescaped")];
    let out = guarded.place.path().join("bundle.tar.gz");
    let bundle = guarded.read(&guarded.bundle(&variables, &out), &out);
    let missing = bundle.texts["README.txt"].split("Missing here:").nth(1).unwrap().to_owned();
    assert!(missing.contains("node: no guardian answers at") && missing.contains("hint: is it running"), "{missing}");
    assert_eq!(bundle.json("check.json")["worst"], "fail");
    assert_eq!(bundle.json("versions.json")["node"], Value::Null);
}

#[test]
fn a_bundle_has_no_secret_of_a_remote_signer() {
    let guarded = Guarded::new();
    guarded.configure("http://127.0.0.1:1", "http://127.0.0.1:2");
    let path = guarded.place.config_path(1);
    let bearer = guarded.write("signer.token", "ZqKbearer");
    let signer = format!(
        "[account]\naddress = \"0x00000000000000000000000000000000000000aa\"\nbearer_file = \"{}\"\n\
         web3signer = \"https://ZqHsignername:ZqIsignerpassword@127.0.0.1:3/ZqJsignerpath\"\n",
        bearer.display()
    );
    let config = fs::read_to_string(&path).unwrap().replacen("[account]\n", &signer, 1);
    assert!(config.contains("ZqIsignerpassword"), "{config}");
    fs::write(&path, config).unwrap();
    let out = guarded.place.path().join("bundle.tar.gz");
    let bundle = guarded.read(&guarded.bundle(&[], &out), &out);
    let settings = bundle.texts["config.json"].as_str();
    assert!(settings.contains("@127.0.0.1:3/") && settings.contains("signer.token"), "{settings}");
    assert!(bundle.texts["files.txt"].contains("signer.token"));
}

#[test]
fn a_configuration_that_can_not_be_read_is_not_quoted() {
    let guarded = Guarded::new();
    guarded.configure("http://127.0.0.1:1", "http://127.0.0.1:2");
    let path = guarded.place.config_path(1);
    let whole = fs::read_to_string(&path).unwrap();
    for (right, wrong) in [("?apikey", "\"?apikey"), ("name = \"own\"", "nome = \"own\""), ("\"/bin/sh\"", "7")] {
        fs::write(&path, whole.replace(right, wrong)).unwrap();
        let out = guarded.place.path().join(format!("bundle-{}.tar.gz", wrong.len()));
        let bundle = guarded.read(&guarded.bundle(&[], &out), &out);
        let readme = &bundle.texts["README.txt"];
        assert!(readme.contains("configuration: the configuration") && readme.contains("is not valid"), "{readme}");
        assert!(bundle.texts["files.txt"].contains("guardian.toml"));
    }
}
