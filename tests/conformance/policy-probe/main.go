package main

// Reads JSON lines {"id", "guards": [yaml …], "objects": [yaml …]}; writes {"id", "objects": [{"name","denied","warnings"}]}:
// what the plugin ValidatingAdmissionPolicy says of creating each object, defaulted first.

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/util/compatibility"
	"k8s.io/apiserver/pkg/warning"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/component-base/featuregate"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/admissionregistration/install"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	_ "k8s.io/kubernetes/pkg/apis/autoscaling/install"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	_ "k8s.io/kubernetes/pkg/apis/rbac/install"
	"sigs.k8s.io/yaml"
)

type input struct {
	ID      string   `json:"id"`
	Guards  []string `json:"guards"`
	Objects []string `json:"objects"`
}
type verdict struct {
	Name     string   `json:"name"`
	Denied   string   `json:"denied,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
}
type output struct {
	ID      string    `json:"id"`
	Error   string    `json:"error,omitempty"`
	Objects []verdict `json:"objects,omitempty"`
}

type recorder struct{ all []string }

func (r *recorder) AddWarning(_, text string) { r.all = append(r.all, text) }

var _ warning.Recorder = &recorder{}

func decode(text string) (runtime.Object, error) {
	js, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		return nil, err
	}
	var tm metav1.TypeMeta
	if err := json.Unmarshal(js, &tm); err != nil {
		return nil, err
	}
	gvk := schema.FromAPIVersionAndKind(tm.APIVersion, tm.Kind)
	if !legacyscheme.Scheme.Recognizes(gvk) {
		u := &unstructured.Unstructured{}
		return u, u.UnmarshalJSON(js)
	}
	obj, err := legacyscheme.Scheme.New(gvk)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(js, obj); err != nil {
		return nil, err
	}
	legacyscheme.Scheme.Default(obj)
	obj.GetObjectKind().SetGroupVersionKind(gvk)
	return obj, nil
}

func run(in input) (out output) {
	out.ID = in.ID
	defer func() {
		if p := recover(); p != nil {
			out.Error = fmt.Sprint("panic: ", p)
		}
	}()
	var typed, params []runtime.Object
	for _, text := range in.Guards {
		obj, err := decode(text)
		if err != nil {
			out.Error = err.Error()
			return
		}
		if _, ok := obj.(*unstructured.Unstructured); ok {
			params = append(params, obj)
		} else {
			typed = append(typed, obj)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	client := fake.NewSimpleClientset(typed...)
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}, meta.RESTScopeNamespace)
	scheme := runtime.NewScheme()
	for _, p := range params {
		gvk := p.GetObjectKind().GroupVersionKind()
		m, _ := meta.Accessor(p)
		scope := meta.RESTScopeRoot
		if m.GetNamespace() != "" {
			scope = meta.RESTScopeNamespace
		}
		mapper.Add(gvk, scope)
		scheme.AddKnownTypeWithName(gvk, &unstructured.Unstructured{})
		scheme.AddKnownTypeWithName(gvk.GroupVersion().WithKind(gvk.Kind+"List"), &unstructured.UnstructuredList{})
	}
	dyn := dynamicfake.NewSimpleDynamicClient(scheme, params...)
	factory := informers.NewSharedInformerFactory(client, 0)
	plugin, perr := validating.NewPlugin(nil)
	if perr != nil {
		out.Error = perr.Error()
		return
	}
	authz := authorizer.AuthorizerFunc(func(ctx context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
		return authorizer.DecisionAllow, "", nil
	})
	gate := featuregate.NewFeatureGate()
	init := initializer.New(client, dyn, factory, authz, gate, compatibility.DefaultBuildEffectiveVersion(), ctx.Done(), mapper)
	init.Initialize(plugin)
	if err := plugin.ValidateInitialization(); err != nil {
		out.Error = err.Error()
		return
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	for i := 0; i < 200 && !plugin.WaitForReady(); i++ {
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(300 * time.Millisecond)
	for _, text := range in.Objects {
		obj, err := decode(text)
		if err != nil {
			out.Objects = append(out.Objects, verdict{Denied: "decode: " + err.Error()})
			continue
		}
		acc, _ := meta.Accessor(obj)
		gvk := obj.GetObjectKind().GroupVersionKind()
		plural, _ := meta.UnsafeGuessKindToResource(gvk)
		ns := acc.GetNamespace()
		cluster := map[string]bool{"Namespace": true, "ClusterRole": true, "ClusterRoleBinding": true}[gvk.Kind]
		if cluster {
			ns = ""
			if gvk.Kind == "Namespace" {
				ns = acc.GetName()
			}
		} else if ns == "" {
			ns = "default"
			acc.SetNamespace(ns)
		}
		if gvk.Kind == "Namespace" {
			l := acc.GetLabels()
			if l == nil {
				l = map[string]string{}
			}
			l["kubernetes.io/metadata.name"] = acc.GetName()
			acc.SetLabels(l)
		}
		attrs := admission.NewAttributesRecord(obj, nil, gvk, ns, acc.GetName(), plural, "", admission.Create, &metav1.CreateOptions{}, false, &user.DefaultInfo{Name: "admin"})
		rec := &recorder{}
		o := admission.NewObjectInterfacesFromScheme(legacyscheme.Scheme)
		err = plugin.Validate(warning.WithWarningRecorder(ctx, rec), attrs, o)
		v := verdict{Name: acc.GetName(), Warnings: rec.all}
		if err != nil {
			v.Denied = err.Error()
		}
		out.Objects = append(out.Objects, v)
	}
	return
}


func main() {
	r := bufio.NewReaderSize(os.Stdin, 1<<20)
	enc := json.NewEncoder(os.Stdout)
	enc.SetEscapeHTML(false)
	for {
		line, err := r.ReadString('\n')
		if strings.TrimSpace(line) != "" {
			var in input
			if e := json.Unmarshal([]byte(line), &in); e != nil {
				fmt.Fprintln(os.Stderr, e)
				os.Exit(1)
			}
			enc.Encode(run(in))
		}
		if err != nil {
			return
		}
	}
}
