package provider

import (
	"fmt"
	"io/fs"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// What a fixture can show besides a capability.
const (
	ShowsAuthorize       = "authorize"
	ShowsToken           = "token"
	ShowsRefresh         = "refresh"
	ShowsRefreshRejected = "refresh_rejected"
	ShowsRevoke          = "revoke"
	ShowsCredential      = "credential"
	ShowsRevokedToken    = "revoked_token"
	ShowsRateLimit       = "rate_limit"
	ShowsAccount         = "account"
	ShowsProbeGood       = "probe_good"
	ShowsProbeBad        = "probe_bad"
	ShowsError           = "error"
)

// Fixture is one exchange with a provider and what must come of it. It replays without a network.
type Fixture struct {
	// Shows is one of the constants above, or the name of a capability.
	Shows string `yaml:"shows"`
	Case  string `yaml:"case"`
	Input Given  `yaml:"input"`
	// Request is the method and the address that must come out; of an authorize fixture, the address.
	Request string `yaml:"request"`
	// Body is the JSON that must be sent; Form are the parameters, all of them, of an exchange of tokens.
	Body   any               `yaml:"body"`
	Form   map[string]string `yaml:"form"`
	Answer Answer            `yaml:"answer"`
	// Kind is the way to authenticate of a credential fixture, and Headers are all those that it adds to the request.
	Kind    string            `yaml:"kind"`
	Headers map[string]string `yaml:"headers"`
	// Lookup holds the exchanges before the request, in order.
	Lookup []Fixture `yaml:"lookup"`
	// Names holds the exchanges that tell names, in order. One that is refused tells none.
	Names []Fixture `yaml:"names"`
	// Each holds an exchange for every item of a two-step read, in order.
	Each []Fixture `yaml:"each"`

	// Verdict must be how the answer is classified; empty means ok.
	Verdict VerdictKind `yaml:"verdict"`
	// Refused must be the words with which a person is told that there is no request, or that what it needs was not
	// found. Then there is none.
	Refused string `yaml:"refused"`
	// RetryAfter must be the wait that comes out.
	RetryAfter time.Duration `yaml:"retry_after"`
	// Results must be what the answer is mapped to, and Next its next page. A field that is left out is not compared.
	Results []Expected `yaml:"results"`
	Next    string     `yaml:"next"`
	// Identity must be the account's id and name.
	Identity *Identity `yaml:"identity"`
	// Token must be what was granted.
	Token *ExpectedToken `yaml:"grant"`

	line int
}

// Given is the Input of a fixture, in the words that expressions use.
type Given struct {
	Config     map[string]any    `yaml:"config"`
	Account    Identity          `yaml:"account"`
	Capability string            `yaml:"capability"`
	Query      string            `yaml:"query"`
	Window     *GivenWindow      `yaml:"window"`
	Text       string            `yaml:"text"`
	People     []Person          `yaml:"people"`
	Quoted     []string          `yaml:"quoted"`
	Numbers    []float64         `yaml:"numbers"`
	States     []string          `yaml:"states"`
	Limit      int               `yaml:"limit"`
	Page       string            `yaml:"page"`
	Timezone   string            `yaml:"timezone"`
	Now        *time.Time        `yaml:"now"`
	Arguments  map[string]any    `yaml:"arguments"`
	User       map[string]string `yaml:"user"`
	Context    map[string]string `yaml:"context"`
	// Scopes, State, Verifier and RedirectURL belong to an authorize fixture.
	Scopes      []string `yaml:"scopes"`
	State       string   `yaml:"state"`
	Verifier    string   `yaml:"verifier"`
	RedirectURL string   `yaml:"redirect_url"`
}

// GivenWindow is a Window whose ends may be absent.
type GivenWindow struct {
	Start *time.Time `yaml:"start"`
	End   *time.Time `yaml:"end"`
}

// Answer is what the provider sends: Body as JSON, or Text as it is.
type Answer struct {
	Status  int               `yaml:"status"`
	Headers map[string]string `yaml:"headers"`
	Body    any               `yaml:"body"`
	Text    string            `yaml:"text"`
}

// Expected is what must be in a Result.
type Expected struct {
	Title   *string `yaml:"title"`
	Content *string `yaml:"content"`
	URL     *string `yaml:"url"`
	// Fields and Data name what must be there; a field of null must be absent.
	Fields map[string]any `yaml:"fields"`
	Data   map[string]any `yaml:"data"`
}

// ExpectedToken is what must come of a token answer.
type ExpectedToken struct {
	ExpiresIn time.Duration `yaml:"expires_in"`
	// Refresh says whether the answer brings a refresh token.
	Refresh bool     `yaml:"refresh"`
	Scopes  []string `yaml:"scopes"`
}

// Fixtures reads the fixtures beside a manifest. A provider without any has none; faults are Findings.
func Fixtures(dir fs.FS, name string) ([]Fixture, []Finding) {
	file := name + fixturesSuffix
	text, err := fs.ReadFile(dir, file)
	if err != nil {
		return nil, []Finding{{File: file, Message: "there are no fixtures"}}
	}
	var nodes []ast.Node
	if err := survive(func() error { return yaml.Unmarshal(text, &nodes) }); err != nil {
		return nil, []Finding{*findingOf(file, err)}
	}
	out := make([]Fixture, len(nodes))
	if err := survive(func() error { return yaml.UnmarshalWithOptions(text, &out, yaml.Strict()) }); err != nil {
		return nil, []Finding{*findingOf(file, err)}
	}
	for i, n := range nodes {
		out[i].line = n.GetToken().Position.Line
	}
	return out, nil
}

// Build returns the Input that is given.
func (g Given) Build() Input {
	in := Input{
		Config: g.Config, Account: g.Account, Capability: g.Capability, Query: g.Query, Text: g.Text, People: g.People, Quoted: g.Quoted,
		Numbers: g.Numbers, States: g.States, Limit: g.Limit, Page: g.Page, TimeZone: g.Timezone,
		Arguments: g.Arguments,
		User:      Asker{UserID: g.User["user_id"], ExternalID: g.User["external_id"]},
		Context:   Context{ConversationID: g.Context["conversation_id"], PersonalityID: g.Context["personality_id"]},
	}
	if g.Window != nil {
		in.Window = &Window{Start: g.Window.Start, End: g.Window.End}
	}
	if g.Now != nil {
		in.Now = *g.Now
	}
	return in
}

func (f Fixture) String() string {
	if f.Case == "" {
		return f.Shows
	}
	return fmt.Sprintf("%s (%s)", f.Shows, f.Case)
}
