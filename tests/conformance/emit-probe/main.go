// Command emit-probe records what Go's libraries write for given values, for the tests of hydrate's emitter.
//
//	emit-probe values < values.jsonl     one JSON value a line, or {"$bytes": base64} for a string that isn't UTF-8
//	emit-probe fuzz SEED COUNT           random values
//	emit-probe nodes FILE...             files through yaml.Node: the tree, and its text with indent 4, with 2, as kustomize writes
//	emit-probe nodefuzz SEED COUNT       random trees
//	emit-probe floats SEED COUNT         strconv.FormatFloat
//
// Every line of output is a JSON object: the input and one text per way of writing it. An error is {"error": text}.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand"
	"os"
	"strconv"
	"strings"

	yaml2 "go.yaml.in/yaml/v2"
	yaml3 "go.yaml.in/yaml/v3"
	sigs "sigs.k8s.io/yaml"
)

type answer struct {
	Text  *string `json:"text,omitempty"`
	Error string  `json:"error,omitempty"`
}

func of(text []byte, err error) answer {
	if err != nil {
		return answer{Error: err.Error()}
	}
	s := string(text)
	return answer{Text: &s}
}

var out = bufio.NewWriterSize(os.Stdout, 1<<20)

func put(line any) {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(line); err != nil {
		panic(err)
	}
}

func pretty(value any) ([]byte, error) {
	var b bytes.Buffer
	e := yaml3.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(value); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func raw(value any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// encoded turns strings that aren't UTF-8, which JSON can't carry, into {"$bytes": base64}.
func encoded(value any) any {
	switch v := value.(type) {
	case string:
		if strings.ToValidUTF8(v, "") != v {
			return map[string]any{"$bytes": base64.StdEncoding.EncodeToString([]byte(v))}
		}
	case []any:
		list := []any{}
		for _, item := range v {
			list = append(list, encoded(item))
		}
		return list
	case map[string]any:
		m := map[string]any{}
		for key, item := range v {
			m[key] = encoded(item)
		}
		return m
	}
	return value
}

func decoded(value any) any {
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = decoded(v[i])
		}
	case map[string]any:
		if text, ok := v["$bytes"].(string); ok {
			b, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				panic(err)
			}
			return string(b)
		}
		for key := range v {
			v[key] = decoded(v[key])
		}
	}
	return value
}

type record struct {
	In     any    `json:"in"`
	YAML   answer `json:"yaml"`
	Pretty answer `json:"pretty"`
	JSON   answer `json:"json"`
	Indent answer `json:"indent"`
	Raw    answer `json:"raw"`
}

func recordOf(value any) record {
	return record{
		In:     encoded(value),
		YAML:   of(sigs.Marshal(value)),
		Pretty: of(pretty(value)),
		JSON:   of(json.Marshal(value)),
		Indent: of(json.MarshalIndent(value, "", "  ")),
		Raw:    of(raw(value)),
	}
}

func values() {
	in := bufio.NewReader(os.Stdin)
	decoder := json.NewDecoder(in)
	for {
		var value any
		if err := decoder.Decode(&value); err == io.EOF {
			return
		} else if err != nil {
			panic(err)
		}
		put(recordOf(decoded(value)))
	}
}

