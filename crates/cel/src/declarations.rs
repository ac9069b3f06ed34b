//! Which functions there are, with which types, and since when (cel-go's `common/stdlib` and `ext`, and `k8s.io/apiserver/pkg/cel/library`).

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use crate::Library;
use crate::ty::Type;

/// One way to call a function.
#[derive(Debug)]
pub(crate) struct Overload {
    pub(crate) id: &'static str,
    pub(crate) member: bool,
    /// The result, then the arguments.
    pub(crate) types: Vec<Type>,
    pub(crate) library: Library,
}

/// All overloads, by function.
pub(crate) static ALL: LazyLock<BTreeMap<&'static str, Vec<Overload>>> = LazyLock::new(|| {
    let mut all: BTreeMap<&'static str, Vec<Overload>> = BTreeMap::new();
    for (library, rows) in TABLES {
        for row in rows.lines().map(str::trim).filter(|row| !row.is_empty()) {
            let (name, overload) = read(row, *library);
            all.entry(name).or_default().push(overload);
        }
    }
    for (operator, name) in [("_<_", "less"), ("_<=_", "less_equals"), ("_>_", "greater"), ("_>=_", "greater_equals")] {
        for (kinds, types) in ORDERED {
            let id: &'static str = Box::leak(format!("{name}_{kinds}").into_boxed_str());
            let types = std::iter::once(Type::Bool).chain(types.iter().cloned()).collect();
            all.entry(operator).or_default().push(Overload { id, member: false, types, library: Library::Standard });
        }
    }
    for name in crate::library::formats::ALL.iter().map(|format| format.name) {
        let id: &'static str = Box::leak(format!("format.{name}").into_boxed_str());
        let types = vec![Type::Library("kubernetes.NamedFormat")];
        all.entry(id).or_default().push(Overload { id, member: false, types, library: Library::Format });
    }
    all
});

const ORDERED: &[(&str, [Type; 2])] = &[
    ("bool", [Type::Bool, Type::Bool]),
    ("int64", [Type::Int, Type::Int]),
    ("int64_double", [Type::Int, Type::Double]),
    ("int64_uint64", [Type::Int, Type::Uint]),
    ("uint64", [Type::Uint, Type::Uint]),
    ("uint64_double", [Type::Uint, Type::Double]),
    ("uint64_int64", [Type::Uint, Type::Int]),
    ("double", [Type::Double, Type::Double]),
    ("double_int64", [Type::Double, Type::Int]),
    ("double_uint64", [Type::Double, Type::Uint]),
    ("string", [Type::String, Type::String]),
    ("bytes", [Type::Bytes, Type::Bytes]),
    ("timestamp", [Type::Timestamp, Type::Timestamp]),
    ("duration", [Type::Duration, Type::Duration]),
];

/// `id name(args) result`, with the type of the value before the name where it is a function of one.
fn read(row: &'static str, library: Library) -> (&'static str, Overload) {
    let (id, rest) = row.split_once(' ').unwrap_or((row, ""));
    let (head, rest) = rest.split_at(rest.rfind(") ").map_or(rest.len(), |end| end + 1));
    let open = matching_open(head);
    let (name, args) = (&head[..open], &head[open + 1..head.len() - 1]);
    let (receiver, name) = match name.split_once("->") {
        Some((receiver, name)) => (Some(receiver), name),
        None => (None, name),
    };
    let mut types = vec![ty(rest.trim())];
    types.extend(receiver.map(ty));
    types.extend(split(args).into_iter().map(ty));
    (name, Overload { id, member: receiver.is_some(), types, library })
}

