package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strconv"
)

// pageMark is what a page token says: where the next page begins, of which query.
type pageMark struct {
	Offset int
	Query  string
}

// paged cuts one page out of all; it reads maxResults and pageToken. A token of another query is refused, as Google
// refuses it.
func paged[T any](q url.Values, all []T, usual, most int) (page []T, next string, fault *googleError) {
	size := usual
	if v := q.Get("maxResults"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			e := badRequest("maxResults", "Invalid value '"+v+"'. Values must be within the range: [1, "+
				strconv.Itoa(most)+"]")
			return nil, "", &e
		}
		size = min(n, most)
	}
	same := url.Values{}
	for k, v := range q {
		if k != "pageToken" && k != "maxResults" && k != "fields" {
			same[k] = v
		}
	}
	mark := pageMark{Query: digest(same.Encode())[:16]}
	if token := q.Get("pageToken"); token != "" {
		var was pageMark
		raw, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil || json.Unmarshal(raw, &was) != nil || was.Query != mark.Query || was.Offset < 0 ||
			was.Offset > len(all) {
			e := badRequest("pageToken", "Invalid page token value.")
			return nil, "", &e
		}
		mark.Offset = was.Offset
	}
	end := min(mark.Offset+size, len(all))
	page = all[mark.Offset:end]
	if end < len(all) {
		mark.Offset = end
		raw, _ := json.Marshal(mark)
		next = base64.RawURLEncoding.EncodeToString(raw)
	}
	return page, next, nil
}
