//! ValidatingAdmissionPolicies over every object, as the API server evaluates them when it is created (`k8s.io/apiserver/pkg/admission/plugin/policy`).

mod defaults;
mod matching;

use std::collections::BTreeMap;
use std::sync::Arc;

use hydrate_base::Severity;
use hydrate_cel::schema::Data;
use hydrate_cel::{Environment, EvalError, Features, Field, Key, Map, Program, Size, Struct, Type, Value, Variables};
use hydrate_kubernetes::{Release as Kinds, Scope, is_builtin_group, scope, scope_of_kind};
use hydrate_yaml::node::Node;

use crate::check::labels::selects;
use crate::check::objects::Object;
use crate::check::value::{at, items, text};

use super::Release;
use super::customs::Customs;
use super::customs::data::Reader;
use super::customs::rules::{MOST_PER_CALL, MOST_PER_OBJECT, compiled};
use super::rule::{Rule, Sink};
use matching::{Match, Resource, Surroundings, matches, plural};

/// `policy-violation`
pub(super) const POLICY_VIOLATION: Rule = Rule {
    code: "policy-violation",
    severity: Severity::Error,
    title: "Objects satisfy the ValidatingAdmissionPolicies that are bound to deny them",
    text: "Policies and their bindings are those that the environment renders, and those in the files and directories that `policies: [policies/]` names (in \
           hydrate.yaml or the environment, from the project's root). They are evaluated as the API server does it when an object is created: which \
           resources, namespaces and objects they are about, `matchConditions`, `variables`, `params` that are rendered or named too, `failurePolicy`, and \
           the defaults that common kinds have got before.\n\nWho creates the object (`request.userInfo`, `authorizer`) is not known, nor what the API server gives \
           it: expressions that need that are counted as not evaluated (`-v`, JSON).",
};

/// `policy-warning`
pub(super) const POLICY_WARNING: Rule = Rule {
    code: "policy-warning",
    severity: Severity::Warning,
    title: "Objects satisfy the ValidatingAdmissionPolicies that are bound to warn of them",
    text: "The same as `policy-violation` for bindings whose `validationActions` are `Warn` or `Audit`: the API server takes the object.",
};

/// The policies of an environment, ready to be evaluated.
#[derive(Debug, Default)]
pub struct Policies<'p> {
    policies: Vec<Policy<'p>>,
    namespaces: BTreeMap<&'p str, &'p Object<'p>>,
    params: Vec<&'p Object<'p>>,
}

#[derive(Debug)]
struct Policy<'p> {
    name: &'p str,
    constraints: Option<&'p Node>,
    fails: bool,
    conditions: Vec<Expression>,
    variables: Vec<(String, Expression)>,
    validations: Vec<Validation>,
    param_kind: Option<(&'p str, &'p str)>,
    bindings: Vec<Binding<'p>>,
}

#[derive(Debug)]
struct Binding<'p> {
    name: &'p str,
    resources: Option<&'p Node>,
    params: Option<&'p Node>,
    denies: bool,
    warns: bool,
}

#[derive(Debug)]
struct Expression {
    text: String,
    program: Result<Program, String>,
}

#[derive(Debug)]
struct Validation {
    expression: Expression,
    message: Option<String>,
    message_expression: Option<Expression>,
    reason: Option<String>,
}

const GROUP: &str = "admissionregistration.k8s.io";
const BUDGET_OF_CONDITIONS: u64 = 2_500_000;

/// Whether objects of this kind are policies or their bindings.
pub fn is_policy(group: &str, kind: &str) -> bool {
    group == GROUP && matches!(kind, "ValidatingAdmissionPolicy" | "ValidatingAdmissionPolicyBinding")
}

fn is_namespace(object: &Object<'_>) -> bool {
    object.kind() == "Namespace" && object.group().is_empty()
}

/// The kinds of params that a policy names: API version and kind.
pub fn param_kind<'o>(policy: &'o Object<'_>) -> Option<(&'o str, &'o str)> {
    let kind = at(&policy.root, &["spec", "paramKind"])?;
    Some((text(kind, "apiVersion")?, text(kind, "kind")?))
}

