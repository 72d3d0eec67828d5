package question_test

import (
	"strings"
	"testing"

	"github.com/patchbay/patchbay/internal/problem"
	"github.com/patchbay/patchbay/internal/question"
)

// desk is a service with what most of them have: a list, a search, one thing by its number, and what is live.
var desk = question.Service{
	Names: []string{"Acme Desk", "acme"},
	Candidates: []question.Candidate{
		{Name: "list", Phrases: []string{"ticket", "recent tickets", "queue"}, Takes: []string{"window"}},
		{
			Name: "search", Phrases: []string{"ticket", "acme", "find", "tickets about", "how do we"},
			Takes: []string{"people", "text", "window"},
		},
		{Name: "get", Phrases: []string{"ticket", "status of ticket"}, Takes: []string{"numbers"}},
		{
			Name: "channel", Phrases: []string{"channel", "{channel}", "messages in"}, Takes: []string{"text", "window"},
		},
		{Name: "live", Phrases: []string{"agents"}, Decisive: []string{"right now"}, Takes: []string{}},
	},
}

// goes compares where questions lead: to a candidate, or nowhere: none, write, general or elsewhere.
func goes(t *testing.T, s question.Service, questions map[string]string) {
	t.Helper()
	for ask, want := range questions {
		t.Run(ask, func(t *testing.T) {
			t.Parallel()
			choice, err := question.Choose(ask, s)
			got := outcome(choice, err)
			for kind, words := range map[string]string{"general": "how something works", "elsewhere": "not what this integration"} {
				if err != nil && strings.Contains(err.Error(), words) {
					got = kind
				}
			}
			if got != want {
				t.Errorf("went to %s, not to %s (%v)", got, want, choice.Matched)
			}
		})
	}
}

func TestTheNameOfTheServiceSaysNothingOfWhatIsAsked(t *testing.T) {
	t.Parallel()
	goes(t, desk, map[string]string{
		"recent acme tickets":              "list",
		"acme desk: recent tickets":        "list",
		"acme queue":                       "list",
		"in acme, the status of ticket 12": "get",
		"read acme 56610 to me":            "get",
		"is lars nyberg in acme":           "search",
		"acme":                             "search",
	})
}

func TestWhatCoversMoreOfAQuestionWinsOverOneLongPhrase(t *testing.T) {
	t.Parallel()
	s := question.Service{Candidates: []question.Candidate{
		{Name: "messages", Phrases: []string{"email from", "email"}},
		{Name: "whole", Phrases: []string{"email", "from", "entire", "body"}},
	}}
	goes(t, s, map[string]string{
		"the email from bob":             "messages",
		"entire body of bob's email":     "whole",
		"entire body of the email, from": "whole",
	})
}

func TestADecisivePhraseLeadsWhateverElseIsSaid(t *testing.T) {
	t.Parallel()
	goes(t, desk, map[string]string{
		"recent tickets about refunds in the queue right now": "live",
		"who is on right now":       "live",
		`tickets about "right now"`: "search",
	})
}

func TestANameBehindAHashIsAChannel(t *testing.T) {
	t.Parallel()
	goes(t, desk, map[string]string{
		"whats new in #random":       "channel",
		"#eng-platform since monday": "channel",
		"#4711":                      "get",
		"random":                     "none",
	})
}

func TestWordsThatOnlySeekDecideWhereNothingElseDoes(t *testing.T) {
	t.Parallel()
	goes(t, desk, map[string]string{
		"find the umbrella contract":   "search",
		"find messages in the lobby":   "channel",
		"find the umbrella, in #sales": "channel",
	})
}

