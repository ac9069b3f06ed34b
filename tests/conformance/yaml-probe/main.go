// yaml-probe answers, with Go's own libraries, what the tests of hydrate's YAML room ask.
//
// It reads requests from stdin and writes one line of JSON for each to stdout. A request is a line
// `MODE LENGTH` followed by LENGTH bytes of input. Modes: v2 (sigs.k8s.io/yaml YAMLToJSON), v2strict, v3 (go-yaml v3
// into interface{}, as JSON with kinds of numbers told apart), nodes (go-yaml v3 nodes of all documents), json
// (encoding/json into interface{}).
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"time"

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
			shown[showKey(key)] = show(item)
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
		if math.IsNaN(value) {
			return "float nan"
		}
		return "float " + strconv.FormatUint(math.Float64bits(value), 16)
	case time.Time:
		return "time"
	}
	return value
}

func showKey(key any) string {
	switch key := key.(type) {
	case nil:
		return "null"
	case float64:
		text := strconv.FormatFloat(key, 'g', -1, 32)
		if named, ok := map[string]string{"NaN": ".nan", "+Inf": ".inf", "-Inf": "-.inf"}[text]; ok {
			return named
		}
		return text
	case time.Time:
		panic("a time as a key is not comparable")
	}
	return fmt.Sprint(key)
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
	At      string       `json:"at,omitempty"`
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
	if node.Kind == yaml3.DocumentNode {
		shown.At = ""
	}
	for _, child := range node.Content {
		shown.Content = append(shown.Content, showNode(child))
	}
	return shown
}