var words = []string{
	"a", "b", "key", "value", "foo bar", "x: y", "x:y", ":", ": ", " :", "#", " #", "a #b", "a#b", "- a", "-", "--", "---", "...", "?", "? a", "?a", ",", "[", "]", "{", "}",
	"&a", "*a", "!a", "!!str", "|", ">", "'", "''", "\"", "\\", "%", "@", "`", "=", "<<", "~", "null", "Null", "NULL", "nULL", "y", "Y", "yes", "Yes", "YES", "n", "N", "no", "NO", "on", "On", "off", "OFF",
	"true", "True", "TRUE", "tRUE", "false", "0", "1", "-1", "+1", "007", "08", "0o7", "0O7", "0o8", "-0o7", "+0o7", "0x1F", "0X1f", "0xg", "-0x1F", "0b1", "0b2", "-0b1", "0b-1", "0b+1", "0o-7", "0b", "0x", "0o",
	"1_000", "1__0", "_1", "1_", "0_7", "1e3", "1E3", "1e+3", "1e-3", "1e", "1e400", "-1e400", ".5", "-.5", "+.5", "5.", ".", "..", ".5e3", ".5_0", "._5", ".5_", ".e3", "1.5", "1.5.5", ".inf", ".Inf", "-.inf", "+.INF", ".nan", ".NaN", "-.nan", "inf", "nan", "Infinity",
	"1:20", "1:60", "190:20:30", "190:20:30.15", "1:2:3:4", "-1:20", "+1:20.", "1:20.5.5", "1_0:20", "12:345", "a:20", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616", "+18446744073709551615",
	"2001-12-14", "2001-1-1", "2001-13-01", "2001-02-29", "2000-02-29", "2001-12-14T21:59:43.10-05:00", "2001-12-14t21:59:43Z", "2001-12-14 21:59:43.10 -5", "2001-12-14 21:59:43", "2001-12-14   21:59:43", "2001-12-14 1:2:3.5", "2001-12-14T1:2:3Z", "2001-12-14T24:00:00Z", "2001-12-14T21:59:43,5Z", "2001-12-14T21:59:43+25:00", "2001-12-14T21:59:43+24:60", "2001-12-14T21:59:43z", "20011-12-14", "2001-12", "2001-1-1 ", "2001-01-01T00:00:00",
	"\n", "\n\n", "a\n", "a\n\n", "\na", " a", "a ", "  ", " ", "\t", "\ta", "a\t", "a\tb", "a\nb", "a\n b", "a \nb", "a\n\nb", " a\nb", "a\nb\n", "a\nb\n\n", "a\r\nb", "a\rb", "\r", "a\n\tb", "\u00a0", "\u0085", "a\u0085b", "a \u0085 \u0085 b", "\u2028", "a\u2028b", "a\nb\u2029c", "\ufeff", "\ufeffabc", "a\ufeffb", "\u0000", "a\u0007b", "\u001b[0m", "\u007f", "\u0080", "\u009f", "\ufffd", "\ufffe", "\uffff", "é", "日本語", "ä: ö", "😀", "a😀b", "\U0010ffff", "\ud7ff", "\ue000", "#comment", "key: |\n  a\n", "{{ .Values.x }}", "<a href=\"x\">&amp;</a>", "C:\\dir", "\\n", "it's", "\"quoted\"", "%TAG", "!local", "a,b", "[a]", "{a: b}", "a]b", "a?b", "a&b", "0.1", "1.10", "v1.2.3", "10.0.0.1", "10.0.0.0/8", "100m", "1Gi", "50%", "*.example.com", "@every 1h", "http://a.b/c?d=e&f=g#h", "::1", "a::b", "-a", "- ", "a:", "a: ", ":a", "a :b", "key:\n", "\\", "/", "2020-01-01T00:00:00Z", "12e03", "685_230.15", "0.", "-0", "+0", "-0.0", "0e0", "00", "0_", "1,000", "\x1f", "a\x00b",
	"the quick brown fox jumps over the lazy dog and then the quick brown fox jumps over the lazy dog again",
	"a line of eighty characters or so that is followed by more words so that it is folded  with two spaces and on and on",
	"averyveryveryveryveryveryveryveryveryveryveryveryveryveryveryveryverylongwordwithoutanyspacebutonehere andthenmore words",
	"quoted: because of the colon, and it is a long line that has to be folded somewhere in its middle, 'with quotes' too",
	"tab\tand a long line that has to be folded somewhere in its middle, but double-quoted it is, with  double  spaces, you see",
	"ünïcödé wörds äre cöunted by chäräcter nöt by byte sö thät the column is the one of the character, with a long line of them",
}

func word(r *rand.Rand) string {
	switch r.Intn(12) {
	case 0, 1, 2, 3, 4:
		return words[r.Intn(len(words))]
	case 5:
		return words[r.Intn(len(words))] + words[r.Intn(len(words))]
	case 6:
		return words[r.Intn(len(words))] + []string{" ", "\n", "\t", ":", "", " #", "\n ", "\n\n"}[r.Intn(8)] + words[r.Intn(len(words))]
	case 7:
		b := make([]byte, r.Intn(8))
		for i := range b {
			b[i] = byte(0x20 + r.Intn(0x5f))
		}
		return string(b)
	case 8:
		const few = "0123456789_.:eExXobB+-TZ "
		b := make([]byte, r.Intn(9))
		for i := range b {
			b[i] = few[r.Intn(len(few))]
		}
		return string(b)
	case 9:
		const few = " \n\t:#-a'\""
		b := make([]byte, r.Intn(10))
		for i := range b {
			b[i] = few[r.Intn(len(few))]
		}
		return string(b)
	case 10:
		n := r.Intn(30)
		parts := make([]string, n)
		for i := range parts {
			parts[i] = words[r.Intn(len(words))]
		}
		return strings.Join(parts, []string{" ", "  ", "\n", " - "}[r.Intn(4)])
	default:
		n := r.Intn(6)
		var b strings.Builder
		for i := 0; i < n; i++ {
			switch r.Intn(6) {
			case 0:
				b.WriteRune(rune(r.Intn(0x100)))
			case 1:
				b.WriteRune(rune(0x2020 + r.Intn(0x20)))
			case 2:
				b.WriteRune(rune(0xff00 + r.Intn(0x200)))
			case 3:
				b.WriteByte(byte(r.Intn(256)))
			default:
				b.WriteByte(byte(0x20 + r.Intn(0x5f)))
			}
		}
		return b.String()
	}
}

