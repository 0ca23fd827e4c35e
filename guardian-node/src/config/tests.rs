//! What a configuration may say, and what it may not.

use super::*;
use crate::passphrase::Source;
use guardian_protocol::DutyKind;

fn template() -> Config {
    Config::parse(TEMPLATE, Path::new("guardian.toml")).unwrap()
}

#[test]
fn the_template_is_a_valid_configuration() {
    Config::parse(TEMPLATE, Path::new("guardian.toml")).unwrap();
}

#[test]
fn what_the_template_has_as_a_comment_is_what_is_usual() {
    // Keys in comments that are examples of what may be said otherwise, and not the usual value.
    let examples = ["exits", "quorum", "prove_states", "chain_id", "protocol", "guardian_keys", "guardian_module"];
    let kinds = ["passphrase_credential", "passphrase_command", "ejection", "reserves", "validator_count"];
    let account = ["address", "web3signer", "web3signer_file", "authority_file", "certificate_file", "bearer_file"];
    let examples = [&examples[..], &kinds, &account, &["aws_kms", "aws_kms_endpoint", "google_kms"]].concat();
    let is_setting = |line: &str| {
        line.split_once(" = ").is_some_and(|(key, _)| {
            key.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_')) && !examples.contains(&key)
        })
    };
    let told: Vec<String> = TEMPLATE
        .lines()
        .map(|line| match line.strip_prefix("# ").filter(|rest| is_setting(rest)) {
            Some(setting) => setting.to_owned(),
            None => line.to_owned(),
        })
        .collect();
    let shown = |text: &str| toml::to_string(&Config::parse(text, Path::new("guardian.toml")).unwrap()).unwrap();
    assert_eq!(shown(&told.join("\n")), shown(TEMPLATE));
    assert!(told.join("\n").matches("\n# listen").count() == 0, "the comments were understood");
}

#[test]
fn an_unknown_key_is_refused_by_name() {
    let error = toml::from_str::<Config>(&TEMPLATE.replace("# data_dir", "data_folder")).unwrap_err();
    assert!(error.to_string().contains("data_folder"), "{error}");
}

#[test]
fn states_are_proved_unless_the_operator_says_otherwise() {
    let template = |key: &str| {
        TEMPLATE
            .replace("[beacon]", &format!("[beacon]\n{key}"))
            .replace("# guardian_keys = \"0x00", "guardian_keys = \"0x01")
    };
    for (key, proved) in [("", true), ("prove_states = true", true), ("prove_states = false", false)] {
        let config = Config::parse(&template(key), Path::new("guardian.toml")).unwrap();
        assert_eq!(crate::node::chain_config(&config).unwrap().limits.prove_states, proved, "{key}");
    }
}

#[test]
fn keys_are_vetoed_where_they_are_kept() {
    let mut config: Config = toml::from_str(TEMPLATE).unwrap();
    let keys = alloy_primitives::Address::repeat_byte(7);
    config.contracts.guardian_keys = keys;
    config.contracts.check().unwrap();
    assert_eq!(config.contracts().duties.get(DutyKind::KeyVeto), Some(&keys));
    config.contracts.duties.insert(DutyKind::KeyVeto, alloy_primitives::Address::repeat_byte(8));
    assert!(config.contracts.check().unwrap_err().to_string().contains("key_veto"));
}

