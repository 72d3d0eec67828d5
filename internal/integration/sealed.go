package integration

import (
	"encoding/json"
	"fmt"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/connectattempt"
	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/seal"
)

// sealedVerifier is a PKCE verifier, for the address and for the row.
type sealedVerifier struct {
	plain  seal.Secret
	sealed seal.Sealed
}

// newVerifier makes a PKCE verifier and seals it into its row; both parts are empty where the provider takes no PKCE.
func (s *Service) newVerifier(p *provider.Provider, company, row string) (sealedVerifier, error) {
	if p.Auth.OAuth2.PKCE == oauth.PKCENone {
		return sealedVerifier{}, nil
	}
	plain := oauth.NewVerifier()
	sealed, err := s.Ring.Seal(plain, attemptPlace(company, row, connectattempt.FieldVerifier))
	return sealedVerifier{plain, sealed}, err
}

func (s *Service) openVerifier(row *ent.ConnectAttempt) (seal.Secret, error) {
	verifier, err := s.Ring.Open(row.Verifier, attemptPlace(row.CompanyID, row.ID, connectattempt.FieldVerifier))
	if err != nil {
		return seal.Secret{}, fmt.Errorf("open the verifier of an attempt: %w", err)
	}
	return verifier, nil
}

// sealSecrets seals what the config held of secrets until the callback stores it with the tokens.
func (s *Service) sealSecrets(secrets map[string]seal.Secret, company, row string) (seal.Sealed, error) {
	if len(secrets) == 0 {
		return nil, nil
	}
	plain := make(map[string]string, len(secrets))
	for name, secret := range secrets {
		plain[name] = secret.Reveal()
	}
	text, err := json.Marshal(plain)
	if err != nil {
		return nil, fmt.Errorf("encode secrets: %w", err)
	}
	return s.Ring.Seal(seal.NewSecret(string(text)), attemptPlace(company, row, connectattempt.FieldSecrets))
}

func (s *Service) openSecrets(row *ent.ConnectAttempt) (map[string]seal.Secret, error) {
	text, err := s.Ring.Open(row.Secrets, attemptPlace(row.CompanyID, row.ID, connectattempt.FieldSecrets))
	if err != nil {
		return nil, fmt.Errorf("open the secrets of an attempt: %w", err)
	}
	if text.IsZero() {
		return nil, nil //nolint:nilnil // a map without entries
	}
	var plain map[string]string
	if err := json.Unmarshal([]byte(text.Reveal()), &plain); err != nil {
		return nil, fmt.Errorf("the secrets of attempt %s cannot be read", row.ID)
	}
	secrets := make(map[string]seal.Secret, len(plain))
	for name, value := range plain {
		secrets[name] = seal.NewSecret(value)
	}
	return secrets, nil
}

func attemptPlace(company, row, column string) seal.Place {
	return seal.Place{Company: company, Table: connectattempt.Table, Row: row, Column: column}
}