func key(r *rand.Rand) string {
	switch r.Intn(4) {
	case 0:
		return word(r)
	case 1:
		return []string{"a", "b", "A", "_", "x"}[r.Intn(5)] + strconv.Itoa(r.Intn(120))
	case 2:
		const few = "aA0129-_.ä٣"
		runes := []rune(few)
		s := ""
		for i := r.Intn(6); i >= 0; i-- {
			s += string(runes[r.Intn(len(runes))])
		}
		return s
	default:
		return words[r.Intn(len(words))]
	}
}

func number(r *rand.Rand) float64 {
	switch r.Intn(6) {
	case 0:
		return float64(r.Intn(2000) - 1000)
	case 1:
		return math.Float64frombits(r.Uint64())
	case 2:
		return float64(r.Intn(1e9)) / math.Pow10(r.Intn(12))
	case 3:
		return math.Pow10(r.Intn(50) - 25)
	case 4:
		return float64(r.Uint64() >> r.Intn(64))
	default:
		return (r.Float64() - 0.5) * math.Pow10(r.Intn(44)-22)
	}
}

func value(r *rand.Rand, depth int) any {
	if depth > 0 && r.Intn(3) == 0 {
		if r.Intn(2) == 0 {
			list := []any{}
			for n := r.Intn(4); n > 0; n-- {
				list = append(list, value(r, depth-1))
			}
			return list
		}
		m := map[string]any{}
		for n := r.Intn(5); n > 0; n-- {
			k := key(r)
			if strings.ToValidUTF8(k, "") == k && k != "$bytes" {
				m[k] = value(r, depth-1)
			}
		}
		return m
	}
	switch r.Intn(12) {
	case 0:
		return nil
	case 1:
		return r.Intn(2) == 0
	case 2, 3:
		f := number(r)
		if math.IsNaN(f) || math.IsInf(f, 0) {
			f = 0
		}
		return f
	default:
		return word(r)
	}
}

func fuzz(seed int64, count int) {
	r := rand.New(rand.NewSource(seed))
	for range count {
		put(recordOf(value(r, r.Intn(5))))
	}
}

func nodeText(document *yaml3.Node, indent int, compact bool) answer {
	var b bytes.Buffer
	e := yaml3.NewEncoder(&b)
	e.SetIndent(indent)
	if compact {
		e.CompactSeqIndent()
	}
	err := e.Encode(document)
	return of(b.Bytes(), err)
}

// tree is a node as JSON, short names for short lines.
type tree struct {
	Kind   int     `json:"k"`
	Tag    string  `json:"t,omitempty"`
	Style  int     `json:"s,omitempty"`
	Value  string  `json:"v,omitempty"`
	Anchor string  `json:"a,omitempty"`
	Head   string  `json:"h,omitempty"`
	Line   string  `json:"l,omitempty"`
	Foot   string  `json:"f,omitempty"`
	At     [2]int  `json:"p"`
	Nodes  []*tree `json:"n,omitempty"`
}

func treeOf(node *yaml3.Node) *tree {
	t := &tree{Kind: int(node.Kind), Tag: node.Tag, Style: int(node.Style), Value: node.Value, Anchor: node.Anchor,
		Head: node.HeadComment, Line: node.LineComment, Foot: node.FootComment, At: [2]int{node.Line, node.Column}}
	for _, child := range node.Content {
		t.Nodes = append(t.Nodes, treeOf(child))
	}
	return t
}

func nodes(files []string) {
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			panic(err)
		}
		decoder := yaml3.NewDecoder(bytes.NewReader(text))
		for index := 0; ; index++ {
			var node yaml3.Node
			err := decoder.Decode(&node)
			if err == io.EOF {
				break
			}
			line := map[string]any{"file": file, "document": index}
			if err != nil {
				line["error"] = err.Error()
				put(line)
				break
			}
			line["tree"] = treeOf(&node)
			line["four"] = nodeText(&node, 4, false)
			line["wide"] = nodeText(&node, 2, false)
			line["compact"] = nodeText(&node, 2, true)
			put(line)
		}
	}
}

