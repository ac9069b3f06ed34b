//! What SOPS writes beside the values: who can decrypt them, by which rule they were chosen, their MAC.

use crate::tree::{Branch, Entry, Item, Value};
use crate::{Error, Rule, Settings, VERSION};

/// The key of the metadata.
pub(crate) const SOPS: &str = "sops";

/// The other services that a data key may be encrypted by, by their keys in the metadata.
const SERVICES: [(&str, &str); 6] = [
    ("kms", "AWS KMS (`kms`)"),
    ("gcp_kms", "GCP KMS (`gcp_kms`)"),
    ("hckms", "HuaweiCloud KMS (`hckms`)"),
    ("azure_kv", "Azure Key Vault (`azure_kv`)"),
    ("hc_vault", "Vault (`hc_vault`)"),
    ("pgp", "PGP (`pgp`)"),
];

/// The metadata of a file.
#[derive(Clone)]
pub(crate) struct Metadata {
    pub(crate) age: Vec<Recipient>,
    pub(crate) last_modified: String,
    pub(crate) mac: String,
    pub(crate) rule: Rule,
    /// Whether the rule is the one that counts where none is written, and none is to be written.
    pub(crate) is_implicit: bool,
    pub(crate) mac_only_encrypted: bool,
    /// Other services for whom the data key is encrypted, as they are written.
    pub(crate) others: Vec<(String, Value)>,
}

/// A recipient of age, with the data key encrypted for it.
#[derive(Clone, PartialEq)]
pub(crate) struct Recipient {
    pub(crate) recipient: String,
    pub(crate) sealed: String,
}

impl Metadata {
    pub(crate) fn new(settings: &Settings, is_implicit: bool) -> Self {
        Self {
            age: Vec::new(),
            last_modified: String::new(),
            mac: String::new(),
            rule: settings.rule.clone(),
            is_implicit,
            mac_only_encrypted: settings.mac_only_encrypted,
            others: Vec::new(),
        }
    }

    pub(crate) fn parse(branch: &Branch) -> Result<Self, Error> {
        let text = |key: &str| match branch.get(key) {
            None | Some(Value::Null) => Ok(String::new()),
            Some(value) => value.as_str().map(str::to_owned).ok_or_else(|| Error::Metadata(format!("`{key}` is no text"))),
        };
        let mut rules = Vec::new();
        for (key, make) in Rule::KEYS {
            let text = text(key)?;
            if !text.is_empty() {
                rules.push(make(text));
            }
        }
        if rules.len() > 1 {
            return Err(Error::Metadata("it has more than one rule for what is encrypted".to_owned()));
        }
        let mut age = recipients(branch.get("age"))?;
        let mut others = services(branch);
        if age.is_empty() && others.is_empty() {
            let groups: Vec<&Branch> = match branch.get("key_groups") {
                Some(Value::List(items)) => items.iter().filter_map(as_map).collect(),
                _ => Vec::new(),
            };
            match groups[..] {
                [] => {}
                [group] => (age, others) = (recipients(group.get("age"))?, services(group)),
                _ => return Err(Error::KeyGroups),
            }
        }
        if age.is_empty() && others.is_empty() {
            return Err(Error::Metadata("it names nobody who could decrypt the file".to_owned()));
        }
        let mac_only_encrypted = match branch.get("mac_only_encrypted") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(value)) => *value,
            Some(value) => matches!(value.as_str(), Some("true" | "True" | "1")),
        };
        Ok(Self {
            age,
            last_modified: text("lastmodified")?,
            mac: text("mac")?,
            is_implicit: rules.is_empty(),
            rule: rules.pop().unwrap_or_default(),
            mac_only_encrypted,
            others,
        })
    }

    /// The names of the services, where age is not among them.
    pub(crate) fn services(&self) -> Vec<&'static str> {
        let names = self.others.iter().filter_map(|(key, _)| SERVICES.iter().find(|(name, _)| name == key));
        names.map(|(_, shown)| *shown).collect()
    }

    /// As it is written, in the order of the names.
    pub(crate) fn branch(&self) -> Branch {
        let age = |recipient: &Recipient| {
            let Recipient { recipient, sealed } = recipient;
            let entry = |key: &str, text: &String| Entry::Value(key.to_owned(), Value::text(text.as_bytes()));
            Item::Value(Value::Map(Branch(vec![entry("enc", sealed), entry("recipient", recipient)])))
        };
        let mut entries = self.others.clone();
        let mut add = |key: &str, value: Value| entries.push((key.to_owned(), value));
        if !self.age.is_empty() {
            add("age", Value::List(self.age.iter().map(age).collect()));
        }
        add("lastmodified", Value::text(self.last_modified.as_bytes()));
        add("mac", Value::text(self.mac.as_bytes()));
        if self.mac_only_encrypted {
            add("mac_only_encrypted", Value::Bool(true));
        }
        if !self.is_implicit {
            let (key, text) = self.rule.written();
            add(key, Value::text(text.as_bytes()));
        }
        add("version", Value::text(VERSION));
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        Branch(entries.into_iter().map(|(key, value)| Entry::Value(key, value)).collect())
    }
}

fn as_map(item: &Item) -> Option<&Branch> {
    match item {
        Item::Value(Value::Map(branch)) => Some(branch),
        _ => None,
    }
}

fn recipients(age: Option<&Value>) -> Result<Vec<Recipient>, Error> {
    let items = match age {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::List(items)) => items,
        Some(_) => return Err(Error::Metadata("`age` is no list".to_owned())),
    };
    let recipient = |item: &Item| match item {
        Item::Comment(_) => None,
        Item::Value(value) => Some(match value {
            Value::Map(branch) => {
                let text = |key: &str| branch.get(key).and_then(Value::as_str).map(str::to_owned);
                let parts = text("recipient").zip(text("enc"));
                let parts = parts.map(|(recipient, sealed)| Recipient { recipient, sealed });
                parts.ok_or_else(|| Error::Metadata("an entry of `age` has no `recipient` or no `enc`".to_owned()))
            }
            _ => Err(Error::Metadata("an entry of `age` is no map".to_owned())),
        }),
    };
    items.iter().filter_map(recipient).collect()
}

fn services(branch: &Branch) -> Vec<(String, Value)> {
    let is_used = |key: &&str| matches!(branch.get(key), Some(Value::List(items)) if !items.is_empty());
    let found = SERVICES.iter().map(|(key, _)| *key).filter(is_used);
    found.filter_map(|key| Some((key.to_owned(), branch.get(key)?.clone()))).collect()
}
