package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/coder/websocket"
)

// wire is a client's end of a socket.
type wire struct {
	t    *testing.T
	conn *websocket.Conn
}

// dial opens a socket. Headers are given in pairs; there is no credential unless given.
func (e *env) dial(protocols []string, headers ...string) (*wire, *http.Response, error) {
	h := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	conn, res, err := websocket.Dial(e.t.Context(), e.url+"/graphql",
		&websocket.DialOptions{Subprotocols: protocols, HTTPHeader: h, HTTPClient: e.client})
	if err != nil {
		return nil, res, err
	}
	conn.SetReadLimit(1 << 20)
	e.t.Cleanup(func() { _ = conn.CloseNow() })
	return &wire{e.t, conn}, res, nil
}

// open opens a socket and does not speak yet.
func (e *env) open(headers ...string) *wire {
	e.t.Helper()
	w, _, err := e.dial([]string{"graphql-transport-ws"}, headers...)
	if err != nil {
		e.t.Fatal(err)
	}
	return w
}

// ready opens a socket with an accepted credential.
func (e *env) ready() *wire {
	e.t.Helper()
	w := e.open("Authorization", "Bearer good")
	w.send(`{"type":"connection_init"}`)
	w.want(`{"type":"connection_ack"}`)
	return w
}

func (w *wire) send(frame string) {
	w.t.Helper()
	if err := w.conn.Write(w.t.Context(), websocket.MessageText, []byte(frame)); err != nil {
		w.t.Fatalf("send %s: %v", frame, err)
	}
}

func (w *wire) subscribe(id, document string) {
	w.t.Helper()
	w.send(`{"id":"` + id + `","type":"subscribe","payload":` + params(document) + `}`)
}

func (w *wire) read() (string, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	_, b, err := w.conn.Read(ctx)
	return string(b), err
}

// want reads the next frame.
func (w *wire) want(frame string) {
	w.t.Helper()
	if got, err := w.read(); err != nil || got != frame {
		w.t.Fatalf("got %s (%v), want %s", got, err, frame)
	}
}

// wantError reads an error frame with this code for id.
func (w *wire) wantError(id, code string) {
	w.t.Helper()
	got, err := w.read()
	var m struct {
		ID, Type string
		Payload  []struct{ Extensions struct{ Code string } }
	}
	if err != nil || json.Unmarshal([]byte(got), &m) != nil || m.Type != "error" || m.ID != id || len(m.Payload) == 0 ||
		m.Payload[0].Extensions.Code != code {
		w.t.Fatalf("got %s (%v), want an error with %s for %s", got, err, code, id)
	}
}

// wantClose reads the close frame.
func (w *wire) wantClose(code int, reason string) {
	w.t.Helper()
	got, err := w.read()
	closed, ok := errors.AsType[websocket.CloseError](err)
	if !ok || closed.Code != websocket.StatusCode(code) || closed.Reason != reason {
		w.t.Fatalf("got %s (%v), want close %d %q", got, err, code, reason)
	}
}

// wantSilence proves that nothing was waiting: the answer to a ping comes first.
func (w *wire) wantSilence() {
	w.t.Helper()
	w.send(`{"type":"ping"}`)
	w.want(`{"type":"pong"}`)
}
