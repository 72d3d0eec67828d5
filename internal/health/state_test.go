package health_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/patchbay/patchbay/internal/health"
)

// TestEveryReasonOfTheContractSaysWhatItMeansAndWhatToDo goes through the reasons that a client may be told.
func TestEveryReasonOfTheContractSaysWhatItMeansAndWhatToDo(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../schema.graphql")
	if err != nil {
		t.Fatal(err)
	}
	contract, err := gqlparser.LoadSchema(&ast.Source{Input: string(text)})
	if err != nil {
		t.Fatal(err)
	}
	values := func(enum string) (names []string) {
		for _, v := range contract.Types[enum].EnumValues {
			names = append(names, v.Name)
		}
		return names
	}
	at := time.Now()
	for _, name := range values("HealthReason") {
		reason := health.Reason(name)
		state := health.Finding{Reason: reason}.State(at)
		well := reason == health.OK
		if !slices.Contains(values("HealthStatus"), string(state.Status)) || (state.Status == health.Healthy) != well {
			t.Errorf("%s is %q", reason, state.Status)
		}
		if !slices.Contains(values("HealthAction"), string(state.Action)) || (state.Action == health.None) != well {
			t.Errorf("%s: what to do is %q", reason, state.Action)
		}
		if (state.Message == "") != well {
			t.Errorf("%s says %q", reason, state.Message)
		}
		unasked := reason == health.NotYetChecked || reason == health.NotConfigured
		if (state.CheckedAt == nil) != unasked {
			t.Errorf("%s was proved at %v", reason, state.CheckedAt)
		}
	}
}
