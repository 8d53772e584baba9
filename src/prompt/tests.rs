//! What must hold for any text, well-formed or not.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, json};

use super::closure::Revision;
use super::model::{ModelRef, Settings};
use super::version::{Content, SharedModels};
use super::*;
use crate::git::write::NewRepo;
use crate::git::{Kind, Repo};
use crate::policy::scope::{Risk, Rule, Stage};
use crate::yaml;

/// Bits of every format: any order of them is nearer to a prompt file than random bytes.
const BITS: &[&str] = &[
    "---\n",
    "\n",
    "\r\n",
    "# ",
    "a: ",
    "model: openai:gpt-4o\n",
    "prompts:\n  - ",
    "providers:\n  - ",
    "messages:\n  - role: user\n    content: ",
    "modelParameters:\n  temperature: 1e3\n",
    "tools: ",
    "[",
    "]",
    "{",
    "}",
    "{{",
    "{{{",
    "}}",
    "{{!--",
    "{{#> x}}",
    "{{> x y=\"",
    "{%",
    "%}",
    "{% include 'x' %}",
    "{% set a = ",
    "{% for a, b in c | d %}",
    "{#",
    "${file:x}",
    "file://x.txt",
    "[{\"role\": \"user\", \"content\": ",
    "system:\n",
    "user[a=b]:\n",
    "'",
    "\"",
    "|",
    "&a ",
    "*a",
    "!t ",
    "? ",
    "\t",
    "\u{feff}",
    "\u{2028}",
    "é",
    "𝒳",
    "@",
    "..",
    "0x",
    "-.inf",
];

fn text() -> impl Strategy<Value = String> {
    let bit = prop_oneof![
        3 => select(BITS).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => "[a-z .:/]{0,8}",
    ];
    vec(bit, 0..24).prop_map(|bits| bits.concat())
}

