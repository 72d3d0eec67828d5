package provider_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
)

func withNext(jq string) string {
	return strings.Replace(tickets, "    next: .next\n", "    next: |\n      "+jq+"\n", 1)
}

func TestExpressionsThatCouldGrowWithoutBoundsAreRefused(t *testing.T) {
	t.Parallel()
	for _, jq := range []string{
		`"x" * 1000000000`, `1000000000 * "x"`, `. as $s | $s * 9`, `.a * .b`, `(.a | tonumber) * .b`,
		`[range(1e9)]`, `[range(0; 9; 1)]`, `repeat(.)`, `[limit(3; repeat(1))]`, `until(false; .)`, `while(true; .)`,
		`recurse(.)`, `recurse(. + 1)`, `recurse(.[0:1])`, `recurse(.; true)`, `def f: f; f`, `[.[] | def g: 1; g]`,
		`reduce .[] as $i (0; . + $i)`, `foreach .[] as $i (0; . + $i)`, `label $out | break $out`,
		`[[1, 2], [3, 4]] | [combinations]`, `walk(. + .)`, `setpath([100000000]; 1)`, `.[100000000] = 1`, `.a |= . + .`,
		`.a += 1`, `pick(.[100000000])`, `input`, `inputs`, `debug`, `env`, `$ENV`, `$__loc__`, `now`, `localtime`, `halt`,
		`input_filename`, `import "a" as a; 1`, `include "a"; 1`, `getpath(["a"]) as [$x] | range($x)`,
		`join(.)`, `gsub("a"; .)`, `gsub("a"; "\(.x)")`, `[.[] | transpose]`, `ltrimstr("a") | @sh "\(repeat(.))"`,
		`{(repeat("a")): 1}`, `if true then repeat(1) else 1 end`, `try repeat(1) catch 1`, `.[repeat(1)]`, `-(repeat(1))`,
		`.a as {b: $c} | $d`, `. as [$a, {b: $c}] | repeat($c)`, `"\(repeat(1))"`, `first(repeat(1))`,
		`.` + strings.Repeat(` | . + .`, 40), `.` + strings.Repeat(` | "\(.)\(.)"`, 40), `.` + strings.Repeat(` | [., .]`, 40),
		`.` + strings.Repeat(` | gsub("a"; "aaaaaaaaaa")`, 10), `.` + strings.Repeat(` | tojson`, 20), `. as $a | ($a + $a) as $b | ($b + $b)` +
			strings.Repeat(` as $b | ($b + $b)`, 40), `"` + strings.Repeat("x", 9000) + `"`,
	} {
		if p, findings := provider.Decode("tickets.yaml", []byte(withNext(jq))); p != nil {
			t.Errorf("%.80s was taken", jq)
		} else if findings[0].Line < 32 {
			t.Errorf("%.80s: %s", jq, findings[0].Error())
		}
	}
}

func TestOrdinaryExpressionsAreTaken(t *testing.T) {
	t.Parallel()
	for _, jq := range []string{
		`.a // "b"`, `(.seconds | tonumber) * 1000`, `(.ms | tonumber) / 1000 | todate`, `[.[] | select(.a == 1) | .b] | add`,
		`.. | strings`, `[recurse(.parts[]?) | .id]`, `to_entries | map({key, value: .value}) | from_entries`,
		`.a | split(",") | map(trim) | unique | join(", ")`, `if .a then .b elif .c then .d else null end`,
		`. as {a: $x, b: [$y]} | [$x, $y]`, `try error catch "no"`, `$headers.link | capture("<(?<u>[^>]+)>") | .u`,
		`$in.config.desk`, `-(.a | length) * 2`, `"\(.a)-\(.b | @uri)" | @base64`, `.a[1:3]`, `.["a b"].c?`,
	} {
		if _, findings := provider.Decode("tickets.yaml", []byte(withNext(jq))); len(findings) > 0 {
			t.Errorf("%s: %s", jq, findings[0].Error())
		}
	}
}

// The bubble's clock stands still while something runs, so what stops the expression is its work.
func TestAnExpressionThatTakesTooLongIsStopped(t *testing.T) {
	t.Parallel()
	p := decode(t, withNext(`[.tickets[] as $a | .tickets[] as $b | .tickets[] as $c | .tickets[] as $d | select($a.x == 1)] | length`))
	body := `{"tickets":[` + strings.Repeat(`{},`, 500) + `{}]}`
	synctest.Test(t, func(t *testing.T) {
		_, err := p.Capabilities[0].Map(t.Context(), provider.Input{}, provider.Response{Status: 200, Body: []byte(body)})
		failed, _ := errors.AsType[*problem.Error](err)
		if failed == nil || failed.Code != problem.ProviderFailed || !strings.Contains(err.Error(), "in time") || failed.Retryable {
			t.Errorf("want a provider failure for good, got %v", err)
		}
	})
}

func TestACancelledCallerIsNotTheProvidersFailure(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := decode(t, tickets)
	_, err := p.Capabilities[0].Map(ctx, provider.Input{}, provider.Response{Status: 200, Body: []byte(`{"tickets":[]}`)})
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("want the caller's cancellation, got %v", err)
	}
}
