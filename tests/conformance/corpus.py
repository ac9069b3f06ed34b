#!/usr/bin/env python3
"""Generates one-line templates over all functions and records what the real helm makes of them.

usage: corpus.py --helm4 PATH --helm3 PATH [--check] [GROUP…]

Every expression stands in a template file of its own, so that an error names it; a failing one is recorded, taken out,
and the rest rendered again. Answers are written to crates/sprig/tests/sprig/corpus/GROUP.tsv: expression, answer of Helm 4, and the
answer of Helm 3 where it differs; `=` starts an output (its Go type and value), `!` an error. With --check nothing is
written; expressions whose answers are not those recorded are printed, and the exit code is 1.
"""

import argparse
import base64
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
CORPUS = HERE.parents[1] / "crates/sprig/tests/sprig/corpus"
CASES = {"strings": 24, "lists": 24}  # expressions for each function of a group, 12 where nothing is said

VALUES = (HERE.parents[1] / "crates/sprig/tests/sprig/values.yaml").read_text

# What stands around an expression: `R` is its result, printed with its type.
TEMPLATE = 'v: {{ $r := %s }}{{ printf "%%T %%v" $r $r | b64enc | quote }}\n'
HELPERS = '{{ define "greet" }}hello {{ .name }}{{ end }}{{ define "bad" }}{{ fail "inner" }}{{ end }}\n'

STRINGS = [
    '""', '"a"', '"hello world"', '"héllo wörld"', '"日本語テキスト"', r'" \t pad \n"', '"FooBarHTTPServer2xx_baz-qux"', '"a,b,,c"', r'"\xff\xfeab"',
    '"1"', '"08"', '"0x1F"', '"-3.7"', '"1e3"', '"true"', ".Values.str", r'"line one\nline two\n"', '"%d %s"', r'"it\'s \"quoted\" \\ back"'.replace("\\'", "'"), '"İıßŉǆ"',
    '"the quick  brown fox jumps over the lazy dog"', '"__a--b  c"', '"<a href=\\"x\\">&amp;</a>"', '"$1 ${x}"', '"\\u2028\\u00a0x"', '"ﬁΣΆ"', '"XMLHttp42Request"',
]
INTS = ["0", "1", "-1", "2", "3", "5", "8", "20", "-4", "100"]
HUGE = ["9223372036854775807", "-9223372036854775808", "4294967296"]
FLOATS = ["0.5", "-0.5", "3.7", "2.5", "1e6", "1e21", "-1e-7", "100.0", "1e300", "0.1"]
LISTS = [
    "(list)", '(list 1 2 3)', '(list "b" "a" "c" "a")', '(list 1 "a" nil true 2.5)', '(list (list 1) (list) (list 1))', ".Values.list", ".Values.nums", ".Values.mixed",
    ".Values.none", '(splitList "," "x,y,,z")', "(until 4)", '(regexFindAll "z" "a" -1)', '(list "" 0 nil false (dict) "x")', '(dict "a" (list 1 2)).a', '(list 3 1 2 | sortAlpha)',
    '(tuple "é" "z" "A")', '(rest (list))', '(list .Values.dict .Values.dict)', '(chunk 2 (list 1 2 3))',
]
MAPS = [
    "(dict)", '(dict "a" 1)', '(dict "a" 1 "b" "two" "c" (list 1))', '(dict "a" (dict "b" (dict "c" 5)))', ".Values.dict", ".Values.empty", ".Values", '(dict "a" nil "b" "")',
    '(dict 1 2 3)', '(dict "x" .Values.dict "y" (dict))', '(urlParse "http://u:p@h:1/p?q#f")', '(dict "a" (dict "x" 9 "z" 10) "d" false)',
]
ANYS = (
    ["nil", "true", "false", ".Values.nul", ".Values.num", ".Values.neg", ".Values.flt", ".Values.big", ".Values.yes", ".Values.missing", "(int64 5)", '(semver "1.2.3-rc.1+m")',
     '(toDate "2006-01-02" "2020-02-29")', '(split "," "a,b")', '("abc" | toString)', "(float64 2)", '(atoi "7")', "'x'", '(regexSplit "," "a,b" -1)', '.Chart.Name', "$"]
    + INTS[:6] + FLOATS + STRINGS[:16] + LISTS[:9] + MAPS[:6]
)
ANYS.remove("$")
NUMBERS = INTS + HUGE + FLOATS + ['"1"', '"08"', '"010"', '"0x1F"', '"1_000"', '"1.0"', '"1.5"', '"-3.7"', '"1e3"', '"abc"', '""', '" 5"', '"+5"', '"0b11"', '"0o17"', '"9223372036854775808"',
                                   "nil", "true", "false", ".Values.num", ".Values.flt", ".Values.big", ".Values.neg", "(int64 6)", "(list 1)", "(dict)", '"Inf"', '"NaN"', '"1e400"', '"0x1p4"', "'a'"]
