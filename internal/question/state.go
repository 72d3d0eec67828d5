package question

import "slices"

// stateWords are states that one word names.
var stateWords = map[string]string{
	"unread": "unread", "unopened": "unread", "starred": "starred", "flagged": "starred", "important": "important",
	"attachment": "attachment", "attachments": "attachment", "attached": "attachment", "drafts": "draft", "spam": "spam",
	"junk": "spam", "trash": "trash", "trashed": "trash", "archived": "archived", "snoozed": "snoozed",
	"cancelled": "cancelled", "canceled": "cancelled", "declined": "declined", "accepted": "accepted",
	"tentative": "tentative",
}

var (
	// negations before "read" mean unread, and before an attachment that there is none.
	negations = set("not haven't hasn't never didn't don't without no unless aren't isn't")
	// beforeRead are words after which "read emails" is a state and no command.
	beforeRead = set("my all the show list find get only any already i've")
)

// states finds the states and marks their words.
func (p *parser) states() []string {
	var out []string
	add := func(i, j int, state string) {
		p.mark(i, j, "state")
		if !slices.Contains(out, state) {
			out = append(out, state)
		}
	}
	for i := range p.tokens {
		w, next := p.at(i), p.at(i+1)
		if w == "" || p.subject(i) {
			continue
		}
		switch state := stateWords[w]; {
		case state == "attachment" && p.negated(i):
			add(i, i+1, "no_attachment")
		case state != "":
			add(i, i+1, state)
		case w == "draft" && mailNouns[next]:
			add(i, i+1, "draft")
		case w == "deleted" && mailNouns[next]:
			add(i, i+1, "trash")
		case w == "opened" && p.negated(i):
			add(i, i+1, "unread")
		case w == "read":
			if p.negated(i) {
				add(i, i+1, "unread")
			} else if mailNouns[next] && beforeRead[p.at(i-1)] || p.at(i-1) == "already" ||
				p.is(i-1, "i've") || p.is(i-2, "i", "have") || p.is(i-1, "are") && next != "by" {
				add(i, i+1, "read")
			}
		case w == "sent" && p.mine(i), w == "send" && p.is(i-2, "did", "i"):
			add(i, i+1, "sent")
		}
	}
	return out
}

// negated reports whether a negation stands up to three words before i.
func (p *parser) negated(i int) bool {
	for k := i - 1; k >= 0 && k >= i-3; k-- {
		w := p.at(k)
		if negations[w] || w == "yet" && p.is(k+1, "to") {
			return true
		}
		if w == "" || !stops[w] {
			return false
		}
	}
	return false
}

// mine reports whether "sent" at i speaks of what the asker sent: "i sent", "my sent emails", "the sent folder".
func (p *parser) mine(i int) bool {
	prev, next := p.at(i-1), p.at(i+1)
	if prev == "i" || prev == "i've" || p.is(i-2, "i", "have") || p.is(i-2, "have", "i") {
		return true
	}
	return (mailNouns[next] || next == "items" || next == "folder") && (i == 0 || stops[prev] || prev == "")
}
