package app

import (
	"context"
	"net/url"

	"github.com/patchbay/patchbay/internal/integration"
	"github.com/patchbay/patchbay/internal/server"
)

// connector is the integration service as the edge's pages see it.
type connector struct{ *integration.Service }

// Start describes the attempt behind a one-time token.
func (c connector) Start(ctx context.Context, token string) (server.StartPage, error) {
	page, err := c.Service.Start(ctx, token)
	return server.StartPage(page), err
}

// Finish takes what the vendor sent back.
func (c connector) Finish(ctx context.Context, params url.Values, browser string) (server.FinishPage, error) {
	page, err := c.Service.Finish(ctx, params, browser)
	return server.FinishPage(page), err
}
