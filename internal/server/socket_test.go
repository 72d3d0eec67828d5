package server_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/server"
)

// https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md, case by case.
func TestGraphQLTransportWS(t *testing.T) {
	t.Parallel()
	const good = `{"type":"connection_init","payload":{"authorization":"Bearer good"}}`
	const ack = `{"type":"connection_ack"}`
	greet := `{"id":"1","type":"subscribe","payload":{"query":"{ hello }"}}`
	greeted := []string{`{"id":"1","type":"next","payload":{"data":{"hello":"Hello"}}}`, `{"id":"1","type":"complete"}`}
	for _, c := range []struct {
		name   string
		send   []string
		want   []string
		code   int // 0: the socket stays open
		reason string
	}{
		{"subscribe before init", []string{greet}, nil, 4401, "Unauthorized"},
		{"a second init", []string{good, good}, []string{ack}, 4429, "Too many initialisation requests"},
		{"the same id twice", []string{good, `{"id":"a","type":"subscribe","payload":{"query":"subscription{ticks}"}}`,
			`{"id":"a","type":"subscribe","payload":{"query":"{ hello }"}}`}, []string{ack},
			4409, "Subscriber for a already exists"},
		{"broken JSON", []string{`{"type":`}, nil, 4400, "Invalid message received"},
		{"no object", []string{`"connection_init"`}, nil, 4400, "Invalid message received"},
		{"an unknown type", []string{good, `{"type":"start","id":"1"}`}, []string{ack}, 4400, "Invalid message received"},
		{"a type of the server", []string{good, `{"type":"next","id":"1"}`}, []string{ack}, 4400, "Invalid message received"},
		{"a number as id", []string{good, `{"type":"complete","id":1}`}, []string{ack}, 4400, "Invalid message received"},
		{"subscribe without id", []string{good, `{"type":"subscribe","payload":{"query":"{ hello }"}}`}, []string{ack},
			4400, "Invalid message received"},
		{"subscribe without query", []string{good, `{"id":"1","type":"subscribe","payload":{}}`}, []string{ack},
			4400, `"query" is required and must be a string.`},
		{"subscribe without payload", []string{good, `{"id":"1","type":"subscribe"}`}, []string{ack},
			4400, "The request is not one JSON object in UTF-8."},
		{"subscribe with a list of variables", []string{good,
			`{"id":"1","type":"subscribe","payload":{"query":"{ hello }","variables":[]}}`}, []string{ack},
			4400, `"variables" must be an object.`},
		{"init payload is a string", []string{`{"type":"connection_init","payload":"` + secret + `"}`}, nil,
			4400, "connection_init payload must be an object of strings"},
		{"init payload is a list", []string{`{"type":"connection_init","payload":[]}`}, nil,
			4400, "connection_init payload must be an object of strings"},
		{"init names a credential twice", []string{
			`{"type":"connection_init","payload":{"x-api-key":"good","X-API-Key":"good"}}`}, nil,
			4400, "connection_init payload must be an object of strings"},
		{"not UTF-8", []string{"{\"type\":\"ping\",\"payload\":{\"a\":\"\xff\"}}"}, nil, 4400, "Invalid message received"},
		{"an endless id", []string{good, `{"type":"complete","id":"` + strings.Repeat("x", 300) + `"}`}, []string{ack},
			4400, "Invalid message received"},
		{"init credential is a number", []string{`{"type":"connection_init","payload":{"x-api-key":5}}`}, nil,
			4400, "connection_init payload must be an object of strings"},
		{"refused", []string{`{"type":"connection_init","payload":{"authorization":"Bearer ` + secret + `"}}`}, nil,
			4403, "Send an API key as Authorization: Bearer or x-api-key."},
		{"no credential at all", []string{`{"type":"connection_init"}`}, nil,
			4403, "Send an API key as Authorization: Bearer or x-api-key."},
		{"a database that is down", []string{`{"type":"connection_init","payload":{"x-api-key":"down"}}`}, nil,
			1013, "cannot authenticate now, try again"},
		{"ping before init", []string{`{"type":"ping"}`}, []string{`{"type":"pong"}`}, 0, ""},
		{"ping with a payload", []string{good, `{"type":"ping","payload":{"a":[1]}}`},
			[]string{ack, `{"type":"pong","payload":{"a":[1]}}`}, 0, ""},
		{"ping whose payload is no object", []string{`{"type":"ping","payload":5}`}, nil, 4400, "Invalid message received"},
		{"pong is taken in silence", []string{good, `{"type":"pong"}`, greet}, append([]string{ack}, greeted...), 0, ""},
		{"complete for an unknown id", []string{good, `{"type":"complete","id":"x"}`, greet},
			append([]string{ack}, greeted...), 0, ""},
		{"x-api-key, spelled as a header", []string{`{"type":"connection_init","payload":{"X-API-Key":"good","other":[1]}}`,
			greet}, append([]string{ack}, greeted...), 0, ""},
		{"a null payload", []string{`{"type":"connection_init","payload":null}`}, nil,
			4403, "Send an API key as Authorization: Bearer or x-api-key."},
		{"a query", []string{good, greet}, append([]string{ack}, greeted...), 0, ""},
		{"a mutation", []string{good,
			`{"id":"m","type":"subscribe","payload":{"query":"mutation($n:String!){rename(name:$n)}","variables":{"n":"x"}}}`},
			[]string{ack, `{"id":"m","type":"next","payload":{"data":{"rename":"x"}}}`, `{"id":"m","type":"complete"}`}, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t)
			w := e.open()
			for _, frame := range c.send {
				w.send(frame)
			}
			for _, frame := range c.want {
				w.want(frame)
			}
			if c.code != 0 {
				w.wantClose(c.code, c.reason)
			} else {
				w.wantSilence()
			}
		})
	}
}

