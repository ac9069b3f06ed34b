//! Rules in CEL (`x-kubernetes-validations`): those of CRDs, whether the API server would take them; those of custom resources, whether they hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use hydrate_base::Severity;
use hydrate_cel::schema::{Data, LARGEST_REQUEST, Schema, SchemaType};
use hydrate_cel::{Environment, EvalError, Fault, Features, ListKind, Program, Size, Type, Value, Variables};
use hydrate_yaml::node::Node;

use crate::check::validity::Release;
use crate::check::validity::reading::{Value as Written, int, key, value};
use crate::check::validity::rule::{Rule, Sink};
use crate::check::value::{at, entries, is_true, items, text};

use super::data::Reader;
use super::fields;

/// `cel-violation`
pub(in crate::check::validity) const CEL_VIOLATION: Rule = Rule {
    code: "cel-violation",
    severity: Severity::Error,
    title: "Custom resources satisfy the rules in CEL of their CRD",
    text: "`x-kubernetes-validations` of the CRD's `openAPIV3Schema`, as the API server evaluates them when the object is created: nulls, defaults and unknown \
           fields treated first, rules over `oldSelf` left out, its own functions, and its limits of cost. A rule that fails to be evaluated (`no such key`) \
           is broken too. Rules are looked at once types, required fields and enumerations are right.",
};

/// `invalid-cel`
pub(in crate::check::validity) const INVALID_CEL: Rule = Rule {
    code: "invalid-cel",
    severity: Severity::Error,
    title: "Expressions in CEL can be compiled, and cost what the API server allows",
    text: "The rules (`rule`, `messageExpression`, `fieldPath`) of a CRD that is rendered, and the expressions of ValidatingAdmissionPolicies: their syntax, \
           their types beside the schema, the functions that the environment's release lets new expressions use (those that the release before it knows \
           too), and for CRDs the cost that they are estimated at: at most 10,000,000 a rule and 100,000,000 a version.\n\nWhat makes a rule expensive is a list, \
           map or text without `maxItems`, `maxProperties` or `maxLength` at some level above it or in it.",
};

/// The cost that one expression may have.
pub(in crate::check::validity) const MOST_PER_CALL: u64 = 1_000_000;
/// The cost that all rules of an object, or all expressions of a policy, may have.
pub(in crate::check::validity) const MOST_PER_OBJECT: u64 = 10_000_000;
const MOST_ESTIMATED_PER_RULE: u64 = 10_000_000;
const MOST_ESTIMATED_PER_VERSION: u64 = 100_000_000;
const LONGEST_MESSAGE: usize = 5 * 1024;

/// The rules of a version of a kind, ready to be evaluated.
#[derive(Debug)]
pub(super) struct Rules {
    root: Level,
    schema: Schema,
}

/// The rules at one place of a schema, and those below.
#[derive(Debug, Default)]
struct Level {
    rules: Vec<Ready>,
    properties: BTreeMap<String, Level>,
    additional: Option<Box<Level>>,
    items: Option<Box<Level>>,
}

#[derive(Debug)]
struct Ready {
    rule: String,
    /// `None` for one that cannot be compiled.
    program: Result<Program, String>,
    message: Option<String>,
    message_expression: Option<Program>,
    field: Option<Vec<String>>,
    reason: Option<String>,
    optional_old: bool,
}

impl Level {
    fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.properties.is_empty() && self.additional.is_none() && self.items.is_none()
    }
}

/// The structural schema of a node, as far as expressions see it.
pub(super) fn schema_of(node: &Node) -> Schema {
    let texts = |key: &str| items(node, &[key]).iter().filter_map(Node::as_str).map(str::to_owned).collect();
    let number = |key: &str| int(node, key).map(|number| u64::try_from(number).unwrap_or(0));
    let properties = entries(node, &["properties"]);
    let plain = Schema {
        kind: SchemaType::parse(text(node, "type").unwrap_or_default()),
        format: text(node, "format").unwrap_or_default().to_owned(),
        properties: (!properties.is_empty()).then(|| properties.iter().map(|(name, of)| (key(name).to_owned(), schema_of(of))).collect()),
        additional: node.get("additionalProperties").filter(|of| of.entries().is_some()).map(|of| Box::new(schema_of(of))),
        items: node.get("items").map(|of| Box::new(schema_of(of))),
        list: match text(node, "x-kubernetes-list-type") {
            Some("set") => ListKind::Set,
            Some("map") => ListKind::Map(texts("x-kubernetes-list-map-keys")),
            _ => ListKind::Atomic,
        },
        required: texts("required"),
        nullable: is_true(node, "nullable"),
        has_default: node.get("default").is_some(),
        values: texts("enum"),
        max_length: number("maxLength"),
        max_items: number("maxItems"),
        max_properties: number("maxProperties"),
        int_or_string: is_true(node, "x-kubernetes-int-or-string"),
        preserves: is_true(node, "x-kubernetes-preserve-unknown-fields"),
        is_resource: false,
    };
    if is_true(node, "x-kubernetes-embedded-resource") { plain.as_resource() } else { plain }
}