impl<'p> Policies<'p> {
    /// Those among objects that have a binding, with the namespaces and params among the same objects.
    pub fn of(objects: &[&'p Object<'p>], release: Release) -> Self {
        let of_kind = |kind: &'static str| objects.iter().copied().filter(move |object| object.group() == GROUP && object.kind() == kind);
        let mut policies: Vec<Policy<'p>> = Vec::new();
        for object in of_kind("ValidatingAdmissionPolicy") {
            if policies.iter().all(|known| known.name != object.name()) {
                policies.push(Policy::of(object, Features::stored(release.minor)));
            }
        }
        for object in of_kind("ValidatingAdmissionPolicyBinding") {
            let Some(spec) = object.root.get("spec") else { continue };
            let actions: Vec<&str> = items(spec, &["validationActions"]).iter().filter_map(Node::as_str).collect();
            let binding = Binding {
                name: object.name(),
                resources: spec.get("matchResources"),
                params: spec.get("paramRef"),
                denies: actions.contains(&"Deny"),
                warns: actions.contains(&"Warn") || actions.contains(&"Audit"),
            };
            if let Some(policy) = policies.iter_mut().find(|policy| text(spec, "policyName") == Some(policy.name)) {
                policy.bindings.push(binding);
            }
        }
        policies.retain(|policy| !policy.bindings.is_empty());
        let namespaces = objects.iter().filter(|object| is_namespace(object)).map(|object| (object.name(), *object)).collect();
        let is_param = |object: &&Object<'p>| {
            policies
                .iter()
                .filter_map(|policy| policy.param_kind)
                .any(|(version, kind)| object.document.identity.api_version == version && object.kind() == kind)
        };
        let params = objects.iter().copied().filter(is_param).collect();
        Self { policies, namespaces, params }
    }
}

impl<'p> Policy<'p> {
    fn of(object: &'p Object<'p>, features: Features) -> Self {
        static NONE: std::sync::LazyLock<Node> = std::sync::LazyLock::new(Node::default);
        let spec = object.root.get("spec").unwrap_or(&NONE);
        let has_params = spec.get("paramKind").is_some();
        let (mut types, mut variables) = (Vec::new(), Vec::new());
        for variable in items(spec, &["variables"]) {
            let expression = Expression::of(&environment(features, has_params, &types, true), text(variable, "expression"));
            let ty = expression.program.as_ref().map_or(Type::Dyn, |program| program.ty().clone());
            let name = text(variable, "name").unwrap_or_default().to_owned();
            types.push((name.clone(), ty));
            variables.push((name, expression));
        }
        let whole = environment(features, has_params, &types, true);
        let message = environment(features, has_params, &types, false);
        let holds = |node: &'p Node| Expression::of(&whole, text(node, "expression")).giving(&Type::Bool);
        let validation = |node: &'p Node| Validation {
            expression: holds(node),
            message: text(node, "message").map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()),
            message_expression: text(node, "messageExpression").map(|text| Expression::of(&message, Some(text)).giving(&Type::String)),
            reason: text(node, "reason").map(str::to_owned),
        };
        Self {
            name: object.name(),
            constraints: spec.get("matchConstraints"),
            fails: text(spec, "failurePolicy") != Some("Ignore"),
            conditions: items(spec, &["matchConditions"]).iter().map(holds).collect(),
            variables,
            validations: items(spec, &["validations"]).iter().map(validation).collect(),
            param_kind: param_kind(object),
            bindings: Vec::new(),
        }
    }
}

impl Expression {
    fn of(environment: &Environment, text: Option<&str>) -> Self {
        let text = text.unwrap_or_default();
        let first = |faults: Vec<hydrate_cel::Fault>| faults.first().map(|fault| fault.message.clone()).unwrap_or_default();
        Self { text: text.trim().to_owned(), program: environment.compile(text).map_err(first) }
    }

    /// The same, where it gives a value of this type.
    fn giving(self, wanted: &Type) -> Self {
        let fits = |program: Program| match program.ty() == wanted {
            true => Ok(program),
            false => Err(format!("it has to give a {wanted}, and gives {}", program.ty())),
        };
        Self { program: self.program.and_then(fits), ..self }
    }
}

/// The names that expressions of policies may use.
fn environment(features: Features, has_params: bool, variables: &[(String, Type)], has_authorizer: bool) -> Environment {
    let mut environment = Environment::new(features)
        .with("object", Type::Dyn, None)
        .with("oldObject", Type::Dyn, None)
        .with("namespaceObject", namespace_type(), None)
        .with("request", request_type(), None)
        .with("variables", object("kubernetes.variables", variables.iter().map(|(name, ty)| (name.as_str(), ty.clone()))), None);
    if has_params {
        environment = environment.with("params", Type::Dyn, None);
    }
    if has_authorizer {
        environment = environment.with("authorizer", Type::Library("kubernetes.authorization.Authorizer"), None).with(
            "authorizer.requestResource",
            Type::Library("kubernetes.authorization.ResourceCheck"),
            None,
        );
    }
    environment
}

