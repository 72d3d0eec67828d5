// Package sandbox is a world of providers inside the binary, on loopback: an OAuth authorization server with a
// consent page, calendars, mail, every other provider of a catalog, and faults on demand. The real manifests and all
// real code run against it; only the connection goes somewhere else:
//
//	provider, oauth ──► egress ── Redirect() ──► TLS listener ──► fault? ──► host ──► by hand: calendar, mail, tokens
//	                                                                             └──► from manifest and fixtures
//	the person's browser ── AuthorizeURL() ──► plain listener ──► fault? ──► consent page ──► redirect_uri?code=…
//	curl, tests ──► plain listener ──► /_sandbox/providers, /_sandbox/faults, /_sandbox/grants, /_sandbox/requests
//
// The vendors' host names are served over TLS, signed by an authority that only the transport made from Redirect
// trusts. The people are made up: ada@example.com, who lives in Berlin, and grace@example.com, who lives in New York.
// Their events and mails follow from the date and nothing else, so a fixed clock gives fixed data: every day has a
// meeting with others, and on each Wednesday Sarah writes about the budget.
//
// # In tests
//
//	s, err := sandbox.New(sandbox.Options{Now: clock.Now})
//	err = s.Start(ctx)
//	defer s.Close()
//	door := egress.New(egress.Options{Sandbox: s.Redirect()})
//	client := s.Client("google")           // id and secret for the client group
//	page := s.AuthorizeURL(vendorURL)      // where the browser goes
//	s.Faults().Add(sandbox.Fault{Kind: sandbox.TooManyRequests, Host: "www.googleapis.com", Times: 2})
//	s.Faults().Revoke("ada@example.com")
//	n := s.Requests("oauth2.googleapis.com", "/token")
//
// Expiry is simulated by the clock: an access token ends an hour after Now gave it. Faults that hold an answer back
// with no Delay end when the client gives up, the register is cleared or the sandbox is closed, so no test sleeps.
//
// # By hand
//
// The consent page takes an answer without a person, by a parameter or by a header, which curl carries along when it
// is redirected to the page:
//
//	curl -sL "$authorizationUrl&sandbox_consent=allow"
//	curl -sL -H "Sandbox-Consent: allow" "$startUrl"
//	curl -s  -d decision=refuse "$authorizationUrl"
//
// sandbox_account=grace@example.com chooses the other account, sandbox_scopes="…" grants fewer scopes than were asked
// for. Things go wrong on demand:
//
//	faults=http://127.0.0.1:8081/_sandbox/faults
//	curl -s --json '{"kind":"revoke","account":"ada@example.com"}' $faults
//	curl -s --json '{"kind":"slow_headers","host":"gmail.googleapis.com","delay":"5s","times":1}' $faults
//	curl -s $faults
//	curl -s -X DELETE $faults
//
// # Every provider of the catalog
//
// A provider whose API is not written by hand is played from its manifest and its fixtures; /_sandbox/providers lists
// them all with a config, questions and arguments that work:
//
//   - Its authorization server asks for the client, the encoding and the scopes that the manifest names, and answers
//     with the fixtures' token, in which the sandbox's own stand: a consent page, codes, rotation, revocation.
//   - A request to its API must carry a token that was granted, or a key: any key is good until it is revoked, and its
//     first use is listed as a grant. The answer to any other is the fixture of a revoked token.
//   - It is answered with the fixture whose request is most like it: method, path, and for GraphQL what the document
//     asks for must be the same, save for what comes from settings, arguments and other answers; the parameters decide
//     among those. A page's token leads to the fixture of that page. Whatever is like no fixture is not found.
//   - Times are moved by whole days, so that what the fixture calls today is today. Calls that write are answered, and
//     nothing is kept of them.
//   - Faults are worded as the fixtures word them: too many requests is the fixture of a rate limit.
//
// {property} in a host stands for any name: every shop of a vendor's domain is played. At api.example.com and
// hook.example.com, endpoints of a company's own, every other request is answered with what it says.
//
// # Written by hand
//
// Where a world that holds together is worth more than a fixture, a vendor is one file: a function that returns its
// hosts, each a handler and the words of its errors, added to the table in New; google.go shows how. Its authorization
// server is newAuthServer with the vendor's rules. What such a vendor does not know is looked for in the fixtures.
//
// Where Google's own behaviour is not documented, the sandbox has one that is stricter or simpler: a revocation ends
// one consent, not all consents of the same account.
package sandbox
