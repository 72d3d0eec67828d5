package server

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"
)

// protocol is the one sub-protocol that sockets speak
// (https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md).
const protocol = "graphql-transport-ws"

// closing is why a socket ends: the code and reason of its close frame.
type closing struct {
	code   websocket.StatusCode
	reason string
}

// Error makes a closing the cause of the socket's context.
func (c closing) Error() string { return strings.TrimSpace(strconv.Itoa(int(c.code)) + " " + c.reason) }

// The closings of the protocol, with its reference server's reasons, and ours.
var (
	badMessage     = closing{4400, "Invalid message received"}
	badInit        = closing{4400, "connection_init payload must be an object of strings"}
	unauthorized   = closing{4401, "Unauthorized"}
	badProtocol    = closing{4406, "Subprotocol not acceptable"}
	initTimeout    = closing{4408, "Connection initialisation timeout"}
	secondInit     = closing{4429, "Too many initialisation requests"}
	goingAway      = closing{websocket.StatusGoingAway, "server is shutting down"}
	tryLater       = closing{websocket.StatusTryAgainLater, "cannot authenticate now, try again"}
	broken         = closing{websocket.StatusInternalError, "internal error"}
	clientLeft     = closing{websocket.StatusNormalClosure, ""}
	clientSilent   = closing{websocket.StatusGoingAway, "no answer to pings"}
	clientSlow     = closing{websocket.StatusPolicyViolation, "messages were not read in time"}
	messageTooLong = closing{websocket.StatusMessageTooBig, "message too big"}
)

// forbidden closes a socket whose caller may not use it.
func forbidden(reason string) closing { return closing{4403, cut(reason, maxReason)} }

// duplicate closes a socket that used an id twice at a time.
func duplicate(id string) closing {
	return closing{4409, cut("Subscriber for "+cut(id, 64)+" already exists", maxReason)}
}

// maxReason is what a close frame holds after its code (RFC 6455, section 5.5).
const maxReason = 123

// message is one frame of the protocol, either way.
type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// parseMessage reads a client's frame. It reports false for anything that is not a message of the protocol.
func parseMessage(b []byte) (message, bool) {
	var m message
	if !utf8.Valid(b) || json.Unmarshal(b, &m) != nil || len(m.ID) > maxID {
		return m, false
	}
	switch m.Type {
	case "connection_init":
		return m, true
	case "ping", "pong":
		return m, isObject(m.Payload)
	case "subscribe", "complete":
		return m, m.ID != ""
	}
	return m, false
}

// maxID is more than any client uses: they count, or send UUIDs.
const maxID = 256

// isObject reports whether a payload is an object, null or absent.
func isObject(raw json.RawMessage) bool {
	raw = bytes.TrimSpace(raw)
	return len(raw) == 0 || raw[0] == '{' || string(raw) == "null"
}

// encode returns m as a frame.
func (m message) encode() []byte {
	b, _ := json.Marshal(m) // a struct of strings and valid JSON always encodes
	return b
}

// nextFrame returns the frame that carries resp to operation id, without scanning resp's data again.
func nextFrame(id string, resp *graphql.Response) []byte {
	return append(appendAnswer(frameHead(id, "next"), resp), '}')
}

// errorFrame returns the frame that ends operation id with resp's errors.
func errorFrame(id string, resp *graphql.Response) []byte {
	return append(appendErrors(frameHead(id, "error"), resp.Errors, false), '}')
}

func frameHead(id, kind string) []byte {
	quoted, _ := json.Marshal(id)
	b := append([]byte(`{"id":`), quoted...)
	return append(append(append(b, `,"type":"`...), kind...), `","payload":`...)
}

// credentials returns the headers to authenticate a socket with: those of the upgrade request, unless the payload of
// connection_init names a credential, {"authorization": "Bearer …"} or {"x-api-key": "…"}, which then stands alone.
func credentials(upgrade http.Header, payload json.RawMessage) (http.Header, bool) {
	if !isObject(payload) {
		return nil, false
	}
	var fields map[string]json.RawMessage
	if len(payload) > 0 && json.Unmarshal(payload, &fields) != nil {
		return nil, false
	}
	named := http.Header{}
	for name, raw := range fields {
		for _, known := range []string{"Authorization", "X-Api-Key"} {
			if !strings.EqualFold(name, known) {
				continue
			}
			var value string
			if json.Unmarshal(raw, &value) != nil || named.Get(known) != "" {
				return nil, false
			}
			named.Set(known, value)
		}
	}
	h := upgrade.Clone()
	if len(named) > 0 {
		h.Del("Authorization")
		h.Del("X-Api-Key")
		for name, values := range named {
			h[name] = values
		}
	}
	return h, true
}
