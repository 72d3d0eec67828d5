package integration_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/patchbay/patchbay/ent"
	"github.com/patchbay/patchbay/ent/auditevent"
	"github.com/patchbay/patchbay/ent/healthchange"
	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/integration/integrationtest"
)

// emitted returns what the trail and the outbox say of one integration, each in order.
func emitted(t *testing.T, w *integrationtest.World, id string) (trail, outbox []string) {
	t.Helper()
	events := w.Store.Client(w.Ctx).AuditEvent.Query().Where(auditevent.IntegrationID(id)).
		Order(ent.Asc(auditevent.FieldID)).AllX(w.Ctx)
	for _, e := range events {
		trail = append(trail, e.EventType)
	}
	changes := w.Store.Client(w.Ctx).HealthChange.Query().Where(healthchange.IntegrationID(id)).
		Order(ent.Asc(healthchange.FieldSeq)).AllX(w.Ctx)
	for _, c := range changes {
		outbox = append(outbox, c.Kind+" "+c.Status+" "+c.Reason)
	}
	return trail, outbox
}

// TestBehaviour15EveryLifecycleEdgeEmits follows integrations over every edge of their lives, and to each of their ends:
// one by one, with their user, and with an incident.
func TestBehaviour15EveryLifecycleEdgeEmits(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		row := w.Connect(t, w.User)
		check := func() {
			t.Helper()
			w.Wait(2 * time.Minute)
			if _, err := w.CheckHealth(w.Ctx, row.ID); err != nil {
				t.Fatal(err)
			}
		}
		w.Vendor.Answer("api.example.com/ping", http.StatusBadGateway, "down")
		for range 3 {
			check()
		}
		w.Vendor.Answer("api.example.com/ping", http.StatusOK, `{"pong":true}`)
		check()
		w.Vendor.Answer("api.example.com/ping", http.StatusGone, `{}`)
		w.Vendor.Answer("login.example.com/token", http.StatusBadRequest, `{"error":"invalid_grant"}`)
		check()
		w.Vendor.GrantAll()
		w.Vendor.Answer("api.example.com/ping", http.StatusOK, `{"pong":true}`)
		if again := w.Connect(t, w.User); again.ID != row.ID {
			t.Fatal("another integration was connected")
		}
		if _, err := w.Disconnect(w.Ctx, row.ID); err != nil {
			t.Fatal(err)
		}
		trail, outbox := emitted(t, w, row.ID)
		if want := []string{
			"CONNECTED", "HEALTH_CHANGED", "HEALTH_CHANGED", "TOKEN_REFRESH_FAILED", "HEALTH_CHANGED", "RECONNECTED",
			"HEALTH_CHANGED", "DISCONNECTED", "REVOKED",
		}; !slices.Equal(trail, want) {
			t.Errorf("trail = %q", trail)
		}
		if want := []string{
			"CHANGE HEALTHY OK", "CHANGE DEGRADED PROVIDER_ERROR", "CHANGE HEALTHY OK", "CHANGE EXPIRED REFRESH_REJECTED",
			"CHANGE HEALTHY OK", "REMOVED HEALTHY OK",
		}; !slices.Equal(outbox, want) {
			t.Errorf("outbox = %q", outbox)
		}

		several := func(user *ent.User, accounts ...string) (ids []string) {
			for _, account := range accounts {
				w.Vendor.Answer("api.example.com/me", http.StatusOK, `{"id":"`+account+`"}`)
				ids = append(ids, w.Connect(t, user).ID)
			}
			return ids
		}
		ended := func(how string, ids []string) {
			t.Helper()
			for _, id := range ids {
				trail, outbox := emitted(t, w, id)
				if !slices.Contains(trail, "DISCONNECTED") || !slices.Contains(trail, "REVOKED") ||
					len(outbox) != 2 || outbox[1][:len("REMOVED")] != "REMOVED" {
					t.Errorf("%s: trail %q, outbox %q", how, trail, outbox)
				}
			}
		}
		ofOne := several(w.Other, "a", "b", "c")
		if _, err := w.DisconnectAll(w.Ctx, w.Other.ID); err != nil {
			t.Fatal(err)
		}
		ended("with their user", ofOne)
		ofAll := append(several(w.User, "d", "e"), several(w.Other, "f")...)
		incident := integration.Incident{Company: row.CompanyID}
		if err := w.Kill(t.Context(), incident, 4, func(integration.Killed) {}); err != nil {
			t.Fatal(err)
		}
		ended("in an incident", ofAll)
	})
}
