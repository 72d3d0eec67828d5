package server

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"

	"github.com/patchbay/patchbay/internal/problem"
)

// parseParams reads the parameters of one request: the body of a POST or the payload of a socket's subscribe. What is
// wrong is named, never shown.
func parseParams(body []byte) (*graphql.RawParams, *problem.Error) {
	body = bytes.TrimLeft(body, " \t\r\n")
	if len(body) > 0 && body[0] == '[' {
		return nil, bodyBatched
	}
	var raw struct {
		Query         json.RawMessage `json:"query"`
		OperationName json.RawMessage `json:"operationName"`
		Variables     json.RawMessage `json:"variables"`
		Extensions    json.RawMessage `json:"extensions"`
	}
	if !utf8.Valid(body) || len(body) == 0 || body[0] != '{' || json.Unmarshal(body, &raw) != nil {
		return nil, bodyNotJSON
	}
	params := &graphql.RawParams{}
	if len(raw.Query) == 0 || !decode(raw.Query, &params.Query) || params.Query == "" {
		return nil, queryMissing
	}
	if !decode(raw.OperationName, &params.OperationName) {
		return nil, nameWrong
	}
	if !decode(raw.Variables, &params.Variables) {
		return nil, varsWrong
	}
	if !decode(raw.Extensions, &params.Extensions) {
		return nil, extWrong
	}
	return params, nil
}

// decode reads raw into v and reports whether it fits; absent and null leave v as it is. Numbers keep all their digits.
func decode(raw json.RawMessage, v any) bool {
	if len(raw) == 0 {
		return true
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return d.Decode(v) == nil
}
