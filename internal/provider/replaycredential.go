package provider

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/patchbay/patchbay/internal/seal"
)

// grantedToken is the access token of a credential fixture of kind OAuth2.
const grantedToken = "access-token"

// replayCredential authenticates the fixture's request with its config. The config must be valid for the kind and mean
// no other, and hold what is secret where a secret belongs.
func (p *Provider) replayCredential(ctx context.Context, f Fixture) error {
	if !slices.Contains(p.AuthKinds(), f.Kind) {
		return fmt.Errorf("kind: %q is not one of %s", f.Kind, strings.Join(p.AuthKinds(), ", "))
	}
	if kind := p.KindFor(f.Input.Config); kind != f.Kind {
		return fmt.Errorf("kind: the config means %s", kind)
	}
	if err := p.ValidateConfig(f.Kind, f.Input.Config); err != nil {
		return err
	}
	method, address, _ := strings.Cut(f.Request, " ")
	before, _, _ := strings.Cut(address, "?")
	req, err := http.NewRequestWithContext(ctx, method, before, bytes.NewReader(nil))
	if err != nil {
		return fmt.Errorf("request: %w", err)
	}
	c := Credential{
		Kind: f.Kind, Secrets: map[string]seal.Secret{}, Now: time.Unix(0, 0), SigningKey: seal.NewSecret("signing-key"),
	}
	config, secrets := p.SplitSecrets(f.Input.Config)
	c.Config = config
	for name, secret := range secrets {
		c.Secrets[name] = seal.NewSecret(secret)
	}
	switch {
	case f.Kind == OAuth2:
		c.Access = seal.NewSecret(grantedToken)
	case f.Kind != None && len(secrets) == 0:
		return errors.New("the config holds no secret: none of what it gives is writeOnly")
	}
	if err := p.Authenticate(req, c); err != nil {
		return err
	}
	got := map[string]string{}
	for name := range req.Header {
		if p.Sign == nil || name != http.CanonicalHeaderKey(p.Sign.Timestamp) && name != http.CanonicalHeaderKey(p.Sign.Signature) {
			got[name] = req.Header.Get(name)
		}
	}
	want := map[string]string{}
	for name, value := range f.Headers {
		want[http.CanonicalHeaderKey(name)] = value
	}
	return errors.Join(differs("request", f.Request, method+" "+req.URL.String()), differs("headers", want, got))
}

// credentialOf names what the fixtures of a way to authenticate must show.
func credentialOf(kind string) string { return "the credential of " + kind }
