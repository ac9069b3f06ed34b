#![doc = include_str!("../README.md")]
#![deny(missing_docs, unreachable_pub)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr))]

mod args;
mod cast;
mod crypto;
mod dates;
mod decimal;
mod defaults;
mod dicts;
mod encoding;
mod json;
mod lists;
mod math;
mod merge;
mod paths;
mod reflect;
pub mod regex;
pub mod semver;
mod strconv;
mod strings;
mod text;
mod unicode;
mod url;

pub use cast::{to_float64, to_int64};
pub use crypto::certificate_validity;
pub use defaults::is_empty;
pub use url::{Inspected, RequestUri, check_address, inspect, query_pairs, request_uri};

use hydrate_gotmpl::Function;
use hydrate_gotmpl::Param::{Any, Bool, Float64, Int, List, Map, String as Text, Time, Uint32};

const fn row(name: &'static str, params: &'static [hydrate_gotmpl::Param], run: Run) -> Function {
    Function { name, params, variadic: false, run }
}

/// A function whose last parameter stands for any number of arguments.
const fn many(name: &'static str, params: &'static [hydrate_gotmpl::Param], run: Run) -> Function {
    Function { name, params, variadic: true, run }
}

const CERTIFICATE: hydrate_gotmpl::Param = hydrate_gotmpl::Param::Named(crypto::CERTIFICATE);