fn object<'n>(name: &str, fields: impl IntoIterator<Item = (&'n str, Type)>) -> Type {
    let fields = fields.into_iter().map(|(name, ty)| (name.to_owned(), Field { ty, size: Size::default() })).collect();
    Type::Struct(Arc::new(Struct { name: name.to_owned(), fields }))
}

fn request_type() -> Type {
    let texts = |names: &[&'static str]| names.iter().map(|name| (*name, Type::String)).collect::<Vec<_>>();
    let kind = || object("kubernetes.GroupVersionKind", texts(&["group", "version", "kind"]));
    let resource = || object("kubernetes.GroupVersionResource", texts(&["group", "version", "resource"]));
    let mut user = texts(&["username", "uid"]);
    user.push(("groups", Type::list(Type::String)));
    user.push(("extra", Type::map(Type::String, Type::list(Type::String))));
    let mut fields = texts(&["subResource", "requestSubResource", "name", "namespace", "operation"]);
    fields.extend([("kind", kind()), ("requestKind", kind()), ("resource", resource()), ("requestResource", resource())]);
    fields.extend([("userInfo", object("kubernetes.UserInfo", user)), ("dryRun", Type::Bool), ("options", Type::Dyn)]);
    object("kubernetes.AdmissionRequest", fields)
}

fn namespace_type() -> Type {
    let texts = |names: &[&'static str]| names.iter().map(|name| (*name, Type::String)).collect::<Vec<_>>();
    let mut metadata = texts(&["name", "generateName", "namespace", "UID", "resourceVersion"]);
    let pairs = Type::map(Type::String, Type::String);
    metadata.extend([("labels", pairs.clone()), ("annotations", pairs), ("finalizers", Type::list(Type::String))]);
    metadata.extend(["creationTimestamp", "deletionTimestamp"].map(|name| (name, Type::Timestamp)));
    metadata.extend(["deletionGracePeriodSeconds", "generation"].map(|name| (name, Type::Int)));
    let mut condition = texts(&["status", "type", "message", "reason"]);
    condition.push(("lastTransitionTime", Type::Timestamp));
    let status = [("conditions", Type::list(object("kubernetes.NamespaceCondition", condition))), ("phase", Type::String)];
    let spec = [("finalizers", Type::list(Type::String))];
    object(
        "kubernetes.Namespace",
        [
            ("metadata", object("kubernetes.NamespaceMetadata", metadata)),
            ("spec", object("kubernetes.NamespaceSpec", spec)),
            ("status", object("kubernetes.NamespaceStatus", status)),
        ],
    )
}

/// What the API server knows of a kind; `None` where nobody says.
fn resource_of(object: &Object<'_>, customs: &Customs<'_>) -> Option<Resource> {
    let version = object.document.identity.api_version.rsplit('/').next().unwrap_or_default();
    let (group, kind) = (object.group(), object.kind());
    let (plural, namespaced) = if is_builtin_group(group) {
        let found = scope(Kinds::V1_37, group, version, kind).or_else(|| scope_of_kind(group, kind))?;
        (plural(kind), found == Scope::Namespace)
    } else {
        let (plural, namespaced) = customs.resource(group, kind)?;
        (plural.to_owned(), namespaced)
    };
    Some(Resource { group: group.to_owned(), version: version.to_owned(), plural, namespaced })
}

/// Holds an object to all policies.
pub(super) fn check<'a>(sink: &mut Sink<'a>, policies: &Policies<'_>, customs: &Customs<'_>) {
    let object = sink.object;
    // Policies cannot keep anybody from mending them.
    if policies.policies.is_empty() || object.group() == GROUP {
        return;
    }
    let Some(resource) = resource_of(object, customs) else { return };
    let name = match (resource.namespaced, object.namespace()) {
        (false, _) => "",
        (true, "") => "default",
        (true, name) => name,
    };
    let around = Surroundings { namespace: policies.namespaces.get(name).copied(), name };
    let mut run = Run { sink, policies, customs, resource, around, data: None };
    for policy in &policies.policies {
        run.policy(policy);
    }
}

/// The evaluation of all policies over one object.
struct Run<'r, 'a> {
    sink: &'r mut Sink<'a>,
    policies: &'r Policies<'r>,
    customs: &'r Customs<'r>,
    resource: Resource,
    around: Surroundings<'r>,
    /// The object as policies see it, once one looks at it.
    data: Option<Value>,
}

/// What comes of a policy with one of its params.
enum Decision {
    Denied { says: String, expression: String, reason: Option<String> },
    Unknown(String),
}

impl<'r> Run<'r, '_> {
    fn not_evaluated(&mut self, what: &str) {
        *self.sink.unevaluated.entry(format!("admission policies that need {what}")).or_default() += 1;
    }

    fn policy(&mut self, policy: &Policy<'_>) {
        let Some(constraints) = policy.constraints else { return };
        match matches(constraints, self.sink.object, &self.resource, self.around) {
            Match::Yes => {}
            Match::No => return,
            Match::Unknown(what) => return self.not_evaluated(&what),
        }
        for binding in &policy.bindings {
            match binding.resources.map(|criteria| matches(criteria, self.sink.object, &self.resource, self.around)) {
                None | Some(Match::Yes) => self.binding(policy, binding),
                Some(Match::No) => {}
                Some(Match::Unknown(what)) => self.not_evaluated(&what),
            }
        }
    }

    fn binding(&mut self, policy: &Policy<'_>, binding: &Binding<'_>) {
        let params = match self.params(policy, binding) {
            Ok(params) => params,
            Err(why) => {
                if policy.fails {
                    let says = format!("failed to configure binding: {why}");
                    self.report(policy, binding, Decision::Denied { says, expression: String::new(), reason: None });
                }
                return;
            }
        };
        if params.is_empty() {
            let (_, kind) = policy.param_kind.unwrap_or_default();
            return self.not_evaluated(&format!("params of the kind {kind} that are neither rendered nor named by `policies`"));
        }
        for param in params {
            let data = self.data();
            let param = param
                .map_or(Value::Null, |param| Reader { preserves: true, substitutes: super::substitutes(param) }.plain(&param.root).value());
            let request =
                Request { object: data, request: self.request(), namespace: self.namespace(), params: param, variables: Value::Null };
            for decision in policy.decisions(request) {
                self.report(policy, binding, decision);
            }
        }
    }

    /// The params of a binding; one `None` where it has none.
    fn params(&self, policy: &Policy<'_>, binding: &Binding<'_>) -> Result<Vec<Option<&'r Object<'r>>>, String> {
        let (Some((version, kind)), Some(of)) = (policy.param_kind, binding.params) else { return Ok(vec![None]) };
        let of_kind = |object: &&&Object<'r>| object.document.identity.api_version == version && object.kind() == kind;
        let all: Vec<&'r Object<'r>> = self.policies.params.iter().filter(of_kind).copied().collect();
        let is_namespaced = all.iter().any(|object| !object.namespace().is_empty());
        let namespace = text(of, "namespace").unwrap_or(self.around.name);
        if is_namespaced && namespace.is_empty() {
            return Err("cannot use namespaced paramRef in policy binding that matches cluster-scoped resources".to_owned());
        }
        let picks = |object: &&Object<'_>| {
            let here = !is_namespaced || object.namespace() == namespace;
            here && match (text(of, "name"), of.get("selector")) {
                (Some(name), _) => object.name() == name,
                (None, Some(selector)) => selects(selector, &object.labels()),
                (None, None) => false,
            }
        };
        let found: Vec<Option<&'r Object<'r>>> = all.into_iter().filter(|object| picks(object)).map(Some).collect();
        if found.is_empty() && text(of, "parameterNotFoundAction") == Some("Deny") {
            return Err("no params found for policy binding with `Deny` parameterNotFoundAction".to_owned());
        }
        Ok(found)
    }

    /// The object with the defaults that it has got by then.
    fn data(&mut self) -> Value {
        let (object, resource, around) = (self.sink.object, &self.resource, self.around);
        let (customs, minor) = (self.customs, self.sink.release.minor);
        self.data
            .get_or_insert_with(|| {
                let reader = Reader { preserves: true, substitutes: super::substitutes(object) };
                let mut data = customs.data(object).unwrap_or_else(|| reader.plain(&object.root));
                if is_builtin_group(&resource.group) {
                    defaults::set(&resource.group, object.kind(), minor, &mut data);
                }
                defaults::metadata(&mut data, around.name);
                data.value()
            })
            .clone()
    }

    fn request(&self) -> Value {
        let text = |text: &str| Data::Text(text.to_owned());
        let object = self.sink.object;
        let three = |last: &str, value: &str| {
            let pairs = [("group", self.resource.group.as_str()), ("version", &self.resource.version), (last, value)];
            Data::Map(pairs.map(|(name, value)| (name.to_owned(), text(value))).into())
        };
        let unknown = |what: &str| Data::Unknown(what.to_owned());
        let (kind, resource) = (three("kind", object.kind()), three("resource", &self.resource.plural));
        let mut entries = BTreeMap::from([
            ("requestKind", kind.clone()),
            ("kind", kind),
            ("requestResource", resource.clone()),
            ("resource", resource),
            ("operation", text("CREATE")),
            ("dryRun", Data::Bool(false)),
            ("userInfo", unknown("the user who creates the object")),
            ("options", unknown("the options of the request")),
            ("uid", unknown("the request's own name")),
        ]);
        if !object.name().is_empty() {
            entries.insert("name", text(object.name()));
        }
        // That of a Namespace is its own name.
        let namespace = if is_namespace(object) { object.name() } else { self.around.name };
        if !namespace.is_empty() {
            entries.insert("namespace", text(namespace));
        }
        Data::Map(entries.into_iter().map(|(name, data)| (name.to_owned(), data)).collect()).value()
    }

    /// The namespace of the object; null for what lives in none.
    fn namespace(&self) -> Value {
        if self.around.name.is_empty() {
            return Value::Null;
        }
        let Some(namespace) = self.around.namespace else {
            return Value::Unknown(format!("the namespace {}, which is not rendered", self.around.name).into());
        };
        let mut data = Reader { preserves: true, substitutes: super::substitutes(namespace) }.plain(&namespace.root);
        defaults::set("", "Namespace", self.sink.release.minor, &mut data);
        defaults::metadata(&mut data, "");
        data.value()
    }

    fn report(&mut self, policy: &Policy<'_>, binding: &Binding<'_>, decision: Decision) {
        let (says, expression, reason) = match decision {
            Decision::Unknown(what) => return self.not_evaluated(&what),
            Decision::Denied { says, expression, reason } => (says, expression, reason),
        };
        let rule = match (binding.denies, binding.warns) {
            (true, _) => &POLICY_VIOLATION,
            (false, true) => &POLICY_WARNING,
            (false, false) => return,
        };
        let object = self.sink.object;
        let node = object.root.get("kind").unwrap_or(&object.root);
        let finding = self.sink.report(rule, node, says);
        finding.notes.push(format!("by ValidatingAdmissionPolicy {} with its binding {}", policy.name, binding.name));
        if !expression.is_empty() && !finding.message.contains(&expression) {
            finding.notes.push(format!("the expression is `{expression}`"));
        }
        finding.notes.extend(reason.map(|reason| format!("the API server gives {reason} as the reason")));
    }
}

