#!/usr/bin/env python3
"""Expressions of every function of CEL that the API server has, with what cel-go makes of them.

    cel.py PROBE              compares crates/cel/tests/answers.txt with what the probe (tests/conformance/cel-probe, built with Go) says now
    cel.py PROBE --record     writes that file
    cel.py PROBE --crds DIR   compares what is said of the rules of all CRDs below DIR, and how many there are (`cargo test` has to be able to run)

The probe: `cd tests/conformance/cel-probe && go mod tidy && go build -o PROBE .`, over cel-go and the API server's own packages.
"""

import itertools
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

FILE = pathlib.Path(__file__).parents[2] / "crates/cel/tests/answers.txt"

SCHEMA = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": {"type": "string", "maxLength": 63},
                "text": {"type": "string"},
                "mode": {"type": "string", "enum": ["Fast", "Slow"]},
                "replicas": {"type": "integer", "format": "int32"},
                "share": {"type": "number"},
                "paused": {"type": "boolean"},
                "note": {"type": "string", "nullable": True},
                "gone": {"type": "string"},
                "port": {"x-kubernetes-int-or-string": True},
                "target": {"x-kubernetes-int-or-string": True, "maxLength": 8},
                "every": {"type": "string", "format": "duration"},
                "since": {"type": "string", "format": "date-time"},
                "day": {"type": "string", "format": "date"},
                "blob": {"type": "string", "format": "byte"},
                "tags": {"type": "array", "maxItems": 10, "x-kubernetes-list-type": "set", "items": {"type": "string", "maxLength": 20}},
                "others": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
                "numbers": {"type": "array", "items": {"type": "integer"}},
                "labels": {"type": "object", "maxProperties": 8, "additionalProperties": {"type": "string", "maxLength": 63}},
                "limits": {"type": "object", "additionalProperties": {"x-kubernetes-int-or-string": True}},
                "ports": {
                    "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                    "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "port": {"type": "integer"}}},
                },
                "more": {
                    "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                    "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "port": {"type": "integer"}}},
                },
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "half": {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"known": {"type": "string"}}},
                "any": {"x-kubernetes-preserve-unknown-fields": True},
                "pod": {"type": "object", "x-kubernetes-embedded-resource": True, "properties": {"spec": {"type": "object", "properties": {"hostname": {"type": "string"}}}}},
                "with-dash": {"type": "string"}, "dot.ted": {"type": "string"}, "a/b": {"type": "string"}, "under__scores": {"type": "string"},
                "namespace": {"type": "string"}, "in": {"type": "string"}, "true": {"type": "boolean"},
            },
        },
    },
}

OBJECT = {
    "apiVersion": "example.org/v1", "kind": "Thing", "metadata": {"name": "first", "labels": {"a": "b"}},
    "spec": {
        "name": "Grüße 🙂 you", "text": "the quick brown fox", "mode": "Fast", "replicas": 3, "share": 0.5, "paused": False, "note": None,
        "port": 80, "target": "http", "every": "1h30m", "since": "2026-02-28T10:20:30.5Z", "day": "2026-02-28", "blob": "aGVsbG8=",
        "tags": ["b", "a", "c"], "others": ["c", "b", "a"], "numbers": [3, 1, 2], "labels": {"app": "web", "tier": "front"},
        "limits": {"cpu": "500m", "pods": 5},
        "ports": [{"name": "http", "port": 80}, {"name": "https", "port": 443}],
        "more": [{"name": "https", "port": 443}, {"name": "http", "port": 80}],
        "free": {"a": 1}, "half": {"known": "x", "other": "y"}, "any": [1, 2],
        "pod": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {"x": "y"}}, "spec": {"hostname": "h"}},
        "with-dash": "1", "dot.ted": "2", "a/b": "3", "under__scores": "4", "namespace": "5", "in": "6", "true": True,
    },
}


def operators():
    """Every operator between values of every two types; those that the checker refuses as `dyn` too."""
    values = ["1", "2u", "1.5", "'a'", "b'a'", "true", "null", "[1]", "{'a': 1}", "duration('1s')", "timestamp('2026-01-01T00:00:00Z')", "int"]
    for operator in ["+", "-", "*", "/", "%", "<", "<=", ">", ">=", "==", "!=", "in"]:
        for left, right in itertools.product(values, values):
            if left == right or operator in ("+", "<", "==", "in"):
                yield f"{left} {operator} {right}"
            if operator in ("+", "<", "==") and left < right:
                yield f"dyn({left}) {operator} dyn({right})"


