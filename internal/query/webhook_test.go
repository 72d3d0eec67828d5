package query_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/internal/health"
	"github.com/patchbay/patchbay/internal/id"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/provider"
	"github.com/patchbay/patchbay/internal/query"
	"github.com/patchbay/patchbay/internal/seal"
)

func TestAWebhookReceivesExactlyTheContractAndAProof(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		created := w.Webhook(t)
		w.row = created.Integration
		w.Vendor.Answer(hook, http.StatusOK, `{"results":[{"content":"Shipped","structured_data":{"number":42}}]}`)
		conversation := strings.Replace(w.World.NewID(id.User), "user_", "conv_", 1)
		got := w.must(t, "What is the order status of 42?", func(in *query.AskInput) {
			in.UserID, in.PersonalityID, in.ConversationID = &w.User.ID, &w.Personality.ID, &conversation
		})
		if got.Capability.Name != "order_status" || len(got.Items) != 1 || got.Items[0].Content != "Shipped" ||
			got.Items[0].Data["number"] == nil || got.Items[0].Kind != "custom_record" {
			t.Errorf("result = %+v", got)
		}
		call := w.Vendor.Calls(hook)[0]
		var body map[string]any
		if err := json.Unmarshal([]byte(call.Body), &body); err != nil {
			t.Fatal(err)
		}
		want := map[string]any{
			"capability": "order_status", "query": "What is the order status of 42?",
			"user":    map[string]any{"user_id": w.User.ID, "external_id": "ada"},
			"context": map[string]any{"conversation_id": conversation, "personality_id": w.Personality.ID},
		}
		if fmt.Sprint(body) != fmt.Sprint(want) || call.Method != http.MethodPost {
			t.Errorf("body = %v", body)
		}
		proof := provider.Sign(created.SigningSecret, call.Header.Get("Patchbay-Timestamp"), []byte(call.Body))
		if call.Header.Get("Authorization") != "Bearer hook-token" || call.Header.Get("Patchbay-Signature") != proof {
			t.Errorf("headers = %v", call.Header)
		}
		if proof == provider.Sign(seal.NewSecret("another"), call.Header.Get("Patchbay-Timestamp"), []byte(call.Body)) {
			t.Error("any key signs the same")
		}
		if state := health.Of(w.Reload(t, w.row)); state.Status != health.Healthy || state.Reason != health.OK {
			t.Errorf("health = %+v", state)
		}
		if got := w.must(t, "Where is my order?"); got.Capability.Name != "orders" {
			t.Errorf("capability = %s", got.Capability.Name)
		}
		w.Vendor.Answer(hook, http.StatusOK, `{"answer":"Shipped"}`)
		_, err := w.ask("Where is my order?")
		if e, _ := errors.AsType[*problem.Error](err); e == nil || e.Code != problem.ProviderFailed || e.Retryable {
			t.Errorf("a wrong shape: %v", err)
		}
	})
}

func TestAWebhookThatFailsThreeTimesIsDegradedUntilItAnswers(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.row = w.Webhook(t).Integration
		w.Vendor.Answer(hook, http.StatusOK, `{"results":[]}`)
		w.must(t, "order 1")
		w.Vendor.Answer(hook, http.StatusBadGateway, `down`)
		for i := range 3 {
			if state := health.Of(w.Reload(t, w.row)); state.Status != health.Healthy {
				t.Errorf("after %d failures: %+v", i, state)
			}
			if _, err := w.ask("order 1"); !problem.Is(err, problem.ProviderFailed) {
				t.Errorf("err = %v", err)
			}
		}
		if state := health.Of(w.Reload(t, w.row)); state.Status != health.Degraded || state.Reason != health.ProviderError {
			t.Errorf("after three failures: %+v", state)
		}
		w.Vendor.Answer(hook, http.StatusOK, `{"results":[]}`)
		w.must(t, "order 1")
		if state := health.Of(w.Reload(t, w.row)); state.Status != health.Healthy {
			t.Errorf("after an answer: %+v", state)
		}
		w.Vendor.Answer(hook, http.StatusUnauthorized, `{}`)
		if _, err := w.ask("order 1"); !problem.Is(err, problem.ReauthorizationRequired) {
			t.Errorf("err = %v", err)
		}
		if state := health.Of(w.Reload(t, w.row)); state.Reason != health.CredentialRejected ||
			state.Action != health.UpdateConfig {
			t.Errorf("after a refusal: %+v", state)
		}
	})
}

func TestAWebhookWithoutItsSecretIsNotCalled(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.row = w.Webhook(t).Integration
		removed := map[string]any{"TOKEN": nil}
		if _, err := w.Update(w.Ctx, integration.UpdateInput{ID: w.row.ID, Secrets: removed}); err != nil {
			t.Fatal(err)
		}
		_, err := w.ask("order 1")
		refused(t, err, problem.Disabled, "input", "integrationId")
		if len(w.Vendor.Calls(hook)) != 0 {
			t.Error("the webhook was called")
		}
	})
}
