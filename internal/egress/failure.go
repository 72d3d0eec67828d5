package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"

	"github.com/patchbay/patchbay/internal/problem"
)

var errUnreadable = errors.New("the answer is not HTTP, or broke off")

// Failure turns an error of a Client, or of reading an answer's body, into a problem: TargetRefused, ProviderTimeout or
// ProviderFailed. It drops the URL that net/http puts in front, since a query may hold a credential, and words that
// quote what the server sent. A cancelled context stays context.Canceled; nil stays nil. ErrTooLarge can still be told
// by errors.Is.
func Failure(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*problem.Error](err); ok {
		return e
	}
	if errors.Is(err, context.Canceled) {
		return context.Canceled
	}
	if errors.Is(err, ErrTooLarge) {
		return (&problem.Error{
			Code: problem.ProviderFailed, Message: "The provider's answer is larger than Patchbay reads.",
		}).Because(ErrTooLarge)
	}
	timeout, ok := errors.AsType[net.Error](err)
	if ok && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return (&problem.Error{
			Code: problem.ProviderTimeout, Message: "The provider did not answer in time.", Retryable: true,
		}).Because(context.DeadlineExceeded)
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return (&problem.Error{
			Code: problem.ProviderFailed, Message: "The provider's certificate cannot be trusted.",
		}).Because(e)
	}
	return (&problem.Error{
		Code: problem.ProviderFailed, Message: "The provider cannot be reached.", Retryable: true,
	}).Because(presentable(err))
}

// presentable keeps a cause that quotes nothing of the request or the answer.
func presentable(err error) error {
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return e
	}
	return errUnreadable
}
