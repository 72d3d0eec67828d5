-- +goose Up
-- create index "integration_account_id" to table: "integrations"
CREATE INDEX "integration_account_id" ON "integrations" ("account_id");
