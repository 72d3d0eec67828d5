package sandbox

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// echoes are hosts where any request is answered with what it says: endpoints of a company's own, to be connected as a
// webhook or as an API that only its owner knows.
var echoes = []string{"api.example.com", "hook.example.com"}

// echo answers a question as a webhook does, and any other request with one record that repeats it under the names
// where APIs keep their lists.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": "The request cannot be read."})
		return
	}
	var sent any
	_ = json.Unmarshal(body, &sent) // what is not JSON is not repeated
	if asked, ok := sent.(map[string]any); ok {
		if question, ok := asked["query"].(string); ok && asked["capability"] != nil {
			writeJSON(w, http.StatusOK, map[string]any{"results": []any{map[string]any{
				"content":         "The sandbox heard: " + question,
				"structured_data": map[string]any{"capability": asked["capability"], "query": question, "user": asked["user"]},
			}}})
			return
		}
	}
	query := map[string]any{}
	for name, values := range r.URL.Query() {
		query[name] = strings.Join(values, ",")
	}
	said := []string{}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		said = append(said, name+" = "+query[name].(string))
	}
	record := map[string]any{
		"id": "1", "title": r.Method + " " + r.URL.Path, "name": r.URL.Path, "content": strings.Join(said, ", "),
		"url": "https://" + r.Host + r.URL.Path, "status": "open", "query": query, "body": sent,
	}
	out := maps.Clone(record)
	for _, list := range []string{"results", "items", "data"} {
		out[list] = []any{record}
	}
	writeJSON(w, http.StatusOK, out)
}