type Run = fn(&mut hydrate_gotmpl::Vm<'_>, &[hydrate_gotmpl::Value]) -> args::Out;

/// Every function of sprig, by name.
pub static FUNCTIONS: &[Function] = &[
    row("abbrev", &[Int, Text], strings::abbrev),
    row("abbrevboth", &[Int, Int, Text], strings::abbrevboth),
    many("add", &[Any], math::add),
    row("add1", &[Any], math::add1),
    row("add1f", &[Any], math::add1f),
    many("addf", &[Any], math::addf),
    row("adler32sum", &[Text], crypto::adler32sum),
    row("ago", &[Any], dates::ago),
    many("all", &[Any], defaults::all),
    many("any", &[Any], defaults::any),
    row("append", &[Any, Any], lists::append),
    row("atoi", &[Text], strings::atoi),
    row("b32dec", &[Text], encoding::b32dec),
    row("b32enc", &[Text], encoding::b32enc),
    row("b64dec", &[Text], encoding::b64dec),
    row("b64enc", &[Text], encoding::b64enc),
    row("base", &[Text], paths::base),
    row("bcrypt", &[Text], crypto::bcrypt),
    many("biggest", &[Any, Any], math::max),
    row("buildCustomCert", &[Text, Text], crypto::build_custom),
    row("camelcase", &[Text], strings::camelcase),
    many("cat", &[Any], strings::cat),
    row("ceil", &[Any], math::ceil),
    row("chunk", &[Int, Any], lists::chunk),
    row("clean", &[Text], paths::clean),
    many("coalesce", &[Any], defaults::coalesce),
    row("compact", &[Any], lists::compact),
    many("concat", &[Any], lists::concat),
    row("contains", &[Text, Text], strings::contains),
    row("date", &[Text, Any], dates::date),
    row("dateInZone", &[Text, Any, Text], dates::date_in_zone),
    row("dateModify", &[Text, Time], dates::date_modify),
    row("date_in_zone", &[Text, Any, Text], dates::date_in_zone),
    row("date_modify", &[Text, Time], dates::date_modify),
    row("decryptAES", &[Text, Text], crypto::decrypt_aes),
    row("deepCopy", &[Any], dicts::deep_copy),
    row("deepEqual", &[Any, Any], reflect::deep_equals),
    many("default", &[Any, Any], defaults::default),
    row("derivePassword", &[Uint32, Text, Text, Text, Text], crypto::derive_password),
    many("dict", &[Any], dicts::dict),
    many("dig", &[Any], dicts::dig),
    row("dir", &[Text], paths::dir),
    row("div", &[Any, Any], math::div),
    many("divf", &[Any, Any], math::divf),
    row("duration", &[Any], dates::duration),
    row("durationRound", &[Any], dates::duration_round),
    row("empty", &[Any], defaults::empty),
    row("encryptAES", &[Text, Text], crypto::encrypt_aes),
    row("ext", &[Text], paths::ext),
    row("fail", &[Text], strings::fail),
    row("first", &[Any], lists::first),
    row("float64", &[Any], math::to_float_64),
    row("floor", &[Any], math::floor),
    row("genCA", &[Text, Int], crypto::gen_ca),
    row("genCAWithKey", &[Text, Int, Text], crypto::gen_ca_with_key),
    row("genPrivateKey", &[Text], crypto::gen_private_key),
    row("genSelfSignedCert", &[Text, List, List, Int], crypto::gen_self_signed),
    row("genSelfSignedCertWithKey", &[Text, List, List, Int, Text], crypto::gen_self_signed_with_key),
    row("genSignedCert", &[Text, List, List, Int, CERTIFICATE], crypto::gen_signed),
    row("genSignedCertWithKey", &[Text, List, List, Int, CERTIFICATE, Text], crypto::gen_signed_with_key),
    row("get", &[Map, Text], dicts::get),
    row("has", &[Any, Any], lists::has),
    row("hasKey", &[Map, Text], dicts::has_key),
    row("hasPrefix", &[Text, Text], strings::has_prefix),
    row("hasSuffix", &[Text, Text], strings::has_suffix),
    row("hello", &[], strings::hello),
    row("htmlDate", &[Any], dates::html_date),
    row("htmlDateInZone", &[Any, Text], dates::html_date_in_zone),
    row("htpasswd", &[Text, Text], crypto::htpasswd),
    row("indent", &[Int, Text], strings::indent),
    row("initial", &[Any], lists::initial),
    row("initials", &[Text], strings::initials),
    row("int", &[Any], math::to_int),
    row("int64", &[Any], math::to_int_64),
    row("isAbs", &[Text], paths::is_abs),
    row("join", &[Text, Any], strings::join),
    row("kebabcase", &[Text], strings::kebabcase),
    many("keys", &[Map], dicts::keys),
    row("kindIs", &[Text, Any], reflect::kind_is),
    row("kindOf", &[Any], reflect::kind_of),
    row("last", &[Any], lists::last),
    many("list", &[Any], lists::list),
    row("lower", &[Text], strings::lower),
    many("max", &[Any, Any], math::max),
    many("maxf", &[Any, Any], math::maxf),
    many("merge", &[Map, Map], dicts::merge),
    many("mergeOverwrite", &[Map, Map], dicts::merge_overwrite),
    many("min", &[Any, Any], math::min),
    many("minf", &[Any, Any], math::minf),
    row("mod", &[Any, Any], math::modulo),
    many("mul", &[Any, Any], math::mul),
    many("mulf", &[Any, Any], math::mulf),
    row("mustAppend", &[Any, Any], lists::append),
    row("mustChunk", &[Int, Any], lists::chunk),
    row("mustCompact", &[Any], lists::compact),
    row("mustDateModify", &[Text, Time], dates::must_date_modify),
    row("mustDeepCopy", &[Any], dicts::deep_copy),
    row("mustFirst", &[Any], lists::first),
    row("mustFromJson", &[Text], json::must_from),
    row("mustHas", &[Any, Any], lists::has),
    row("mustInitial", &[Any], lists::initial),
    row("mustLast", &[Any], lists::last),
    many("mustMerge", &[Map, Map], dicts::merge),
    many("mustMergeOverwrite", &[Map, Map], dicts::merge_overwrite),
    row("mustPrepend", &[Any, Any], lists::prepend),
    row("mustPush", &[Any, Any], lists::append),
    row("mustRegexFind", &[Text, Text], regex::must_regex_find),
    row("mustRegexFindAll", &[Text, Text, Int], regex::must_regex_find_all),
    row("mustRegexMatch", &[Text, Text], regex::must_regex_match),
    row("mustRegexReplaceAll", &[Text, Text, Text], regex::must_regex_replace_all),
    row("mustRegexReplaceAllLiteral", &[Text, Text, Text], regex::must_regex_replace_all_literal),
    row("mustRegexSplit", &[Text, Text, Int], regex::must_regex_split),
    row("mustRest", &[Any], lists::rest),
    row("mustReverse", &[Any], lists::reverse),
    many("mustSlice", &[Any, Any], lists::slice),
    row("mustToDate", &[Text, Text], dates::must_to_date),
    row("mustToPrettyJson", &[Any], json::must_pretty),
    row("mustToRawJson", &[Any], json::raw),
    row("mustUniq", &[Any], lists::uniq),
    many("mustWithout", &[Any, Any], lists::without),
    row("must_date_modify", &[Text, Time], dates::must_date_modify),
    row("nindent", &[Int, Text], strings::nindent),
    row("nospace", &[Text], strings::nospace),
    row("now", &[], dates::now),
    many("omit", &[Map, Text], dicts::omit),
    row("osBase", &[Text], paths::base),
    row("osClean", &[Text], paths::clean),
    row("osDir", &[Text], paths::dir),
    row("osExt", &[Text], paths::ext),
    row("osIsAbs", &[Text], paths::is_abs),
    many("pick", &[Map, Text], dicts::pick),
    many("pluck", &[Text, Map], dicts::pluck),
    row("plural", &[Text, Text, Int], strings::plural),
    row("prepend", &[Any, Any], lists::prepend),
    row("push", &[Any, Any], lists::append),
    many("quote", &[Any], strings::quote),
    row("randAlpha", &[Int], crypto::rand_alpha),
    row("randAlphaNum", &[Int], crypto::rand_alpha_num),
    row("randAscii", &[Int], crypto::rand_ascii),
    row("randBytes", &[Int], crypto::rand_bytes),
    row("randInt", &[Int, Int], math::rand_int),
    row("randNumeric", &[Int], crypto::rand_numeric),
    row("regexFind", &[Text, Text], regex::regex_find),
    row("regexFindAll", &[Text, Text, Int], regex::regex_find_all),
    row("regexMatch", &[Text, Text], regex::regex_match),
    row("regexQuoteMeta", &[Text], regex::regex_quote_meta),
    row("regexReplaceAll", &[Text, Text, Text], regex::regex_replace_all),
    row("regexReplaceAllLiteral", &[Text, Text, Text], regex::regex_replace_all_literal),
    row("regexSplit", &[Text, Text, Int], regex::regex_split),
    row("repeat", &[Int, Text], strings::repeat),
    row("replace", &[Text, Text, Text], strings::replace),
    row("rest", &[Any], lists::rest),
    row("reverse", &[Any], lists::reverse),
    many("round", &[Any, Int, Float64], math::round),
    row("semver", &[Text], semver::semver),
    row("semverCompare", &[Text, Text], semver::semver_compare),
    many("seq", &[Int], math::seq),
    row("set", &[Map, Text, Any], dicts::set),
    row("sha1sum", &[Text], crypto::sha1sum),
    row("sha256sum", &[Text], crypto::sha256sum),
    row("sha512sum", &[Text], crypto::sha512sum),
    row("shuffle", &[Text], strings::shuffle),
    many("slice", &[Any, Any], lists::slice),
    row("snakecase", &[Text], strings::snakecase),
    row("sortAlpha", &[Any], strings::sort_alpha),
    row("split", &[Text, Text], strings::split),
    row("splitList", &[Text, Text], strings::split_list),
    row("splitn", &[Text, Int, Text], strings::splitn),
    many("squote", &[Any], strings::squote),
    row("sub", &[Any, Any], math::sub),
    many("subf", &[Any, Any], math::subf),
    row("substr", &[Int, Int, Text], strings::substr),
    row("swapcase", &[Text], strings::swapcase),
    row("ternary", &[Any, Any, Bool], defaults::ternary),
    row("title", &[Text], strings::title),
    row("toDate", &[Text, Text], dates::to_date),
    row("toDecimal", &[Any], math::to_decimal),
    row("toPrettyJson", &[Any], json::pretty),
    row("toRawJson", &[Any], json::raw),
    row("toString", &[Any], strings::to_string),
    row("toStrings", &[Any], strings::to_strings),
    row("trim", &[Text], strings::trim),
    row("trimAll", &[Text, Text], strings::trim_all),
    row("trimPrefix", &[Text, Text], strings::trim_prefix),
    row("trimSuffix", &[Text, Text], strings::trim_suffix),
    row("trimall", &[Text, Text], strings::trim_all),
    row("trunc", &[Int, Text], strings::trunc),
    many("tuple", &[Any], lists::list),
    row("typeIs", &[Text, Any], reflect::type_is),
    row("typeIsLike", &[Text, Any], reflect::type_is_like),
    row("typeOf", &[Any], reflect::type_of),
    row("uniq", &[Any], lists::uniq),
    row("unixEpoch", &[Time], dates::unix_epoch),
    row("unset", &[Map, Text], dicts::unset),
    row("until", &[Int], math::until),
    row("untilStep", &[Int, Int, Int], math::until_step),
    row("untitle", &[Text], strings::untitle),
    row("upper", &[Text], strings::upper),
    row("urlJoin", &[Map], url::url_join),
    row("urlParse", &[Text], url::url_parse),
    row("uuidv4", &[], crypto::uuid_v4),
    row("values", &[Map], dicts::values),
    many("without", &[Any, Any], lists::without),
    row("wrap", &[Int, Text], strings::wrap),
    row("wrapWith", &[Int, Text, Text], strings::wrap_with),
];

/// The methods of the types whose values are no objects, by the name of the type.
pub static METHODS: &[(&str, &[Function])] =
    &[("time.Duration", dates::DURATION), ("time.Month", dates::NAMED), ("time.Time", dates::TIME), ("time.Weekday", dates::NAMED)];

/// The methods that `time.Time` has since Go 1.24.
pub static NEWER_TIME_METHODS: &[Function] = dates::NEWER_TIME;

/// The functions that differ at the level of Helm 3, to be put over those of `FUNCTIONS`.
pub static V3_FUNCTIONS: &[Function] = &[
    row("semver", &[Text], semver::semver_v3),
    row("semverCompare", &[Text, Text], semver::semver_compare_v3),
    row("urlParse", &[Text], url::url_parse_v3),
];
