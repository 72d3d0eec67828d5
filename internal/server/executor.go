package server

import (
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/patchbay/patchbay/internal/server/limits"
)

// newExecutor assembles gqlgen's executor. The order of the extensions matters: what is cheap to refuse comes first.
func (s *Server) newExecutor() *executor.Executor {
	exec := executor.New(s.opts.Schema)
	exec.SetQueryCache(documents{lru.New[*ast.QueryDocument](1000)})
	exec.SetParserTokenLimit(s.opts.Limits.Document.Tokens)
	exec.SetDisableSuggestion(true)
	exec.SetDefaultRulesFn(ruleset)
	for _, e := range s.opts.Limits.Document.Extensions() {
		exec.Use(e)
	}
	exec.Use(limits.Introspection(s.opts.Introspect))
	for _, e := range s.opts.Extensions {
		exec.Use(e)
	}
	for _, f := range s.opts.AroundOperations {
		exec.AroundOperations(f)
	}
	for _, f := range s.opts.AroundResponses {
		exec.AroundResponses(f)
	}
	exec.SetErrorPresenter(s.present)
	exec.SetRecoverFunc(s.recoverResolver)
	return exec
}

// ruleset returns the rules of the specification, without guesses at what the author meant: those describe the schema
// to callers who may not read it. SetDisableSuggestion covers the rules that are not named here.
func ruleset() *rules.Rules {
	set := rules.NewDefaultRules()
	for name, quiet := range map[string]core.Rule{
		rules.KnownArgumentNamesRule.Name:  rules.KnownArgumentNamesRuleWithoutSuggestions,
		rules.KnownTypeNamesRule.Name:      rules.KnownTypeNamesRuleWithoutSuggestions,
		rules.ValuesOfCorrectTypeRule.Name: rules.ValuesOfCorrectTypeRuleWithoutSuggestions,
	} {
		set.ReplaceRule(name, quiet.RuleFunc)
	}
	return set
}

// documents caches parsed documents, but none that is large, so that its size is bounded, and none with a string in
// it: those differ from call to call, and the string may be a secret that must not stay in memory.
type documents struct {
	graphql.Cache[*ast.QueryDocument]
}

// Add keeps doc if it may be kept.
func (d documents) Add(ctx context.Context, query string, doc *ast.QueryDocument) {
	if len(query) <= 16<<10 && !strings.Contains(query, `"`) {
		d.Cache.Add(ctx, query, doc)
	}
}
