package main

// Reads JSON lines on stdin, writes one JSON line for each on stdout.
//
//	{"id", "minor", "schema": JSONSchemaProps, "object": value, "expr": text, "stored": bool}   an expression over `self`
//	{"id", "minor", "crd": yaml, "objects": [yaml, …]}                                          a CRD, and custom resources of it

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextinstall "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	apiextv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	schemacel "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/model"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	kjson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/util/version"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/cel/library"
	"sigs.k8s.io/yaml"
)

type input struct {
	ID      string          `json:"id"`
	Minor   uint            `json:"minor"`
	Schema  json.RawMessage `json:"schema"`
	Object  json.RawMessage `json:"object"`
	Expr    string          `json:"expr"`
	Stored  bool            `json:"stored"`
	CRD     string          `json:"crd"`
	Objects []string        `json:"objects"`
}

type output struct {
	ID      string     `json:"id"`
	Type    string     `json:"type,omitempty"`
	Value   string     `json:"value,omitempty"`
	Compile string     `json:"compile,omitempty"`
	Error   string     `json:"error,omitempty"`
	Cost    *uint64    `json:"cost,omitempty"`
	Min     *uint64    `json:"min,omitempty"`
	Max     *uint64    `json:"max,omitempty"`
	CRD     []string   `json:"crd,omitempty"`
	Objects [][]string `json:"objects,omitempty"`
}

