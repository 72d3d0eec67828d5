package question

// Candidate is a read capability that may answer a question.
type Candidate struct {
	// Name is the capability's name.
	Name string
	// Phrases are its trigger phrases, for example "order status". Case, plural and punctuation do not matter.
	Phrases []string
	// Takes names what of a question the capability uses: window, people, text. It decides between capabilities that
	// share a phrase. Empty means not known, and decides nothing.
	Takes []string
}

// Choice is the capability that a question asks for.
type Choice struct {
	Name string
	// Confidence is how strongly the phrases decided, above 0 and at most 1; see Choose.
	Confidence float64
	// Matched are the chosen capability's phrases that the question holds, the deciding one first.
	Matched []string
}