#[test]
fn accounts_sign_what_puffers_own_module_has_a_message_for() {
    let with = |text: &str| {
        let text = TEMPLATE.replace("[contracts.accounts]", &format!("[contracts.accounts]\n{text}"));
        Config::parse(
            &text.replace("# validator_count = \"0x0000", "validator_count = \"0x0909"),
            Path::new("guardian.toml"),
        )
    };
    let module = format!("module = \"{}\"", alloy_primitives::Address::repeat_byte(7));
    for (bound, text) in [(false, ""), (false, ", bound = false"), (true, ", bound = true")] {
        let config = with(&format!("validator_count = {{ {module}{text} }}")).unwrap();
        let accounts = *config.contracts().accounts.get(DutyKind::ValidatorCount).unwrap();
        assert_eq!((accounts.module, accounts.bound), (alloy_primitives::Address::repeat_byte(7), bound));
    }
    for refused in [
        format!("reserves = {{ {module} }}"),
        "validator_count = { module = \"0x0000000000000000000000000000000000000000\" }".to_owned(),
    ] {
        let error = with(&refused).unwrap_err();
        assert!(
            error.to_string().contains("[contracts.accounts]") && error.advice().contains("validator_count"),
            "{error}"
        );
    }
    let mut config = with(&format!("validator_count = {{ {module} }}")).unwrap();
    config.contracts.duties.remove(DutyKind::ValidatorCount);
    assert!(config.contracts.check().is_err(), "without its contract");
}

#[test]
fn a_duration_without_a_unit_is_refused() {
    assert!(toml::from_str::<Config>(&TEMPLATE.replace("# poll = \"12s\"", "poll = 12")).is_err());
}

#[test]
fn a_quorum_that_is_no_majority_is_refused() {
    let mut config = template();
    config.beacon.quorum = Some(1);
    config.beacon.providers = (0..3)
        .map(|i| ProviderConfig::new(format!("p{i}"), format!("http://127.0.0.1:{i}").parse().unwrap()))
        .collect();
    let error = config.check().unwrap_err();
    assert!(error.to_string().contains("not a majority"), "{error}");
}

#[test]
fn no_node_counts_twice() {
    for (first, second) in [
        ("http://127.0.0.1:5052", "http://127.0.0.1:5052/"),
        ("http://127.0.0.1:5052", "http://LOCALHOST:5052"),
        ("http://[::1]:5052", "http://127.1:5052"),
        ("http://[::ffff:10.0.0.1]/", "http://10.0.0.1:80"),
        ("http://0.0.0.0:5052", "http://localhost.:5052"),
        ("https://alice:secret@rpc.example/v3/key", "https://RPC.example.:443/v3/key//"),
        ("https://rpc.example/a/../v3?x=1", "http://rpc.example:443/v3?x=1"),
    ] {
        for layer in ["beacon", "execution"] {
            let mut config = template();
            let providers = [("a", first), ("b", "http://10.9.9.9:1"), ("c", second)];
            let providers = providers.map(|(name, url)| ProviderConfig::new(name.into(), url.parse().unwrap()));
            match layer {
                "beacon" => config.beacon.providers = providers.to_vec(),
                _ => config.execution.providers = providers.to_vec(),
            }
            let error = config.check().unwrap_err().to_string();
            assert!(error.contains(layer) && error.contains("`a` and `c` have the same url"), "{second}: {error}");
        }
    }
}

#[test]
fn different_nodes_are_told_apart() {
    let mut config = template();
    let urls =
        ["http://127.0.0.1:5052", "http://127.0.0.1:5053", "https://rpc.example/key1", "https://rpc.example/key2"];
    let named = |(i, url): (usize, &str)| ProviderConfig::new(format!("p{i}"), url.parse().unwrap());
    config.beacon.providers = urls.into_iter().enumerate().map(named).collect();
    config.check().unwrap();
}

#[test]
fn urls_that_anybody_on_the_way_can_read_are_named() {
    let mut config = template();
    let urls = [
        "http://127.0.0.1:1",
        "http://lighthouse:5052",
        "http://10.0.0.5:5052",
        "http://box.lan:1",
        "https://rpc.example",
        "http://rpc.example",
        "http://8.8.8.8:1",
        "http://[fd00::1]:1",
        "http://[2001:db8::1]:1",
    ];
    let named = |url: &str| ProviderConfig::new(url.to_owned(), url.parse().unwrap());
    config.execution.providers = urls.into_iter().map(named).collect();
    let open: Vec<_> = config.readable_on_the_way().map(|(_, name)| name).collect();
    assert_eq!(open, ["http://rpc.example", "http://8.8.8.8:1", "http://[2001:db8::1]:1"]);
}

