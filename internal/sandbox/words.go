package sandbox

import (
	"net/http"
	"strings"

	"github.com/patchbay/patchbay/internal/provider"
)

// fail words a fault of the API as the provider's fixtures do.
func (v *vendor) fail(w http.ResponseWriter, f Fault) {
	shows := map[FaultKind]string{
		Unauthorized: provider.ShowsRevokedToken,
		RateLimited:  provider.ShowsRateLimit, TooManyRequests: provider.ShowsRateLimit,
	}
	a, ok := v.shown(shows[f.Kind])
	if !ok {
		failPlainly(w, nil, f)
		return
	}
	if given := w.Header().Get("Retry-After"); given != "" {
		a.Headers = withHeader(a.Headers, "Retry-After", given)
	}
	writeFixture(w, a, jsonBody(a))
}

// failPlainly words a fault where no vendor's words are known.
func failPlainly(w http.ResponseWriter, _ *http.Request, f Fault) {
	status, text := http.StatusInternalServerError, "Something went wrong on our side."
	switch f.Kind {
	case Unauthorized:
		status, text = http.StatusUnauthorized, "The credential is not valid."
	case RateLimited, TooManyRequests:
		status, text = http.StatusTooManyRequests, "There are too many requests."
	}
	writeJSON(w, status, map[string]any{"error": text})
}

// notFound answers as the provider does where there is nothing.
func (v *vendor) notFound(w http.ResponseWriter) {
	for _, f := range v.fixtures() {
		if f.Verdict == provider.NotFound {
			writeFixture(w, f.Answer, jsonBody(f.Answer))
			return
		}
	}
	writeJSON(w, http.StatusNotFound, map[string]any{"error": "not_found", "message": "The sandbox has nothing here."})
}

func jsonBody(a provider.Answer) any {
	if a.Body == nil {
		return nil
	}
	return jsonOf(a.Body)
}

func withHeader(headers map[string]string, name, value string) map[string]string {
	out := map[string]string{name: value}
	for k, v := range headers {
		if !strings.EqualFold(k, name) {
			out[k] = v
		}
	}
	return out
}
