package sandbox

import (
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/patchbay/patchbay/internal/problem"
)

// control serves the sandbox's own paths under /_sandbox/. Changes take JSON only, which a foreign web page cannot send
// without asking first.
func (s *Sandbox) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_sandbox/faults", func(w http.ResponseWriter, _ *http.Request) {
		list := []faultJSON{}
		for _, f := range s.faults.List() {
			list = append(list, faultToJSON(f))
		}
		writeJSON(w, http.StatusOK, map[string]any{"faults": list})
	})
	mux.HandleFunc("POST /_sandbox/faults", s.postFault)
	mux.HandleFunc("DELETE /_sandbox/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.faults.Clear()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("DELETE /_sandbox/faults/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.Atoi(r.PathValue("id"))
		if err != nil || !s.faults.Remove(id) {
			writeJSON(w, http.StatusNotFound, map[string]any{"error": "There is no fault with this number."})
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /_sandbox/grants", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"grants": s.Grants()})
	})
	mux.HandleFunc("GET /_sandbox/requests", func(w http.ResponseWriter, r *http.Request) {
		host, path := r.FormValue("host"), r.FormValue("path")
		writeJSON(w, http.StatusOK, map[string]any{"host": host, "path": path, "count": s.Requests(host, path)})
	})
	mux.HandleFunc("GET /_sandbox/providers", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"providers": s.Playable()})
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusNotFound, map[string]any{
			"error": "There is nothing here. The sandbox has /_sandbox/providers, /_sandbox/faults, /_sandbox/grants and " +
				"/_sandbox/requests.",
			"hosts": s.Hosts(),
		})
	})
	return mux
}

// faultJSON is a Fault on the control path; durations are written as in "1.5s".
type faultJSON struct {
	ID         int       `json:"id,omitempty"`
	Kind       FaultKind `json:"kind"`
	Host       string    `json:"host,omitempty"`
	Path       string    `json:"path,omitempty"`
	Account    string    `json:"account,omitempty"`
	Group      string    `json:"group,omitempty"`
	Grant      string    `json:"grant,omitempty"`
	Times      int       `json:"times,omitempty"`
	Applied    int       `json:"applied,omitempty"`
	RetryAfter duration  `json:"retryAfter,omitzero"`
	Delay      duration  `json:"delay,omitzero"`
	Bytes      int64     `json:"bytes,omitempty"`
	Status     int       `json:"status,omitempty"`
	Body       string    `json:"body,omitempty"`
	Scopes     []string  `json:"scopes,omitempty"`
}

type duration time.Duration

func (d duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

func (d *duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = duration(v)
	return err
}

func faultToJSON(f Fault) faultJSON {
	return faultJSON{f.ID, f.Kind, f.Host, f.Path, f.Account, f.Group, f.Grant, f.Times, f.Applied,
		duration(f.RetryAfter), duration(f.Delay), f.Bytes, f.Status, f.Body, f.Scopes}
}

func (j faultJSON) fault() Fault {
	return Fault{j.ID, j.Kind, j.Host, j.Path, j.Account, j.Group, j.Grant, j.Times, j.Applied,
		time.Duration(j.RetryAfter), time.Duration(j.Delay), j.Bytes, j.Status, j.Body, j.Scopes}
}

func (s *Sandbox) postFault(w http.ResponseWriter, r *http.Request) {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		writeJSON(w, http.StatusUnsupportedMediaType,
			map[string]any{"error": "Send the fault as JSON, with Content-Type: application/json."})
		return
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest))
	dec.DisallowUnknownFields()
	var in faultJSON
	if err := dec.Decode(&in); err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": "This is not a fault: " + err.Error()})
		return
	}
	id, err := s.faults.Add(in.fault())
	switch {
	case problem.Is(err, problem.BadInput):
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": problem.All(err)[0].Message})
	case err != nil:
		writeJSON(w, http.StatusInternalServerError, map[string]any{"error": "The fault could not be written down."})
	case id == 0:
		writeJSON(w, http.StatusOK, map[string]any{"done": in.Kind})
	default:
		in.ID = id
		writeJSON(w, http.StatusCreated, in)
	}
}

// writeJSON answers with a JSON document.
func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(body) // the client has gone: nobody to tell
}