func comment(r *rand.Rand) string {
	if r.Intn(8) != 0 {
		return ""
	}
	return []string{"# one", "# one\n# two", "#", "no mark", "# a\n\n# b", "# with  spaces ", "# ünï", "# a\n", "two\nlines"}[r.Intn(9)]
}

var tags = []string{"", "", "", "!!str", "!!str", "!!str", "!!int", "!!bool", "!!null", "!!float", "!!timestamp", "!!binary", "!!merge", "!local", "!!set", "!", "tag:example.com,2000:x y", "!a b", "!!map", "!!seq"}

func anchor(r *rand.Rand) string {
	if r.Intn(15) != 0 {
		return ""
	}
	return []string{"a", "b-1", "c_d", "ä", "x y"}[r.Intn(40)%5]
}

func randomNode(r *rand.Rand, depth int) *yaml3.Node {
	n := &yaml3.Node{HeadComment: comment(r), LineComment: comment(r), FootComment: comment(r), Anchor: anchor(r)}
	if r.Intn(3) == 0 {
		n.HeadComment, n.LineComment, n.FootComment = "", "", ""
	}
	if depth > 0 && r.Intn(3) > 0 {
		n.Kind = []yaml3.Kind{yaml3.SequenceNode, yaml3.MappingNode}[r.Intn(2)]
		n.Tag = map[yaml3.Kind]string{yaml3.SequenceNode: "!!seq", yaml3.MappingNode: "!!map"}[n.Kind]
		if r.Intn(20) == 0 {
			n.Tag = tags[r.Intn(len(tags))]
		}
		if r.Intn(4) == 0 {
			n.Style |= yaml3.FlowStyle
		}
		for i := r.Intn(4); i > 0; i-- {
			if n.Kind == yaml3.MappingNode {
				if r.Intn(10) == 0 {
					n.Content = append(n.Content, randomNode(r, depth-1))
				} else {
					n.Content = append(n.Content, randomNode(r, 0))
				}
			}
			n.Content = append(n.Content, randomNode(r, depth-1))
		}
	} else if r.Intn(20) == 0 {
		n.Kind = yaml3.AliasNode
		n.Anchor = ""
		n.Value = []string{"a", "b-1", "c_d", "", "x y"}[r.Intn(40)%5]
	} else {
		n.Kind = yaml3.ScalarNode
		n.Value = strings.ToValidUTF8(word(r), "?")
		n.Tag = tags[r.Intn(len(tags))]
		if r.Intn(3) == 0 {
			n.Style |= []yaml3.Style{yaml3.DoubleQuotedStyle, yaml3.SingleQuotedStyle, yaml3.LiteralStyle, yaml3.FoldedStyle}[r.Intn(4)]
		}
	}
	if r.Intn(20) == 0 && n.Kind != yaml3.AliasNode {
		n.Style |= yaml3.TaggedStyle
	}
	return n
}

func nodeFuzz(seed int64, count int) {
	r := rand.New(rand.NewSource(seed))
	for index := range count {
		d := &yaml3.Node{Kind: yaml3.DocumentNode, HeadComment: comment(r), FootComment: comment(r)}
		d.Content = append(d.Content, randomNode(r, r.Intn(5)))
		func() {
			defer func() {
				if p := recover(); p != nil {
					fmt.Fprintln(os.Stderr, "go-yaml panics:", index, p)
				}
			}()
			put(map[string]any{"file": "fuzz", "document": index, "tree": treeOf(d),
				"four": nodeText(d, 4, false), "wide": nodeText(d, 2, false), "compact": nodeText(d, 2, true)})
		}()
	}
}

func floats(seed int64, count int) {
	r := rand.New(rand.NewSource(seed))
	for range count {
		f := number(r)
		verb := "eEfgGxXb"[r.Intn(8)]
		precision := r.Intn(25) - 1
		bits := 64
		if r.Intn(3) == 0 {
			bits = 32
			f = float64(float32(f))
		}
		fmt.Fprintf(out, "%016x %c %d %d %s\n", math.Float64bits(f), verb, precision, bits, strconv.FormatFloat(f, verb, precision, bits))
	}
}

func main() {
	defer out.Flush()
	number := func(at int) int64 {
		n, err := strconv.ParseInt(os.Args[at], 10, 64)
		if err != nil {
			panic(err)
		}
		return n
	}
	_ = yaml2.Marshal
	switch os.Args[1] {
	case "values":
		values()
	case "fuzz":
		fuzz(number(2), int(number(3)))
	case "nodes":
		nodes(os.Args[2:])
	case "nodefuzz":
		nodeFuzz(number(2), int(number(3)))
	case "floats":
		floats(number(2), int(number(3)))
	}
}