#[test]
fn the_passphrase_comes_from_one_place() {
    let file = "passphrase_file = \"../guardian.passphrase\"";
    let with = |line: &str| Config::parse(&TEMPLATE.replace(file, line), Path::new("guardian.toml"));
    let source = |line: &str| with(line).unwrap().keys.passphrase().unwrap();
    assert_eq!(source(file), Source::File("../guardian.passphrase".into()));
    assert_eq!(source("passphrase_credential = \"x\""), Source::Credential("x".into()));
    assert_eq!(source("passphrase_command = [\"a\", \"b\"]"), Source::Command(vec!["a".into(), "b".into()]));
    for (line, count) in [("", 0), ("passphrase_file = \"a\"\npassphrase_credential = \"b\"", 2)] {
        let error = with(line).unwrap_err();
        assert!(error.to_string().contains(&format!("names {count} places")), "{error}");
    }
}

#[test]
fn a_timing_of_zero_is_refused_by_name() {
    for key in ["poll", "coordinator_stagger", "share_timeout", "reannounce", "submit_stagger"] {
        let line = TEMPLATE.lines().find(|line| line.starts_with(&format!("# {key} = "))).unwrap();
        let text = TEMPLATE.replace(line, &format!("{key} = \"0s\""));
        let error = Config::parse(&text, Path::new("guardian.toml")).unwrap_err();
        assert!(error.to_string().contains(&format!("[timing] {key} = \"0s\"")), "{error}");
    }
}

/// The template in a folder of its own.
fn folder(text: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("guardian.toml");
    std::fs::write(&path, text).unwrap();
    (dir, path)
}

fn loaded(path: &Path) -> Result<(Config, Origins), Hinted> {
    Config::of_sources(&std::fs::read_to_string(path).unwrap(), path, &Environment::default())
}

/// A deployment on the example's chain, which is mainnet's.
const DEPLOYMENT: &str = include_str!("../../../contracts/test/vectors/deployment.json");

#[test]
fn a_name_is_enough_for_what_is_published_of_a_network() {
    let with = |text: &str| Config::parse(&TEMPLATE.replace("network = \"mainnet\"", text), Path::new("guardian.toml"));
    let mainnet = with("network = \"mainnet\"").unwrap().contracts;
    assert_eq!(mainnet.chain_id, 1);
    assert_eq!(mainnet.protocol.to_string(), "0xf7b6B32492c2e13799D921E84202450131bd238B");
    let hoodi = with("network = \"hoodi\"").unwrap();
    assert_eq!((hoodi.contracts.chain_id, hoodi.contracts.protocol.is_zero()), (560_048, true), "nothing is guessed");
    let error = with("").unwrap_err();
    assert!(error.to_string().contains("chain is not set") && error.advice().contains("hoodi"), "{error}");
    assert!(with("network = \"holesky\"").is_err());
}

#[test]
fn the_contracts_are_where_the_deployment_says_unless_the_file_says_otherwise() {
    let (dir, path) = folder(TEMPLATE);
    let error = loaded(&path).unwrap().0.require_contracts().unwrap_err();
    assert!(error.advice().contains(dir.path().join("deployment.json").to_str().unwrap()), "{}", error.advice());
    std::fs::write(dir.path().join("deployment.json"), DEPLOYMENT).unwrap();
    let said: serde_json::Value = serde_json::from_str(DEPLOYMENT).unwrap();
    let (config, origins) = loaded(&path).unwrap();
    config.require_contracts().unwrap();
    let address = |key: &str| said[key].as_str().unwrap().to_lowercase();
    assert_eq!(config.contracts.guardian_keys.to_string().to_lowercase(), address("guardian_keys"));
    let ejection = config.contracts.duties.get(guardian_protocol::DutyKind::Ejection).unwrap();
    assert_eq!(ejection.to_string().to_lowercase(), address("ejection_registry"));
    assert_eq!(origins["contracts.guardian_keys"], layers::Origin::Deployment);
    let own = "guardian_keys = \"0x0000000000000000000000000000000000000001\"\n# guardian_keys = ";
    std::fs::write(&path, TEMPLATE.replace("# guardian_keys = ", own)).unwrap();
    let (config, origins) = loaded(&path).unwrap();
    assert_eq!(config.contracts.guardian_keys.0[19], 1);
    assert_eq!(origins["contracts.guardian_keys"], layers::Origin::File);
}