BOOLS = ["true", "false", '(eq 1 1)', '(empty "")', ".Values.yes"]
REGEXES = [
    '"a"', '""', '"[a-z]+"', '"^h"', '"o$"', '"l+"', '"(?i)HELLO"', '"(l)(o)"', '"\\\\d+"', '"\\\\w"', '"\\\\s+"', '"[^a-z ]"', '"x*"', '"a|b|"', '"(?P<first>[a-z])(?P<rest>.*)"', '"(?<n>.)l"',
    '"."', '"(?s)."', '"(?m)^.*$"', '"\\\\bw"', '"\\\\Bo"', '"[[:alpha:]]+"', '"[[:^digit:]]"', '"\\\\pL+"', '"\\\\p{Greek}"', '"\\\\p{Lu}"', '"\\\\PL"', '"\\\\Qa.b\\\\E"', '"a{2,3}"', '"(ab)?c*?"', '"l{2}"', '"[\\\\d,]+"',
    '"\\\\x{e9}"', '"\\\\."', '"é"', '"\\\\z"', '"\\\\A."', '"(?U)l+"', '"[a&&b]"', '"a{"', '"a{,2}"', '"(|a)*"', '"(?i)ß|ſ"', '"[\\\\]-]"', '"\\\\141"', '"(?:)+"', '"[é-ü]"',
    # refused
    '"("', '")"', '"["', '"[b-a]"', '"a**"', '"*a"', '"a{1001}"', '"a{3,2}"', '"\\\\"', '"\\\\8"', '"\\\\y"', '"(?z)"', '"(?=a)"', '"(?P<n"', '"(?P<n!>a)"', '"[[:nope:]]"', '"\\\\pX"', '"\\\\p{Nope}"', '"(?i-"',
    '"((a{100}){100})"', '"\\\\C"', '"\\\\x{110000}"', '"\\\\xZ"', '"x{2}{3}"', '"\\xff"', '"[a-\\\\d]"', '"(?P<>a)"', '"+"', '"a|*"', '"(?i)(?s)"',
]
REPLACEMENTS = ['""', '"X"', '"$1"', '"${1}y"', '"$1y"', '"$first-$rest"', '"${n}"', '"$$"', '"$"', '"${"', '"$0$0"', '"[$2]"', '"$9"', '"é"', '"\\\\1"', '"${first}${rest}"', '"$é"', '"$01"']
VERSIONS = ['"1.2.3"', '"v1.2.3"', '"1.2"', '"1"', '"1.2.3-alpha.1"', '"1.2.3+build.5"', '"v2.0.0-rc.1+meta"', '"1.2.3-01"', '"01.2.3"', '"1.2.3.4"', '""', '"abc"', '"1.x"', '"v1.33.1-gke.100"', '"1.2.3-"',
            '"99999999999999999999.0.0"', '" 1.2.3"', '"0.0.1"', '"0.2.5"', '"1.3.0-beta"', '"2.0.0"', '.Chart.Version', '.Capabilities.KubeVersion.Version', '"V1.2.3"', '"-1.0.0"', '"1.2.3-a.b.c"', '"1.2.3-10"', '"1.2.3-9"']
CONSTRAINTS = ['">=1.2.3"', '"^1.2"', '"~1.2.3"', '"1.x"', '"*"', '""', '">1.0 <2.0"', '">=1.0.0, <3"', '"1.2 - 1.4.5"', '"^0.2.3"', '"^0.0.1"', '"~0"', '"!=1.2.3"', '"!=1.x"', '">= 1.2.3-0"', '">=1.2.3-0 <2"',
               '"<1.2 || >=2"', '"1.2.3"', '"=1.2"', '"=>1.2"', '"=<1.2"', '"~>1.2"', '"abc"', '">>1"', '"1.2.3 1.2.4"', '"^1.2.3-alpha"', '"v1.2.3"', '">= v1.2"', '"<=1.x"', '">1.2.x"', '"1 ||"', '"X.2"', '"^*"',
               '">1.2,"', '"<= 1.2.3 , != 1.2.1"', '"1.2-2"', '">=1.2.3+m"', '"^0"', '"~1.x-alpha"', '"1|2"', '"<0"', '">=1.16-0"', '"\\t>=1\\n"']
LAYOUTS = ['"2006-01-02"', '"2006-01-02T15:04:05Z07:00"', '"Mon Jan _2 15:04:05 MST 2006"', '"02/01/06 03:04:05 PM"', '"January 2 Monday"', '"002 __2 2006"', '"15:04:05.000"', '"15:04:05.999999"', '"-0700 -07 -07:00:00 Z0700"',
           '""', '"plain"', '"3:4:5pm 1"', '"20060102150405"', '"2006-01-02 15:04:05 -0700 MST"', '"é2006"', '"_2006 ,000 .00x"', '"Jan Janu Month Mond"', '"Unix"']
