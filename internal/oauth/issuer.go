package oauth

// AnsweredBy reports whether an answer that names its issuer can be this server's (RFC 9207 section 2.4). An answer that
// names none, as most servers' still do, and a server whose name is not known prove nothing either way.
func (s *Server) AnsweredBy(issuer string) bool {
	return issuer == "" || s.Issuer == "" || issuer == s.Issuer
}