#[test]
fn sources_that_mean_different_chains_are_refused() {
    let (dir, path) = folder(&TEMPLATE.replace("\"mainnet\"", "\"hoodi\""));
    loaded(&path).unwrap();
    std::fs::write(dir.path().join("deployment.json"), DEPLOYMENT).unwrap();
    let error = loaded(&path).unwrap_err();
    assert!(error.to_string().contains("network means chain 560048, and the deployment chain 1"), "{error}");
    let (_dir, path) = folder(&TEMPLATE.replace("# chain_id = 1", "chain_id = 5"));
    let error = loaded(&path).unwrap_err();
    assert!(error.to_string().contains("network means chain 1, and [contracts] chain 5"), "{error}");
}

#[test]
fn a_deployment_that_is_not_one_is_refused() {
    let (dir, path) = folder(TEMPLATE);
    for text in ["", "{}", &DEPLOYMENT.replace("\"guardian_keys\": \"0x", "\"guardian_keys\": \"0x00")] {
        std::fs::write(dir.path().join("deployment.json"), text).unwrap();
        let error = loaded(&path).unwrap_err();
        assert!(error.to_string().contains("deployment.json is not usable"), "{error}");
    }
}

#[test]
fn an_address_with_credentials_can_lie_in_a_file_of_its_own() {
    let providers =
        "{ name = \"own\", url = \"http://127.0.0.1:5052\" },\n  { name = \"hosted\", url_file = \"hosted.url\" },";
    let (dir, path) = folder(&TEMPLATE.replace("{ name = \"own\", url = \"http://127.0.0.1:5052\" },", providers));
    // Commands that ask no provider do without.
    let (config, _) = loaded(&path).unwrap();
    let place = dir.path().join("hosted.url");
    let error = endpoints("beacon", &config.beacon.providers).unwrap_err();
    assert!(error.to_string().contains(place.to_str().unwrap()), "{error}");
    std::fs::write(&place, "https://alice:hunter2@rpc.example/topsecret\n").unwrap();
    let found = endpoints("beacon", &config.beacon.providers).unwrap();
    assert_eq!(found[1].url.as_str(), "https://alice:hunter2@rpc.example/topsecret");
    std::fs::write(&place, "hunter2").unwrap();
    let error = endpoints("beacon", &config.beacon.providers).unwrap_err();
    assert!(!format!("{error:?}").contains("hunter2") && error.advice().contains("https://"), "{error:?}");
    // One node under another spelling is found there as well.
    std::fs::write(&place, "http://localhost:5052/").unwrap();
    let error = endpoints("beacon", &config.beacon.providers).unwrap_err();
    assert!(error.to_string().contains("`own` and `hosted` have the same url"), "{error}");
}

#[test]
fn headers_lie_in_a_file_and_are_never_repeated() {
    let provider = "{ name = \"own\", url = \"http://127.0.0.1:5052\", headers_file = \"own.headers\" },";
    let (dir, path) = folder(&TEMPLATE.replace("{ name = \"own\", url = \"http://127.0.0.1:5052\" },", provider));
    let (config, _) = loaded(&path).unwrap();
    let place = dir.path().join("own.headers");
    for wrong in ["", "\n\n", "hunter2", ": hunter2", "two words: hunter2", "x-key: hunter2\nhunter2"] {
        std::fs::write(&place, wrong).unwrap();
        let error = endpoints("beacon", &config.beacon.providers).unwrap_err();
        assert!(error.to_string().contains(place.to_str().unwrap()), "{wrong:?}: {error}");
        assert!(!format!("{error:?}").contains("hunter2") && error.advice().contains("NAME: VALUE"), "{error:?}");
    }
    std::fs::write(&place, "Authorization: Bearer hunter2\n\nx-key:hunter2\n").unwrap();
    let found = endpoints("beacon", &config.beacon.providers).unwrap();
    assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
}