impl Rules {
    /// Those of a schema; `None` where it has none.
    pub(super) fn of(root: &Node, release: Release) -> Option<Self> {
        let schema = schema_of(root).as_resource();
        let reading = Reading { features: Features::stored(release.minor) };
        let root = reading.level(root, &schema)?;
        Some(Self { root, schema })
    }

    /// Holds the object to them. What is wrong is reported at the value that it is wrong of.
    pub(super) fn check<'a>(&self, sink: &mut Sink<'a>, schema: &Node, reader: Reader) {
        let root: &'a Node = &sink.object.root;
        let data = reader.of(schema, root, true);
        let value = self.schema.value(&data);
        let mut run = Run { sink, budget: MOST_PER_OBJECT, over: false };
        run.level(&self.root, &self.schema, &value, &data, root);
    }
}

/// Makes rules of schemas.
#[derive(Clone, Copy)]
struct Reading {
    features: Features,
}

impl Reading {
    fn level(self, node: &Node, base: &Schema) -> Option<Level> {
        let mut level = Level::default();
        let own = items(node, &["x-kubernetes-validations"]);
        if !own.is_empty()
            && let Some((ty, size)) = base.declared("self")
        {
            level.rules = own.iter().map(|rule| self.ready(rule, &ty, &size)).collect();
        }
        for (name, of) in entries(node, &["properties"]) {
            let known = base.properties.as_ref().and_then(|properties| properties.get(key(name)));
            let below = known.and_then(|known| self.level(of, known));
            level.properties.extend(below.map(|below| (key(name).to_owned(), below)));
        }
        let below = |name: &str, base: &Option<Box<Schema>>| {
            let (of, base) = (node.get(name).filter(|of| of.entries().is_some())?, base.as_ref()?);
            self.level(of, base).map(Box::new)
        };
        level.additional = below("additionalProperties", &base.additional);
        level.items = below("items", &base.items);
        (!level.is_empty()).then_some(level)
    }

    fn ready(self, node: &Node, ty: &Type, size: &Size) -> Ready {
        let optional_old = is_true(node, "optionalOldSelf");
        let environment = environment(self.features, ty, size, optional_old);
        let rule = text(node, "rule").unwrap_or_default();
        let first = |faults: Vec<Fault>| faults.first().map(|fault| fault.message.clone()).unwrap_or_default();
        Ready {
            rule: rule.trim().to_owned(),
            program: environment.compile(rule).map_err(first),
            message: text(node, "message").map(|message| message.trim().to_owned()).filter(|message| !message.is_empty()),
            message_expression: text(node, "messageExpression").and_then(|text| environment.compile(text).ok()),
            field: text(node, "fieldPath").and_then(|path| fields::parse(path).ok()),
            reason: text(node, "reason").map(str::to_owned),
            optional_old,
        }
    }
}

fn environment(features: Features, ty: &Type, size: &Size, optional_old: bool) -> Environment {
    let old = if optional_old { Type::optional(ty.clone()) } else { ty.clone() };
    Environment::new(features).with("self", ty.clone(), Some(size.clone())).with("oldSelf", old, None)
}

/// The variables of a rule when an object is created.
struct Created<'v> {
    value: &'v Value,
    optional_old: bool,
}

impl Variables for Created<'_> {
    fn get(&self, name: &str) -> Option<Result<Value, EvalError>> {
        match name {
            "self" => Some(Ok(self.value.clone())),
            "oldSelf" if self.optional_old => Some(Ok(Value::Optional(None))),
            _ => None,
        }
    }
}