func TestGeneralKnowledgeIsNotLookedUp(t *testing.T) {
	t.Parallel()
	goes(t, desk, map[string]string{
		"how do i use acme":                             "general",
		"how do i close a ticket":                       "general",
		"how to merge tickets":                          "general",
		"how does a ticket queue work":                  "general",
		"what is acme actually for":                     "general",
		"what's a ticket":                               "general",
		"what does ticket mean":                         "general",
		"what is a good ticket subject":                 "general",
		"who founded acme":                              "general",
		"is acme better than the others":                "general",
		"does acme support queues":                      "general",
		"acme pricing for 5 tickets":                    "general",
		"how much does acme cost per ticket":            "general",
		"explain what a ticket is":                      "general",
		"difference between a ticket and a queue":       "general",
		"why is it called a ticket":                     "general",
		"give me tips for tickets":                      "general",
		"which ticket queue do you recommend":           "general",
		"how do we handle tickets about refunds":        "search", // a phrase begins with these very words
		"is it possible to have two queues":             "general",
		"is it possible to see the recent tickets":      "list",
		"should we use the ticket queue":                "general",
		"should i look at recent tickets":               "list",
		"acme invoice for our tickets":                  "general",
		"what is a good time tomorrow for tickets":      "search",
		"whats my favourite ticket":                     "general",
		"how do recent tickets differ from last week":   "list",
		"how do i look on friday, any tickets":          "list",
		"what is the status of ticket 12":               "get",
		"what are the recent tickets":                   "list",
		"is ticket 12 better now":                       "get",
		"who made ticket 12":                            "get",
		"tickets about how to merge":                    "search",
		"what is your favourite ticket":                 "general",
		"how are ticket numbers calculated":             "general",
		"how much did acme cost per ticket":             "general",
		"does acme have a plan for 5":                   "general",
		"does acme keep tickets for long":               "general",
		"how are ticket queues supposed to work":        "general",
		"tickets, best practices for queues":            "general",
		"ticket, what is the best way to close it":      "general",
		"recent tickets: who wrote, and what they said": "list",
	})
}

func TestWordsOfGeneralKnowledgeInWhatIsLookedForAreNoGeneralKnowledge(t *testing.T) {
	t.Parallel()
	goes(t, desk, map[string]string{
		"tickets with tips for onboarding":                  "search",
		"tickets on the difference between plans":           "search",
		"find the best practices for a ticket":              "search",
		"our best practices in ticket 12":                   "get",
		"how is work on ticket 12 going":                    "get",
		"why has nobody called about ticket 12":             "get",
		"does acme have any tickets from ada":               "search",
		"did acme have tickets yesterday":                   "list",
		"how much did acme refund for ticket 12":            "get",
		"the acme plan ticket":                              "search",
		"recent tickets in acme or not":                     "list",
		"tell me the story of ticket 12":                    "get",
		"what is a recent ticket from today":                "list",
		"cancel date of ticket 12":                          "get",
		"write me a story about tickets":                    "general",
		"what's a good ticket subject for something urgent": "general",
	})
}

func TestAnotherServiceThatIsATopicIsNotAskedElsewhere(t *testing.T) {
	t.Parallel()
	goes(t, desk, map[string]string{
		"tickets on our amazon strategy":          "search",
		"my linear algebra tickets":               "search",
		"tickets with amazon order confirmations": "search",
		"recent tickets, zoom meeting tomorrow":   "list",
		"our jira":                                "elsewhere",
		"our jira, please, recent tickets":        "elsewhere",
		"open my jira for recent tickets":         "elsewhere",
		"amazon orders with tickets":              "elsewhere",
	})
}

func TestAQuestionToAnotherServiceIsNotAnsweredHere(t *testing.T) {
	t.Parallel()
	goes(t, desk, map[string]string{
		"recent tickets in freshdesk":                  "elsewhere",
		"freshdesk tickets":                            "elsewhere",
		"check my jira for tickets":                    "elsewhere",
		"recent tickets in google drive, please":       "elsewhere",
		"opportunities in salesforce close to tickets": "elsewhere",
		"tickets about freshdesk":                      "search",
		"recent tickets from jira":                     "list",
		"recent tickets in slack integration":          "list",
		`recent tickets "in freshdesk"`:                "list",
		"recent freshdesk migration tickets":           "search",
	})
	own := question.Service{
		Names: []string{"Acme API"}, Candidates: []question.Candidate{{Name: "issues", Phrases: []string{"jira issues", "jira"}}},
	}
	goes(t, own, map[string]string{"my jira issues": "issues", "what is in jira": "issues", "trello cards in jira": "elsewhere"})
	freshdesk := desk
	freshdesk.Names = []string{"Freshdesk"}
	goes(t, freshdesk, map[string]string{"recent freshdesk tickets": "list", "recent tickets in freshdesk": "list"})
}