#[test]
fn what_was_not_said_of_a_provider_is_not_written() {
    let written = toml::to_string(&template()).unwrap();
    assert!(written.contains("5052") && !written.contains("role") && !written.contains("headers_file"), "{written}");
}

#[test]
fn fallbacks_alone_are_refused() {
    for (role, is_fine) in [("own", true), ("heavy", true), ("fallback", false)] {
        let text = TEMPLATE.replace("5052\" }", &format!("5052\", role = \"{role}\" }}"));
        let parsed = Config::parse(&text, Path::new("guardian.toml"));
        assert_eq!(parsed.is_ok(), is_fine, "{role}");
        if let Err(error) = parsed {
            assert!(error.to_string().contains("[beacon] lists fallbacks alone"), "{error}");
        }
    }
}

#[test]
fn a_provider_has_one_address() {
    for addresses in ["", ", url = \"http://127.0.0.1:1\", url_file = \"file\""] {
        let text = TEMPLATE.replace(", url = \"http://127.0.0.1:5052\"", addresses);
        let error = Config::parse(&text, Path::new("guardian.toml")).unwrap_err();
        assert!(error.to_string().contains("provider own has neither or both"), "{error}");
    }
}

#[test]
fn what_is_shown_has_its_origin_and_no_secret() {
    let text = TEMPLATE
        .replace("passphrase_file = \"../guardian.passphrase\"", "passphrase_command = [\"/bin/secret\", \"hunter2\"]")
        .replace("http://127.0.0.1:8545", "https://alice:hunter2@rpc.example:8080/topsecret?key=topsecret");
    let (_dir, path) = folder(&text);
    let environment = Environment::of([("GUARDIAN_HTTP_LISTEN".to_owned(), "0.0.0.0:1".to_owned())]);
    let (config, origins) = Config::of_sources(&text, &path, &environment).unwrap();
    let shown = config.shown(&origins).unwrap();
    let all = serde_json::to_string(&shown).unwrap();
    assert!(!all.contains("hunter2") && !all.contains("topsecret"), "{all}");
    assert!(all.contains("rpc.example:8080") && all.contains("/bin/secret"), "{all}");
    for (setting, value, origin) in [
        ("http.listen", "0.0.0.0:1", layers::Origin::Environment),
        ("guardian.name", "guardian-1", layers::Origin::File),
        ("contracts.protocol", "0xf7b6b32492c2e13799d921e84202450131bd238b", layers::Origin::Network),
        ("timing.poll", "12s", layers::Origin::Default),
    ] {
        let found = shown.iter().find(|shown| shown.setting == setting).unwrap();
        assert_eq!((found.value.as_str().unwrap(), found.origin), (value, origin), "{setting}");
    }
    let limit = shown.iter().find(|shown| shown.setting == "limits.hard.reserves.change_bps").unwrap();
    assert_eq!(limit.value.as_integer(), Some(1000));
}

#[test]
fn exit_shares_are_beside_the_identity_unless_a_file_is_named() {
    let mut keys = template().keys;
    assert_eq!(keys.exit_shares(), Path::new("keys/exits.sealed"));
    keys.identity = "/run/keys/identity.sealed".into();
    assert_eq!(keys.exit_shares(), Path::new("/run/keys/exits.sealed"));
    keys.exits = Some("elsewhere".into());
    assert_eq!(keys.exit_shares(), Path::new("elsewhere"));
}