DATES = ['(toDate "2006-01-02" "2020-02-29")', '(toDate "2006-01-02T15:04:05Z07:00" "2023-11-14T22:13:20.5+01:00")', "0", "1700000000", "(int64 1700000000)", "(int64 -62135596801)", "(int64 253402300800)",
         '(toDate "2006-01-02 MST" "2020-07-01 PST")', '(toDate "x" "y")', "(dateModify \"-1.5h\" (toDate \"2006-01-02\" \"2020-01-01\"))", "(int64 99999999999)", '(toDate "2006-01-02 -0700" "2021-03-04 +0530")']
TIMES = [d for d in DATES if "toDate" in d]
ZONES = ['"UTC"', '"Local"', '""', '"Europe/Berlin"', '"America/New_York"', '"Asia/Kolkata"', '"Nope/Zone"', '"europe/berlin"', '"America/Sao_Paulo"', '"../etc"', '"Australia/Lord_Howe"', '"GMT"', '"EST"', '"Etc/GMT+5"']
DATETEXTS = ['"2020-02-29"', '"2021-02-29"', '"2023-11-14T22:13:20Z"', '"2023-11-14T22:13:20.123456789+01:00"', '"Mon Jan  2 15:04:05 UTC 2006"', '""', '"x"', '"2020-01-01 "', '"31/12/99 11:59:59 PM"', '"13/13/13 03:04:05 PM"',
             '"March 5 Tuesday"', '"060 061 2020"', '"366 366 2021"', '"15:04:05.123"', '"25:00:00"', '"10:61:00"', '"20230102030405"', '"2023-11-14 22:13:20 +0530 IST"', '"2023-11-14 22:13:20 -0800 PST"', '"plain"', '"é2021"', '"2021-00-10"']
DURATIONS = ['"1h"', '"1h30m15.5s"', '"-90m"', '"100ms"', '"1.5us"', '"2µs"', '"36h"', '"800h"', '"9000h"', '"20000h"', '"0"', '""', '"1"', '"1x"', '"1d"', '".5s"', '"1h 2m"', '"9223372036854775807ns"', '"9223372036854775808ns"', '"-1ns"', '"abc"', '"+5m"', '"1e3s"']
URLS = ['"http://user:pass@example.com:8080/a/b?x=1&y=2#frag"', '"https://example.com"', '"mailto:joe@example.com"', '"/just/path?q"', '""', '"//host/path"', '"http://[::1]:80/"', '"http://[::1"', '"http://h:port/"', '"http://a b.com/"', '"%zz"',
        '"http://x/%zz"', '"http://x/%41?%zz#%zz"', '"*"', '":foo"', '"1:2"', '"a:b:c"', '"http://ex.com/päth/日本"', '"HTTP://EX.com/A%2Fb"', '"ftp://u@h/"', '"http://u:p:q@h"', '"http://us er@h"', '"file:///etc/x"', '"http://h?"', '"http://h#"', '"http://a:1:2/"',
        '"foo://a:1:2/"', '"http://[fe80::1%25en0]/"', '"http://[1.2.3.4]/"', '"http://[x]/"', '"http://h/\\u007f"', '"http://a[b]/"', '"/a:b"', '"a/b:c"', '"http://%41.com"', '"http://é.com"', '"oci://reg.io/x:1@sha256:ab"', '"///x"']
PATHS = ['"/a/b/c.txt"', '"a/b/"', '"/"', '""', '"."', '".."', '"a//b/../c"', '"/../x"', '"../../y"', '"file.tar.gz"', '".bashrc"', '"/a/b.d/c"', '"a/./b"', '"é/日"', '"/a/"', '"./"', '"a.b/c"', '"///"']
B64 = ['"aGVsbG8="', '"aGVsbG8"', '"YQ=="', '"YQ="', '"YQ===="', '"!!!"', '"aGVs bG8="', '"aGVs\\nbG8="', '"////"', '""', '"YWJj"', '"YWJjZA"', '"="', '"A==="', '"NBSWY3DP"', '"ME======"', '"ME====="', '"me======"', '"MFRGG==="', '"MFRGG"', '"8"', '"MFRGGZA="', '"ME=====A"', '"MFRA===="']
JSONS = ['"{}"', '"[]"', '"null"', '""', '"{\\"a\\": [1, 2.5, \\"x\\", null, true]}"', '"[1, 2"', '"{\\"a\\" 1}"', '"nope"', '"1e3"', '"\\"str\\""', '"{\\"a\\":1}x"', '"12345678901234567890"', '"[1,]"', '" [ \\"\\\\u00e9\\" ] "', '"{\\"a\\":{\\"b\\":{}}}"', '"tru"', '"-"', '"01"', '"{1:2}"', '"\\"a\\nb\\""']
YAMLS = ['"a: 1"', '"- 1\\n- two\\n- {a: b}"', '""', '"a: b: c"', '"{a: [1, 2}"', '"yes"', '"a: 0644\\nb: 1_000\\nc: 1e3\\nd: 2001-12-14"', '"a: &x {k: v}\\nb: *x"', '"a: |\\n  text\\n  more"', '"a: 1\\na: 2"', '"\\tx: 1"', '"null"', '"5"', '"a: ~\\nb: \\"q\\""',
         '"a: 12345678901234567890"', '"? [a]\\n: b"', '"<<: {a: 1}\\nb: 2"', '"a: .inf"', '"1: x\\ntrue: y"', '"---\\na: 1\\n---\\nb: 2"', '"a: !!str 5"', '"# only"', '"a:\\n  - b\\n  -"']