fn value() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        (-1_000_i32..1_000).prop_map(|whole| Json::from(f64::from(whole))),
        any::<String>().prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Json::from),
            vec((any::<String>(), inner), 0..4)
                .prop_map(|entries| Json::Object(entries.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn rule() -> Rule {
    Rule {
        id: None,
        risk: Risk::Standard,
        stage: Stage::Production,
        models: Vec::new(),
        retrieval: Vec::new(),
        exact: false,
    }
}

/// Reads one file of these bytes in a repository of its own.
fn read(name: &str, bytes: &[u8]) -> Result<Vec<Prompt>, Problem> {
    let folder = tempfile::tempdir().unwrap();
    let files = [(name.to_owned(), bytes)];
    let commit = NewRepo::init(folder.path())
        .and_then(|new| new.commit("main", None, files.into_iter(), ("files", 0)))
        .unwrap();
    let repo = Repo::open(folder.path()).unwrap();
    let path = RepoPath::parse(name).unwrap();
    let entry = repo.entry(&commit, &path).unwrap().unwrap();
    assert_eq!(entry.kind, Kind::File);
    let revision = Revision {
        repo: &repo,
        commit: &commit,
    };
    revision.prompts(&path, entry, &rule())
}

const NAMES: &[&str] = &[
    "a.md",
    "a.j2",
    "a.hbs",
    "a.prompt",
    "a.prompty",
    "a.prompt.yml",
    "a.json",
    "promptfooconfig.yaml",
];

/// A draft as the six facets that a file can set.
fn draft([template, inputs, model, parameters, tools, schema]: [u8; 6]) -> Draft {
    let mut settings = Settings::default();
    settings
        .parameters
        .insert(String::from("seed"), json!(parameters));
    Draft {
        template: vec![Message::plain(format!("text {template}"))],
        inputs: json!(inputs),
        models: vec![ModelUse {
            model: ModelRef::parse(&format!("model-{model}")),
            parameters: settings.parameters,
        }],
        tools: json!([tools]),
        schema: json!({ "schema": schema }),
        ..Draft::default()
    }
}

fn version(draft: &Draft, retrieval: u8, shared: u8, label: u8) -> Version {
    let mut draft = draft.clone();
    draft.metadata.insert(String::from("version"), json!(label));
    let shared = SharedModels {
        models: Json::Null,
        parameters: json!(shared),
    };
    Version::of(&Content {
        draft: &draft,
        partials: &BTreeMap::new(),
        variables: &BTreeSet::new(),
        shared_models: &BTreeMap::from([(String::from("models.yml"), shared)]),
        retrieval: &BTreeMap::from([(String::from("retrieval.yml"), json!(retrieval))]),
    })
}

proptest! {
    #[test]
    fn no_text_makes_the_readers_panic(text in text()) {
        let path = RepoPath::parse("a.md").unwrap();
        drop(front_matter::part(&File { path: &path, text: &text }));
        drop(variables::used(&text));
        drop(variables::references(&text));
        drop(ModelRef::parse(&text));
        drop(yaml::to_json(&text));
        let _: raw::RawPrompt = raw::RawPrompt::of(&text);
    }

    #[test]
    fn a_name_that_a_template_uses_stands_in_it(text in text()) {
        for name in variables::used(&text) {
            prop_assert!(text.contains(&name), "{name:?}");
        }
    }

    #[test]
    fn a_model_reads_its_own_name_back(text in "[a-zA-Z]{1,4}([:/][a-zA-Z0-9.-]{1,4}){0,3}") {
        if let Some(model) = ModelRef::parse(&text) {
            let again = ModelRef::parse(&model.to_string()).unwrap();
            prop_assert!(again.same(&model), "{model} {again}");
        }
    }

    #[test]
    fn canonical_text_and_json_are_canonical_already(text in text(), value in value()) {
        let once = canonical::text(&text);
        prop_assert_eq!(canonical::text(&once), once);
        let once = canonical::json(&value);
        let again: Json = serde_json::from_str(&once).unwrap();
        prop_assert_eq!(canonical::json(&again), once);
    }

    #[test]
    fn the_version_changes_exactly_with_its_facets(
        a in any::<[bool; 9]>(),
        b in any::<[bool; 9]>(),
    ) {
        let of = |bits: [bool; 9]| {
            let [t, i, m, p, o, s, r, d, l] = bits.map(u8::from);
            version(&draft([t, i, m, p, o, s]), r, d, l)
        };
        let (before, after) = (of(a), of(b));
        let bit = |at: usize| a.get(at) != b.get(at);
        for (facet, changed) in [
            (Facet::Template, bit(0)),
            (Facet::Variables, bit(1)),
            (Facet::Model, bit(2)),
            (Facet::Parameters, bit(3) || bit(7)),
            (Facet::Tools, bit(4)),
            (Facet::Schema, bit(5)),
            (Facet::Retrieval, bit(6)),
            (Facet::Metadata, bit(8)),
        ] {
            prop_assert_eq!(before.facet(facet) != after.facet(facet), changed, "{}", facet);
        }
        let changed = (0..8).any(bit);
        prop_assert_eq!(before.digest() != after.digest(), changed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_file_makes_a_format_panic(name in select(NAMES), text in text()) {
        // Either prompts or a problem that names a file; never neither.
        match read(name, text.as_bytes()) {
            Ok(prompts) => prop_assert!(!prompts.is_empty()),
            Err(problem) => prop_assert!(!problem.found.is_empty()),
        }
    }

    #[test]
    fn no_bytes_make_a_format_panic(name in select(NAMES), bytes in vec(any::<u8>(), 0..64)) {
        drop(read(name, &bytes));
    }

    #[test]
    fn line_ends_and_final_newlines_never_make_a_version(
        name in select(NAMES),
        text in "[a-z{}|:#>\n -]{0,40}",
    ) {
        let plain = read(name, text.as_bytes()).map(|prompts| versions(&prompts));
        let crlf = format!("{}\r\n", text.replace('\n', "\r\n"));
        let crlf = read(name, crlf.as_bytes()).map(|prompts| versions(&prompts));
        if let (Ok(plain), Ok(crlf)) = (plain, crlf) {
            prop_assert_eq!(plain, crlf);
        }
    }
}

fn versions(prompts: &[Prompt]) -> Vec<Digest> {
    prompts
        .iter()
        .map(|prompt| prompt.version.digest())
        .collect()
}
