package oauth_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/internal/oauth"
	"github.com/patchbay/patchbay/internal/seal"
)

func signing() *oauth.Server {
	return &oauth.Server{Authorize: oauth.Authorize{
		Signed: &oauth.Signed{Parameter: "hmac", Match: map[string]string{"shop": "{shop}"}},
	}}
}

// TestAPublishedSignatureIsRight takes the examples that Shopify's documentation and the libraries for it give.
func TestAPublishedSignatureIsRight(t *testing.T) {
	t.Parallel()
	const shop = "some-shop.myshopify.com"
	s, err := signing().For(map[string]any{"shop": shop})
	if err != nil {
		t.Fatal(err)
	}
	client := oauth.Client{ID: "c", Secret: seal.NewSecret("hush")}
	for _, query := range []string{
		"code=0907a61c0c8d55e99db179b68161bc00&hmac=700e2dadb827fcc8609e9d5ce208b2e9cdaab9df07390d2cbca10d7c328fc4bf" +
			"&shop=" + shop + "&state=0.6784241404160823&timestamp=1337178173",
		"code=0907a61c0c8d55e99db179b68161bc00&hmac=4712bf92ffc2917d15a2f5a273e39f0116667419aa4b6ac0b3baaf26fa3c4d20" +
			"&shop=" + shop + "&timestamp=1337178173",
	} {
		parameters, _ := url.ParseQuery(query)
		if err := s.VerifyAnswer(client, parameters); err != nil {
			t.Error(err)
		}
		parameters.Set("timestamp", "1337178174")
		if s.VerifyAnswer(client, parameters) == nil {
			t.Error("another time has the same signature")
		}
	}
}

func TestASignatureIsTakenInBothWaysToEscape(t *testing.T) {
	t.Parallel()
	s, client := signing(), oauth.Client{Secret: seal.NewSecret("key")}
	s.Authorize.Signed.Match = nil
	parameters := url.Values{"host": {"YWI/YQ=="}, "a&b=c%": {"1&2%3=4 5"}}
	for _, text := range []string{
		"a%26b%3Dc%25=1%262%253%3D4+5&host=YWI%2FYQ%3D%3D", "a%26b%3Dc%25=1%262%253=4 5&host=YWI/YQ==",
	} {
		mac := hmac.New(sha256.New, []byte("key"))
		mac.Write([]byte(text))
		parameters.Set("hmac", strings.ToUpper(hex.EncodeToString(mac.Sum(nil))))
		if err := s.VerifyAnswer(client, parameters); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	// without escaping, one parameter could be read as two
	mac := hmac.New(sha256.New, []byte("key"))
	mac.Write([]byte("a=1&b=2"))
	joined := url.Values{"a": {"1&b=2"}, "hmac": {hex.EncodeToString(mac.Sum(nil))}}
	if s.VerifyAnswer(client, joined) == nil {
		t.Error("one parameter passes for two")
	}
}

func TestAClientWithoutASecretVerifiesNothing(t *testing.T) {
	t.Parallel()
	s := signing()
	s.Authorize.Signed.Match = nil
	mac := hmac.New(sha256.New, nil)
	mac.Write([]byte("a=1"))
	if s.VerifyAnswer(oauth.Client{}, url.Values{"a": {"1"}, "hmac": {hex.EncodeToString(mac.Sum(nil))}}) == nil {
		t.Error("an empty key was taken")
	}
	if err := (&oauth.Server{}).VerifyAnswer(oauth.Client{}, nil); err != nil {
		t.Errorf("a server that signs nothing: %v", err)
	}
}