/// The evaluation of all rules of an object.
struct Run<'s, 'a> {
    sink: &'s mut Sink<'a>,
    budget: u64,
    over: bool,
}

impl<'a> Run<'_, 'a> {
    fn level(&mut self, level: &Level, schema: &Schema, value: &Value, data: &Data, node: &'a Node) {
        if *data == Data::Null || self.over {
            return;
        }
        for rule in &level.rules {
            self.rule(rule, value, node);
            if self.over {
                return;
            }
        }
        match data {
            Data::List(found) => {
                let (Some(below), Some(schema), Value::List(values)) = (&level.items, &schema.items, value) else { return };
                for (number, (data, value)) in found.iter().zip(&values.items).enumerate() {
                    let node = node.items().and_then(|items| items.get(number)).unwrap_or(node);
                    self.level(below, schema, value, data, node);
                }
            }
            Data::Map(found) => self.fields(level, schema, value, found, node),
            _ => {}
        }
    }

    fn fields(&mut self, level: &Level, schema: &Schema, value: &Value, found: &BTreeMap<String, Data>, node: &'a Node) {
        let Value::Map(values) = value else { return };
        for (name, data) in found {
            let own = schema.properties.as_ref().and_then(|properties| properties.get(name));
            let (below, schema, known) = match (own, level.properties.get(name), &level.additional, &schema.additional) {
                (Some(schema), Some(below), ..) => (below, schema, hydrate_cel::schema::escape(name)),
                (None, None, Some(below), Some(schema)) => (&**below, &**schema, Some(name.clone())),
                _ => continue,
            };
            // A name that cannot be escaped is one that only rules below it see.
            let value = known.and_then(|known| values.entries.get(&hydrate_cel::Key::String(known.into())).cloned());
            let value = value.unwrap_or_else(|| schema.value(data));
            let node = node.get(name).unwrap_or(node);
            self.level(below, schema, &value, data, node);
        }
    }

    fn not_evaluated(&mut self, what: String) {
        *self.sink.unevaluated.entry(what).or_default() += 1;
    }

    fn rule(&mut self, rule: &Ready, value: &Value, node: &'a Node) {
        let program = match &rule.program {
            Ok(program) => program,
            Err(why) => {
                let says = format!("the rule `{}` cannot be compiled: {why}", rule.rule);
                self.report(node, rule, says);
                return;
            }
        };
        // Without an object before there is no transition.
        if program.uses("oldSelf") && !rule.optional_old {
            return;
        }
        let variables = Created { value, optional_old: rule.optional_old };
        let outcome = program.evaluate(&variables, MOST_PER_CALL);
        if outcome.cost > self.budget {
            return self.exhausted(node, rule);
        }
        self.budget -= outcome.cost;
        match outcome.value {
            Ok(Value::Bool(true)) => {}
            Ok(_) => {
                let says = self.message(rule, &variables);
                self.report(node, rule, says);
            }
            Err(EvalError::CostLimit) => self.exhausted(node, rule),
            Err(EvalError::Unknown(what)) => self.not_evaluated(format!("CEL rules of CRDs that need {what}")),
            Err(EvalError::Failed(why)) => {
                let says = format!("the rule `{}` fails: {why}", rule.message.as_ref().unwrap_or(&rule.rule));
                self.report(node, rule, says);
            }
        }
    }

    fn exhausted(&mut self, node: &'a Node, rule: &Ready) {
        self.over = true;
        let says = format!("the rule `{}` costs more than the API server allows; it evaluates no further rules of the object", rule.rule);
        self.report(node, rule, says);
    }

    /// What the rule says when it is broken.
    fn message(&mut self, rule: &Ready, variables: &Created<'_>) -> String {
        let expression = rule.message_expression.as_ref().map(|program| program.evaluate(variables, MOST_PER_CALL));
        if let Some(outcome) = expression {
            self.budget = self.budget.saturating_sub(outcome.cost);
            if let Ok(Value::String(text)) = outcome.value {
                let text = text.trim();
                if !text.is_empty() && text.len() <= LONGEST_MESSAGE && !text.contains('\n') {
                    return text.to_owned();
                }
            }
        }
        rule.message.clone().unwrap_or_else(|| format!("the rule `{}` does not hold", rule.rule))
    }

    fn report(&mut self, node: &'a Node, rule: &Ready, says: String) {
        let field = rule.field.iter().flatten().try_fold(node, |node, name| node.get(name));
        let has_rule = says.contains(&rule.rule);
        let finding = self.sink.report(&CEL_VIOLATION, field.unwrap_or(node), says);
        if !has_rule {
            finding.notes.push(format!("the rule is `{}`", rule.rule));
        }
        if let (Some(names), None) = (&rule.field, field) {
            finding.notes.push(format!("it is about the field `{}`", names.join(".")));
        }
        if let Some(reason) = rule.reason.as_ref().filter(|reason| *reason != "FieldValueInvalid") {
            finding.notes.push(format!("the API server gives {reason} as the reason"));
        }
    }
}