TOMLS = ['"a = 1"', '"[t]\\nx = \\"y\\"\\n[[l]]\\nk = 1.5"', '""', '"a = "', '"a = [1, 2]\\nb = true"', '"d = 1979-05-27T07:32:00Z"', '"a.b.c = 3"', '"x"']
VERBS = ['"%v"', '"%d"', '"%s"', '"%q"', '"%T"', '"%x"', '"%5d|"', '"%-5v|"', '"%05d"', '"%.2f"', '"%e"', '"%g"', '"%t"', '"%c"', '"%U"', '"%+v"', '"%#v"', '"%%"', '"%z"', '"%"', '"%[1]v %[1]v"', '"%*d"', '"%o"', '"%b"', '"%X"', '"% x"', '"%10.3s|"', '"%!"', '"%v %v"', '"%6.2f%%"', '"%+d"', '"%08.3f"', '"%p"']

POOLS = {
    "s": STRINGS, "i": INTS, "h": INTS + HUGE, "a": ANYS, "m": MAPS, "l": LISTS, "n": NUMBERS, "b": BOOLS, "r": REGEXES, "$": REPLACEMENTS, "v": VERSIONS, "c": CONSTRAINTS, "y": LAYOUTS, "d": DATES,
    "t": TIMES, "z": ZONES, "x": DATETEXTS, "u": DURATIONS, "U": URLS, "p": PATHS, "6": B64, "j": JSONS, "Y": YAMLS, "T": TOMLS, "%": VERBS,
    "k": ['"a"', '"b"', '"missing"', '""', '"c"', '"list"', '"str"', '"é"'],
    "e": ['" "', '","', '""', '"a"', '"é"', '"\\n"', '"l"', '"ab"', '"  "', '"-"'],
    "w": ['"maximum"', '"long"', '"medium"', '"short"', '"basic"', '"pin"', '"nope"', '""'],
    "K": ['"string"', '"int"', '"float64"', '"bool"', '"map"', '"slice"', '"ptr"', '"invalid"', '"struct"', '"[]interface {}"', '"map[string]interface {}"', '"<nil>"', '"int64"', '"semver.Version"', '"time.Time"'],
    "L": LISTS + ['"abc"', "nil", "5", "(dict)", '"日本"'],
    "D": ["(durationMinutes \"1h\")"] + DURATIONS + NUMBERS[:20] + ["nil", "(list)"],
}

