package app_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// TestAStopDrains sends SIGTERM to a process with questions, the refresh that they wait for, a socket and a stream under
// way: what was asked is answered, the others are told why they end, and nothing is left behind.
func TestAStopDrains(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, time.Second)
	held, open := f.vendor.hold(t)
	r := f.replicas[0]
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	stream := r.post(ctx, "text/event-stream", `subscription { integrationHealthChanged { kind } }`, nil)
	defer stream.Body.Close()
	lines := bufio.NewReader(stream.Body)
	if _, err := lines.ReadString('\n'); err != nil { // the stream is open
		t.Fatal(err)
	}
	socket, _, err := websocket.Dial(ctx, r.URL+"/graphql", &websocket.DialOptions{ //nolint:bodyclose // the connection's
		Subprotocols: []string{"graphql-transport-ws"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.CloseNow() }()
	init := text(map[string]any{"type": "connection_init", "payload": map[string]any{"authorization": "Bearer " + r.Key}})
	if err := socket.Write(ctx, websocket.MessageText, []byte(init)); err != nil {
		t.Fatal(err)
	}
	if _, frame, err := socket.Read(ctx); err != nil || !strings.Contains(string(frame), "connection_ack") {
		t.Fatalf("%s, %v", frame, err)
	}

	const questions = 5
	var asked sync.WaitGroup
	ask := func() {
		asked.Go(func() {
			if failure := f.ask(ctx, r); failure != "" {
				t.Errorf("a question under way failed: %s", failure)
			}
		})
	}
	under := func(what string, way <-chan struct{}) {
		t.Helper()
		select {
		case <-way:
		case <-ctx.Done():
			t.Fatalf("no %s is under way", what)
		}
	}
	for range questions - 1 {
		ask()
		under("question", held)
	}
	f.expire()
	ask()
	under("refresh", f.vendor.spent)
	if err := r.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	since := newStopwatch(t, func() {})

	_, frame, err := socket.Read(ctx)
	if end, ok := errors.AsType[websocket.CloseError](err); !ok || end.Code != websocket.StatusGoingAway ||
		end.Reason != "server is shutting down" {
		t.Errorf("the socket ended with %v %q", err, frame)
	}
	if rest, err := io.ReadAll(lines); err != nil || !strings.Contains(string(rest), "UNAVAILABLE") {
		t.Errorf("the stream ended with %q, %v", rest, err)
	}
	open()
	under("last question", held)
	asked.Wait()
	select {
	case <-r.ended:
	case <-ctx.Done():
		t.Fatalf("the process goes on:\n%s", r.Log)
	}
	if code := r.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the process ended with code %d:\n%s", code, r.Log)
	}
	if took := since(); took > 40*time.Second {
		t.Errorf("it took %v", took)
	}
	left := column(t, f.database, `select id from credentials where lease_owner is not null or generation <> 2`)
	trail := column(t, f.database, `select id from audit_events where event_type = 'QUERY' and succeeded`)
	refreshes, reused := f.vendor.counts()
	if len(left) != 0 || len(trail) != questions || f.events("TOKEN_REFRESHED") != 1 || refreshes != 1 || reused != 0 {
		t.Errorf("leased or not renewed: %v; %d questions in the trail, %d refreshes", left, len(trail), refreshes)
	}
}