func show(v ref.Val) string {
	switch v := v.(type) {
	case types.Bool:
		return strconv.FormatBool(bool(v))
	case types.Int:
		return strconv.FormatInt(int64(v), 10)
	case types.Uint:
		return strconv.FormatUint(uint64(v), 10) + "u"
	case types.Double:
		f := float64(v)
		s := strconv.FormatFloat(f, 'g', -1, 64)
		if !strings.ContainsAny(s, ".eIN") {
			s += ".0"
		}
		return s
	case types.String:
		return quote(string(v))
	case types.Bytes:
		return "b" + strconv.Quote(hex.EncodeToString([]byte(v)))
	case types.Null:
		return "null"
	case types.Duration:
		return "duration(" + v.Duration.String() + ")"
	case types.Timestamp:
		return "timestamp(" + v.Time.UTC().Format("2006-01-02T15:04:05.999999999Z07:00") + ")"
	case *types.Type:
		return "type(" + v.TypeName() + ")"
	case *types.Optional:
		if !v.HasValue() {
			return "optional.none()"
		}
		return "optional.of(" + show(v.GetValue()) + ")"
	case apiservercel.Quantity:
		return "quantity(" + v.Quantity.String() + ")"
	case apiservercel.IP:
		return "ip(" + v.Addr.String() + ")"
	case apiservercel.CIDR:
		return "cidr(" + v.Prefix.String() + ")"
	case apiservercel.URL:
		return "url(" + v.URL.String() + ")"
	case apiservercel.Semver:
		return "semver(" + v.Version.String() + ")"
	case *apiservercel.Format:
		return "format(" + v.Name + ")"
	case traits.Lister:
		parts := []string{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			parts = append(parts, show(it.Next()))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case traits.Mapper:
		parts := []string{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			k := it.Next()
			if k == nil {
				continue
			}
			parts = append(parts, show(k)+": "+show(v.Get(k)))
		}
		sort.Strings(parts)
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprintf("%s(%v)", v.Type().TypeName(), v.Value())
}

func quote(s string) string {
	b := &strings.Builder{}
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s)
	return strings.TrimSuffix(b.String(), "\n")
}

func structural(raw []byte) (*schema.Structural, error) {
	v1 := &apiextv1.JSONSchemaProps{}
	if err := json.Unmarshal(raw, v1); err != nil {
		return nil, err
	}
	internal := &apiextensions.JSONSchemaProps{}
	if err := apiextv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(v1, internal, nil); err != nil {
		return nil, err
	}
	return schema.NewStructural(internal)
}

type sizes struct{ root *apiservercel.DeclType }

var structurals = map[string]*schema.Structural{}
var envs = map[string]*environment.EnvSet{}

func ptr[T any](v T) *T { return &v }

func expression(in input) (out output) {
	out.ID = in.ID
	defer func() {
		if p := recover(); p != nil {
			out.Error = fmt.Sprintf("panic: %v", p)
		}
	}()
	key := string(in.Schema)
	s := structurals[key]
	if s == nil {
		var err error
		if s, err = structural(in.Schema); err != nil {
			out.Compile = "schema: " + err.Error()
			return
		}
		structurals[key] = s
	}
	decl := model.SchemaDeclType(s, true)
	envKey := fmt.Sprintf("%d %s", in.Minor, key)
	set := envs[envKey]
	if set == nil {
		scoped := decl.MaybeAssignTypeName("selfType")
		var err error
		set, err = environment.MustBaseEnvSet(version.MajorMinor(1, in.Minor)).Extend(environment.VersionedOptions{
			IntroducedVersion: version.MajorMinor(1, 0),
			EnvOptions:        []cel.EnvOption{cel.Variable("self", scoped.CelType()), cel.Variable("oldSelf", scoped.CelType())},
			DeclTypes:         []*apiservercel.DeclType{scoped},
		})
		if err != nil {
			out.Compile = "env: " + err.Error()
			return
		}
		envs[envKey] = set
	}
	env := set.NewExpressionsEnv()
	if in.Stored {
		env = set.StoredExpressionsEnv()
	}
	ast, issues := env.Compile(in.Expr)
	if issues != nil && issues.Err() != nil {
		out.Compile = issues.String()
		return
	}
	out.Type = ast.OutputType().String()
	estimator := &library.CostEstimator{SizeEstimator: &sizes{root: decl}}
	if est, err := env.EstimateCost(ast, estimator); err == nil {
		out.Min, out.Max = ptr(est.Min), ptr(est.Max)
	}
	prog, err := env.Program(ast, cel.CostLimit(celconfig.PerCallLimit), cel.CostTracking(estimator), cel.InterruptCheckFrequency(celconfig.CheckFrequency))
	if err != nil {
		out.Compile = "program: " + err.Error()
		return
	}
	var obj any
	if len(in.Object) > 0 {
		if err := kjson.Unmarshal(in.Object, &obj); err != nil {
			out.Error = err.Error()
			return
		}
	}
	self := schemacel.UnstructuredToVal(obj, model.WithTypeAndObjectMeta(s))
	val, details, err := prog.ContextEval(context.Background(), map[string]any{"self": self, "oldSelf": self})
	if details != nil {
		out.Cost = details.ActualCost()
	}
	if err != nil {
		out.Error = err.Error()
		return
	}
	out.Value = show(val)
	return
}

func main() {
	scheme := runtime.NewScheme()
	apiextinstall.Install(scheme)
	codecs := serializer.NewCodecFactory(scheme)
	reader := bufio.NewReaderSize(os.Stdin, 1<<20)
	w := bufio.NewWriter(os.Stdout)
	defer w.Flush()
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for {
		line, err := reader.ReadString('\n')
		if strings.TrimSpace(line) != "" {
			var in input
			if e := json.Unmarshal([]byte(line), &in); e != nil {
				fmt.Fprintln(os.Stderr, e)
				os.Exit(1)
			}
			switch {
			case in.Expr != "":
				enc.Encode(expression(in))
			case in.CRD != "":
				enc.Encode(custom(codecs, in))
			}
		}
		if err != nil {
			return
		}
	}
}

// custom validates a CRD as it is created, and objects of it by their rules alone: pruned and defaulted first.
func custom(codecs serializer.CodecFactory, in input) (out output) {
	out.ID = in.ID
	defer func() {
		if p := recover(); p != nil {
			out.Error = fmt.Sprintf("panic: %v", p)
		}
	}()
	decoder := codecs.UniversalDecoder(apiextensions.SchemeGroupVersion)
	obj, _, err := decoder.Decode([]byte(in.CRD), nil, nil)
	if err != nil {
		out.Error = err.Error()
		return
	}
	crd := obj.(*apiextensions.CustomResourceDefinition)
	if len(crd.Status.StoredVersions) == 0 {
		for _, v := range crd.Spec.Versions {
			if v.Storage {
				crd.Status.StoredVersions = []string{v.Name}
			}
		}
	}
	for _, e := range apiextvalidation.ValidateCustomResourceDefinition(context.Background(), crd) {
		out.CRD = append(out.CRD, e.Error())
	}
	for _, text := range in.Objects {
		errs := []string{}
		var object map[string]any
		js, err := yaml.YAMLToJSON([]byte(text))
		if err == nil {
			err = kjson.Unmarshal(js, &object)
		}
		if err != nil {
			out.Objects = append(out.Objects, []string{err.Error()})
			continue
		}
		apiVersion, _ := object["apiVersion"].(string)
		_, wanted, _ := strings.Cut(apiVersion, "/")
		props := crd.Spec.Validation
		for _, v := range crd.Spec.Versions {
			if v.Name == wanted && v.Schema != nil {
				props = v.Schema
			}
		}
		if props == nil || props.OpenAPIV3Schema == nil {
			out.Objects = append(out.Objects, []string{"no schema"})
			continue
		}
		s, err := schema.NewStructural(props.OpenAPIV3Schema)
		if err != nil {
			out.Objects = append(out.Objects, []string{err.Error()})
			continue
		}
		pruning.Prune(object, s, true)
		defaulting.PruneNonNullableNullsWithoutDefaults(object, s)
		defaulting.Default(object, s)
		validator := schemacel.NewValidator(s, true, celconfig.PerCallLimit)
		list, left := validator.Validate(context.Background(), (*field.Path)(nil), s, object, nil, celconfig.RuntimeCELCostBudget)
		for _, e := range list {
			errs = append(errs, e.Error())
		}
		sort.Strings(errs)
		out.Cost = ptr(uint64(celconfig.RuntimeCELCostBudget - left))
		out.Objects = append(out.Objects, errs)
	}
	return
}