/// The values of the names that expressions use.
struct Request {
    object: Value,
    request: Value,
    namespace: Value,
    params: Value,
    variables: Value,
}

impl Variables for Request {
    fn get(&self, name: &str) -> Option<Result<Value, EvalError>> {
        Some(Ok(match name {
            "object" => self.object.clone(),
            "oldObject" => Value::Null,
            "request" => self.request.clone(),
            "namespaceObject" => self.namespace.clone(),
            "params" => self.params.clone(),
            "variables" => self.variables.clone(),
            "authorizer" | "authorizer.requestResource" => Value::Unknown("what the user who creates the object may do".into()),
            _ => return None,
        }))
    }
}

impl Policy<'_> {
    fn decisions(&self, mut request: Request) -> Vec<Decision> {
        let mut budget = MOST_PER_OBJECT;
        request.variables = self.variables(&request, &mut budget);
        match self.applies(&request) {
            Ok(true) => {}
            Ok(false) => return Vec::new(),
            Err(decision) => return decision.into_iter().collect(),
        }
        self.validations.iter().filter_map(|validation| self.validation(validation, &request, &mut budget)).collect()
    }

    /// All variables; one that fails is an error for whoever uses it.
    fn variables(&self, request: &Request, budget: &mut u64) -> Value {
        let mut so_far = Request {
            object: request.object.clone(),
            request: request.request.clone(),
            namespace: request.namespace.clone(),
            params: request.params.clone(),
            variables: Value::Null,
        };
        let mut map = Map { is_object: true, ..Map::default() };
        for (name, expression) in &self.variables {
            so_far.variables = Value::Map(Arc::new(map.clone()));
            let failed = |why: &str| Value::Invalid(format!("composited variable {name:?} fails to evaluate: {why}").into());
            let value = match expression.evaluate(&so_far, budget) {
                Ok(value) => value,
                Err(EvalError::Unknown(what)) => Value::Unknown(what),
                Err(error) => failed(&error.to_string()),
            };
            map.entries.insert(Key::String(name.as_str().into()), value);
        }
        Value::Map(Arc::new(map))
    }

    /// Whether the conditions hold; else what comes of that.
    fn applies(&self, request: &Request) -> Result<bool, Option<Decision>> {
        let mut budget = BUDGET_OF_CONDITIONS;
        let (mut unknown, mut failed) = (None, None);
        for condition in &self.conditions {
            match condition.evaluate(request, &mut budget) {
                Ok(Value::Bool(true)) => {}
                // One that does not hold decides, whatever the others are.
                Ok(_) => return Ok(false),
                Err(EvalError::Unknown(what)) => unknown = Some(Decision::Unknown(what.to_string())),
                Err(error) => failed = Some((condition, error)),
            }
        }
        match (unknown, failed) {
            (None, None) => Ok(true),
            (Some(unknown), _) => Err(Some(unknown)),
            (None, Some((condition, error))) => Err(self.failure(condition, &error)),
        }
    }

    /// What comes of an expression that cannot be evaluated.
    fn failure(&self, expression: &Expression, error: &EvalError) -> Option<Decision> {
        let says = format!("the expression `{}` fails: {error}", expression.text);
        self.fails.then(|| Decision::Denied { says, expression: expression.text.clone(), reason: None })
    }

    fn validation(&self, validation: &Validation, request: &Request, budget: &mut u64) -> Option<Decision> {
        match validation.expression.evaluate(request, budget) {
            Ok(Value::Bool(true)) => None,
            Ok(_) => Some(Decision::Denied {
                says: validation.says(request, budget),
                expression: validation.expression.text.clone(),
                reason: validation.reason.clone(),
            }),
            Err(EvalError::Unknown(what)) => Some(Decision::Unknown(what.to_string())),
            Err(error) => self.failure(&validation.expression, &error),
        }
    }
}