func TestSocketsSpeakOneProtocol(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for name, protocols := range map[string][]string{"none": nil, "the legacy one": {"graphql-ws"}, "another": {"mqtt"}} {
		w, _, err := e.dial(protocols)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		w.wantClose(4406, "Subprotocol not acceptable")
	}
	w, _, err := e.dial([]string{"graphql-ws", "graphql-transport-ws"}, "X-Api-Key", "good")
	if err != nil {
		t.Fatal(err)
	}
	w.send(`{"type":"connection_init"}`)
	w.want(`{"type":"connection_ack"}`)
}

func TestASocketThatNeverInitialisesIsClosed(t *testing.T) {
	still(t, func(t *testing.T) {
		e := newStillEnv(t, func(o *server.Options) { o.Limits.InitTime = 10 * time.Millisecond })
		e.open().wantClose(4408, "Connection initialisation timeout")
	})
}

func TestThePayloadsCredentialStandsAlone(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	w := e.open("Authorization", "Bearer good")
	w.send(`{"type":"connection_init","payload":{"x-api-key":"unknown"}}`)
	w.wantClose(4403, "Send an API key as Authorization: Bearer or x-api-key.")
}

func TestBinaryFramesAreNotMessages(t *testing.T) {
	t.Parallel()
	w := newEnv(t).ready()
	if err := w.conn.Write(t.Context(), websocket.MessageBinary, []byte(`{"type":"ping"}`)); err != nil {
		t.Fatal(err)
	}
	w.wantClose(4400, "Invalid message received")
}

func TestAMessageOverTheLimitClosesTheSocket(t *testing.T) {
	t.Parallel()
	w := newEnv(t).ready()
	w.send(`{"type":"ping","payload":{"x":"` + strings.Repeat("x", 64<<10) + `"}}`)
	_, err := w.read()
	if closed, ok := errors.AsType[websocket.CloseError](err); !ok || closed.Code != websocket.StatusMessageTooBig {
		t.Errorf("got %v, want close 1009", err)
	}
}

func TestASubscriptionStreamsAndItsIDIsFreeAfterwards(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	w := e.ready()
	w.subscribe("1", "subscription { ticks }")
	e.ticks <- 1
	e.ticks <- 2
	w.want(`{"id":"1","type":"next","payload":{"data":{"ticks":` + "\n1}}}")
	w.want(`{"id":"1","type":"next","payload":{"data":{"ticks":` + "\n2}}}")
	close(e.ticks)
	w.want(`{"id":"1","type":"complete"}`)
	w.subscribe("1", "{ hello }")
	w.want(`{"id":"1","type":"next","payload":{"data":{"hello":"Hello"}}}`)
	w.want(`{"id":"1","type":"complete"}`)
}

func TestErrorsEndAnOperationWithoutComplete(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for document, code := range map[string]string{
		"{ nope }":                           "GRAPHQL_VALIDATION_FAILED",
		"{":                                  "GRAPHQL_PARSE_FAILED",
		"subscription { denied }":            "FORBIDDEN",
		"subscription { panics }":            "INTERNAL",
		"{" + strings.Repeat("user{", 400):   "GRAPHQL_PARSE_FAILED",
		"{" + strings.Repeat("hello ", 1200): "QUERY_TOO_LARGE",
	} {
		w := e.ready()
		w.subscribe("1", document)
		w.wantError("1", code)
		w.wantSilence()
		w.subscribe("1", "{ hello }") // the id is free
		w.want(`{"id":"1","type":"next","payload":{"data":{"hello":"Hello"}}}`)
	}
}

