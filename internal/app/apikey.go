package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/patchbay/patchbay/internal/access"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/viewer"
)

// apiKeyCommand groups what an operator does with API keys; the first key of a company can only be made here.
type apiKeyCommand struct {
	Create apiKeyCreate `cmd:"" help:"Make a key and print it. The key is shown once."`
	List   apiKeyList   `cmd:"" help:"List a company's keys."`
	Revoke apiKeyRevoke `cmd:"" help:"End a key at once."`
}

type apiKeyCreate struct {
	databaseSettings `embed:""`

	Company   string         `help:"Name or id of the company; a new name makes a new company." required:""`
	Name      string         `help:"What the key is for." default:"key"`
	Scopes    []viewer.Scope `help:"What the key may do, separated by commas: ${scopes}." default:"ADMIN"`
	ExpiresIn time.Duration  `help:"When the key ends, for example 720h; absent: never."`
}

// Run makes the key; stdout gets nothing but the key.
func (c apiKeyCreate) Run(ctx context.Context, s streams) error {
	return c.with(ctx, func(ctx context.Context, f *foundation) error {
		in := access.CreateKeyInput{Name: c.Name, Scopes: c.Scopes}
		if c.ExpiresIn > 0 {
			end := f.now().Add(c.ExpiresIn)
			in.ExpiresAt = &end
		}
		if err := in.Validate(f.now()); err != nil { // before a company is made for it
			return err
		}
		company, err := f.access.Company(ctx, c.Company)
		if problem.Is(err, problem.NotFound) {
			if company, err = f.access.CreateCompany(ctx, c.Company); err == nil {
				fmt.Fprintf(s.Err, "Made the company %s (%s).\n", company.Name, company.ID)
			}
		}
		if err != nil {
			return err
		}
		_, secret, err := f.access.CreateKey(viewer.SystemFor(ctx, company.ID), in)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(s.Out, secret.Reveal())
		return err
	})
}

// allScopes lists what a key may be allowed to do, for people.
func allScopes() string {
	var names []string
	for _, scope := range viewer.Scopes {
		names = append(names, string(scope))
	}
	return strings.Join(names, ", ")
}

type apiKeyList struct {
	databaseSettings `embed:""`

	Company string `help:"Name or id of the company." required:""`
}

// Run prints one line a key.
func (c apiKeyList) Run(ctx context.Context, s streams) error {
	return c.with(ctx, func(ctx context.Context, f *foundation) error {
		company, err := f.access.Company(ctx, c.Company)
		if err != nil {
			return err
		}
		keys, err := f.access.Keys(viewer.SystemFor(ctx, company.ID))
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tPREFIX\tNAME\tSCOPES\tSTATE")
		for _, key := range keys {
			state := "live"
			switch {
			case key.RevokedAt != nil:
				state = "revoked " + key.RevokedAt.Format(time.DateOnly)
			case key.ExpiresAt != nil && !f.now().Before(*key.ExpiresAt):
				state = "expired " + key.ExpiresAt.Format(time.DateOnly)
			}
			fmt.Fprintf(w, "%s\t%s…\t%s\t%s\t%s\n", key.ID, key.Prefix, key.Name, strings.Join(slices.Clone(key.Scopes), ","), state)
		}
		return w.Flush()
	})
}

type apiKeyRevoke struct {
	databaseSettings `embed:""`

	Company string `help:"Name or id of the company." required:""`
	ID      string `arg:"" help:"The key's id, from apikey list."`
}

// Run ends the key.
func (c apiKeyRevoke) Run(ctx context.Context, s streams) error {
	return c.with(ctx, func(ctx context.Context, f *foundation) error {
		company, err := f.access.Company(ctx, c.Company)
		if err != nil {
			return err
		}
		key, err := f.access.RevokeKey(viewer.SystemFor(ctx, company.ID), c.ID)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.Out, "revoked %s (%s…)\n", key.ID, key.Prefix)
		return err
	})
}