# Functions by group: name and pools of its parameters; `*` repeats the last one any number of times, `?` once or not.
FUNCTIONS = {
    "strings": "abbrev is|abbrevboth iis|camelcase s|cat a*|contains es|hasPrefix es|hasSuffix es|hello |indent is|initials s|kebabcase s|lower s|nindent is|nospace s|plural ssh|quote a*|repeat is|replace ees|snakecase s"
               "|squote a*|substr hhs|swapcase s|title s|toString a|trim s|trimAll es|trimall es|trimPrefix es|trimSuffix es|trunc hs|untitle s|upper s|wrap is|wrapWith ies|atoi n|fail s|regexQuoteMeta r",
    "lists": "append La|mustAppend La|push La|mustPush La|prepend La|mustPrepend La|chunk hL|mustChunk hL|compact L|mustCompact L|concat L*|first L|mustFirst L|has aL|mustHas aL|initial L|mustInitial L|join eL|last L|mustLast L|list a*|tuple a*"
             "|rest L|mustRest L|reverse L|mustReverse L|slice Li?i?|mustSlice Li?i?|sortAlpha L|split es|splitList es|splitn ehs|toStrings a|uniq L|mustUniq L|without La*|mustWithout La*|until i|untilStep iii|seq i*|all a*|any a*|coalesce a*",
    "dicts": "dict a*|get mk|set mka|unset mk|hasKey mk|pluck km*|pick mk*|omit mk*|merge mm*|mustMerge mm*|mergeOverwrite mm*|mustMergeOverwrite mm*|deepCopy a|mustDeepCopy a|dig kkam|dig kam|default aa|default nn|empty a|ternary aab|deepEqual aa",
    "math": "add n*|add1 n|add1f n|addf n*|sub nn|subf nn*|mul nn*|mulf nn*|div nn|divf nn*|mod nn|max nn*|biggest nn*|maxf nn*|min nn*|minf nn*|ceil n|floor n|round ni|round nin|int n|int64 n|float64 n|toDecimal n|int a|float64 a|int64 a",
    "types": "typeOf a|typeIs Ka|typeIsLike Ka|kindOf a|kindIs Ka|base p|dir p|clean p|ext p|isAbs p|osBase p|osClean p|osDir p|osExt p|osIsAbs p|b64enc s|b64dec 6|b32enc s|b32dec 6|b64dec s|b32dec s|adler32sum s|sha1sum s|sha256sum s|sha512sum s"
             "|toPrettyJson a|mustToPrettyJson a|toRawJson a|mustToRawJson a|mustFromJson j|urlParse U|urlJoin m|urlParse s",
    "regex": "regexMatch rs|mustRegexMatch rs|regexFind rs|mustRegexFind rs|regexFindAll rsi|mustRegexFindAll rsi|regexReplaceAll rs$|mustRegexReplaceAll rs$|regexReplaceAllLiteral rs$|mustRegexReplaceAllLiteral rs$|regexSplit rsi|mustRegexSplit rsi",
    "semver": "semver v|semverCompare cv",
    "dates": "date yd|dateInZone ydz|date_in_zone ydz|dateModify ut|date_modify ut|mustDateModify ut|must_date_modify ut|duration n|duration u|durationRound u|durationRound n|htmlDate d|htmlDateInZone dz|toDate yx|mustToDate yx|unixEpoch t",
    "helm": "toYaml a|mustToYaml a|toYamlPretty a|fromYaml Y|fromYamlArray Y|toJson a|mustToJson a|fromJson j|fromJsonArray j|toToml m|fromToml T|required sa|tpl sm|lookup ssss|getHostByName s|include km|toYaml l|toYaml m|toToml a",
    "durations": "mustToDuration D|durationSeconds D|durationMilliseconds D|durationMicroseconds D|durationNanoseconds D|durationMinutes D|durationHours D|durationDays D|durationWeeks D|durationRoundTo DD|durationTruncateTo DD",
    "go": "and aa*|or aa*|not a|len a|index Li|index mk|index La|html a*|js a*|urlquery a*|print a*|println a*|printf %a*|printf %n*|eq aa*|ne aa|lt nn|le nn|gt nn|ge nn|eq nn*|lt ss|ge aa|call a|slice si?i?",
}
MORE = {"regexMatch": 3, "regexFindAll": 2, "regexReplaceAll": 3, "regexSplit": 2, "semverCompare": 8, "semver": 2, "toDate": 3, "mustToDate": 3, "date": 2, "dateInZone": 2, "printf": 3, "urlParse": 3, "toYaml": 2, "fromYaml": 2, "merge": 2,
        "mergeOverwrite": 2, "int64": 2, "float64": 2, "b64dec": 2, "b32dec": 2, "regexFind": 2, "dig": 2, "eq": 2, "add": 2, "snakecase": 2, "camelcase": 2, "kebabcase": 2, "title": 2, "trunc": 2, "substr": 3, "durationRound": 2, "quote": 2, "round": 2}