func TestAfterCompleteNothingComesForThatID(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	w := e.ready()
	w.subscribe("s", "subscription { ticks }")
	await(t, "the subscription", e.started)
	w.send(`{"id":"s","type":"complete"}`)
	await(t, "its end", e.ended)
	w.wantSilence()

	w.subscribe("q", "{ wait }")
	await(t, "the query", e.started)
	w.send(`{"id":"q","type":"complete"}`)
	w.wantSilence() // and the complete has been read
	close(e.release)
	w.subscribe("q", "{ hello }")
	w.want(`{"id":"q","type":"next","payload":{"data":{"hello":"Hello"}}}`)
	w.want(`{"id":"q","type":"complete"}`)
	w.wantSilence()
}

func TestASocketRunsABoundedNumberOfOperations(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(o *server.Options) { o.Limits.Operations = 2 })
	w := e.ready()
	for i := range 2 {
		w.subscribe(fmt.Sprint(i), "subscription { ticks }")
		await(t, "a subscription", e.started)
	}
	w.subscribe("2", "subscription { ticks }")
	w.wantError("2", "UNAVAILABLE")
	w.send(`{"id":"0","type":"complete"}`)
	await(t, "its end", e.ended)
	w.wantSilence()
}

func TestAServerHoldsABoundedNumberOfSockets(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(o *server.Options) { o.Limits.Sockets = 1 })
	e.ready()
	if _, res, err := e.dial([]string{"graphql-transport-ws"}); err == nil || res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a second socket: %v", err)
	}
}

func TestOriginsOfSockets(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(o *server.Options) {
		o.Origins, o.PublicURL = []string{"https://app.example.com"}, "https://patchbay.example.com/"
	})
	for origin, allowed := range map[string]bool{
		e.url: true, "https://app.example.com": true, "https://patchbay.example.com": true,
		"https://evil.example.com": false, "null": false, "http://app.example.com": false,
		"https://app.example.com:8443": false,
	} {
		_, res, err := e.dial([]string{"graphql-transport-ws"}, "Origin", origin)
		if (err == nil) != allowed || (!allowed && res.StatusCode != http.StatusForbidden) {
			t.Errorf("%s: %v", origin, err)
		}
	}
}

func TestASocketEndsWithItsCredential(t *testing.T) {
	t.Parallel()
	for want, cause := range map[string]error{
		"credential revoked":    nil,
		"credential expired":    context.DeadlineExceeded,
		"This token has ended.": problem.New(problem.Unauthenticated, "This token has ended."),
	} {
		e := newEnv(t)
		w := e.ready()
		w.subscribe("1", "subscription { ticks }")
		await(t, "the subscription", e.started)
		e.revoke(cause)
		w.wantClose(4403, want)
		await(t, "its end", e.ended)
	}
}

func TestASocketEndsWithItsClient(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*wire){
		"closing": func(w *wire) { _ = w.conn.Close(websocket.StatusNormalClosure, "") },
		"cutting": func(w *wire) { _ = w.conn.CloseNow() },
	} {
		e := newEnv(t)
		w := e.ready()
		w.subscribe("1", "subscription { ticks }")
		await(t, name+": the subscription", e.started)
		leave(w)
		await(t, name+": its end", e.ended)
	}
}

func TestAClientThatDoesNotReadIsCut(t *testing.T) {
	still(t, func(t *testing.T) {
		e := newStillEnv(t, func(o *server.Options) { o.Limits.WriteTime = 50 * time.Millisecond })
		w := e.ready()
		w.subscribe("1", "subscription { flood }")
		await(t, "the flood", e.started)
		await(t, "its end", e.ended)
	})
}

func TestAClientThatDoesNotAnswerPingsIsCut(t *testing.T) {
	still(t, func(t *testing.T) {
		e := newStillEnv(t, func(o *server.Options) { o.Limits.KeepAlive = 20 * time.Millisecond })
		w := e.ready()
		w.subscribe("1", "subscription { ticks }")
		await(t, "the subscription", e.started)
		await(t, "its end", e.ended) // pongs are sent while reading, and nobody reads
	})
}

func TestATimeLimitHoldsOnSockets(t *testing.T) {
	still(t, func(t *testing.T) {
		e := newStillEnv(t, func(o *server.Options) { o.Limits.RequestTime = 20 * time.Millisecond })
		w := e.ready()
		w.subscribe("1", "{ hang }")
		await(t, "the resolver to end", e.ended)
		got, err := w.read()
		if err != nil || !strings.Contains(got, `"code":"TIMEOUT"`) {
			t.Errorf("%s (%v)", got, err)
		}
	})
}