PLAIN = r"""
# Literals
1
-1
0x1F
-0x10
9223372036854775807
-9223372036854775808
9223372036854775808
18446744073709551615u
18446744073709551616u
0xFFu
1.5
-1.5e3
.5
1e400
'a' + "b"
'it\'s'
"tab\tnew\nline"
'\u00fc\U0001F642'
'\x41\101'
r'raw\n'
R"raw"
'''three
lines'''
\"""a "quoted" text\"""
b'abc'
b'\xff\x00'
b'ü'
br'\n'
true
null
[]
{}
[1, 2, 3]
[1, 'a']
[1, dyn('a')]
{'a': 1, 'b': 2}
{'a': 1, 2: 2}
{1: 'a', 2u: 'b', true: 'c'}
{'a': 1, 'a': 2}
[1, 2,]
{'a': 1,}
[?optional.of(1), ?optional.none(), 2]
{?'a': optional.of(1), ?'b': optional.none()}
[?1]
1 // a comment
'unterminated
'bad \q escape'
1 +
(1
1 2
a
self.spec.nothing
.self.spec.replicas
foo(1)
self.spec.replicas.foo()
if
self.if
Thing{a: 1}
int{}
`a`
1 ? 2 : 3
true ? 1 : 'a'
true ? 1 : dyn('a')
!true
!!true
--1
-(-9223372036854775808)
-'a'
!1
# Numbers
9223372036854775807 + 1
-9223372036854775808 - 1
9223372036854775807 * 2
-9223372036854775808 / -1
1u - 2u
18446744073709551615u + 1u
18446744073709551615u * 2u
1 / 0
1 % 0
1u / 0u
1u % 0u
1.0 / 0.0
-1.0 / 0.0
0.0 / 0.0
7 / 2
-7 / 2
-7 % 3
7.0 / 2.0
1 == 1.0
1 == 1u
dyn(1) == 1.0
dyn(1) == dyn(1u)
dyn(1u) == dyn(1.0)
dyn(9007199254740993) == dyn(9007199254740992.0)
dyn(1) == dyn('1')
1 < 1.5
1 < 2u
2u > 1.5
1.5 < 2
dyn(0.0/0.0) == dyn(0.0/0.0)
dyn(0.0/0.0) < dyn(1)
1 in [1.0, 2.0]
dyn(1) in [1.0, 2.0]
dyn(1u) in [1, 2]
1 in {1: 'a'}
dyn(1u) in {1: 'a'}
dyn(1.0) in {1: 'a'}
{1: 'a'}[dyn(1.0)]
{1: 'a'}[dyn(1u)]
# Conversions
int('42')
int('+42')
int('-0')
int('4 2')
int('0x10')
int('')
int(4.9)
int(-4.9)
int(1e19)
int(9223372036854775807u)
int(18446744073709551615u)
int(duration('1s'))
int(timestamp('2026-01-01T00:00:00Z'))
int(true)
uint(-1)
uint(4.9)
uint('7')
uint('-7')
uint(1e20)
double('1.5')
double('1e3')
double('abc')
double('NaN')
double('inf')
double('-Infinity')
double('')
double(1)
double(7u)
string(1)
string(1u)
string(1.0)
string(1.5)
string(1e21)
string(1e-7)
string(123456789.0)
string(true)
string(b'abc')
string(b'\xff')
string(duration('90m'))
string(duration('1ms'))
string(duration('-1.5s'))
string(timestamp('2026-01-01T00:00:00Z'))
string(timestamp('2026-01-01T00:00:00.120Z'))
string(timestamp('2026-01-01T01:00:00+01:00'))
string(null)
string([1])
bytes('ü')
bytes(b'a')
bool('true')
bool('True')
bool('t')
bool('1')
bool('0')
bool('yes')
bool(1)
type(1)
type(1) == int
type('a') == string
type(type(1))
type([]) == list
type({}) == map
type(null) == null_type
type(duration('1s')) == google.protobuf.Duration
type(timestamp('2026-01-01T00:00:00Z')) == google.protobuf.Timestamp
type(self.spec.port) == int
type(self.spec.target) == string
type(self.spec) == map
type(optional.of(1))
type(quantity('1'))
type(ip('::1')) == net.IP
dyn(1)
# Logic
true && false
true || 1 / 0 > 1
1 / 0 > 1 || true
false && 1 / 0 > 1
1 / 0 > 1 && false
1 / 0 > 1 && true
1 / 0 > 1 || false
true && 1
dyn(1) && true
dyn('a') || true
true ? 1 : 1 / 0
false ? 1 / 0 : 1
1 / 0 > 1 ? 1 : 2
dyn(1) ? 1 : 2
# Durations and moments
duration('1h') + duration('30m')
duration('1h') - duration('2h')
duration('1h30m') > duration('89m')
duration('1d')
duration('abc')
dyn(duration('1s')).getSeconds()
duration(self.spec.text)
duration('2562047h47m16.854775807s') + duration('1s')
timestamp('2026-01-01T00:00:00Z') + duration('24h')
duration('24h') + timestamp('2026-01-01T00:00:00Z')
timestamp('2026-01-02T00:00:00Z') - timestamp('2026-01-01T00:00:00Z')
timestamp('2026-01-02T00:00:00Z') - duration('1s')
timestamp('9999-12-31T23:59:59Z') + duration('1s')
timestamp('0001-01-01T00:00:00Z') - duration('1s')
timestamp('10000-01-01T00:00:00Z')
timestamp('2026-01-01')
timestamp('2026-02-30T00:00:00Z')
timestamp('2026-01-01T00:00:00')
timestamp(self.spec.text)
timestamp(1767225600)
timestamp('2026-02-28T10:20:30.567Z').getFullYear()
timestamp('2026-02-28T10:20:30.567Z').getMonth()
timestamp('2026-02-28T10:20:30.567Z').getDate()
timestamp('2026-02-28T10:20:30.567Z').getDayOfMonth()
timestamp('2026-02-28T10:20:30.567Z').getDayOfWeek()
timestamp('2026-02-28T10:20:30.567Z').getDayOfYear()
timestamp('2026-02-28T10:20:30.567Z').getHours()
timestamp('2026-02-28T10:20:30.567Z').getMinutes()
timestamp('2026-02-28T10:20:30.567Z').getSeconds()
timestamp('2026-02-28T10:20:30.567Z').getMilliseconds()
timestamp('2026-02-28T23:20:30Z').getHours('Europe/Berlin')
timestamp('2026-02-28T23:20:30Z').getDate('Europe/Berlin')
timestamp('2026-02-28T23:20:30Z').getHours('-02:30')
timestamp('2026-02-28T23:20:30Z').getMinutes('-02:30')
timestamp('2026-02-28T23:20:30Z').getHours('+05:45')
timestamp('2026-02-28T23:20:30Z').getHours('05:45')
timestamp('2026-02-28T23:20:30Z').getHours('Nowhere/Land')
timestamp('2026-02-28T23:20:30Z').getFullYear('Asia/Tokyo')
timestamp('2026-12-31T23:20:30Z').getDayOfYear('Asia/Tokyo')
duration('90m').getHours()
duration('90m').getMinutes()
duration('90m').getSeconds()
duration('1.5s').getMilliseconds()
duration('1.5s').getDate()
self.spec.every > duration('1h')
self.spec.since.getFullYear() == 2026
self.spec.day < self.spec.since
self.spec.every.getMinutes()
# Texts
'abc'.size()
size('Grüße')
self.spec.name.size()
'abc'.contains('b')
'abc'.contains('')
'abc'.startsWith('ab')
'abc'.endsWith('bc')
'abc'.startsWith(1)
dyn(1).startsWith('a')
'abc'.matches('^a.c$')
'abc'.matches('^[a-z]+$')
matches('abc', 'b')
'abc'.matches('(')
self.spec.text.matches(self.spec.name)
'a\nb'.matches('a.b')
'(?i)ABC'.matches('abc')
'ABC'.matches('(?i)abc')
'ü'.matches('^.$')
'abc'.charAt(1)
'Grüße'.charAt(2)
'abc'.charAt(3)
'abc'.charAt(4)
'abc'.charAt(-1)
'hello'.indexOf('l')
'hello'.indexOf('')
'hello'.indexOf('x')
'hello'.indexOf('l', 3)
'hello'.indexOf('l', 4)
'hello'.indexOf('l', -1)
'hello'.indexOf('', 2)
'hello'.indexOf('', 9)
'hello'.indexOf('l', 20)
'hello'.lastIndexOf('l')
'hello'.lastIndexOf('l', 2)
'hello'.lastIndexOf('l', 1)
'hello'.lastIndexOf('')
'hello'.lastIndexOf('', 2)
'hello'.lastIndexOf('hello world')
'hello'.lastIndexOf('l', -1)
'hello'.lastIndexOf('h', 20)
'Grüße 🙂 x'.indexOf('x')
'Grüße 🙂 x'.lastIndexOf('🙂')
'HeLLo Ü'.lowerAscii()
'HeLLo ü'.upperAscii()
'hello'.replace('l', 'L')
'hello'.replace('l', 'L', 1)
'hello'.replace('l', 'L', 0)
'hello'.replace('l', 'L', -1)
'hello'.replace('', '-')
'hello'.replace('', '-', 2)
'a,b,c'.split(',')
'a,b,c'.split(',', 2)
'a,b,c'.split(',', 0)
'a,b,c'.split(',', 1)
'a,b,c'.split(',', -1)
'abc'.split('')
'aüc'.split('', 2)
''.split(',')
''.split('')
'hello'.substring(2)
'hello'.substring(1, 3)
'hello'.substring(5)
'hello'.substring(6)
'hello'.substring(-1)
'hello'.substring(3, 1)
'hello'.substring(0, 9)
'Grüße'.substring(2, 4)
'  a b\t\n'.trim()
'\u00a0a\u2003'.trim()
['a', 'b'].join()
['a', 'b'].join(', ')
[].join(',')
['a', dyn(1)].join(',')
self.spec.tags.join('/')
strings.quote('a "b" \n \\ ü')
'%s and %s'.format(['a', 'b'])
'%s'.format([1])
'%s'.format([1.5])
'%s'.format([true])
'%s'.format([null])
'%s'.format([[1, 2]])
'%s'.format([['a', 'b']])
'%s'.format([{'a': 1, 'b': 2}])
'%s'.format([duration('90s')])
'%s'.format([timestamp('2026-01-01T00:00:00Z')])
'%s'.format([b'abc'])
'%s'.format([type(1)])
'%s'.format([quantity('1')])
'%s %s'.format(['a'])
'%s'.format(['a', 'b'])
'%%'.format([])
'%d'.format([42])
'%d'.format([42u])
'%d'.format([1.5])
'%d'.format(['a'])
'%x'.format([255])
'%X'.format([255])
'%x'.format(['hi'])
'%x'.format([b'hi'])
'%x'.format([-255])
'%o'.format([8])
'%b'.format([5])
'%b'.format([true])
'%b'.format([-5])
'%f'.format([1.5])
'%.2f'.format([1.005])
'%.1f'.format([1234567.89])
'%e'.format([1234.5])
'%.3e'.format([0.00012])
'%f'.format(['NaN'])
'%q'.format(['a'])
'%'.format([])
'%s'.format([self.spec.replicas])
'%d'.format([self.spec.port])
self.spec.text.format([])
'abc' < 'abd'
'Z' < 'a'
'a' < 'ä'
'' < 'a'
'a' == 'a'
'ä' == 'a\u0308'
b'a' < b'b'
b'abc' + b'd'
b'abc'.size()
self.spec.blob
self.spec.blob == b'hello'
self.spec.blob.size()
# Regular expressions
'abc 123 def 456'.find('[0-9]+')
'abc'.find('[0-9]+')
'abc 123 def 456'.findAll('[0-9]+')
'abc 123 def 456'.findAll('[0-9]+', 1)
'abc 123 def 456'.findAll('[0-9]+', 0)
'abc 123 def 456'.findAll('[0-9]+', -1)
'abc'.findAll('x')
'abc'.find('(')
'abc'.findAll('')
'aüb'.findAll('.')
self.spec.text.find('q\\w+')
self.spec.text.find(self.spec.name)
# Lists
[1, 2, 3].size()
size([1, 2])
[1, 2][0]
[1, 2][2]
[1, 2][-1]
[1, 2][dyn(1.0)]
[1, 2][dyn(1.5)]
[1, 2][dyn('a')]
[1, 2]['a']
[1, 2] + [3]
[1] + ['a']
[1, 2] == [1, 2]
[1, 2] == [2, 1]
[1, 2] == [1.0, 2.0]
[[1], [2]] == [[1], [2]]
1 in [1, 2]
4 in [1, 2]
'a' in ['a', 'b']
self.spec.mode in ['Fast', 'Slow']
self.spec.mode in self.spec.tags
[1, 2, 3].all(x, x > 0)
[1, 2, 3].all(x, x > 1)
[].all(x, x > 0)
[1, 2, 3].exists(x, x > 2)
[1, 2, 3].exists(x, x > 3)
[1, 2, 3].exists_one(x, x > 2)
[1, 2, 3].exists_one(x, x > 1)
[1, 2, 3].existsOne(x, x > 2)
[1, 2, 3].map(x, x * 2)
[1, 2, 3].map(x, x > 1, x * 2)
[1, 2, 3].filter(x, x % 2 == 1)
[1, 0, 2].all(x, 4 / x > 0)
[0, 1].all(x, 4 / x > 5)
[1, 0, 2].exists(x, 4 / x > 3)
[0, 2].exists(x, 4 / x > 3)
[1, 0].map(x, 4 / x)
[1, 0].filter(x, 4 / x > 1)
[1, 0].exists_one(x, 4 / x > 1)
[1, 2].all(1, true)
[1, 2].all(x.y, true)
[1, 2].map(x)
[[1, 2], [3]].map(x, x.map(y, y + 1))
[1, 2, 3].filter(x, [2, 3].exists(y, y == x))
1.all(x, true)
'abc'.all(x, true)
dyn('abc').all(x, true)
self.spec.replicas.all(x, true)
{'a': 1, 'b': 2}.all(k, k != 'c')
{'a': 1, 'b': 2}.exists(k, k == 'c')
{'a': 1}.map(k, k)
{'a': 1}.filter(k, k > 'a')
[1, 2, 3].isSorted()
[3, 1].isSorted()
[].isSorted()
['a', 'b'].isSorted()
[true, false].isSorted()
[[1]].isSorted()
[1, 2, 3].sum()
[1u, 2u].sum()
[1.5, 2.5].sum()
[duration('1s'), duration('2s')].sum()
[].sum()
['a'].sum()
[9223372036854775807, 1].sum()
self.spec.numbers.sum()
[1, 3, 2].max()
[1, 3, 2].min()
['b', 'a'].min()
[].max()
[1.5, 0.5].min()
self.spec.numbers.max()
[timestamp('2026-01-01T00:00:00Z'), timestamp('2027-01-01T00:00:00Z')].max()
[1, 2, 1].indexOf(1)
[1, 2, 1].lastIndexOf(1)
[1, 2].indexOf(3)
['a', 'b'].indexOf('b')
self.spec.tags.indexOf('c')
[1, 2].includes(1)
[1, 2].includes('a')
dyn('a').includes('a')
self.spec.tags.includes('a')
sets.contains([1, 2], [1])
sets.contains([1], [1, 2])
sets.contains([1], [])
sets.equivalent([1, 2], [2, 1, 1])
sets.equivalent([1], [1, 2])
sets.intersects([1, 2], [2, 3])
sets.intersects([1], [2])
sets.contains([1], ['a'])
sets.equivalent(self.spec.tags, self.spec.others)
[1, 2, 3, 4].slice(1, 3)
[1, 2].slice(0, 5)
[1, 2].slice(-1, 1)
[1, 2].slice(2, 1)
[[1], [2, 3]].flatten()
[1, [2, [3]]].flatten()
[[1, [2]], [3]].flatten(2)
[[1]].flatten(-1)
[3, 1, 2].sort()
['b', 'a'].sort()
[1, dyn('a')].sort()
[[1]].sort()
[].sort()
[{'n': 2}, {'n': 1}].sortBy(x, x.n)
self.spec.ports.sortBy(p, p.name)
self.spec.ports.sortBy(p, -p.port).map(p, p.name)
'abc'.sortBy(x, x)
lists.range(3)
lists.range(0)
lists.range(-1)
[1, 2, 3].reverse()
'abc'.reverse()
[1, 2, 1].distinct()
[1, 1.0].distinct()
[dyn(1), 1.0, 'a'].distinct()
[1, 2].first()
[1, 2].last()
[].first()
[1, 2].first().value()
# Maps
{'a': 1}['a']
{'a': 1}.a
{'a': 1}['b']
{'a': 1}.b
has({'a': 1}.a)
has({'a': 1}.b)
has({'a': 1})
has(self)
'a' in {'a': 1}
{'a': 1}.size()
{'a': 1} == {'a': 1.0}
{'a': 1, 'b': 2} == {'b': 2, 'a': 1}
{'a': 1} == {'b': 1}
{'a': {'b': 2}}.a.b
self.spec.labels['app']
self.spec.labels.app
self.spec.labels['nothing']
self.spec.labels.nothing
'app' in self.spec.labels
has(self.spec.labels.app)
has(self.spec.labels.nothing)
self.spec.labels.all(k, k.size() < 10 && self.spec.labels[k].size() < 10)
self.spec.labels.exists(k, self.spec.labels[k] == 'none')
self.spec.labels.map(k, self.spec.labels[k].size()).sum()
self.spec.labels == {'app': 'web', 'tier': 'front'}
self.spec.labels.size()
self.spec.limits.all(k, type(self.spec.limits[k]) == int || isQuantity(self.spec.limits[k]))
# Two variables
[1, 2].all(i, v, v == i + 1)
[1, 2].exists(i, v, v == i)
[1, 2].exists_one(i, v, v == 2)
[1, 2].existsOne(i, v, v == 2)
{'a': 1}.all(k, v, k == 'a' && v == 1)
{'a': 1, 'b': 2}.exists(k, v, v == 3)
[1, 2].transformList(i, v, i * v)
[1, 2, 3].transformList(i, v, i > 0, v)
{'a': 1}.transformList(k, v, k)
{'a': 1, 'b': 2}.transformMap(k, v, v + 1)
{'a': 1, 'b': 2}.transformMap(k, v, v > 0, v)
[1, 2].transformMap(i, v, v)
{'a': 'x', 'b': 'y'}.transformMapEntry(k, v, {v: k})
{'a': 'x', 'b': 'x'}.transformMapEntry(k, v, {v: k})
[1].all(x, x, true)
self.spec.labels.all(k, v, k.size() > v.size() || v != '')
self.spec.ports.all(i, p, p.port > i)
# Optional values
optional.of(1)
optional.none()
optional.of(1).value()
optional.none().value()
optional.of(1).hasValue()
optional.none().hasValue()
optional.ofNonZeroValue('')
optional.ofNonZeroValue('a')
optional.ofNonZeroValue(0)
optional.ofNonZeroValue(null)
optional.ofNonZeroValue([])
optional.of(1).orValue(2)
optional.none().orValue(2)
optional.of(1).or(optional.of(2))
optional.none().or(optional.of(2))
optional.none().or(optional.none()).orValue(3)
optional.of(1).orValue('a')
optional.of(1).optMap(x, x + 1)
optional.none().optMap(x, x + 1)
optional.of(1).optFlatMap(x, optional.of(x + 1))
optional.of(1).optFlatMap(x, optional.none())
optional.of(1) == optional.of(1)
optional.of(1) == optional.none()
optional.none() == optional.none()
[1, 2][?0]
[1, 2][?5]
{'a': 1}[?'a']
{'a': 1}[?'b']
{'a': 1}.?a
{'a': 1}.?b
{'a': {'b': 1}}.?a.b
{'a': {'b': 1}}.?a.?b
{'a': {'b': 1}}.?x.b
{'a': {'b': 1}}.?a.c
optional.of([1])[0]
optional.of({'a': 1})['a']
optional.of([1])[?3]
self.spec.?replicas
self.spec.?gone
self.spec.?gone.orValue('x')
self.?spec.replicas
self.?spec.?gone.orValue('y')
self.spec.?nothing
self.spec.labels[?'app'].orValue('z')
self.spec.labels[?'x'].orValue('z')
self.spec.?labels.x
has(self.?spec.replicas)
optional.unwrap([optional.of(1), optional.none()])
[optional.of(1), optional.none()].unwrapOpt()
self.spec.?replicas.optMap(r, r + 1).orValue(0)
1.?a
# URLs
url('https://user:pw@example.com:8443/a%20b/c?x=1&y=2&x=3#frag').getScheme()
url('https://user:pw@example.com:8443/a%20b/c?x=1&y=2&x=3#frag').getHost()
url('https://user:pw@example.com:8443/a%20b/c?x=1&y=2&x=3#frag').getHostname()
url('https://user:pw@example.com:8443/a%20b/c?x=1&y=2&x=3#frag').getPort()
url('https://user:pw@example.com:8443/a b/c').getEscapedPath()
url('https://example.com/a%20b/c?x=1').getEscapedPath()
url('https://example.com/a?x=1&y=2&x=3').getQuery()
url('https://example.com/a?x=a%20b&y').getQuery()
url('https://[::1]:80/').getHostname()
url('https://[::1]:80/').getHost()
url('https://[::1]/').getPort()
url('/path/only').getHost()
url('/path/only').getEscapedPath()
url('example.com')
url('')
url('https://example.com:port/')
isURL('https://example.com')
isURL('example.com')
isURL('/a')
isURL('https://a b')
isURL('mailto:a@b')
isURL('ftp://x/#y')
isURL('')
url('https://a/') == url('https://a/')
url('https://a/') == url('https://b/')
# Quantities
isQuantity('1')
isQuantity('1.5Gi')
isQuantity('500m')
isQuantity('1e3')
isQuantity('1E')
isQuantity('')
isQuantity('1x')
isQuantity('Gi')
isQuantity('+1')
isQuantity('-1')
isQuantity('1 Gi')
isQuantity('.5')
isQuantity('1.')
isQuantity('.')
isQuantity('+')
isQuantity('1e')
isQuantity('1e1.5')
isQuantity('0x1')
quantity('1Gi').compareTo(quantity('1G'))
quantity('1k').compareTo(quantity('1000'))
quantity('1').isGreaterThan(quantity('999m'))
quantity('1').isLessThan(quantity('999m'))
quantity('abc')
quantity('50k').asInteger()
quantity('1.0').asInteger()
quantity('1.5').asInteger()
quantity('9999999999999999999').asInteger()
quantity('50k').isInteger()
quantity('1.5').isInteger()
quantity('1000m').isInteger()
quantity('1Ki').isInteger()
quantity('1.5Ki').isInteger()
quantity('100Ei').isInteger()
quantity('1.5').asApproximateFloat()
quantity('1Ki').asApproximateFloat()
quantity('500m').asApproximateFloat()
quantity('-3').sign()
sign(quantity('-3'))
quantity('0').sign()
quantity('3').sign()
quantity('1').add(quantity('2')).compareTo(quantity('3'))
quantity('1').add(2).compareTo(quantity('3'))
quantity('1Gi').sub(quantity('1Mi')).compareTo(quantity('1023Mi'))
quantity('1').sub(2).sign()
quantity('500m').add(quantity('500m')).asInteger()
quantity('500m').add(quantity('500m')).isInteger()
quantity('1') == quantity('1000m')
quantity('1') == quantity('2')
quantity('1n').compareTo(quantity('0'))
quantity('0.1n').compareTo(quantity('1n'))
quantity('1') < quantity('2')
quantity(self.spec.limits.cpu).isLessThan(quantity('1'))
# Addresses
ip('192.168.0.1').family()
ip('::1').family()
ip('192.168.0.256')
ip('192.168.0.01')
ip('::ffff:1.2.3.4')
ip('fe80::1%eth0')
ip('abc')
isIP('10.0.0.1')
isIP('10.0.0')
isIP('::ffff:1.2.3.4')
isIP('2001:db8::')
ip.isCanonical('2001:db8::1')
ip.isCanonical('2001:DB8::1')
ip.isCanonical('2001:db8:0:0::1')
ip.isCanonical('::1.2.3.4')
ip.isCanonical('abc')
ip('127.0.0.1').isLoopback()
ip('::1').isLoopback()
ip('0.0.0.0').isUnspecified()
ip('::').isUnspecified()
ip('224.0.0.1').isLinkLocalMulticast()
ip('ff02::1').isLinkLocalMulticast()
ip('169.254.1.1').isLinkLocalUnicast()
ip('fe80::1').isLinkLocalUnicast()
ip('8.8.8.8').isGlobalUnicast()
ip('255.255.255.255').isGlobalUnicast()
ip('10.0.0.1').isGlobalUnicast()
ip('224.1.1.1').isGlobalUnicast()
ip('fd00::1').isGlobalUnicast()
string(ip('2001:DB8:0::1'))
ip('10.0.0.1') == ip('10.0.0.1')
ip('10.0.0.1') == ip('10.0.0.2')
ip('10.0.0.1') < ip('10.0.0.2')
cidr('10.0.0.0/8').containsIP('10.1.2.3')
cidr('10.0.0.0/8').containsIP(ip('11.1.2.3'))
cidr('10.0.0.0/8').containsIP('abc')
cidr('10.0.0.0/8').containsIP('::1')
cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')
cidr('10.0.0.0/8').containsCIDR(cidr('10.0.0.0/7'))
cidr('10.0.0.0/8').containsCIDR('10.0.0.0/8')
cidr('10.0.0.0/8').containsCIDR('x')
cidr('2001:db8::/32').containsIP('2001:db8::1')
cidr('10.1.2.3/8').ip()
cidr('10.1.2.3/8').masked()
cidr('10.1.2.3/8').prefixLength()
string(cidr('10.1.2.3/8').masked())
cidr('10.1.2.3/0').masked()
cidr('::1/0').masked()
cidr('10.0.0.0')
cidr('10.0.0.0/33')
cidr('10.0.0.0/08')
cidr('10.0.0.0/-1')
cidr('::ffff:1.2.3.4/120')
isCIDR('10.0.0.0/8')
isCIDR('10.0.0.0/33')
isCIDR('::/0')
isCIDR('10.0.0.0')
cidr('10.0.0.0/8') == cidr('10.0.0.0/8')
cidr('10.0.0.0/8') == cidr('10.0.0.1/8')
# Named formats
format.dns1123Label().validate('abc')
format.dns1123Label().validate('Abc')
format.dns1123Label().validate('a.b')
format.dns1123Label().validate('')
format.dns1123Label().validate('-a')
format.dns1123Label().validate('0123456789012345678901234567890123456789012345678901234567890123')
format.dns1123LabelPrefix().validate('abc-')
format.dns1123Subdomain().validate('a.b-c')
format.dns1123Subdomain().validate('a..b')
format.dns1123SubdomainPrefix().validate('a.b-')
format.dns1035Label().validate('a1')
format.dns1035Label().validate('1a')
format.dns1035LabelPrefix().validate('a1-')
format.qualifiedName().validate('example.com/name')
format.qualifiedName().validate('a/b/c')
format.qualifiedName().validate('/b')
format.qualifiedName().validate('a/')
format.qualifiedName().validate('A/b')
format.qualifiedName().validate('')
format.labelValue().validate('')
format.labelValue().validate('a b')
format.labelValue().validate('a_b')
format.uri().validate('https://example.com')
format.uri().validate('example')
format.uuid().validate('123e4567-e89b-12d3-a456-426614174000')
format.uuid().validate('abc')
format.byte().validate('aGVsbG8=')
format.byte().validate('a')
format.date().validate('2026-02-28')
format.date().validate('2026-02-30')
format.datetime().validate('2026-02-28T10:00:00Z')
format.datetime().validate('2026-02-28')
format.named('dns1123Label').hasValue()
format.named('dns1123Label').value() == format.dns1123Label()
format.named('nothing')
format.named('uuid').value().validate('x').hasValue()
format.nothing()
# Versions
semver('1.2.3').major()
semver('1.2.3').minor()
semver('1.2.3').patch()
semver('1.2')
semver('v1.2.3')
semver('v1.2', true).patch()
semver('01.02.03', true).minor()
semver('1.2.3-rc.1').isLessThan(semver('1.2.3'))
semver('1.2.3-rc.1').compareTo(semver('1.2.3-rc.2'))
semver('1.2.3-alpha').compareTo(semver('1.2.3-1'))
semver('1.2.3+a').compareTo(semver('1.2.3+b'))
semver('1.2.3+a') == semver('1.2.3')
semver('1.10.0').isGreaterThan(semver('1.9.0'))
isSemver('1.2.3')
isSemver('1.2')
isSemver('01.2.3')
isSemver('1.2.3-01')
isSemver('1.2', true)
isSemver('1.2-rc', true)
isSemver('v1', true)
isSemver('')
isSemver('', true)
isSemver('1.2.3-')
isSemver('1.2.3+a..b')
# The object
self.apiVersion
self.kind
self.metadata.name
self.metadata.generateName
has(self.metadata.generateName)
self.metadata.labels
self.metadata
self.spec.replicas
self.spec.replicas + 1
self.spec.share * 2.0
self.spec.share * 2
self.spec.paused
!self.spec.paused
self.spec.note == null
has(self.spec.note)
self.spec.gone
has(self.spec.gone)
self.spec.port == 80
self.spec.port < 100
self.spec.port.startsWith('a')
self.spec.target == 'http'
self.spec.target < 100
self.spec.target.matches('^h')
type(self.spec.port) == int ? self.spec.port : int(self.spec.port)
self.spec.tags == ['a', 'b', 'c']
['a', 'b', 'c'] == self.spec.tags
self.spec.tags == self.spec.others
self.spec.tags + ['a', 'd']
self.spec.tags + self.spec.others
self.spec.tags[0]
self.spec.tags.all(t, t.size() == 1)
self.spec.tags.exists(t, t == self.spec.mode)
self.spec.numbers == [3, 1, 2]
self.spec.numbers[1]
self.spec.numbers.map(n, n * n)
self.spec.numbers.filter(n, n > 1).size()
self.spec.ports == self.spec.more
self.spec.ports == self.spec.ports
self.spec.ports + self.spec.more
self.spec.ports[0].port
self.spec.ports.all(p, p.port > 0 && p.name != '')
self.spec.ports.exists(p, p.name == 'http' && p.port == 80)
self.spec.ports.map(p, p.port)
self.spec.ports.filter(p, has(p.port)).size()
self.spec.ports.exists_one(p, self.spec.more.exists(q, q.name == p.name && p.port > 100))
self.spec.ports[0].nothing
self.spec.free
has(self.spec.free.a)
self.spec.half.known
self.spec.half.other
self.spec.half == self.spec.half
self.spec.any
self.spec.pod.metadata.name
self.spec.pod.kind
self.spec.pod.spec.hostname
self.spec.pod.metadata.labels
self.spec.with__dash__dash
self.spec.dot__dot__ted
self.spec.a__slash__b
self.spec.under__underscores__scores
self.spec.namespace
self.spec.__namespace__
self.spec.__in__
self.spec.__true__
self.spec.in
has(self.spec.namespace)
self.spec['name']
self['spec']
self.size()
self.spec == self.spec
self.all(k, true)
self.spec.text.split(' ').map(w, w.size())
self.spec.text.lowerAscii().replace('the', '').trim()
self.spec.text.contains(self.spec.name)
self.spec.text + self.spec.name == ''
self.spec.name.size() > 3 && self.spec.name.size() < 100 || self.spec.replicas == 0
self.spec.tags.map(t, t + 'x').join(',')
self.spec.tags.map(t, self.spec.ports.map(p, p.name + t)).size()
cel.bind(x, 1, x + 1)
authorizer.path('/x')
oldSelf.spec.replicas == self.spec.replicas
self.spec.replicas in [1, 2, 3]
self.spec.replicas in [1, 2, 3] && self.spec.mode in ['Fast']
self.spec.mode == 'Fast' ? self.spec.replicas > 1 : self.spec.replicas == 0
size(self.spec.tags) + size(self.spec.labels) + size(self.spec.text)
[self.spec.replicas, 2].max()
[self.spec.name, 'x'].exists(v, v == 'x')
{'a': self.spec.name}.a
{'a': self.spec.name}['a'].size()
lists.range(2000).all(i, lists.range(2000).all(j, i + j >= 0))
# Costs of chains
self.spec.numbers[self.spec.replicas - 2]
self.spec.numbers[self.spec.numbers[1]]
[3, 4][self.spec.numbers[1]]
self.spec.numbers[1 + 0]
self.spec.numbers[int('1')]
self.spec.labels[self.spec.name + 'x']
self.spec.labels['a' + 'pp']
[0].all(i, [self.spec.name][i] != '')
self.spec.ports[self.spec.numbers[1]].name
self.spec.paused ? 1 : 2
self.spec.paused ? self.spec.tags[0] : self.spec.tags[1]
self.spec.paused ? self.spec.tags[self.spec.numbers[1]] : self.spec.tags[self.spec.numbers[1]]
self.spec.paused ? [self.spec.name][0] : [self.spec.name][0]
self.spec.paused ? (self.spec.paused ? self.spec.name : self.spec.name) : (self.spec.paused ? self.spec.name : self.spec.name)
self.spec.paused ? self.spec.?name : self.spec.?name
self.spec.paused ? has(self.spec.name) : has(self.spec.name)
self.spec.?labels[?'app']
self.spec.tags[?self.spec.replicas]
self.spec.tags[?self.spec.numbers[1]]
has(self.spec.ports[0].name)
has(self.spec.pod.spec.hostname)
'%.1e'.format([1234.5])
'%.0f'.format([1234.5])
'%f'.format([1234567.5])
'%e'.format([-1e-300])
'%s'.format([1e21])
'%s'.format([[1.5, 'a']])
'%s'.format([[duration('1s')]])
'%s'.format([{'a': b'x'}])
'%f'.format([1])
'%d'.format([self.spec.target])
self.spec.numbers.map(n, n).sum() in [6]
self.spec.name in ['a', self.spec.text]
self.spec.numbers in [[1]]
self.spec.share in [0.5, 1.0]
self.spec.paused in [true]
duration('1s') in [duration('1s')]
self.spec.replicas in []
---1
timestamp('2026-01-01T00:00:00+01:00').getHours()
string(timestamp('2026-01-01T00:00:00+01:00') + duration('1s'))
'%s'.format([timestamp('2026-01-01T00:00:00+01:00')])
{'a': self.spec.name, 'b': 'x'}.size()
{1: self.spec.name, 1: 'x'}.size()
isURL('http:a')
isURL('//host/path')
isURL('*')
isURL('http://a/#frag')
isURL('http://a/%zz')
isURL('http://a/?%zz')
url('http://a/b#c').getEscapedPath()
url('http://a/b%2Fc').getEscapedPath()
url("http://a/b'c").getEscapedPath()
url('http://a/b[c').getEscapedPath()
optional.of(self.spec).name
optional.of(self.spec).?name
self.spec.?labels.?app.orValue('')
sign(quantity('0'))
sign(quantity('3'))
sign(quantity('1').sub(2))
"""


