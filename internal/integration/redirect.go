package integration

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/internal/problem"
)

// maxRedirect is the longest redirect URL, in bytes.
const maxRedirect = 2048

func (s *Service) redirectFor(given *string) string {
	if given != nil {
		return *given
	}
	return s.CallbackURL()
}

// checkRedirect refuses a redirect URL that no browser could be sent back to safely (RFC 6749 section 3.1.2: absolute,
// without a fragment).
func checkRedirect(raw string) error {
	refuse := func(why string) error { return problem.New(problem.Invalid, "%s", why).At("input", "redirectUrl") }
	if len(raw) > maxRedirect {
		return refuse(fmt.Sprintf("The redirect URL is longer than %d bytes.", maxRedirect))
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Opaque != "" || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return refuse("The redirect URL must be an absolute http or https address.")
	case u.User != nil:
		return refuse("The redirect URL must not hold a user name or password.")
	case u.Fragment != "" || strings.Contains(raw, "#"):
		return refuse("The redirect URL must not have a fragment.")
	}
	return nil
}

// allowRedirect refuses a redirect URL whose host the operator has not listed.
func (s *Service) allowRedirect(raw *string) error {
	if raw == nil || len(s.RedirectHosts) == 0 {
		return nil
	}
	u, err := url.Parse(*raw)
	if err == nil && slices.ContainsFunc(s.RedirectHosts, func(allowed string) bool {
		return strings.EqualFold(allowed, u.Host) || strings.EqualFold(allowed, u.Hostname())
	}) {
		return nil
	}
	return problem.New(problem.Invalid,
		"The host of the redirect URL is not one that this server sends people back to; the operator lists them.").
		At("input", "redirectUrl")
}