/// A CRD whose rules the API server would not take.
pub(in crate::check::validity) fn check_crd<'a>(sink: &mut Sink<'a>) {
    let root: &'a Node = &sink.object.root;
    for version in items(root, &["spec", "versions"]) {
        let Some(schema) = at(version, &["schema", "openAPIV3Schema"]).filter(|schema| has_rules(schema)) else { continue };
        let features = Features::created(sink.release.minor);
        let mut crd = Definition { sink, features, total: 0 };
        let place = Place { cardinality: Some(1), uncorrelatable: false };
        crd.level(schema, &schema_of(schema).as_resource(), place);
        if crd.total > MOST_ESTIMATED_PER_VERSION {
            let says = format!(
                "the cost of all rules of the version together is estimated at {}, and {MOST_ESTIMATED_PER_VERSION} is allowed",
                shown(crd.total)
            );
            sink.report(&INVALID_CEL, version.get("name").unwrap_or(version), says);
        }
    }
}

fn has_rules(schema: &Node) -> bool {
    let below = |name: &str| schema.get(name).is_some_and(has_rules);
    !items(schema, &["x-kubernetes-validations"]).is_empty()
        || entries(schema, &["properties"]).iter().any(|(_, of)| has_rules(of))
        || below("items")
        || below("additionalProperties")
}

/// What is around a level of a CRD's schema.
#[derive(Clone, Copy)]
struct Place {
    /// How often values of it can be there; `None` where nothing limits that.
    cardinality: Option<u64>,
    /// Whether values of it cannot be told apart from one update to the next.
    uncorrelatable: bool,
}

/// The rules of a CRD, looked at one by one.
struct Definition<'s, 'a> {
    sink: &'s mut Sink<'a>,
    features: Features,
    total: u64,
}