# Whole expressions: mutation, aliasing, methods, and what is random or of the present moment, by its form.
EXPRESSIONS = {
    "effects": [
        '(set (dict "a" 1) "b" (dict))', '(index (list (dict "a" 1)) 0 | merge (dict "b" 2))',
        '(merge (dict "a" (dict "x" 1)) (dict "a" (dict "y" 2) "b" (list 1)))', '(mergeOverwrite (dict "a" (dict "x" 1) "l" (list 1)) (dict "a" (dict "x" "") "l" (list)))',
        '(mergeOverwrite (dict "a" 1) (dict "a" nil))', '(merge (dict "a" nil) (dict "a" 1))', '(merge (dict "a" (list)) (dict "a" (list 1)))', '(merge (dict "a" 0 "b" false "c" "") (dict "a" 1 "b" true "c" "x"))',
        '(merge (dict "a" (dict)) (dict "a" (dict "b" 1)))', '(merge (dict "a" "s") (dict "a" (dict "b" 1)))', '(mergeOverwrite (dict "a" "s") (dict "a" (dict "b" 1)))', '(mergeOverwrite (dict "a" (dict "b" 1)) (dict "a" "s"))',
        '(mergeOverwrite (dict "a" (list 1 2)) (dict "a" "s"))', '(mergeOverwrite (dict "a" "s") (dict "a" (list)))', '(merge (dict) (dict "a" (list)))', '(merge (dict "z" 1) (dict "a" (list) "b" (list 1)))', '(mergeOverwrite (dict) nil)', '(merge nil (dict "a" 1))',
        '(merge (dict "a" (dict "b" nil)) (dict "a" (dict "b" (dict "c" 1))))', '(mergeOverwrite (dict "a" (split "," "x,y")) (dict "a" (dict "_0" "z")))', '(mergeOverwrite (dict "a" (dict "_0" "z")) (dict "a" (split "," "x,y")))',
        '(keys (dict "b" 1 "a" 2) (dict "c" 3) | sortAlpha)', '(values (dict "a" 1))', '(keys (dict) | len)', '(keys .Values | sortAlpha)', '(values .Values.dict | len)',
        '(regexFindAll "." "cba" -1 | sortAlpha)', '(first (rest (initial (list 1 2 3 4))))', '(list 1 2 3 | reverse | join "-")', '(dict "a" (list 1 2) | toJson)',
    ],
    "methods": [
        '((semver "1.2.3-rc.1+m").Major)', '((semver "v1.2.3").Original)', '((semver "1.2.3-rc.1+m").Prerelease)', '((semver "1.2.3+m").Metadata)', '((semver "1.2.3") | toString)', '((semver "1.2.3").IncMinor)', '((semver "v1.2.3-a").IncPatch.String)',
        '((semver "1.2.3").Compare (semver "1.2.4"))', '((semver "1.2.3").LessThan (semver "1.2.4"))', '((semver "1.2.3").Nope)', '((semver "1.2").SetPrerelease "rc.1")', '((semver "1.2").SetPrerelease "!")', '((semver "1.2").IncMajor.Minor)', '(semver "1.2" | toJson)',
        '((toDate "2006-01-02" "2020-02-29").Year)', '((toDate "2006-01-02" "2020-02-29").Month)', '((toDate "2006-01-02" "2020-02-29").Weekday)', '((toDate "2006-01-02" "2020-02-29").YearDay)', '((toDate "2006-01-02" "2020-02-29").Unix)',
        '((toDate "2006-01-02" "2020-02-29").AddDate 1 0 0)', '((toDate "2006-01-02" "2020-01-31").AddDate 0 1 0)', '((toDate "2006-01-02" "2020-01-31").Format "Jan 2")', '((toDate "2006-01-02" "2020-02-29").IsZero)', '((toDate "x" "").IsZero)',
        '((toDate "2006-01-02" "2020-02-29").Sub (toDate "2006-01-02" "2020-02-28"))', '((toDate "2006-01-02" "2020-02-29").Nope)', '((toDate "2006-01-02" "2020-02-29").Equal (toDate "2006-01-02" "2020-02-29"))', '((toDate "2006-01-02" "2020-02-29").UTC)',
        '(toDate "2006-01-02" "2020-02-29" | toJson)', '(toDate "2006-01-02" "2020-02-29" | toYaml)', '(.Capabilities.APIVersions.Has "apps/v1")', '(has "apps/v1" .Capabilities.APIVersions)', '(typeOf .Capabilities.APIVersions)', '(typeOf .Capabilities)', '(typeOf .Chart)', '(typeOf .Files)', '(typeOf .Release)',
        '(typeOf .Template)', '(kindOf .Files)', '(kindOf .Values)', '(typeOf .Values.dict)', '(typeOf .Subcharts)', '(kindOf .Chart)', '(.Chart.Name)', '(.Release.Name | upper)', '(dig "dict" "a" "x" 0 .Values.AsMap)',
    ],
    "random": [
        '(regexMatch "^[A-Za-z0-9]{12}$" (randAlphaNum 12))', '(regexMatch "^[A-Za-z]{12}$" (randAlpha 12))', '(regexMatch "^[0-9]{12}$" (randNumeric 12))', '(regexMatch "^[ -~]{12}$" (randAscii 12))', '(randAlphaNum 0)', '(randAlpha -1)', '(randNumeric nil)', '(randBytes 16 | b64dec | len)',
        '(randBytes 0)', '(randBytes -1)', '(typeOf (randInt 1 5))', '(randInt 5 5)', '(randInt 7 3)', '(randInt 4 5)', '(regexMatch "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$" uuidv4)', '(shuffle "aaa")', '(shuffle "")', '(shuffle "abc" | len)',
        '(regexMatch "^[$]2a[$]10[$].{53}$" (bcrypt "x"))', '(bcrypt (repeat 80 "x"))', '(regexMatch "^u:[$]2a[$]10[$].{53}$" (htpasswd "u" "p"))', '(htpasswd "a:b" "p")', '(decryptAES "k" (encryptAES "k" "héllo"))', '(encryptAES "k" "")', '(decryptAES "k" "")', '(decryptAES "k" "x")', '(decryptAES "k" "YWJj")',
        '(decryptAES "k" "MDEyMzQ1Njc4OWFiY2RlZg==")', '(decryptAES "k" "MDEyMzQ1Njc4OWFiY2RlZmdo")', '(decryptAES "k" "MDEyMzQ1Njc4OWFiY2RlMDEyMzQ1Njc4OWFiY2RlZg==")',
        '(typeOf (genCA "ca" 10))', '(regexMatch "^-----BEGIN CERTIFICATE-----\\n(.{64}\\n)+.*\\n-----END CERTIFICATE-----\\n$" (genCA "ca" 10).Cert)', '(hasPrefix "-----BEGIN RSA PRIVATE KEY-----\\n" (genCA "ca" 10).Key)', '(hasPrefix "-----BEGIN EC PRIVATE KEY-----\\n" (genPrivateKey "ecdsa"))',
        '(hasPrefix "-----BEGIN PRIVATE KEY-----\\n" (genPrivateKey "ed25519"))', '(genPrivateKey "nope")', '(len (genPrivateKey "ed25519"))', '(len (genPrivateKey "ecdsa"))', '(genSelfSignedCert "x" (list 1) nil 10)', '(genSelfSignedCert "x" (list "1.2.3") nil 10)', '(genSelfSignedCert "x" nil (list 5) 10)',
        '(genSelfSignedCert "x" (list "1.2.3.4" "::1") (list "a.b") 10 | typeOf)', '(genSelfSignedCert "x" nil (list "é") 10)', '(genSignedCert "x" nil nil 10 "notca")', '(genSignedCert "x" nil nil 10 (genCA "ca" 1) | kindOf)', '(genCAWithKey "ca" 10 "nokey")', '(genCAWithKey "ca" 10 (genPrivateKey "ecdsa") | typeOf)',
        '(genCAWithKey "ca" 10 (genPrivateKey "ed25519") | typeOf)', '((genSignedCertWithKey "x" nil (list "a") 10 (genCAWithKey "ca" 10 (genPrivateKey "ecdsa")) (genPrivateKey "ed25519")).Key | hasPrefix "-----BEGIN PRIVATE KEY")', '(buildCustomCert "!" "x")', '(buildCustomCert "eA==" "x")', '(buildCustomCert "eA==" "eA==")',
        '(genSelfSignedCert "x" nil nil "10")', '(genCA "ca")', '(hasPrefix "-----BEGIN CERTIFICATE-----" (genCA "ca" 4000000).Cert)', '(hasPrefix "-----BEGIN CERTIFICATE-----" (genCA "ca" 10000000).Cert)', '(derivePassword 1 "long" "password" "user" "example.com")', '(derivePassword 1 "maximum" "pässword" "user" "example.com")', '(derivePassword 5 "pin" "password" "user" "example.com")',
        '(derivePassword 1 "nope" "password" "user" "example.com")', '(derivePassword -1 "short" "password" "user" "example.com")', '(derivePassword 4294967296 "short" "p" "u" "e")', '(typeOf now)', '(now | date "2006" | len)', '(ago now)', '(durationRound now)', '(ago (now | dateModify "-90m"))', '(durationRound (now | dateModify "-49h"))',
        '(htmlDate "x" | len)', '(date "2006-01-02" nil | len)', '(ge (now | unixEpoch | int64) 1700000000)', '(env "HOME")', '(expandenv "$HOME")', '(lookup "v1" "Pod" "ns" "x")', '(getHostByName "localhost")',
    ],
}


