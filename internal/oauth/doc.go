// Package oauth speaks the OAuth 2.0 wire to a vendor's authorization server, as the vendor's manifest describes it. It
// knows no database and no vendor: a Server is data, the http.Client is handed in.
//
//	Server.AuthorizeURL ──▶ the person's browser ──▶ redirect with code
//	Wire.Exchange(code, verifier) ──▶ Token        RFC 6749 section 4.1.3, RFC 7636
//	Wire.Refresh(refresh token)   ──▶ Token        RFC 6749 section 6
//	Wire.Revoke(token)                             RFC 7009
//	                              ──▶ *Error       Rejected | Transient | Misconfigured
//
// Only Rejected says that a grant is dead. Everything a network, a proxy or an ill server can answer is Transient, and
// what the operator must put right is Misconfigured: neither may end a credential.
package oauth
