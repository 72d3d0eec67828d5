package sandbox

import (
	"slices"

	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/question"
)

// A Playable is a provider that can be connected in the sandbox, and how.
type Playable struct {
	Provider string `json:"provider"`
	Title    string `json:"title"`
	// Ways are the kinds of credential, the preferred one first.
	Ways []Way `json:"ways"`
	// Questions are what can be asked then, one for each capability that reads.
	Questions []Question `json:"questions"`
	// Writes are calls that can be made by name.
	Writes []Call `json:"writes,omitempty"`
}

// A Way is one kind of credential with a config that the provider takes; keys in it are made up, and any others are as
// good.
type Way struct {
	AuthKind string         `json:"authKind"`
	Config   map[string]any `json:"config,omitempty"`
}

// A Question is plain language that a capability answers from a fixture.
type Question struct {
	Capability string `json:"capability"`
	Query      string `json:"query"`
}

// A Call is a capability with arguments that it takes.
type Call struct {
	Capability string         `json:"capability"`
	Arguments  map[string]any `json:"arguments"`
	// Scopes are short names of those that the connection needs for it.
	Scopes []string `json:"scopes,omitempty"`
}

// Playable lists the catalog's providers that the sandbox plays, by name, and how each is connected and asked. It is
// empty without a catalog.
func (s *Sandbox) Playable() []Playable {
	out := []Playable{}
	for _, v := range s.world {
		one := Playable{Provider: v.Name, Title: v.Title}
		for _, kind := range v.AuthKinds() {
			one.Ways = append(one.Ways, Way{AuthKind: kind, Config: v.settings(kind)})
		}
		var config map[string]any
		if len(one.Ways) > 0 {
			config = one.Ways[0].Config
		}
		all := v.CapabilitiesFor(config, nil)
		reads := slices.DeleteFunc(slices.Clone(all), func(c *provider.Capability) bool { return c.Effect != provider.Read })
		for _, c := range all {
			if c.Effect == provider.Read {
				one.Questions = append(one.Questions, Question{c.Name, v.question(c, reads)})
			} else {
				one.Writes = append(one.Writes, Call{c.Name, v.arguments(c), c.RequiredScopes()})
			}
		}
		out = append(out, one)
	}
	return out
}

// question returns one that leads to the capability: of its fixtures, or else one of its examples, or of its phrases.
func (v *vendor) question(c *provider.Capability, reads []*provider.Capability) string {
	var asked []string
	for _, f := range v.fixtures() {
		if f.Shows == c.Name && f.Input.Query != "" && f.Input.Page == "" && answered(f) {
			asked = append(asked, f.Input.Query)
		}
	}
	for _, text := range slices.Concat(asked, c.Examples, c.Triggers()) {
		if choice, err := question.Choose(text, v.Asked(reads)); err == nil && choice.Name == c.Name {
			return text
		}
	}
	return firstOf(append(asked, c.Description)...)
}

// arguments returns those of the capability's first fixture, and whatever else its schema asks for, made up.
func (v *vendor) arguments(c *provider.Capability) map[string]any {
	out := map[string]any{}
	for _, f := range v.fixtures() {
		given, _ := jsonOf(f.Input.Arguments).(map[string]any)
		if f.Shows == c.Name && len(given) > 0 && answered(f) && c.ValidateArguments(given) == nil {
			out = given
			break
		}
	}
	fill(out, c.ArgumentsSchema(), nil)
	return out
}