def expressions():
    lines = [line for line in PLAIN.replace('\\"""', '"""').split("\n")]
    out, open_text = [], None
    for line in lines:
        if open_text is not None:
            open_text += "\n" + line
            if "'''" in line:
                out.append(open_text)
                open_text = None
        elif line.startswith("# "):
            out.append(line)
        elif line.count("'''") == 1:
            open_text = line
        elif line:
            out.append(line)
    return out + ["# Operators between types"] + list(operators())


def versions():
    """What is only there since a release."""
    for minor, text in [
        (29, "isIP('10.0.0.1')"), (30, "isIP('10.0.0.1')"),
        (30, "format.uuid().validate('x').hasValue()"), (31, "format.uuid().validate('x').hasValue()"),
        (30, "self.spec.namespace"), (31, "self.spec.namespace"),
        (31, "[1].all(i, v, true)"), (32, "[1].all(i, v, true)"),
        (32, "isSemver('1.2.3')"), (33, "isSemver('1.2.3')"),
        (33, "[2, 1].sort()"), (34, "[2, 1].sort()"), (33, "[2, 1].sortBy(x, x)"), (34, "[2, 1].sortBy(x, x)"),
        (36, "[1].includes(1)"), (37, "[1].includes(1)"),
    ]:
        yield minor, text