def expressions(group):
    """The expressions of a group, always the same ones."""
    if group in EXPRESSIONS:
        return EXPRESSIONS[group]
    found = []
    for entry in FUNCTIONS[group].split("|"):
        name, _, spec = entry.partition(" ")
        rng = random.Random(entry)
        cases = {}
        wanted = CASES.get(group, 12) * MORE.get(name, 1)
        if not spec:
            wanted = 2
        for attempt in range(wanted * 6):
            if len(cases) >= wanted:
                break
            case = call(rng, name, spec, attempt)
            # The values are shared by all templates of a chart: what changed them would be seen by the others.
            if not (re.search(r"\b(set|unset|merge\w*|mustMerge\w*)\b", case) and ".Values" in case):
                cases[case] = True
        found += cases
    return list(dict.fromkeys(found))


def call(rng, name, spec, attempt):
    args = []
    at = 0
    while at < len(spec):
        pool = POOLS[spec[at]]
        mode = spec[at + 1] if at + 1 < len(spec) and spec[at + 1] in "*?" else ""
        at += 1 + len(mode)
        count = {"": 1, "?": rng.randint(0, 1), "*": rng.choice([0, 1, 1, 2, 2, 3])}[mode]
        for _ in range(count):
            args.append(pick(rng, pool, attempt, name))
    odd = rng.random()
    if odd < 0.04:
        args.append(rng.choice(ANYS))
    elif odd < 0.08 and args:
        args.pop()
    if args and rng.random() < 0.15:
        return f"({args[-1]} | {' '.join([name] + args[:-1])})"
    return f"({' '.join([name] + args)})"


def pick(rng, pool, attempt, name):
    # Whatever is no date stands for the present.
    if rng.random() < 0.1 and not re.search("[dD]ate(_|I|$)", name):
        return rng.choice([a for a in ANYS if name not in ("until", "seq", "untilStep", "repeat", "indent", "nindent") or a not in (".Values.big", "1e300", "1e21")])
    # Small pools are gone through once before chance takes over.
    return pool[attempt] if attempt < len(pool) and rng.random() < 0.7 else rng.choice(pool)


ENVIRONMENT = {**os.environ, "TZ": "UTC", "HELM_NO_PLUGINS": "1"}


def write_chart(root, templates):
    (root / "templates").mkdir(parents=True)
    (root / "Chart.yaml").write_text("apiVersion: v2\nname: c\nversion: 1.2.3\n")
    (root / "values.yaml").write_text(VALUES())
    (root / "templates" / "_helpers.tpl").write_text(HELPERS)
    for name, expression in templates.items():
        (root / "templates" / name).write_text(TEMPLATE % expression)