impl Expression {
    fn evaluate(&self, request: &Request, budget: &mut u64) -> Result<Value, EvalError> {
        let program = self.program.as_ref().map_err(|why| EvalError::Failed(format!("it cannot be compiled: {why}")))?;
        let outcome = program.evaluate(request, MOST_PER_CALL);
        if outcome.cost > *budget {
            return Err(EvalError::CostLimit);
        }
        *budget -= outcome.cost;
        outcome.value
    }
}

impl Validation {
    fn says(&self, request: &Request, budget: &mut u64) -> String {
        if let Some(Ok(Value::String(text))) = self.message_expression.as_ref().map(|message| message.evaluate(request, budget)) {
            let text = text.trim();
            if !text.is_empty() && text.len() <= 5 * 1024 && !text.contains('\n') {
                return text.to_owned();
            }
        }
        self.message.clone().unwrap_or_else(|| format!("the expression `{}` does not hold", self.expression.text))
    }
}

/// A policy whose expressions the API server would not take.
pub(super) fn check_policy<'a>(sink: &mut Sink<'a>) {
    let root: &'a Node = &sink.object.root;
    let Some(spec) = root.get("spec") else { return };
    let features = Features::created(sink.release.minor);
    let has_params = spec.get("paramKind").is_some();
    let mut types: Vec<(String, Type)> = Vec::new();
    for variable in items(spec, &["variables"]) {
        let Some(node) = variable.get("expression") else { continue };
        let program = compiled(sink, &environment(features, has_params, &types, true), node, "expression", &Type::Dyn);
        let ty = program.map_or(Type::Dyn, |program| program.ty().clone());
        types.push((text(variable, "name").unwrap_or_default().to_owned(), ty));
    }
    let whole = environment(features, has_params, &types, true);
    let message = environment(features, has_params, &types, false);
    for (list, key, environment, wanted) in [
        ("matchConditions", "expression", &whole, Type::Bool),
        ("validations", "expression", &whole, Type::Bool),
        ("validations", "messageExpression", &message, Type::String),
        ("auditAnnotations", "valueExpression", &whole, Type::Dyn),
    ] {
        for node in items(spec, &[list]).iter().filter_map(|one| one.get(key)) {
            compiled(sink, environment, node, key, &wanted);
        }
    }
}