impl<'a> Definition<'_, 'a> {
    fn level(&mut self, node: &'a Node, base: &Schema, place: Place) {
        let rules = items(node, &["x-kubernetes-validations"]);
        if !rules.is_empty()
            && let Some((ty, size)) = base.declared("self")
        {
            for rule in rules {
                self.rule(rule, node, &ty, &size, place);
            }
        }
        let inside = place.cardinality.and_then(|count| Some(count.saturating_mul(most_elements(node)?)));
        let below = Place { cardinality: inside, ..place };
        for (name, of) in entries(node, &["properties"]) {
            if let Some(base) = base.properties.as_ref().and_then(|properties| properties.get(key(name))) {
                self.level(of, base, below);
            }
        }
        if let (Some(of), Some(base)) = (node.get("additionalProperties"), &base.additional) {
            self.level(of, base, below);
        }
        if let (Some(of), Some(base)) = (node.get("items"), &base.items) {
            let is_map = text(node, "x-kubernetes-list-type") == Some("map");
            self.level(of, base, Place { uncorrelatable: place.uncorrelatable || !is_map, ..below });
        }
    }

    fn rule(&mut self, rule: &'a Node, schema: &'a Node, ty: &Type, size: &Size, place: Place) {
        let Some(node) = rule.get("rule").filter(|node| !node.as_str().unwrap_or_default().trim().is_empty()) else {
            self.sink.report(&INVALID_CEL, rule.get("rule").unwrap_or(rule), "a rule has no expression");
            return;
        };
        let expression = node.as_str().unwrap_or_default();
        let message = text(rule, "message").map(str::trim);
        if message.is_none_or(str::is_empty) && expression.trim().contains('\n') {
            self.sink.report(&INVALID_CEL, node, "a rule of several lines needs a `message`");
        }
        if message.is_some_and(|message| message.contains('\n')) {
            self.sink.report(&INVALID_CEL, rule.get("message").unwrap_or(rule), "the message of a rule has line breaks");
        }
        if let Some(path) = rule.get("fieldPath")
            && !fields::parse(path.as_str().unwrap_or_default()).is_ok_and(|names| fields::is_there(&names, schema))
        {
            self.sink.report(
                &INVALID_CEL,
                path,
                format!("`fieldPath` `{}` leads to no field of the schema", path.as_str().unwrap_or_default()),
            );
        }
        let is_optional = is_true(rule, "optionalOldSelf");
        let environment = environment(self.features, ty, size, is_optional);
        let program = match compiled(self.sink, &environment, node, "rule", &Type::Bool) {
            Some(program) => program,
            None => return,
        };
        let per_value = size.least_bytes.saturating_add(1);
        let count = place.cardinality.unwrap_or(LARGEST_REQUEST / per_value);
        let cost = program.estimate(&environment).most.saturating_mul(count);
        self.cost(node, "the rule", cost);
        if let Some(node) = rule.get("messageExpression").filter(|node| node.as_str().is_some())
            && let Some(program) = compiled(self.sink, &environment, node, "messageExpression", &Type::String)
        {
            let cost = program.estimate(&environment).most;
            self.cost(node, "the message", cost);
        }
        if program.uses("oldSelf") {
            if place.uncorrelatable {
                let says = "`oldSelf` is used within a list whose items cannot be told apart: only lists of the type `map` have the same items later";
                self.sink.report(&INVALID_CEL, node, says);
            }
        } else if let Some(node) = rule.get("optionalOldSelf") {
            self.sink.report(&INVALID_CEL, node, "`optionalOldSelf` is set for a rule that does not use `oldSelf`");
        }
    }

    fn cost(&mut self, node: &'a Node, what: &str, cost: u64) {
        self.total = self.total.saturating_add(cost);
        if cost > MOST_ESTIMATED_PER_RULE {
            let says = format!("the cost of {what} is estimated at {}, and {MOST_ESTIMATED_PER_RULE} is allowed", shown(cost));
            let finding = self.sink.report(&INVALID_CEL, node, says);
            finding.help.push("limit the lists, maps and texts around it and in it: `maxItems`, `maxProperties`, `maxLength`".to_owned());
        }
    }
}

fn shown(cost: u64) -> String {
    if cost == u64::MAX { "more than can be counted".to_owned() } else { cost.to_string() }
}

/// How many values of what is inside there can be.
fn most_elements(schema: &Node) -> Option<u64> {
    let number = |key: &str| int(schema, key).map(|number| u64::try_from(number).unwrap_or(0));
    match text(schema, "type") {
        Some("object") if schema.get("additionalProperties").is_some_and(|of| value(of) != Written::Null) => number("maxProperties"),
        Some("array") => number("maxItems"),
        _ => Some(1),
    }
}

/// An expression of an object that is looked at; what is wrong with it is reported.
pub(in crate::check::validity) fn compiled<'a>(
    sink: &mut Sink<'a>,
    environment: &Environment,
    node: &'a Node,
    name: &str,
    wanted: &Type,
) -> Option<Arc<Program>> {
    let expression = node.as_str().unwrap_or_default();
    match environment.compile(expression) {
        Ok(program) if *wanted == Type::Dyn || program.ty() == wanted => Some(Arc::new(program)),
        Ok(program) => {
            let says = format!("`{name}` has to give a {}, and gives {}", wanted_name(wanted), program.ty());
            sink.report(&INVALID_CEL, node, says).notes.push(format!("the expression is `{}`", expression.trim()));
            None
        }
        Err(faults) => {
            for fault in faults {
                let finding = sink.report(&INVALID_CEL, node, format!("`{name}` cannot be compiled: {}", fault.message));
                finding.notes.push(format!("the expression is `{}`", expression.trim()));
                let before = expression.get(..fault.at).unwrap_or_default();
                let rest = expression.get(fault.at..).unwrap_or_default().lines().next().unwrap_or_default();
                if !before.is_empty() && !rest.is_empty() {
                    finding.notes.push(format!("at `{rest}`"));
                }
            }
            None
        }
    }
}

fn wanted_name(wanted: &Type) -> &'static str {
    if *wanted == Type::Bool { "boolean" } else { "string" }
}