def answer(out):
    if out.get("compile"):
        first = out["compile"].split("\n")[0]
        return "refused: " + first.split(": ", 3)[-1] if first.startswith("ERROR:") else "refused: " + first
    cost = f"cost {out.get('cost')}, estimated {out.get('min')} to {out.get('max')}"
    if out.get("error"):
        return f"failed: {out['error']} ({cost})".replace("\n", " ")
    return f"{out['value']} ({cost})"


def crds_below(directory):
    """Each CRD with rules, as its text and as JSON."""
    import yaml

    seen = set()
    for path in sorted(pathlib.Path(directory).rglob("*")):
        if path.suffix not in (".yaml", ".yml") or not path.is_file():
            continue
        for text in re.split(r"^---.*$", path.read_text(errors="replace"), flags=re.M):
            if "x-kubernetes-validations" not in text or "{{" in text:
                continue
            try:
                crd = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
            except yaml.YAMLError:
                continue
            as_json = json.dumps(crd, sort_keys=True, default=str)
            if isinstance(crd, dict) and crd.get("kind") == "CustomResourceDefinition" and as_json not in seen:
                seen.add(as_json)
                yield f"{crd['metadata']['name']} of {path}", text, as_json


def count_rules(of):
    if isinstance(of, list):
        return sum(map(count_rules, of))
    if isinstance(of, dict):
        return sum(len(value) if key == "x-kubernetes-validations" else count_rules(value) for key, value in of.items())
    return 0


