package credential

import (
	"encoding/json"
	"fmt"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/seal"
)

// Columns of the table credentials that hold sealed values.
const (
	accessColumn  = "access_token"
	refreshColumn = "refresh_token"
	secretsColumn = "secrets"
)

func place(row *ent.Credential, column string) seal.Place {
	return seal.Place{Company: row.CompanyID, Table: "credentials", Row: row.ID, Column: column}
}

// bundle is what the secrets column holds.
type bundle struct {
	Secrets    map[string]string `json:"secrets,omitempty"`
	SigningKey string            `json:"signing_key,omitempty"`
}

func (s *Service) sealBundle(
	row *ent.Credential, secrets map[string]seal.Secret, key seal.Secret,
) (seal.Sealed, error) {
	if len(secrets) == 0 && key.IsZero() {
		return nil, nil
	}
	b := bundle{SigningKey: key.Reveal()}
	for name, value := range secrets {
		if b.Secrets == nil {
			b.Secrets = map[string]string{}
		}
		b.Secrets[name] = value.Reveal()
	}
	text, err := json.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("encode secrets: %w", err)
	}
	return s.Ring.Seal(seal.NewSecret(string(text)), place(row, secretsColumn))
}

// openBundle fails with one of seal's errors.
func (s *Service) openBundle(row *ent.Credential) (map[string]seal.Secret, seal.Secret, error) {
	text, err := s.Ring.Open(row.Secrets, place(row, secretsColumn))
	if err != nil || text.IsZero() {
		return nil, seal.Secret{}, err
	}
	var b bundle
	if json.Unmarshal([]byte(text.Reveal()), &b) != nil {
		return nil, seal.Secret{}, seal.ErrUnreadable
	}
	secrets := make(map[string]seal.Secret, len(b.Secrets))
	for name, value := range b.Secrets {
		secrets[name] = seal.NewSecret(value)
	}
	return secrets, seal.NewSecret(b.SigningKey), nil
}
