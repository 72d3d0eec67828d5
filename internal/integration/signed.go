package integration

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/internal/problem"
)

// vouched refuses an answer that the provider's server has not sent for this attempt, where it signs its answers. It is
// asked before the state is spent: whoever makes an answer up changes nothing.
func (s *Service) vouched(row *ent.ConnectAttempt, parameters url.Values) error {
	p, err := s.providerNamed(row.Provider)
	if err != nil {
		return err
	}
	server, err := oauthFor(p, row.Config)
	if err != nil {
		return err
	}
	if server == nil || server.Authorize.Signed == nil {
		return nil
	}
	client, _ := s.Client(p.ClientGroup())
	if err := server.VerifyAnswer(client, parameters); err != nil {
		return problem.New(problem.StateMismatch, "What came back is not signed by %s for this connection. Pass on all query "+
			"parameters as they came, or start the connection again.", p.Title).At("input", "parameters").Because(err)
	}
	return nil
}

// vouchedFor is vouched for what a caller's own page received. Whom the state is bound to is checked when it is taken.
func (s *Service) vouchedFor(ctx context.Context, in CallbackInput) error {
	row, err := s.attempt(ctx, in.State)
	if err != nil {
		return err
	}
	if row.Provider != in.Provider || row.OwnPage || !equal(row.UserID, in.UserID) {
		return errState
	}
	parameters := url.Values{}
	for name, value := range in.Parameters {
		parameters.Set(name, parameterText(value))
	}
	said := in.answer()
	if err := s.vouched(row, parameters); err != nil {
		return err
	}
	if p, ok := s.Catalog.Get(row.Provider); ok && p.Auth.OAuth2.Authorize.Signed != nil &&
		(parameters.Get("code") != said.code || parameters.Get("state") != in.State) {
		return problem.New(problem.StateMismatch, "The code and the state are others than those that were signed.").
			At("input", "parameters")
	}
	return nil
}

// parameterText writes a parameter as it stood in the address, also one that a caller has read as a number. What was never
// one parameter is empty, and so is not what was signed.
func parameterText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case int64:
		return strconv.FormatInt(v, 10)
	case int:
		return strconv.Itoa(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}