def compare_crds(probe, directory):
    crds = list(crds_below(directory))
    with tempfile.TemporaryDirectory() as scratch:
        objects, verdicts = f"{scratch}/objects", f"{scratch}/verdicts"
        pathlib.Path(objects).write_text("".join(json.dumps({"id": name, "yaml": text}) + "\n" for name, text, _ in crds))
        environment = dict(os.environ, HYDRATE_OBJECTS=objects, HYDRATE_VERDICTS=verdicts, HYDRATE_KUBERNETES="1.37.0")
        subprocess.run(["cargo", "test", "--quiet", "--test", "validity", "--", "--ignored", "verdicts"], env=environment, check=True)
        ours = [json.loads(line)["errors"] for line in pathlib.Path(verdicts).read_text().splitlines()]
    asked = "".join(json.dumps({"id": name, "crd": crd, "objects": []}) + "\n" for name, _, crd in crds)
    ran = subprocess.run([probe], input=asked, capture_output=True, text=True, check=True)
    theirs = [json.loads(line).get("crd", []) for line in ran.stdout.splitlines()]
    differing = 0
    for (name, _, _), our, their in zip(crds, ours, theirs):
        our = [error for error in our if error.startswith("invalid-cel")]
        their = [error for error in their if "x-kubernetes-validations" in error or "estimated rule cost total" in error]
        if len(our) != len(their):
            differing += 1
            print(name, "hydrate:", *our, "API server:", *their, sep="\n  ")
    rules = sum(count_rules(json.loads(crd)) for _, _, crd in crds)
    print(f"{len(crds)} CRDs with {rules} rules, {differing} of them judged otherwise")
    sys.exit(1 if differing else 0)


