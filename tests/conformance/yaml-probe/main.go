// yaml-probe answers, with Go's own libraries, what the tests of hydrate's YAML room ask.
//
// It reads requests from stdin and writes one line of JSON for each to stdout. A request is a line
// `MODE LENGTH` followed by LENGTH bytes of input. Modes: v2 (sigs.k8s.io/yaml YAMLToJSON), v2strict, v3 (go-yaml v3
// into interface{}, as JSON with kinds of numbers told apart), nodes (go-yaml v3 nodes of all documents),
// events2 and events3 (the shape of all documents of the stream).
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	yaml2 "go.yaml.in/yaml/v2"
	yaml3 "go.yaml.in/yaml/v3"
	sigs "sigs.k8s.io/yaml"
)

type answer struct {
	Value any    `json:"value"`
	Error string `json:"error,omitempty"`
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for {
		var mode string
		var length int
		line, err := in.ReadString('\n')
		if err != nil {
			break
		}
		if _, err := fmt.Sscanf(line, "%s %d", &mode, &length); err != nil {
			panic(err)
		}
		input := make([]byte, length)
		if _, err := io.ReadFull(in, input); err != nil {
			panic(err)
		}
		if err := encoder.Encode(ask(mode, input)); err != nil {
			panic(err)
		}
		if in.Buffered() == 0 {
			out.Flush()
		}
	}
	out.Flush()
}

func ask(mode string, input []byte) (result answer) {
	defer func() {
		if r := recover(); r != nil {
			result = answer{Error: fmt.Sprintf("panic: %v", r)}
		}
	}()
	var value any
	var err error
	switch mode {
	case "v2":
		var text []byte
		if text, err = sigs.YAMLToJSON(input); err == nil {
			value = json.RawMessage(text)
		}
	case "v2strict":
		var text []byte
		if text, err = sigs.YAMLToJSONStrict(input); err == nil {
			value = json.RawMessage(text)
		}
	case "v3":
		var decoded any
		if err = yaml3.Unmarshal(input, &decoded); err == nil {
			value = show(decoded)
		}
	case "json":
		if err = json.Unmarshal(input, &value); err != nil {
			value = nil
		}
	case "nodes":
		value, err = nodes(input)
	case "events3":
		value, err = events3(input)
	case "events2":
		value, err = events2(input)
	}
	if err != nil {
		return answer{Value: value, Error: err.Error()}
	}
	return answer{Value: value}
}

// show tells integers, floats and times apart, which JSON does not.
func show(value any) any {
	switch value := value.(type) {
	case map[string]any:
		shown := map[string]any{}
		for key, item := range value {
			shown[key] = show(item)
		}
		return shown
	case map[any]any:
		shown := map[string]any{}
		for key, item := range value {
			shown[fmt.Sprint(show(key))] = show(item)
		}
		return shown
	case []any:
		shown := []any{}
		for _, item := range value {
			shown = append(shown, show(item))
		}
		return shown
	case int, int64, uint64:
		return fmt.Sprintf("int %v", value)
	case float64:
		return "float " + strconv.FormatFloat(value, 'g', -1, 64)
	case time.Time:
		return "time"
	}
	return value
}

type shownNode struct {
	Kind    string       `json:"kind"`
	Tag     string       `json:"tag,omitempty"`
	Value   string       `json:"value,omitempty"`
	Style   int          `json:"style,omitempty"`
	Anchor  string       `json:"anchor,omitempty"`
	Head    string       `json:"head,omitempty"`
	Line    string       `json:"line,omitempty"`
	Foot    string       `json:"foot,omitempty"`
	At      string       `json:"at"`
	Content []*shownNode `json:"content,omitempty"`
}

var kinds = map[yaml3.Kind]string{
	yaml3.DocumentNode: "doc", yaml3.SequenceNode: "seq", yaml3.MappingNode: "map", yaml3.ScalarNode: "scalar", yaml3.AliasNode: "alias",
}

func nodes(input []byte) (any, error) {
	shown := []*shownNode{}
	decoder := yaml3.NewDecoder(bytes.NewReader(input))
	for {
		var node yaml3.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			return shown, nil
		}
		if err != nil {
			return shown, err
		}
		shown = append(shown, showNode(&node))
	}
}

func showNode(node *yaml3.Node) *shownNode {
	shown := &shownNode{
		Kind: kinds[node.Kind], Tag: node.Tag, Value: node.Value, Style: int(node.Style), Anchor: node.Anchor,
		Head: node.HeadComment, Line: node.LineComment, Foot: node.FootComment, At: fmt.Sprintf("%d:%d", node.Line, node.Column),
	}
	for _, child := range node.Content {
		shown.Content = append(shown.Content, showNode(child))
	}
	return shown
}

// events3 writes the tree of each document in a form that shows structure, tags and values.
func events3(input []byte) (any, error) {
	documents := []string{}
	decoder := yaml3.NewDecoder(bytes.NewReader(input))
	for {
		var node yaml3.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return documents, err
		}
		var text strings.Builder
		writeEvents(&text, &node)
		documents = append(documents, text.String())
	}
}

func writeEvents(text *strings.Builder, node *yaml3.Node) {
	switch node.Kind {
	case yaml3.DocumentNode:
		for _, child := range node.Content {
			writeEvents(text, child)
		}
	case yaml3.SequenceNode:
		fmt.Fprintf(text, "[%s ", node.Anchor)
		for _, child := range node.Content {
			writeEvents(text, child)
		}
		text.WriteString("]")
	case yaml3.MappingNode:
		fmt.Fprintf(text, "{%s ", node.Anchor)
		for _, child := range node.Content {
			writeEvents(text, child)
		}
		text.WriteString("}")
	case yaml3.ScalarNode:
		fmt.Fprintf(text, "(%s %s %q)", node.Anchor, node.Tag, node.Value)
	case yaml3.AliasNode:
		fmt.Fprintf(text, "*%s", node.Value)
	}
}

// events2 has no nodes to show, so it shows the values of all documents, in order of the keys.
func events2(input []byte) (any, error) {
	documents := []string{}
	decoder := yaml2.NewDecoder(bytes.NewReader(input))
	for {
		var value any
		err := decoder.Decode(&value)
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return documents, err
		}
		documents = append(documents, syntax(value))
	}
}

func syntax(value any) string {
	switch value := value.(type) {
	case map[any]any:
		entries := []string{}
		for key, item := range value {
			entries = append(entries, syntax(key)+":"+syntax(item))
		}
		sort.Strings(entries)
		return "{" + strings.Join(entries, ",") + "}"
	case []any:
		items := []string{}
		for _, item := range value {
			items = append(items, syntax(item))
		}
		return "[" + strings.Join(items, ",") + "]"
	case string:
		return strconv.Quote(value)
	}
	return fmt.Sprintf("%T %v", value, value)
}
