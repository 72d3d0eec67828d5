// Package egress is the only door out. Every request to a provider or a webhook passes it, whoever chose the address.
//
//	Client(policy) ─▶ scheme, host list, userinfo ─▶ resolve ─▶ is this very address public? ─▶ connect
//	      ▲                                                      (asked for each connection, so a name
//	      └── redirect, same origin only, counted ◀── answer      that changes its address gains nothing)
//	                                                  └─▶ body, cut with ErrTooLarge
//
// Private addresses, plain http and other ports are for what the operator has allowed. In sandbox mode the names that
// the sandbox serves are dialled there, by a transport that trusts the sandbox's certificate authority and no other.
package egress
