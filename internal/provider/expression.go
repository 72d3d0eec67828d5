package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/itchyny/gojq"
)

const (
	// maxExpression is the longest source of an expression, in bytes.
	maxExpression = 8 << 10
	// maxOutputs is how many values are taken of one expression: many times what a question can ask for.
	maxOutputs = 1000
)

// Expression is a jq program of a manifest, compiled when the manifest is decoded. It sees no environment, no clock and
// no file. Besides its input it knows $in, the document that requests are made from, and $headers, those of the answer.
type Expression struct {
	source string
	line   int
	code   *gojq.Code
	// reads are the parts of the question that it reads from its input, readsIn those from $in; see Capability.Takes.
	reads, readsIn []string
}

// errExpression is what running an expression fails with. The engine's own messages quote values, so they stay out.
var (
	errExpression = errors.New("the expression failed on this input")
	errTooLong    = fmt.Errorf("the expression ran for more than %v", expressionTime)
	errTooMuch    = fmt.Errorf("the expression ran more than %d instructions", expressionSteps)
)

// UnmarshalYAML compiles the expression. Errors name the line of the manifest.
func (e *Expression) UnmarshalYAML(node ast.Node) error {
	tk := node.GetToken()
	e.line = tk.Position.Line
	if err := yaml.NodeToValue(node, &e.source); err != nil {
		return err
	}
	if _, ok := node.(*ast.LiteralNode); ok {
		e.line++ // the text begins below the mark
	}
	if len(e.source) > maxExpression {
		return &Finding{Line: e.line, Message: fmt.Sprintf("jq: the expression is longer than %d bytes", maxExpression)}
	}
	query, err := gojq.Parse(e.source)
	if err != nil {
		line := e.line
		if pe, ok := errors.AsType[*gojq.ParseError](err); ok {
			line += strings.Count(e.source[:min(max(pe.Offset-1, 0), len(e.source))], "\n")
		}
		return &Finding{Line: line, Message: "jq: " + err.Error()}
	}
	if err := guard(query); err != nil {
		return &Finding{Line: e.line, Message: "jq: " + err.Error()}
	}
	e.code, err = gojq.Compile(query, append(functions(), gojq.WithVariables([]string{"$in", "$headers"}))...)
	if err != nil {
		return &Finding{Line: e.line, Message: "jq: " + err.Error()}
	}
	e.reads, e.readsIn = partsRead(questionField, e.source), partsRead(questionOf, e.source)
	return nil
}

// MarshalYAML returns the expression as it was written.
func (e *Expression) MarshalYAML() (any, error) { return e.source, nil }

// first returns the first value that the expression yields, and nil when it yields none.
func (e *Expression) first(ctx context.Context, input, in, headers any) (any, error) {
	var out any
	err := e.run(ctx, input, in, headers, func(v any) bool {
		out = v
		return false
	})
	return out, err
}

// firstFound returns the first value that is not null, and nil when there is none.
func (e *Expression) firstFound(ctx context.Context, input, in, headers any) (any, error) {
	var out any
	err := e.run(ctx, input, in, headers, func(v any) bool {
		out = v
		return v == nil
	})
	return out, err
}

// all returns the values that the expression yields, the first maxOutputs of them.
func (e *Expression) all(ctx context.Context, input, in, headers any) ([]any, error) {
	var out []any
	err := e.run(ctx, input, in, headers, func(v any) bool {
		out = append(out, v)
		return len(out) < maxOutputs
	})
	return out, err
}

// saidError is what error("words") in an expression fails with: words for the person who asks.
type saidError struct{ words string }

// Error returns the words.
func (e *saidError) Error() string { return e.words }

// Value returns the words, which makes the error one that an expression may catch.
func (e *saidError) Value() any { return e.words }

// run gives every value that the expression yields to more, until that returns false.
func (e *Expression) run(ctx context.Context, input, in, headers any, more func(any) bool) error {
	limited, cancel := context.WithTimeout(ctx, expressionTime)
	defer cancel()
	iter := e.code.RunWithContext(&work{limited, expressionSteps}, input, in, headers)
	for {
		v, ok := iter.Next()
		if !ok {
			return nil
		}
		if failed, isError := v.(error); isError {
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case limited.Err() != nil:
				return errTooLong
			case errors.Is(failed, errTooMuch):
				return errTooMuch
			}
			if said, ok := errors.AsType[gojq.ValueError](failed); ok {
				if words, ok := said.Value().(string); ok && words != "" {
					return &saidError{words}
				}
			}
			return errExpression
		}
		if !more(v) {
			return nil
		}
	}
}
