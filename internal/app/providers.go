package app

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/provider/catalog"
)

// providersCommand groups what an operator does with manifests.
type providersCommand struct {
	List providersList `cmd:"" help:"List the providers that can be connected."`
	Lint providersLint `cmd:"" help:"Check manifests against the rules; one finding a line."`
	Show providersShow `cmd:"" help:"Show one provider as its manifest describes it."`
	Docs providersDocs `cmd:"" help:"Write the page about all providers, in Markdown."`
}

// load compiles the built-in manifests and the operator's.
func (s catalogSettings) load() (*provider.Catalog, error) {
	dirs := s.dirs()
	return provider.Load(dirs[0], dirs[1:]...)
}

// dirs are where manifests and their fixtures lie, the built-in ones first.
func (s catalogSettings) dirs() []fs.FS {
	if s.Manifests == "" {
		return []fs.FS{catalog.FS}
	}
	return []fs.FS{catalog.FS, os.DirFS(s.Manifests)}
}

type providersList struct {
	catalogSettings `embed:""`
}

// Run prints one line a provider, and warns of what ends within 180 days.
func (c providersList) Run(s streams) error {
	all, err := c.load()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tTITLE\tAUTH\tCAPABILITIES\tCHECKED")
	for _, p := range all.All() {
		var names []string
		for _, c := range p.Capabilities {
			names = append(names, c.Name)
		}
		if len(names) == 0 {
			names = []string{"(from the integration's config)"}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", p.Name, p.Title, strings.Join(p.AuthKinds(), ","), strings.Join(names, ","), p.Checked)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return warnOfSunsets(s, all, time.Now())
}

// sunsetNotice is how long before its day a sunset is worth a warning.
const sunsetNotice = 180 * 24 * time.Hour

// warnOfSunsets prints a line for everything that a manifest uses and that ends soon, or has ended.
func warnOfSunsets(s streams, all *provider.Catalog, now time.Time) error {
	for _, p := range all.All() {
		for _, one := range p.SunsetsBy(now.Add(sunsetNotice)) {
			if _, err := fmt.Fprintf(s.Err, "warning: %s: %s: %s (%s)\n", p.Name, one.Date, one.What, one.Source); err != nil {
				return err
			}
		}
	}
	return nil
}

type providersLint struct {
	Dir string `arg:"" optional:"" type:"existingdir" help:"Directory of manifests; absent: the built-in ones."`
}

// Run prints every finding and fails when there is one.
func (c providersLint) Run(s streams) error {
	var files fs.FS = catalog.FS
	if c.Dir != "" {
		files = os.DirFS(c.Dir)
	}
	findings := provider.Lint(files)
	for _, f := range findings {
		fmt.Fprintf(s.Out, "%s:%d: %s\n", f.File, f.Line, f.Message)
	}
	switch n := len(findings); n {
	case 0:
	case 1:
		return errors.New("1 finding")
	default:
		return fmt.Errorf("%d findings", n)
	}
	_, err := fmt.Fprintln(s.Err, "no findings")
	return err
}

type providersDocs struct {
	catalogSettings `embed:""`

	File string `arg:"" optional:"" type:"path" help:"Where to write it; absent: the standard output."`
}

// Run writes the page.
func (c providersDocs) Run(s streams) error {
	all, err := c.load()
	if err != nil {
		return err
	}
	if c.File == "" {
		_, err = io.WriteString(s.Out, all.Markdown())
		return err
	}
	if err := os.WriteFile(c.File, []byte(all.Markdown()), 0o644); err != nil { //nolint:gosec // a page for everybody
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

type providersShow struct {
	catalogSettings `embed:""`

	Name string `arg:"" help:"The provider's name, from providers list."`
}

// Run prints the manifest as it was understood.
func (c providersShow) Run(s streams) error {
	all, err := c.load()
	if err != nil {
		return err
	}
	p, ok := all.Get(c.Name)
	if !ok {
		return errors.New("there is no provider of this name: see providers list")
	}
	text, err := yaml.MarshalWithOptions(p, yaml.OmitEmpty(), yaml.UseLiteralStyleIfMultiline(true))
	if err != nil {
		return fmt.Errorf("show %s: %w", p.Name, err)
	}
	_, err = s.Out.Write(text)
	return err
}
