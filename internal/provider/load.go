package provider

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Suffixes of the files in a directory of manifests.
const (
	manifestSuffix = ".yaml"
	fixturesSuffix = ".fixtures.yaml"
)

// maxManifest is the largest manifest, in bytes.
const maxManifest = 256 << 10

// Catalog holds the providers that can be connected. It is safe for concurrent use.
type Catalog struct {
	byName map[string]*Provider
	sorted []*Provider
}

// Get returns the provider of that name, and false when there is none.
func (c *Catalog) Get(name string) (*Provider, bool) {
	p, ok := c.byName[name]
	return p, ok
}

// All returns every provider by name. The slice is fresh.
func (c *Catalog) All() []*Provider { return slices.Clone(c.sorted) }

// Load reads and compiles every manifest at the top of the built-in directory and then of the operator's, whose
// manifests replace those of the same name. It reports every fault of every file at once, as joined *Findings.
func Load(builtin fs.FS, dirs ...fs.FS) (*Catalog, error) {
	c := &Catalog{byName: map[string]*Provider{}}
	var faults []error
	for _, dir := range append([]fs.FS{builtin}, dirs...) {
		files, err := manifests(dir)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			text, err := fs.ReadFile(dir, file)
			if err != nil {
				return nil, fmt.Errorf("read manifest %s: %w", file, err)
			}
			p, findings := Decode(file, text)
			for _, f := range findings {
				faults = append(faults, &f)
			}
			if len(findings) == 0 {
				c.byName[p.Name] = p
			}
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	for _, name := range slices.Sorted(maps.Keys(c.byName)) {
		c.sorted = append(c.sorted, c.byName[name])
	}
	return c, nil
}

func manifests(dir fs.FS) ([]string, error) {
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return nil, fmt.Errorf("read the directory of manifests: %w", err)
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() && strings.HasSuffix(e.Name(), manifestSuffix) && !strings.HasSuffix(e.Name(), fixturesSuffix) {
			files = append(files, e.Name())
		}
	}
	return files, nil
}

// Decode reads and compiles one manifest. An unknown or repeated key, a wrong type, an expression that does not compile
// and a reference to nothing are findings, each with its line; then the Provider is nil.
func Decode(file string, text []byte) (*Provider, []Finding) {
	if len(text) > maxManifest {
		return nil, []Finding{{File: file, Message: fmt.Sprintf("the manifest is larger than %d KiB", maxManifest>>10)}}
	}
	tokens := lexer.Tokenize(string(text))
	if f := checkNesting(tokens); f != nil {
		f.File = file
		return nil, []Finding{*f}
	}
	var tree *ast.File
	if err := survive(func() (err error) { tree, err = parser.Parse(tokens, 0); return err }); err != nil {
		return nil, []Finding{*findingOf(file, err)}
	}
	if len(tree.Docs) != 1 || tree.Docs[0].Body == nil {
		return nil, []Finding{{File: file, Message: "a manifest is one YAML document"}}
	}
	if f := checkAliases(tree.Docs[0].Body); f != nil {
		f.File = file
		return nil, []Finding{*f}
	}
	p := &Provider{file: file, line: lines(tree.Docs[0].Body), says: says(tree.Docs[0].Body)}
	if err := survive(func() error { return yaml.NodeToValue(tree.Docs[0].Body, p, yaml.Strict()) }); err != nil {
		return nil, []Finding{*findingOf(file, err)}
	}
	if want := strings.TrimSuffix(path.Base(file), manifestSuffix); p.Name != want {
		return nil, []Finding{{file, p.line("$.name"), fmt.Sprintf("name must be %q, as the file is called", want)}}
	}
	if findings := p.compile(); len(findings) > 0 {
		return nil, inOrder(findings)
	}
	return p, nil
}

var errNotYAML = errors.New("this is not YAML that can be read; is there a tag (!…) with nothing behind it?")

// survive reads YAML and turns a panic of the decoder, which some broken documents cause, into an error.
func survive(read func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = errNotYAML
		}
	}()
	return read()
}

// maxNesting bounds how deep a manifest nests on one line, since the parser's time grows with the square of it.
const maxNesting = 32

func checkNesting(tokens token.Tokens) *Finding {
	flow, line, entries := 0, 0, 0
	for _, tk := range tokens {
		if tk.Position.Line != line {
			line, entries = tk.Position.Line, 0
		}
		switch tk.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
		case token.SequenceEntryType, token.MappingKeyType, token.AnchorType, token.TagType:
			entries++
		}
		if flow > maxNesting || entries > maxNesting {
			return &Finding{Line: line, Message: fmt.Sprintf("it nests deeper than %d levels", maxNesting)}
		}
	}
	return nil
}

// maxAliases bounds what aliases add up to.
const maxAliases = 50

// checkAliases refuses aliases that could multiply: many of them, or one inside what another repeats.
func checkAliases(body ast.Node) *Finding {
	count := 0
	var found *Finding
	ast.Walk(visitor(func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AliasNode:
			if count++; count > maxAliases {
				found = at(n, fmt.Sprintf("there are more than %d aliases", maxAliases))
			}
		case *ast.AnchorNode:
			ast.Walk(visitor(func(inner ast.Node) bool {
				if inner.Type() == ast.AliasType {
					found = at(inner, "an alias cannot stand inside an anchor")
				}
				return true
			}), n.Value)
		}
		return true
	}), body)
	return found
}

func at(n ast.Node, message string) *Finding {
	return &Finding{Line: n.GetToken().Position.Line, Message: message}
}

type visitor func(ast.Node) bool

// Visit calls v and goes on below n when it says so.
func (v visitor) Visit(n ast.Node) ast.Visitor {
	if v(n) {
		return v
	}
	return nil
}

// says returns a function that reports whether something stands at a path such as $.auth.oauth2.pkce.
func says(body ast.Node) func(string) bool {
	return func(where string) bool { return nodeAt(body, where) != nil }
}

func nodeAt(body ast.Node, where string) ast.Node {
	p, err := yaml.PathString(where)
	if err != nil {
		return nil
	}
	node, err := p.FilterNode(body)
	if err != nil || node == nil || node.GetToken() == nil {
		return nil
	}
	return node
}

// lines returns a function from a path such as $.capabilities[1].scopes to its line; where the path leads nowhere, that
// of the nearest part which exists.
func lines(body ast.Node) func(string) int {
	return func(where string) int {
		for where != "$" && where != "" {
			if node := nodeAt(body, where); node != nil {
				return node.GetToken().Position.Line
			}
			where = where[:max(strings.LastIndexAny(where, ".["), 0)]
		}
		return 1
	}
}
