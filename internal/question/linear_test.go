//go:build unix

package question_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/patchbay/patchbay/internal/question"
)

// spent returns the processor time that this process has taken, which a busy machine does not lengthen as it does the
// time on the wall.
func spent(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Not parallel: it compares how much work reading is.
func TestHugeQuestionsAreReadInLinearTime(t *testing.T) {
	phrases := make([]string, 60)
	for i := range phrases {
		phrases[i] = fmt.Sprintf("phrase number%d", i)
	}
	took := func(piece string, size int) time.Duration {
		text := strings.Repeat(piece, size/len(piece)+1)
		start := spent(t)
		r := question.Read(text, question.Options{Now: time.Now(), Phrases: phrases})
		_, _ = question.Choose(text, question.Service{
			Names: []string{"acme"}, Candidates: []question.Candidate{{Name: "a", Phrases: phrases, Takes: []string{"numbers"}}},
		})
		d := spent(t) - start
		if len(r.Text) > len(text) {
			t.Errorf("%q: more text than question", piece)
		}
		return d
	}
	for _, piece := range []string{
		"week of ", "between ", "end of the ", "from sarah and ", "\"", "last ", "next 3 ", "the first week of march ", "a", "3/4 ",
		"about ", "email to to ", "monday and tuesday ", "“", "2 to ", "not ", "-", "é", "\xff", "in the ", "schedule and ",
		"a ", "our my ", "acme ", "in jira ", "how does ", "#a ", "3391 ", "do you like ", "google ",
	} {
		// four times the text may take four times the work; were it quadratic, sixteen times
		linear := false
		for try := 0; try < 5 && !linear; try++ {
			linear = took(piece, 100<<10) < 10*took(piece, 25<<10)+20*time.Millisecond
		}
		if !linear {
			t.Errorf("the work to read %q again and again does not grow in proportion to its length", piece)
		}
	}
}
