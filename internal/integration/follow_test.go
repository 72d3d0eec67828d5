package integration_test

import (
	"context"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/integration/integrationtest"
	"github.com/patchbay/patchbay/internal/problem"
)

func stands(t *testing.T, stream <-chan *integration.Progress, want integration.AttemptStatus) *integration.Progress {
	t.Helper()
	select {
	case p, open := <-stream:
		if !open || p.Status != want {
			t.Fatalf("got %+v, want %s", p, want)
		}
		return p
	case <-time.After(2 * time.Minute):
		t.Fatalf("%s was not told", want)
		return nil
	}
}

func over(t *testing.T, stream <-chan *integration.Progress) {
	t.Helper()
	select {
	case p, open := <-stream:
		if open {
			t.Errorf("more came: %+v", p)
		}
	case <-time.After(2 * time.Minute):
		t.Error("the stream goes on")
	}
}

func TestAnAttemptIsFollowedUntilItHasEnded(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		attempt, err := w.Service.Connect(w.Ctx, w.ConnectInput(w.User))
		if err != nil {
			t.Fatal(err)
		}
		state := attempt.State.Reveal()
		stream, err := w.FollowAttempt(w.Ctx, state)
		if err != nil {
			t.Fatal(err)
		}
		stands(t, stream, integration.Pending)
		row, err := w.Callback(w.Ctx, w.CallbackInput(w.User, attempt))
		if err != nil {
			t.Fatal(err)
		}
		if p := stands(t, stream, integration.Succeeded); *p.Attempt.IntegrationID != row.ID {
			t.Errorf("connected %v", p.Attempt)
		}
		over(t, stream)
		again, err := w.FollowAttempt(w.Ctx, state)
		if err != nil {
			t.Fatal(err)
		}
		stands(t, again, integration.Succeeded)
		over(t, again)

		refusedOne, err := w.Service.Connect(w.Ctx, w.ConnectInput(w.User))
		if err != nil {
			t.Fatal(err)
		}
		if stream, err = w.FollowAttempt(w.Ctx, refusedOne.State.Reveal()); err != nil {
			t.Fatal(err)
		}
		stands(t, stream, integration.Pending)
		in := w.CallbackInput(w.User, refusedOne)
		in.Code, in.Error = nil, new("access_denied")
		_, err = w.Callback(w.Ctx, in)
		refused(t, err, problem.ConsentDenied)
		if p := stands(t, stream, integration.Failed); p.Failure.Code != problem.ConsentDenied {
			t.Errorf("failure = %v", p.Failure)
		}
		over(t, stream)
		_, err = w.FollowAttempt(w.Foreign, state)
		refused(t, err, problem.NotFound, "state")
	})
}

func TestAnAttemptThatNobodyFinishesEndsByItself(t *testing.T) {
	run(t, func(t *testing.T, w *integrationtest.World) {
		attempt, err := w.Service.Connect(w.Ctx, w.ConnectInput(w.User))
		if err != nil {
			t.Fatal(err)
		}
		w.Wait(10*time.Minute - time.Millisecond) // the clock stands still there, so the stream looks again and again
		stream, err := w.FollowAttempt(w.Ctx, attempt.State.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		stands(t, stream, integration.Pending)
		w.Wait(time.Millisecond)
		stands(t, stream, integration.AttemptExpired)
		over(t, stream)

		other, err := w.Service.Connect(w.Ctx, w.ConnectInput(w.User))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(w.Ctx)
		if stream, err = w.FollowAttempt(ctx, other.State.Reveal()); err != nil {
			t.Fatal(err)
		}
		stands(t, stream, integration.Pending)
		cancel()
		over(t, stream)
	})
}