def main():
    probe = sys.argv[1]
    if "--crds" in sys.argv:
        return compare_crds(probe, sys.argv[-1])
    cases = [(37, text) for text in expressions()] + [(0, "# Releases")] + list(versions())
    asked = [(minor, text) for minor, text in cases if not text.startswith("# ")]
    lines = [json.dumps({"id": str(at), "minor": minor, "schema": SCHEMA, "object": OBJECT, "expr": text}) for at, (minor, text) in enumerate(asked)]
    ran = subprocess.run([probe], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True)
    answers = iter(map(json.loads, ran.stdout.splitlines()))
    out = ["What cel-go and the API server's libraries (1.37) make of expressions; written by tests/conformance/cel.py.", ""]
    out += ["schema " + json.dumps(SCHEMA), "object " + json.dumps(OBJECT, ensure_ascii=False), ""]
    for minor, text in cases:
        if text.startswith("# "):
            out += [text, ""]
            continue
        version = "" if minor == 37 else f"[{minor}] "
        out += ["> " + version + text.replace("\n", "\n| "), answer(next(answers)), ""]
    text = "\n".join(out)
    if "--record" in sys.argv:
        FILE.write_text(text)
        print(f"{len(asked)} expressions")
        return
    if FILE.read_text() != text:
        sys.exit(f"{FILE} is not what the probe says now")
    print(f"{len(asked)} expressions have the recorded answers")


main()
