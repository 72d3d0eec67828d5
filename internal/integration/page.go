package integration

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/connectattempt"
	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/seal"
	"github.com/patchbay/patchbay/internal/viewer"
)

// StartPage says what a person is about to join, in words that they know.
type StartPage struct {
	Company  string   // the company that will use the account
	User     string   // whom it will be joined to; "" for the company itself
	Provider string   // the service's title
	Scopes   []string // what may be done with it, one phrase each
}

// FinishPage says what has been joined.
type FinishPage struct {
	Company, User, Provider string
	Account                 string // the account's name at the provider; "" when it has none
	RedirectURL             string // where the person goes on; always "" here, since they began on our own page
}

// Start describes the attempt behind a state, for a browser without any credential: the state itself is what lets it
// look. It changes nothing.
func (s *Service) Start(ctx context.Context, state string) (StartPage, error) {
	row, err := s.waiting(ctx, state)
	if err != nil {
		return StartPage{}, err
	}
	p, err := s.providerNamed(row.Provider)
	if err != nil {
		return StartPage{}, err
	}
	page := StartPage{Provider: p.Title}
	for _, scope := range p.Auth.OAuth2.Scopes {
		if slices.Contains(row.Scopes, scope.Name) {
			page.Scopes = append(page.Scopes, phrase(scope))
		}
	}
	page.Company, page.User, err = s.people(viewer.SystemFor(ctx, row.CompanyID), row)
	return page, err
}

// Continue binds the attempt to a browser, by the SHA-256 of a secret that only that browser keeps, and returns the
// provider's consent page. The same browser may ask again; another one is refused from then on.
func (s *Service) Continue(ctx context.Context, state, browser string) (string, error) {
	row, err := s.waiting(ctx, state)
	if err != nil {
		return "", err
	}
	p, client, err := s.connectable(row.Provider)
	if err != nil {
		return "", err
	}
	if client.ID != row.ClientID {
		return "", errState
	}
	verifier, err := s.openVerifier(row)
	if err != nil {
		return "", err
	}
	ctx = viewer.SystemFor(ctx, row.CompanyID)
	n, err := s.Store.Client(ctx).ConnectAttempt.Update().Where(connectattempt.ID(row.ID), connectattempt.TakenAtIsNil(),
		connectattempt.Or(connectattempt.BrowserHashIsNil(), connectattempt.BrowserHash(browser))).
		SetBrowserHash(browser).Save(ctx)
	if err != nil {
		return "", fmt.Errorf("bind an attempt to a browser: %w", err)
	}
	if n == 0 {
		return "", errState
	}
	return s.authorizeURL(p, client, row, seal.NewSecret(state), verifier)
}

// Finish takes what the provider sent back to our own callback page, from the browser that was bound to the attempt.
func (s *Service) Finish(ctx context.Context, params url.Values, browser string) (FinishPage, error) {
	said := answer{code: params.Get("code"), refusal: params.Get("error"), issuer: params.Get("iss")}
	if err := errors.Join(outside(ctx), said.validate()); err != nil {
		return FinishPage{}, err
	}
	row, err := s.waiting(ctx, params.Get("state"))
	if err != nil {
		return FinishPage{}, err
	}
	p, err := s.providerNamed(row.Provider)
	if err != nil {
		return FinishPage{}, err
	}
	if row.BrowserHash == nil || *row.BrowserHash != browser {
		return FinishPage{}, errState
	}
	if err := s.vouched(row, params); err != nil {
		return FinishPage{}, err
	}
	ctx = asOwner(ctx, row)
	row, err = s.take(ctx, params.Get("state"), connectattempt.OwnPage(true), connectattempt.BrowserHash(browser))
	if err != nil {
		return FinishPage{}, err
	}
	connected, err := s.finish(ctx, row, said)
	if err != nil {
		return FinishPage{}, err
	}
	page := FinishPage{Provider: p.Title}
	if connected.AccountName != nil {
		page.Account = *connected.AccountName
	}
	page.Company, page.User, err = s.people(ctx, row)
	return page, err
}

// waiting returns an attempt of our own pages that can still go on. The company is not known before, so it is looked
// for among all.
func (s *Service) waiting(ctx context.Context, state string) (*ent.ConnectAttempt, error) {
	row, err := s.attempt(viewer.System(ctx), state)
	if err != nil {
		return nil, err
	}
	if !row.OwnPage || row.TakenAt != nil || s.progress(row).Status != Pending {
		return nil, errState
	}
	return row, nil
}

// asOwner is the context of whoever finishes an attempt on our own pages: the user it is bound to.
func asOwner(ctx context.Context, row *ent.ConnectAttempt) context.Context {
	v := viewer.Viewer{Company: row.CompanyID, Actor: "system", System: true}
	if row.UserID != nil {
		v.User, v.Actor = *row.UserID, *row.UserID
	}
	return viewer.With(ctx, v)
}

// people returns the names of the company and of the user that an attempt is bound to.
func (s *Service) people(ctx context.Context, row *ent.ConnectAttempt) (company, who string, err error) {
	co, err := s.Store.Client(ctx).Company.Get(ctx, row.CompanyID)
	if err != nil {
		return "", "", fmt.Errorf("read the company of an attempt: %w", err)
	}
	if row.UserID == nil {
		return co.Name, "", nil
	}
	u, err := s.Store.Client(ctx).User.Get(ctx, *row.UserID)
	if ent.IsNotFound(err) {
		return "", "", problem.New(problem.NotFound, "The user that this was to be connected for is gone.")
	}
	if err != nil {
		return "", "", fmt.Errorf("read the user of an attempt: %w", err)
	}
	return co.Name, nameOf(u), nil
}

// nameOf returns what a person would call the user: the name in the metadata, the customer's own id, or ours.
func nameOf(u *ent.User) string {
	if name, ok := u.Metadata["name"].(string); ok && name != "" {
		return clip(name, 100)
	}
	if u.ExternalID != nil {
		return *u.ExternalID
	}
	return u.ID
}

func phrase(scope oauth.Scope) string {
	if scope.Description != "" {
		return scope.Description
	}
	return scope.Name
}
