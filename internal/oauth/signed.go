package oauth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/internal/seal"
)

// Signed says that the server signs the parameters with which it sends a person back: one of them is the hexadecimal
// HMAC-SHA256 of the others, keyed by the client's secret.
type Signed struct {
	// Parameter is the name of the one that holds the signature.
	Parameter string `yaml:"parameter"`
	// Match names parameters that must have these values, in any case of letters; settings of the integration may stand in
	// them, as {shop_domain}.
	Match map[string]string `yaml:"match"`
}

// Faults of an answer that was to be signed. None repeats a value of it.
var (
	errUnsigned = errors.New("oauth: the answer is not signed by this server")
	errRepeated = errors.New("oauth: a parameter of the answer stands there twice")
)

// VerifyAnswer proves that the parameters with which a person came back are what this server sent: that they are signed
// and match. The server must be one that For returned, so that what they must match is filled in. It returns nil where
// the server signs nothing.
func (s *Server) VerifyAnswer(client Client, parameters url.Values) error {
	rule := s.Authorize.Signed
	if rule == nil {
		return nil
	}
	for _, values := range parameters {
		if len(values) != 1 {
			return errRepeated
		}
	}
	said, err := hex.DecodeString(parameters.Get(rule.Parameter))
	if err != nil || len(said) != sha256.Size || client.Secret.IsZero() {
		return errUnsigned
	}
	rest := maps.Clone(parameters)
	delete(rest, rule.Parameter)
	// Servers agree on the order and differ in how they escape. Read either way, a text means one answer, save that a blank
	// and a plus may stand for each other: no code, state or host name has them.
	if !hmac.Equal(said, signature(client.Secret, rest.Encode())) && !hmac.Equal(said, signature(client.Secret, plain(rest))) {
		return errUnsigned
	}
	for _, name := range slices.Sorted(maps.Keys(rule.Match)) {
		if !strings.EqualFold(parameters.Get(name), rule.Match[name]) {
			return fmt.Errorf("oauth: the answer's %s is another than the one that was asked", name)
		}
	}
	return nil
}

func signature(key seal.Secret, text string) []byte {
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

var (
	inName  = strings.NewReplacer("%", "%25", "&", "%26", "=", "%3D")
	inValue = strings.NewReplacer("%", "%25", "&", "%26")
)

// plain writes parameters in their order, with nothing escaped but what separates them.
func plain(parameters url.Values) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		parts = append(parts, inName.Replace(name)+"="+inValue.Replace(parameters.Get(name)))
	}
	return strings.Join(parts, "&")
}
