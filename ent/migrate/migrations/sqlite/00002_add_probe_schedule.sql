-- +goose Up
-- create index "integration_stale_at" to table: "integrations"
CREATE INDEX `integration_stale_at` ON `integrations` (`stale_at`);
-- what is there already is probed once, and from then on as its provider's manifest says
UPDATE integrations SET next_probe_at = created_at WHERE next_probe_at IS NULL AND health_reason <> 'NOT_CONFIGURED';
-- access that cannot be renewed is due when it ends
UPDATE credentials SET refresh_at = expires_at WHERE state = 'active' AND refresh_at IS NULL AND (refresh_token IS NULL OR length(refresh_token) = 0);
