// gotmpl-probe gives the answers of the real text/template.
//
//	gotmpl-probe record FILE…   renews the answers in fixture files (see crates/gotmpl/tests/gotmpl/README.md)
//	gotmpl-probe answer         reads one JSON case a line, writes one JSON answer a line
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// Case is a template with its data.
type Case struct {
	Context  json.RawMessage `json:"context"`
	Template string          `json:"template"`
	Missing  string          `json:"missing,omitempty"`
}

// Answer is what came of it: Output or Error, as byte strings in Latin-1 so that JSON carries them unchanged.
type Answer struct {
	OK   bool   `json:"ok"`
	Text string `json:"text"`
}

func main() {
	if len(os.Args) >= 2 && os.Args[1] == "record" {
		for _, path := range os.Args[2:] {
			if err := record(path); err != nil {
				fmt.Fprintln(os.Stderr, path+":", err)
				os.Exit(1)
			}
		}
		return
	}
	answer()
}

func answer() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 64<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for in.Scan() {
		var c Case
		if err := json.Unmarshal(in.Bytes(), &c); err != nil {
			panic(err)
		}
		a := run(c)
		a.Text = latin1(a.Text)
		if err := encoder.Encode(a); err != nil {
			panic(err)
		}
	}
}

func latin1(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		b.WriteRune(rune(text[i]))
	}
	return b.String()
}

func run(c Case) (a Answer) {
	defer func() {
		if r := recover(); r != nil {
			a = Answer{false, fmt.Sprint("PANIC: ", r)}
		}
	}()
	var data any
	if err := json.Unmarshal(c.Context, &data); err != nil {
		return Answer{false, "bad context: " + err.Error()}
	}
	t := root(c.Missing)
	if _, err := t.New("t").Parse(c.Template); err != nil {
		return Answer{false, err.Error()}
	}
	var b strings.Builder
	if err := t.ExecuteTemplate(&b, "t", data); err != nil {
		return Answer{false, err.Error()}
	}
	return Answer{true, b.String()}
}

// record rewrites the answers of a fixture file.
func record(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var out strings.Builder
	parts := strings.Split("\n"+strings.TrimSuffix(string(text), "\n"), "\n=== ")
	out.WriteString(strings.TrimPrefix(parts[0], "\n"))
	for _, part := range parts[1:] {
		title, body, _ := strings.Cut(part, "\n")
		context, rest, ok := strings.Cut("\n"+body, "\n---\n")
		if !ok {
			return fmt.Errorf("%s: no --- after the context", title)
		}
		template := rest
		for _, mark := range []string{"\n--> output\n", "\n--> error\n"} {
			if before, _, ok := strings.Cut("\n"+rest, mark); ok {
				template = before[1:]
			}
		}
		_, missing, _ := strings.Cut(title, " missingkey=")
		a := run(Case{json.RawMessage(context), template, missing})
		mark := "output"
		if !a.OK {
			mark = "error"
		}
		if out.Len() > 0 {
			out.WriteString("\n")
		}
		fmt.Fprintf(&out, "=== %s%s\n---\n%s\n--> %s\n%s", title, context, template, mark, a.Text)
	}
	out.WriteString("\n")
	return os.WriteFile(path, []byte(out.String()), 0o644)
}
