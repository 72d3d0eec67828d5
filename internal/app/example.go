package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"text/template"

	"github.com/patchbay/patchbay/ent"
	entintegration "github.com/patchbay/patchbay/ent/integration"
	entuser "github.com/patchbay/patchbay/ent/user"
	"github.com/patchbay/patchbay/internal/access"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/seal"
	"github.com/patchbay/patchbay/internal/user"
	"github.com/patchbay/patchbay/internal/viewer"
)

// exampleUser is the external id of the person that the example is about.
const exampleUser = "ada"

// example is what dev makes to try: a company with a key, a person, and a calendar that waits for that person's consent.
type example struct {
	Key         string
	User        *ent.User
	Integration *ent.Integration
}

// example returns what an earlier start has made, and makes what is missing. The key is kept in a file with mode 0600.
func (a *App) example(ctx context.Context, keyFile string) (*example, error) {
	ctx, key, err := a.exampleKey(ctx, keyFile)
	if err != nil {
		return nil, err
	}
	e := &example{Key: key.Reveal()}
	if e.User, err = a.exampleUser(ctx); err != nil {
		return nil, err
	}
	e.Integration, err = a.exampleCalendar(ctx, e.User)
	return e, err
}

// exampleKey returns the key of the file, if it still opens, or makes a company and a key; and a context of its viewer.
func (a *App) exampleKey(ctx context.Context, file string) (context.Context, seal.Secret, error) {
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, seal.Secret{}, fmt.Errorf("read the API key of an earlier start: %w", err)
	}
	key := seal.NewSecret(strings.TrimSpace(string(text)))
	if in, err := a.access.Authenticate(ctx, key.Reveal()); err == nil {
		return in, key, nil
	}
	company, err := a.access.CreateCompany(ctx, "Example")
	if err != nil {
		return nil, seal.Secret{}, err
	}
	_, key, err = a.access.CreateKey(viewer.SystemFor(ctx, company.ID), access.CreateKeyInput{
		Name: "dev", Scopes: []viewer.Scope{viewer.Admin},
	})
	if err != nil {
		return nil, seal.Secret{}, err
	}
	if err := os.WriteFile(file, []byte(key.Reveal()+"\n"), 0o600); err != nil {
		return nil, seal.Secret{}, fmt.Errorf("keep the API key: %w", err)
	}
	in, err := a.access.Authenticate(ctx, key.Reveal())
	return in, key, err
}

func (a *App) exampleUser(ctx context.Context) (*ent.User, error) {
	row, err := a.store.Client(ctx).User.Query().Where(entuser.ExternalID(exampleUser)).Only(ctx)
	if !ent.IsNotFound(err) {
		return row, err
	}
	external := exampleUser
	return a.users.Create(ctx, user.CreateInput{ExternalID: &external, Metadata: map[string]any{"plan": "premium"}})
}

// exampleCalendar returns the person's calendar, connected or waiting for consent: of the first provider that is a
// calendar connected by authorization.
func (a *App) exampleCalendar(ctx context.Context, of *ent.User) (*ent.Integration, error) {
	for _, p := range a.integrations.Catalog.All() {
		if !slices.Contains(p.Categories, "calendar") || !slices.Contains(p.AuthKinds(), provider.OAuth2) {
			continue
		}
		row, err := a.store.Client(ctx).Integration.Query().
			Where(entintegration.UserID(of.ID), entintegration.Provider(p.Name)).First(ctx)
		if !ent.IsNotFound(err) {
			return row, err
		}
		kind := provider.OAuth2
		made, err := a.integrations.Create(ctx, integration.CreateInput{
			UserID: &of.ID, Provider: p.Name, AuthKind: &kind, Name: p.Title, Enabled: true,
			Visibility: integration.Private,
		})
		if err != nil {
			return nil, err
		}
		return made.Integration, nil
	}
	return nil, errors.New("there is no manifest of a calendar that is connected by authorization")
}

// The commands use nothing but a shell and curl. The consent page is answered by a header that only the sandbox
// knows; in a browser, a person opens the authorization URL instead.
var examples = template.Must(template.New("").Parse(`Patchbay is ready.

  GraphQL   {{.URL}}
  API key   {{.Key}}

Paste these in order into another terminal.

1. Connect {{.Name}} of the user "{{.User}}" in the sandbox (the header gives the consent that a person gives in a browser):

answer=$(curl -s {{.URL}} -H 'Authorization: Bearer {{.Key}}' -H 'Content-Type: application/json' -d '{"query":"mutation { integrationConnect(input: {userId: \"{{.UserID}}\", provider: \"{{.Provider}}\", integrationId: \"{{.IntegrationID}}\"}) { authorizationUrl userErrors { message } } }"}'); url=${answer#*'"authorizationUrl":"'}; curl -s -L -b '' -d '' -H 'Sandbox-Consent: allow' -H 'Accept: text/plain' "${url%%'"'*}"

2. Ask it a question:

curl -s {{.URL}} -H 'Authorization: Bearer {{.Key}}' -H 'Content-Type: application/json' -d '{"query":"mutation { integrationQuery(input: {integrationId: \"{{.IntegrationID}}\", query: \"What meetings do I have tomorrow?\"}) { result { plan { request } results { title ... on CalendarEvent { start end location } } latencyMs } userErrors { message } } }"}'

3. Read the user with integrations, health and audit:

curl -s {{.URL}} -H 'Authorization: Bearer {{.Key}}' -H 'Content-Type: application/json' -d '{"query":"{ userByExternalId(externalId: \"{{.User}}\") { id integrations { nodes { name status account { displayName } health { status reason nextAction checkedAt } auditEvents(first: 5) { nodes { eventType timestamp succeeded query } } } } } }"}'

The sandbox plays every other provider too. This lists them, each with a config that works, and questions and calls to try:

curl -s {{.Sandbox}}/_sandbox/providers

With OAUTH2 a provider is connected as in 1, without integrationId and with the config beside the provider, and for calls
that write with their scopes; with anything else by integrationCreate, where any key is as good as the one that is shown.

The calendar of 1 and its account's mail are whole. The other providers answer with the few examples of their fixtures,
whatever the question says. What is written is answered, and not kept.

Ctrl-C stops. Everything is kept, and the next start finds it again.
`))

// print tells how to try the example.
func (e *example) print(w io.Writer, url, sandbox string) error {
	return examples.Execute(w, map[string]string{
		"URL": url, "Sandbox": sandbox, "Key": e.Key, "Name": e.Integration.Name, "User": exampleUser, "UserID": e.User.ID,
		"Provider": e.Integration.Provider, "IntegrationID": e.Integration.ID,
	})
}
