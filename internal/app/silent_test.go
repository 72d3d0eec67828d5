package app_test

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/store/storetest"
)

// mute is a provider that accepts every connection, reads and never answers.
type mute struct {
	address string
	ended   sync.WaitGroup // connections that are not closed yet
	opened  chan struct{}
}

func newMute(t *testing.T) *mute {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mute{address: l.Addr().String(), opened: make(chan struct{}, 1000)}
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			m.opened <- struct{}{}
			m.ended.Go(func() {
				defer conn.Close()
				_, _ = io.Copy(io.Discard, conn)
			})
		}
	})
	t.Cleanup(func() { l.Close(); accepting.Wait() })
	return m
}

// TestAVendorThatNeverAnswersHoldsUpNobodyElse asks one integration whose vendor is mute and one whose vendor is well, side
// by side: each question to the first ends in its own time, those to the second are answered, and no connection stays.
func TestAVendorThatNeverAnswersHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	m := newMute(t)
	database := storetest.SQLite(t)
	s := newSealedServer(t, database, "--egress-allow", m.address)
	well := s.webhook()
	input := s.hookInput()
	input["name"] = "Mute"
	input["config"].(map[string]any)["url"] = "http://" + m.address + "/hook"
	silent := at(s.mutate("integrationCreate", "integration { id }", input), "integration", "id").(string)

	const asked = 20
	var all sync.WaitGroup
	since := newStopwatch(t, func() {})
	for range asked {
		all.Go(func() {
			a, err := s.send(t.Context(), `mutation($i: ID!) { integrationQuery(input: {
				integrationId: $i, query: "order status of 1", timeoutMs: 2000}) { userErrors { code ... on ProviderFailure { retryable } } } }`, map[string]any{"i": silent})
			problem := at(a.Data, "integrationQuery", "userErrors", 0)
			if err != nil || at(problem, "code") != "PROVIDER_TIMEOUT" || at(problem, "retryable") != true {
				t.Errorf("the mute vendor: %v %s", err, a.raw)
			}
		})
	}
	for range asked { // all twenty hang
		select {
		case <-m.opened:
		case <-time.After(patience):
			t.Fatal("the mute vendor was not asked")
		}
	}
	for range 5 {
		s.answers(well)
	}
	all.Wait()
	if took := since(); took > 25*time.Second {
		t.Errorf("it took %v", took)
	}
	m.ended.Wait() // every connection has been closed from here
	got := s.ask(`query($well: ID!, $mute: ID!) { well: integration(id: $well) { health { status } }
		mute: integration(id: $mute) { stats { queriesTotal } } }`, map[string]any{"well": well, "mute": silent})
	if at(got, "well", "health", "status") != "HEALTHY" || at(got, "mute", "stats", "queriesTotal") != float64(asked) {
		t.Error(text(got))
	}
	if strings.Contains(s.Log.String(), "panic") {
		t.Error("something panicked")
	}
}
