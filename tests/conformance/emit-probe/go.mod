module hydrate.dev/emit-probe

go 1.24

require (
	go.yaml.in/yaml/v2 v2.4.3
	go.yaml.in/yaml/v3 v3.0.4
	sigs.k8s.io/yaml v1.6.0
)

require gopkg.in/check.v1 v0.0.0-20161208181325-20d25e280405 // indirect

// Checkouts beside this folder; `make` links them, see README.md.
replace (
	github.com/google/go-cmp => ./checkouts/empty
	go.yaml.in/yaml/v2 => ./checkouts/goyaml2
	go.yaml.in/yaml/v3 => ./checkouts/goyaml3
	gopkg.in/check.v1 => ./checkouts/empty
	sigs.k8s.io/randfill => ./checkouts/empty
	sigs.k8s.io/yaml => ./checkouts/sigsyaml
)
