package sandbox_test

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"testing"

	"github.com/patchbay/patchbay/internal/sandbox"
)

func TestASlowAnswerEndsWithItsClient(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	tok := w.connect("ada@example.com", "calendar.readonly")
	w.arm(sandbox.Fault{Kind: sandbox.SlowHeaders})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	asked := w.Requests("www.googleapis.com", listPath)
	go func() {
		for w.Requests("www.googleapis.com", listPath) == asked {
			runtime.Gosched()
		}
		cancel()
	}()
	if res, err := w.try(ctx, tok.Access, listURL); err == nil {
		res.Body.Close()
		t.Error("an answer came")
	}
	w.Faults().Clear()
	w.arm(sandbox.Fault{Kind: sandbox.SlowBody})
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	res, err := w.try(ctx, tok.Access, listURL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	first := make([]byte, 16)
	if _, err := io.ReadFull(res.Body, first); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.ReadAll(res.Body); err == nil {
		t.Error("the body came to its end")
	}
}

func TestClearAndCloseLetGoOfWhatIsHeldBack(t *testing.T) {
	t.Parallel()
	w := start(t, sandbox.Options{})
	tok := w.connect("ada@example.com", "calendar.readonly")
	held := func(times int) *http.Response {
		w.arm(sandbox.Fault{Kind: sandbox.SlowBody, Times: times})
		res, err := w.try(t.Context(), tok.Access, listURL) // the headers are here, so the body is held back
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = res.Body.Close() })
		return res
	}
	for _, times := range []int{0, 1} {
		res := held(times)
		w.Faults().Clear()
		if _, err := io.ReadAll(res.Body); err != nil {
			t.Errorf("after Clear of a fault that happens %d times: %v", times, err)
		}
	}
	res := held(0)
	w.Faults().Remove(w.Faults().List()[0].ID)
	if _, err := io.ReadAll(res.Body); err != nil {
		t.Errorf("after Remove: %v", err)
	}
	res = held(0)
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadAll(res.Body); err == nil {
		t.Error("the body came to its end although the sandbox closed")
	}
}
