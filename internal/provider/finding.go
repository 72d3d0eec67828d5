package provider

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Finding is a fault of a manifest or its fixtures. It is an error too.
type Finding struct {
	// File is the name in its directory; Line counts from 1, and 0 means the file as a whole.
	File    string
	Line    int
	Message string
}

// Error returns "file:line: message".
func (f *Finding) Error() string {
	if f.Line == 0 {
		return fmt.Sprintf("%s: %s", f.File, f.Message)
	}
	return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Message)
}

// findingOf turns an error of the YAML decoder into a Finding.
func findingOf(file string, err error) *Finding {
	if f, ok := errors.AsType[*Finding](err); ok {
		f.File = file
		return f
	}
	f := &Finding{File: file, Message: err.Error()}
	if ye, ok := errors.AsType[yaml.Error](err); ok {
		f.Message = ye.GetMessage()
		if tk := ye.GetToken(); tk != nil {
			f.Line = tk.Position.Line
		}
	}
	f.Message, _, _ = strings.Cut(f.Message, "\n")
	return f
}

func inOrder(findings []Finding) []Finding {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		return a.Line - b.Line
	})
	return slices.Compact(findings)
}