def halves(cases, answer):
    """The answers for cases on which helm itself died (no memory, no stack): whose fault it was is found by halving."""
    numbers = sorted(cases)
    if len(numbers) == 1:
        return {numbers[0]: "!CRASH"}
    middle = len(numbers) // 2
    return {**answer({n: cases[n] for n in numbers[:middle]}), **answer({n: cases[n] for n in numbers[middle:]})}


def errors(helm, cases):
    """The errors of the expressions that fail, found by `helm lint`, which goes on with the next chart after an error."""
    with tempfile.TemporaryDirectory() as directory:
        roots = {number: Path(directory) / str(number) / "c" for number in cases}
        for number, root in roots.items():
            write_chart(root, {"e.yaml": cases[number]})
        done = subprocess.run([helm, "lint", *map(str, roots.values())], capture_output=True, env=ENVIRONMENT)
    text = done.stdout.decode("utf-8", "surrogateescape")
    if "chart(s) linted" not in text + done.stderr.decode("utf-8", "surrogateescape"):
        return halves(cases, lambda half: errors(helm, half))
    sections = re.split(r"^==> Linting \S+/(\d+)/c\n", text, flags=re.M)
    found = {}
    for number, section in zip(sections[1::2], sections[2::2]):
        error = section.partition("[ERROR] templates/: ")[2]
        if error:
            found[int(number)] = "!" + error.split("\n\n")[0].rstrip("\n")
    return found


def outputs(helm, cases):
    """The outputs of the other expressions; what only `helm template` finds wrong (`fail`) is taken out one by one."""
    cases, found = dict(cases), {}
    while cases:
        with tempfile.TemporaryDirectory() as directory:
            write_chart(Path(directory) / "c", {f"e{number:05}.yaml": expression for number, expression in cases.items()})
            done = subprocess.run([helm, "template", "rel", f"{directory}/c"], capture_output=True, env=ENVIRONMENT)
        if done.returncode == 0:
            encoded = dict(re.findall(r"# Source: c/templates/e(\d{5}).yaml\nv: \"?([A-Za-z0-9+/=]*)", done.stdout.decode()))
            for number in cases:
                found[number] = "=" + base64.b64decode(encoded[f"{number:05}"]).decode("utf-8", "surrogateescape")
            break
        error = done.stderr.decode("utf-8", "surrogateescape").partition("Error: ")[2].split("\n\nUse --debug")[0].rstrip("\n")
        place = re.search(r"templates/e(\d{5})\.yaml", error)
        if not place:
            return {**found, **halves(cases, lambda half: outputs(helm, half))}
        found[int(place.group(1))] = "!" + re.sub(r"e\d{5}\.yaml", "e.yaml", error)
        del cases[int(place.group(1))]
    return found


def answers(helm, batch):
    cases = dict(enumerate(batch))
    found = errors(helm, cases)
    found.update(outputs(helm, {number: case for number, case in cases.items() if number not in found}))
    return [found[number] for number in range(len(batch))]


def escape(text):
    """A text on one line; bytes that are not UTF-8 as \\xNN."""
    out = json.dumps(text, ensure_ascii=False)[1:-1].replace('\\"', '"')
    return "".join(f"\\x{ord(c) - 0xDC00:02x}" if 0xDC80 <= ord(c) <= 0xDCFF else c for c in out).replace("\u2028", "\\u2028").replace("\x7f", "\\u007f")


def record(helm, all_expressions):
    batches = [all_expressions[at:at + 100] for at in range(0, len(all_expressions), 100)]
    with ThreadPoolExecutor(2) as pool:
        return [answer for found in pool.map(lambda batch: answers(helm, batch), batches) for answer in found]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--helm4", required=True)
    parser.add_argument("--helm3", required=True)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("groups", nargs="*")
    options = parser.parse_args()
    CORPUS.mkdir(parents=True, exist_ok=True)
    changed = 0
    for group in options.groups or [*FUNCTIONS, *EXPRESSIONS]:
        all_expressions = expressions(group)
        newer, older = record(options.helm4, all_expressions), record(options.helm3, all_expressions)
        lines = []
        for expression, four, three in zip(all_expressions, newer, older):
            if "CRASH" in four or "CRASH" in three:
                continue
            fields = [escape(expression), escape(four)] + ([escape(three)] if three != four else [])
            lines.append("\t".join(fields))
        file = CORPUS / f"{group}.tsv"
        if options.check:
            known = set(file.read_text().splitlines())
            for line in lines:
                if line not in known:
                    changed += 1
                    print(f"{group}: {line}")
        else:
            file.write_text("\n".join(lines) + "\n")
        print(f"{group}: {len(lines)} expressions, {sum('=' == answer[0] for answer in newer)} succeed with Helm 4", file=sys.stderr)
    sys.exit(1 if changed else 0)


if __name__ == "__main__":
    main()
