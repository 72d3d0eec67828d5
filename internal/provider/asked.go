package provider

import (
	"slices"

	"github.com/patchbay/patchbay/internal/question"
)

// Asked returns the provider as what a question is put to: of all capabilities, those that read may answer it.
func (p *Provider) Asked(all []*Capability) question.Service {
	s := question.Service{Names: p.Names()}
	for _, c := range all {
		if c.Effect != Read {
			s.Writes = append(s.Writes, c.Name)
			continue
		}
		s.Candidates = append(s.Candidates, question.Candidate{
			Name: c.Name, Phrases: c.Phrases, Decisive: c.Decisive, Examples: c.Examples, Takes: c.Takes(),
		})
	}
	return s
}

// Names are what people call the service: its title, and what the manifest adds. A question that holds one says where it is
// to be answered, and nothing of what it asks for.
func (p *Provider) Names() []string { return append([]string{p.Title}, p.Called...) }

// Triggers are all phrases that lead a question here.
func (c *Capability) Triggers() []string { return slices.Concat(c.Phrases, c.Decisive) }