/// Where the parenthesis opens that closes at the end.
fn matching_open(head: &str) -> usize {
    let mut depth = 0;
    for (at, byte) in head.bytes().enumerate().rev() {
        match byte {
            b')' => depth += 1,
            b'(' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    0
}

/// The parts between commas that are not in parentheses.
fn split(args: &'static str) -> Vec<&'static str> {
    let (mut depth, mut start, mut all) = (0, 0, Vec::new());
    for (at, byte) in args.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            b',' if depth == 0 => {
                all.push(args[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    if !args.is_empty() {
        all.push(args[start..].trim());
    }
    all
}

fn ty(text: &'static str) -> Type {
    if let Some((name, of)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        let mut of = split(of).into_iter().map(ty);
        let mut next = || of.next().unwrap_or(Type::Dyn);
        return match name {
            "list" => Type::list(next()),
            "map" => Type::Map(Arc::new((next(), next()))),
            "opt" => Type::optional(next()),
            _ => Type::Type(Some(Arc::new(next()))),
        };
    }
    match text {
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "duration" => Type::Duration,
        "timestamp" => Type::Timestamp,
        "A" => Type::Param(0),
        "B" => Type::Param(1),
        "quantity" => Type::Library("kubernetes.Quantity"),
        "url" => Type::Library("kubernetes.URL"),
        "semver" => Type::Library("kubernetes.Semver"),
        "format" => Type::Library("kubernetes.NamedFormat"),
        "authorizer" => Type::Library("kubernetes.authorization.Authorizer"),
        "pathcheck" => Type::Library("kubernetes.authorization.PathCheck"),
        "groupcheck" => Type::Library("kubernetes.authorization.GroupCheck"),
        "resourcecheck" => Type::Library("kubernetes.authorization.ResourceCheck"),
        "decision" => Type::Library("kubernetes.authorization.Decision"),
        "ip" => Type::Opaque("net.IP", Vec::new()),
        "cidr" => Type::Opaque("net.CIDR", Vec::new()),
        _ => Type::Dyn,
    }
}

const TABLES: &[(Library, &str)] = &[
    (
        Library::Standard,
        "conditional _?_:_(bool, A, A) A
        logical_and _&&_(bool, bool) bool
        logical_or _||_(bool, bool) bool
        logical_not !_(bool) bool
        not_strictly_false @not_strictly_false(bool) bool
        equals _==_(A, A) bool
        not_equals _!=_(A, A) bool
        add_bytes _+_(bytes, bytes) bytes
        add_double _+_(double, double) double
        add_duration_duration _+_(duration, duration) duration
        add_duration_timestamp _+_(duration, timestamp) timestamp
        add_timestamp_duration _+_(timestamp, duration) timestamp
        add_int64 _+_(int, int) int
        add_list _+_(list(A), list(A)) list(A)
        add_string _+_(string, string) string
        add_uint64 _+_(uint, uint) uint
        divide_double _/_(double, double) double
        divide_int64 _/_(int, int) int
        divide_uint64 _/_(uint, uint) uint
        modulo_int64 _%_(int, int) int
        modulo_uint64 _%_(uint, uint) uint
        multiply_double _*_(double, double) double
        multiply_int64 _*_(int, int) int
        multiply_uint64 _*_(uint, uint) uint
        negate_double -_(double) double
        negate_int64 -_(int) int
        subtract_double _-_(double, double) double
        subtract_duration_duration _-_(duration, duration) duration
        subtract_int64 _-_(int, int) int
        subtract_timestamp_duration _-_(timestamp, duration) timestamp
        subtract_timestamp_timestamp _-_(timestamp, timestamp) duration
        subtract_uint64 _-_(uint, uint) uint
        index_list _[_](list(A), int) A
        index_map _[_](map(A, B), A) B
        in_list @in(A, list(A)) bool
        in_map @in(A, map(A, B)) bool
        in_list in(A, list(A)) bool
        in_map in(A, map(A, B)) bool
        size_bytes size(bytes) int
        bytes_size bytes->size() int
        size_list size(list(A)) int
        list_size list(A)->size() int
        size_map size(map(A, B)) int
        map_size map(A, B)->size() int
        size_string size(string) int
        string_size string->size() int
        type type(A) type(A)
        bool_to_bool bool(bool) bool
        string_to_bool bool(string) bool
        bytes_to_bytes bytes(bytes) bytes
        string_to_bytes bytes(string) bytes
        double_to_double double(double) double
        int64_to_double double(int) double
        string_to_double double(string) double
        uint64_to_double double(uint) double
        duration_to_duration duration(duration) duration
        string_to_duration duration(string) duration
        to_dyn dyn(A) dyn
        int64_to_int64 int(int) int
        double_to_int64 int(double) int
        duration_to_int64 int(duration) int
        string_to_int64 int(string) int
        timestamp_to_int64 int(timestamp) int
        uint64_to_int64 int(uint) int
        string_to_string string(string) string
        bool_to_string string(bool) string
        bytes_to_string string(bytes) string
        double_to_string string(double) string
        duration_to_string string(duration) string
        int64_to_string string(int) string
        timestamp_to_string string(timestamp) string
        uint64_to_string string(uint) string
        timestamp_to_timestamp timestamp(timestamp) timestamp
        int64_to_timestamp timestamp(int) timestamp
        string_to_timestamp timestamp(string) timestamp
        uint64_to_uint64 uint(uint) uint
        double_to_uint64 uint(double) uint
        int64_to_uint64 uint(int) uint
        string_to_uint64 uint(string) uint
        contains_string string->contains(string) bool
        ends_with_string string->endsWith(string) bool
        starts_with_string string->startsWith(string) bool
        matches matches(string, string) bool
        matches_string string->matches(string) bool
        timestamp_to_year timestamp->getFullYear() int
        timestamp_to_year_with_tz timestamp->getFullYear(string) int
        timestamp_to_month timestamp->getMonth() int
        timestamp_to_month_with_tz timestamp->getMonth(string) int
        timestamp_to_day_of_year timestamp->getDayOfYear() int
        timestamp_to_day_of_year_with_tz timestamp->getDayOfYear(string) int
        timestamp_to_day_of_month timestamp->getDayOfMonth() int
        timestamp_to_day_of_month_with_tz timestamp->getDayOfMonth(string) int
        timestamp_to_day_of_month_1_based timestamp->getDate() int
        timestamp_to_day_of_month_1_based_with_tz timestamp->getDate(string) int
        timestamp_to_day_of_week timestamp->getDayOfWeek() int
        timestamp_to_day_of_week_with_tz timestamp->getDayOfWeek(string) int
        timestamp_to_hours timestamp->getHours() int
        timestamp_to_hours_with_tz timestamp->getHours(string) int
        duration_to_hours duration->getHours() int
        timestamp_to_minutes timestamp->getMinutes() int
        timestamp_to_minutes_with_tz timestamp->getMinutes(string) int
        duration_to_minutes duration->getMinutes() int
        timestamp_to_seconds timestamp->getSeconds() int
        timestamp_to_seconds_tz timestamp->getSeconds(string) int
        duration_to_seconds duration->getSeconds() int
        timestamp_to_milliseconds timestamp->getMilliseconds() int
        timestamp_to_milliseconds_with_tz timestamp->getMilliseconds(string) int
        duration_to_milliseconds duration->getMilliseconds() int
        string_char_at_int string->charAt(int) string
        string_index_of_string string->indexOf(string) int
        string_index_of_string_int string->indexOf(string, int) int
        string_last_index_of_string string->lastIndexOf(string) int
        string_last_index_of_string_int string->lastIndexOf(string, int) int
        string_lower_ascii string->lowerAscii() string
        string_replace_string_string string->replace(string, string) string
        string_replace_string_string_int string->replace(string, string, int) string
        string_split_string string->split(string) list(string)
        string_split_string_int string->split(string, int) list(string)
        string_substring_int string->substring(int) string
        string_substring_int_int string->substring(int, int) string
        string_trim string->trim() string
        string_upper_ascii string->upperAscii() string
        string_format string->format(list(dyn)) string
        strings_quote strings.quote(string) string
        list_join list(string)->join() string
        list_join_string list(string)->join(string) string
        list_a_index_of_int list(A)->indexOf(A) int
        list_a_last_index_of_int list(A)->lastIndexOf(A) int
        list_int_is_sorted_bool list(int)->isSorted() bool
        list_uint_is_sorted_bool list(uint)->isSorted() bool
        list_double_is_sorted_bool list(double)->isSorted() bool
        list_bool_is_sorted_bool list(bool)->isSorted() bool
        list_duration_is_sorted_bool list(duration)->isSorted() bool
        list_timestamp_is_sorted_bool list(timestamp)->isSorted() bool
        list_string_is_sorted_bool list(string)->isSorted() bool
        list_bytes_is_sorted_bool list(bytes)->isSorted() bool
        list_int_sum_int list(int)->sum() int
        list_uint_sum_uint list(uint)->sum() uint
        list_double_sum_double list(double)->sum() double
        list_duration_sum_duration list(duration)->sum() duration
        list_int_max_int list(int)->max() int
        list_uint_max_uint list(uint)->max() uint
        list_double_max_double list(double)->max() double
        list_bool_max_bool list(bool)->max() bool
        list_duration_max_duration list(duration)->max() duration
        list_timestamp_max_timestamp list(timestamp)->max() timestamp
        list_string_max_string list(string)->max() string
        list_bytes_max_bytes list(bytes)->max() bytes
        list_int_min_int list(int)->min() int
        list_uint_min_uint list(uint)->min() uint
        list_double_min_double list(double)->min() double
        list_bool_min_bool list(bool)->min() bool
        list_duration_min_duration list(duration)->min() duration
        list_timestamp_min_timestamp list(timestamp)->min() timestamp
        list_string_min_string list(string)->min() string
        list_bytes_min_bytes list(bytes)->min() bytes
        string_find_string string->find(string) string
        string_find_all_string string->findAll(string) list(string)
        string_find_all_string_int string->findAll(string, int) list(string)
        string_to_url url(string) url
        is_url_string isURL(string) bool
        url_get_scheme url->getScheme() string
        url_get_host url->getHost() string
        url_get_hostname url->getHostname() string
        url_get_port url->getPort() string
        url_get_escaped_path url->getEscapedPath() string
        url_get_query url->getQuery() map(string, list(string))
        string_to_quantity quantity(string) quantity
        is_quantity_string isQuantity(string) bool
        quantity_sign sign(quantity) int
        quantity_is_greater_than quantity->isGreaterThan(quantity) bool
        quantity_is_less_than quantity->isLessThan(quantity) bool
        quantity_compare_to quantity->compareTo(quantity) int
        quantity_get_float quantity->asApproximateFloat() double
        quantity_get_int quantity->asInteger() int
        quantity_is_integer quantity->isInteger() bool
        quantity_add quantity->add(quantity) quantity
        quantity_add_int quantity->add(int) quantity
        quantity_sub quantity->sub(quantity) quantity
        quantity_sub_int quantity->sub(int) quantity
        list_sets_contains_list sets.contains(list(A), list(A)) bool
        list_sets_equivalent_list sets.equivalent(list(A), list(A)) bool
        list_sets_intersects_list sets.intersects(list(A), list(A)) bool
        authorizer_path authorizer->path(string) pathcheck
        authorizer_group authorizer->group(string) groupcheck
        authorizer_serviceaccount authorizer->serviceAccount(string, string) authorizer
        groupcheck_resource groupcheck->resource(string) resourcecheck
        resourcecheck_subresource resourcecheck->subresource(string) resourcecheck
        resourcecheck_namespace resourcecheck->namespace(string) resourcecheck
        resourcecheck_name resourcecheck->name(string) resourcecheck
        pathcheck_check pathcheck->check(string) decision
        resourcecheck_check resourcecheck->check(string) decision
        decision_errored decision->errored() bool
        decision_error decision->error() string
        decision_allowed decision->allowed() bool
        decision_reason decision->reason() string",
    ),
    (
        Library::Optional,
        "optional_of optional.of(A) opt(A)
        optional_ofNonZeroValue optional.ofNonZeroValue(A) opt(A)
        optional_none optional.none() opt(A)
        optional_value opt(A)->value() A
        optional_hasValue opt(A)->hasValue() bool
        optional_or_optional opt(A)->or(opt(A)) opt(A)
        optional_orValue_value opt(A)->orValue(A) A
        list_optindex_optional_int _[?_](list(A), int) opt(A)
        optional_list_optindex_optional_int _[?_](opt(list(A)), int) opt(A)
        map_optindex_optional_value _[?_](map(A, B), A) opt(B)
        optional_map_optindex_optional_value _[?_](opt(map(A, B)), A) opt(B)
        optional_list_index_int _[_](opt(list(A)), int) opt(A)
        optional_map_index_value _[_](opt(map(A, B)), A) opt(B)",
    ),
    (
        Library::OptionalLists,
        "list_last list(A)->last() opt(A)
        list_first list(A)->first() opt(A)
        optional_unwrap optional.unwrap(list(opt(A))) list(A)
        optional_unwrapOpt list(opt(A))->unwrapOpt() list(A)",
    ),
    (
        Library::Net,
        "string_to_ip ip(string) ip
        cidr_ip cidr->ip() ip
        ip_family ip->family() int
        ip_is_canonical ip.isCanonical(string) bool
        ip_is_unspecified ip->isUnspecified() bool
        ip_is_loopback ip->isLoopback() bool
        ip_is_link_local_multicast ip->isLinkLocalMulticast() bool
        ip_is_link_local_unicast ip->isLinkLocalUnicast() bool
        ip_is_global_unicast ip->isGlobalUnicast() bool
        is_ip isIP(string) bool
        ip_to_string string(ip) string
        string_to_cidr cidr(string) cidr
        cidr_contains_ip_string cidr->containsIP(string) bool
        cidr_contains_ip_ip cidr->containsIP(ip) bool
        cidr_contains_cidr_string cidr->containsCIDR(string) bool
        cidr_contains_cidr cidr->containsCIDR(cidr) bool
        cidr_prefix_length cidr->prefixLength() int
        cidr_masked cidr->masked() cidr
        is_cidr isCIDR(string) bool
        cidr_to_string string(cidr) string",
    ),
    (
        Library::Format,
        "format-validate format->validate(string) opt(list(string))
        format-named format.named(string) opt(format)
        authorizer_fieldselector resourcecheck->fieldSelector(string) resourcecheck
        authorizer_labelselector resourcecheck->labelSelector(string) resourcecheck",
    ),
    (
        Library::TwoVariables,
        "@mapInsert_map_key_value cel.@mapInsert(map(A, B), A, B) map(A, B)
        @mapInsert_map_map cel.@mapInsert(map(A, B), map(A, B)) map(A, B)",
    ),
    (
        Library::Semver,
        "string_to_semver semver(string) semver
        string_bool_to_semver semver(string, bool) semver
        is_semver_string isSemver(string) bool
        is_semver_string_bool isSemver(string, bool) bool
        semver_is_greater_than semver->isGreaterThan(semver) bool
        semver_is_less_than semver->isLessThan(semver) bool
        semver_compare_to semver->compareTo(semver) int
        semver_major semver->major() int
        semver_minor semver->minor() int
        semver_patch semver->patch() int",
    ),
    (
        Library::Lists,
        "list_slice list(A)->slice(int, int) list(A)
        list_flatten list(list(A))->flatten() list(A)
        list_flatten_int list(dyn)->flatten(int) list(dyn)
        list_int_sort list(int)->sort() list(int)
        list_uint_sort list(uint)->sort() list(uint)
        list_double_sort list(double)->sort() list(double)
        list_bool_sort list(bool)->sort() list(bool)
        list_google.protobuf.Duration_sort list(duration)->sort() list(duration)
        list_google.protobuf.Timestamp_sort list(timestamp)->sort() list(timestamp)
        list_string_sort list(string)->sort() list(string)
        list_bytes_sort list(bytes)->sort() list(bytes)
        list_int_sortByAssociatedKeys list(A)->@sortByAssociatedKeys(list(int)) list(A)
        list_uint_sortByAssociatedKeys list(A)->@sortByAssociatedKeys(list(uint)) list(A)
        list_double_sortByAssociatedKeys list(A)->@sortByAssociatedKeys(list(double)) list(A)
        list_bool_sortByAssociatedKeys list(A)->@sortByAssociatedKeys(list(bool)) list(A)
        list_google.protobuf.Duration_sortByAssociatedKeys list(A)->@sortByAssociatedKeys(list(duration)) list(A)
        list_google.protobuf.Timestamp_sortByAssociatedKeys list(A)->@sortByAssociatedKeys(list(timestamp)) list(A)
        list_string_sortByAssociatedKeys list(A)->@sortByAssociatedKeys(list(string)) list(A)
        list_bytes_sortByAssociatedKeys list(A)->@sortByAssociatedKeys(list(bytes)) list(A)
        lists_range lists.range(int) list(int)
        list_reverse list(A)->reverse() list(A)
        list_distinct list(A)->distinct() list(A)",
    ),
    (Library::Includes, "list_includes_dyn_dyn dyn->includes(dyn) bool"),
];
