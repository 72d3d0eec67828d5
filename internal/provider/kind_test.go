package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/internal/provider"
)

func TestOneAnswerMayHoldResultsOfSeveralKinds(t *testing.T) {
	t.Parallel()
	p := decode(t, strings.Replace(tickets, "content: .text", "as: .as, number: .no, email: .mail", 1))
	body := `{"tickets":[{"as":"order","no":"S7"},{"as":"crm_record","mail":"a@b.example","no":"x"},{"no":"y"},{"as":"nonsense"},
		{"as":7}]}`
	page, err := p.Capabilities[0].Map(t.Context(), provider.Input{}, provider.Response{Status: 200, Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range page.Results {
		got = append(got, fmt.Sprintf("%s %v", r.Kind, r.Fields))
	}
	want := "[order map[number:S7] crm_record map[email:a@b.example] custom_record map[] custom_record map[] custom_record map[]]"
	if fmt.Sprint(got) != want {
		t.Errorf("got %v\nwant %s", got, want)
	}
}
