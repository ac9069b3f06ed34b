package main

import (
	"errors"
	"fmt"
	"strings"
	"text/template"
	"time"
)

// Thing is a struct with fields and methods of all sorts.
type Thing struct {
	Name  string
	Count int
	Next  *Thing
	Tags  []string
	Any   any
}

// Hello takes nothing.
func (t Thing) Hello() string { return "hello " + t.Name }

// Add is variadic.
func (t Thing) Add(first int, more ...int) int {
	sum := t.Count + first
	for _, m := range more {
		sum += m
	}
	return sum
}

// Fail always does.
func (t Thing) Fail(why string) (string, error) { return "", errors.New("thing: " + why) }

// Pointed is a method of the pointer.
func (t *Thing) Pointed() string { return "pointed " + t.Name }

// Shout is a struct with a String method.
type Shout struct{ Word string }

func (s Shout) String() string { return strings.ToUpper(s.Word) + "!" }

// Table is a named map with a method.
type Table map[string]any

// Size is its method.
func (t Table) Size() int { return len(t) }

// Files is a named map of another element type.
type Files map[string][]byte

// Get gives a file as text.
func (f Files) Get(name string) string { return string(f[name]) }

func root(missing string) *template.Template {
	t := template.New("root")
	if missing != "" {
		t.Option("missingkey=" + missing)
	}
	t.Funcs(functions())
	t.Funcs(template.FuncMap{"include": include(t), "tpl": tpl(t, missing)})
	return t
}

func include(t *template.Template) func(string, any) (string, error) {
	return func(name string, data any) (string, error) {
		var b strings.Builder
		err := t.ExecuteTemplate(&b, name, data)
		return b.String(), err
	}
}

func tpl(parent *template.Template, missing string) func(string, any) (string, error) {
	return func(text string, data any) (string, error) {
		t, err := parent.Clone()
		if err != nil {
			return "", err
		}
		if missing != "" {
			t.Option("missingkey=" + missing)
		}
		t.Funcs(template.FuncMap{"include": include(t), "tpl": tpl(t, missing)})
		t, err = t.New(parent.Name()).Parse(text)
		if err != nil {
			return "", fmt.Errorf("cannot parse %q: %w", text, err)
		}
		var b strings.Builder
		if err := t.Execute(&b, data); err != nil {
			return "", fmt.Errorf("cannot execute %q: %w", text, err)
		}
		return b.String(), nil
	}
}

func describe(v any) string { return fmt.Sprintf("%T %v", v, v) }

func functions() template.FuncMap {
	return template.FuncMap{
		"list": func(items ...any) []any { return items },
		"dict": func(items ...any) map[string]any {
			m := map[string]any{}
			for i := 0; i+1 < len(items); i += 2 {
				m[fmt.Sprint(items[i])] = items[i+1]
			}
			return m
		},
		"set":  func(m map[string]any, key string, value any) map[string]any { m[key] = value; return m },
		"strs": func(items ...string) []string { return items },
		"smap": func(items ...string) map[string]string {
			m := map[string]string{}
			for i := 0; i+1 < len(items); i += 2 {
				m[items[i]] = items[i+1]
			}
			return m
		},
		"table": func(key string, value any) Table { return Table{key: value} },
		"files": func(name, text string) Files { return Files{name: []byte(text)} },
		"bytes": func(s string) []byte { return []byte(s) },
		"i64":   func(i int) int64 { return int64(i) },
		"i32":   func(i int) int32 { return int32(i) },
		"i8":    func(i int) int8 { return int8(i) },
		"u8":    func(i int) uint8 { return uint8(i) },
		"u64":   func(i int) uint64 { return uint64(i) },
		"f32":   func(f float64) float32 { return float32(f) },
		"dur":   func(i int) time.Duration { return time.Duration(i) },
		"month": func(i int) time.Month { return time.Month(i) },
		"date":  func(i int) time.Time { return time.Unix(int64(i), 0).UTC() },
		"err":   func(s string) error { return errors.New(s) },
		"thing": func(name string, count int) Thing {
			t := Thing{Name: name, Count: count, Tags: []string{"a", "b"}}
			if count > 0 {
				t.Next = &Thing{Name: "next"} // Its address must not be printed.
			}
			return t
		},
		"pthing": func(name string, count int) *Thing { return &Thing{Name: name, Count: count} },
		"shout":  func(word string) Shout { return Shout{word} },
		"nilmap": func() map[string]any { return nil }, "nilslice": func() []any { return nil },
		"nilthing": func() *Thing { return nil }, "nothing": func() any { return nil },
		"fail": func(why string) (string, error) { return "", errors.New(why) },
		"boom": func() string { panic("boom") },
		"kind": func(v any) string { return fmt.Sprintf("%T", v) },
		"wantString": func(v string) string { return describe(v) }, "wantInt": func(v int) string { return describe(v) },
		"wantInt64": func(v int64) string { return describe(v) }, "wantInt32": func(v int32) string { return describe(v) },
		"wantUint8": func(v uint8) string { return describe(v) }, "wantFloat": func(v float64) string { return describe(v) },
		"wantBool": func(v bool) string { return describe(v) }, "wantMap": func(v map[string]any) string { return describe(v) },
		"wantList": func(v []any) string { return describe(v) }, "wantStrings": func(v []string) string { return describe(v) },
		"wantBytes": func(v []byte) string { return describe(v) }, "wantError": func(v error) string { return describe(v) },
		"wantTime": func(v time.Time) string { return describe(v) }, "wantDuration": func(v time.Duration) string { return describe(v) },
		"wantThing": func(v Thing) string { return v.Name }, "wantPointer": func(v *Thing) string { return fmt.Sprint(v == nil) },
		"wantMany": func(first string, rest ...int) string { return fmt.Sprint(first, rest) },
	}
}