func TestAQuestionThatIsUnderstoodNeedsNoPhrase(t *testing.T) {
	t.Parallel()
	goes(t, desk, map[string]string{
		"anything from ada lovelace":   "search",
		"from bob about refunds":       "search",
		"the last 15":                  "list",
		"yesterday":                    "list",
		"is 3391 closed":               "get",
		"yesterday's weather":          "none",
		"see you tomorrow":             "none",
		"how are you today":            "none",
		"":                             "none",
		"in 2025":                      "list",
		"2025":                         "none",
		"who is the last one to leave": "none",
		"3391 roses are very red":      "none",
	})
	choice, err := question.Choose("yesterday", desk)
	if err != nil || choice.Confidence != 0.4 || len(choice.Matched) != 0 {
		t.Errorf("%+v, %v", choice, err)
	}
	anonymous := question.Service{Candidates: []question.Candidate{{Name: "any", Takes: []string{"window"}}}}
	goes(t, anonymous, map[string]string{"from bob": "none", "from bob yesterday": "none"})
	unknown := question.Service{Candidates: []question.Candidate{{Name: "any", Phrases: []string{"order"}}}}
	if choice, err := question.Choose("yesterday", unknown); !problem.Is(err, problem.NoCapabilityMatched) {
		t.Errorf("what a capability takes is not known, and yet: %+v", choice)
	}
}

func TestShortFormsOfNounsAreTheNouns(t *testing.T) {
	t.Parallel()
	goes(t, desk, map[string]string{"recent tix": "list", "status of tkt 12": "get", "msgs in the lobby": "channel"})
}

func TestWhatIsToldOrHandedOnIsNoQuestion(t *testing.T) {
	t.Parallel()
	goes(t, desk, map[string]string{
		"tell #dispatch the road is shut":         "write",
		"open a ticket: the scanner freezes":      "write",
		"give all of ada's tickets to bob":        "write",
		"give all recent tickets":                 "list",
		"give all recent tickets to me":           "list",
		"tick off ticket 12":                      "write",
		"post the numbers in #sales":              "write",
		"message dana on acme that i am late":     "write",
		"schedule 30 minutes for tickets":         "write",
		"comment on ticket 12":                    "write",
		"tell":                                    "none",
		"tell me the recent tickets":              "list",
		"what did dana tell #dispatch last night": "channel",
	})
}

func TestAServicesOwnNounsAreNotItsPrice(t *testing.T) {
	t.Parallel()
	erp := question.Service{Names: []string{"Acme"}, Candidates: []question.Candidate{
		{Name: "records", Phrases: []string{"invoice", "bill", "price"}, Takes: []string{"text"}},
	}}
	goes(t, erp, map[string]string{"acme invoices of bob": "records", "acme invoice 12": "records", "acme bill 7": "records"})
}

func TestARefusalSaysWhatToAskAndWhatToCall(t *testing.T) {
	t.Parallel()
	list := question.Candidate{Name: "list", Phrases: []string{"queue", "ticket", "in {channel}", "open ticket"}}
	shown, long := list, list
	shown.Examples = []string{"What is in the queue?", "all tickets"}
	long.Examples = []string{strings.Repeat("tickets ", 30)}
	one := func(c question.Candidate, writes ...string) question.Service {
		return question.Service{Candidates: []question.Candidate{c}, Writes: writes}
	}
	for _, c := range []struct {
		ask  string
		of   question.Service
		want string
	}{
		{"good morning", one(shown), `What it answers is, for example, "What is in the queue?".`},
		{"good morning", one(list), `Ask with words such as "queue", "ticket", "in #general".`},
		{"good morning", one(long), strings.Repeat("tickets ", 7) + `tick…".`},
		{"good morning", question.Service{}, "Ask with words of its capabilities' trigger phrases."},
		{"delete the ticket", one(shown), "No capability of this integration changes anything."},
		{"delete the ticket", one(shown, "create", "close"),
			"What it can change is called by name, with integrationInvoke: create, close."},
		{"delete the ticket", one(shown, strings.Fields("a b c d e f g")...), "a, b, c, d, e, f and others."},
		{"how do i close a ticket", one(shown), "ask for something in it."},
	} {
		_, err := question.Choose(c.ask, c.of)
		if !problem.Is(err, problem.NoCapabilityMatched) || !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("%q: %v, and not %s", c.ask, err, c.want)
		}
	}
}
